//! GLWE ciphertexts as flat words `[body, mask_1, …, mask_k]` modulo `q`, each of `N` coefficients or values; phase `body +
//! Σ mask_i·s_i`.

use he_core::Modulus;
use he_core::ring::sample::Prng;

/// Uniform residues; in values they are as uniform as in coefficients.
pub(crate) fn uniform(prng: &mut Prng, q: &Modulus, out: &mut [u64]) {
    prng.uniform(q, out);
}

/// `out = X^exponent·x` in coefficients, `exponent < 2N`.
pub(crate) fn rotate(q: &Modulus, out: &mut [u64], x: &[u64], exponent: usize) {
    let n = x.len();
    let (shift, negate) = (exponent % n, exponent >= n);
    let (high, low) = out.split_at_mut(shift);
    let (tail, head) = (&x[n - shift..], &x[..n - shift]);
    for (out, from, sign) in [(high, tail, !negate), (low, head, negate)] {
        if sign {
            out.iter_mut().zip(from).for_each(|(out, &x)| *out = q.neg(x));
        } else {
            out.copy_from_slice(from);
        }
    }
}

/// The LWE ciphertext `[mask…, body]` modulo `q` of coefficient `at` of the phase.
///
/// `phase_j = body_j + Σ_i Σ_t mask_i[t]·s_i[j − t]`, with a sign where `t > j`.
pub(crate) fn extract(q: &Modulus, ciphertext: &[u64], n: usize, at: usize) -> Vec<u64> {
    let mut out = Vec::with_capacity(ciphertext.len() - n + 1);
    for mask in ciphertext[n..].chunks_exact(n) {
        out.extend(mask[..=at].iter().rev());
        out.extend(mask[at + 1..].iter().rev().map(|&x| q.neg(x)));
    }
    out.push(ciphertext[at]);
    out
}
