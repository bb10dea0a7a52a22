//! The form of an exported file.
//!
//! A graph of ONNX takes rows of features as a table has them and gives the outputs of the network and what they decide. It computes
//! with the numbers of the recipe where these are integers that a client refreshes: features and pre-activations are rounded and
//! saturated as they are there, and weights are those that enter products, so that the outputs are the very same as long as single
//! precision holds them, 24 bits. Elsewhere, in CKKS and where tables are looked up, weights are as they were exported, and activations
//! polynomials or functions in floating point.

use crate::activation::Function;
use crate::data::Coding;
use crate::exchange::onnx::{Graph, Output};
use crate::model::{LayerState, Model};
use crate::network::{Extent, Layer};
use crate::recipe::{Arithmetic, LayerKind, Loss, RefreshStrategy, RefreshTensor};
use crate::run::Session;
use crate::twin::is_logit;

/// The form of an exported file.
///
/// ```
/// use nn_encrypted::run::{ExportFormat, ExportOptions};
///
/// let options = ExportOptions { format: ExportFormat::Onnx, ..ExportOptions::default() };
/// assert_ne!(options.format, ExportFormat::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// Weights and biases in double precision, for this program.
    #[default]
    Safetensors,
    /// A graph from rows of a table to classes or values, opset 13 in single precision, for any program that runs ONNX.
    Onnx,
}

