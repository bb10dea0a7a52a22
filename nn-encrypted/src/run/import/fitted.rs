//! The recipe for a network from elsewhere: its layers in the schemes of a recipe, with bounds of its ranges.

use ndarray::{Array2, ArrayRef2};

use super::ranges::{Reference, WIDER};
use crate::activation::{Dyadic, Function, fit_at};
use crate::data::{Balance, Coding, Normalization};
use crate::exchange::{FloatLayer, FloatNetwork, Weights};
use crate::model::{LayerState, Model};
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::recipe::{
    Arithmetic, Backward, Kernel, Layer, LayerKind, Loss, Numbers, Recipe, RefreshStrategy, Scalar, Scheme,
};
use crate::run::Session;

/// Largest results of tables between layers, in their units.
const TABLE_RESULTS: f64 = 63.0;
/// The largest learning rate of a recipe.
const FASTEST: f64 = 64.0;
/// A term of a polynomial that is less than this at the end of its interval is rounding.
const SMALLEST_TERM: f64 = 1e-9;
/// Fractional bits of the coefficients of polynomials, at most.
const COEFFICIENT_BITS: f64 = 20.0;

/// A name of fractional bits, and one more of them.
type OneMore = (&'static str, fn(&mut Numbers) -> u32);

/// Fractional bits that a recipe may be given more of.
pub(super) const BITS: [OneMore; 5] = [
    ("input_bits", |numbers| {
        numbers.input_bits += 1;
        numbers.input_bits
    }),
    ("product_weight_bits", |numbers| {
        numbers.product_weight_bits += 1;
        numbers.weight_bits = numbers.weight_bits.max(numbers.product_weight_bits);
        numbers.product_weight_bits
    }),
    ("preactivation_bits", |numbers| {
        numbers.preactivation_bits += 1;
        numbers.preactivation_bits
    }),
    ("output_bits", |numbers| {
        numbers.output_bits += 1;
        numbers.output_bits
    }),
    ("fraction_bits", |numbers| {
        let bits = numbers.word_fraction_bits() + 2;
        numbers.fraction_bits = crate::recipe::Setting::Value(bits as usize);
        bits
    }),
];

/// The pre-activations of each layer on calibration rows.
fn trace(float: &FloatNetwork, recipe: &Recipe, x: &ArrayRef2<f64>) -> Result<Vec<Array2<f64>>, String> {
    let image = float.extent.height > 1;
    let sides = image.then_some([float.extent.height, float.extent.width]);
    let outputs = float.layers.last().map_or(0, |layer| layer.bias.len());
    let network = Network::new(recipe, x.ncols(), sides, outputs).map_err(|error| error.to_string())?;
    let trace = Reference::new(&network, float).trace(0, x);
    match trace.iter().flatten().all(|values| values.iter().all(|value| value.is_finite())) {
        true => Ok(trace.into_iter().map(|[sums, _]| sums).collect()),
        false => Err("pre-activations on the calibration rows are no finite numbers".to_owned()),
    }
}

fn range(sums: &ArrayRef2<f64>) -> [f64; 2] {
    sums.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], z| [low.min(*z), high.max(*z)])
}

/// Ranges of the pre-activations of each layer on calibration rows.
fn ranges(float: &FloatNetwork, recipe: &Recipe, x: &ArrayRef2<f64>) -> Result<Vec<[f64; 2]>, String> {
    Ok(trace(float, recipe, x)?.iter().map(|sums| range(sums)).collect())
}

