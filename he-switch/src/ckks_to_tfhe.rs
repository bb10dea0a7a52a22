//! From CKKS to TFHE: slots to coefficients, then one ring switch.
//!
//! Slots-to-coefficients brings the values of the slots into the coefficients of a ciphertext over the first prime `q_0`, with
//! phase `Δ_1·v + e`; on the torus that is `v·Δ_1/q_0`, a small part of it. A product with the integer `2^k` makes it
//! `v·2^k·Δ_1/q_0` (the room in which the modular reduction of a bootstrap works is not needed by a table), and the ring
//! switch to TFHE's key follows (Boura, Gama, Georgieva, Jetchev 2020; Lu, Huang, Hong, Ma, Qu 2021).
//!
//! Slot `j` of `n` slots has the coefficients `r` and `r + n` as real and imaginary part, `r` being `j` with its bits
//! reversed; of fewer slots than `N/2` these are coefficients of the powers of `X^{N/2n}`: [`coefficients_of`].

use std::sync::Arc;

use he_ckks::bootstrap::{Bootstrapper, CoefficientCiphertext};
use he_core::rlwe::SecretId;
use he_tfhe::LweCiphertext;

use crate::error::Error;
use crate::params::Parameters;
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch};
use crate::rings::mul_wide;

/// The key from CKKS's secret to TFHE's, as it is drawn and sent: its masks are the stream of a seed.
///
/// ```
/// # use he_switch::{Error, Spec, ckks_to_tfhe::SeededKey, he_ckks, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().for_slots().build_insecure("an example")?;
/// let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// let tfhe = he_tfhe::SecretKey::generate(params.tfhe())?;
/// let bytes = SeededKey::generate(&params, &ckks, &tfhe)?.to_bytes()?;
/// let key = SeededKey::from_bytes(&params, &bytes)?;
/// # assert_eq!(key.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
pub struct SeededKey(pub(crate) SeededRingSwitch);

impl SeededKey {
    /// Draws the key from CKKS's secret to TFHE's.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        ckks: &he_ckks::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        if !ckks.params().same(params.ckks()) || !tfhe.params().same(params.tfhe()) {
            let operation = "key of the bridge from CKKS to TFHE";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        Ok(Self(SeededRingSwitch::generate(params, params.joint(), ckks.inner(), tfhe)?))
    }
}

/// The coefficients in which slot `j` of `slots` has its real and its imaginary part, in a ring of dimension `n`.
pub fn coefficients_of(j: usize, slots: usize, n: usize) -> [usize; 2] {
    let slots = slots.clamp(1, (n / 2).max(1));
    let (gap, bits) = (n / 2 / slots, slots.trailing_zeros());
    let reversed = if bits == 0 { 0 } else { j.reverse_bits() >> (usize::BITS - bits) };
    [reversed * gap, (reversed + slots) * gap]
}

/// The phase of the value 1 of a slot on the torus, before it is multiplied by a power of two.
pub fn unit(params: &Parameters) -> f64 {
    params.ckks().scale(0) / params.joint().spec().q[0] as f64
}

/// Variance that the ring switch adds, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let joint = params.joint();
    ring_switch::noise(joint, params.ckks().rlwe().spec().secret.squared_norm(joint.n()))
}

/// The bridge from CKKS to TFHE, for parameters of [`Spec::for_slots`](crate::Spec::for_slots).
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, Spec, ckks_to_tfhe::{CkksToTfhe, SeededKey}, he_ckks, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().for_slots().build_insecure("an example")?;
/// # let (ckks, tfhe) =
/// #     (he_ckks::SecretKey::generate(params.ckks())?, he_tfhe::SecretKey::generate(params.tfhe())?);
/// # let keys = ckks.bootstrap_keys(4, &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// let bridge = CkksToTfhe::new(&SeededKey::generate(&params, &ckks, &tfhe)?, bootstrapper)?;
/// let plaintext = he_ckks::Encoder::new(params.ckks()).encode_in(&[0.5, -0.5], 4)?;
/// let c = he_ckks::Encryptor::with_secret(&ckks).encrypt(&plaintext)?;
/// let (lwe, unit) = bridge.extract(&c, 2)?;
/// let phase = f64::from(he_tfhe::Decryptor::new(&tfhe).phase(&lwe[0])?) / 2f64.powi(32);
/// assert!((phase / unit - 0.5).abs() < 1e-3);
/// # Ok(())
/// # }
/// ```
pub struct CkksToTfhe {
    switch: RingSwitch,
    bootstrapper: Arc<Bootstrapper>,
}

