//! How large the numbers of a training become.

use serde::Serialize;

use super::net::Trace;
use crate::recipe::{RealBounds, RealModel};

/// The observed range of a tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Range {
    /// Its layer and name, such as `linear 1 preactivation`.
    pub tensor: String,
    /// The largest magnitude the recipe lets it have.
    pub bound: f64,
    /// The largest magnitude so far; NaN once there was one.
    pub largest: f64,
}

impl Range {
    fn observe<'v>(&mut self, values: impl IntoIterator<Item = &'v f64>) {
        for value in values {
            let magnitude = value.abs();
            if magnitude.is_nan() || magnitude > self.largest {
                self.largest = magnitude;
            }
        }
    }
}

/// The ranges of a layer with weights.
#[derive(Debug, Clone)]
pub(super) struct LayerRanges {
    sum: Range,
    /// None of the last layer, whose error is its output less the target.
    error: Option<Range>,
    weight: Range,
    momentum: Range,
}

impl LayerRanges {
    pub(super) fn new(layer: &str, last: bool, bounds: &RealBounds) -> Self {
        let range = |tensor: &str, bound| Range { tensor: format!("{layer} {tensor}"), bound, largest: 0.0 };
        Self {
            sum: if last {
                range("output", bounds.output)
            } else {
                range("preactivation", bounds.preactivation)
            },
            error: (!last).then(|| range("error", bounds.error)),
            weight: range("weight", bounds.weight),
            momentum: range("momentum", bounds.momentum),
        }
    }

    pub(super) fn list(&self) -> impl Iterator<Item = &Range> {
        [&self.sum].into_iter().chain(&self.error).chain([&self.weight, &self.momentum])
    }
}

/// Notes the weights and momenta of a model.
pub(super) fn observe_model(ranges: &mut [LayerRanges], model: &RealModel) {
    for (ranges, layer) in ranges.iter_mut().zip(&model.layers) {
        ranges.weight.observe(layer.weight.iter().chain(&layer.bias));
        ranges.momentum.observe(layer.weight_momentum.iter().chain(&layer.bias_momentum));
    }
}

/// Notes the sums and errors of a step.
pub(super) fn observe_trace(ranges: &mut [LayerRanges], trace: &Trace) {
    for (ranges, (sums, errors)) in ranges.iter_mut().zip(trace.sums.iter().zip(&trace.errors)) {
        ranges.sum.observe(sums);
        ranges.error.iter_mut().for_each(|range| range.observe(errors));
    }
}
