//! What single layers compute, and how errors go back through them.

use ndarray::{Array2, ArrayRef2, Axis};

use super::function::Function;
use crate::recipe::Extent;
use crate::recipe::RealLayerState;

/// A layer of the recipe; rows are samples.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// Weighted sums.
    Linear,
    /// A convolution from and to so many channels and positions.
    Conv {
        /// What comes in.
        input: Extent,
        /// What goes out.
        output: Extent,
    },
    /// Means of so many neighbours.
    Pool(usize),
    /// A function of each number.
    Activation(Function),
}

/// What a mini-batch says about a layer with weights, summed over its samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gradient {
    /// Of the weights.
    pub(super) weight: Vec<f64>,
    /// Of the biases.
    pub(super) bias: Vec<f64>,
}

fn matrix(state: &RealLayerState) -> Array2<f64> {
    let outputs = state.bias.len();
    Array2::from_shape_fn((state.weight.len() / outputs.max(1), outputs), |(i, o)| {
        state.weight[i * outputs + o]
    })
}

impl Stage {
    /// Whether it has weights.
    pub(super) fn has_weights(&self) -> bool {
        matches!(self, Self::Linear | Self::Conv { .. })
    }

    /// Its outputs; `state` is that of the layer if it has weights.
    pub(super) fn forward(&self, state: Option<&RealLayerState>, x: &ArrayRef2<f64>) -> Array2<f64> {
        match (self, state) {
            (Self::Linear, Some(state)) => {
                let mut sums = x.dot(&matrix(state));
                for mut row in sums.rows_mut() {
                    row.iter_mut().zip(&state.bias).for_each(|(sum, bias)| *sum += bias);
                }
                sums
            }
            (Self::Conv { input, output }, Some(state)) => convolve(*input, *output, state, x),
            (Self::Pool(kernel), _) => {
                Array2::from_shape_fn((x.nrows(), x.ncols() / kernel), |(row, place)| {
                    let sum: f64 = (0..*kernel).map(|k| x[(row, place * kernel + k)]).sum();
                    sum / *kernel as f64
                })
            }
            (Self::Activation(function), _) => x.mapv(|z| function.value(z)),
            _ => x.to_owned(),
        }
    }

    /// From the errors behind it to those before it, where `x` came in.
    pub(super) fn backward(
        &self,
        state: Option<&RealLayerState>,
        x: &ArrayRef2<f64>,
        error: Array2<f64>,
    ) -> Array2<f64> {
        match (self, state) {
            (Self::Linear, Some(state)) => error.dot(&matrix(state).t()),
            (Self::Conv { input, output }, Some(state)) => {
                let mut before = Array2::zeros(x.dim());
                each_tap(*input, *output, state.shape[2], |weight, from, to| {
                    for row in 0..x.nrows() {
                        before[(row, from)] += state.weight[weight] * error[(row, to)];
                    }
                });
                before
            }
            (Self::Pool(kernel), _) => {
                Array2::from_shape_fn(x.dim(), |(row, place)| error[(row, place / kernel)] / *kernel as f64)
            }
            (Self::Activation(function), _) => {
                let mut error = error;
                error.zip_mut_with(x, |error, &z| *error *= function.slope(z));
                error
            }
            _ => error,
        }
    }

    /// The gradient of a layer with weights.
    pub(super) fn gradient(
        &self,
        state: &RealLayerState,
        x: &ArrayRef2<f64>,
        error: &ArrayRef2<f64>,
    ) -> Gradient {
        let columns = error.sum_axis(Axis(0));
        let Self::Conv { input, output } = self else {
            let weight = x.t().dot(error).iter().copied().collect();
            return Gradient { weight, bias: columns.to_vec() };
        };
        let mut gradient =
            Gradient { weight: vec![0.0; state.weight.len()], bias: vec![0.0; state.bias.len()] };
        each_tap(*input, *output, state.shape[2], |weight, from, to| {
            gradient.weight[weight] +=
                (0..x.nrows()).map(|row| x[(row, from)] * error[(row, to)]).sum::<f64>();
        });
        for (place, sum) in columns.iter().enumerate() {
            gradient.bias[place / output.length] += sum;
        }
        gradient
    }
}

fn convolve(input: Extent, output: Extent, state: &RealLayerState, x: &ArrayRef2<f64>) -> Array2<f64> {
    let mut sums =
        Array2::from_shape_fn((x.nrows(), output.size()), |(_, place)| state.bias[place / output.length]);
    each_tap(input, output, state.shape[2], |weight, from, to| {
        for row in 0..x.nrows() {
            sums[(row, to)] += state.weight[weight] * x[(row, from)];
        }
    });
    sums
}

/// Calls with each weight, and the places it multiplies from and adds to.
fn each_tap(input: Extent, output: Extent, taps: usize, mut call: impl FnMut(usize, usize, usize)) {
    let mut weight = 0;
    for out_channel in 0..output.channels {
        for in_channel in 0..input.channels {
            for tap in 0..taps {
                for position in 0..output.length {
                    let (from, to) = (in_channel * input.length, out_channel * output.length);
                    call(weight, from + position + tap, to + position);
                }
                weight += 1;
            }
        }
    }
}
