//! Weights and biases to slots and back.

use super::{Cube, Order, Side};
use crate::network::Matrix;

/// The layout of the weights and biases of a layer among the compact tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightTiles {
    /// Inputs of the layer.
    pub inputs: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Side of the inputs.
    pub side: Side,
    /// Number of the first weight tile.
    pub first: usize,
}

/// A place in compact slot vectors: number of the tile, `x` and `z`.
pub(super) type Place = (usize, usize, usize);

impl WeightTiles {
    /// Number of tiles along the inputs and along the outputs.
    pub fn counts(&self, cube: &Cube) -> (usize, usize) {
        (self.inputs.div_ceil(cube.extent(self.side)), self.outputs.div_ceil(cube.extent(self.side.other())))
    }

    /// Number of the tile of input block `k` and output block `o`.
    pub fn weight(&self, cube: &Cube, k: usize, o: usize) -> usize {
        self.first + k * self.counts(cube).1 + o
    }

    /// Number of the bias tile of output block `o`.
    pub fn bias(&self, cube: &Cube, o: usize) -> usize {
        let (inputs, outputs) = self.counts(cube);
        self.first + inputs * outputs + o
    }

    /// Number of tiles: of the weights, then of the biases.
    pub fn count(&self, cube: &Cube) -> usize {
        let (inputs, outputs) = self.counts(cube);
        (inputs + 1) * outputs
    }

    /// The place of the entry of an input and an output.
    pub(super) fn weight_place(&self, cube: &Cube, input: usize, output: usize) -> Place {
        let (p, q) = match self.side {
            Side::P => (input, output),
            Side::Q => (output, input),
        };
        let (k, o) = (input / cube.extent(self.side), output / cube.extent(self.side.other()));
        (self.weight(cube, k, o), p % cube.p, q % cube.q)
    }

    /// The place of a bias: along the outputs, at 0 along the inputs, so that the sum over inputs has it once.
    pub(super) fn bias_place(&self, cube: &Cube, output: usize) -> Place {
        let extent = cube.extent(self.side.other());
        let (tile, k) = (self.bias(cube, output / extent), output % extent);
        match self.side {
            Side::P => (tile, 0, k),
            Side::Q => (tile, k, 0),
        }
    }

    /// Writes a layer's values into compact slot vectors: every entry of its matrix, and the bias of every output.
    pub fn pack<V: Copy>(
        &self,
        cube: &Cube,
        compact: &Compact,
        matrix: &Matrix,
        (weight, bias): (&[V], &[V]),
        out: &mut [Vec<V>],
    ) {
        let mut put = |(tile, x, z): Place, value: V| {
            let (group, m) = (tile / compact.group, tile % compact.group);
            compact.rows(cube, m).for_each(|y| out[group][cube.slot(y, x, z)] = value);
        };
        for ((input, output), entry) in matrix.entries.indexed_iter() {
            if let Some(entry) = entry {
                put(self.weight_place(cube, input, output), weight[entry.weight]);
            }
        }
        for (output, &index) in matrix.bias.iter().enumerate() {
            put(self.bias_place(cube, output), bias[index]);
        }
    }
}

/// The slots that hold each number: ciphertext and slot.
pub(crate) type Places = Vec<Vec<(usize, usize)>>;

impl WeightTiles {
    /// The slots of the compact tensors that hold each weight, and each bias: of one that stands in several entries all of them.
    pub fn places(&self, cube: &Cube, compact: &Compact, matrix: &Matrix) -> [Places; 2] {
        let slots = |places: Vec<Place>| places.into_iter().map(|place| compact.slot(cube, place)).collect();
        let mut all: Places = places(cube, self, matrix).into_iter().map(slots).collect();
        let biases = all.split_off(all.len() - matrix.biases());
        [all, biases]
    }
}

/// The places of each weight, then of each bias of a layer, in the order of its matrix.
pub(super) fn places(cube: &Cube, layer: &WeightTiles, matrix: &Matrix) -> Vec<Vec<Place>> {
    let (weights, biases) = (matrix.weights(), matrix.biases());
    let mut all = vec![Vec::new(); weights + biases];
    for ((input, output), entry) in matrix.entries.indexed_iter() {
        if let Some(entry) = entry {
            all[entry.weight].push(layer.weight_place(cube, input, output));
        }
    }
    for (output, bias) in matrix.bias.iter().enumerate() {
        all[weights + bias].push(layer.bias_place(cube, output));
    }
    all
}

/// Tiles of a compact group: how many tiles share a ciphertext, and in how many groups the tiles lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compact {
    /// Tiles in all.
    pub tiles: usize,
    /// Tiles in one ciphertext, `M`: a power of two, at most `b`, or `b/2` where images are on top.
    pub group: usize,
}

impl Compact {
    /// As few ciphertexts as the cube allows, each with as few places as that takes.
    pub fn new(cube: &Cube, tiles: usize) -> Self {
        let most = match cube.order {
            Order::Images => cube.b / 2,
            Order::Inputs => cube.b,
        };
        Self { tiles, group: tiles.next_power_of_two().min(most) }
    }

    /// The images at which tile `m` of a group stands.
    pub fn rows(&self, cube: &Cube, m: usize) -> impl Iterator<Item = usize> + use<> {
        match cube.order {
            Order::Images => (m..cube.b).step_by(self.group),
            Order::Inputs => (m * (cube.b / self.group)..m * (cube.b / self.group) + 1).step_by(1),
        }
    }

    /// Ciphertext and first slot of a place.
    pub(super) fn slot(&self, cube: &Cube, (tile, x, z): Place) -> (usize, usize) {
        let y = self.rows(cube, tile % self.group).next().unwrap_or(0);
        (tile / self.group, cube.slot(y, x, z))
    }

    /// Number of ciphertexts.
    pub fn ciphertexts(&self) -> usize {
        self.tiles.div_ceil(self.group)
    }

    /// Tiles in ciphertext `g`.
    pub fn tiles_in(&self, g: usize) -> usize {
        (self.tiles - g * self.group).min(self.group)
    }
}
