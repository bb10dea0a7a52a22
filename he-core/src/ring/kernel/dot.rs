//! Sums of products, `out = sum_i a_i b_i mod q`, with one final reduction.
//!
//! In floating point a term is at most `q * (1/2 + e) + 1 <= 3q/4 + 1` in magnitude, so [`LAZY_FLOAT`] terms
//! on top of a residue stay below `q + 8 * 3q/4 + 9 < 2^53` and the additions are exact. On words a
//! product of residues is below `2^124`, so 15 of them on top of a residue fit `u128`; that of any word and a
//! residue is below `2^126`: 3 of them do.

use pulp::{Arch, Simd, WithSimd};
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use pulp::{NullaryFnOnce, u64x8};

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use super::ifma::{self, Ifma, Plain};
use super::lane::{Lanes, balanced};
use super::{check, use_float};
use crate::modulus::{FMA_LIMIT, Modulus};

/// Terms added between reductions of a float sum.
const LAZY_FLOAT: usize = 8;

/// Vectors summed side by side, to hide the latency of the products.
const UNROLL: usize = 4;

/// `out = sum_i a_i * b_i` for slices of one modulus, zero without terms.
///
/// # Panics
/// If there are not as many `a` as `b` or lengths differ.
pub fn dot(m: &Modulus, out: &mut [u64], a: &[&[u64]], b: &[&[u64]]) {
    out.fill(0);
    dot_add_assign(m, [out], a, [b]);
}

/// `out[c] += sum_i a_i * b[c]_i` for slices of one modulus and words in `[0, q)`.
///
/// # Panics
/// If there are not as many `a` as `b[c]` or lengths differ.
pub fn dot_add_assign<const C: usize>(m: &Modulus, out: [&mut [u64]; C], a: &[&[u64]], b: [&[&[u64]]; C]) {
    for (out, b) in out.iter().zip(b) {
        assert_eq!(a.len(), b.len(), "a sum of products has pairs");
        for slice in a.iter().chain(b) {
            check(out.len(), slice.len());
        }
    }
    run(m, out, a, b);
}

/// `out = sum_i s_i * a_i` for scalars in `[0, q)` and slices of words below `2^50` (any words if `q >=
/// 2^50`), which may be residues of other moduli; zero without terms.
///
/// # Panics
/// If there are not as many scalars as slices or lengths differ.
pub fn dot_scalars(m: &Modulus, out: &mut [u64], a: &[&[u64]], s: &[u64]) {
    assert_eq!(a.len(), s.len(), "a linear combination has one scalar for each slice");
    for slice in a {
        check(out.len(), slice.len());
        debug_assert!(!m.fits_fma() || slice.iter().all(|&x| x < FMA_LIMIT), "words are below 2^50");
    }
    out.fill(0);
    let scalars: Vec<Scalar> = (s.iter())
        .map(|&word| Scalar { word, float: if m.fits_fma() { balanced(m, word) } else { 0.0 } })
        .collect();
    run(m, [out], a, [&scalars]);
}

/// The second factor of a term: a slice or a scalar.
pub(super) trait Factor {
    /// Products added between reductions of a sum on words.
    const LAZY_WORD: usize;
    /// Vector `i`, of all whole vectors, as floats.
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, i: usize) -> S::f64s;
    /// Words `8·i` and the next seven.
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    fn vector(&self, i: usize) -> u64x8;
    /// Word `i`.
    fn word(&self, i: usize) -> u64;
}

impl Factor for &[u64] {
    const LAZY_WORD: usize = 15;

    #[inline(always)]
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, i: usize) -> S::f64s {
        lanes.load(S::as_simd_u64s(self).0[i])
    }

    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    #[inline(always)]
    fn vector(&self, i: usize) -> u64x8 {
        ifma::vectors(self)[i]
    }

    #[inline(always)]
    fn word(&self, i: usize) -> u64 {
        self[i]
    }
}

/// A scalar in both forms; the second is of moduli that fit floats.
struct Scalar {
    word: u64,
    float: f64,
}

impl Factor for Scalar {
    const LAZY_WORD: usize = 3;

    #[inline(always)]
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, _: usize) -> S::f64s {
        lanes.splat(self.float)
    }

    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    #[inline(always)]
    fn vector(&self, _: usize) -> u64x8 {
        ifma::splat(self.word)
    }

    #[inline(always)]
    fn word(&self, _: usize) -> u64 {
        self.word
    }
}

/// Adds the sums with what is fastest for the modulus on this machine.
fn run<const C: usize, F: Factor>(m: &Modulus, out: [&mut [u64]; C], a: &[&[u64]], b: [&[F]; C]) {
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    if let Some(simd) = Ifma::try_new().filter(|_| m.fits_fma()) {
        return simd.vectorize(FastDot { simd, modulus: m, out, a, b });
    }
    portable(m, out, a, b);
}

/// The sums with instructions that every machine has.
pub(super) fn portable<const C: usize, F: Factor>(
    m: &Modulus,
    out: [&mut [u64]; C],
    a: &[&[u64]],
    b: [&[F]; C],
) {
    for (out, b) in out.into_iter().zip(b) {
        if use_float(m) {
            Arch::new().dispatch(Dot { modulus: m, out, a, b });
        } else {
            words(m, out, a, b, 0);
        }
    }
}

