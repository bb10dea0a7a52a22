//! GLWE ciphertexts as flat residues `[body, mask_1, …, mask_k]` modulo `q`, each of `N` coefficients or values; phase `body +
//! Σ mask_i·s_i`.

use he_core::Modulus;

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

/// The GLWE ciphertext in coefficients whose phase has that of `sample` as coefficient 0; the others are arbitrary.
pub(crate) fn embed(q: &Modulus, sample: &[u64], n: usize) -> Vec<u64> {
    let (mask, body) = sample.split_at(sample.len() - 1);
    let mut out = vec![0; mask.len() + n];
    out[0] = body[0];
    for (out, mask) in out[n..].chunks_exact_mut(n).zip(mask.chunks_exact(n)) {
        out[0] = mask[0];
        for (out, &x) in out[1..].iter_mut().zip(mask[1..].iter().rev()) {
            *out = q.neg(x);
        }
    }
    out
}

/// `out = x(X^element)` in coefficients, for an odd element.
pub(crate) fn automorphism(q: &Modulus, out: &mut [u64], x: &[u64], element: usize) {
    let n = x.len();
    for (i, &x) in x.iter().enumerate() {
        let place = i * element % (2 * n);
        if place < n { out[place] = x } else { out[place - n] = q.neg(x) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use he_core::ring::naive;

    const N: usize = 16;

    fn prime() -> Modulus {
        Modulus::new(97).unwrap()
    }

    /// The phase of `[body, masks…]` by the schoolbook.
    fn phase(q: &Modulus, ciphertext: &[u64], key: &[u64]) -> Vec<u64> {
        let mut sum = ciphertext[..N].to_vec();
        for (mask, s) in ciphertext[N..].chunks_exact(N).zip(key.chunks_exact(N)) {
            let product = naive::negacyclic_mul(mask, s, q);
            sum.iter_mut().zip(product).for_each(|(x, y)| *x = q.add(*x, y));
        }
        sum
    }

    #[test]
    fn samples_are_coefficients_of_the_phase() {
        let q = prime();
        let ciphertext: Vec<u64> = (0..3 * N as u64).map(|i| q.pow(5, i)).collect();
        let key: Vec<u64> = (0..2 * N as u64).map(|i| i * i % 7 % 2).collect();
        let expected = phase(&q, &ciphertext, &key);
        for (at, &expected) in expected.iter().enumerate() {
            let sample = extract(&q, &ciphertext, N, at);
            let (mask, body) = sample.split_at(2 * N);
            let found = mask.iter().zip(&key).fold(body[0], |sum, (&a, &s)| q.add(sum, q.mul(a, s)));
            assert_eq!(found, expected);
            assert_eq!(phase(&q, &embed(&q, &sample, N), &key)[0], expected);
        }
    }

    #[test]
    fn rotations_and_automorphisms_are_substitutions() {
        let q = prime();
        let x: Vec<u64> = (0..N as u64).map(|i| q.pow(5, i)).collect();
        for exponent in 0..2 * N {
            let mut monomial = vec![0; N];
            monomial[exponent % N] = if exponent < N { 1 } else { 96 };
            let mut out = vec![0; N];
            rotate(&q, &mut out, &x, exponent);
            assert_eq!(out, naive::negacyclic_mul(&x, &monomial, &q));
        }
        let (mut out, mut back) = (vec![0; N], vec![0; N]);
        automorphism(&q, &mut out, &x, 5);
        assert_eq!((out[0], out[5], out[10], out[15], out[4]), (x[0], x[1], x[2], x[3], 97 - x[4]));
        automorphism(&q, &mut back, &out, 13);
        assert_eq!(back, x);
    }
}
