//! The steps, on the ciphertexts of one plaintext prime.

use he_core::Modulus;
use rayon::prelude::*;

use super::ladder::Constant;
use super::{Agreement, LayerNumbers, Residues};
use crate::engine::{EngineError, Result};

/// The formulas of a step.
pub(crate) struct Steps<'a, R: Residues> {
    pub(crate) agreement: &'a Agreement,
    pub(crate) ops: &'a R,
    /// Steps done before, after which weights are encrypted.
    pub(crate) done: usize,
    /// Images of the mini-batch.
    pub(crate) rows: usize,
    /// How many of equal operations are done: of a rehearsal one.
    pub(crate) rehearsed: bool,
}

/// Where a plaintext has values: at the images of each group up to a number.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// Of units beside one another.
    Beside(usize),
    /// Of units beside one another, moved back.
    MovedBack(usize),
}

impl<R: Residues> Steps<'_, R> {
    pub(super) fn layer(&self, l: usize) -> Result<&LayerNumbers> {
        self.agreement.layers.get(l).ok_or_else(|| EngineError::Unplanned(format!("layer {}", l + 1)))
    }

    pub(super) fn last(&self) -> usize {
        self.agreement.layers.len().saturating_sub(1)
    }

    /// Items `0..count`, or in a rehearsal the one of the largest cost for all.
    pub(super) fn each<T: Clone + Send>(
        &self,
        count: usize,
        make: impl Fn(usize) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        if self.rehearsed {
            return Ok(vec![make(0)?; count]);
        }
        (0..count).into_par_iter().map(&make).collect()
    }

    pub(super) fn residue(&self, constant: Constant) -> i64 {
        constant.residue(&self.ops.t())
    }

    /// The weight of an input and an output, as a constant; in a rehearsal a typical one.
    pub(super) fn weight(&self, layer: &LayerNumbers, input: usize, output: usize) -> i64 {
        layer.weights[input * layer.outputs + output]
    }

    /// Slots with a value for each unit of a tile.
    pub(super) fn slots(&self, tile: usize, units: usize, at: At, value: impl Fn(usize) -> i64) -> Vec<i64> {
        let columns = &self.agreement.columns;
        if self.rehearsed {
            return Vec::new();
        }
        let mut slots = vec![0; columns.slots()];
        for unit in tile * columns.groups..units.min((tile + 1) * columns.groups) {
            let (start, count) = match at {
                At::Beside(count) => (columns.place(unit, 0).1, count),
                At::MovedBack(count) => (columns.moved_back(unit, 0), count),
            };
            slots[start..start + count].fill(value(unit));
        }
        slots
    }

    /// At all images.
    pub(super) fn everywhere(&self) -> usize {
        self.agreement.columns.images
    }

    /// `Sum(0)` everywhere, of features beside one another.
    pub(crate) fn first_forward(&self, features: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let (layer, rotations) = (self.layer(0)?, self.agreement.columns.group_sum());
        self.each(layer.outputs, |j| {
            let weight = |i: usize| self.weight(layer, i, j);
            let term = |(t, tile)| (self.slots(t, layer.inputs, At::Beside(self.everywhere()), weight), tile);
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
        let scale = self.residue(self.agreement.ladder.of_targets(self.done));
        self.each(z.len().min(targets.len()), |k| self.ops.sum(&[(1, &z[k]), (-scale, &targets[k])]))
    }

    /// Units beside one another, of those everywhere.
    pub(super) fn side_by_side(&self, all: &[R::Ciphertext], at: At) -> Result<Vec<R::Ciphertext>> {
        let groups = self.agreement.columns.groups;
        self.each(self.agreement.columns.tiles(all.len()), |tile| {
            let here = all.iter().enumerate().skip(tile * groups).take(groups);
            let mask = |(unit, a)| (self.slots(tile, all.len(), at, |u| i64::from(u == unit)), a);
            self.ops.masked_sum(&here.map(mask).collect::<Vec<_>>())
        })
    }

    /// Units beside one another, at all images.
    pub(crate) fn beside(&self, all: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        self.side_by_side(all, At::Beside(self.everywhere()))
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
        let (layer, ladder) = (self.layer(l)?, &self.agreement.ladder);
        let (unit, moved) = (self.residue(ladder.kept(self.done)), ladder.moved(self.done));
        let of_biases = Constant { shift: moved.shift + ladder.of_biases(l, self.done).shift, ..moved };
        let (tiles, moved) = (self.agreement.columns.tiles(layer.inputs), self.residue(moved));
        let weights = layer.outputs * tiles;
        let t = self.ops.t();
        let mut all = self.each(weights, |at| {
            let (j, tile) = (at / tiles, at % tiles);
            let kept = |i: usize| scaled(&t, unit, self.weight(layer, i, j));
            let new = self.ops.sum(&[(moved, &gradient[at])])?;
            self.ops.add_plain(&new, &self.slots(tile, layer.inputs, At::Beside(1), kept))
        })?;
        // The first biases are 0.
        let of_biases = self.residue(of_biases);
        all.extend(self.each(gradient.len() - weights, |tile| {
            self.ops.sum(&[(of_biases, &gradient[weights + tile])])
        })?);
        Ok(all)
    }
}

/// The centred residue of a product.
pub(super) fn scaled(t: &Modulus, a: i64, b: i64) -> i64 {
    t.center(t.mul(t.reduce_i64(a), t.reduce_i64(b)))
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
