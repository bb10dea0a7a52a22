//! The constants of the formulas of a step.

use crate::network::Network;
use crate::program::Tensor;
use crate::recipe::Loss;

/// The constants of all formulas, of the scalars of a scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct Formulas<V> {
    /// Of all layers of the network with weights, those of other engines too.
    pub layers: Vec<LayerFormulas<V>>,
    /// Momentum as computed: a linear combination.
    pub momentum: Vec<(V, Tensor)>,
    /// Weights as computed: a linear combination.
    pub weights: Vec<(V, Tensor)>,
    /// Of the loss, where the last layer is one of these.
    pub loss: LossFormula,
}

/// The constants of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFormulas<V> {
    /// The input of the bias: 1 at the scale of the products of inputs and weights.
    pub one: V,
    /// The constant beside every weight in the matrix.
    pub constant: V,
    /// The coefficients of the activation behind the layer, constant first, and of its derivative.
    pub activation: Option<[Vec<V>; 2]>,
    /// The factors of the gradients of weights and of biases, which bring all layers to one scale.
    pub gradient: (V, V),
}

/// The error at the pre-activations `Z` of the last layer, with the function `σ` behind it and the targets `Y`. Images beyond those
/// of a mini-batch have `Z = 0` and targets such that their error is 0: `Y = 0`, or `σ(0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossFormula {
    /// `Z − Y`.
    Outputs,
    /// `σ(Z) − Y`.
    Activation,
    /// `(σ(Z) − Y)·σ'(Z)`.
    ActivationTimesDerivative,
}

impl LossFormula {
    /// That of a network.
    pub(crate) fn of(network: &Network) -> Self {
        match (network.output_activation(), network.loss) {
            (None, _) => Self::Outputs,
            (Some(_), Loss::CrossEntropy) => Self::Activation,
            (Some(_), Loss::Quadratic) => Self::ActivationTimesDerivative,
        }
    }
}
