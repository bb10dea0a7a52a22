//! The formula of every tensor.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Formulas, Level, LossFormula, SlotOps, Store};
use crate::engine::EngineError;
use crate::layout::{Geometry, WeightTiles};
use crate::program::{Step, Tensor};

pub(super) type Result<T> = std::result::Result<T, EngineError>;

/// The formulas of one plan on one scheme.
pub struct Body<'a, S: SlotOps> {
    /// The scheme.
    pub ops: &'a S,
    /// The layout.
    pub geometry: &'a Geometry,
    /// The constants.
    pub formulas: &'a Formulas<S::Scalar>,
    /// Primes over which tensors are computed.
    pub levels: &'a BTreeMap<Tensor, Level>,
}

/// The tensors that a step reads: those of a store, and those it made itself before.
pub struct View<'s, C> {
    /// The store.
    pub store: &'s Store<C>,
    /// What the step made so far.
    pub made: &'s [(Tensor, Vec<C>)],
}

impl<'s, C> View<'s, C> {
    /// The tiles of a tensor.
    ///
    /// # Errors
    /// If it is not there.
    pub fn get(&self, tensor: Tensor) -> Result<&'s [C]> {
        let made = self.made.iter().find(|(made, _)| *made == tensor);
        made.map_or_else(|| self.store.get(tensor), |(_, tiles)| Ok(tiles))
    }
}

/// The tensors that a step writes, each of which may read those before it; none of a refresh. `last` is the last layer, `loss`
/// its formula.
#[must_use]
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

impl<S: SlotOps> Body<'_, S> {
    /// The tiles of every tensor that a step writes.
    ///
    /// # Errors
    /// If the scheme refuses, or a tensor that the step reads is not there.
    pub fn run(&self, store: &Store<S::Ciphertext>, step: Step) -> Result<Vec<(Tensor, Vec<S::Ciphertext>)>> {
        let mut made = Vec::new();
        for tensor in written(step, self.last(), self.formulas.loss) {
            let tiles = self.compute(&View { store, made: &made }, tensor)?;
            made.push((tensor, tiles));
        }
        Ok(made)
    }

    /// The tiles of one tensor.
    ///
    /// # Errors
    /// As [`run`](Self::run); if there is no formula for it here.
    pub fn compute(&self, view: &View<'_, S::Ciphertext>, tensor: Tensor) -> Result<Vec<S::Ciphertext>> {
        let level = self.levels.get(&tensor).copied().unwrap_or_default();
        match tensor {
            Tensor::Expanded => self.expand(view.get(Tensor::Weights)?, level),
            Tensor::Sum(l) => {
                self.forward(l, view.get(Tensor::input(l))?, view.get(Tensor::Expanded)?, level)
            }
            Tensor::Activation(l) => self.function(l, 0, view.get(Tensor::Preactivation(l))?, level),
            Tensor::Derivative(l) => self.function(l, 1, view.get(Tensor::Preactivation(l))?, level),
            Tensor::InputGradient(l) => {
                self.backward(l + 1, view.get(Tensor::Error(l + 1))?, view.get(Tensor::Expanded)?, level)
            }
            Tensor::RawError(l) => {
                self.multiply(view.get(Tensor::InputGradient(l))?, view.get(Tensor::Derivative(l))?, level)
            }
            Tensor::Error(l) if l == self.last() => self.loss(view, level),
            Tensor::Products(l) => {
                self.outer(l, view.get(Tensor::input(l))?, view.get(Tensor::Error(l))?, level)
            }
            Tensor::Gradient => self.gradient(view, level),
            Tensor::NewMomentum => self.combine(view, &self.formulas.momentum),
            Tensor::NewWeights => self.combine(view, &self.formulas.weights),
            _ => Err(EngineError::Unplanned(tensor.to_string())),
        }
    }

    fn last(&self) -> usize {
        self.formulas.layers.len().saturating_sub(1)
    }

    /// The layout of a layer that is one of these.
    pub(super) fn layer(&self, l: usize) -> Result<&WeightTiles> {
        self.geometry.layer(l).ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))
    }

    /// The error of the last layer.
    fn loss(&self, view: &View<'_, S::Ciphertext>, level: Level) -> Result<Vec<S::Ciphertext>> {
        let (last, one) = (self.last(), S::Scalar::from(1));
        let difference =
            |tensor| self.combine(view, &[(one, tensor), (S::Scalar::from(-1), Tensor::Targets)]);
        match self.formulas.loss {
            LossFormula::Outputs => difference(Tensor::Preactivation(last)),
            LossFormula::Activation => difference(Tensor::Activation(last)),
            LossFormula::ActivationTimesDerivative => {
                let difference = difference(Tensor::Activation(last))?;
                self.multiply(&difference, view.get(Tensor::Derivative(last))?, level)
            }
        }
    }

    /// Slot-wise products.
    fn multiply(
        &self,
        left: &[S::Ciphertext],
        right: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        left.par_iter().zip(right).map(|(a, b)| self.ops.product(a, b, level)).collect()
    }

    /// `Σ c·tensor`, tile by tile.
    fn combine(
        &self,
        view: &View<'_, S::Ciphertext>,
        terms: &[(S::Scalar, Tensor)],
    ) -> Result<Vec<S::Ciphertext>> {
        let tensors =
            terms.iter().map(|(c, tensor)| Ok((*c, view.get(*tensor)?))).collect::<Result<Vec<_>>>()?;
        let count = tensors.iter().map(|(_, tiles)| tiles.len()).min().unwrap_or(0);
        (0..count)
            .into_par_iter()
            .map(|i| self.ops.combine(&tensors.iter().map(|(c, tiles)| (*c, &tiles[i])).collect::<Vec<_>>()))
            .collect()
    }
}