/// The recipe for a network in floating point, given the features of calibration rows. Layers before a ReLU whose results a table holds are
/// brought to the range of the table, which is made good behind it: ReLU lets factors pass.
///
/// # Errors
/// If the recipe has no layers to take after, or no format for the ranges.
pub(super) fn recipe(
    base: &Recipe,
    float: &mut FloatNetwork,
    x: &ArrayRef2<f64>,
    degree: usize,
) -> Result<Recipe, String> {
    let mut made = base.clone();
    let weights = base.layers.iter().find(|layer| layer.kind.has_weights()).map_or(Scheme::Bgv, |l| l.scheme);
    let ending = base.layers.last().filter(|layer| layer.kind.is_activation()).cloned();
    let between = base.layers.iter().find(|layer| layer.kind.is_activation()).map_or(weights, |l| l.scheme);
    made.layers = layers(float, weights, between)?;
    made.loss = if ending.is_some() { Loss::CrossEntropy } else { Loss::Quadratic };
    made.target_smoothing = 0.0;
    made.layers.extend(ending);
    forward_only(&mut made, weights);
    if between.looks_up() {
        rescale(float, &made, x)?;
    }
    polynomials(&mut made, float, x, degree)?;
    let found = ranges(float, &made, x)?;
    let reach = |range: &[f64; 2]| WIDER * range[0].abs().max(range[1].abs());
    let (hidden, last) = found.split_at(found.len().saturating_sub(1));
    let bounds = &mut made.numbers.bounds;
    let up = |value: f64, bits: u32| {
        let unit = f64::from(bits).exp2();
        ((value * unit).ceil() / unit).max(1.0 / unit)
    };
    let numbers = &base.numbers;
    bounds.preactivation = up(hidden.iter().map(reach).fold(0.0, f64::max), numbers.preactivation_bits);
    bounds.output = up(last.iter().map(reach).fold(0.0, f64::max), numbers.output_bits);
    let largest = float.layers.iter().flat_map(|layer| {
        let (Weights::Linear(weight) | Weights::Conv(weight, _)) = &layer.weights;
        weight.iter().chain(&layer.bias).map(|value| value.abs())
    });
    bounds.weight = up(largest.fold(0.0, f64::max), numbers.product_weight_bits);
    data(&mut made);
    Ok(made)
}

/// Layers of a recipe for those of a network.
fn layers(float: &FloatNetwork, weights: Scheme, between: Scheme) -> Result<Vec<Layer>, String> {
    let plain = |kind, scheme| Layer {
        kind,
        scheme,
        out_features: None,
        channels: None,
        kernel: None,
        coefficients: None,
        polynomial: None,
    };
    let (mut all, depth) = (Vec::new(), float.layers.len());
    for (l, layer) in float.layers.iter().enumerate() {
        if layer.pool != [1, 1] {
            let kernel = Some(Kernel::Rectangle(layer.pool));
            all.push(Layer { kernel, ..plain(LayerKind::AvgPool2d, weights) });
        }
        all.push(match &layer.weights {
            Weights::Linear(_) => {
                Layer { out_features: Some(layer.bias.len()), ..plain(LayerKind::Linear, weights) }
            }
            Weights::Conv(_, [_, rows, columns]) => Layer {
                channels: Some(layer.bias.len()),
                kernel: Some(Kernel::Rectangle([*rows, *columns])),
                ..plain(LayerKind::Conv2d, weights)
            },
        });
        let (kind, coefficients) = match &layer.activation {
            None if l + 1 == depth => break,
            None => (LayerKind::Identity, None),
            Some(Function::Relu) => (LayerKind::ReLU, None),
            Some(Function::Tanh) => (LayerKind::Tanh, None),
            Some(Function::Sigmoid) => (LayerKind::Sigmoid, None),
            Some(Function::CentredSigmoid) => (LayerKind::CentredSigmoid, None),
            Some(Function::Gelu) => (LayerKind::GELU, None),
            Some(Function::Real(all)) => polynomial(all),
            Some(Function::Polynomial(known)) => polynomial(&known.to_real()),
        };
        all.push(Layer { coefficients, ..plain(kind, between) });
    }
    if float.layers.last().is_some_and(|layer| matches!(layer.weights, Weights::Conv(..))) {
        return Err(
            "the last layer with weights is a convolution; a Gemm or MatMul is needed there".to_owned()
        );
    }
    Ok(all)
}