impl CkksToTfhe {
    /// The bridge of a key and the bootstrapper of CKKS, whose slots-to-coefficients comes first; nothing secret goes in.
    ///
    /// # Errors
    /// If the bootstrapper belongs to other parameters or another secret than the key leads from.
    pub fn new(key: &SeededKey, bootstrapper: Arc<Bootstrapper>) -> Result<Self, Error> {
        if !bootstrapper.evaluator().params().same(key.0.params.ckks()) {
            return Err(Error::Foreign { operation: "bridge from CKKS to TFHE", object: "bootstrapper" });
        }
        let operation = "bridge from CKKS to TFHE";
        bootstrapper.secret_id().check(operation, "bootstrapper", key.0.secrets[0])?;
        Ok(Self { switch: key.0.expand()?, bootstrapper })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.switch.params()
    }

    /// The identifiers of the secrets of CKKS and of TFHE.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.switch.secret_ids()
    }

    /// The real parts of the first `count` slots as LWE ciphertexts, and the phase of the value 1 on the torus. The phase is a
    /// power of two times the scale over `q_0`, the largest with which values of the ciphertext's bound stay below a
    /// quarter of the torus: `|v| ≤ 1` takes a padding bit and a sign.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret or has too few levels, or there are not so many slots.
    pub fn extract(
        &self,
        ciphertext: &he_ckks::Ciphertext,
        count: usize,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let slots = self.bootstrapper.slots();
        if count > slots {
            let (found, needed) = (count.to_string(), format!("at most {slots}"));
            return Err(Error::Mismatch { field: "the number of values", found, needed });
        }
        let low = self.to_coefficients(ciphertext)?;
        let q = self.params().joint().spec().q[0] as f64;
        let bound = ciphertext.estimate().bound.max(f64::MIN_POSITIVE);
        let bits = (q / 4.0 / (low.scale * bound)).log2().floor().clamp(0.0, 40.0) as u32;
        self.switch(&low, &(0..count).collect::<Vec<_>>(), bits)
    }

    /// The real parts of the named slots as LWE ciphertexts, and the phase of the value 1 on the torus: the scale over `q_0`
    /// ([`unit()`]) times `2^bits`. Values beyond the torus wrap around.
    ///
    /// # Errors
    /// As [`extract`](Self::extract), or for more than 40 bits.
    pub fn extract_slots(
        &self,
        ciphertext: &he_ckks::Ciphertext,
        slots: &[usize],
        bits: u32,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let all = self.bootstrapper.slots();
        if let Some(slot) = slots.iter().find(|&&slot| slot >= all) {
            let (found, needed) = (slot.to_string(), format!("less than {all}"));
            return Err(Error::Mismatch { field: "a slot", found, needed });
        }
        if bits > 40 {
            let (found, needed) = (format!("2^{bits}"), "at most 2^40".into());
            return Err(Error::Mismatch { field: "the factor of values", found, needed });
        }
        self.switch(&self.to_coefficients(ciphertext)?, slots, bits)
    }

    fn to_coefficients(&self, ciphertext: &he_ckks::Ciphertext) -> Result<CoefficientCiphertext, Error> {
        if !ciphertext.params().same(self.params().ckks()) {
            return Err(Error::Foreign { operation: "bridge from CKKS to TFHE", object: "ciphertext" });
        }
        Ok(self.bootstrapper.to_first_prime(ciphertext)?)
    }

    /// The ring switch of values in coefficients, times `2^bits`.
    fn switch(
        &self,
        low: &CoefficientCiphertext,
        slots: &[usize],
        bits: u32,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let (joint, all) = (self.params().joint(), self.bootstrapper.slots());
        let unit = low.scale / joint.spec().q[0] as f64 * f64::from(bits).exp2();
        let amplified = mul_wide(&low.inner.clone().over(joint), 1 << bits);
        let places: Vec<usize> = slots.iter().map(|&j| coefficients_of(j, all, joint.n())[0]).collect();
        let variance = (low.error * unit).powi(2) + noise(self.params());
        Ok((self.switch.extract(&amplified, &places, variance)?, unit))
    }
}

he_core::brief_debug!(SeededKey: |a| params = a.0.params, secret_ids = a.0.secrets);
he_core::brief_debug!(CkksToTfhe: |a| params = a.params(), secret_ids = a.secret_ids());
