//! The three matrix products of a layer.

use rayon::prelude::*;

use super::body::Result;
use super::{Body, Level, SlotOps};

impl<S: SlotOps> Body<'_, S> {
    /// `c·A·W + 1·b`, right at index 0 along the inputs.
    pub(super) fn forward(
        &self,
        l: usize,
        input: &[S::Ciphertext],
        weights: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let (cube, layer, formula) = (&self.geometry.cube, self.layer(l)?, &self.formulas.layers[l]);
        let (blocks, outputs) = layer.counts(cube);
        let weights_of = |k: usize| (0..outputs).map(move |o| &weights[layer.weight(cube, k, o)]);
        let matrix: Vec<_> = (0..blocks).flat_map(weights_of).collect();
        let sums = self.ops.products(blocks, &input.iter().collect::<Vec<_>>(), &matrix, level)?;
        let rotations = cube.side_sum(layer.side, layer.inputs);
        let finished = sums.par_iter().enumerate().map(|(tile, sum)| {
            let bias = &weights[layer.bias(cube, tile % outputs)];
            let sum = self.ops.combine(&[(formula.constant, sum), (formula.one, bias)])?;
            self.ops.rotate_and_add(&sum, &rotations)
        });
        finished.collect()
    }

    /// `c·D·Wᵀ`, right at index 0 along the outputs.
    pub(super) fn backward(
        &self,
        l: usize,
        error: &[S::Ciphertext],
        weights: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let (cube, layer, formula) = (&self.geometry.cube, self.layer(l)?, &self.formulas.layers[l]);
        let (blocks, outputs) = layer.counts(cube);
        let transposed =
            (0..outputs).flat_map(|o| (0..blocks).map(move |k| &weights[layer.weight(cube, k, o)]));
        let matrix: Vec<_> = transposed.collect();
        let sums = self.ops.products(outputs, &error.iter().collect::<Vec<_>>(), &matrix, level)?;
        let rotations = cube.side_sum(layer.side.other(), layer.outputs);
        let finished = sums.par_iter().map(|sum| {
            let sum = self.ops.rotate_and_add(sum, &rotations)?;
            if formula.constant == S::Scalar::from(1) {
                return Ok(sum);
            }
            self.ops.combine(&[(formula.constant, &sum)])
        });
        finished.collect()
    }

    /// `Aᵀ·D` of every image.
    pub(super) fn outer(
        &self,
        l: usize,
        input: &[S::Ciphertext],
        error: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let blocks = self.layer(l)?.counts(&self.geometry.cube).0;
        let transposed: Vec<_> = (0..blocks).flat_map(|k| input.iter().skip(k).step_by(blocks)).collect();
        self.ops.products(input.len() / blocks, &transposed, &error.iter().collect::<Vec<_>>(), level)
    }
}
