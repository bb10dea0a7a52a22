//! Products of a matrix of integers and a vector of polynomials.

use std::ops::Range;

use rayon::prelude::*;

use super::basis::Basis;
use super::integer_matrix::IntegerMatrix;
use super::kernel;
use super::parallel::in_parallel;
use super::poly::Poly;

/// Words of each operand that one thread works on at a time.
const PIECE: usize = 1 << 10;

impl<D: Send + Sync> Poly<D> {
    /// The matrix product `out_o = Σ_i w_oi·x_i` over the given basis, with integer weights `w`: every operand is read from memory
    /// once. The operands may have further limbs, which are ignored.
    ///
    /// # Panics
    /// If there are not as many operands as the matrix has columns, or one does not cover the basis.
    pub fn matrix_product(basis: &Basis, weights: &IntegerMatrix, x: &[&Self]) -> Vec<Self> {
        assert_eq!(x.len(), weights.columns(), "an operand for each column");
        let mut out: Vec<Self> = (0..weights.rows()).map(|_| Self::scratch(basis)).collect();
        out.iter().take(1).for_each(|out| x.iter().for_each(|x| out.check_factor(x)));
        let length = basis.n().min(PIECE);
        let mut pieces: Vec<Vec<&mut [u64]>> = Vec::new();
        pieces.resize_with(basis.n() * basis.len() / length, || Vec::with_capacity(weights.rows()));
        for out in &mut out {
            for (piece, words) in pieces.iter_mut().zip(out.words_mut().chunks_exact_mut(length)) {
                piece.push(words);
            }
        }
        let run = |(i, out): (usize, &mut Vec<&mut [u64]>)| {
            let words: Range<usize> = i * length..(i + 1) * length;
            let operands: Vec<&[u64]> = x.iter().map(|x| &x.words()[words.clone()]).collect();
            kernel::matrix_product(basis.modulus(words.start / basis.n()), out, weights, &operands);
        };
        if in_parallel(weights.rows().saturating_mul(x.len()).saturating_mul(basis.n())) {
            pieces.par_iter_mut().enumerate().for_each(run);
        } else {
            pieces.iter_mut().enumerate().for_each(run);
        }
        out
    }
}
