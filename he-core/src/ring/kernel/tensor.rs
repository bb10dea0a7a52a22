//! Matrix products of ciphertexts, `out_ij = sum_k a_ik ⊗ b_kj` with `(a, a') ⊗ (b, b') = (ab, ab' + a'b, a'b')`.
//!
//! Operands are far larger than any cache, so each word is to be read from memory once: all outputs are computed
//! [`SECTION`] words at a time, while the words of the right matrix and of one row of the left one stay in the
//! second-level cache. A word is turned into a float once for the four products it enters.

use pulp::{Arch, Simd, WithSimd};

use super::lane::Lanes;
use super::{check, use_float};
use crate::modulus::Modulus;

/// Words of a section.
const SECTION: usize = 128;

/// Pairs added between reductions: the middle sum takes two products of each, at most 8 as in `dot`.
const LAZY_FLOAT: usize = 4;

/// Pairs added between reductions on words: the middle sum takes two products of each, at most 15 as in `dot`.
const LAZY_WORD: usize = 7;

/// The two parts of an operand.
pub type Pair<'a> = [&'a [u64]; 2];
/// The three parts of a product.
pub type Triple<'a> = [&'a mut [u64]; 3];

/// `out = a·b` for an `a` of `inner` columns and a `b` of `inner` rows, all row after row.
///
/// # Panics
/// If the sizes of the matrices do not agree or lengths of slices differ.
pub fn tensor(m: &Modulus, out: &mut [Triple<'_>], a: &[Pair<'_>], b: &[Pair<'_>], inner: usize) {
    assert!(inner > 0 && a.len().is_multiple_of(inner) && b.len().is_multiple_of(inner), "whole matrices");
    check(out.len(), a.len() / inner * (b.len() / inner));
    let Some(length) = out.first().map(|out| out[0].len()) else { return };
    out.iter().flatten().for_each(|out| check(length, out.len()));
    a.iter().chain(b).flatten().for_each(|words| check(length, words.len()));
    let job = Tensor { modulus: m, out, a, b, inner, length };
    if use_float(m) { Arch::new().dispatch(job) } else { job.words(0) }
}

struct Tensor<'j, 'o, 'a> {
    modulus: &'j Modulus,
    out: &'j mut [Triple<'o>],
    a: &'j [Pair<'a>],
    b: &'j [Pair<'a>],
    inner: usize,
    length: usize,
}

impl Tensor<'_, '_, '_> {
    fn columns(&self) -> usize {
        self.b.len() / self.inner
    }

    /// The products on words, from word `first` on.
    fn words(self, first: usize) {
        let (m, inner, columns) = (self.modulus, self.inner, self.columns());
        for (at, out) in self.out.iter_mut().enumerate() {
            let (row, column) = (&self.a[at / columns * inner..][..inner], at % columns);
            for i in first..self.length {
                let mut sums = [0_u128; 3];
                for (k, a) in row.iter().enumerate() {
                    if k % LAZY_WORD == 0 {
                        sums = sums.map(|sum| u128::from(m.reduce_u128(sum)));
                    }
                    let [x, y] = a.map(|a| u128::from(a[i]));
                    let [z, w] = self.b[k * columns + column].map(|b| u128::from(b[i]));
                    sums = [sums[0] + x * z, sums[1] + x * w + y * z, sums[2] + y * w];
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    out[i] = m.reduce_u128(sum);
                }
            }
        }
    }
}

impl WithSimd for Tensor<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = Lanes::new(simd, self.modulus);
        let vectors = self.length / S::U64_LANES;
        let section = SECTION / S::U64_LANES;
        let mut first = 0;
        while first < vectors {
            let end = vectors.min(first + section);
            section_of(&lanes, &mut self, first..end);
            first = end;
        }
        self.words(vectors * S::U64_LANES);
    }
}

/// The given vectors of all outputs.
#[inline(always)]
fn section_of<S: Simd>(lanes: &Lanes<S>, job: &mut Tensor<'_, '_, '_>, vectors: std::ops::Range<usize>) {
    let (inner, columns) = (job.inner, job.columns());
    for (at, out) in job.out.iter_mut().enumerate() {
        let (row, column) = (&job.a[at / columns * inner..][..inner], at % columns);
        let column = &job.b[column..];
        for v in vectors.clone() {
            let sums = sums(lanes, row, column, columns, v);
            for (out, sum) in out.iter_mut().zip(lanes.store_all(sums)) {
                S::as_mut_simd_u64s(out).0[v] = sum;
            }
        }
    }
}

/// Vector `v` of a row times a column, whose elements lie `columns` apart.
#[inline(always)]
fn sums<S: Simd>(
    lanes: &Lanes<S>,
    row: &[Pair<'_>],
    column: &[Pair<'_>],
    columns: usize,
    v: usize,
) -> [S::f64s; 3] {
    let mut sums = [lanes.splat(0.0); 3];
    let mut k = 0;
    for row in row.chunks(LAZY_FLOAT) {
        for a in row {
            let b = &column[k * columns];
            k += 1;
            let [x, y] = [lanes.load(S::as_simd_u64s(a[0]).0[v]), lanes.load(S::as_simd_u64s(a[1]).0[v])];
            let [z, w] = [lanes.load(S::as_simd_u64s(b[0]).0[v]), lanes.load(S::as_simd_u64s(b[1]).0[v])];
            let [low, one, other, high] = lanes.mul_all([x, x, y, y], [z, w, z, w]);
            sums = lanes.add_all(sums, [low, lanes.add(one, other), high]);
        }
        sums = lanes.reduce_all(sums);
    }
    sums
}
