//! Interval arithmetic: the largest magnitude of every tensor from one refresh to the next.

use std::collections::BTreeMap;

use super::formulas::{Numbers, shifted, times};
use crate::activation::DyadicPolynomial;
use crate::engine::slots::LossFormula;
use crate::program::Tensor;
use crate::recipe::Coding;

/// Largest magnitudes of tensors, proven.
pub(in crate::plan::slots) struct Bounds<'a> {
    numbers: &'a Numbers<'a>,
    features: f64,
    /// Of every tensor so far.
    pub(in crate::plan::slots) known: BTreeMap<Tensor, i128>,
}

/// The integer of a real bound at a scale.
fn scaled(bound: f64, bits: u32) -> i64 {
    (bound * f64::from(bits).exp2()) as i64
}

/// The largest magnitude of a polynomial on the integers of `[−bound, bound]`: exact where the interval is short,
/// `Σ |c_i|·bound^i` otherwise.
fn polynomial_bound(polynomial: &DyadicPolynomial, bound: i128) -> i128 {
    let coefficients = || polynomial.coefficients_int.iter().rev().map(|&c| i128::from(c));
    let most = coefficients().fold(0i128, |sum, c| times(sum, bound).saturating_add(c.abs()));
    if most == i128::MAX || bound > 1 << 16 {
        return most;
    }
    let value = |z: i128| coefficients().fold(0i128, |sum, c| sum * z + c).abs();
    (-bound..=bound).map(value).max().unwrap_or(0)
}

impl<'a> Bounds<'a> {
    /// Bounds on features of at most `features` in magnitude.
    pub(in crate::plan::slots) fn new(numbers: &'a Numbers<'a>, features: f64) -> Self {
        let mut this = Self { numbers, features, known: BTreeMap::new() };
        this.known.insert(Tensor::Features, i128::from(scaled(features, numbers.scales.layers[0].input)));
        this
    }

    fn get(&self, tensor: Tensor) -> i128 {
        // What no refresh replaces is as it was computed.
        let computed = match tensor {
            Tensor::Preactivation(l) => Some(Tensor::Sum(l)),
            Tensor::Error(l) => Some(Tensor::RawError(l)),
            _ => None,
        };
        let known = self.known.get(&tensor).or_else(|| self.known.get(&computed?));
        known.copied().unwrap_or(0)
    }

    /// Notes the bound of a tensor that the client encrypts.
    pub(in crate::plan::slots) fn encrypted(&mut self, tensor: Tensor) {
        let (scales, bounds) = (self.numbers.scales, &self.numbers.recipe.numbers.bounds);
        let half = (1i64 << self.numbers.low_bits()) >> 1;
        let bound = match tensor {
            Tensor::Targets => self.targets(),
            Tensor::Weights => {
                i128::from((scaled(bounds.weight, scales.weight) + half) >> self.numbers.low_bits())
            }
            Tensor::LowWeights => i128::from(half),
            Tensor::Momentum => i128::from(scaled(bounds.momentum, scales.momentum)),
            Tensor::Preactivation(l) => {
                let real = if l == self.numbers.last() { bounds.output } else { bounds.preactivation };
                i128::from(scaled(real, scales.layers[l].preactivation))
            }
            Tensor::Error(l) => i128::from(scaled(bounds.error, scales.layers[l].error)),
            _ => return,
        };
        self.known.insert(tensor, bound);
    }

    /// Targets are 0 and 1 or between; those of measured values, which have a single output, are as large as features at most.
    fn targets(&self) -> i128 {
        let bits = self.numbers.scales.targets;
        let single = self.numbers.network.layers.last().is_some_and(|layer| layer.outputs() == 1);
        if single && self.numbers.recipe.data.outputs != Coding::Single && self.features > 1.0 {
            return i128::from(scaled(self.features, bits)) + 1;
        }
        shifted(1, bits)
    }

    /// Notes the bound of a tensor that is computed from those known.
    pub(in crate::plan::slots) fn computed(&mut self, tensor: Tensor) {
        let bound = self.formula(tensor);
        self.known.insert(tensor, bound);
    }

