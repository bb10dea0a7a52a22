//! Products of a matrix of small integers and slices of residues, `out_o = Σ_i w_oi·x_i mod q`.
//!
//! The weights are shifted to be non-negative (see [`IntegerMatrix`]). While `columns·max(w)·q` is below `2^63` nothing is reduced before
//! the end: a term is one multiplication of words, and one 52-bit multiply-add where `max(w)·q` is below `2^52` as well and the
//! machine has it; with AVX2 pieces of words are multiplied in its place (`pairs`). Otherwise each row is a linear combination as any other
//! ([`dot_scalars`](super::dot_scalars)).
//!
//! Operands are far larger than any cache. [`SECTION`] words of all of them are copied to one place, about half a megabyte, and
//! multiplied with all rows, [`TILE`] of them by [`WIDTH`] words in registers, so that each word is read from memory once.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use pulp::{NullaryFnOnce, bytemuck::cast, u64x8};

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use super::ifma::{self, Ifma, Plain};
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use super::pairs;
use super::{check, dot_scalars};
use crate::modulus::Modulus;
use crate::ring::integer_matrix::{IntegerMatrix, TILE};

/// Words of all operands that are copied to one place, at most, but for very many operands.
const PACKED: usize = 1 << 16;
/// Words of an operand in a section, at most.
const SECTION: usize = 128;
/// Words of a result that are summed side by side.
const WIDTH: usize = 16;

/// `out_o = Σ_i w_oi·x_i mod q`, for words in `[0, q)`.
///
/// # Panics
/// If there are not as many `out` as rows or `x` as columns, or lengths differ.
pub fn matrix_product(m: &Modulus, out: &mut [&mut [u64]], weights: &IntegerMatrix, x: &[&[u64]]) {
    assert_eq!((out.len(), x.len()), (weights.rows(), weights.columns()), "a matrix and its operands");
    let length = out.first().map_or(0, |out| out.len());
    out.iter().for_each(|out| check(length, out.len()));
    x.iter().for_each(|x| check(length, x.len()));
    let term = u128::from(weights.largest().max(weights.shift())) * u128::from(m.value());
    if term * x.len() as u128 >= 1 << 63 {
        return rows(m, out, weights, x);
    }
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if !has_ifma(m, term)
        && let Some(simd) = pairs::instructions(m, weights)
    {
        return pairs::matrix_product(simd, m, out, weights, x);
    }
    sections(m, out, weights, x, |section| run(section, term));
}

/// Whether products of weights and words, all below `term`, are taken by 52-bit multiply-adds.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
fn has_ifma(m: &Modulus, term: u128) -> bool {
    m.fits_fma() && term < 1 << 52 && Ifma::try_new().is_some()
}

#[cfg(not(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64"))))]
fn has_ifma(_: &Modulus, _: u128) -> bool {
    false
}

/// Section after section, computed by `run`, with a reduction at the end.
fn sections(
    m: &Modulus,
    out: &mut [&mut [u64]],
    weights: &IntegerMatrix,
    x: &[&[u64]],
    run: impl Fn(Section<'_, '_>),
) {
    let length = out.first().map_or(0, |out| out.len());
    let width = (PACKED / x.len()).clamp(1, SECTION).next_multiple_of(WIDTH);
    let mut packed = vec![[0; WIDTH]; x.len() * (width / WIDTH)];
    for first in (0..length).step_by(width) {
        let words = first..length.min(first + width);
        let mut out: Vec<&mut [u64]> = out.iter_mut().map(|out| &mut out[words.clone()]).collect();
        let start = pack(m, weights.shift(), &mut packed, x, words);
        run(Section { m, weights, packed: &packed, start: &start, out: &mut out });
    }
}

/// Row after row, with a reduction after a few terms.
fn rows(m: &Modulus, out: &mut [&mut [u64]], weights: &IntegerMatrix, x: &[&[u64]]) {
    for (row, out) in out.iter_mut().enumerate() {
        let scalars: Vec<u64> = weights.row(row).iter().map(|&w| m.reduce_i64(w)).collect();
        dot_scalars(m, out, x, &scalars);
    }
}

