//! Steps.

use std::fmt;

use super::Tensor;

/// One layer-level step. Layers with weights are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The weights from how they are kept to how products take them.
    Expand,
    /// `Z_l = A_l·W_l + b_l`.
    Forward(usize),
    /// `A_(l+1) = a(Z_l)`, and what its derivative needs; the identity where a hidden layer has no activation.
    Activate(usize),
    /// The error at the pre-activations of the last layer, by the loss.
    Loss,
    /// `D_l·W_lᵀ`: the gradient with respect to the inputs of layer `l`, `l > 0`.
    Backward(usize),
    /// `D_l = (gradient with respect to A_(l+1)) ∘ a'(Z_l)`.
    Derivative(usize),
    /// `A_lᵀ·D_l`, summed over the mini-batch.
    Gradient(usize),
    /// Momentum and weights by the optimizer's rule.
    Update,
    /// Tensors are refreshed.
    Refresh {
        /// Number of the round within the program.
        round: usize,
        /// Who does it.
        by: Refresher,
    },
}

impl Step {
    /// Whether it runs on the layers of numbers `layers` out of `depth`: an activation does where the layer behind it does.
    pub(crate) fn runs(self, layers: &[usize], depth: usize) -> bool {
        let last = depth.saturating_sub(1);
        match self {
            Self::Forward(l) | Self::Backward(l) | Self::Gradient(l) => layers.contains(&l),
            Self::Activate(l) | Self::Derivative(l) => layers.contains(&(l + 1).min(last)),
            Self::Loss => layers.contains(&last),
            Self::Expand | Self::Update | Self::Refresh { .. } => true,
        }
    }

    /// The tensors it may read: a pre-activation or error is read after its refresh, or as computed where it has none.
    pub fn reads(self) -> Vec<Tensor> {
        use Tensor as T;
        match self {
            Self::Expand => vec![T::Weights],
            Self::Forward(l) => vec![T::input(l), T::Expanded, T::Weights],
            Self::Activate(l) => vec![T::Sum(l), T::Preactivation(l)],
            Self::Loss => vec![T::Targets],
            Self::Backward(l) => vec![T::RawError(l), T::Error(l), T::Expanded, T::Weights],
            Self::Derivative(l) => {
                vec![T::InputGradient(l), T::Derivative(l), T::Sum(l), T::Preactivation(l)]
            }
            Self::Gradient(l) => vec![T::input(l), T::RawError(l), T::Error(l)],
            Self::Update => vec![T::Gradient, T::Weights, T::LowWeights, T::Momentum],
            Self::Refresh { .. } => vec![],
        }
    }

    /// The tensors it writes, but those of a refresh, which its round names. The error that [`Loss`](Self::Loss) writes is that
    /// of the last layer, whose number a step does not know.
    pub fn writes(self) -> Vec<Tensor> {
        use Tensor as T;
        match self {
            Self::Expand => vec![T::Expanded],
            Self::Forward(l) => vec![T::Sum(l)],
            Self::Activate(l) => vec![T::Activation(l), T::Derivative(l)],
            Self::Loss | Self::Refresh { .. } => vec![],
            Self::Backward(l) => vec![T::InputGradient(l - 1)],
            Self::Derivative(l) => vec![T::RawError(l)],
            Self::Gradient(l) => vec![T::Products(l), T::Gradient],
            Self::Update => vec![T::NewMomentum, T::NewWeights],
        }
    }

    /// How many of the first of `steps` can run at once: none reads what another of them writes. The loss and a refresh run
    /// alone.
    pub(crate) fn count_independent(steps: &[Self]) -> usize {
        let mut written: Vec<Tensor> = Vec::new();
        let independent = steps.iter().take_while(|step| {
            let writes = step.writes();
            let free = !writes.is_empty() && !step.reads().iter().any(|tensor| written.contains(tensor));
            written.extend(writes);
            free
        });
        independent.count().max(1).min(steps.len())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expand => f.write_str("expand"),
            Self::Forward(l) => write!(f, "layer {} forward", l + 1),
            Self::Activate(l) => write!(f, "layer {} activate", l + 1),
            Self::Loss => f.write_str("loss"),
            Self::Backward(l) => write!(f, "layer {} backward", l + 1),
            Self::Derivative(l) => write!(f, "layer {} derivative", l + 1),
            Self::Gradient(l) => write!(f, "layer {} gradient", l + 1),
            Self::Update => f.write_str("update"),
            Self::Refresh { round, by } => write!(f, "refresh {round} by {by}"),
        }
    }
}

/// Who refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The client, who decrypts, rounds, saturates and encrypts again.
    Client,
    /// The client, who takes the backward pass and the update in the clear and sends the next weights. Of the round only the
    /// first tensor is sent to it; the others are those that it computes.
    ClientBackward,
    /// The engine, by bootstrapping.
    Bootstrap,
    /// The engine, by cleaning in bulk.
    Clean,
}

impl Refresher {
    /// Whether the client does it.
    pub fn is_client(self) -> bool {
        matches!(self, Self::Client | Self::ClientBackward)
    }
}

impl fmt::Display for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "the client",
            Self::ClientBackward => "the client, backward pass",
            Self::Bootstrap => "bootstrapping",
            Self::Clean => "cleaning",
        })
    }
}

/// One tensor of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// As computed.
    pub from: Tensor,
    /// The tensor that it becomes; weights may become two tensors.
    pub to: Vec<Tensor>,
    /// The rounding of the numbers by the client.
    pub rounding: Rounding,
}

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        let to = if to.is_empty() { "the client".to_owned() } else { to.join(" and ") };
        write!(f, "{} -> {to}{}", self.from, self.rounding)
    }
}

/// Rounding and saturation of real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounding {
    /// Fractional bits after it, halves away from zero; none where numbers are approximate, which are not rounded. Weights and
    /// momentum of an approximate scheme are never rounded.
    pub bits: Option<u32>,
    /// Largest magnitude after it; larger ones are saturated, and counted.
    pub bound: f64,
    /// Largest magnitude before it that the plan proves, or allows; larger ones are counted.
    pub proven: f64,
}

impl Rounding {
    /// Nothing is rounded or saturated.
    pub const NONE: Self = Self { bits: None, bound: f64::INFINITY, proven: f64::INFINITY };
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bits) = self.bits {
            write!(f, ", {bits} fractional bits")?;
        }
        if self.bound.is_finite() { write!(f, ", up to {}", self.bound) } else { Ok(()) }
    }
}
