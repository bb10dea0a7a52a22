//! From BGV to TFHE: a whole ciphertext at once, by one ring switch.
//!
//! The phase `m + t·e (mod Q)` times `(Q − 1)/t = −t^{−1}` is `m·(Q − 1)/t − e`: on the torus `m/t`, a multiple of `1/t`
//! and what TFHE calls a message (Lou, Feng, Fox, Jiang 2020, section 4.2; Boura, Gama, Georgieva, Jetchev 2020). Then
//!
//! 1. *modulus switch* to the first prime `q`, of 50 bits: variance `(1 + h)/12/q²` with `h = 2n/3`;
//! 2. *ring switch* to TFHE's key and *extraction* of coefficients (see `ring_switch`): with gadget digits of `B` bits, `l` of
//!    them, and `b` the bits of `q`, variance `[n·l·σ²·(4^B + 2)/12 + (2n/3)·4^{b − Bl}/12]/q²`, and `(1 + n'/2)/12/2^64` for the
//!    switch to 32 bits.
//!
//! No step but the second has a key, and its cost is shared by `n` values. The low bits of `m` are below the noise of what reads
//! it, the modulus switch to `2N'` of a blind rotation: a table drops them for free.

use he_bgv::transform::{SlotTransform, coefficient_order};
use he_core::rlwe;
use he_tfhe::LweCiphertext;

use crate::error::Error;
use crate::params::Parameters;
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch};
use crate::rings::{div_exact, mul_wide, to_one_limb};

/// The key as it is made and sent: masks are the stream of a seed.
pub struct SeededKey(pub(crate) SeededRingSwitch);

impl SeededKey {
    /// Draws the key from BGV's secret to TFHE's.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        if !bgv.params().same(params.bgv()) || !tfhe.params().same(params.tfhe()) {
            let operation = "key of the bridge from BGV to TFHE";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        Ok(Self(SeededRingSwitch::generate(params, params.top(), bgv.inner(), tfhe)?))
    }

    /// The bridge; nothing secret goes in.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn expand(&self) -> Result<BgvToTfhe, Error> {
        Ok(BgvToTfhe(self.0.expand()?))
    }
}

/// The bridge from BGV to TFHE.
pub struct BgvToTfhe(RingSwitch);

/// Variance that the modulus switch and the ring switch add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let (q, h) = (params.top().spec().q[0] as f64, 2.0 * params.top().n() as f64 / 3.0);
    (1.0 + h) / 12.0 / (q * q) + ring_switch::noise(params.top(), h)
}

impl BgvToTfhe {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.0.params()
    }

    /// The LWE ciphertexts of the named coefficients: phase `m/t` for a coefficient `m`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or is not relinearized, or there is no such coefficient.
    pub fn extract(
        &self,
        ciphertext: &he_bgv::Ciphertext,
        coefficients: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let params = self.params();
        if !ciphertext.params().same(params.bgv()) {
            return Err(Error::Foreign { operation: "bridge from BGV to TFHE", object: "ciphertext" });
        }
        if ciphertext.degree() != 1 {
            let (found, needed) = (format!("degree {}", ciphertext.degree()), "degree 1".into());
            return Err(Error::Mismatch { field: "the ciphertext", found, needed });
        }
        let (top, growth) = at_the_top(params, ciphertext);
        let relative = ciphertext.noise().log2() - params.bgv().noise().log_q(ciphertext.level());
        let variance = (relative.exp2() * growth / params.t() as f64).powi(2) + noise(params);
        self.0.extract(&to_one_limb(&top), coefficients, variance)
    }

    /// The same for the named slots, of [`Spec::slots`](crate::Spec::slots): slots to coefficients comes before, with an
    /// evaluator that has the keys for the transform.
    ///
    /// # Errors
    /// As [`extract`](Self::extract) and [`he_bgv::Evaluator::slots_to_coefficients`].
    pub fn extract_slots(
        &self,
        evaluator: &he_bgv::Evaluator,
        transform: &SlotTransform,
        ciphertext: &he_bgv::Ciphertext,
        slots: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let order = coefficient_order(self.params().bgv().n());
        let place = |&slot: &usize| {
            let (field, needed) = ("the slot", format!("less than {}", order.len()));
            order.get(slot).copied().ok_or(Error::Mismatch { field, found: slot.to_string(), needed })
        };
        let coefficients = slots.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        self.extract(&evaluator.slots_to_coefficients(transform, ciphertext)?, &coefficients)
    }
}

/// The message from the lower to the upper end of the modulus, and what the noise was multiplied by.
///
/// A phase `f·m + t·e` times `g/t` with `g ≡ −Q/f (mod t)` is `m·Q/t + g·e`, since `g/t ≡ (g + Q/f)/t (mod Q)` where `1/f` is
/// that modulo `t`. For `f = 1` and `Q ≡ 1` this is `g = −1`.
pub(crate) fn at_the_top(params: &Parameters, c: &he_bgv::Ciphertext) -> (rlwe::Ciphertext, f64) {
    let t = params.bgv().t();
    let q = c.inner().parts()[0].basis().moduli().fold(1, |q, p| t.mul(q, t.reduce(p.value())));
    // The factor of a ciphertext is a unit.
    let g = -t.center(t.mul(q, t.inv(c.correction_factor()).unwrap_or(1)));
    let inner = c.inner().clone().over(params.top());
    (mul_wide(&div_exact(&inner, t.value()), g.into()), g.unsigned_abs() as f64)
}
