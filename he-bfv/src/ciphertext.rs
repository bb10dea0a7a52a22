//! Ciphertexts at the top of the modulus.
//!
//! `c` is a ciphertext of BGV with phase `v = f·m + t·e`, `|v| < Q/2`. Then `−t^{−1}·c mod Q` has a phase `φ` with
//! `t·φ = g·Q − v` for integers `g ≡ f·m·Q^{−1} (mod t)`: `⌊t·φ/Q⌉ = g` is the message times the correction factor `f·Q^{−1}`. The
//! map and its inverse, the product with `−t`, are exact, need no key, and leave the noise relative to `Q` as it is (Alperin-Sheriff,
//! Peikert 2013, appendix A). Rounding at the top commutes with it: `−t·⌊φ/q⌉` is what BGV's modulus switching makes of `v`.

use he_bgv::{Bound, Error, Noise};
use he_core::rlwe::{self, OperandError, SecretId};

use crate::params::Parameters;

/// An encryption of a plaintext `m`: `⌊t·φ/Q⌉ ≡ f·m (mod t)` for its phase `φ` and its correction factor `f`.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key)?);
/// let c = encryptor.encrypt(&encoder.encode(&[7])?)?;
/// // A ciphertext of BGV under the same key, and back: word for word.
/// let again = Ciphertext::from_bgv(&params, &c.to_bgv())?;
/// assert_eq!(again.inner().parts()[0].words(), c.inner().parts()[0].words());
/// // As bytes, sealed with its parameters; what was altered on the way is refused.
/// let mut bytes = c.to_bytes()?;
/// assert!(Ciphertext::from_bytes(&params, &bytes).is_ok());
/// bytes[100] ^= 1;
/// assert!(Ciphertext::from_bytes(&params, &bytes).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ciphertext {
    pub(crate) params: Parameters,
    /// Words at the top, with level, noise and correction factor of the ciphertext of BGV whose multiples they are. What is linear
    /// and divides nothing may be done to it by BGV.
    pub(crate) top: he_bgv::Ciphertext,
}

impl Ciphertext {
    /// The ciphertext of BGV, at the top.
    ///
    /// # Errors
    /// If it belongs to other parameters.
    pub fn from_bgv(params: &Parameters, ciphertext: &he_bgv::Ciphertext) -> Result<Self, Error> {
        if !ciphertext.params().same(params) {
            return Err(OperandError::Foreign { operation: "from_bgv", object: "ciphertext" }.into());
        }
        Ok(Self { params: params.clone(), top: ciphertext.times(params.up()) })
    }

    /// The ciphertext of BGV that this is at the top.
    pub fn to_bgv(&self) -> he_bgv::Ciphertext {
        self.top.times(self.params.down())
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.top.secret_id()
    }

    /// The public bound of its values in the clear, as it was stated and followed from there; see [`Encoder`](crate::Encoder).
    pub fn bound(&self) -> Bound {
        self.top.bound()
    }

    /// The ciphertext with another bound of its values: a smaller one, for whoever knows that sums of products stay below it, or
    /// [`Bound::Modulo`], for arithmetic modulo `t`. Nothing checks the claim.
    ///
    /// # Errors
    /// If the bound is above `t/2`.
    pub fn with_bound(self, bound: Bound) -> Result<Self, Error> {
        Ok(Self { top: self.top.with_bound(bound)?, ..self })
    }

    /// The RLWE ciphertext, at the top.
    pub fn inner(&self) -> &rlwe::Ciphertext {
        self.top.inner()
    }

    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.top.level()
    }

    /// Degree in the secret: 1, or 2 for a product that is not relinearized.
    pub fn degree(&self) -> usize {
        self.top.degree()
    }

    /// Correction factor: the message at the top is multiplied by it modulo `t`. It is `Q^{−1} mod t` in a fresh ciphertext, and 1
    /// for `Q ≡ 1 (mod t)`; division by primes, which changes the factor of BGV, leaves it alone.
    #[doc(alias = "factor modulo t")]
    pub fn correction_factor(&self) -> u64 {
        self.params.t().mul(self.top.correction_factor(), self.params.inverse_of_q(self.level()))
    }

    /// The estimated noise: `log2` of `t` times the deviation at the top, which is that of the phase of BGV.
    pub fn noise(&self) -> Noise {
        self.top.noise()
    }

    /// Estimated bits left before it stops decrypting.
    pub fn noise_budget(&self) -> f64 {
        self.top.noise_budget()
    }

    /// True if every part but the first is zero: such a ciphertext hides nothing, and servers refuse it.
    pub fn is_transparent(&self) -> bool {
        self.top.is_transparent()
    }
}

/// A fresh ciphertext in half the space: the uniform part is kept as a seed, and the other as BGV has it.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let seeded = key.encrypt_seeded(&encoder.encode(&[7])?, params.max_level())?;
/// let whole = seeded.clone().expand();
/// assert!(seeded.to_bytes()?.len() < whole.to_bytes()?.len() * 2 / 3);
/// // Either form is read by the same function.
/// let read = Ciphertext::from_bytes(&params, &seeded.to_bytes()?)?;
/// assert!(Decryptor::new(&key)?.decrypt(&read)? == Decryptor::new(&key)?.decrypt(&whole)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SeededCiphertext {
    pub(crate) params: Parameters,
    pub(crate) below: he_bgv::SeededCiphertext,
}

impl SeededCiphertext {
    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.below.level()
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.below.secret_id()
    }

    /// The public bound of its values.
    pub fn bound(&self) -> Bound {
        self.below.bound()
    }

    /// The ciphertext with its uniform part expanded.
    pub fn expand(self) -> Ciphertext {
        let top = self.below.expand().times(self.params.up());
        Ciphertext { params: self.params, top }
    }
}

he_core::brief_debug!(Ciphertext: |a| level = a.level(), degree = a.degree(), log2_noise = a.noise().log2(), secret_id = a.secret_id());
he_core::brief_debug!(SeededCiphertext: |a| level = a.level(), secret_id = a.secret_id());
