//! A model of real numbers as safetensors.

use safetensors::tensor::{Dtype, SafeTensors};

use super::weights::{Tensor, Tensors, Values, eights};
use crate::recipe::{RealLayerState, RealModel};

const KINDS: [&str; 4] = ["weight", "bias", "weight_momentum", "bias_momentum"];

fn name(layer: usize, kind: &str) -> String {
    format!("layer{}.{kind}", layer + 1)
}

/// Kind, shape and values of the tensors of a layer, in the order of [`KINDS`].
fn parts(layer: &RealLayerState) -> [(Vec<usize>, &[f64]); 4] {
    let bias = vec![layer.bias.len()];
    [
        (layer.shape.clone(), &layer.weight),
        (bias.clone(), &layer.bias),
        (layer.shape.clone(), &layer.weight_momentum),
        (bias, &layer.bias_momentum),
    ]
}

impl Tensors for RealModel {
    fn tensors(&self) -> Vec<Tensor> {
        let of = |kinds: std::ops::Range<usize>| {
            self.layers.iter().enumerate().flat_map(move |(l, layer)| {
                let all = KINDS.into_iter().zip(parts(layer)).skip(kinds.start).take(kinds.len());
                all.map(move |(kind, (shape, values))| Tensor {
                    name: name(l, kind),
                    shape,
                    values: Values::Reals(values.to_vec()),
                })
            })
        };
        of(0..2).chain(of(2..4)).collect()
    }
}

/// A model with layers like those of another, or which tensor is missing, has another shape, or a value that is not
/// finite.
pub(super) fn reals_from_bytes(bytes: &[u8], like: &RealModel) -> Result<RealModel, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let layers = like.layers.iter().enumerate().map(|(l, layer)| {
        let bias = [layer.bias.len()];
        let read = |kind, shape: &[usize]| reals(&tensors, &name(l, kind), shape);
        Ok(RealLayerState {
            shape: layer.shape.clone(),
            weight: read(KINDS[0], &layer.shape)?,
            bias: read(KINDS[1], &bias)?,
            weight_momentum: read(KINDS[2], &layer.shape)?,
            bias_momentum: read(KINDS[3], &bias)?,
        })
    });
    Ok(RealModel { layers: layers.collect::<Result<_, String>>()? })
}

/// The values of one tensor.
fn reals(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f64>, String> {
    let values: Vec<f64> = eights(tensors, name, shape, Dtype::F64)?.map(f64::from_le_bytes).collect();
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("{name} has {value}, a finite number is needed")),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::to_bytes;
    use super::*;

    fn model() -> RealModel {
        let state = |shape: &[usize], biases: usize| {
            let count = shape.iter().product();
            let tenths = |count: usize| (0..count).map(|i| i as f64 / 10.0 + 1e-17).collect::<Vec<_>>();
            RealLayerState {
                shape: shape.to_vec(),
                weight: tenths(count),
                bias: tenths(biases),
                weight_momentum: vec![-0.5; count],
                bias_momentum: vec![f64::MIN_POSITIVE; biases],
            }
        };
        RealModel { layers: vec![state(&[2, 1, 3], 2), state(&[4, 1], 1)] }
    }

    #[test]
    fn a_model_comes_back_bit_for_bit() {
        let model = model();
        let names: Vec<String> = model.tensors().into_iter().map(|tensor| tensor.name).collect();
        assert_eq!(names[..3], ["layer1.weight", "layer1.bias", "layer2.weight"]);
        assert_eq!(names[7], "layer2.bias_momentum");
        assert_eq!(reals_from_bytes(&to_bytes(&model).unwrap(), &model).unwrap(), model);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = model();
        let message = |change: &dyn Fn(&mut RealModel)| {
            let mut model = model();
            change(&mut model);
            reals_from_bytes(&to_bytes(&model).unwrap(), &good).unwrap_err()
        };
        let nan = message(&|model| model.layers[1].bias_momentum[0] = f64::NAN);
        assert_eq!(nan, "layer2.bias_momentum has NaN, a finite number is needed");
        let infinite = message(&|model| model.layers[0].weight[5] = f64::NEG_INFINITY);
        assert_eq!(infinite, "layer1.weight has -inf, a finite number is needed");
        let shape = message(&|model| model.layers[0].shape = vec![1, 2, 3]);
        assert_eq!(shape, "layer1.weight is F64 of shape [1, 2, 3], needed F64 of [2, 1, 3]");
        assert!(message(&|model| drop(model.layers.pop())).starts_with("layer2.weight: "));
    }
}
