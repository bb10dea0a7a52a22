//! Blind rotation: `(phase modulo 2N, table) → GLWE encryption of X^{−phase}·table`.
//!
//! A step takes `u` bits of the short key at once. With `a_T = Σ_{i ∈ T} a_i` over a part `T` of its bits,
//! `X^{−Σ a_i s_i} = 1 + Σ_T s_T·(X^{−a_T} − 1)`, where `s_T = Π_{i ∈ T} s_i·Π_{i ∉ T} (1 − s_i)`; so
//!
//! ```text
//! acc ← acc + (Σ_T (X^{−a_T} − 1)·GGSW(s_T)) ⊡ acc.
//! ```
//!
//! A key is streamed once for a block of accumulators that fit the second cache.

use he_core::ring::gadget::Gadget;
use he_core::ring::kernel::add_assign;

use crate::packed::Packed;
use crate::params::{Parameters, RotationTables};
use crate::ring::rotate;
use crate::torus::round_to_bits;

/// A phase modulo `2N` under the short key, `[mask…, body]`.
pub(crate) type Switched = Vec<u32>;

/// Switches from `2^32` to `2N`, in steps of `2^spare`, mean-compensated.
///
/// With `e_i` the rounding error of `a_i`, `½·Σ e_i` is taken off the body before it is rounded: key bits are 1 half of the
/// time. The body is rounded down: boxes of a table hold `−w/2 … w/2 − 1` steps, whose middle is half a step below the centre.
pub(crate) fn modulus_switch(params: &Parameters, words: &[u32], spare: u32) -> Switched {
    switch_to(params.n().trailing_zeros() + 1, words, spare)
}

/// [`modulus_switch`] to `2^log`, in steps of `2^spare`.
pub(crate) fn switch_to(log: u32, words: &[u32], spare: u32) -> Switched {
    let (bits, below) = (log - spare, (1 << log) - 1);
    let (mask, body) = words.split_at(words.len() - 1);
    let mut excess = 0_i64;
    let mut out: Switched = mask
        .iter()
        .map(|&a| {
            let rounded = round_to_bits(a, bits);
            excess += (i64::from(rounded) << (32 - bits)) - i64::from(a);
            (rounded << spare) & below
        })
        .collect();
    let body = body[0].wrapping_sub((excess >> 1) as u32);
    out.push(((body >> (32 - bits)) << spare) & below);
    out
}

/// The accumulators `[body, masks…]` in coefficients, one after the other, of a block of phases and their tables.
pub(crate) fn blind_rotate(
    params: &Parameters,
    RotationTables { gadget, external }: &RotationTables,
    keys: &[Packed],
    phases: &[Switched],
    tables: &[&[u64]],
) -> Vec<u64> {
    let (spec, q, n) = (params.spec(), params.modulus(), params.n());
    let size = (spec.glwe_dimension + 1) * n;
    let mut accumulators = vec![0; phases.len() * size];
    for ((acc, phase), table) in accumulators.chunks_exact_mut(size).zip(phases).zip(tables) {
        rotate(q, &mut acc[..n], table, negated(phase[phase.len() - 1] as usize, n));
    }
    let mut monomials = vec![0; spec.matrices() * n];
    let mut digits = vec![0; size * gadget.levels()];
    let mut product = vec![0; size];
    let mut matrices = vec![0; keys.first().map_or(0, Packed::len)];
    for (step, key) in keys.iter().enumerate() {
        key.unpack(&mut matrices);
        for (acc, phase) in accumulators.chunks_exact_mut(size).zip(phases) {
            let mask = &phase[step * spec.unroll..][..spec.unroll];
            for (part, monomial) in monomials.chunks_exact_mut(n).enumerate() {
                let chosen = mask.iter().enumerate().filter(|(i, _)| (part + 1) >> i & 1 == 1);
                let sum: u32 = chosen.map(|(_, &a)| a).sum();
                external.monomial_minus_one(negated(sum as usize, n), monomial);
            }
            decompose(params, gadget, acc, &mut digits);
            external.bundle_product(&mut product, &digits, &matrices, &monomials);
            product.chunks_exact_mut(n).for_each(|poly| params.ntt().inverse(poly));
            add_assign(q, acc, &product);
        }
    }
    accumulators
}

/// `−exponent mod 2N`.
fn negated(exponent: usize, n: usize) -> usize {
    (2 * n - exponent % (2 * n)) % (2 * n)
}

/// The digits of all polynomials in values, in the order of rows.
pub(crate) fn decompose(params: &Parameters, gadget: &Gadget, ciphertext: &[u64], digits: &mut [u64]) {
    let n = params.n();
    for (poly, digits) in ciphertext.chunks_exact(n).zip(digits.chunks_exact_mut(gadget.levels() * n)) {
        gadget.decompose_residues(poly, digits);
        digits.chunks_exact_mut(n).for_each(|digit| params.ntt().forward(digit));
    }
}
