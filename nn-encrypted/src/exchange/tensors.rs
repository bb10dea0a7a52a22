//! Weights as safetensors, under the names of a `torch.nn.Sequential` or any other in their order, with the layers of a recipe.
//!
//! `NAME.weight` and `NAME.bias` of two or four extents are a layer, of one extent with `NAME.running_mean` and `NAME.running_var` a
//! normalization of the sums of the layer before it, which becomes part of that. Names are in the order of the numbers in them.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{ExchangeError, FloatLayer, FloatNetwork, Weights};
use crate::data::Normalization;
use crate::network::Extent;
use crate::recipe::{Kernel, LayerKind, Recipe};

/// The constant beside a variance.
const EPSILON: f64 = 1e-5;
/// The `format` of weights that this program exported: Linear is `[inputs, outputs]`.
const EXPORTED: &str = "nn-encrypted weights";
/// Numbers of a tensor.
const MOST_NUMBERS: usize = 1 << 24;

fn unfit(what: impl Into<String>) -> ExchangeError {
    ExchangeError::Unfit(what.into())
}

/// A name in parts, of which numbers are compared as numbers.
fn order(name: &str) -> Vec<(u64, String)> {
    let part = |part: &str| match part.parse::<u64>() {
        Ok(number) => (number, String::new()),
        Err(_) => (u64::MAX, part.to_owned()),
    };
    // The number at the end of a name such as `linear10` counts as one.
    let split = |part: &str| {
        let digits = part.len() - part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (word, number) = part.split_at(part.len() - digits);
        let word = (!word.is_empty()).then(|| word.to_owned());
        let number = (!number.is_empty()).then(|| number.to_owned());
        word.into_iter().chain(number).collect::<Vec<_>>()
    };
    name.split('.').flat_map(split).map(|piece| part(&piece)).collect()
}

/// The numbers of a tensor.
fn numbers(name: &str, view: &TensorView<'_>) -> Result<Vec<f64>, ExchangeError> {
    let wrong = |what: String| ExchangeError::Damaged(format!("tensor `{name}`: {what}"));
    let bytes = view.data();
    let all: Vec<f64> = match view.dtype() {
        Dtype::F32 => {
            let words = bytes.chunks_exact(4).map(|word| <[u8; 4]>::try_from(word).unwrap_or_default());
            words.map(|word| f64::from(f32::from_le_bytes(word))).collect()
        }
        Dtype::F64 => {
            let words = bytes.chunks_exact(8).map(|word| <[u8; 8]>::try_from(word).unwrap_or_default());
            words.map(f64::from_le_bytes).collect()
        }
        other => return Err(wrong(format!("{other:?}; F32 or F64 is needed"))),
    };
    if all.len() > MOST_NUMBERS {
        return Err(wrong(format!("{} numbers; at most {MOST_NUMBERS} are read", all.len())));
    }
    match all.iter().position(|value| !value.is_finite()) {
        Some(place) => Err(wrong(format!("number {place} is {}", all[place]))),
        None => Ok(all),
    }
}

/// A shape, and as many numbers as it has.
type Shaped = (Vec<usize>, Vec<f64>);

/// A file on the way to layers.
struct Reading<'a> {
    tensors: SafeTensors<'a>,
    exported: bool,
}

