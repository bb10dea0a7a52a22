//! The pointwise loops on words, for every modulus.

use crate::modulus::Modulus;

/// `dst[i] = op(dst[i], sources[..][i])`.
#[inline(always)]
pub(super) fn apply<const K: usize>(
    dst: &mut [u64],
    sources: [&[u64]; K],
    op: impl Fn(u64, [u64; K]) -> u64,
) {
    for (i, x) in dst.iter_mut().enumerate() {
        *x = op(*x, sources.map(|source| source[i]));
    }
}

/// Adds `q` to negative values: differences of residues, in a form that vectorises without unsigned
/// comparisons.
#[inline(always)]
fn lift(x: u64, q: u64) -> u64 {
    x.wrapping_add(if (x as i64) < 0 { q } else { 0 })
}

#[inline(always)]
pub(super) fn add_assign(m: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = m.value();
    for (a, &b) in a.iter_mut().zip(b) {
        *a = lift(a.wrapping_add(b).wrapping_sub(q), q);
    }
}

#[inline(always)]
pub(super) fn sub_assign(m: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = m.value();
    for (a, &b) in a.iter_mut().zip(b) {
        *a = lift(a.wrapping_sub(b), q);
    }
}

#[inline(always)]
pub(super) fn neg_assign(m: &Modulus, a: &mut [u64]) {
    let q = m.value();
    for a in a {
        *a = if *a == 0 { 0 } else { q - *a };
    }
}
