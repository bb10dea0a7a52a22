//! Galois elements of rotations.

use he_core::ring::{Steps, galois_power};

use crate::params::Parameters;

/// Galois element `3^k mod 2N` of a rotation of both rows left by `k`, right where it is negative.
pub fn row_element(params: &Parameters, k: impl Steps) -> usize {
    galois_power(3, k.modulo(params.n() / 2), params.n())
}
