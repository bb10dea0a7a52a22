//! The steps, and the bootstraps between them.

use rayon::prelude::*;

use super::axes::Axes;
use super::{Held, RealFormulas, RealOps, Sign};
use crate::engine::EngineError;
use crate::engine::slots::LossFormula;
use crate::layout::{Images, Side};
use crate::program::{Step, Tensor};

pub(super) type Result<T> = std::result::Result<T, EngineError>;

/// Ciphertexts of a tensor of images by columns, images outermost.
pub(super) type Tiles<C> = Vec<C>;

/// The mini-batch, read tile by tile of images.
pub trait Samples<C>: Sync {
    /// Features of tile `t` of images, by tiles of features.
    ///
    /// # Errors
    /// If they cannot be read.
    fn features(&self, t: usize) -> std::result::Result<Vec<C>, EngineError>;

    /// Targets of tile `t`, by tiles of outputs.
    ///
    /// # Errors
    /// If they cannot be read.
    fn targets(&self, t: usize) -> std::result::Result<Vec<C>, EngineError>;

    /// Images there are.
    fn rows(&self) -> usize;
}

/// The formulas of some layers on one scheme.
pub struct RealBody<'a, S: RealOps> {
    /// The scheme.
    pub ops: &'a S,
    /// Layout and constants.
    pub formulas: &'a RealFormulas,
}

