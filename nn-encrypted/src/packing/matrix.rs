//! Matrices to slots and back.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{Compact, Cube};

/// An axis of the cube along which features lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// `x`.
    P,
    /// `z`.
    Q,
}

impl Side {
    /// The other axis.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::P => Self::Q,
            Self::Q => Self::P,
        }
    }

    /// Where the inputs of layer `l` lie.
    pub fn of_layer(l: usize) -> Self {
        if l.is_multiple_of(2) { Self::P } else { Self::Q }
    }
}

/// An activation-like matrix (images by features) laid along a side of a cube.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiles {
    /// Rows of the matrix: images.
    pub rows: usize,
    /// Columns of the matrix: features.
    pub columns: usize,
    /// The side along which the columns lie.
    pub side: Side,
}

impl Tiles {
    /// Number of tiles along images and along features.
    pub fn counts(&self, cube: &Cube) -> (usize, usize) {
        (self.rows.div_ceil(cube.b), self.columns.div_ceil(cube.extent(self.side)))
    }

    /// Number of tiles; tile `(t, i)` is number `t·columns' tiles + i`.
    pub fn count(&self, cube: &Cube) -> usize {
        let (t, i) = self.counts(cube);
        t * i
    }

    /// Slot vectors of all tiles, each value repeated along the other side.
    pub fn pack<V: Copy + Default>(&self, cube: &Cube, matrix: ArrayView2<V>) -> Vec<Vec<V>> {
        let (images, features) = self.counts(cube);
        let mut tiles = vec![vec![V::default(); cube.slots()]; images * features];
        let extent = cube.extent(self.side);
        for ((row, column), &value) in matrix.indexed_iter() {
            let tile = &mut tiles[row / cube.b * features + column / extent];
            let (y, k) = (row % cube.b, column % extent);
            match self.side {
                Side::P => {
                    let start = cube.slot(y, k, 0);
                    tile[start..start + cube.q].fill(value);
                }
                Side::Q => (0..cube.p).for_each(|x| tile[cube.slot(y, x, k)] = value),
            }
        }
        tiles
    }

    /// The matrix out of tiles that are right where the index along the other side is 0.
    pub fn unpack<V: Copy>(&self, cube: &Cube, tiles: &[Vec<V>]) -> Array2<V> {
        let (_, features) = self.counts(cube);
        let extent = cube.extent(self.side);
        Array2::from_shape_fn((self.rows, self.columns), |(row, column)| {
            let (y, k) = (row % cube.b, column % extent);
            let slot = match self.side {
                Side::P => cube.slot(y, k, 0),
                Side::Q => cube.slot(y, 0, k),
            };
            tiles[row / cube.b * features + column / extent][slot]
        })
    }
}

/// Where a layer's weights and bias lie among the compact tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// Number of tiles: of the weights, then of the bias.
    pub fn count(&self, cube: &Cube) -> usize {
        let (inputs, outputs) = self.counts(cube);
        (inputs + 1) * outputs
    }

    /// Tile, `x` and `z` of a weight.
    pub(crate) fn weight_place(&self, cube: &Cube, input: usize, output: usize) -> (usize, usize, usize) {
        let (p, q) = match self.side {
            Side::P => (input, output),
            Side::Q => (output, input),
        };
        let (k, o) = (input / cube.extent(self.side), output / cube.extent(self.side.other()));
        (self.weight(cube, k, o), p % cube.p, q % cube.q)
    }

    /// Tile, `x` and `z` of a bias: along the outputs, at 0 along the inputs, so that the sum over inputs meets it once.
    pub(crate) fn bias_place(&self, cube: &Cube, output: usize) -> (usize, usize, usize) {
        let extent = cube.extent(self.side.other());
        let (tile, k) = (self.bias(cube, output / extent), output % extent);
        match self.side {
            Side::P => (tile, 0, k),
            Side::Q => (tile, k, 0),
        }
    }

    /// Writes the layer's values into compact slot vectors.
    pub fn pack<V: Copy>(
        &self,
        cube: &Cube,
        compact: &Compact,
        weight: ArrayView2<V>,
        bias: ArrayView1<V>,
        out: &mut [Vec<V>],
    ) {
        let mut put = |(tile, x, z): (usize, usize, usize), value: V| {
            let (group, m) = (tile / compact.group, tile % compact.group);
            compact.rows(cube, m).for_each(|y| out[group][cube.slot(y, x, z)] = value);
        };
        for ((input, output), &value) in weight.indexed_iter() {
            put(self.weight_place(cube, input, output), value);
        }
        for (output, &value) in bias.indexed_iter() {
            put(self.bias_place(cube, output), value);
        }
    }

    /// Reads the layer's weights and bias out of compact slot vectors.
    pub fn unpack<V: Copy>(
        &self,
        cube: &Cube,
        compact: &Compact,
        slots: &[Vec<V>],
    ) -> (Array2<V>, Array1<V>) {
        let get = |(tile, x, z): (usize, usize, usize)| {
            let y = compact.rows(cube, tile % compact.group).next().unwrap_or(0);
            slots[tile / compact.group][cube.slot(y, x, z)]
        };
        (
            Array2::from_shape_fn((self.inputs, self.outputs), |(i, o)| get(self.weight_place(cube, i, o))),
            Array1::from_shape_fn(self.outputs, |o| get(self.bias_place(cube, o))),
        )
    }
}
