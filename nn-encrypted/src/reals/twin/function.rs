//! Activations as functions of real numbers.

use crate::activation::{sigmoid, tanh};
use crate::recipe::{RealLayer, RealLayerKind};

/// A function of a number.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::reals) enum Function {
    /// A polynomial, constant first.
    Polynomial(Vec<f64>),
    /// 1 / (1 + e^-z)
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

impl Function {
    /// What an activation of a recipe stands for.
    pub(in crate::reals) fn exact(layer: &RealLayer) -> Self {
        match layer.kind {
            RealLayerKind::Sigmoid => Self::Sigmoid,
            RealLayerKind::Tanh => Self::Tanh,
            _ => Self::polynomial(layer),
        }
    }

    /// What an activation of a recipe computes.
    pub(in crate::reals) fn polynomial(layer: &RealLayer) -> Self {
        Self::Polynomial(layer.activation().unwrap_or_default())
    }

    /// The value at `z`.
    pub(super) fn value(&self, z: f64) -> f64 {
        match self {
            Self::Polynomial(coefficients) => coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c),
            Self::Sigmoid => sigmoid(z),
            Self::Tanh => tanh(z),
        }
    }

    /// The derivative at `z`.
    pub(super) fn slope(&self, z: f64) -> f64 {
        match self {
            Self::Polynomial(coefficients) => {
                let powers = coefficients.iter().enumerate().skip(1).rev();
                powers.fold(0.0, |sum, (power, c)| sum * z + power as f64 * c)
            }
            Self::Sigmoid => sigmoid(z) * (1.0 - sigmoid(z)),
            Self::Tanh => 1.0 - tanh(z) * tanh(z),
        }
    }
}
