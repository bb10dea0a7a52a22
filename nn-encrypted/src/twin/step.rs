//! One step of training, and the forward pass alone.

use ndarray::{Array, Array1, Array2, ArrayRef2, Axis, Dimension};

use super::fixed::{power, rescale, round_shift, saturate};
use super::matrix::product;
use super::range::Ranges;
use super::{Trace, Twin, TwinError};
use crate::activation::DyadicPolynomial;
use crate::recipe::{LayerState, Linear, Tensor};

/// The weights of all layers as they enter products.
struct Rounded {
    weight: Array2<i64>,
    bias: Array1<i64>,
}

/// What the forward pass leaves behind: inputs and pre-activations of each layer.
struct Forward {
    inputs: Vec<Array2<i64>>,
    preactivations: Vec<Array2<i64>>,
}

fn overflow(tensor: &str) -> TwinError {
    TwinError::Overflow {
        tensor: tensor.to_owned(),
    }
}

pub(super) fn outputs(twin: &Twin, x: &ArrayRef2<i32>) -> Result<Array2<i64>, TwinError> {
    let weights = rounded(twin);
    let mut forward = forward(twin, &weights, x, &mut Ranges::default())?;
    Ok(forward.preactivations.pop().unwrap_or_default())
}

pub(super) fn step(twin: &mut Twin, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<Trace, TwinError> {
    if labels.len() != x.nrows() {
        return Err(TwinError::Shape {
            what: "labels of a batch",
            found: labels.len(),
            needed: x.nrows(),
        });
    }
    let mut ranges = std::mem::take(&mut twin.ranges);
    let result = compute(twin, x, labels, &mut ranges);
    twin.ranges = ranges;
    let (trace, layers) = result?;
    twin.model.layers = layers;
    Ok(trace)
}

fn compute(
    twin: &Twin,
    x: &ArrayRef2<i32>,
    labels: &[usize],
    ranges: &mut Ranges,
) -> Result<(Trace, Vec<LayerState>), TwinError> {
    let weights = rounded(twin);
    let forward = forward(twin, &weights, x, ranges)?;
    let errors = backward(twin, &weights, &forward, labels, ranges)?;
    let mut trace = Trace {
        preactivations: vec![],
        errors: vec![],
        weight_gradients: vec![],
        bias_gradients: vec![],
    };
    let mut states = Vec::new();
    let layers = twin.network.layers.iter().zip(&twin.model.layers);
    for ((layer, state), (input, error)) in layers.zip(forward.inputs.iter().zip(&errors)) {
        let name = format!("{}.gradient", layer.name);
        let weight = product(&name, &input.t(), error)?;
        let one = power(layer.input_bits).ok_or_else(|| overflow(&name))?;
        let ones = Array2::from_elem((1, error.nrows()), one);
        let bias = product(&name, &ones, error)?.remove_axis(Axis(0));
        ranges.observe(&name, layer.gradient_bits, weight.iter());
        states.push(updated(twin, layer, state, (&weight, &bias), ranges)?);
        trace.weight_gradients.push(weight);
        trace.bias_gradients.push(bias);
    }
    (trace.preactivations, trace.errors) = (forward.preactivations, errors);
    Ok((trace, states))
}

fn rounded(twin: &Twin) -> Vec<Rounded> {
    let q = &twin.recipe.quantization;
    let shift = q.weight_bits - q.product_weight_bits;
    let high = |w: i64| round_shift(w, shift);
    let layers = twin.model.layers.iter();
    layers
        .map(|layer| Rounded {
            weight: layer.weight.mapv(high),
            bias: layer.bias.mapv(high),
        })
        .collect()
}

fn forward(
    twin: &Twin,
    weights: &[Rounded],
    x: &ArrayRef2<i32>,
    ranges: &mut Ranges,
) -> Result<Forward, TwinError> {
    let q = &twin.recipe.quantization;
    let mut forward = Forward {
        inputs: Vec::new(),
        preactivations: Vec::new(),
    };
    let mut input = x.mapv(i64::from);
    for (layer, weights) in twin.network.layers.iter().zip(weights) {
        if input.ncols() != layer.inputs {
            return Err(TwinError::Shape {
                what: "features",
                found: input.ncols(),
                needed: layer.inputs,
            });
        }
        let hidden = layer.activation.is_some();
        let (tensor, bound, name) = if hidden {
            (Tensor::Preactivation, q.bounds.preactivation, "preactivation")
        } else {
            (Tensor::Output, q.bounds.output, "output")
        };
        let name = format!("{}.{name}", layer.name);
        let one = power(layer.input_bits).ok_or_else(|| overflow(&name))?;
        let bias = checked(weights.bias.mapv(|b| b.checked_mul(one))).ok_or_else(|| overflow(&name))?;
        let mut sum = product(&name, &input, &weights.weight)?;
        for mut row in sum.rows_mut() {
            add(row.as_slice_mut().unwrap_or_default(), bias.iter().copied())
                .ok_or_else(|| overflow(&name))?;
        }
        let z = refresh(
            twin,
            tensor,
            &name,
            sum,
            (layer.sum_bits, layer.preactivation_bits),
            bound,
            ranges,
        )?;
        let next = match &layer.activation {
            Some(activation) => {
                let name = format!("{}.activation", layer.name);
                let values = evaluate(&activation.value, &z).ok_or_else(|| overflow(&name))?;
                ranges.observe(&name, activation.value.fraction_bits, values.iter());
                values
            }
            None => Array2::zeros((0, 0)),
        };
        forward.preactivations.push(z);
        forward.inputs.push(std::mem::replace(&mut input, next));
    }
    Ok(forward)
}

/// The errors of all layers, input first.
fn backward(
    twin: &Twin,
    weights: &[Rounded],
    forward: &Forward,
    labels: &[usize],
    ranges: &mut Ranges,
) -> Result<Vec<Array2<i64>>, TwinError> {
    let layers = &twin.network.layers;
    let (Some(last), Some(outputs)) = (layers.last(), forward.preactivations.last()) else {
        return Ok(Vec::new());
    };
    let mut error = outputs.clone();
    let one = power(last.preactivation_bits).ok_or_else(|| overflow("labels"))?;
    for (mut row, &label) in error.rows_mut().into_iter().zip(labels) {
        let Some(output) = row.get_mut(label) else {
            return Err(TwinError::Shape {
                what: "class of a label",
                found: label,
                needed: last.outputs,
            });
        };
        *output -= one;
    }
    let mut errors = vec![error];
    for l in (1..layers.len()).rev() {
        let (layer, name) = (&layers[l - 1], format!("{}.error", layers[l - 1].name));
        let Some(activation) = &layer.activation else {
            continue;
        };
        let slope = evaluate(&activation.derivative, &forward.preactivations[l - 1]);
        let slope = slope.ok_or_else(|| overflow(&name))?;
        let sum = product(&name, &errors[errors.len() - 1], &weights[l].weight.t())?;
        let terms = ndarray::Zip::from(&sum)
            .and(&slope)
            .map_collect(|e, s| e.checked_mul(*s));
        let terms = checked(terms).ok_or_else(|| overflow(&name))?;
        let bits = (layer.error_sum_bits, layer.error_bits);
        let bound = twin.recipe.quantization.bounds.error;
        errors.push(refresh(twin, Tensor::Error, &name, terms, bits, bound, ranges)?);
    }
    errors.reverse();
    Ok(errors)
}

/// Weights, biases and momentum after a step.
fn updated(
    twin: &Twin,
    layer: &Linear,
    state: &LayerState,
    (weight, bias): (&Array2<i64>, &Array1<i64>),
    ranges: &mut Ranges,
) -> Result<LayerState, TwinError> {
    let mut new = |w: &[i64], v: &[i64], g: &[i64]| update(twin, layer, w, v, g, ranges);
    let slice = |a: &Array2<i64>| a.iter().copied().collect::<Vec<i64>>();
    let weights = new(
        &slice(&state.weight),
        &slice(&state.weight_momentum),
        &slice(weight),
    )?;
    let biases = new(
        &state.bias.to_vec(),
        &state.bias_momentum.to_vec(),
        &bias.to_vec(),
    )?;
    let matrix = |values| {
        Array2::from_shape_vec(state.weight.dim(), values)
            .map_err(|_| overflow(&format!("{}.weight", layer.name)))
    };
    Ok(LayerState {
        weight: matrix(weights.0)?,
        weight_momentum: matrix(weights.1)?,
        bias: Array1::from_vec(biases.0),
        bias_momentum: Array1::from_vec(biases.1),
    })
}

/// `V' = μV + G/2^k` and `W' = W - ηV'` at their exact scales, then refreshed: (W, V).
fn update(
    twin: &Twin,
    layer: &Linear,
    w: &[i64],
    v: &[i64],
    g: &[i64],
    ranges: &mut Ranges,
) -> Result<(Vec<i64>, Vec<i64>), TwinError> {
    let (q, optimizer) = (&twin.recipe.quantization, &twin.recipe.optimizer);
    let (rate, momentum) = (optimizer.learning_rate, optimizer.momentum);
    let name = |tensor: &str| format!("{}.{tensor}", layer.name);
    let factor = |numerator: i64, bits: u32| numerator.checked_mul(power(bits)?);
    let v_bits = layer.momentum_sum_bits;
    let w_bits = layer.weight_sum_bits;
    let factors = || {
        Some((
            factor(momentum.numerator(), v_bits - q.momentum_bits - momentum.bits())?,
            factor(1, v_bits - layer.gradient_bits - optimizer.batch_shift())?,
            factor(1, w_bits - q.weight_bits)?,
            factor(rate.numerator(), w_bits - v_bits - rate.bits())?,
        ))
    };
    let (of_v, of_g, of_w, of_step) = factors().ok_or_else(|| overflow(&name("momentum")))?;
    let sum = |a: i64, fa: i64, b: i64, fb: i64| a.checked_mul(fa)?.checked_add(b.checked_mul(fb)?);
    let new_v: Option<Vec<i64>> = v.iter().zip(g).map(|(&v, &g)| sum(v, of_v, g, of_g)).collect();
    let new_v = new_v.ok_or_else(|| overflow(&name("momentum")))?;
    let new_w: Option<Vec<i64>> = w
        .iter()
        .zip(&new_v)
        .map(|(&w, &v)| sum(w, of_w, v, -of_step))
        .collect();
    let new_w = new_w.ok_or_else(|| overflow(&name("weight")))?;
    let mut finish = |tensor, name: String, values, bits, bound| {
        let values = Array1::from_vec(values);
        refresh(twin, tensor, &name, values, bits, bound, ranges).map(|values| values.to_vec())
    };
    let bounds = &q.bounds;
    let w = finish(
        Tensor::Weight,
        name("weight"),
        new_w,
        (w_bits, q.weight_bits),
        bounds.weight,
    )?;
    let v = finish(
        Tensor::Momentum,
        name("momentum"),
        new_v,
        (v_bits, q.momentum_bits),
        bounds.momentum,
    )?;
    Ok((w, v))
}

/// Rounds from bits to bits and saturates to the real bound, if the recipe refreshes this kind of tensor.
fn refresh<D: Dimension>(
    twin: &Twin,
    tensor: Tensor,
    name: &str,
    mut values: Array<i64, D>,
    (from, to): (u32, u32),
    bound: f64,
    ranges: &mut Ranges,
) -> Result<Array<i64, D>, TwinError> {
    if !twin.recipe.refresh.tensors.contains(&tensor) {
        ranges.observe(name, from, values.iter());
        return Ok(values);
    }
    let bound = (bound * 2_f64.powi(to as i32)) as i64;
    ranges.observe(name, from, values.iter());
    let mut saturated = 0;
    for value in &mut values {
        let new = rescale(*value, from, to).ok_or_else(|| overflow(name))?;
        saturated += u64::from(new.unsigned_abs() > bound.unsigned_abs());
        *value = saturate(new, bound);
    }
    ranges.saturated(name, saturated);
    Ok(values)
}

fn evaluate(polynomial: &DyadicPolynomial, z: &Array2<i64>) -> Option<Array2<i64>> {
    checked(z.mapv(|z| polynomial.value(z)))
}

fn add(to: &mut [i64], values: impl Iterator<Item = i64>) -> Option<()> {
    for (to, value) in to.iter_mut().zip(values) {
        *to = to.checked_add(value)?;
    }
    Some(())
}

/// All values, if there are all.
fn checked<D: Dimension>(values: Array<Option<i64>, D>) -> Option<Array<i64, D>> {
    values
        .iter()
        .all(Option::is_some)
        .then(|| values.mapv(Option::unwrap_or_default))
}
