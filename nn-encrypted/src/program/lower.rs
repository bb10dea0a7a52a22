//! From a recipe's network to steps and refreshes.

use std::collections::BTreeSet;

use super::{Program, Refresh, Refresher, Rounding, Step, Tensor};
use crate::network::Network;
use crate::recipe::{Arithmetic, Backward, Loss, Recipe, RefreshStrategy, RefreshTensor, Scheme};

/// The program of a recipe for its network.
pub fn lower(recipe: &Recipe, network: &Network) -> Program {
    lower_with(recipe, network, &BTreeSet::new())
}

/// The program of a recipe for its network, with bootstraps of further tensors that a planner decided: pre-activations
/// [`Tensor::Sum`], and gradients with respect to inputs [`Tensor::InputGradient`].
///
/// Magnitudes before refreshes are unbounded; [`Program::prove`] says what a plan proves of them.
pub(crate) fn lower_with(recipe: &Recipe, network: &Network, bootstrapped: &BTreeSet<Tensor>) -> Program {
    let rounds = Vec::new();
    let mut lowering =
        Lowering { recipe, network, bootstrapped, training: vec![], prediction: vec![], rounds };
    lowering.weights();
    lowering.forward();
    if recipe.refresh.backward == Backward::Client {
        lowering.client_backward();
    } else {
        lowering.backward();
        lowering.update();
    }
    let outputs = lowering.outputs();
    let Lowering { training, prediction, rounds, .. } = lowering;
    Program { training, prediction, rounds, outputs }
}

struct Lowering<'a> {
    recipe: &'a Recipe,
    network: &'a Network,
    bootstrapped: &'a BTreeSet<Tensor>,
    training: Vec<Step>,
    prediction: Vec<Step>,
    rounds: Vec<Vec<Refresh>>,
}

/// Whether a scheme computes without error, on numbers with fractional bits.
fn is_exact(scheme: Scheme) -> bool {
    scheme.arithmetic() != Arithmetic::Reals
}