/// The kind of a polynomial, with its coefficients if it has no name.
fn polynomial(all: &[f64]) -> (LayerKind, Option<Vec<Scalar>>) {
    match all {
        [0.0, 1.0] => (LayerKind::Identity, None),
        [0.0, 0.0, 1.0] => (LayerKind::Square, None),
        _ => (LayerKind::Polynomial, Some(all.iter().filter_map(|&c| Scalar::new(c)).collect())),
    }
}

/// A recipe of which no backward pass is planned, as far as its scheme lets the client take that.
fn forward_only(recipe: &mut Recipe, weights: Scheme) {
    let refresh = &mut recipe.refresh;
    let client = RefreshStrategy::Client;
    match (refresh.strategy, weights.arithmetic()) {
        (RefreshStrategy::Client, _) => {
            refresh.backward = Backward::Client;
            // Formats of updates are made though nothing is updated: with the fewest bits.
            let optimizer = &mut recipe.optimizer;
            optimizer.learning_rate = Scalar::from(Dyadic::new(1, 0));
            (optimizer.momentum, optimizer.nesterov) = (Scalar::from(Dyadic::new(0, 0)), false);
        }
        (RefreshStrategy::Bootstrap, Arithmetic::Reals) => {
            (refresh.strategy, refresh.backward, refresh.tensors) = (client, Backward::Client, vec![]);
        }
        (RefreshStrategy::Clean, _) => {
            // Weights have the bits of one update; without any they have the fewest, and pre-activations the widest range.
            let most = f64::from(recipe.optimizer.batch_shift()).exp2().min(FASTEST);
            recipe.numbers.bounds.error = recipe.numbers.bounds.error.min(1.0);
            recipe.optimizer.learning_rate = Scalar::new(most).unwrap_or(recipe.optimizer.learning_rate);
        }
        _ => {}
    }
}

/// Brings results of ReLU to the range of tables.
fn rescale(float: &mut FloatNetwork, recipe: &Recipe, x: &ArrayRef2<f64>) -> Result<(), String> {
    let most = TABLE_RESULTS / f64::from(recipe.numbers.input_bits).exp2();
    let found = ranges(float, recipe, x)?;
    for (l, [low, high]) in found.iter().enumerate().take(float.layers.len().saturating_sub(1)) {
        let high = high.max(-low) * WIDER;
        if float.layers[l].activation != Some(Function::Relu) || high <= 0.0 {
            continue;
        }
        let factor = most / high;
        let outputs = float.layers[l].bias.len();
        float.layers[l].then(&vec![factor; outputs], &vec![0.0; outputs]);
        let next: &mut FloatLayer = &mut float.layers[l + 1];
        let (Weights::Linear(weight) | Weights::Conv(weight, _)) = &mut next.weights;
        weight.iter_mut().for_each(|w| *w /= factor);
    }
    Ok(())
}

