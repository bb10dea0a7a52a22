//! Average pooling: each square of a channel becomes its mean. Rows and columns beyond the last whole square
//! are left out.

use super::{FrozenError, Result, Shape};

/// The mean of squares that do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPool2d {
    side: usize,
}

impl AvgPool2d {
    /// Squares of `side` times `side` values.
    ///
    /// # Errors
    /// If `side` is 0.
    pub fn new(side: usize) -> Result<Self> {
        match side {
            0 => Err(FrozenError::Numbers("squares of side 0; 1 or more is needed".to_owned())),
            side => Ok(Self { side }),
        }
    }

    /// The side of a square.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    pub(super) fn output(&self, from: Shape) -> Result<Shape> {
        Shape::new(from.channels(), from.rows() / self.side, from.columns() / self.side)
    }

    /// For each value of the result the place of the first value of its square.
    fn corners(&self, from: Shape) -> impl Iterator<Item = usize> {
        let (side, plane, width) = (self.side, from.plane(), from.columns());
        let (rows, columns) = (from.rows() / side, width / side);
        (0..from.channels()).flat_map(move |channel| {
            (0..rows).flat_map(move |row| {
                (0..columns).map(move |column| channel * plane + (row * width + column) * side)
            })
        })
    }

    pub(super) fn forward(&self, x: &[f32], from: Shape, y: &mut [f32]) {
        let count = (self.side * self.side) as f32;
        for (y, corner) in y.iter_mut().zip(self.corners(from)) {
            let row = |row: usize| &x[corner + row * from.columns()..][..self.side];
            *y = (0..self.side).flat_map(row).sum::<f32>() / count;
        }
    }

    /// The gradient by `x` of one image from that by `y`.
    pub(super) fn backward(&self, from: Shape, gradient: &[f32]) -> Vec<f32> {
        let count = (self.side * self.side) as f32;
        let mut by_x = vec![0.0; from.size()];
        for (g, corner) in gradient.iter().zip(self.corners(from)) {
            for row in 0..self.side {
                by_x[corner + row * from.columns()..][..self.side].fill(g / count);
            }
        }
        by_x
    }
}
