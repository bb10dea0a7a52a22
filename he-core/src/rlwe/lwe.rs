//! LWE ciphertexts, and their extraction from RLWE ones.
//!
//! Coefficient `j` of the phase of `(c_0, c_1)` is `c_0[j] + Σ_i a_i·s_i` with `a_i = c_1[j − i]` for `i ≤ j` and
//! `−c_1[N + j − i]` above: an LWE ciphertext under the coefficients of `s`.

use crate::modulus::Modulus;
use crate::ring::poly::{Coeff, Poly};

/// An LWE ciphertext `(a, b)` modulo `q` with phase `b + ⟨a, s⟩`.
///
/// ```
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # use he_core::rlwe::lwe::sample_extract;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// // c_0 = 5 + 6X and c_1 = 3 + 4X.
/// let [c0, c1] = [[5, 6], [3, 4]].map(|head| {
///     let coefficients: Vec<i64> = head.into_iter().chain([0; 14]).collect();
///     Poly::<Coeff>::from_signed(&basis, &coefficients)
/// });
/// let sample = sample_extract(&c0, &c1, 1);
/// assert_eq!((sample.b, &sample.a[..3]), (6, &[4, 3, 0][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LweCiphertext {
    /// Mask, as long as the secret.
    pub a: Vec<u64>,
    /// Body.
    pub b: u64,
    /// Modulus.
    pub q: Modulus,
}

/// Extracts coefficient `j` of the phase of `(c0, c1)`, both modulo a single prime.
///
/// # Panics
/// If the basis has more than one prime or `j` is no coefficient.
pub fn sample_extract(c0: &Poly<Coeff>, c1: &Poly<Coeff>, j: usize) -> LweCiphertext {
    assert_eq!(c0.basis().len(), 1, "samples are extracted modulo one prime");
    let q = *c0.basis().modulus(0);
    let c1 = c1.limb(0);
    let a = c1[..=j].iter().rev().copied().chain(c1[j + 1..].iter().rev().map(|&w| q.neg(w))).collect();
    LweCiphertext { a, b: c0.limb(0)[j], q }
}