impl Reading<'_> {
    fn find(&self, name: &str) -> Result<Option<Shaped>, ExchangeError> {
        let Ok(view) = self.tensors.tensor(name) else { return Ok(None) };
        Ok(Some((view.shape().to_vec(), numbers(name, &view)?)))
    }

    /// Layers in the order of their names.
    fn layers(&self) -> Result<Vec<FloatLayer>, ExchangeError> {
        let names = self.tensors.names();
        let mut names: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".weight")).collect();
        names.sort_by_key(|name| order(name));
        let mut layers: Vec<FloatLayer> = Vec::new();
        for name in names {
            let Some((shape, weight)) = self.find(&format!("{name}.weight"))? else { continue };
            let bias = self.find(&format!("{name}.bias"))?.map(|(_, bias)| bias);
            if let [channels] = shape[..] {
                let before = layers.last_mut().filter(|layer| layer.bias.len() == channels);
                let before =
                    before.ok_or_else(|| unfit(format!("`{name}` normalizes no layer before it")))?;
                self.normalize(name, before, &weight, bias)?;
                continue;
            }
            layers.push(self.layer(name, &shape, weight, bias)?);
        }
        Ok(layers)
    }

    fn layer(
        &self,
        name: &str,
        shape: &[usize],
        weight: Vec<f64>,
        bias: Option<Vec<f64>>,
    ) -> Result<FloatLayer, ExchangeError> {
        let (weights, outputs) = match *shape {
            [_, outputs] if self.exported => (Weights::Linear(weight), outputs),
            [outputs, inputs] => {
                let turned = |place: usize| weight[place % outputs * inputs + place / outputs];
                (Weights::Linear((0..weight.len()).map(turned).collect()), outputs)
            }
            [out, channels, rows, columns] => (Weights::Conv(weight, [channels, rows, columns]), out),
            _ => {
                return Err(unfit(format!(
                    "`{name}.weight` of shape {shape:?}; two extents of a Linear, or four of a Conv2d, are needed"
                )));
            }
        };
        let bias = bias.unwrap_or_else(|| vec![0.0; outputs]);
        if bias.len() != outputs || outputs == 0 {
            return Err(unfit(format!("`{name}`: {} biases of {outputs} outputs", bias.len())));
        }
        Ok(FloatLayer::new(name, weights, bias))
    }

    fn normalize(
        &self,
        name: &str,
        layer: &mut FloatLayer,
        gamma: &[f64],
        beta: Option<Vec<f64>>,
    ) -> Result<(), ExchangeError> {
        let statistic = |which: &str| {
            let found = self.find(&format!("{name}.running_{which}"))?.map(|(_, all)| all);
            found.filter(|all| all.len() == gamma.len()).ok_or_else(|| {
                unfit(format!(
                    "`{name}.running_{which}` is missing; a BatchNorm with its statistics is needed"
                ))
            })
        };
        let (mean, variance) = (statistic("mean")?, statistic("var")?);
        let factors: Vec<f64> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
        let beta = beta.unwrap_or_else(|| vec![0.0; gamma.len()]);
        if beta.len() != gamma.len() || factors.iter().any(|factor| !factor.is_finite()) {
            return Err(unfit(format!("`{name}`: statistics that normalize nothing")));
        }
        let summands: Vec<f64> = beta.iter().zip(&mean).zip(&factors).map(|((b, m), f)| b - m * f).collect();
        layer.then(&factors, &summands);
        Ok(())
    }
}

