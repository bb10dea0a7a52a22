//! The form that a ciphertext of a message has by the plan: client and server check it when a message is opened, before anything is used.

use he_core::rlwe::{Bound, SecretId};
use he_core::wire::WireError;

/// A ciphertext of `c1 = 0` hides nothing.
const TRANSPARENT: &str = "it is transparent (c1 = 0): it hides nothing and is refused";

/// Behind what is agreed on where mini-batches are encrypted under the public key. No engine's agreement begins so: sides of a cube are
/// powers of two, and words have fewer bits.
pub(crate) const PUBLIC: u8 = 0x50;

/// How far a scale may be from that of its level, relative to it: computed ones are rounded.
const SCALE: f64 = 1e-12;

/// A ciphertext of degree 1 in BGV.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BgvForm {
    /// Primes it lives over.
    pub(crate) primes: usize,
    /// Whether it was encrypted rather than computed: its correction factor is 1. That of another follows from how levels were
    /// dropped.
    pub(crate) fresh: bool,
}

impl BgvForm {
    pub(crate) fn check(self, c: &he_bgv::Ciphertext) -> Result<(), WireError> {
        let Self { primes: needed, fresh } = self;
        let (primes, degree, factor) = (c.level() + 1, c.degree(), c.correction_factor());
        if degree != 1 || primes != needed || (fresh && factor != 1) {
            return refused(format!(
                "it lives over {primes} primes, has degree {degree} and correction factor {factor}: expected {needed} primes, degree 1, and correction factor 1 of a fresh one"
            ));
        }
        if c.is_transparent() { refused(TRANSPARENT.into()) } else { check_residues(c.bound()) }
    }
}

/// Integers of every message are residues, which [`super::integers::RESIDUES`] says why.
pub(crate) fn check_residues(bound: Bound) -> Result<(), WireError> {
    if bound.is_modulo() {
        return Ok(());
    }
    refused(format!("its values are {bound}, expected residues modulo t"))
}

/// A ciphertext of degree 1 in CKKS, with the scale of its level.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CkksForm {
    /// Primes it lives over.
    pub(crate) primes: usize,
    pub(crate) slots: usize,
    /// The largest magnitude that it may claim.
    pub(crate) bound: f64,
}

impl CkksForm {
    pub(crate) fn check(self, c: &he_ckks::Ciphertext) -> Result<(), WireError> {
        let (primes, degree, slots) = (c.level() + 1, c.degree(), c.slots());
        if (degree, primes, slots) != (1, self.primes, self.slots) {
            let Self { primes: needed, slots: all, .. } = self;
            return refused(format!(
                "it lives over {primes} primes, has degree {degree} and {slots} slots: expected {needed} primes, degree 1 and {all} slots"
            ));
        }
        let (scale, needed) = (c.scale(), c.params().scale(c.level()));
        // Written so that what is no number does not pass.
        if !(0.0..=SCALE).contains(&(scale / needed - 1.0).abs()) {
            return refused(format!("its scale is {scale:e}, expected {needed:e}"));
        }
        let (bound, most) = (c.estimate().bound, self.bound);
        if !(0.0..=most * (1.0 + SCALE)).contains(&bound) {
            return refused(format!("its bound is {bound:e}, expected at most {most:e}"));
        }
        if c.is_transparent() { refused(TRANSPARENT.into()) } else { Ok(()) }
    }
}

fn refused(why: String) -> Result<(), WireError> {
    Err(WireError::Invalid { what: "ciphertext", why })
}

/// Refuses a ciphertext of a message under another secret than that of the keys; a constant is under none, and some have no keys.
pub(crate) fn check_secret(found: Option<SecretId>, keys: Option<SecretId>) -> Result<(), WireError> {
    let (Some(found), Some(keys)) = (found, keys) else { return Ok(()) };
    found.check("message", "ciphertext", keys).or_else(|error| refused(error.to_string()))
}

/// Says which ciphertext it was.
pub(crate) fn number(index: usize, error: WireError) -> WireError {
    match error {
        WireError::Invalid { what, why } => {
            WireError::Invalid { what, why: format!("number {index}: {why}") }
        }
        other => other,
    }
}
