//! The constants of the formulas of a step: bounds, scales, refreshes, the optimizer's rule.

use std::collections::BTreeMap;

use he_ckks::Complex64;

use super::MonicPolynomial;
use crate::engine::slots::LossFormula;
use crate::layout::{Cube, Geometry};
use crate::network::{Layer, Matrix, Network};
use crate::program::{Program, Refresher, Step, Tensor};
use crate::recipe::{Bounds, Optimizer, Recipe};

/// `(W/β_W + i·V/β_V)/√2`: the factor.
const HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Everything that the steps of some layers depend on, but levels.
#[derive(Clone, Debug)]
pub struct RealFormulas {
    /// Tiles and slots.
    pub geometry: Geometry,
    /// The matrices of its layers.
    pub matrices: Vec<Matrix>,
    /// The activation behind every layer of the network; the identity where there is none.
    pub activations: Vec<MonicPolynomial>,
    /// How the error begins, where the last layer is one of these.
    pub loss: LossFormula,
    pub bounds: Bounds,
    /// The largest magnitude of features.
    pub input_bound: f64,
    /// Samples of a mini-batch, by which gradients are divided.
    pub batch: usize,
    /// How weights and momentum move.
    pub update: UpdateRule,
    /// Who refreshes which tensors on the way.
    pub refreshed: BTreeMap<Tensor, Refresher>,
    /// Steps and refreshes.
    pub program: Program,
}

/// The optimizer's rule for the state `w + i·v`, which stands for weights and momentum over their bounds:
/// `w + across·v + i·kept·v + direction·G`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateRule {
    /// How much of the momentum is kept.
    pub kept: f64,
    /// How much of it moves the weights.
    pub across: f64,
    /// The gradient's factor.
    pub direction: Complex64,
}

impl UpdateRule {
    /// Nesterov's rule `U ← μU − ηG`, `W ← W + μU − ηG`, or `V ← μV + G`, `W ← W − ηV`, of summed gradients.
    fn new(optimizer: &Optimizer, bounds: &Bounds) -> Self {
        let (mu, rate) = (optimizer.momentum.value(), optimizer.learning_rate.value());
        let (unit, batch) = (bounds.momentum / bounds.weight, optimizer.batch_size as f64);
        if optimizer.nesterov {
            let direction = Complex64::new((1.0 + mu) / bounds.weight, 1.0 / bounds.momentum);
            return Self { kept: mu, across: mu * mu * unit, direction: direction * -rate / batch * HALF };
        }
        let direction = Complex64::new(-rate / bounds.weight, 1.0 / bounds.momentum);
        Self { kept: mu, across: -rate * mu * unit, direction: direction / batch * HALF }
    }
}

impl RealFormulas {
    /// The formulas of some layers of a recipe's network, in a cube, with a program.
    pub fn new(
        recipe: &Recipe,
        network: &Network,
        layers: &[usize],
        cube: Cube,
        input_bound: f64,
        program: &Program,
    ) -> Self {
        let shapes = layers.iter().map(|&l| (l, network.layers[l].matrix.entries.dim()));
        let monic = |layer: &Layer| {
            let polynomial =
                layer.activation.as_ref().and_then(|activation| activation.polynomial.as_deref());
            MonicPolynomial::new(polynomial.unwrap_or_default())
        };
        let refreshed = program.training.iter().flat_map(|step| match *step {
            Step::Refresh { round, by } => program.rounds[round].iter().map(move |r| (r.from, by)).collect(),
            _ => vec![],
        });
        Self {
            geometry: Geometry::new(cube, shapes, recipe.optimizer.batch_size),
            matrices: layers.iter().map(|&l| network.layers[l].matrix.clone()).collect(),
            activations: network.layers.iter().map(monic).collect(),
            loss: LossFormula::of(network),
            bounds: recipe.numbers.bounds.clone(),
            input_bound,
            batch: recipe.optimizer.batch_size,
            update: UpdateRule::new(&recipe.optimizer, &recipe.numbers.bounds),
            refreshed: refreshed.collect(),
            program: program.clone(),
        }
    }

    pub fn cube(&self) -> &Cube {
        &self.geometry.cube
    }

    /// The last layer of the network.
    pub fn last(&self) -> usize {
        self.activations.len().saturating_sub(1)
    }

    pub fn image_tiles(&self) -> usize {
        self.batch.div_ceil(self.cube().b)
    }

    /// Whether a step runs here: an activation does where the layer behind it does.
    pub fn runs(&self, step: Step) -> bool {
        step.runs(&self.geometry.numbers, self.activations.len())
    }

