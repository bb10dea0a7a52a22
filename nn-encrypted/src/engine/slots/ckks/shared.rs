//! Constants beside the weights, and weights that stand in several entries of a matrix.

use std::collections::BTreeSet;

use he_ckks::Complex64;
use he_core::ring::embedding::Diagonals;

use super::RealFormulas;
use crate::layout::Side;
use crate::network::{Entry, Matrix};

/// Whether a weight or bias of a matrix stands in several entries.
fn is_shared(matrix: &Matrix) -> bool {
    let weights: BTreeSet<usize> = matrix.entries.iter().flatten().map(|entry| entry.weight).collect();
    let biases: BTreeSet<usize> = matrix.bias.iter().copied().collect();
    weights.len() < matrix.entries.iter().flatten().count() || biases.len() < matrix.bias.len()
}

impl RealFormulas {
    /// Whether a weight stands in several entries.
    #[must_use]
    #[doc(alias = "is_tied")]
    pub fn is_shared(&self) -> bool {
        self.matrices.iter().any(is_shared)
    }

    /// The first layer of which a weight stands in several entries.
    #[must_use]
    pub fn first_shared(&self) -> Option<usize> {
        let place = self.matrices.iter().position(is_shared)?;
        self.geometry.numbers.get(place).copied()
    }

    /// Whether entries have constants beside the weights, in any tile.
    #[must_use]
    pub fn has_factors(&self) -> bool {
        let plain = |entry: &Option<Entry>| entry.is_some_and(|entry| entry.factor == 1.0);
        !self.matrices.iter().all(|matrix| matrix.entries.iter().all(plain))
    }

    /// Whether a tile of weights has slots without a weight, where gradients must not gather, or constants beside weights.
    #[must_use]
    pub fn is_partial(&self, tile: usize) -> bool {
        self.factors(tile).iter().flatten().any(|factor| *factor != 1.0)
    }

    /// The place, among the layers, of the layer that a tile belongs to.
    #[must_use]
    pub fn tile_place(&self, tile: usize) -> usize {
        self.geometry.layers.iter().rposition(|layer| layer.first <= tile).unwrap_or(0)
    }

    /// The constants beside the weights of a tile as slots of one image, `[x][z]`, 0 where there is none.
    #[must_use]
    pub fn factors(&self, tile: usize) -> Vec<Vec<f64>> {
        let (cube, place) = (self.cube(), self.tile_place(tile));
        let (layer, matrix) = (&self.geometry.layers[place], &self.matrices[place]);
        let outputs = layer.counts(cube).1;
        let (block, column) = ((tile - layer.first) / outputs, (tile - layer.first) % outputs);
        let is_bias = block == layer.counts(cube).0;
        let factor = |x: usize, z: usize| {
            let (i, o) = if layer.side == Side::P { (x, z) } else { (z, x) };
            let output = column * cube.extent(layer.side.other()) + o;
            if is_bias {
                return f64::from(u8::from(i == 0 && output < layer.outputs));
            }
            let entry = matrix.entries.get((block * cube.extent(layer.side) + i, output));
            entry.copied().flatten().map_or(0.0, |entry| entry.factor)
        };
        (0..cube.p).map(|x| (0..cube.q).map(|z| factor(x, z)).collect()).collect()
    }

    /// The slots of the compact tensors that hold each weight, then each bias, layer after layer: ciphertext and slot.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<(usize, usize)>> {
        let (cube, compact) = (self.cube(), &self.geometry.compact);
        let layers = self.geometry.layers.iter().zip(&self.matrices);
        layers.flat_map(|(layer, matrix)| layer.places(cube, compact, matrix).concat()).collect()
    }

    /// The most entries that hold one weight.
    #[must_use]
    pub fn most_shared(&self) -> usize {
        self.groups().iter().map(Vec::len).max().unwrap_or(1)
    }

    /// The matrix over the slots of one ciphertext that sums all entries of one weight into each of them, by its diagonals.
    #[must_use]
    #[doc(alias = "ties")]
    pub fn sum_shared(&self) -> Diagonals {
        let slots = self.cube().slots();
        let mut diagonals = Diagonals::new();
        for group in self.groups() {
            for &(_, to) in &group {
                for &(_, from) in &group {
                    let diagonal = diagonals.entry((from + slots - to) % slots);
                    let diagonal = diagonal.or_insert_with(|| vec![Complex64::default(); slots]);
                    diagonal[to] = Complex64::new(1.0, 0.0);
                }
            }
        }
        diagonals
    }
}