impl<'a, S: RealOps> RealBody<'a, S> {
    pub(super) fn axes(&self) -> Axes<'a, S> {
        let geometry = &self.formulas.geometry;
        Axes { ops: self.ops, cube: &geometry.cube, compact: &geometry.compact }
    }

    /// `f` of each, on all threads.
    pub(super) fn each<T: Sync>(
        items: &[T],
        f: impl Fn(&T) -> Result<S::Ciphertext> + Sync + Send,
    ) -> Result<Tiles<S::Ciphertext>> {
        items.par_iter().map(f).collect()
    }

    /// The place of layer `l` among these.
    pub(super) fn place(&self, l: usize) -> Result<usize> {
        let place = self.formulas.geometry.numbers.iter().position(|number| *number == l);
        place.ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))
    }

    /// Runs a step on the tensors that are held, and drops what no later step reads.
    ///
    /// # Errors
    /// If the scheme refuses, or a tensor that the step reads is not there.
    pub fn run(
        &self,
        step: Step,
        held: &mut Held<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> std::result::Result<(), EngineError> {
        match step {
            Step::Expand => held.expanded = self.expand(held.start())?,
            Step::Forward(l) => self.forward(l, held, samples)?,
            Step::Activate(l) => self.activate(l, held, samples.rows())?,
            Step::Loss => self.loss(held, samples)?,
            Step::Gradient(l) => self.gradient(l, held, samples)?,
            Step::Backward(l) => self.backward(l, held)?,
            Step::Derivative(l) => self.derivative(l, held)?,
            Step::Update => self.update(held)?,
            Step::Refresh { .. } => return Err(EngineError::Unplanned(step.to_string())),
        }
        held.drop_unread(self.formulas, step);
        Ok(())
    }

    /// Bootstraps a tensor: weights with their momentum, pre-activations, or a gradient with respect to inputs.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn bootstrap(
        &self,
        tensor: Tensor,
        held: &mut Held<S::Ciphertext>,
        rows: usize,
    ) -> std::result::Result<(), EngineError> {
        let formulas = self.formulas;
        match tensor {
            Tensor::Weights => {
                let fresh: Result<Vec<_>> = held.state.iter().map(|c| self.ops.bootstrap(c)).collect();
                held.bootstrapped = Some(fresh?);
            }
            // It lies in the ciphertexts of the weights.
            Tensor::Momentum => {}
            Tensor::Sum(l) => {
                let sums = held.tensors.take(tensor)?;
                let side = self.output_side(l)?.other();
                let images = self.counted(l, sums.len(), rows);
                let fresh = self.bootstrap_tiles(&sums, images, side, formulas.sum_bound(l))?;
                held.tensors.put(Tensor::Preactivation(l), fresh);
            }
            Tensor::InputGradient(l) => {
                let sums = held.tensors.take(tensor)?;
                let (side, bound) = (self.output_side(l + 1)?, formulas.input_gradient_bound(l + 1));
                let fresh = self.bootstrap_tiles(&sums, |_| Images::All, side, bound)?;
                held.tensors.put(tensor, fresh);
            }
            _ => return Err(EngineError::Unplanned(format!("bootstrap of the {tensor}"))),
        }
        Ok(())
    }

    /// The side along which the outputs of layer `l` lie.
    pub(super) fn output_side(&self, l: usize) -> Result<Side> {
        Ok(self.formulas.geometry.layers[self.place(l)?].side.other())
    }

    /// The images that count in each of `count` tiles of pre-activations: of the last layer those there are, so that the error of
    /// others is zero.
    fn counted(&self, l: usize, count: usize, rows: usize) -> impl Fn(usize) -> Images + Sync + use<'a, S> {
        let (last, b) = (l == self.formulas.last(), self.formulas.cube().b);
        let each = (count / self.formulas.image_tiles().max(1)).max(1);
        move |tile| {
            let here = rows.saturating_sub(tile / each * b).min(b);
            if last && here < b { Images::First(here) } else { Images::All }
        }
    }

    /// Tiles packed, bootstrapped and unpacked.
    fn bootstrap_tiles(
        &self,
        tiles: &[S::Ciphertext],
        images: impl Fn(usize) -> Images + Sync,
        idle: Side,
        bound: f64,
    ) -> Result<Tiles<S::Ciphertext>> {
        let packed = self.axes().pack(tiles, images, idle, 1.0 / bound)?;
        let fresh = packed.iter().map(|c| self.ops.bootstrap(&self.ops.with_bound(c.clone(), 1.0)?));
        let fresh = fresh.collect::<Result<Vec<_>>>()?;
        let tiles = self.axes().unpack(&fresh, tiles.len(), idle, bound)?;
        tiles.into_iter().map(|tile| self.ops.with_bound(tile, bound)).collect()
    }

    /// Pre-activations that are right everywhere: refreshed ones, or sums after a mask where they take one.
    pub(super) fn preactivations(
        &self,
        l: usize,
        held: &mut Held<S::Ciphertext>,
        rows: usize,
    ) -> Result<Tiles<S::Ciphertext>> {
        if held.tensors.has(Tensor::Preactivation(l)) {
            return held.tensors.take(Tensor::Preactivation(l));
        }
        let sums = held.tensors.take(Tensor::Sum(l))?;
        let side = self.output_side(l)?.other();
        if side == Side::P && l != self.formulas.last() {
            return Ok(sums);
        }
        let (images, bound) = (self.counted(l, sums.len(), rows), self.formulas.sum_bound(l));
        let spread = sums.par_iter().enumerate().map(|(tile, sum)| {
            let sum = self.axes().spread_sum(sum, side, images(tile))?;
            self.ops.with_bound(sum, bound)
        });
        spread.collect()
    }

    /// The error at the pre-activations of the last layer.
    fn loss(&self, held: &mut Held<S::Ciphertext>, samples: &impl Samples<S::Ciphertext>) -> Result<()> {
        let (last, images) = (self.formulas.last(), self.formulas.image_tiles());
        let values = match self.formulas.loss {
            LossFormula::Outputs => self.preactivations(last, held, samples.rows())?,
            LossFormula::Activation => {
                let sums = self.preactivations(last, held, samples.rows())?;
                let coefficients = &self.formulas.activations[last].coefficients;
                Self::each(&sums, |z| self.ops.with_bound(self.polynomial(z, coefficients)?, 2.0))?
            }
            LossFormula::ActivationTimesDerivative => held.tensors.take(Tensor::Activation(last))?,
        };
        let each = values.len() / images;
        let targets = (0..images).map(|t| samples.targets(t)).collect::<Result<Vec<_>>>()?;
        let errors = values.par_iter().enumerate().map(|(tile, value)| {
            self.ops.sum(&[(Sign::Plus, value), (Sign::Minus, &targets[tile / each][tile % each])])
        });
        let errors = errors.collect::<Result<Vec<_>>>()?;
        drop((values, targets));
        let errors = match self.formulas.loss {
            LossFormula::ActivationTimesDerivative => self.times_derivative(last, held, errors)?,
            _ => errors,
        };
        held.tensors.put(Tensor::Error(last), errors);
        Ok(())
    }

    /// Errors times the derivative of the activation behind layer `l`, where it is no constant.
    pub(super) fn times_derivative(
        &self,
        l: usize,
        held: &mut Held<S::Ciphertext>,
        errors: Tiles<S::Ciphertext>,
    ) -> Result<Tiles<S::Ciphertext>> {
        let tensor = Tensor::Derivative(l);
        if !held.tensors.has(tensor) {
            return Ok(errors);
        }
        let derivatives = held.tensors.take(tensor)?;
        let products = errors.par_iter().zip(&derivatives);
        products.map(|(error, d)| self.ops.relinearize(&self.ops.dot(&[(error, d)])?)).collect()
    }

    /// `D_l = (gradient with respect to A_(l+1)) ∘ a'(Z_l)`.
    fn derivative(&self, l: usize, held: &mut Held<S::Ciphertext>) -> Result<()> {
        let gradients = held.tensors.take(Tensor::InputGradient(l))?;
        let errors = self.times_derivative(l, held, gradients)?;
        held.tensors.put(Tensor::RawError(l), errors);
        Ok(())
    }
}