/// Copies words of all operands, [`WIDTH`] words of each behind one another, and returns `−s·Σ_i x_i mod q` for the shift `s`.
fn pack(
    m: &Modulus,
    shift: u64,
    packed: &mut [[u64; WIDTH]],
    x: &[&[u64]],
    words: Range<usize>,
) -> Vec<[u64; WIDTH]> {
    let (count, mut start) = (x.len(), vec![[0; WIDTH]; words.len().div_ceil(WIDTH)]);
    for (i, x) in x.iter().enumerate() {
        for (piece, (words, sums)) in x[words.clone()].chunks(WIDTH).zip(&mut start).enumerate() {
            packed[piece * count + i][..words.len()].copy_from_slice(words);
            if shift > 0 {
                sums.iter_mut().zip(words).for_each(|(sum, word)| *sum += word);
            }
        }
    }
    let shift = m.reduce(shift);
    start.iter_mut().flatten().for_each(|sum| *sum = m.neg(m.mul(m.reduce(*sum), shift)));
    start
}

/// Some words of all operands and results.
struct Section<'j, 'o> {
    m: &'j Modulus,
    weights: &'j IntegerMatrix,
    /// Words of all operands, in pieces.
    packed: &'j [[u64; WIDTH]],
    /// Initial values of the sums, for every piece.
    start: &'j [[u64; WIDTH]],
    out: &'j mut [&'o mut [u64]],
}

impl Section<'_, '_> {
    /// Computes all results, each tile of rows and each piece of words by `sums(weights, words, start)`.
    #[inline(always)]
    fn compute(self, sums: impl Fn(&[[u64; TILE]], &[[u64; WIDTH]], &[u64; WIDTH]) -> [[u64; WIDTH]; TILE]) {
        let pieces = self.packed.chunks_exact(self.weights.columns()).zip(self.start);
        for (tile, out) in self.weights.tiles().zip(self.out.chunks_mut(TILE)) {
            for (piece, (words, start)) in pieces.clone().enumerate() {
                let sums = sums(tile, words, start);
                for (out, sums) in out.iter_mut().zip(&sums) {
                    let out = &mut out[piece * WIDTH..];
                    let length = out.len().min(WIDTH);
                    out[..length].copy_from_slice(&sums[..length]);
                }
            }
        }
    }
}

/// Computes a section with what is fastest on this machine; `term` is above every product of a weight and a word.
fn run(section: Section<'_, '_>, term: u128) {
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    if let Some(simd) = Ifma::try_new().filter(|_| has_ifma(section.m, term)) {
        return simd.vectorize(Fast { simd, section });
    }
    let _ = term;
    Arch::new().dispatch(Words(section));
}

/// The sums on words.
struct Words<'j, 'o>(Section<'j, 'o>);

impl WithSimd for Words<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let m = *self.0.m;
        self.0.compute(
            #[inline(always)]
            |tile, words, start| {
                let mut sums = [*start; TILE];
                for (weights, x) in tile.iter().zip(words) {
                    for (sums, &w) in sums.iter_mut().zip(weights) {
                        sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += w * x);
                    }
                }
                sums.as_flattened_mut().iter_mut().for_each(|sum| *sum = m.reduce(*sum));
                sums
            },
        );
    }
}

