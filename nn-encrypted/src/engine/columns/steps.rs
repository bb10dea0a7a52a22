//! The steps, on the ciphertexts of one plaintext prime.

use rayon::prelude::*;

use super::residues::centred;
use super::{Agreement, LayerNumbers, Residues};
use crate::engine::{EngineError, Result};

/// The formulas of a step.
pub(crate) struct Steps<'a, R: Residues> {
    pub(crate) agreement: &'a Agreement,
    pub(crate) ops: &'a R,
    /// How many of equal operations are done: of a rehearsal one.
    pub(crate) rehearsed: bool,
}

impl<R: Residues> Steps<'_, R> {
    /// All of a step, from a fresh ciphertext: whether its noise can be held.
    pub(super) fn walk(&self, fresh: &R::Ciphertext) -> Result<()> {
        let layers = &self.agreement.layers;
        let last = layers.len() - 1;
        let features = vec![fresh.clone(); self.agreement.columns.tiles(self.layer(0)?.inputs)];
        let mut sums = vec![self.first_forward(&features)?];
        for l in 1..=last {
            sums.push(self.forward(l, &sums[l - 1])?);
        }
        let mut error = self.loss(&sums[last], &vec![fresh.clone(); layers[last].outputs])?;
        for l in (0..=last).rev() {
            let inputs = if l == 0 { features.clone() } else { self.beside(&sums[l - 1])? };
            let new = self.update(l, &self.gradient(&inputs, &error)?)?;
            new.iter().take(1).try_for_each(|a| self.ops.smallest(a).map(drop))?;
            if l > 0 {
                error = self.backward(l, &error)?;
            }
        }
        Ok(())
    }

    fn layer(&self, l: usize) -> Result<&LayerNumbers> {
        self.agreement.layers.get(l).ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))
    }

    /// Items `0..count`, or in a rehearsal the one of the largest cost for all.
    fn each<T: Clone + Send>(
        &self,
        count: usize,
        make: impl Fn(usize) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        if self.rehearsed {
            return Ok(vec![make(0)?; count]);
        }
        (0..count).into_par_iter().map(&make).collect()
    }

    fn residue(&self, value: i128) -> i64 {
        centred(&self.ops.t(), value)
    }

    /// The weight of an input and an output, as a constant; in a rehearsal a typical one.
    fn weight(&self, layer: &LayerNumbers, input: usize, output: usize) -> i64 {
        layer.weights[input * layer.outputs + output]
    }

    /// Slots with a value for each unit of a tile, at all images or at the first.
    fn slots(&self, tile: usize, units: usize, everywhere: bool, value: impl Fn(usize) -> i64) -> Vec<i64> {
        let columns = &self.agreement.columns;
        if self.rehearsed {
            return Vec::new();
        }
        let mut slots = vec![0; columns.slots()];
        for unit in tile * columns.groups..units.min((tile + 1) * columns.groups) {
            let (start, count) = (columns.place(unit, 0).1, if everywhere { columns.images } else { 1 });
            slots[start..start + count].fill(value(unit));
        }
        slots
    }

    /// `Sum(0)` everywhere, of features beside one another.
    pub(crate) fn first_forward(&self, features: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let (layer, rotations) = (self.layer(0)?, self.agreement.columns.group_sum());
        self.each(layer.outputs, |j| {
            let weight = |i: usize| self.weight(layer, i, j);
            let term = |(t, tile)| (self.slots(t, layer.inputs, true, weight), tile);
            let terms: Vec<_> = features.iter().enumerate().map(term).collect();
            self.ops.rotate_and_add(self.ops.masked_sum(&terms)?, &rotations)
        })
    }

    /// `Sum(l)` of activations, all everywhere.
    pub(crate) fn forward(&self, l: usize, activations: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let layer = self.layer(l)?;
        self.each(layer.outputs, |j| {
            let j = if self.rehearsed { heaviest(layer, false) } else { j };
            let terms = activations.iter().enumerate().map(|(i, a)| (self.weight(layer, i, j), a));
            self.ops.sum(&terms.collect::<Vec<_>>())
        })
    }

    /// `D_(l−1) = D_l·W_lᵀ`, all everywhere.
    pub(crate) fn backward(&self, l: usize, errors: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let layer = self.layer(l)?;
        self.each(layer.inputs, |i| {
            let i = if self.rehearsed { heaviest(layer, true) } else { i };
            let terms = errors.iter().enumerate().map(|(j, d)| (self.weight(layer, i, j), d));
            self.ops.sum(&terms.collect::<Vec<_>>())
        })
    }

    /// `Z − Y`.
    pub(crate) fn loss(&self, z: &[R::Ciphertext], targets: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        self.each(z.len().min(targets.len()), |k| self.ops.sum(&[(1, &z[k]), (-1, &targets[k])]))
    }

    /// Units beside one another, of those everywhere.
    pub(crate) fn beside(&self, all: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let groups = self.agreement.columns.groups;
        self.each(self.agreement.columns.tiles(all.len()), |tile| {
            let here = all.iter().enumerate().skip(tile * groups).take(groups);
            let mask = |(unit, a)| (self.slots(tile, all.len(), true, |u| i64::from(u == unit)), a);
            self.ops.masked_sum(&here.map(mask).collect::<Vec<_>>())
        })
    }

    /// The gradient of a layer, of inputs beside one another and errors everywhere: output after output, then of the biases.
    pub(crate) fn gradient(
        &self,
        inputs: &[R::Ciphertext],
        errors: &[R::Ciphertext],
    ) -> Result<Vec<R::Ciphertext>> {
        let (tiles, rotations) = (inputs.len(), self.agreement.columns.image_sum());
        let mut all = self.each(errors.len() * tiles, |at| {
            let product = self.ops.product(&inputs[at % tiles], &errors[at / tiles])?;
            self.ops.rotate_and_add(product, &rotations)
        })?;
        let biases = self.beside(errors)?;
        let sum = |tile: usize| self.ops.rotate_and_add(biases[tile].clone(), &rotations);
        all.extend(self.each(biases.len(), sum)?);
        Ok(all)
    }

    /// New weights and biases of a layer, right at image 0.
    pub(crate) fn update(&self, l: usize, gradient: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let layer = self.layer(l)?;
        let (tiles, [of_weights, of_biases]) = (self.agreement.columns.tiles(layer.inputs), layer.rates);
        let weights = layer.outputs * tiles;
        let mut all = self.each(weights, |at| {
            let (j, tile) = (at / tiles, at % tiles);
            let unit = i128::from(self.agreement.unit);
            let kept = |i: usize| self.residue(unit * i128::from(self.weight(layer, i, j)));
            let moved = self.ops.sum(&[(self.residue(of_weights.into()), &gradient[at])])?;
            self.ops.add_plain(&moved, &self.slots(tile, layer.inputs, false, kept))
        })?;
        // The first biases are 0.
        let moved =
            |tile: usize| self.ops.sum(&[(self.residue(of_biases.into()), &gradient[weights + tile])]);
        all.extend(self.each(gradient.len() - weights, moved)?);
        Ok(all)
    }
}

/// The output, or the input, whose weights have the largest sum of magnitudes.
fn heaviest(layer: &LayerNumbers, input: bool) -> usize {
    let (lines, others) = if input { (layer.inputs, layer.outputs) } else { (layer.outputs, layer.inputs) };
    let weight = |line: usize, other: usize| match input {
        true => layer.weights[line * layer.outputs + other],
        false => layer.weights[other * layer.outputs + line],
    };
    let sum = |line: &usize| (0..others).map(|other| weight(*line, other).unsigned_abs()).sum::<u64>();
    (0..lines).max_by_key(sum).unwrap_or(0)
}
