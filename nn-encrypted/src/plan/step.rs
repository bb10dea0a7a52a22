//! Steps: what the server does, in order.

use serde::{Deserialize, Serialize};

use super::tensor::Tensor;

/// One step. The tensors it reads and writes, and their layouts, follow from its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `High → Weights`.
    Expand,
    /// `input·W_l + b_l → Sum(l)`: along the side of the layer's inputs.
    Forward {
        /// Layer.
        layer: usize,
        /// The layer's input.
        input: Tensor,
        /// The integer that stands for 1 at the scale of the input: the input of the bias.
        one: i64,
    },
    /// `Error(l)·W_lᵀ → ErrorSum(l − 1)`: along the side of the layer's outputs.
    Backward {
        /// Layer.
        layer: usize,
    },
    /// A polynomial of one tensor, constant first.
    Polynomial {
        /// Argument.
        from: Tensor,
        /// Result.
        to: Tensor,
        /// Integer coefficients.
        coefficients: Vec<i64>,
    },
    /// Slot-wise product.
    Multiply {
        /// First factor.
        left: Tensor,
        /// Second factor.
        right: Tensor,
        /// Result.
        to: Tensor,
    },
    /// Slot-wise sum `Σ c·tensor`.
    Combine {
        /// Constants and terms.
        terms: Vec<(i64, Tensor)>,
        /// Result.
        to: Tensor,
    },
    /// `inputᵀ·Error(l) → Products(l)`.
    Outer {
        /// Layer.
        layer: usize,
        /// The layer's input.
        input: Tensor,
    },
    /// `Products, Error → Gradient`: the sum over images, all layers at one scale.
    Collect {
        /// For each layer: factor of its gradient, factor of its bias gradient.
        scales: Vec<(i64, i64)>,
    },
    /// A round with the client.
    Refresh {
        /// Number of the round within the step.
        round: usize,
    },
}

impl Step {
    /// The tensors it reads.
    pub fn reads(&self) -> Vec<Tensor> {
        match self {
            Self::Expand => vec![Tensor::High],
            Self::Forward { input, .. } => vec![*input, Tensor::Weights],
            Self::Backward { layer } => vec![Tensor::Error(*layer), Tensor::Weights],
            Self::Polynomial { from, .. } => vec![*from],
            Self::Multiply { left, right, .. } => vec![*left, *right],
            Self::Combine { terms, .. } => terms.iter().map(|(_, tensor)| *tensor).collect(),
            Self::Outer { layer, input } => vec![*input, Tensor::Error(*layer)],
            Self::Collect { scales } => {
                (0..scales.len()).flat_map(|l| [Tensor::Products(l), Tensor::Error(l)]).collect()
            }
            Self::Refresh { .. } => vec![],
        }
    }

    /// The tensor it writes.
    pub fn writes(&self) -> Option<Tensor> {
        match self {
            Self::Expand => Some(Tensor::Weights),
            Self::Forward { layer, .. } => Some(Tensor::Sum(*layer)),
            Self::Backward { layer } => Some(Tensor::ErrorSum(layer - 1)),
            Self::Polynomial { to, .. } | Self::Multiply { to, .. } | Self::Combine { to, .. } => Some(*to),
            Self::Outer { layer, .. } => Some(Tensor::Products(*layer)),
            Self::Collect { .. } => Some(Tensor::Gradient),
            Self::Refresh { .. } => None,
        }
    }

    /// How many of the first of `steps` can run at once: none reads what another of them writes. A refresh runs alone.
    pub(crate) fn count_independent(steps: &[&Self]) -> usize {
        let mut written: Vec<Tensor> = Vec::new();
        let independent = steps.iter().take_while(|step| {
            let free = step.writes().is_some() && !step.reads().iter().any(|tensor| written.contains(tensor));
            written.extend(step.writes());
            free
        });
        independent.count().max(1).min(steps.len())
    }
}

/// What the client does with one tensor in a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresh {
    /// Round an images-by-features tensor and send it back spread.
    Rows {
        /// As computed.
        from: Tensor,
        /// As sent back.
        to: Tensor,
        /// Bits to round away.
        shift: u32,
        /// Largest magnitude sent back.
        bound: i64,
    },
    /// Round the weights and send them back in two parts.
    Weights {
        /// Bits to round away.
        shift: u32,
        /// Largest magnitude kept.
        bound: i64,
        /// Bits of the low part.
        low_bits: u32,
    },
    /// Round the momentum.
    Momentum {
        /// Bits to round away.
        shift: u32,
        /// Largest magnitude sent back.
        bound: i64,
    },
}

impl Refresh {
    /// What the client receives.
    pub fn from(&self) -> Tensor {
        match self {
            Self::Rows { from, .. } => *from,
            Self::Weights { .. } => Tensor::NewWeights,
            Self::Momentum { .. } => Tensor::NewMomentum,
        }
    }

    /// What it returns.
    pub fn to(&self) -> Vec<Tensor> {
        match self {
            Self::Rows { to, .. } => vec![*to],
            Self::Weights { .. } => vec![Tensor::High, Tensor::Low],
            Self::Momentum { .. } => vec![Tensor::Momentum],
        }
    }
}
