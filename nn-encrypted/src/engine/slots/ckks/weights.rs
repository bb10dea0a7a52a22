//! Weights from the state to tiles, gradients back into it.

use he_ckks::Complex64;
use rayon::prelude::*;

use super::axes::on;
use super::{RealFormulas, RealMask, RealOps};
use crate::engine::Result;
use crate::engine::slots::{Body, Sign, Tensors};
use crate::layout::{Images, Mask, Side};
use crate::program::Tensor;

impl<S: RealOps> Body<'_, S, RealFormulas> {
    /// The weights of all layers as tiles, out of the compact state.
    pub(super) fn expand(&self, state: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let (formulas, compact) = (self.numbers, self.numbers.geometry.compact);
        let (constants, bound) = (formulas.tile_constants(), formulas.bounds.weight);
        let scale = |tile: usize| formulas.scale(formulas.geometry.numbers[formulas.tile_place(tile)]);
        let mut tiles = Vec::with_capacity(compact.tiles);
        for (g, state) in state.iter().enumerate() {
            // Twice the real part.
            let real = self.ops.add(state, &self.ops.conjugate(state)?)?;
            let first = g * compact.group;
            let value = |m: usize| {
                let value = scale(first + m) * bound * std::f64::consts::FRAC_1_SQRT_2;
                // Slots without a weight hold zero: a mask for each tile, which memory is full of soon, is for different constants.
                match constants[first + m] {
                    Some(constant) => on(Images::All, value * constant),
                    None => RealMask { factors: Some(first + m), ..on(Images::All, value) },
                }
            };
            let expanded = self.expand_group(&real, compact.tiles_in(g), value)?;
            for (m, tile) in expanded.into_iter().enumerate() {
                tiles.push(self.ops.with_bound(tile, bound * scale(first + m))?);
            }
        }
        Ok(tiles)
    }

    /// The next state: momentum and weights by the optimizer's rule.
    pub(super) fn update(&self, tensors: &impl Tensors<S::Ciphertext>) -> Result<Vec<S::Ciphertext>> {
        let mut gradients = Vec::new();
        for &l in &self.numbers.geometry.numbers {
            gradients.extend(tensors.get(Tensor::Products(l))?);
        }
        let changes = self.collect(&gradients)?;
        let state = tensors.get(Tensor::Weights)?;
        state.iter().zip(&changes).map(|(state, change)| self.updated(state, change)).collect()
    }

    /// What is added to the state: the gradients, compact, times their factors.
    fn collect(&self, gradients: &[&S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let (formulas, compact) = (self.numbers, self.numbers.geometry.compact);
        let (constants, shared) = (formulas.tile_constants(), formulas.is_shared());
        // A sum over the entries of each weight clears the slots without one, and multiplies by constants.
        let partial = |tile| match constants[tile] {
            Some(_) if shared => false,
            _ => formulas.is_partial(tile),
        };
        let partial: Vec<bool> = (0..compact.tiles).into_par_iter().map(partial).collect();
        let units: Vec<f64> = formulas.geometry.numbers.iter().map(|&l| formulas.error_unit(l)).collect();
        let value = |tile: usize| {
            let place = formulas.tile_place(tile);
            let layer = &formulas.geometry.layers[place];
            let value = formulas.update.direction * units[place];
            let mask = Mask::on(Images::All, value);
            let (blocks, outputs) = layer.counts(formulas.cube());
            let plain = |mask| RealMask { mask, factors: None };
            match (tile - layer.first >= blocks * outputs, layer.side) {
                (true, Side::P) => plain(Mask { x: Some(0), ..mask }),
                (true, Side::Q) => plain(Mask { z: Some(0), ..mask }),
                (false, _) => RealMask { mask, factors: partial[tile].then_some(tile) },
            }
        };
        let groups = gradients.chunks(compact.group).enumerate().map(|(g, tiles)| {
            let sum = self.collect_group(tiles, |m| value(g * compact.group + m))?;
            if shared { self.ops.sum_shared(&sum) } else { Ok(sum) }
        });
        groups.collect()
    }

    /// `w + across·v + i·kept·v + change` for the state `w + i·v`.
    fn updated(&self, state: &S::Ciphertext, change: &S::Ciphertext) -> Result<S::Ciphertext> {
        let rule = &self.numbers.update;
        let half = Complex64::new(0.5, 0.0);
        let part = Complex64::new(rule.kept / 2.0, -rule.across / 2.0);
        let conjugate = self.ops.conjugate(state)?;
        let kept = self.ops.combine(&[(half + part, state), (half - part, &conjugate)])?;
        self.ops.with_bound(self.ops.sum(&[(Sign::Plus, &kept), (Sign::Plus, change)])?, 1.0)
    }
}
