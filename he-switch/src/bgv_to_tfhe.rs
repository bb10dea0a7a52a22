//! From BGV to TFHE: a whole ciphertext at once, by one ring switch.
//!
//! The phase `m + t·e (mod Q)` times `(Q − 1)/t = −t^{−1}` is `m·(Q − 1)/t − e`: on the torus `m/t`, a multiple of `1/t`
//! and a message of TFHE (Lou, Feng, Fox, Jiang 2020, section 4.2; Boura, Gama, Georgieva, Jetchev 2020). Then
//!
//! 1. *modulus switch* to the first prime `q`, of 50 bits: variance `(1 + h)/12/q²` with `h = 2n/3`;
//! 2. *ring switch* to TFHE's key and *extraction* of coefficients (see `ring_switch`): with gadget digits of `B` bits, `l` of
//!    them, and `b` the bits of `q`, variance `[n·l·σ²·(4^B + 2)/12 + (2n/3)·4^{b − Bl}/12]/q²`, and `(1 + n'/2)/12/2^64` for the
//!    switch to 32 bits.
//!
//! No step but the second has a key, and its cost is shared by `n` values. The low bits of `m` are below the noise of the modulus
//! switch to `2N'` with which a blind rotation begins: a table drops them for free.

use he_bgv::transform::{SlotTransform, coefficient_order};
use he_core::rlwe::{self, SecretId};
use he_tfhe::LweCiphertext;

use crate::error::Error;
use crate::params::Parameters;
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch};
use crate::rings::{mul_wide, to_one_limb};
use crate::top::at_the_top;

/// The key from BGV's secret to TFHE's, as it is drawn and sent: its masks are the stream of a seed.
///
/// ```
/// # use he_switch::{Error, Spec, bgv_to_tfhe::SeededKey, he_bgv, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// let tfhe = he_tfhe::SecretKey::generate(params.tfhe())?;
/// let bytes = SeededKey::generate(&params, &bgv, &tfhe)?.to_bytes()?;
/// let key = SeededKey::from_bytes(&params, &bytes)?;
/// # assert_eq!(key.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
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
}

/// The bridge from BGV to TFHE.
///
/// ```
/// # use he_switch::{Error, Spec, bgv_to_tfhe::{BgvToTfhe, SeededKey}, he_bgv, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// # let tfhe = he_tfhe::SecretKey::generate(params.tfhe())?;
/// let bridge = BgvToTfhe::new(&SeededKey::generate(&params, &bgv, &tfhe)?)?;
/// let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[0, 3 << 21])?;
/// let c = he_bgv::Encryptor::with_secret(&bgv).encrypt(&plaintext)?;
/// let lwe = bridge.extract(&c, &[1])?;
/// // 3·2^21/2^26 of the torus, as a multiple of 2^-32.
/// let phase = he_tfhe::Decryptor::new(&tfhe).phase(&lwe[0])?;
/// assert!(phase.abs_diff(3 << 27) < 1 << 16);
/// # Ok(())
/// # }
/// ```
pub struct BgvToTfhe(RingSwitch);

/// Variance that the modulus switch and the ring switch add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let (q, h) = (params.top().spec().q[0] as f64, 2.0 * params.top().n() as f64 / 3.0);
    (1.0 + h) / 12.0 / (q * q) + ring_switch::noise(params.top(), h)
}

impl BgvToTfhe {
    /// The bridge of a key; nothing secret goes in.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn new(key: &SeededKey) -> Result<Self, Error> {
        Ok(Self(key.0.expand()?))
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.0.params()
    }

    /// The identifiers of the secrets of BGV and of TFHE.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.0.secret_ids()
    }

    /// The LWE ciphertexts of the named coefficients: phase `m/t` for a coefficient `m`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret or is not relinearized, or there is no such coefficient.
    pub fn extract(
        &self,
        ciphertext: &he_bgv::Ciphertext,
        coefficients: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let params = self.params();
        if !ciphertext.params().same(params.bgv()) {
            return Err(Error::Foreign { operation: "bridge from BGV to TFHE", object: "ciphertext" });
        }
        let [from, _] = self.secret_ids();
        ciphertext.secret_id().check("bridge from BGV to TFHE", "ciphertext", from)?;
        if ciphertext.degree() != 1 {
            let (found, needed) = (format!("degree {}", ciphertext.degree()), "degree 1".into());
            return Err(Error::Mismatch { field: "the ciphertext", found, needed });
        }
        let (top, growth) = whole_at_the_top(params, ciphertext);
        let relative = ciphertext.noise().log2() - params.bgv().noise().log_q(ciphertext.level());
        let variance = (relative.exp2() * growth / params.t() as f64).powi(2) + noise(params);
        self.0.extract(&to_one_limb(&top), coefficients, variance)
    }

    /// The LWE ciphertexts of the named slots, for a plaintext modulus with slots: slots to coefficients, then
    /// [`extract`](Self::extract). The evaluator needs the keys of the transform.
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

/// The message at the top without a correction factor, and the integer of up to `t/2` that multiplied the noise for it.
pub(crate) fn whole_at_the_top(params: &Parameters, c: &he_bgv::Ciphertext) -> (rlwe::Ciphertext, f64) {
    let t = params.bgv().t();
    let (top, factor) = at_the_top(params.top(), c);
    // A correction factor is a unit.
    let inverse = t.center(t.inv(factor).unwrap_or(1));
    (mul_wide(&top, inverse.into()), inverse.unsigned_abs() as f64)
}

he_core::brief_debug!(SeededKey: |a| params = a.0.params, secret_ids = a.0.secrets);
he_core::brief_debug!(BgvToTfhe: |a| params = a.params(), secret_ids = a.secret_ids());
