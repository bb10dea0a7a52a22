//! Galois elements of rotations.

use he_core::ring::galois_power;

use crate::params::Parameters;

/// Galois element `3^k mod 2N` of a rotation of both rows left by `k`.
pub fn row_element(params: &Parameters, k: usize) -> usize {
    galois_power(3, k % (params.n() / 2), params.n())
}