    pub fn by_client(&self, tensor: Tensor) -> bool {
        self.refreshed.get(&tensor) == Some(&Refresher::Client)
    }

    pub fn is_bootstrapped(&self, tensor: Tensor) -> bool {
        self.refreshed.get(&tensor) == Some(&Refresher::Bootstrap)
    }

    /// Whether weights as computed are those of the next step: no client sends others.
    pub fn keeps_weights(&self) -> bool {
        self.refreshed.get(&Tensor::NewWeights).is_none_or(|by| !by.is_client())
    }

    /// The constant `κ` beside the weights of layer `l`, by which its pre-activations are multiplied: that of the activation
    /// behind it, where that is computed here.
    #[doc(alias = "weight_scale")]
    pub fn scale(&self, l: usize) -> f64 {
        let activates = l < self.last() || self.loss == LossFormula::ActivationTimesDerivative;
        if activates && self.runs(Step::Activate(l)) { self.activations[l].scale } else { 1.0 }
    }

    /// The factor from the stored error of layer `l` to the error, as it is computed.
    pub fn raw_error_unit(&self, l: usize) -> f64 {
        let factor = self.activations[l].derivative_factor;
        match self.loss {
            LossFormula::ActivationTimesDerivative if l == self.last() => factor,
            _ if l == self.last() => 1.0,
            _ if !self.runs(Step::Derivative(l)) => 1.0,
            _ => self.error_unit(l + 1) * factor / self.scale(l + 1),
        }
    }

    /// The factor from the stored error of layer `l` to the error, as it is used: 1 after a refresh by the client.
    #[doc(alias = "error_units")]
    pub fn error_unit(&self, l: usize) -> f64 {
        if self.by_client(Tensor::RawError(l)) { 1.0 } else { self.raw_error_unit(l) }
    }

    /// The largest magnitude of the pre-activations of layer `l`, as they are stored.
    pub fn sum_bound(&self, l: usize) -> f64 {
        let bound = if l == self.last() { self.bounds.output } else { self.bounds.preactivation };
        bound * self.scale(l)
    }

    /// The largest magnitude of the activation behind layer `l`.
    pub fn activation_bound(&self, l: usize) -> f64 {
        let bound = if l == self.last() { self.bounds.output } else { self.bounds.preactivation };
        self.activations[l].reach(bound)
    }

    /// The largest magnitude of the gradient with respect to the inputs of layer `l`, as it is stored: before the derivative.
    #[doc(alias = "error_bound")]
    pub fn input_gradient_bound(&self, l: usize) -> f64 {
        self.bounds.error * self.scale(l) / self.error_unit(l).abs()
    }

    /// The factor from a tensor of images, as it is stored, to its real numbers.
    pub fn unit(&self, tensor: Tensor) -> f64 {
        match tensor {
            Tensor::Sum(l) | Tensor::Preactivation(l) => 1.0 / self.scale(l),
            Tensor::RawError(l) => self.raw_error_unit(l),
            Tensor::Error(l) => self.error_unit(l),
            _ => 1.0,
        }
    }

    /// The largest magnitude of a tensor that the client encrypts, as it is stored.
    pub fn fresh_bound(&self, tensor: Tensor) -> f64 {
        match tensor {
            Tensor::Features => self.input_bound,
            Tensor::Targets => self.bounds.output.max(1.0),
            Tensor::Preactivation(l) => self.sum_bound(l),
            Tensor::Error(l) => self.bounds.error / self.error_unit(l).abs(),
            _ => 1.0,
        }
    }

    /// The largest magnitude that a ciphertext of a tensor may claim. Of one that a server computed that is what the modulus holds over
    /// which the plan has it sent, which reading it compares.
    pub fn claimed_bound(&self, tensor: Tensor) -> f64 {
        match tensor {
            Tensor::Features
            | Tensor::Targets
            | Tensor::Preactivation(_)
            | Tensor::Error(_)
            | Tensor::Weights => self.fresh_bound(tensor),
            _ => f64::INFINITY,
        }
    }

    /// The target where there is no output: with it the error is zero.
    pub fn no_target(&self) -> f64 {
        match self.loss {
            LossFormula::Outputs => 0.0,
            _ => self.activations[self.last()].constant,
        }
    }

    /// The units of real and imaginary part of the state: weights and momentum are them times the parts.
    pub fn state_units(&self) -> [f64; 2] {
        [self.bounds.weight / HALF, self.bounds.momentum / HALF]
    }
}
