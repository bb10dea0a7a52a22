//! Galois elements of rotations and of conjugation.

use he_core::ring::{Steps, galois_power};

use crate::params::Parameters;

/// Galois element `5^k mod 2N` of a rotation left by `k`, right where it is negative.
pub fn rotation_element(params: &Parameters, k: impl Steps) -> usize {
    galois_power(5, k.modulo(params.slots()), params.n())
}

/// Galois element `2N − 1` of complex conjugation.
pub fn conjugation_element(params: &Parameters) -> usize {
    2 * params.n() - 1
}
