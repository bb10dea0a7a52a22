//! Linear, Conv1d, Conv2d and AvgPool as products of matrices: which number stands where.
//!
//! A pooling is a sum over windows, divided by their size. A convolution is a product with *patches*: for each image and each
//! position of the output a row with the inputs under the taps, in the order of the weights (channel, row, column). A fully
//! connected layer has one position and is its own patch. Rows are images, columns channels of rows of positions.

use ndarray::Array2;

use super::error::{Result, TwinError};
use super::tensor::Tensor;
use crate::model::LayerState;
use crate::network::{Extent, Layer};
use crate::recipe::LayerKind;

/// How many positions an output channel has; 1 of a fully connected layer.
fn positions(layer: &Layer) -> usize {
    if layer.kind == LayerKind::Linear { 1 } else { layer.output.height * layer.output.width }
}

fn behind_pooling(layer: &Layer, place: usize) -> usize {
    let (before, behind) = (layer.input, layer.pooled());
    let (channel, rest) = (place / (before.height * before.width), place % (before.height * before.width));
    let (row, column) = (rest / before.width / layer.pool[0], rest % before.width / layer.pool[1]);
    (channel * behind.height + row) * behind.width + column
}

/// The input, behind the pooling, of a weight of a channel at a position.
fn under_tap(layer: &Layer, position: usize, tap: usize) -> usize {
    let ([rows, columns], Extent { height, width, .. }) = (layer.kernel, layer.pooled());
    let (channel, tap) = (tap / (rows * columns), tap % (rows * columns));
    let row = position / layer.output.width + tap / columns;
    let column = position % layer.output.width + tap % columns;
    (channel * height + row) * width + column
}

/// Inputs as patches, `(images · positions) x fan_in`; `None` if a sum does not fit 63 bits. `mean` divides sums by a number of
/// positions.
pub(super) fn patches(
    layer: &Layer,
    mut input: Tensor,
    mean: impl FnOnce(Tensor, usize) -> Result<Tensor>,
) -> Result<Option<Tensor>> {
    let (images, positions) = (input.dim().0, positions(layer));
    if layer.pool != [1, 1] {
        let sums = input
            .scatter((images, layer.pooled().size()), |(image, place)| (image, behind_pooling(layer, place)));
        let Some(sums) = sums else { return Ok(None) };
        input = mean(sums, layer.pool[0] * layer.pool[1])?;
    }
    if layer.kind == LayerKind::Linear {
        return Ok(Some(input));
    }
    Ok(Some(input.gather((images * positions, layer.fan_in()), |(row, tap)| {
        (row / positions, under_tap(layer, row % positions, tap))
    })))
}

/// Gradients with respect to patches as gradients with respect to inputs, `images x inputs`; `None` as of [`patches`].
pub(super) fn by_inputs(
    layer: &Layer,
    mut gradient: Tensor,
    mean: impl FnOnce(Tensor, usize) -> Result<Tensor>,
) -> Result<Option<Tensor>> {
    let positions = positions(layer);
    let images = gradient.dim().0 / positions;
    if layer.kind != LayerKind::Linear {
        let sums = gradient.scatter((images, layer.pooled().size()), |(row, tap)| {
            (row / positions, under_tap(layer, row % positions, tap))
        });
        let Some(sums) = sums else { return Ok(None) };
        gradient = sums;
    }
    if layer.pool == [1, 1] {
        return Ok(Some(gradient));
    }
    let dim = (images, layer.inputs());
    let spread = gradient.gather(dim, |(image, place)| (image, behind_pooling(layer, place)));
    mean(spread, layer.pool[0] * layer.pool[1]).map(Some)
}

/// From `(images · positions) x channels` to `images x outputs`.
pub(super) fn joined(layer: &Layer, outputs: Tensor) -> Tensor {
    if layer.kind == LayerKind::Linear {
        return outputs;
    }
    let (images, positions) = (outputs.dim().0 / positions(layer), positions(layer));
    outputs.gather((images, layer.outputs()), |(image, output)| {
        (image * positions + output % positions, output / positions)
    })
}

/// From `images x outputs` to `(images · positions) x channels`.
pub(super) fn split(layer: &Layer, outputs: Tensor) -> Tensor {
    if layer.kind == LayerKind::Linear {
        return outputs;
    }
    let (images, positions) = (outputs.dim().0, positions(layer));
    outputs.gather((images * positions, layer.output.channels), |(row, channel)| {
        (row / positions, channel * positions + row % positions)
    })
}

/// Weights or their momenta in the order of the layer's shape, as a matrix `fan_in x outputs of a position`.
pub(super) fn matrix(layer: &Layer, values: &[f64]) -> Array2<f64> {
    let (inputs, outputs) = (layer.fan_in(), layer.biases());
    let values = values.to_vec();
    let matrix = if layer.kind == LayerKind::Linear {
        Array2::from_shape_vec((inputs, outputs), values)
    } else {
        Array2::from_shape_vec((outputs, inputs), values).map(Array2::reversed_axes)
    };
    matrix.unwrap_or_default() // the model has the shape of the network
}

/// The numbers of such a matrix in the order of the layer's shape.
pub(super) fn in_order(layer: &Layer, matrix: &Array2<f64>) -> Vec<f64> {
    if layer.kind == LayerKind::Linear {
        matrix.iter().copied().collect()
    } else {
        matrix.t().iter().copied().collect()
    }
}

/// Such a matrix as one row, in the order of the layer's shape.
pub(super) fn row_in_order(layer: &Layer, matrix: &Tensor) -> Tensor {
    let (rows, columns) = matrix.dim();
    let linear = layer.kind == LayerKind::Linear;
    matrix.gather((1, rows * columns), |(_, at)| {
        if linear { (at / columns, at % columns) } else { (at % rows, at / rows) }
    })
}

/// Refuses numbers that are not of the layer's shape.
pub(super) fn check(layer: &Layer, state: &LayerState) -> Result<()> {
    if state.shape != layer.shape() {
        let what = format!("weights of shape {:?} given; {:?} needed", state.shape, layer.shape());
        return Err(TwinError::layer(layer.index, layer.kind, what));
    }
    let weights: usize = state.shape.iter().product();
    for (what, values, needed) in [
        ("weights", &state.weight, weights),
        ("momenta of weights", &state.weight_momentum, weights),
        ("biases", &state.bias, layer.biases()),
        ("momenta of biases", &state.bias_momentum, layer.biases()),
    ] {
        TwinError::unless_equal(format!("{} {what}", layer.name), values.len(), needed)?;
    }
    Ok(())
}
