//! The definitions, executed literally: the oracle every fast path is tested against.
//!
//! * Product: `c_k = sum_{i+j=k} a_i b_j - sum_{i+j=k+n} a_i b_j (mod q)`, since `X^n = -1`.
//! * Transform: output `p` is `a(psi^{e_p}) (mod q)`, with the exponents `e_p` of `ring::ntt`.

use super::ntt::order;
use crate::modulus::Modulus;

/// The product of two polynomials of `n` coefficients in `[0, q)` modulo `X^n + 1`, in `O(n^2)`.
///
/// # Panics
/// If the lengths differ.
pub fn negacyclic_mul(a: &[u64], b: &[u64], q: &Modulus) -> Vec<u64> {
    assert_eq!(a.len(), b.len(), "the factors must have one length");
    let n = a.len();
    let mut product = vec![0; n];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            let term = q.mul(x, y);
            let slot = &mut product[(i + j) % n];
            *slot = if i + j < n { q.add(*slot, term) } else { q.sub(*slot, term) };
        }
    }
    product
}

/// The values of a polynomial at the odd powers of `psi`, a primitive `2n`-th root of unity, in the canonical
/// order and in `O(n^2)`.
///
/// # Panics
/// If the length is no power of two or below 8.
pub fn ntt_naive(a: &[u64], psi: u64, q: &Modulus) -> Vec<u64> {
    order::evaluation_exponents(a.len()).iter().map(|&e| evaluate(a, q.pow(psi, u64::from(e)), q)).collect()
}

/// `a(x) mod q` by Horner's rule.
pub(crate) fn evaluate(a: &[u64], x: u64, q: &Modulus) -> u64 {
    a.iter().rev().fold(0, |value, &coefficient| q.add(q.mul(value, x), coefficient))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_to_the_n_is_minus_one() {
        let q = Modulus::new(97).unwrap();
        let (mut a, mut b) = (vec![0; 8], vec![0; 8]);
        a[5] = 3;
        b[6] = 4;
        let mut expected = vec![0; 8];
        expected[3] = 97 - 12;
        assert_eq!(negacyclic_mul(&a, &b, &q), expected);
    }

    #[test]
    fn transform_of_one_and_of_x() {
        let q = Modulus::new(97).unwrap();
        let psi = crate::prime::primitive_root_2n(&q, 8).unwrap();
        let mut a = vec![0; 8];
        a[0] = 1;
        assert_eq!(ntt_naive(&a, psi, &q), vec![1; 8]);
        a.swap(0, 1);
        let mut values = ntt_naive(&a, psi, &q);
        assert!(values.iter().all(|&v| q.pow(v, 8) == 96));
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 8);
    }
}
