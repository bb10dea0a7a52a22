//! The three matrix products of a layer.

use std::borrow::Cow;

use rayon::prelude::*;

use super::tensors::Tensors;
use super::{Body, Level, Numbers, SlotOps};
use crate::engine::{EngineError, Result};
use crate::program::Tensor;

/// Tiles of images whose features are in memory at once.
const TOGETHER: usize = 4;

/// The inputs of a layer, part by part: features as they are read, activations as a whole.
fn parts<C: Clone>(l: usize, tensors: &impl Tensors<C>) -> usize {
    if l == 0 { tensors.parts() } else { 1 }
}

/// A part of the inputs of a layer.
fn part<C: Clone, T: Tensors<C>>(l: usize, tensors: &T, part: usize) -> Result<Cow<'_, [C]>> {
    match l {
        0 => tensors.part(Tensor::Features, part),
        _ => Ok(Cow::Borrowed(tensors.get(Tensor::input(l))?)),
    }
}

fn references<C>(all: &[C]) -> Vec<&C> {
    all.iter().collect()
}

impl<S: SlotOps, N: Numbers<S>> Body<'_, S, N> {
    /// `c·A·W + 1·b`, summed along the inputs.
    pub(super) fn forward(
        &self,
        l: usize,
        tensors: &impl Tensors<S::Ciphertext>,
    ) -> Result<Vec<S::Ciphertext>> {
        let (place, layer) = self.layer(l)?;
        let (cube, numbers) = (&self.numbers.geometry().cube, self.numbers);
        let (blocks, outputs) = layer.counts(cube);
        let weights = tensors.weights(place, layer, layer.count(cube))?;
        let matrix = references(&weights[..blocks * outputs]);
        let rotations = cube.side_sum(layer.side, layer.inputs);
        let (bound, level) = (numbers.bound(Tensor::Sum(l)), numbers.level(Tensor::Sum(l)));
        let mut all = Vec::new();
        for number in 0..parts(l, tensors) {
            let input = part(l, tensors, number)?;
            let sums = self.ops.products(blocks, &references(&input), &matrix, level)?;
            let finished = sums.par_iter().enumerate().map(|(tile, sum)| {
                let bias = &weights[blocks * outputs + tile % outputs];
                let sum = match numbers.constants(l) {
                    Some([constant, one]) => self.ops.combine(&[(constant, sum), (one, bias)])?,
                    None => self.ops.add(sum, bias)?,
                };
                self.summed(sum, &rotations, bound)
            });
            all.extend(finished.collect::<Result<Vec<_>>>()?);
        }
        Ok(all)
    }

    /// `D_l`, refreshed or as computed.
    fn error<'t>(&self, l: usize, tensors: &'t impl Tensors<S::Ciphertext>) -> Result<&'t [S::Ciphertext]> {
        let refreshed = tensors.has(Tensor::Error(l));
        tensors.get(if refreshed { Tensor::Error(l) } else { Tensor::RawError(l) })
    }

    /// `c·D·Wᵀ`, summed along the outputs, and spread where no refresh follows that does.
    pub(super) fn backward(
        &self,
        l: usize,
        tensors: &impl Tensors<S::Ciphertext>,
    ) -> Result<Vec<S::Ciphertext>> {
        let ((place, layer), numbers) = (self.layer(l)?, self.numbers);
        let cube = &numbers.geometry().cube;
        let (blocks, outputs) = layer.counts(cube);
        let back = l.checked_sub(1).ok_or_else(|| EngineError::Unplanned("gradient of features".into()))?;
        let tensor = Tensor::InputGradient(back);
        let weights = tensors.weights(place, layer, layer.count(cube))?;
        let transposed = (0..outputs).flat_map(|o| (0..blocks).map(move |k| &weights[k * outputs + o]));
        let error = references(self.error(l, tensors)?);
        let sums =
            self.ops.products(outputs, &error, &transposed.collect::<Vec<_>>(), numbers.level(tensor))?;
        let rotations = cube.side_sum(layer.side.other(), layer.outputs);
        let finished = sums.into_par_iter().map(|sum| {
            let sum = self.summed(sum, &rotations, numbers.bound(tensor))?;
            match numbers.constants(l) {
                Some([constant, _]) if constant != S::ONE => self.ops.combine(&[(constant, &sum)]),
                _ => numbers.spread(self.ops, tensor, sum),
            }
        });
        finished.collect()
    }

    /// `Aᵀ·D` of every image, and what the kind of numbers keeps of the errors as gradient of the biases.
    pub(super) fn gradient(
        &self,
        l: usize,
        tensors: &impl Tensors<S::Ciphertext>,
    ) -> Result<Vec<S::Ciphertext>> {
        let (blocks, outputs) = self.layer(l)?.1.counts(&self.numbers.geometry().cube);
        let (error, level) = (self.error(l, tensors)?, self.numbers.level(Tensor::Products(l)));
        let mut products = match parts(l, tensors) {
            1 => {
                let input = part(l, tensors, 0)?;
                let transposed = (0..blocks).flat_map(|k| input.iter().skip(k).step_by(blocks));
                let transposed: Vec<_> = transposed.collect();
                self.ops.products(input.len() / blocks, &transposed, &references(error), level)?
            }
            _ => self.outer_of_parts((blocks, outputs), tensors, error, level)?,
        };
        products.extend(self.numbers.bias_gradients(self.ops, outputs, error)?);
        Ok(products)
    }

    /// `Aᵀ·D` of features that are read part by part.
    fn outer_of_parts(
        &self,
        (blocks, outputs): (usize, usize),
        tensors: &impl Tensors<S::Ciphertext>,
        error: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let ops = self.ops;
        let places: Vec<(usize, usize)> =
            (0..blocks).flat_map(|k| (0..outputs).map(move |o| (k, o))).collect();
        let mut sums: Vec<S::Ciphertext> = Vec::new();
        let numbers: Vec<usize> = (0..tensors.parts()).collect();
        let mut errors = error.chunks(outputs);
        for numbers in numbers.chunks(TOGETHER) {
            let mut inputs = Vec::new();
            for &number in numbers {
                let input = tensors.part(Tensor::Features, number)?.into_owned().into_par_iter();
                inputs.extend(
                    input
                        .map(|a| Ok(ops.reduce_for(&a, &error[0])?.unwrap_or(a)))
                        .collect::<Result<Vec<_>>>()?,
                );
            }
            // Each row of tiles of images with its errors.
            let rows: Vec<_> = inputs.chunks(blocks).zip(errors.by_ref()).collect();
            let products = places.par_iter().map(|&(k, o)| {
                let pairs = rows.iter().map(|(input, error)| (&input[k], &error[o]));
                ops.dot(&pairs.collect::<Vec<_>>(), level)
            });
            let products = products.collect::<Result<Vec<_>>>()?;
            sums = match sums.is_empty() {
                true => products,
                false => sums.par_iter().zip(&products).map(|(a, b)| ops.add(a, b)).collect::<Result<_>>()?,
            };
        }
        sums.par_iter().map(|sum| ops.relinearize(sum, level)).collect()
    }
}
