//! Steps with weights that are encrypted, packed as in [`crate::layout::columns`].
//!
//! | step | formula | levels |
//! |---|---|---|
//! | weights | unpacked where they are used: a mask, and copies to all images | a plaintext |
//! | `Forward(l)` | `Sum(l) = Σ A_l·W_l` slot by slot, summed over groups; biases masked to real images beside it | a product |
//! | `Backward(l)` | `Σ_j D_j·W_j` beside one another, each unit masked and summed over groups | a product and a plaintext |
//! | `Gradient(l)` | as of public weights, with `A_l` beside one another, and packed | two plaintexts and a product |
//! | `Update` | `NewWeights = W − η·G`, packed | |
//!
//! Images beyond those of the mini-batch stay 0 in every tensor.

use super::Residues;
use super::steps::{At, Steps, scaled};
use crate::engine::{EngineError, Result};

impl<R: Residues> Steps<'_, R> {
    /// Rows moved to the left.
    fn left(&self, a: R::Ciphertext, by: usize) -> Result<R::Ciphertext> {
        self.agreement.columns.left(by).try_fold(a, |a, rotation| self.ops.rotate(&a, rotation))
    }

    /// Times a value at one image of every group, and 0 elsewhere.
    fn at_image(&self, a: &R::Ciphertext, image: usize, value: i64) -> Result<R::Ciphertext> {
        let columns = &self.agreement.columns;
        let mut slots = if self.rehearsed { Vec::new() } else { vec![0; columns.slots()] };
        slots.iter_mut().skip(image).step_by(columns.images).for_each(|slot| *slot = value);
        self.ops.masked_sum(&[(slots, a)])
    }

    /// The gradient of a layer, packed: biases at the scale of weights.
    pub(crate) fn packed(&self, l: usize, gradient: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let (layer, columns) = (self.layer(l)?, &self.agreement.columns);
        let weights = layer.outputs * columns.tiles(layer.inputs);
        let of_biases = self.residue(self.agreement.ladder.of_biases(l, self.done));
        let masked = self.each(gradient.len(), |at| {
            self.at_image(&gradient[at], 0, if at < weights { 1 } else { of_biases })
        })?;
        let packings = masked.chunks(columns.images);
        packings.map(|all| self.left(self.merged(all)?, columns.packing(all.len()))).collect()
    }

    /// Each ciphertext moved to the left by its number, and all added.
    fn merged(&self, all: &[R::Ciphertext]) -> Result<R::Ciphertext> {
        let (low, high) = match all {
            [] => return Err(EngineError::Empty),
            [only] => return Ok(only.clone()),
            more => more.split_at(more.len().next_power_of_two() / 2),
        };
        if self.rehearsed {
            let half = self.merged(low)?;
            return self.ops.sum(&[(1, &half), (1, &self.left(half.clone(), low.len())?)]);
        }
        let (a, b) = rayon::join(|| self.merged(low), || self.left(self.merged(high)?, low.len()));
        self.ops.sum(&[(1, &a?), (1, &b?)])
    }

    /// Number `at` of the packed weights or biases of a layer, at all images, moved back.
    fn unpacked(&self, l: usize, weights: &[R::Ciphertext], at: usize) -> Result<R::Ciphertext> {
        let (columns, count) = (&self.agreement.columns, self.agreement.weight_tiles(self.layer(l)?));
        let packing = weights.get(at / columns.images).ok_or(EngineError::Empty)?;
        let by = columns.unpacking(at, columns.packed_with(at, count));
        let last = self.at_image(&self.left(packing.clone(), by)?, columns.images - 1, 1)?;
        self.ops.rotate_and_add(last, &columns.image_sum())
    }

    /// Features beside one another, moved back.
    fn moved_back(&self, features: &[R::Ciphertext]) -> Result<Vec<R::Ciphertext>> {
        let moved = |tile: usize| {
            let mut rotations = self.agreement.columns.back();
            rotations.try_fold(features[tile].clone(), |a, rotation| self.ops.rotate(&a, rotation))
        };
        self.each(features.len(), moved)
    }

    /// `Sum(l)` everywhere: of features beside one another, or of activations everywhere.
    pub(crate) fn sealed_forward(
        &self,
        l: usize,
        before: &[R::Ciphertext],
        weights: &[R::Ciphertext],
    ) -> Result<Vec<R::Ciphertext>> {
        let (layer, columns) = (self.layer(l)?, &self.agreement.columns);
        let inputs = match l {
            0 => self.moved_back(before)?,
            _ => self.side_by_side(before, At::MovedBack(self.everywhere()))?,
        };
        let one = self.residue(self.agreement.ladder.of_biases(l, self.done));
        let first = layer.outputs * inputs.len();
        let tiles = columns.tiles(layer.outputs);
        let biases = self.each(tiles, |tile| self.unpacked(l, weights, first + tile))?;
        self.each(layer.outputs, |j| {
            let product = |(tile, a): (usize, &R::Ciphertext)| {
                self.ops.product(a, &self.unpacked(l, weights, j * inputs.len() + tile)?)
            };
            let mut terms = inputs.iter().enumerate().map(product).collect::<Result<Vec<_>>>()?;
            let tile = j / columns.groups;
            let here = |unit: usize| if unit == j { one } else { 0 };
            let mask = self.slots(tile, layer.outputs, At::MovedBack(self.rows), here);
            terms.push(self.ops.masked_sum(&[(mask, &biases[tile])])?);
            let sum = self.ops.sum(&terms.iter().map(|term| (1, term)).collect::<Vec<_>>())?;
            self.ops.rotate_and_add(sum, &columns.group_sum())
        })
    }

    /// `D_(l−1) = D_l·W_lᵀ`, all everywhere.
    pub(crate) fn sealed_backward(
        &self,
        l: usize,
        errors: &[R::Ciphertext],
        weights: &[R::Ciphertext],
    ) -> Result<Vec<R::Ciphertext>> {
        let (layer, columns) = (self.layer(l)?, &self.agreement.columns);
        let tiles = columns.tiles(layer.inputs);
        let beside = self.each(tiles, |tile| {
            let product = |(j, d): (usize, &R::Ciphertext)| {
                self.ops.product(d, &self.unpacked(l, weights, j * tiles + tile)?)
            };
            let terms = errors.iter().enumerate().map(product).collect::<Result<Vec<_>>>()?;
            self.ops.sum(&terms.iter().map(|term| (1, term)).collect::<Vec<_>>())
        })?;
        self.each(layer.inputs, |i| {
            let tile = i / columns.groups;
            let here = |unit: usize| i64::from(unit == i);
            let mask = self.slots(tile, layer.inputs, At::MovedBack(self.everywhere()), here);
            let only = self.ops.masked_sum(&[(mask, &beside[tile])])?;
            self.ops.rotate_and_add(only, &columns.group_sum())
        })
    }

    /// New weights and biases of a layer, packed, out of packed ones, or of public ones, and of a packed gradient.
    pub(crate) fn packed_update(
        &self,
        l: usize,
        gradient: &[R::Ciphertext],
        weights: Option<&[R::Ciphertext]>,
    ) -> Result<Vec<R::Ciphertext>> {
        let ladder = &self.agreement.ladder;
        let (kept, moved) = (self.residue(ladder.kept(self.done)), self.residue(ladder.moved(self.done)));
        if let Some(weights) = weights {
            return self
                .each(gradient.len(), |at| self.ops.sum(&[(kept, &weights[at]), (moved, &gradient[at])]));
        }
        let first = self.packed_first(l, kept)?;
        self.each(gradient.len(), |at| {
            let new = self.ops.sum(&[(moved, &gradient[at])])?;
            self.ops.add_plain(&new, &first[at])
        })
    }

    /// The first weights of a layer times a factor as packed slots; the first biases are 0.
    fn packed_first(&self, l: usize, factor: i64) -> Result<Vec<Vec<i64>>> {
        let (layer, columns, t) = (self.layer(l)?, &self.agreement.columns, self.ops.t());
        let (tiles, count) = (columns.tiles(layer.inputs), self.agreement.weight_tiles(layer));
        let slots = if self.rehearsed { 0 } else { columns.slots() };
        let mut all = vec![vec![0; slots]; count.div_ceil(columns.images)];
        for at in 0..if self.rehearsed { 0 } else { layer.weights.len() } {
            let (input, output) = (at / layer.outputs, at % layer.outputs);
            let number = output * tiles + input / columns.groups;
            let (packing, slot) = columns.packed(number, count, input);
            all[packing][slot] = scaled(&t, factor, self.weight(layer, input, output));
        }
        Ok(all)
    }
}
