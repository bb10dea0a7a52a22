//! The steps, and the bootstraps between them.

use std::borrow::Cow;

use rayon::prelude::*;

use super::held::Reading;
use super::{Held, RealFormulas, RealOps, Samples};
use crate::engine::slots::{Body, Tensors};
use crate::engine::{EngineError, Result};
use crate::layout::{Images, Side};
use crate::program::{Step, Tensor};

impl<'a, S: RealOps> Body<'a, S, RealFormulas> {
    /// Runs a step on the tensors that are held, and drops what no later step reads.
    ///
    /// # Errors
    /// If the scheme refuses, or a tensor that the step reads is not there.
    pub fn run_on(
        &self,
        step: Step,
        held: &mut Held<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<(), EngineError> {
        if let Step::Refresh { .. } = step {
            return Err(EngineError::Unplanned(step.to_string()));
        }
        let made = self.run(&Reading { held, samples, parts: self.numbers.image_tiles() }, step)?;
        for (tensor, tiles) in made {
            held.put(self.numbers, tensor, tiles);
        }
        held.drop_unread(self.numbers, step);
        Ok(())
    }

    /// Bootstraps a tensor: weights with their momentum, pre-activations, or a gradient with respect to inputs.
    pub fn bootstrap(
        &self,
        tensor: Tensor,
        held: &mut Held<S::Ciphertext>,
        rows: usize,
    ) -> Result<(), EngineError> {
        let formulas = self.numbers;
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
        let layer = self.numbers.geometry.layer(l);
        Ok(layer.ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))?.side.other())
    }

    /// The images that count in each of `count` tiles of pre-activations: of the last layer those there are, so that the error of
    /// others is zero.
    fn counted(&self, l: usize, count: usize, rows: usize) -> impl Fn(usize) -> Images + Sync + use<'a, S> {
        let (last, b) = (l == self.numbers.last(), self.numbers.cube().b);
        let each = (count / self.numbers.image_tiles().max(1)).max(1);
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
    ) -> Result<Vec<S::Ciphertext>> {
        let packed = self.pack(tiles, images, idle, 1.0 / bound)?;
        let fresh = packed.iter().map(|c| self.ops.bootstrap(&self.ops.with_bound(c.clone(), 1.0)?));
        let fresh = fresh.collect::<Result<Vec<_>>>()?;
        let tiles = self.unpack(&fresh, tiles.len(), idle, bound)?;
        tiles.into_iter().map(|tile| self.ops.with_bound(tile, bound)).collect()
    }

    /// Pre-activations that are right everywhere: refreshed ones, or sums after a mask where they take one.
    pub(super) fn preactivations<'t>(
        &self,
        l: usize,
        tensors: &'t impl Tensors<S::Ciphertext>,
    ) -> Result<Cow<'t, [S::Ciphertext]>> {
        if tensors.has(Tensor::Preactivation(l)) {
            return Ok(Cow::Borrowed(tensors.get(Tensor::Preactivation(l))?));
        }
        let sums = tensors.get(Tensor::Sum(l))?;
        let side = self.output_side(l)?.other();
        if side == Side::P && l != self.numbers.last() {
            return Ok(Cow::Borrowed(sums));
        }
        let (images, bound) = (self.counted(l, sums.len(), tensors.rows()), self.numbers.sum_bound(l));
        let spread = sums.par_iter().enumerate().map(|(tile, sum)| {
            let sum = self.spread_sum(sum, side, images(tile))?;
            self.ops.with_bound(sum, bound)
        });
        Ok(Cow::Owned(spread.collect::<Result<_>>()?))
    }
}
