//! A model as safetensors: integers at the scale of the recipe, or real numbers.

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::recipe::{LayerState, Model, Network, Recipe, WordLayer, WordModel};
use crate::words::Format;

fn name(layer: usize, kind: &str) -> String {
    format!("linear{}.{kind}", layer + 1)
}

/// A named tensor.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// Its values, the last index fastest.
    pub(super) values: Values,
}

/// The values of a tensor.
pub(super) enum Values {
    /// Integers.
    Integers(Vec<i64>),
    /// Real numbers.
    Reals(Vec<f64>),
}

impl Values {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Integers(_) => Dtype::I64,
            Self::Reals(_) => Dtype::F64,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Integers(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::Reals(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

impl Tensor {
    fn matrix(layer: usize, kind: &str, values: &Array2<i64>) -> Self {
        let shape = values.shape().to_vec();
        Self { name: name(layer, kind), shape, values: Values::Integers(values.iter().copied().collect()) }
    }

    fn vector(layer: usize, kind: &str, values: &Array1<i64>) -> Self {
        Self { name: name(layer, kind), shape: vec![values.len()], values: Values::Integers(values.to_vec()) }
    }
}

/// A model as tensors.
pub(super) trait Tensors {
    /// All of them; weights and biases first.
    fn tensors(&self) -> Vec<Tensor>;
}

impl Tensors for Model {
    fn tensors(&self) -> Vec<Tensor> {
        let layers = || self.layers.iter().enumerate();
        let values = layers().flat_map(|(l, layer)| {
            [Tensor::matrix(l, "weight", &layer.weight), Tensor::vector(l, "bias", &layer.bias)]
        });
        let momenta = layers().flat_map(|(l, layer)| {
            let weight = Tensor::matrix(l, "weight_momentum", &layer.weight_momentum);
            [weight, Tensor::vector(l, "bias_momentum", &layer.bias_momentum)]
        });
        values.chain(momenta).collect()
    }
}

impl Tensors for WordModel {
    fn tensors(&self) -> Vec<Tensor> {
        let tensors = self.layers.iter().enumerate().flat_map(|(l, layer)| {
            [Tensor::matrix(l, "weight", &layer.weight), Tensor::vector(l, "bias", &layer.bias)]
        });
        tensors.collect()
    }
}

/// The bytes of a model.
pub(super) fn to_bytes(model: &impl Tensors) -> Result<Vec<u8>, String> {
    let wrong = |error: safetensors::SafeTensorError| error.to_string();
    let bytes = |tensor: Tensor| (tensor.values.bytes(), tensor);
    let tensors: Vec<(Vec<u8>, Tensor)> = model.tensors().into_iter().map(bytes).collect();
    let views = (tensors.iter())
        .map(|(data, tensor)| {
            let view = TensorView::new(tensor.values.dtype(), tensor.shape.clone(), data)?;
            Ok((tensor.name.clone(), view))
        })
        .collect::<Result<HashMap<_, _>, _>>()
        .map_err(wrong)?;
    safetensors::serialize(views, None).map_err(wrong)
}

/// The model of a network, or which tensor is missing, has another shape, or a value above the bound of the recipe.
pub(super) fn from_bytes(bytes: &[u8], network: &Network, recipe: &Recipe) -> Result<Model, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let q = &recipe.quantization;
    let scaled = |bound: f64, bits: u32| (bound * f64::from(bits).exp2()) as u64;
    let kept = scaled(q.bounds.weight, q.weight_bits);
    let momentum = scaled(q.bounds.momentum, q.momentum_bits);
    let layers = network.layers.iter().enumerate().map(|(l, layer)| {
        let shape = [layer.inputs, layer.outputs];
        Ok(LayerState {
            weight: matrix(&tensors, &name(l, "weight"), shape, kept)?,
            bias: vector(&tensors, &name(l, "bias"), layer.outputs, kept)?,
            weight_momentum: matrix(&tensors, &name(l, "weight_momentum"), shape, momentum)?,
            bias_momentum: vector(&tensors, &name(l, "bias_momentum"), layer.outputs, momentum)?,
        })
    });
    Ok(Model { layers: layers.collect::<Result<_, String>>()? })
}

/// The model of words of a network with these widths, or which tensor is missing, has another shape, or a value that is no
/// word.
pub(super) fn words_from_bytes(bytes: &[u8], widths: &[usize], format: Format) -> Result<WordModel, String> {
    // The least word has the largest magnitude.
    integers_from_bytes(bytes, widths, format.largest().unsigned_abs() + 1)
}

/// The model of integers up to `most` in magnitude, or which tensor is wrong.
pub(super) fn integers_from_bytes(bytes: &[u8], widths: &[usize], most: u64) -> Result<WordModel, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let layers = widths.windows(2).enumerate().map(|(l, pair)| {
        Ok(WordLayer {
            weight: matrix(&tensors, &name(l, "weight"), [pair[0], pair[1]], most)?,
            bias: vector(&tensors, &name(l, "bias"), pair[1], most)?,
        })
    });
    Ok(WordModel { layers: layers.collect::<Result<_, String>>()? })
}

fn matrix(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: [usize; 2],
    most: u64,
) -> Result<Array2<i64>, String> {
    let values = values(tensors, name, &shape, most)?;
    Array2::from_shape_vec(shape, values).map_err(|error| format!("{name}: {error}"))
}

fn vector(tensors: &SafeTensors<'_>, name: &str, length: usize, most: u64) -> Result<Array1<i64>, String> {
    Ok(Array1::from_vec(values(tensors, name, &[length], most)?))
}

/// The values of one tensor, of at most a magnitude.
fn values(tensors: &SafeTensors<'_>, name: &str, shape: &[usize], most: u64) -> Result<Vec<i64>, String> {
    let words: Vec<i64> = (eights(tensors, name, shape, Dtype::I64)?).map(i64::from_le_bytes).collect();
    match words.iter().find(|word| word.unsigned_abs() > most) {
        Some(word) => Err(format!("{name} has {word}, needed at most {most} in magnitude")),
        None => Ok(words),
    }
}

/// The values of one tensor of eight bytes each.
pub(super) fn eights<'t>(
    tensors: &'t SafeTensors<'_>,
    name: &str,
    shape: &[usize],
    needed: Dtype,
) -> Result<impl Iterator<Item = [u8; 8]> + use<'t>, String> {
    let view = tensors.tensor(name).map_err(|error| format!("{name}: {error}"))?;
    if view.shape() != shape || view.dtype() != needed {
        let (dtype, found) = (view.dtype(), view.shape());
        return Err(format!("{name} is {dtype:?} of shape {found:?}, needed {needed:?} of {shape:?}"));
    }
    Ok(view.data().chunks_exact(8).map(|chunk| chunk.try_into().unwrap_or_default()))
}