/// Polynomials stand for activations that are none, each closest on the pre-activations of calibration rows within their widened range. Of
/// real numbers layers are brought to within ±1 before, since powers of larger ones lose digits.
fn polynomials(
    recipe: &mut Recipe,
    float: &mut FloatNetwork,
    x: &ArrayRef2<f64>,
    degree: usize,
) -> Result<(), String> {
    let depth = float.layers.len();
    let mut layer = 0;
    for at in 0..recipe.layers.len() {
        let own = &recipe.layers[at];
        layer += usize::from(own.kind.has_weights());
        let (scheme, fitted) = (own.scheme, own.is_fitted() && !own.scheme.looks_up());
        let (true, Some(l)) = (fitted && layer < depth, layer.checked_sub(1)) else { continue };
        let Some(function) = own.function() else { continue };
        let sums = &trace(float, recipe, x)?[l];
        let range = range(sums);
        let spare = ((range[1] - range[0]) * (WIDER - 1.0) / 2.0).max(1e-3);
        let interval = [range[0] - spare, range[1] + spare];
        let end = interval[0].abs().max(interval[1].abs());
        let exact = scheme.arithmetic() == Arithmetic::Integers;
        let gain = if exact { 1.0 } else { end.log2().ceil().exp2() };
        let value = |u: f64| function.value(gain * u);
        let scaled = interval.map(|end| end / gain);
        let mut found = fit_at(value, degree, scaled, sums.iter().map(|z| z / gain));
        let end = end / gain;
        // Coefficients are rounded by less than what takes 2^-6 from the value at the end of the interval.
        let powers: f64 = (0..=degree as i32).map(|power| end.powi(power)).sum();
        let unit = (5.0 + powers.log2()).ceil().clamp(6.0, COEFFICIENT_BITS).exp2();
        if exact {
            found.iter_mut().for_each(|c| *c = (*c * unit).round() / unit);
        }
        let negligible = |(power, c): (usize, &f64)| c.abs() * end.powi(power as i32) < SMALLEST_TERM;
        let leading = found.iter().enumerate().rposition(|term| !negligible(term)).unwrap_or(0);
        if leading == 0 {
            return Err(format!("layer {} ({}) is constant on the calibration rows", at + 1, own.kind));
        }
        found.truncate(leading + 1);
        let coefficients = found.iter().filter_map(|&c| Scalar::new(c)).collect();
        let outputs = float.layers[l].bias.len();
        float.layers[l].then(&vec![1.0 / gain; outputs], &vec![0.0; outputs]);
        (float.layers[l].gain, float.layers[l].interval) = (gain, Some(interval));
        let own = &mut recipe.layers[at];
        (own.kind, own.coefficients) = (LayerKind::Polynomial, Some(coefficients));
    }
    Ok(())
}

/// Settings of the data: rows of numbers that are within ±1.
fn data(recipe: &mut Recipe) {
    let data = &mut recipe.data;
    data.normalize = Normalization::MinMax { limit: 1.0 };
    (data.outputs, data.balance, data.stratify) = (Coding::OneHot, Balance::None, false);
    (data.frozen, data.positive, data.window, data.group) = (None, None, None, None);
    data.columns.clear();
    data.ignore.clear();
}

/// The weights of a network as the schemes of a session hold them.
///
/// # Errors
/// If one is larger than its scheme holds; the layer is named.
pub(super) fn model(session: &Session, float: &FloatNetwork) -> Result<Model, String> {
    let layers = session.network.layers.iter().zip(&float.layers).map(|(layer, own)| {
        let grid = weight_grid(&session.recipe, layer);
        let (Weights::Linear(weight) | Weights::Conv(weight, _)) = &own.weights;
        let held = |values: &[f64]| -> Result<Vec<f64>, String> {
            let rounded = |value: &f64| match grid.bits {
                // No number has a sign at 0.
                Some(bits) => (value * f64::from(bits).exp2()).round() / f64::from(bits).exp2() + 0.0,
                None => *value,
            };
            let all: Vec<f64> = values.iter().map(rounded).collect();
            match all.iter().find(|value| value.abs() > grid.bound) {
                Some(value) => Err(format!(
                    "{} (`{}`): a weight of {value:.4}; {} of layer {} holds up to {}",
                    layer.name, own.name, layer.scheme, layer.index, grid.bound
                )),
                None => Ok(all),
            }
        };
        let (weight, bias) = (held(weight)?, held(&own.bias)?);
        let [weight_momentum, bias_momentum] = [&weight, &bias].map(|values| vec![0.0; values.len()]);
        Ok(LayerState { shape: layer.shape(), weight, bias, weight_momentum, bias_momentum })
    });
    Ok(Model { layers: layers.collect::<Result<_, String>>()? })
}
