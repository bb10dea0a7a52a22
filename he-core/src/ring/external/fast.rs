//! Products with the 52-bit multiply-add of AVX-512.
//!
//! Kernels are types and not closures: a closure is called through a shim of the compiler that is inlined or not as it pleases, and in
//! one that is not every instruction is a call.

use pulp::{NullaryFnOnce, u64x8};

use super::RUN;
use super::ifma::{Ifma, Montgomery, splat, vectors, vectors_mut};
use crate::modulus::Modulus;

/// `product` at one vector width: a key is read as one stream, `[place][row][column]`.
#[inline(always)]
fn product_body<const C: usize>(m: &Montgomery, out: &mut [u64x8], digits: &[u64x8], key: &[u64x8]) {
    let stride = out.len() / C;
    let entries = key.len() / stride;
    for (at, key) in key.chunks_exact(entries).enumerate() {
        let mut sums = [m.empty(); C];
        for (row, digit) in key.as_chunks::<C>().0.iter().zip(digits.iter().skip(at).step_by(stride)) {
            for (sum, &k) in sums.iter_mut().zip(row) {
                *sum = sum.add_product(*digit, k);
            }
        }
        for (c, sum) in sums.into_iter().enumerate() {
            out[c * stride + at] = m.reduce(sum);
        }
    }
}

struct Product<'a, const C: usize> {
    simd: Ifma,
    q: &'a Modulus,
    out: &'a mut [u64x8],
    digits: &'a [u64x8],
    key: &'a [u64x8],
}

impl<const C: usize> NullaryFnOnce for Product<'_, C> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        product_body::<C>(&Montgomery::new(self.simd, self.q), self.out, self.digits, self.key);
    }
}

pub(super) fn product<const C: usize>(simd: Ifma, q: &Modulus, out: &mut [u64], digits: &[u64], key: &[u64]) {
    let (out, digits, key) = (vectors_mut(out), vectors(digits), vectors(key));
    simd.vectorize(Product::<C> { simd, q, out, digits, key });
}

/// `bundle_product` at one vector width: keys are read as one stream, `[place][row][column][matrix]`.
#[inline(always)]
fn bundle_body<const C: usize, const S: usize>(
    m: &Montgomery,
    out: &mut [u64x8],
    digits: &[u64x8],
    keys: &[u64x8],
    monomials: &[u64x8],
) {
    let stride = out.len() / C;
    let entries = keys.len() / stride;
    for (at, keys) in keys.chunks_exact(entries).enumerate() {
        let mut factors = [monomials[at]; S];
        for (i, factor) in factors.iter_mut().enumerate() {
            *factor = monomials[i * stride + at];
        }
        let mut sums = [m.empty(); C];
        let rows = keys.as_chunks::<S>().0.as_chunks::<C>().0;
        for (row, digit) in rows.iter().zip(digits.iter().skip(at).step_by(stride)) {
            for (sum, entry) in sums.iter_mut().zip(row) {
                // Monomials are below 3q, so four products weigh as much as twelve.
                let mut bundle = m.zero();
                for (factors, entry) in factors.chunks(4).zip(entry.chunks(4)) {
                    let mut part = m.empty();
                    for (&factor, &k) in factors.iter().zip(entry) {
                        part = part.add_product(factor, k);
                    }
                    bundle = if S > 4 { m.add(bundle, m.reduce(part)) } else { m.reduce(part) };
                }
                *sum = sum.add_product(*digit, bundle);
            }
        }
        for (c, sum) in sums.into_iter().enumerate() {
            out[c * stride + at] = m.reduce(sum);
        }
    }
}

struct Bundle<'a, const C: usize, const S: usize> {
    simd: Ifma,
    q: &'a Modulus,
    out: &'a mut [u64x8],
    digits: &'a [u64x8],
    keys: &'a [u64x8],
    monomials: &'a [u64x8],
}

impl<const C: usize, const S: usize> NullaryFnOnce for Bundle<'_, C, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let m = Montgomery::new(self.simd, self.q);
        bundle_body::<C, S>(&m, self.out, self.digits, self.keys, self.monomials);
    }
}

pub(super) fn bundle<const C: usize, const S: usize>(
    simd: Ifma,
    q: &Modulus,
    out: &mut [u64],
    digits: &[u64],
    keys: &[u64],
    monomials: &[u64],
) {
    let (out, digits) = (vectors_mut(out), vectors(digits));
    let (keys, monomials) = (vectors(keys), vectors(monomials));
    simd.vectorize(Bundle::<C, S> { simd, q, out, digits, keys, monomials });
}

/// Values of a monomial less one: runs of products of a power with the powers of a row.
pub(super) struct MonomialMinusOne<'a, F> {
    pub(super) simd: Ifma,
    pub(super) q: &'a Modulus,
    pub(super) out: &'a mut [u64],
    /// The exponent of the first value of each run, and its power.
    pub(super) exponents: &'a [u32],
    pub(super) power: F,
    /// Powers and their companions.
    pub(super) row: [&'a [u64x8]; 2],
    pub(super) minus_one: u64x8,
}

impl<F: Fn(u32) -> u64> NullaryFnOnce for MonomialMinusOne<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (m, [row, companions]) = (Montgomery::new(self.simd, self.q), self.row);
        let runs = self.out.chunks_exact_mut(RUN).zip(self.exponents.iter().step_by(RUN));
        for (out, &e) in runs {
            let scalar = splat((self.power)(e));
            for ((x, &w), &companion) in vectors_mut(out).iter_mut().zip(row).zip(companions) {
                *x = m.add_lazy(m.mul_shoup_lazy(scalar, w, companion), self.minus_one);
            }
        }
    }
}
