//! The three matrix products of a layer.

use super::body::{Result, Samples, Tiles};
use super::{Held, RealBody, RealOps, Sign};
use crate::engine::EngineError;
use crate::layout::{Images, Side};
use crate::program::Tensor;

/// Tiles of images whose features are in memory at once.
const TOGETHER: usize = 4;

impl<S: RealOps> RealBody<'_, S> {
    /// `Z_l = A_l·W_l + b_l`, the features read tile by tile.
    pub(super) fn forward(
        &self,
        l: usize,
        held: &mut Held<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<()> {
        let (place, images) = (self.place(l)?, self.formulas.image_tiles());
        let weights = held.expanded.get(place).ok_or(EngineError::Missing(Tensor::Expanded))?;
        let mut sums = Vec::new();
        if l == 0 {
            for t in 0..images {
                sums.extend(self.sums(place, &samples.features(t)?, weights)?);
            }
        } else {
            let input = held.tensors.get(Tensor::Activation(l - 1))?;
            let own = Self::each(weights, |w| self.ops.reduce_for(w, &input[0]))?;
            for tile in input.chunks(input.len() / images) {
                sums.extend(self.sums(place, tile, &own)?);
            }
        }
        held.tensors.put(Tensor::Sum(l), sums);
        Ok(())
    }

    /// `A·W + b` of one tile of images, summed along the inputs; along `Q` right at index 0. `weights` are those of the layer.
    fn sums(
        &self,
        place: usize,
        input: &[S::Ciphertext],
        weights: &[S::Ciphertext],
    ) -> Result<Tiles<S::Ciphertext>> {
        let geometry = &self.formulas.geometry;
        let (cube, layer, l) = (&geometry.cube, &geometry.layers[place], geometry.numbers[place]);
        let outputs: Vec<usize> = (0..layer.counts(cube).1).collect();
        Self::each(&outputs, |&o| {
            let weight = |k: usize| &weights[layer.weight(cube, k, o) - layer.first];
            let pairs: Vec<_> = input.iter().enumerate().map(|(k, a)| (a, weight(k))).collect();
            let sum = self.ops.relinearize(&self.ops.dot(&pairs)?)?;
            let sum = self.ops.add(&sum, &weights[layer.bias(cube, o) - layer.first])?;
            self.axes().sum(sum, layer.side, layer.inputs, Some(self.formulas.sum_bound(l)))
        })
    }

    /// `D_l`, refreshed or as computed.
    fn error<'h>(&self, l: usize, held: &'h Held<S::Ciphertext>) -> Result<&'h [S::Ciphertext]> {
        let tensor = if held.tensors.has(Tensor::Error(l)) { Tensor::Error(l) } else { Tensor::RawError(l) };
        held.tensors.get(tensor)
    }

    /// `D_l·W_lᵀ`: right at index 0 of the other side where a refresh follows, otherwise everywhere.
    pub(super) fn backward(&self, l: usize, held: &mut Held<S::Ciphertext>) -> Result<()> {
        let (formulas, place) = (self.formulas, self.place(l)?);
        let (cube, layer) = (formulas.cube(), &formulas.geometry.layers[place]);
        let (blocks, outputs) = layer.counts(cube);
        let side = layer.side.other();
        let back = l.checked_sub(1).ok_or_else(|| EngineError::Unplanned("gradient of features".into()))?;
        let error = self.error(l, held)?;
        let weights = held.expanded.get(place).ok_or(EngineError::Missing(Tensor::Expanded))?;
        let own = Self::each(weights, |w| self.ops.reduce_for(w, &error[0]))?;
        let by_client = formulas.by_client(Tensor::RawError(back));
        let bound = by_client.then(|| formulas.input_gradient_bound(l));
        let places: Vec<(usize, usize)> =
            (0..formulas.image_tiles()).flat_map(|t| (0..blocks).map(move |k| (t, k))).collect();
        let sums = Self::each(&places, |&(t, k)| {
            let weight = |o: usize| &own[layer.weight(cube, k, o) - layer.first];
            let pairs: Vec<_> = (0..outputs).map(|o| (&error[t * outputs + o], weight(o))).collect();
            let sum = self.ops.relinearize(&self.ops.dot(&pairs)?)?;
            self.axes().sum(sum, side, layer.outputs, bound)
        })?;
        drop(own);
        let refreshed = by_client || formulas.is_bootstrapped(Tensor::InputGradient(back));
        let sums = match side {
            Side::Q if !refreshed => Self::each(&sums, |sum| self.axes().spread_sum(sum, side, Images::All))?,
            _ => sums,
        };
        held.tensors.put(Tensor::InputGradient(back), sums);
        Ok(())
    }

    /// `A_lᵀ·D_l` of every image, and the errors of every output, summed over tiles of images.
    pub(super) fn gradient(
        &self,
        l: usize,
        held: &mut Held<S::Ciphertext>,
        samples: &impl Samples<S::Ciphertext>,
    ) -> Result<()> {
        let (blocks, outputs) = self.formulas.geometry.layers[self.place(l)?].counts(self.formulas.cube());
        let error = self.error(l, held)?;
        let mut products = match l.checked_sub(1) {
            None => self.outer_of_samples(outputs, samples, error)?,
            Some(before) => {
                self.outer((blocks, outputs), held.tensors.get(Tensor::Activation(before))?, error)?
            }
        };
        for o in 0..outputs {
            let column: Vec<_> = error.iter().skip(o).step_by(outputs).map(|e| (Sign::Plus, e)).collect();
            products.push(self.ops.sum(&column)?);
        }
        held.tensors.put(Tensor::Products(l), products);
        Ok(())
    }

    fn outer(
        &self,
        (blocks, outputs): (usize, usize),
        input: &[S::Ciphertext],
        error: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let input = Self::each(input, |a| self.ops.reduce_for(a, &error[0]))?;
        let places: Vec<(usize, usize)> =
            (0..blocks).flat_map(|k| (0..outputs).map(move |o| (k, o))).collect();
        Self::each(&places, |&(k, o)| {
            let pairs: Vec<_> = (0..self.formulas.image_tiles())
                .map(|t| (&input[t * blocks + k], &error[t * outputs + o]))
                .collect();
            self.ops.relinearize(&self.ops.dot(&pairs)?)
        })
    }

    /// The same for features, which are read tile by tile.
    fn outer_of_samples(
        &self,
        outputs: usize,
        samples: &impl Samples<S::Ciphertext>,
        error: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let mut sums: Vec<S::Ciphertext> = Vec::new();
        let tiles: Vec<usize> = (0..self.formulas.image_tiles()).collect();
        for tiles in tiles.chunks(TOGETHER) {
            let mut inputs = Vec::new();
            for &t in tiles {
                inputs.push(Self::each(&samples.features(t)?, |a| self.ops.reduce_for(a, &error[0]))?);
            }
            let places: Vec<(usize, usize)> =
                (0..inputs[0].len()).flat_map(|k| (0..outputs).map(move |o| (k, o))).collect();
            let products = Self::each(&places, |&(k, o)| {
                let pairs = inputs.iter().zip(tiles).map(|(input, t)| (&input[k], &error[t * outputs + o]));
                self.ops.dot(&pairs.collect::<Vec<_>>())
            })?;
            sums = if sums.is_empty() {
                products
            } else {
                let pairs: Vec<_> = sums.into_iter().zip(products).collect();
                Self::each(&pairs, |(sum, product)| self.ops.add(sum, product))?
            };
        }
        Self::each(&sums, |sum| self.ops.relinearize(sum))
    }
}
