//! The errors, from the last layer back to the first.

use ndarray::Array2;

use super::fixed::power;
use super::forward::{Forward, Rounded, evaluate};
use super::matrix::{max_abs, product};
use super::range::Ranges;
use super::refresh::Refresh;
use super::{Twin, TwinError, overflow};
use crate::recipe::Tensor;

/// The errors of all layers, input first.
pub(super) fn backward(
    twin: &Twin,
    weights: &[Rounded],
    forward: &Forward,
    labels: &[usize],
    ranges: &mut Ranges,
) -> Result<Vec<Array2<i64>>, TwinError> {
    let layers = &twin.network.layers;
    let mut error = output_error(twin, forward, labels)?;
    let mut errors = Vec::with_capacity(layers.len());
    for (l, layer) in layers.iter().enumerate().rev().skip(1) {
        let Some(activation) = &layer.activation else {
            continue;
        };
        let bits = (layer.error_sum_bits, layer.error_bits);
        let refresh = Refresh::new(&twin.recipe, Tensor::Error, &layer.name, bits);
        let too_large = || overflow(&refresh.name);
        let mut before = product(&refresh.name, &error, &weights[l + 1].weight.t())?;
        let slope = evaluate(&activation.derivative, &forward.preactivations[l]).ok_or_else(too_large)?;
        let bound = u128::from(max_abs(before.iter())) * u128::from(max_abs(slope.iter()));
        if bound > i64::MAX as u128 {
            return Err(too_large());
        }
        before.zip_mut_with(&slope, |error, slope| *error *= slope);
        refresh.apply(&mut before, ranges)?;
        errors.push(std::mem::replace(&mut error, before));
    }
    errors.push(error);
    errors.reverse();
    Ok(errors)
}

/// Outputs minus one-hot labels.
fn output_error(twin: &Twin, forward: &Forward, labels: &[usize]) -> Result<Array2<i64>, TwinError> {
    let bits = twin.network.layers.last().map_or(0, |layer| layer.preactivation_bits);
    let one = power(bits).ok_or_else(|| overflow("labels"))?;
    let mut error = forward.preactivations.last().cloned().unwrap_or_default();
    let classes = error.ncols();
    for (mut row, &label) in error.rows_mut().into_iter().zip(labels) {
        let wrong = TwinError::Shape { what: "class of a label", found: label, needed: classes };
        *row.get_mut(label).ok_or(wrong)? -= one;
    }
    Ok(error)
}
