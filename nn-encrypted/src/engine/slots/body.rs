//! The formula of every tensor.

use std::borrow::Cow;

use rayon::prelude::*;

use super::numbers::Activated;
use super::tensors::View;
use super::{Level, LossFormula, Numbers, Sign, SlotOps, Tensors};
use crate::engine::{EngineError, Result};
use crate::layout::{Rotation, WeightTiles};
use crate::program::{Step, Tensor};

/// The formulas of some layers on one scheme.
pub struct Body<'a, S: SlotOps, N: Numbers<S>> {
    pub ops: &'a S,
    /// Layout and constants, and what depends on the kind of numbers.
    pub numbers: &'a N,
}

/// The tensors that a step writes, each of which may read those before it; none of a refresh. `last` is the last layer, `loss`
/// its formula.
pub fn written(step: Step, last: usize, loss: LossFormula) -> Vec<Tensor> {
    match step {
        Step::Expand => vec![Tensor::Expanded],
        Step::Forward(l) => vec![Tensor::Sum(l)],
        Step::Activate(l) => vec![Tensor::Activation(l)],
        Step::Loss => match loss {
            LossFormula::Outputs => vec![Tensor::Error(last)],
            LossFormula::Activation => vec![Tensor::Activation(last), Tensor::Error(last)],
            LossFormula::ActivationTimesDerivative => {
                vec![Tensor::Derivative(last), Tensor::Error(last)]
            }
        },
        Step::Backward(l) => vec![Tensor::InputGradient(l.saturating_sub(1))],
        Step::Derivative(l) => vec![Tensor::Derivative(l), Tensor::RawError(l)],
        Step::Gradient(l) => vec![Tensor::Products(l)],
        Step::Update => vec![Tensor::Gradient, Tensor::NewMomentum, Tensor::NewWeights],
        Step::Refresh { .. } => vec![],
    }
}

impl<S: SlotOps, N: Numbers<S>> Body<'_, S, N> {
    /// The tiles of every tensor that a step writes.
    ///
    /// # Errors
    /// If the scheme refuses, or a tensor that the step reads is not there.
    pub fn run(
        &self,
        tensors: &impl Tensors<S::Ciphertext>,
        step: Step,
    ) -> Result<Vec<(Tensor, Vec<S::Ciphertext>)>> {
        let mut made = Vec::new();
        if let Step::Activate(l) = step {
            let (values, derivatives) = self.activate(tensors, l)?;
            made.push((Tensor::Activation(l), values));
            made.extend(derivatives.map(|derivatives| (Tensor::Derivative(l), derivatives)));
            return Ok(made);
        }
        for tensor in written(step, self.numbers.last(), self.numbers.loss()) {
            if !self.numbers.writes(tensor) {
                continue;
            }
            let tiles = self.compute(&View { before: tensors, made: &made }, tensor)?;
            made.push((tensor, tiles));
        }
        Ok(made)
    }

    /// The tiles of one tensor.
    pub fn compute(
        &self,
        tensors: &impl Tensors<S::Ciphertext>,
        tensor: Tensor,
    ) -> Result<Vec<S::Ciphertext>> {
        let (ops, numbers, level) = (self.ops, self.numbers, self.numbers.level(tensor));
        match tensor {
            Tensor::Expanded => numbers.expand(ops, tensors.get(Tensor::Weights)?),
            Tensor::Sum(l) => self.forward(l, tensors),
            Tensor::Activation(l) => Ok(self.activate(tensors, l)?.0),
            Tensor::Derivative(l) => numbers.derivatives(ops, l, &numbers.preactivations(ops, l, tensors)?),
            Tensor::InputGradient(l) => self.backward(l + 1, tensors),
            Tensor::RawError(l) => {
                let gradients = Cow::Borrowed(tensors.get(Tensor::InputGradient(l))?);
                self.times_derivative(l, gradients, tensors, level)
            }
            Tensor::Error(l) if l == numbers.last() => self.loss(tensors, level),
            Tensor::Products(l) => self.gradient(l, tensors),
            Tensor::Gradient | Tensor::NewMomentum | Tensor::NewWeights => {
                numbers.update(ops, tensors, tensor)
            }
            _ => Err(EngineError::Unplanned(tensor.to_string())),
        }
    }

    /// The layout of a layer that is one of these, and its place among them.
    pub(super) fn layer(&self, l: usize) -> Result<(usize, &WeightTiles)> {
        let geometry = self.numbers.geometry();
        let place = geometry.numbers.iter().position(|number| *number == l);
        let place = place.ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))?;
        Ok((place, &geometry.layers[place]))
    }

    /// The activation behind layer `l`, and its derivative where that is made along with it.
    fn activate(&self, tensors: &impl Tensors<S::Ciphertext>, l: usize) -> Result<Activated<S::Ciphertext>> {
        let (ops, numbers) = (self.ops, self.numbers);
        numbers.activations(ops, l, &numbers.preactivations(ops, l, tensors)?)
    }

    /// The error of the last layer.
    fn loss(&self, tensors: &impl Tensors<S::Ciphertext>, level: Level) -> Result<Vec<S::Ciphertext>> {
        let (ops, last) = (self.ops, self.numbers.last());
        let values = match self.numbers.loss() {
            LossFormula::Outputs => self.numbers.preactivations(ops, last, tensors)?,
            _ => Cow::Borrowed(tensors.get(Tensor::Activation(last))?),
        };
        let mut errors = Vec::with_capacity(values.len());
        for (part, values) in values.chunks(values.len().div_ceil(tensors.parts()).max(1)).enumerate() {
            let targets = tensors.part(Tensor::Targets, part)?;
            let part = values.par_iter().zip(&*targets);
            let part = part.map(|(value, target)| ops.sum(&[(Sign::Plus, value), (Sign::Minus, target)]));
            errors.extend(part.collect::<Result<Vec<_>>>()?);
        }
        drop(values);
        match self.numbers.loss() {
            LossFormula::ActivationTimesDerivative => {
                self.times_derivative(last, Cow::Owned(errors), tensors, level)
            }
            _ => Ok(errors),
        }
    }

    /// Errors times the derivative of the activation behind layer `l`, where it is no constant.
    fn times_derivative(
        &self,
        l: usize,
        errors: Cow<'_, [S::Ciphertext]>,
        tensors: &impl Tensors<S::Ciphertext>,
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        if self.numbers.is_linear(l) {
            return Ok(errors.into_owned());
        }
        let derivatives = tensors.get(Tensor::Derivative(l))?;
        errors.par_iter().zip(derivatives).map(|(a, b)| self.ops.product(a, b, level)).collect()
    }

    /// A sum along an axis, by these rotations, which stays below a bound.
    ///
    /// The bound of every term is taken for its share: sums are modulo the whole modulus, so that it does no harm if those on the
    /// way are larger than the bound.
    pub(super) fn summed(
        &self,
        a: S::Ciphertext,
        rotations: &[Rotation],
        bound: Option<f64>,
    ) -> Result<S::Ciphertext> {
        let a = match bound {
            Some(bound) => self.ops.with_bound(a, bound / (rotations.len() as f64).exp2())?,
            None => a,
        };
        self.ops.rotate_and_add(a, rotations)
    }
}