impl Lowering<'_> {
    fn last(&self) -> usize {
        self.network.layers.len().saturating_sub(1)
    }

    fn has(&self, arithmetic: Arithmetic) -> bool {
        self.network.layers.iter().any(|layer| layer.scheme.arithmetic() == arithmetic)
    }

    fn round(&mut self, by: Refresher, refreshes: Vec<Refresh>) {
        self.training.push(Step::Refresh { round: self.rounds.len(), by });
        self.rounds.push(refreshes);
    }

    /// Fractional bits of what goes on in layer `l`, or in the last one: those of the numbers where it is exact.
    fn bits(&self, l: usize, bits: u32) -> Option<u32> {
        let layer = self.network.layers.get(l.min(self.last()));
        layer.is_some_and(|layer| is_exact(layer.scheme)).then_some(bits)
    }

    /// Refreshes a tensor of images, if recipe or planner say so.
    fn refresh(&mut self, named: RefreshTensor, from: Tensor, to: Tensor, rounding: Rounding) {
        let listed = self.recipe.refresh.tensors.contains(&named);
        let by = match self.recipe.refresh.strategy {
            RefreshStrategy::Client if listed => Refresher::Client,
            RefreshStrategy::Bootstrap if self.bootstrapped.contains(&from) => Refresher::Bootstrap,
            _ => return,
        };
        self.round(by, vec![Refresh { from, to: vec![to], rounding }]);
    }

    /// How pre-activations of layer `l` are rounded.
    fn rounding(&self, l: usize) -> Rounding {
        let (numbers, last) = (&self.recipe.numbers, l == self.last());
        let bits = if last { numbers.output_bits } else { numbers.preactivation_bits };
        let bound = if last { numbers.bounds.output } else { numbers.bounds.preactivation };
        Rounding { bits: self.bits(l + 1, bits), bound, proven: f64::INFINITY }
    }

    /// From the weights as they are kept to the weights in products.
    fn weights(&mut self) {
        let bootstraps = self.has(Arithmetic::Integers) || self.has(Arithmetic::Reals);
        if self.recipe.refresh.strategy == RefreshStrategy::Bootstrap && bootstraps {
            let [weights, momentum] = self.model(Tensor::Weights, Tensor::Momentum);
            self.round(Refresher::Bootstrap, vec![weights, momentum]);
        }
        self.training.push(Step::Expand);
    }

    fn forward(&mut self) {
        let last = self.last();
        for l in 0..=last {
            self.training.push(Step::Forward(l));
            if l == last {
                self.prediction = self.training.clone();
                if self.recipe.refresh.backward == Backward::Client {
                    return;
                }
            }
            let named = if l == last { RefreshTensor::Output } else { RefreshTensor::Preactivation };
            self.refresh(named, Tensor::Sum(l), Tensor::Preactivation(l), self.rounding(l));
            if l < last {
                self.training.push(Step::Activate(l));
            }
        }
        if self.ends_with_activation() {
            self.training.push(Step::Activate(last));
            self.prediction = self.training.clone();
        }
    }

    /// Whether the outputs are those of an activation; with cross-entropy they are the logits.
    fn ends_with_activation(&self) -> bool {
        self.recipe.loss == Loss::Quadratic && self.network.output_activation().is_some()
    }

    fn backward(&mut self) {
        let numbers = &self.recipe.numbers;
        // Large ciphertexts that no refresh replaces are not held for longer than they must: a gradient follows its error at once.
        let at_once =
            self.recipe.refresh.strategy == RefreshStrategy::Bootstrap && self.has(Arithmetic::Reals);
        self.training.push(Step::Loss);
        for l in (1..=self.last()).rev() {
            if at_once {
                self.training.push(Step::Gradient(l));
            }
            self.training.push(Step::Backward(l));
            let back = Tensor::InputGradient(l - 1);
            let bound = numbers.bounds.error;
            if self.bootstrapped.contains(&back) {
                let rounding = Rounding { bound, ..Rounding::NONE };
                self.round(Refresher::Bootstrap, vec![Refresh { from: back, to: vec![back], rounding }]);
            }
            self.training.push(Step::Derivative(l - 1));
            let bits = self.bits(l - 1, numbers.error_bits);
            let rounding = Rounding { bits, bound, proven: f64::INFINITY };
            self.refresh(RefreshTensor::Error, Tensor::RawError(l - 1), Tensor::Error(l - 1), rounding);
        }
        let last = if at_once { 0 } else { self.last() };
        self.training.extend((0..=last).map(Step::Gradient));
    }

    fn update(&mut self) {
        self.training.push(Step::Update);
        match self.recipe.refresh.strategy {
            RefreshStrategy::Client => {
                let [weights, momentum] = self.model(Tensor::NewWeights, Tensor::NewMomentum);
                self.round(Refresher::Client, vec![weights, momentum]);
            }
            RefreshStrategy::Clean if self.has(Arithmetic::Integers) || self.has(Arithmetic::Reals) => {
                let from = Tensor::NewWeights;
                let weights = Refresh { from, to: vec![Tensor::Weights], rounding: Rounding::NONE };
                self.round(Refresher::Clean, vec![weights]);
            }
            // Words are refreshed by every operation.
            RefreshStrategy::Bootstrap | RefreshStrategy::Clean | RefreshStrategy::None => {}
        }
    }

    /// Outputs to the client, from the client the next model.
    fn client_backward(&mut self) {
        let [weights, momentum] = self.model(Tensor::NewWeights, Tensor::NewMomentum);
        let outputs = self.outputs();
        self.round(Refresher::ClientBackward, vec![Refresh { to: vec![], ..outputs }, weights, momentum]);
    }

    /// Refreshes of weights and momentum.
    fn model(&self, weights: Tensor, momentum: Tensor) -> [Refresh; 2] {
        let numbers = &self.recipe.numbers;
        let exact = self.network.layers.iter().any(|layer| is_exact(layer.scheme));
        let rounding =
            |bits: u32, bound: f64| Rounding { bits: exact.then_some(bits), bound, proven: f64::INFINITY };
        // Of exact weights in slots only the high part enters products.
        let split = self.recipe.refresh.strategy == RefreshStrategy::Client && self.has(Arithmetic::Integers);
        let parts = if split { vec![Tensor::Weights, Tensor::LowWeights] } else { vec![Tensor::Weights] };
        [
            Refresh {
                from: weights,
                to: parts,
                rounding: rounding(numbers.weight_bits, numbers.bounds.weight),
            },
            Refresh {
                from: momentum,
                to: vec![Tensor::Momentum],
                rounding: rounding(numbers.momentum_bits, numbers.bounds.momentum),
            },
        ]
    }

    /// The last tensor of a classification: rounded as its refresh would, if it has one.
    fn outputs(&self) -> Refresh {
        let last = self.last();
        if self.ends_with_activation() && self.recipe.refresh.backward == Backward::Encrypted {
            return Refresh { from: Tensor::Activation(last), to: vec![], rounding: Rounding::NONE };
        }
        let refresh = &self.recipe.refresh;
        let rounded = refresh.strategy == RefreshStrategy::Client
            && refresh.tensors.contains(&RefreshTensor::Output)
            && self.network.layers.iter().skip(last).any(|layer| is_exact(layer.scheme));
        let rounding = if rounded { self.rounding(last) } else { Rounding::NONE };
        Refresh { from: Tensor::Sum(last), to: vec![], rounding }
    }
}
