//! The forward pass.

use ndarray::{Array1, Array2, ArrayRef2};

use super::fixed::{power, round_shift};
use super::matrix::{max_abs, product};
use super::range::Ranges;
use super::refresh::Refresh;
use super::{Twin, TwinError, overflow};
use crate::activation::DyadicPolynomial;
use crate::recipe::{Linear, Tensor};

/// The weights of a layer as they enter products.
pub(super) struct Rounded {
    pub(super) weight: Array2<i64>,
    bias: Array1<i64>,
}

/// What the forward pass leaves behind: inputs and pre-activations of each layer.
pub(super) struct Forward {
    pub(super) inputs: Vec<Array2<i64>>,
    pub(super) preactivations: Vec<Array2<i64>>,
}

pub(super) fn rounded(twin: &Twin) -> Vec<Rounded> {
    let q = &twin.recipe.quantization;
    let shift = q.weight_bits - q.product_weight_bits;
    let high = |w: i64| round_shift(w, shift);
    let layers = twin.model.layers.iter();
    layers.map(|layer| Rounded { weight: layer.weight.mapv(high), bias: layer.bias.mapv(high) }).collect()
}

pub(super) fn forward(
    twin: &Twin,
    weights: &[Rounded],
    x: &ArrayRef2<i32>,
    ranges: &mut Ranges,
) -> Result<Forward, TwinError> {
    let mut forward = Forward { inputs: Vec::new(), preactivations: Vec::new() };
    let mut input = x.mapv(i64::from);
    for (layer, weights) in twin.network.layers.iter().zip(weights) {
        if input.ncols() != layer.inputs {
            return Err(TwinError::Shape { what: "features", found: input.ncols(), needed: layer.inputs });
        }
        let tensor = if layer.activation.is_some() { Tensor::Preactivation } else { Tensor::Output };
        let bits = (layer.sum_bits, layer.preactivation_bits);
        let refresh = Refresh::new(&twin.recipe, tensor, &layer.name, bits);
        let mut z = weighted_sums(layer, weights, &input, &refresh.name)?;
        refresh.apply(&mut z, ranges)?;
        let next = match &layer.activation {
            Some(activation) => {
                let name = format!("{}.activation", layer.name);
                let values = evaluate(&activation.value, &z).ok_or_else(|| overflow(&name))?;
                let bits = activation.value.fraction_bits;
                ranges.observe(&name, bits, max_abs(values.iter()), values.len(), 0);
                values
            }
            None => Array2::default((0, 0)),
        };
        forward.preactivations.push(z);
        forward.inputs.push(std::mem::replace(&mut input, next));
    }
    Ok(forward)
}

/// Inputs times weights plus bias, whose input is the number 1.
fn weighted_sums(
    layer: &Linear,
    weights: &Rounded,
    input: &Array2<i64>,
    name: &str,
) -> Result<Array2<i64>, TwinError> {
    let one = power(layer.input_bits).ok_or_else(|| overflow(name))?;
    let mut sums = product(name, input, &weights.weight)?;
    let bias = u128::from(max_abs(weights.bias.iter())) * one as u128;
    if u128::from(max_abs(sums.iter())) + bias > i64::MAX as u128 {
        return Err(overflow(name));
    }
    for mut row in sums.rows_mut() {
        row.zip_mut_with(&weights.bias, |sum, bias| *sum += bias * one);
    }
    Ok(sums)
}

/// The polynomial of every value; `None` on overflow.
pub(super) fn evaluate(polynomial: &DyadicPolynomial, z: &Array2<i64>) -> Option<Array2<i64>> {
    let values: Option<Vec<i64>> = z.iter().map(|&z| polynomial.value(z)).collect();
    Array2::from_shape_vec(z.dim(), values?).ok()
}
