//! The tensors of a step as they are before their refresh: what an honest server sends to its client.

use ndarray::Array2;

use super::tensor::Tensor;
use crate::recipe::RefreshTensor;

/// A tensor of a layer before its refresh. Weights, and their momenta, are one row in the order of the layer's shape, and biases are
/// another tensor of the same name behind it.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    pub(crate) layer: usize,
    pub(crate) tensor: RefreshTensor,
    pub(super) values: Tensor,
}

impl Computed {
    /// The numbers as integers with so many fractional bits, where they are exact.
    pub(crate) fn exact(&self) -> Option<(&Array2<i64>, u32)> {
        match &self.values {
            Tensor::Exact(values, bits) => Some((values, *bits)),
            Tensor::Wide(..) | Tensor::Real(_) => None,
        }
    }

    /// The numbers in floating point.
    pub(crate) fn real(&self) -> Array2<f64> {
        self.values.real().into_owned()
    }

    /// The largest magnitude; NaN if there is one.
    pub(crate) fn largest(&self) -> f64 {
        self.values.largest()
    }
}
