//! The tensors of a training step, by name.

use std::fmt;

use he_core::wire::Writer;

/// A tensor; layers with weights are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tensor {
    /// The features `X`: images by features.
    Features,
    /// The targets `Y`: images by outputs.
    Targets,
    /// Weights and biases of all layers as they are kept; where they are kept in two parts, what enters products.
    Weights,
    /// The remainder that the rounding of [`Weights`](Self::Weights) left.
    LowWeights,
    /// Momentum `V` of all layers.
    Momentum,
    /// Weights and biases as products take them.
    Expanded,
    /// `Z_l` as computed.
    Sum(usize),
    /// `Z_l` as used, after a refresh if it has one.
    Preactivation(usize),
    /// `A_(l+1) = a(Z_l)`.
    Activation(usize),
    /// `a'(Z_l)`.
    Derivative(usize),
    /// The gradient with respect to `A_(l+1)`, `D_(l+1)·W_(l+1)ᵀ`.
    InputGradient(usize),
    /// `D_l` as computed.
    RawError(usize),
    /// `D_l` as used, after a refresh if it has one.
    Error(usize),
    /// `A_lᵀ·D_l`, before or after its sum over images.
    Products(usize),
    /// The gradient of all layers.
    Gradient,
    /// Momentum as computed.
    NewMomentum,
    /// Weights and biases as computed.
    NewWeights,
}

impl Tensor {
    /// The inputs of layer `l`.
    pub(crate) fn input(l: usize) -> Self {
        l.checked_sub(1).map_or(Self::Features, Self::Activation)
    }

    /// Whether it is computed on, or sent to, the layers of numbers `layers` out of `depth`: what lies between two layers is where the
    /// one behind it is.
    pub(crate) fn is_on(self, layers: &[usize], depth: usize) -> bool {
        let last = depth.saturating_sub(1);
        match self {
            Self::Features => layers.contains(&0),
            Self::Targets => layers.contains(&last),
            Self::Sum(l) | Self::Error(l) | Self::Products(l) => layers.contains(&l),
            Self::Preactivation(l)
            | Self::Activation(l)
            | Self::Derivative(l)
            | Self::InputGradient(l)
            | Self::RawError(l) => layers.contains(&(l + 1).min(last)),
            _ => true,
        }
    }

    /// Its kind, and its layer or 0, as they are written.
    pub(crate) fn code(self) -> (u16, u16) {
        let kind = match self {
            Self::Features => 0,
            Self::Targets => 1,
            Self::Weights => 2,
            Self::LowWeights => 3,
            Self::Momentum => 4,
            Self::Expanded => 5,
            Self::Sum(_) => 6,
            Self::Preactivation(_) => 7,
            Self::Activation(_) => 8,
            Self::Derivative(_) => 9,
            Self::InputGradient(_) => 10,
            Self::RawError(_) => 11,
            Self::Error(_) => 12,
            Self::Products(_) => 13,
            Self::Gradient => 14,
            Self::NewMomentum => 15,
            Self::NewWeights => 16,
        };
        (kind, self.layer().unwrap_or(0) as u16)
    }

    /// Writes it.
    pub(crate) fn encode(self, out: &mut Writer) {
        let (kind, layer) = self.code();
        out.u16(kind);
        out.u16(layer);
    }

    /// Whether it is weights or momentum of all layers, in any form.
    pub(crate) fn is_of_model(self) -> bool {
        matches!(
            self,
            Self::Weights | Self::LowWeights | Self::Momentum | Self::NewWeights | Self::NewMomentum
        )
    }

    /// The layer with weights that it belongs to.
    pub(crate) fn layer(self) -> Option<usize> {
        match self {
            Self::Sum(l)
            | Self::Preactivation(l)
            | Self::Activation(l)
            | Self::Derivative(l)
            | Self::InputGradient(l)
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
            Self::Features => "features",
            Self::Targets => "targets",
            Self::Weights => "weights",
            Self::LowWeights => "low part of the weights",
            Self::Momentum => "momentum",
            Self::Expanded => "expanded weights",
            Self::Sum(_) => "pre-activation as computed",
            Self::Preactivation(_) => "pre-activation",
            Self::Activation(_) => "activation",
            Self::Derivative(_) => "derivative",
            Self::InputGradient(_) => "gradient of the activation",
            Self::RawError(_) => "error as computed",
            Self::Error(_) => "error",
            Self::Products(_) => "products of the gradient",
            Self::Gradient => "gradient",
            Self::NewMomentum => "momentum as computed",
            Self::NewWeights => "weights as computed",
        };
        match self.layer() {
            Some(l) => write!(f, "layer {} {name}", l + 1),
            None => f.write_str(name),
        }
    }
}
