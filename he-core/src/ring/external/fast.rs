//! Products with the 52-bit multiply-add of AVX-512.

use pulp::u64x8;

use super::ifma::{Ifma, Montgomery, vectors, vectors_mut};
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

pub(super) fn product<const C: usize>(simd: Ifma, q: &Modulus, out: &mut [u64], digits: &[u64], key: &[u64]) {
    simd.vectorize(
        #[inline(always)]
        || product_body::<C>(&Montgomery::new(simd, q), vectors_mut(out), vectors(digits), vectors(key)),
    );
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
    simd.vectorize(
        #[inline(always)]
        || bundle_body::<C, S>(&Montgomery::new(simd, q), out, digits, keys, monomials),
    );
}