/// The sums with 52-bit multiply-adds.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
struct Fast<'j, 'o> {
    simd: Ifma,
    section: Section<'j, 'o>,
}

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
impl NullaryFnOnce for Fast<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const VECTORS: usize = WIDTH / ifma::LANES;
        let m = Plain::new(self.simd, self.section.m);
        self.section.compute(
            #[inline(always)]
            |tile, words, start| {
                let start: [u64x8; VECTORS] = cast(*start);
                let mut sums = [start; TILE];
                for (weights, &x) in tile.iter().zip(words) {
                    let x: [u64x8; VECTORS] = cast(x);
                    for (sums, &w) in sums.iter_mut().zip(weights) {
                        let w = ifma::splat(w);
                        for (sum, x) in sums.iter_mut().zip(x) {
                            *sum = m.add_low_product(*sum, x, w);
                        }
                    }
                }
                for sum in sums.as_flattened_mut() {
                    *sum = m.reduce(m.sum(*sum));
                }
                cast(sums)
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn naive(m: &Modulus, weights: &IntegerMatrix, x: &[Vec<u64>]) -> Vec<Vec<u64>> {
        let sum = |row: &[i64], at: usize| {
            let terms = row.iter().zip(x).map(|(&w, x)| m.mul(m.reduce_i64(w), x[at]));
            terms.fold(0, |sum, term| m.add(sum, term))
        };
        let row = |o: usize| (0..x[0].len()).map(|at| sum(weights.row(o), at)).collect();
        (0..weights.rows()).map(row).collect()
    }

    fn computed(
        weights: &IntegerMatrix,
        length: usize,
        x: &[Vec<u64>],
        run: impl Fn(&mut [&mut [u64]], &[&[u64]]),
    ) -> Vec<Vec<u64>> {
        let mut out = vec![vec![7; length]; weights.rows()];
        let mut slices: Vec<&mut [u64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        run(&mut slices, &x.iter().map(Vec::as_slice).collect::<Vec<_>>());
        out
    }

    #[test]
    fn all_ways_compute_the_definition() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 1
        };
        // Rows and operands around a tile, lengths around a piece and a section; weights of one sign and of both.
        let shapes = [(1, 1, 1), (8, 3, 16), (9, 50, 300), (17, 784, 33), (3, 5000, 17)];
        for q in [2, 97, (1 << 36) - 5, (1 << 46) - 21, (1 << 50) - 27, (1 << 61) - 1] {
            let m = Modulus::new(q).unwrap();
            for (rows_of, columns, length) in shapes {
                for (least, most) in [(-1, 1), (0, 15), (-15, 15), (-31, -1), (-(1 << 40), 1 << 40)] {
                    let span = (most - least + 1) as u64;
                    let entries = (0..rows_of * columns).map(|_| least + (next() % span) as i64).collect();
                    let weights = IntegerMatrix::new(columns, entries).unwrap();
                    // The largest words, and any.
                    let word = |i: usize, noise: u64| if i.is_multiple_of(2) { q - 1 } else { noise % q };
                    let x: Vec<Vec<u64>> =
                        (0..columns).map(|i| (0..length).map(|_| word(i, next())).collect()).collect();
                    let expected = naive(&m, &weights, &x);
                    let case = format!("{rows_of} x {columns} x {length} mod {q}, {least} to {most}");
                    let fastest =
                        computed(&weights, length, &x, |out, x| matrix_product(&m, out, &weights, x));
                    assert!(fastest == expected, "{case}");
                    assert!(computed(&weights, length, &x, |out, x| rows(&m, out, &weights, x)) == expected);
                    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                    if let Some(simd) = pairs::instructions(&m, &weights) {
                        let run = |out: &mut [&mut [u64]], x: &[&[u64]]| {
                            pairs::matrix_product(simd, &m, out, &weights, x);
                        };
                        assert!(computed(&weights, length, &x, run) == expected, "{case}");
                    }
                    if u128::from(q) * u128::from(span) * (columns as u128) < 1 << 62 {
                        let words = |section: Section<'_, '_>| Arch::new().dispatch(Words(section));
                        let portable =
                            computed(&weights, length, &x, |out, x| sections(&m, out, &weights, x, words));
                        assert!(portable == expected, "{case}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a matrix and its operands")]
    fn operands_must_be_as_many_as_columns() {
        let weights = IntegerMatrix::new(2, vec![1, 2]).unwrap();
        matrix_product(&Modulus::new(97).unwrap(), &mut [&mut [0]], &weights, &[&[1]]);
    }
}
