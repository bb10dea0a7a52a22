//! BGV ciphertexts with their messages at the upper end of the modulus.

use he_core::rlwe;

use crate::rings::{div_exact, mul_wide};

/// Moves the message from the lower to the upper end of the modulus; also the correction factor that it has there.
///
/// A phase `f·m + t·e` times `−t^{−1}` is `M·Q/t − e` with `M ≡ f·m/Q (mod t)`, up to `f·m/t < 1`: for `t^{−1} ≡ (1 + kQ)/t (mod
/// Q)` with `k ≡ −1/Q (mod t)`. The error is the one that was there, whatever `t` is; and a multiple `Q'/Q` of the phase has the
/// same `M` modulo `Q'`.
pub(crate) fn at_the_top(top: &rlwe::Parameters, c: &he_bgv::Ciphertext) -> (rlwe::Ciphertext, u64) {
    let t = c.params().t();
    let q = c.inner().parts()[0].basis().moduli().fold(1, |q, p| t.mul(q, t.reduce(p.value())));
    // No prime divides t.
    let factor = t.mul(c.correction_factor(), t.inv(q).unwrap_or(1));
    (mul_wide(&div_exact(&c.inner().clone().over(top), t.value()), -1), factor)
}
