//! A model as safetensors: integers at the scale of the recipe.

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::recipe::{LayerState, Model, Network, Recipe};

fn name(layer: usize, kind: &str) -> String {
    format!("linear{}.{kind}", layer + 1)
}

/// The bytes of a model.
pub(super) fn to_bytes(model: &Model) -> Result<Vec<u8>, String> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (l, layer) in model.layers.iter().enumerate() {
        let matrices = [("weight", &layer.weight), ("weight_momentum", &layer.weight_momentum)];
        let vectors = [("bias", &layer.bias), ("bias_momentum", &layer.bias_momentum)];
        let bytes = |values: &mut dyn Iterator<Item = &i64>| values.flat_map(|v| v.to_le_bytes()).collect();
        tensors.extend(matrices.map(|(kind, m)| (name(l, kind), m.shape().to_vec(), bytes(&mut m.iter()))));
        tensors.extend(vectors.map(|(kind, v)| (name(l, kind), v.shape().to_vec(), bytes(&mut v.iter()))));
    }
    let wrong = |error: safetensors::SafeTensorError| error.to_string();
    let views = (tensors.iter())
        .map(|(name, shape, data)| Ok((name.clone(), TensorView::new(Dtype::I64, shape.clone(), data)?)))
        .collect::<Result<HashMap<_, _>, _>>()
        .map_err(wrong)?;
    safetensors::serialize(views, None).map_err(wrong)
}

/// The model of a network, or which tensor is missing, has another shape, or a value above the bound of the recipe.
pub(super) fn from_bytes(bytes: &[u8], network: &Network, recipe: &Recipe) -> Result<Model, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let matrix = |name: String, shape: [usize; 2]| {
        let values = values(&tensors, &name, &shape, recipe)?;
        Array2::from_shape_vec(shape, values).map_err(|error| format!("{name}: {error}"))
    };
    let vector = |name: String, length: usize| {
        Ok::<_, String>(Array1::from_vec(values(&tensors, &name, &[length], recipe)?))
    };
    let layers = network.layers.iter().enumerate().map(|(l, layer)| {
        let shape = [layer.inputs, layer.outputs];
        Ok(LayerState {
            weight: matrix(name(l, "weight"), shape)?,
            bias: vector(name(l, "bias"), layer.outputs)?,
            weight_momentum: matrix(name(l, "weight_momentum"), shape)?,
            bias_momentum: vector(name(l, "bias_momentum"), layer.outputs)?,
        })
    });
    Ok(Model { layers: layers.collect::<Result<_, String>>()? })
}

/// The values of one tensor, checked.
fn values(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
    recipe: &Recipe,
) -> Result<Vec<i64>, String> {
    let view = tensors.tensor(name).map_err(|error| format!("{name}: {error}"))?;
    if view.shape() != shape || view.dtype() != Dtype::I64 {
        let (dtype, found) = (view.dtype(), view.shape());
        return Err(format!("{name} is {dtype:?} of shape {found:?}, needed I64 of {shape:?}"));
    }
    let words = view.data().chunks_exact(8).map(|c| i64::from_le_bytes(c.try_into().unwrap_or_default()));
    let words: Vec<i64> = words.collect();
    let q = &recipe.quantization;
    let scaled = |bound: f64, bits: u32| (bound * f64::from(bits).exp2()) as u64;
    let most = if name.ends_with("momentum") {
        scaled(q.bounds.momentum, q.momentum_bits)
    } else {
        scaled(q.bounds.weight, q.weight_bits)
    };
    match words.iter().find(|word| word.unsigned_abs() > most) {
        Some(word) => Err(format!("{name} has {word}, needed at most {most} in magnitude")),
        None => Ok(words),
    }
}
