//! Galois elements of rotations and of conjugation.

use crate::params::Parameters;

/// Galois element `5^k mod 2N` of a rotation left by `k`.
pub fn rotation_element(params: &Parameters, k: usize) -> usize {
    let two_n = 2 * params.n();
    let (mut power, mut base, mut e) = (1usize, 5usize, k % params.slots());
    while e > 0 {
        if e & 1 == 1 {
            power = power * base % two_n;
        }
        base = base * base % two_n;
        e >>= 1;
    }
    power
}

/// Galois element `2N − 1` of complex conjugation.
pub fn conjugation_element(params: &Parameters) -> usize {
    2 * params.n() - 1
}