    fn formula(&self, tensor: Tensor) -> i128 {
        let (network, formulas) = (self.numbers.network, &self.numbers.formulas);
        let constant = |l: usize, sum: i128| times(i128::from(formulas.layers[l].constant), sum);
        match tensor {
            Tensor::Expanded => self.get(Tensor::Weights),
            Tensor::Sum(l) => {
                let (weight, inputs) = (self.get(Tensor::Expanded), self.numbers.places[l].of_output as i128);
                let products = constant(l, times(inputs, times(self.get(Tensor::input(l)), weight)));
                products.saturating_add(times(weight, i128::from(formulas.layers[l].one)))
            }
            Tensor::Activation(l) => self.function(l, 0),
            Tensor::Derivative(l) => self.function(l, 1),
            Tensor::InputGradient(l) => {
                let product = times(self.get(Tensor::Error(l + 1)), self.get(Tensor::Expanded));
                constant(l + 1, times(self.numbers.places[l + 1].of_input as i128, product))
            }
            Tensor::RawError(l) => times(self.get(Tensor::InputGradient(l)), self.get(Tensor::Derivative(l))),
            Tensor::Error(_) => self.loss(),
            Tensor::Products(l) => {
                let error =
                    times(self.get(Tensor::Error(l)), self.numbers.recipe.optimizer.batch_size as i128);
                times(error, self.get(Tensor::input(l)))
            }
            Tensor::Gradient => {
                let layers = (0..network.depth()).filter(|l| self.known.contains_key(&Tensor::Products(*l)));
                layers.map(|l| self.gradient(l)).max().unwrap_or(0)
            }
            Tensor::NewMomentum => self.combined(&formulas.momentum),
            Tensor::NewWeights => self.new_weights(),
            _ => 0,
        }
    }

    fn function(&self, l: usize, order: usize) -> i128 {
        let polynomials = self.numbers.scales.layers[l].activation.as_ref();
        polynomials.map_or(0, |both| polynomial_bound(&both[order], self.get(Tensor::Preactivation(l))))
    }

    /// The error of the last layer.
    fn loss(&self) -> i128 {
        let (last, targets) = (self.numbers.last(), self.get(Tensor::Targets));
        match self.numbers.formulas.loss {
            LossFormula::Outputs => self.get(Tensor::Preactivation(last)).saturating_add(targets),
            LossFormula::Activation => self.get(Tensor::Activation(last)).saturating_add(targets),
            LossFormula::ActivationTimesDerivative => times(
                self.get(Tensor::Activation(last)).saturating_add(targets),
                self.get(Tensor::Derivative(last)),
            ),
        }
    }

    /// The gradient of a layer, at the scale of all.
    pub(in crate::plan::slots) fn gradient(&self, l: usize) -> i128 {
        let (of_weights, of_bias) = self.numbers.formulas.layers[l].gradient;
        let weights = self.get(Tensor::Products(l)).saturating_mul(self.numbers.places[l].of_weight as i128);
        let biases = times(self.get(Tensor::Error(l)), self.numbers.recipe.optimizer.batch_size as i128);
        let biases = biases.saturating_mul(self.numbers.places[l].of_bias as i128);
        times(weights, i128::from(of_weights)).max(times(biases, i128::from(of_bias)))
    }

    fn combined(&self, terms: &[(i64, Tensor)]) -> i128 {
        let magnitudes = terms.iter().map(|(c, tensor)| times(i128::from(*c).abs(), self.get(*tensor)));
        magnitudes.fold(0, i128::saturating_add)
    }

    /// The two parts of the weights make up weights within their bound.
    fn new_weights(&self) -> i128 {
        let (kept, moved): (Vec<_>, Vec<_>) = (self.numbers.formulas.weights.iter())
            .partition(|(_, tensor)| matches!(tensor, Tensor::Weights | Tensor::LowWeights));
        let unit = kept.iter().find(|(_, tensor)| *tensor == Tensor::LowWeights).map_or(0, |(c, _)| *c);
        let scales = self.numbers.scales;
        let weight = scaled(self.numbers.recipe.numbers.bounds.weight, scales.weight);
        times(i128::from(unit), weight.into()).saturating_add(self.combined(&moved))
    }
}
