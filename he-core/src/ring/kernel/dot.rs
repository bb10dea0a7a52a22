//! Sums of products, `out = sum_i a_i b_i mod q`, with one final reduction.
//!
//! In floating point a term is at most `q * (1/2 + e) + 1 <= 3q/4 + 1` in magnitude, so [`LAZY_FLOAT`] terms
//! on top of a reduced sum stay below `q/2 + 8 * 3q/4 + 9 < 2^53` and the additions are exact. On words a
//! product of residues is below `2^124`, so 15 of them on top of a residue fit `u128`; that of any word and a
//! residue is below `2^126`: 3 of them do.

use pulp::{Arch, Simd, WithSimd};

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
    assert_eq!(a.len(), b.len(), "a sum of products has pairs");
    for slice in a.iter().chain(b) {
        check(out.len(), slice.len());
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
    if use_float(m) {
        let scalars: Vec<Scalar> = s.iter().map(|&word| Scalar { word, float: balanced(m, word) }).collect();
        run(m, out, a, &scalars);
    } else {
        run(m, out, a, s);
    }
}

/// The second factor of a term: a slice or a scalar.
trait Factor {
    /// Products added between reductions of a sum on words.
    const LAZY_WORD: usize;
    /// Vector `i`, of all whole vectors.
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, i: usize) -> S::f64s;
    /// Word `i`.
    fn word(&self, i: usize) -> u64;
}

impl Factor for &[u64] {
    const LAZY_WORD: usize = 15;

    #[inline(always)]
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, i: usize) -> S::f64s {
        lanes.load(S::as_simd_u64s(self).0[i])
    }

    #[inline(always)]
    fn word(&self, i: usize) -> u64 {
        self[i]
    }
}

/// A scalar in both forms.
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

    #[inline(always)]
    fn word(&self, _: usize) -> u64 {
        self.word
    }
}

impl Factor for u64 {
    const LAZY_WORD: usize = 3;

    #[inline(always)]
    fn lanes<S: Simd>(&self, lanes: &Lanes<S>, _: usize) -> S::f64s {
        // Not reached: scalars go to the vectors in their float form.
        lanes.splat(*self as f64)
    }

    #[inline(always)]
    fn word(&self, _: usize) -> u64 {
        *self
    }
}

fn run<F: Factor>(m: &Modulus, out: &mut [u64], a: &[&[u64]], b: &[F]) {
    if use_float(m) {
        Arch::new().dispatch(Dot { modulus: m, out, a, b });
    } else {
        words(m, out, a, b, 0);
    }
}

/// The sums on words, for an `out` that starts at `offset` of the operands.
#[inline(always)]
fn words<F: Factor>(m: &Modulus, out: &mut [u64], a: &[&[u64]], b: &[F], offset: usize) {
    for (i, x) in (offset..).zip(out) {
        let mut sum = 0_u128;
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
            *chunk = sums(&lanes, a, b, i * UNROLL);
        }
        for (i, x) in (offset..).zip(rest) {
            [*x] = sums(&lanes, a, b, i);
        }
        words(modulus, tail, a, b, whole);
    }
}

/// The sums of `K` vectors from vector `at` on.
#[inline(always)]
fn sums<S: Simd, F: Factor, const K: usize>(
    lanes: &Lanes<S>,
    a: &[&[u64]],
    b: &[F],
    at: usize,
) -> [S::u64s; K] {
    let mut sums = [lanes.splat(0.0); K];
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
