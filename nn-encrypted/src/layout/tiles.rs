//! Images-by-features matrices to slots and back.

use ndarray::{Array2, ArrayView2};

use super::{Cube, Side};

/// An images-by-features matrix laid along a side of a cube.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiles {
    /// Rows of the matrix: images.
    pub rows: usize,
    /// Columns of the matrix: features.
    pub columns: usize,
    /// The side along which the columns lie.
    pub side: Side,
}

impl Tiles {
    /// Number of tiles along images and along features.
    pub(crate) fn counts(&self, cube: &Cube) -> (usize, usize) {
        (self.rows.div_ceil(cube.b), self.columns.div_ceil(cube.extent(self.side)))
    }

    /// Number of tiles; tile `(t, i)` is number `t·columns' tiles + i`.
    pub(crate) fn count(&self, cube: &Cube) -> usize {
        let (t, i) = self.counts(cube);
        t * i
    }

    /// Slot vectors of all tiles, each value repeated along the other side. Slots without a value, of which a matrix of fewer rows
    /// leaves some, have that of `rest`.
    pub(crate) fn pack<V: Copy>(&self, cube: &Cube, matrix: ArrayView2<V>, rest: V) -> Vec<Vec<V>> {
        let (images, features) = self.counts(cube);
        let mut tiles = vec![vec![rest; cube.slots()]; images * features];
        let (extent, stride) = (cube.extent(self.side), cube.stride(self.side.other()));
        let repeated = cube.extent(self.side.other());
        for ((row, column), &value) in matrix.indexed_iter() {
            let tile = &mut tiles[row / cube.b * features + column / extent];
            let start = self.slot(cube, row % cube.b, column % extent);
            if stride == 1 {
                tile[start..start + repeated].fill(value);
            } else {
                (0..repeated).for_each(|i| tile[start + i * stride] = value);
            }
        }
        tiles
    }

    /// The matrix out of tiles that are right where the index along the other side is 0.
    pub(crate) fn unpack<V: Copy>(&self, cube: &Cube, tiles: &[Vec<V>]) -> Array2<V> {
        let (_, features) = self.counts(cube);
        let extent = cube.extent(self.side);
        Array2::from_shape_fn((self.rows, self.columns), |(row, column)| {
            let slot = self.slot(cube, row % cube.b, column % extent);
            tiles[row / cube.b * features + column / extent][slot]
        })
    }

    /// Slot of image `y` and index `k` along the side, at index 0 along the other.
    fn slot(&self, cube: &Cube, y: usize, k: usize) -> usize {
        match self.side {
            Side::P => cube.slot(y, k, 0),
            Side::Q => cube.slot(y, 0, k),
        }
    }
}
