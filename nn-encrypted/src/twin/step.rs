//! One step of training.

use ndarray::{Array2, ArrayRef2, Axis};

use super::backward::backward;
use super::fixed::power;
use super::forward::{forward, rounded};
use super::matrix::{max_abs, product};
use super::range::Ranges;
use super::update::update;
use super::{Trace, Twin, TwinError, overflow};
use crate::recipe::Model;

/// A model from elsewhere may have other shapes than the network.
fn check_shapes(twin: &Twin) -> Result<(), TwinError> {
    let (layers, states) = (&twin.network.layers, &twin.model.layers);
    let mut extents = vec![("layers of the model", states.len(), layers.len())];
    for (layer, state) in layers.iter().zip(states) {
        extents.extend([
            ("rows of a weight", state.weight.nrows(), layer.inputs),
            ("columns of a weight", state.weight.ncols(), layer.outputs),
            ("rows of a momentum", state.weight_momentum.nrows(), layer.inputs),
            ("columns of a momentum", state.weight_momentum.ncols(), layer.outputs),
            ("extent of a bias", state.bias.len(), layer.outputs),
            ("extent of a bias momentum", state.bias_momentum.len(), layer.outputs),
        ]);
    }
    match extents.into_iter().find(|(_, found, needed)| found != needed) {
        Some((what, found, needed)) => Err(TwinError::Shape { what, found, needed }),
        None => Ok(()),
    }
}

pub(super) fn outputs(twin: &Twin, x: &ArrayRef2<i32>) -> Result<Array2<i64>, TwinError> {
    check_shapes(twin)?;
    let mut forward = forward(twin, &rounded(twin), x, &mut Ranges::default())?;
    Ok(forward.preactivations.pop().unwrap_or_default())
}

/// What a batch makes of the model; observed ranges are noted in `ranges`.
pub(super) fn step(
    twin: &Twin,
    x: &ArrayRef2<i32>,
    labels: &[usize],
    ranges: &mut Ranges,
) -> Result<(Trace, Model), TwinError> {
    if labels.len() != x.nrows() {
        return Err(TwinError::Shape { what: "labels of a batch", found: labels.len(), needed: x.nrows() });
    }
    check_shapes(twin)?;
    let weights = rounded(twin);
    let forward = forward(twin, &weights, x, ranges)?;
    let errors = backward(twin, &weights, &forward, labels, ranges)?;
    let (mut weight_gradients, mut bias_gradients, mut layers) = (Vec::new(), Vec::new(), Vec::new());
    let states = twin.network.layers.iter().zip(&twin.model.layers);
    for ((layer, state), (input, error)) in states.zip(forward.inputs.iter().zip(&errors)) {
        let name = format!("{}.gradient", layer.name);
        let one = power(layer.input_bits).ok_or_else(|| overflow(&name))?;
        let ones = Array2::from_elem((1, error.nrows()), one); // the input of the bias
        let weight = product(&name, &input.t(), error)?;
        let bias = product(&name, &ones, error)?.remove_axis(Axis(0));
        let largest = max_abs(weight.iter().chain(&bias));
        ranges.observe(&name, layer.gradient_bits, largest, weight.len() + bias.len(), 0);
        layers.push(update(twin, layer, state, (&weight, &bias), ranges)?);
        weight_gradients.push(weight);
        bias_gradients.push(bias);
    }
    let trace = Trace { preactivations: forward.preactivations, errors, weight_gradients, bias_gradients };
    Ok((trace, Model { layers }))
}