/// Adds the sums on words, for an `out` that starts at `offset` of the operands.
#[inline(always)]
fn words<F: Factor>(m: &Modulus, out: &mut [u64], a: &[&[u64]], b: &[F], offset: usize) {
    for (i, x) in (offset..).zip(out) {
        let mut sum = u128::from(*x);
        for (a, b) in a.chunks(F::LAZY_WORD).zip(b.chunks(F::LAZY_WORD)) {
            sum = u128::from(m.reduce_u128(sum));
            for (a, b) in a.iter().zip(b) {
                sum += u128::from(a[i]) * u128::from(b.word(i));
            }
        }
        *x = m.reduce_u128(sum);
    }
}

struct Dot<'a, F> {
    modulus: &'a Modulus,
    out: &'a mut [u64],
    a: &'a [&'a [u64]],
    b: &'a [F],
}

impl<F: Factor> WithSimd for Dot<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { modulus, out, a, b } = self;
        let lanes = Lanes::new(simd, modulus);
        let whole = out.len() / S::U64_LANES * S::U64_LANES;
        let (head, tail) = out.split_at_mut(whole);
        let vectors = S::as_mut_simd_u64s(head).0;
        let (chunks, rest) = vectors.as_chunks_mut::<UNROLL>();
        let offset = chunks.len() * UNROLL;
        for (i, chunk) in chunks.iter_mut().enumerate() {
            *chunk = sums(&lanes, *chunk, a, b, i * UNROLL);
        }
        for (i, x) in (offset..).zip(rest) {
            [*x] = sums(&lanes, [*x], a, b, i);
        }
        words(modulus, tail, a, b, whole);
    }
}

/// The output words plus the sums, for `K` vectors from vector `at` on.
#[inline(always)]
fn sums<S: Simd, F: Factor, const K: usize>(
    lanes: &Lanes<S>,
    there: [S::u64s; K],
    a: &[&[u64]],
    b: &[F],
    at: usize,
) -> [S::u64s; K] {
    let mut sums = lanes.load_all(there);
    for (a, b) in a.chunks(LAZY_FLOAT).zip(b.chunks(LAZY_FLOAT)) {
        for (a, b) in a.iter().zip(b) {
            let a = &S::as_simd_u64s(a).0[at..at + K];
            let (mut x, mut y) = (sums, sums);
            for (k, ((x, y), a)) in x.iter_mut().zip(&mut y).zip(a).enumerate() {
                (*x, *y) = (lanes.load(*a), b.lanes(lanes, at + k));
            }
            sums = lanes.add_all(sums, lanes.mul_all(x, y));
        }
        sums = lanes.reduce_all(sums);
    }
    lanes.store_all(sums)
}

/// The sums with 52-bit multiply-adds, all columns in one pass.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
struct FastDot<'a, F, const C: usize> {
    simd: Ifma,
    modulus: &'a Modulus,
    out: [&'a mut [u64]; C],
    a: &'a [&'a [u64]],
    b: [&'a [F]; C],
}

#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
impl<F: Factor, const C: usize> NullaryFnOnce for FastDot<'_, F, C> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, modulus, mut out, a, b } = self;
        let m = Plain::new(simd, modulus);
        let vectors = out.first().map_or(0, |out| out.len() / ifma::LANES);
        let offset = vectors / UNROLL * UNROLL;
        for at in (0..offset).step_by(UNROLL) {
            columns::<F, C, UNROLL>(&m, &mut out, a, b, at);
        }
        for at in offset..vectors {
            columns::<F, C, 1>(&m, &mut out, a, b, at);
        }
        for (out, b) in out.into_iter().zip(b) {
            let whole = vectors * ifma::LANES;
            words(modulus, &mut out[whole..], a, b, whole);
        }
    }
}

/// Adds the sums of all columns to `K` vectors from vector `at` on.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
#[inline(always)]
fn columns<F: Factor, const C: usize, const K: usize>(
    m: &Plain,
    out: &mut [&mut [u64]; C],
    a: &[&[u64]],
    b: [&[F]; C],
    at: usize,
) {
    let mut sums = [[m.sum(ifma::splat(0)); K]; C];
    for (sums, out) in sums.iter_mut().zip(out.iter()) {
        for (sum, &there) in sums.iter_mut().zip(&ifma::vectors(out)[at..at + K]) {
            *sum = m.sum(there);
        }
    }
    for (i, a) in a.iter().enumerate() {
        if i > 0 && i.is_multiple_of(ifma::TERMS) {
            for sum in sums.as_flattened_mut() {
                *sum = m.sum(m.reduce(*sum));
            }
        }
        let a = &ifma::vectors(a)[at..at + K];
        for (sums, b) in sums.iter_mut().zip(b) {
            for (k, (sum, &a)) in sums.iter_mut().zip(a).enumerate() {
                *sum = sum.add_product(a, b[i].vector(at + k));
            }
        }
    }
    for (sums, out) in sums.iter().zip(out) {
        for (out, &sum) in ifma::vectors_mut(out)[at..at + K].iter_mut().zip(sums) {
            *out = m.reduce(sum);
        }
    }
}
