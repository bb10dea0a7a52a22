//! Matrices of small integers, laid out as products of residues read them.
//!
//! Sums of residues with weights of both signs stay words if the weights are made non-negative: with the *shift* `s = max(0, −min w)`
//!
//! `Σ_i w_i·x_i = Σ_i (w_i + s)·x_i − s·Σ_i x_i`,
//!
//! where the last sum is one for all rows. [`kernel::matrix_product`](super::kernel::matrix_product) computes it.

use thiserror::Error;

/// Rows that are computed side by side.
pub(crate) const TILE: usize = 8;

/// Numbers that are no matrix.
#[derive(Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatrixError {
    /// The numbers do not fill whole rows, or there are none.
    #[error("{entries} numbers are no rows of {columns}: needed at least one row, and whole ones")]
    Rows {
        /// Numbers given.
        entries: usize,
        /// Length of a row.
        columns: usize,
    },
    /// A number that is too large.
    #[error("entry {value} in row {row}, column {column}: needed a magnitude of at most 2^61")]
    Entry {
        /// The number.
        value: i64,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },
}

/// The largest magnitude of an entry, `2^61`: with a shift they are words.
const LIMIT: u64 = 1 << 61;

/// A matrix of integers of up to `2^61` in magnitude, with which vectors of residues, polynomials or ciphertexts are multiplied.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::ring::{Basis, Coeff, IntegerMatrix, Poly};
///
/// let basis = Basis::new(16, &[97, 193])?;
/// let [a, b] = [5, 7].map(|constant| {
///     Poly::<Coeff>::from_signed(&basis, &[vec![constant], vec![0; 15]].concat())
/// });
/// // 2·5 − 3·7 and 5 + 7.
/// let matrix = IntegerMatrix::new(2, vec![2, -3, 1, 1])?;
/// let products = Poly::matrix_product(&basis, &matrix, &[&a, &b]);
/// assert_eq!((products[0].limb(0)[0], products[1].limb(1)[0]), (97 - 11, 12));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerMatrix {
    columns: usize,
    /// Row after row.
    entries: Vec<i64>,
    shift: u64,
    /// The largest shifted entry.
    largest: u64,
    /// Shifted entries, in tiles of [`TILE`] rows, column after column; rows that are not there are 0.
    tiles: Vec<u64>,
}

impl IntegerMatrix {
    /// A matrix with rows of `columns` numbers, given row after row.
    ///
    /// # Errors
    /// If there is no number, a row is not whole, or a number has a magnitude above `2^61`.
    pub fn new(columns: usize, entries: Vec<i64>) -> Result<Self, MatrixError> {
        if columns == 0 || entries.is_empty() || !entries.len().is_multiple_of(columns) {
            return Err(MatrixError::Rows { entries: entries.len(), columns });
        }
        if let Some(at) = entries.iter().position(|entry| entry.unsigned_abs() > LIMIT) {
            return Err(MatrixError::Entry { value: entries[at], row: at / columns, column: at % columns });
        }
        let least = entries.iter().copied().min().unwrap_or(0).min(0);
        let shifted = |entry: i64| (entry - least) as u64;
        let largest = entries.iter().copied().max().map_or(0, shifted);
        let mut tiles = vec![0; (entries.len() / columns).next_multiple_of(TILE) * columns];
        for (row, numbers) in entries.chunks_exact(columns).enumerate() {
            let tile = &mut tiles[row / TILE * TILE * columns..][..TILE * columns];
            for (place, &entry) in tile.iter_mut().skip(row % TILE).step_by(TILE).zip(numbers) {
                *place = shifted(entry);
            }
        }
        Ok(Self { columns, entries, shift: least.unsigned_abs(), largest, tiles })
    }

    /// Number of rows: that of the results.
    pub fn rows(&self) -> usize {
        self.entries.len() / self.columns
    }

    /// Number of columns: that of the operands.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[i64] {
        &self.entries[row * self.columns..][..self.columns]
    }

    /// The shift that makes all entries non-negative.
    pub(crate) fn shift(&self) -> u64 {
        self.shift
    }

    /// The largest entry after the shift.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// The largest magnitude of an entry.
    pub(crate) fn magnitude(&self) -> u64 {
        self.largest.saturating_sub(self.shift).max(self.shift)
    }

    /// Shifted entries of each tile, column after column.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = &[[u64; TILE]]> {
        self.tiles.chunks_exact(TILE * self.columns).map(|tile| tile.as_chunks().0)
    }
}

crate::debug_as_displayed!(MatrixError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_their_tiles() {
        let entries: Vec<i64> = (0..33).map(|i| i - 10).collect();
        let matrix = IntegerMatrix::new(3, entries.clone()).unwrap();
        assert_eq!((matrix.rows(), matrix.columns(), matrix.shift(), matrix.largest()), (11, 3, 10, 32));
        for (t, tile) in matrix.tiles().enumerate() {
            for (column, weights) in tile.iter().enumerate() {
                for (r, &weight) in weights.iter().enumerate() {
                    let expected =
                        entries.get((t * TILE + r) * 3 + column).map_or(0, |entry| (entry + 10) as u64);
                    assert_eq!(weight, expected);
                }
            }
        }
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        assert!(IntegerMatrix::new(0, vec![]).is_err() && IntegerMatrix::new(2, vec![]).is_err());
        assert_eq!(IntegerMatrix::new(2, vec![1; 3]), Err(MatrixError::Rows { entries: 3, columns: 2 }));
        let large = IntegerMatrix::new(2, vec![0, 0, 0, i64::MIN]);
        assert_eq!(large, Err(MatrixError::Entry { value: i64::MIN, row: 1, column: 1 }));
        let widest = IntegerMatrix::new(1, vec![1 << 61, -(1 << 61)]).unwrap();
        assert_eq!((widest.shift(), widest.largest()), (1 << 61, 1 << 62));
    }
}