/// The network of weights in a file and the layers of a recipe, whose `data.normalize` of method `affine` is what the network was given.
///
/// # Errors
/// If the bytes are damaged, or weights do not fit the layers.
pub(crate) fn read(bytes: &[u8], recipe: &Recipe) -> Result<FloatNetwork, ExchangeError> {
    let damaged = |error: safetensors::SafeTensorError| ExchangeError::Damaged(error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let format = header.metadata().as_ref().and_then(|all| all.get("format")).map_or("", String::as_str);
    let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let reading = Reading { tensors, exported: format == EXPORTED };
    let mut found = reading.layers()?.into_iter();
    let (mut layers, mut pool): (Vec<FloatLayer>, _) = (vec![], [1, 1]);
    for (place, layer) in recipe.layers.iter().enumerate() {
        if layer.kind.is_pooling() {
            pool = layer.kernel.map_or([1, 1], Kernel::sides);
        } else if layer.kind.has_weights() {
            let mut next = found.next().ok_or_else(|| {
                unfit(format!("no weights of layer {} ({}) of the recipe", place + 1, layer.kind))
            })?;
            let fits = match &next.weights {
                Weights::Linear(_) => {
                    layer.kind == LayerKind::Linear && layer.out_features.is_none_or(|n| n == next.bias.len())
                }
                Weights::Conv(_, [_, rows, columns]) => {
                    let sides = layer.kernel.map(Kernel::sides) == Some([*rows, *columns]);
                    layer.kind == LayerKind::Conv2d && sides && layer.channels == Some(next.bias.len())
                }
            };
            if !fits {
                let what = format!(
                    "`{}` with {} outputs does not fit layer {} ({}) of the recipe: give it a recipe for its shape",
                    next.name,
                    next.bias.len(),
                    place + 1,
                    layer.kind
                );
                return Err(unfit(what));
            }
            next.pool = std::mem::replace(&mut pool, [1, 1]);
            layers.push(next);
        } else if let Some(before) = layers.last_mut() {
            before.activation = layer.function();
        }
    }
    if let Some(next) = found.next() {
        return Err(unfit(format!("the recipe has no layer for `{}`", next.name)));
    }
    // The sigmoid of the outputs is left to the client.
    if let Some(last) = layers.last_mut() {
        last.activation = None;
    }
    network(layers, recipe)
}

fn network(layers: Vec<FloatLayer>, recipe: &Recipe) -> Result<FloatNetwork, ExchangeError> {
    let extent = match layers.first().map(|first| (&first.weights, first.bias.len())) {
        Some((Weights::Linear(weight), outputs)) => Extent::row(weight.len() / outputs.max(1)),
        Some((Weights::Conv(_, [1, ..]), _)) => {
            return Err(unfit(
                "the first layer is a convolution, and safetensors say no size of images: export the network as ONNX",
            ));
        }
        _ => return Err(unfit("no layer with weights, or a convolution of several channels first")),
    };
    let mut width = extent.width;
    for layer in &layers {
        if let Weights::Linear(weight) = &layer.weights {
            if weight.len() != width * layer.bias.len() {
                return Err(unfit(format!(
                    "`{}` takes {} inputs; {width} are there",
                    layer.name,
                    weight.len() / layer.bias.len()
                )));
            }
            width = layer.bias.len();
        }
    }
    let input = match recipe.data.normalize {
        Normalization::Affine { divisor, center, .. } => {
            Some([vec![1.0 / divisor; extent.width], vec![-center; extent.width]])
        }
        _ => None,
    };
    let mut network = FloatNetwork { extent, input, layers, classes: vec![], columns: vec![] };
    network.with_two_outputs();
    network.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(settings: &[&str]) -> Recipe {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        Recipe::load("hesamifard2017", &[&["data.set=iris".to_owned()][..], &settings[..]].concat()).unwrap()
    }

    fn file(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            (name.to_string(), TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    const FIRST: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

    #[test]
    fn layers_are_in_the_order_of_their_numbers() {
        let recipe = recipe(&["layers.1.out_features=2"]);
        let bytes = file(&[
            ("10.weight", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("2.weight", &[2, 2], &FIRST),
            ("2.bias", &[2], &[0.5, -0.5]),
            // γ/√(variance + ε) = 2, about.
            ("3.weight", &[2], &[2.0, 2.0]),
            ("3.bias", &[2], &[1.0, 1.0]),
            ("3.running_mean", &[2], &[0.5, 0.0]),
            ("3.running_var", &[2], &[1.0, 1.0]),
        ]);
        let network = read(&bytes, &recipe).unwrap();
        let [first, last] = &network.layers[..] else { panic!("two layers") };
        let (Weights::Linear(a), Weights::Linear(b)) = (&first.weights, &last.weights) else {
            panic!("Linear")
        };
        let close =
            |found: &[f64], expected: &[f64]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close(a, &[2.0, 6.0, 4.0, 8.0]) && close(&first.bias, &[1.0, 0.0]), "{first:?}");
        assert_eq!((b, &last.bias), (&vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0], &vec![0.0; 3]));
        assert_eq!((network.extent.width, network.classes.len()), (2, 3));
    }

    #[test]
    fn what_does_not_fit_the_recipe_is_named() {
        let told = |tensors: &[(&str, &[usize], &[f32])], settings: &[&str]| {
            read(&file(tensors), &recipe(settings)).unwrap_err().to_string()
        };
        let two = ["layers.1.out_features=2"];
        assert!(told(&[("0.weight", &[2, 2], &FIRST)], &two).contains("no weights of layer 3"));
        assert!(
            told(&[("0.weight", &[2, 2], &FIRST)], &[]).contains("`0` with 2 outputs does not fit layer 1")
        );
        assert!(told(&[("0.weight", &[4], &FIRST)], &two).contains("normalizes no layer"));
        assert!(told(&[("0.weight", &[1, 2, 2], &FIRST)], &two).contains("two extents of a Linear"));
        assert!(told(&[("0.weight", &[2, 2], &[f32::NAN; 4])], &two).contains("number 0 is NaN"));
        assert!(read(b"nothing", &recipe(&two)).is_err());
    }

    #[test]
    fn names_are_ordered_by_the_numbers_in_them() {
        let mut names = ["linear10", "linear2", "features.3.conv", "features.12.conv", "head"];
        names.sort_by_key(|name| order(name));
        assert_eq!(names, ["features.3.conv", "features.12.conv", "head", "linear2", "linear10"]);
    }
}
