//! Constants beside the weights, and weights that stand in several entries of a matrix.

use std::collections::BTreeSet;

use he_ckks::Complex64;
use he_core::ring::embedding::Diagonals;

use super::RealFormulas;
use crate::layout::Side;
use crate::network::Matrix;

impl RealFormulas {
    /// Whether a weight stands in several entries.
    #[doc(alias = "is_tied")]
    pub fn is_shared(&self) -> bool {
        self.matrices.iter().any(Matrix::is_shared)
    }

    /// The first layer of which a weight stands in several entries.
    pub fn first_shared(&self) -> Option<usize> {
        let place = self.matrices.iter().position(Matrix::is_shared)?;
        self.geometry.numbers.get(place).copied()
    }

    /// The constant beside the weights of each layer, where all of them have the same.
    fn constants(&self) -> Vec<Option<f64>> {
        let constant = |matrix: &Matrix| {
            let mut all = matrix.entries.iter().flatten().map(|entry| entry.factor);
            all.next().filter(|first| all.all(|factor| factor == *first))
        };
        self.matrices.iter().map(constant).collect()
    }

    /// The constant beside the numbers of each tile, where all of them have the same: of biases 1.
    pub fn tile_constants(&self) -> Vec<Option<f64>> {
        let layers = self.geometry.layers.iter().zip(self.constants());
        let tiles = layers.flat_map(|(layer, constant)| {
            let (blocks, outputs) = layer.counts(self.cube());
            let weights = std::iter::repeat_n(constant, blocks * outputs);
            weights.chain(std::iter::repeat_n(Some(1.0), outputs))
        });
        tiles.collect()
    }

    /// Whether a tile of weights has slots without a weight, where gradients must not gather, or constants beside weights.
    pub fn is_partial(&self, tile: usize) -> bool {
        self.factors(tile).iter().flatten().any(|factor| *factor != 1.0)
    }

    /// The place, among the layers, of the layer that a tile belongs to.
    pub fn tile_place(&self, tile: usize) -> usize {
        self.geometry.layers.iter().rposition(|layer| layer.first <= tile).unwrap_or(0)
    }

    /// The constants beside the weights of a tile as slots of one image, `[x][z]`, 0 where there is none.
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

    /// The slots of the compact tensors that hold each weight, then each bias, layer after layer: ciphertext and slot; with the
    /// constant beside the weight where all of a layer have the same.
    fn groups(&self) -> Vec<(f64, Vec<(usize, usize)>)> {
        let (cube, compact) = (self.cube(), &self.geometry.compact);
        let layers = self.geometry.layers.iter().zip(&self.matrices).zip(self.constants());
        let groups = layers.flat_map(|((layer, matrix), constant)| {
            let [weights, biases] = layer.places(cube, compact, matrix);
            let weights = weights.into_iter().map(move |slots| (constant.unwrap_or(1.0), slots));
            weights.chain(biases.into_iter().map(|slots| (1.0, slots)))
        });
        groups.collect()
    }

    /// The most entries that hold one weight.
    pub fn most_shared(&self) -> usize {
        self.groups().iter().map(|(_, slots)| slots.len()).max().unwrap_or(1)
    }

    /// Numbers of the diagonals of [`sum_shared`](Self::sum_shared).
    pub fn shared_diagonals(&self) -> BTreeSet<usize> {
        let (slots, groups) = (self.cube().slots(), self.groups());
        let differences = |group: &[(usize, usize)]| -> Vec<usize> {
            let from = |to: usize| group.iter().map(move |&(_, from)| (from + slots - to) % slots);
            group.iter().flat_map(|&(_, to)| from(to)).collect()
        };
        groups.iter().flat_map(|(_, group)| differences(group)).collect()
    }

    /// The matrix over the slots of one ciphertext that sums the terms of a gradient at all entries of one weight into each of them,
    /// by its diagonals. Slots without a weight become zero, and constants beside weights that are the same in a layer are in it: so
    /// gradients need no mask for each of their tiles.
    #[doc(alias = "ties")]
    pub fn sum_shared(&self) -> Diagonals {
        let slots = self.cube().slots();
        let mut diagonals = Diagonals::new();
        for (constant, group) in self.groups() {
            for &(_, to) in &group {
                for &(_, from) in &group {
                    let diagonal = diagonals.entry((from + slots - to) % slots);
                    let diagonal = diagonal.or_insert_with(|| vec![Complex64::default(); slots]);
                    diagonal[to] = Complex64::new(constant, 0.0);
                }
            }
        }
        diagonals
    }
}
