//! The refresh of a tensor: rounding, saturation, and a note of both.

use ndarray::{Array, Dimension};

use super::fixed::{rescale, saturate};
use super::matrix::max_abs;
use super::range::Ranges;
use super::{TwinError, overflow};
use crate::recipe::{Recipe, Tensor};

/// What a refresh does to a tensor.
pub(super) struct Refresh {
    /// The tensor's name in reports.
    pub(super) name: String,
    /// Fractional bits before.
    pub(super) from: u32,
    /// Fractional bits after.
    pub(super) to: u32,
    /// The largest magnitude after, as a real number; `None` leaves the tensor as it is.
    pub(super) bound: Option<f64>,
}

impl Refresh {
    /// The refresh of a kind of tensor in a layer.
    pub(super) fn new(recipe: &Recipe, tensor: Tensor, layer: &str, (from, to): (u32, u32)) -> Self {
        let bounds = &recipe.quantization.bounds;
        let (name, bound) = match tensor {
            Tensor::Preactivation => ("preactivation", bounds.preactivation),
            Tensor::Output => ("output", bounds.output),
            Tensor::Error => ("error", bounds.error),
            Tensor::Weight => ("weight", bounds.weight),
            Tensor::Momentum => ("momentum", bounds.momentum),
        };
        let bound = recipe.refresh.tensors.contains(&tensor).then_some(bound);
        Self { name: format!("{layer}.{name}"), from, to, bound }
    }

    pub(super) fn apply<D: Dimension>(
        &self,
        values: &mut Array<i64, D>,
        ranges: &mut Ranges,
    ) -> Result<(), TwinError> {
        let largest = max_abs(values.iter());
        let mut saturated = 0;
        if let Some(bound) = self.bound {
            rescale(largest as i64, self.from, self.to).ok_or_else(|| overflow(&self.name))?;
            let bound = (bound * 2_f64.powi(self.to as i32)) as i64;
            for value in values.iter_mut() {
                let new = rescale(*value, self.from, self.to).unwrap_or_default(); // the largest one was possible
                saturated += u64::from(new.unsigned_abs() > bound.unsigned_abs());
                *value = saturate(new, bound);
            }
        }
        ranges.observe(&self.name, self.from, largest, values.len(), saturated);
        Ok(())
    }
}