impl ExportFormat {
    /// Whether a model of a session has this form.
    ///
    /// # Errors
    /// What has none, in words.
    pub(super) fn check(self, session: &Session) -> Result<(), String> {
        if self == Self::Safetensors {
            return Ok(());
        }
        let intake = &session.data.intake;
        if intake.frozen.is_some() {
            return Err("the frozen network in front of this model has no form in ONNX here; --format safetensors writes its layers".to_owned());
        }
        if intake.scale.maps().is_none() {
            return Err(
                "data.normalize.method = \"whiten\" has no form in ONNX here: affine, min_max and standardize have; --format safetensors writes the layers"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// If the model is not of the network.
    pub(super) fn bytes(
        self,
        session: &Session,
        model: &Model,
        said: Vec<(String, String)>,
    ) -> Result<Vec<u8>, String> {
        match self {
            Self::Safetensors => {
                model.weights_to_bytes(&session.network, said).map_err(|error| error.to_string())
            }
            Self::Onnx => {
                model.check_shapes(&session.network).map_err(|error| error.to_string())?;
                graph(session, model, said)
            }
        }
    }
}

/// Fractional bits of features to which a graph rounds them.
const FINEST: u32 = 16;

/// The file of a model as a graph.
fn graph(session: &Session, model: &Model, said: Vec<(String, String)>) -> Result<Vec<u8>, String> {
    let (recipe, data, network) = (&session.recipe, &session.data, &session.network);
    let mut graph = Graph::new(data.features.len());
    let words = |words: &[String]| serde_json::to_string(words).map_err(|error| error.to_string());
    graph.say("columns", words(&data.features)?);
    if !data.classes.is_empty() {
        graph.say("classes", words(&data.classes)?);
    }
    said.into_iter().for_each(|(key, value)| graph.say(&key, value));
    features(session, &mut graph);
    let whole = recipe.loss == Loss::Quadratic;
    for (l, (layer, state)) in network.layers.iter().zip(&model.layers).enumerate() {
        let last = l + 1 == network.depth();
        weights(session, layer, state, &mut graph);
        if let Some((bits, bound)) = refreshed(session, l) {
            graph.rounded(bits, bound);
        }
        let activation = layer.activation.as_ref().filter(|_| whole || !last);
        if let Some(activation) = activation {
            let dyadic = activation.dyadic.clone().map(Function::Polynomial);
            let exact = dyadic.filter(|_| activation.scheme.arithmetic() == Arithmetic::Integers);
            graph.activation(&exact.unwrap_or_else(|| activation.looked_up()));
        }
    }
    let width = data.outputs;
    graph.output("outputs", Output::Reals(width));
    match (&data.series, recipe.data.outputs) {
        (Some(series), _) => {
            graph.with("Add", &[], &[series.center]);
            graph.with("Mul", &[], &[series.divisor]);
            graph.output("value", Output::Reals(width));
        }
        (None, Coding::Single) => graph.above(if is_logit(recipe) { 0.0 } else { 0.5 }, "class"),
        (None, _) => {
            graph.softmax("scores", width);
            graph.largest("class");
        }
    }
    Ok(graph.finish())
}

/// From rows of a table to features as the first layer takes them.
fn features(session: &Session, graph: &mut Graph) {
    let (data, count) = (&session.data, session.data.features.len());
    let maps = data.intake.scale.maps().unwrap_or_default();
    let parts = [
        ("Sub", maps.iter().map(|map| map.0).collect::<Vec<_>>(), 0.0),
        ("Div", maps.iter().map(|map| map.1).collect(), 1.0),
        ("Sub", maps.iter().map(|map| map.2).collect(), 0.0),
    ];
    for (operator, values, neutral) in parts {
        match values.first() {
            Some(first) if values.iter().all(|value| value == first) => {
                if *first != neutral {
                    graph.with(operator, &[], &[*first]);
                }
            }
            _ => graph.with(operator, &[count], &values),
        }
    }
    let unit = f64::from(data.fraction_bits).exp2();
    let bound = f64::from(data.bound) / unit;
    // Real numbers are rounded so finely that single precision tells no difference.
    match data.fraction_bits {
        ..=FINEST => graph.rounded(data.fraction_bits, bound),
        _ => graph.saturated(bound),
    }
}

/// A layer with weights, and the pooling before it.
fn weights(session: &Session, layer: &Layer, state: &LayerState, graph: &mut Graph) {
    let of_products = |values: &[f64]| -> Vec<f64> {
        let Some(bits) = product_bits(session, layer) else { return values.to_vec() };
        let unit = f64::from(bits).exp2();
        values.iter().map(|value| (value * unit).round() / unit).collect()
    };
    let (weight, bias) = (of_products(&state.weight), of_products(&state.bias));
    let Extent { channels, height, width } = layer.input;
    let flat = layer.kind == LayerKind::Linear && layer.pool == [1, 1];
    if !flat {
        graph.reshape(&[channels, height, width]);
    }
    if layer.pool != [1, 1] {
        graph.average(layer.pool);
    }
    if layer.kind == LayerKind::Linear {
        if !flat {
            graph.reshape(&[layer.pooled().size()]);
        }
        graph.linear([layer.pooled().size(), layer.outputs()], &weight, &bias);
        return;
    }
    let [rows, columns] = layer.kernel;
    graph.convolution([layer.output.channels, channels, rows, columns], &weight, &bias);
    graph.reshape(&[layer.outputs()]);
}

/// Fractional bits of weights as they enter products of integers that are refreshed; none of other numbers.
fn product_bits(session: &Session, layer: &Layer) -> Option<u32> {
    let numbers = &session.recipe.numbers;
    is_refreshed(session, layer).then(|| numbers.product_weight_bits.min(numbers.weight_bits))
}

fn is_refreshed(session: &Session, layer: &Layer) -> bool {
    session.recipe.refresh.strategy == RefreshStrategy::Client
        && layer.scheme.arithmetic() == Arithmetic::Integers
}

/// Fractional bits and bound of the pre-activations of a layer, if the layer that goes on with them has integers and they are refreshed.
fn refreshed(session: &Session, l: usize) -> Option<(u32, f64)> {
    let (recipe, layers) = (&session.recipe, &session.network.layers);
    let (last, numbers) = (l + 1 == layers.len(), &recipe.numbers);
    let (tensor, bits, bound) = if last {
        (RefreshTensor::Output, numbers.output_bits, numbers.bounds.output)
    } else {
        (RefreshTensor::Preactivation, numbers.preactivation_bits, numbers.bounds.preactivation)
    };
    let next = layers.get(l + 1).or(layers.get(l))?;
    (is_refreshed(session, next) && recipe.refresh.tensors.contains(&tensor)).then_some((bits, bound))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::exchange::onnx::evaluate::{evaluate, parts};
    use crate::recipe::Recipe;

    fn trained(name: &str, settings: &[&str]) -> (Session, Model) {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let session = Session::new(Recipe::load(name, &settings).unwrap(), None).unwrap();
        let mut twin = session.twin(session.first.clone()).unwrap();
        for batch in session.batches.schedule(0).take(40) {
            let (x, targets) = session.batch(batch).unwrap();
            twin.step(&x, &targets).unwrap();
        }
        let model = twin.model().clone();
        (session, model)
    }

    /// Rows of the test part as the table has them.
    fn rows(session: &Session) -> Array2<f32> {
        let x = session.features(&session.data.test.x);
        let maps = session.data.intake.scale.maps().unwrap();
        Array2::from_shape_fn(x.dim(), |(row, feature)| {
            let (offset, divisor, center) = maps[feature];
            ((x[(row, feature)] + center) * divisor + offset) as f32
        })
    }

    fn outputs(session: &Session, model: &Model) -> Array2<f64> {
        session.outputs(&mut session.twin(model.clone()).unwrap(), &session.data.test).unwrap()
    }

    #[test]
    fn the_graph_of_integers_computes_the_very_numbers_of_the_recipe() {
        for settings in [&["data.set=digits"][..], &["data.set=iris"]] {
            let (session, model) = trained("hesamifard2017", settings);
            let bytes = ExportFormat::Onnx.bytes(&session, &model, vec![]).unwrap();
            let found = evaluate(&bytes, &rows(&session), "outputs");
            let expected = outputs(&session, &model);
            assert_eq!(found.mapv(f64::from), expected);
            let class = evaluate(&bytes, &rows(&session), "class");
            let classes = crate::twin::classes(&session.recipe, &expected);
            assert!(class.iter().zip(&classes).all(|(a, b)| *a == *b as f32));
        }
    }

    #[test]
    fn the_graph_of_real_numbers_is_close() {
        let settings = ["data.set=iris", "variant=cross_entropy", "data.normalize.limit=1.0"];
        for settings in [&settings[..1], &settings] {
            let (session, model) = trained("ckks_sgd", settings);
            let bytes = ExportFormat::Onnx.bytes(&session, &model, vec![]).unwrap();
            let found = evaluate(&bytes, &rows(&session), "outputs").mapv(f64::from);
            let most = (found - outputs(&session, &model)).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            assert!(most < 1e-4, "{most}");
        }
    }

    #[test]
    fn the_parts_of_a_file() {
        let (session, model) = trained("hesamifard2017", &["data.set=iris"]);
        let bytes = ExportFormat::Onnx.bytes(&session, &model, vec![("recipe".into(), "r".into())]).unwrap();
        let (operators, outputs, said) = parts(&bytes);
        let count = |operator: &str| operators.iter().filter(|found| *found == operator).count();
        assert_eq!((count("Gemm"), count("Floor"), count("Clip"), count("ArgMax")), (2, 3, 3, 1));
        assert_eq!(outputs, ["outputs", "scores", "class"]);
        assert_eq!(said["classes"], "[\"setosa\",\"versicolor\",\"virginica\"]");
        assert_eq!((said["recipe"].as_str(), said.contains_key("columns")), ("r", true));
        // A whitened table, and a frozen network before the model, have no form.
        let settings = "data.normalize={ method = \"whiten\", scale = 0.5, limit = 1.5 }";
        let (whitened, _) = trained("hesamifard2017", &["data.set=iris", settings]);
        assert!(ExportFormat::Onnx.check(&whitened).unwrap_err().contains("whiten"));
        assert_eq!(ExportFormat::Safetensors.check(&whitened), Ok(()));
    }
}
