//! The tensors of a training step, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::packing::Tiles;

/// A tensor; layers are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tensor {
    /// The mini-batch `X`.
    Input,
    /// One-hot labels `Y`.
    Labels,
    /// Weights and biases as they enter products, compact.
    High,
    /// What the rounding of [`High`](Self::High) left, compact.
    Low,
    /// Momentum `V`, compact.
    Momentum,
    /// Weights and biases expanded, for all layers.
    Weights,
    /// `A·W + b` as computed.
    Sum(usize),
    /// `Z`: the same after its refresh.
    Preactivation(usize),
    /// `A`, a polynomial of `Z`.
    Activation(usize),
    /// `A'(Z)`.
    Slope(usize),
    /// `D·Wᵀ` as computed.
    ErrorSum(usize),
    /// `(D·Wᵀ) ∘ A'(Z)` as computed.
    RawError(usize),
    /// `D`: the same after its refresh; of the last layer `Z − Y`.
    Error(usize),
    /// `Aᵀ·D` of one image a slot, before the sum over images.
    Products(usize),
    /// The gradient of all layers, compact.
    Gradient,
    /// Momentum as computed.
    NewMomentum,
    /// Weights and biases as computed.
    NewWeights,
}

impl Tensor {
    /// The layer it belongs to.
    pub fn layer(self) -> Option<usize> {
        match self {
            Self::Sum(l)
            | Self::Preactivation(l)
            | Self::Activation(l)
            | Self::Slope(l)
            | Self::ErrorSum(l)
            | Self::RawError(l)
            | Self::Error(l)
            | Self::Products(l) => Some(l),
            _ => None,
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Input => "input",
            Self::Labels => "labels",
            Self::High => "weights (high part)",
            Self::Low => "weights (low part)",
            Self::Momentum => "momentum",
            Self::Weights => "expanded weights",
            Self::Sum(_) => "weighted sum",
            Self::Preactivation(_) => "preactivation",
            Self::Activation(_) => "activation",
            Self::Slope(_) => "slope",
            Self::ErrorSum(_) => "weighted error",
            Self::RawError(_) => "error before its refresh",
            Self::Error(_) => "error",
            Self::Products(_) => "gradient products",
            Self::Gradient => "gradient",
            Self::NewMomentum => "momentum before its refresh",
            Self::NewWeights => "weights before their refresh",
        };
        match self.layer() {
            Some(l) => write!(f, "linear{}.{name}", l + 1),
            None => f.write_str(name),
        }
    }
}

/// How a tensor lies in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// Images by features, repeated along the other side.
    Spread(Tiles),
    /// Images by features, right where the index along the other side is 0.
    AtZero(Tiles),
    /// Tiles of all layers' weights, repeated for every image.
    Expanded,
    /// Tiles of one layer's weights, one term of the gradient for every image.
    PerImage,
    /// Tiles of all layers' weights, in compact groups.
    Compact,
}
