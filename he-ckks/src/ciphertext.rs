//! Ciphertexts: an RLWE ciphertext, its scale and what is known of its values.

use he_core::rlwe::{self, SecretId};

use crate::error::Error;
use crate::estimate::Estimate;
use crate::params::Parameters;

/// An encryption of values in slots: the phase is the encoded polynomial times the scale, and an error.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let encoder = encoder.with_bound(4.0);
/// let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[0.5, 3.0])?)?;
/// // The bound of the values and an estimate of their error travel with it.
/// assert_eq!((c.level(), c.slots(), c.estimate().bound), (params.max_level(), params.slots(), 4.0));
/// assert!(c.estimate().bits() > 20.0);
/// // As bytes, sealed with its parameters; what was altered on the way is refused.
/// let mut bytes = c.to_bytes()?;
/// bytes[100] ^= 1;
/// assert!(Ciphertext::from_bytes(&params, &bytes).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ciphertext {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::Ciphertext,
    pub(crate) scale: f64,
    pub(crate) slots: usize,
    pub(crate) estimate: Estimate,
}

impl Ciphertext {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.inner.secret_id()
    }

    /// The RLWE ciphertext.
    pub fn inner(&self) -> &rlwe::Ciphertext {
        &self.inner
    }

    /// Level `l`: it lives over the primes `q_0, …, q_l`, and `l` products in a row still fit. A bootstrap takes the last
    /// [`Parameters::reserved_levels`] itself.
    #[doc(alias = "levels")]
    pub fn level(&self) -> usize {
        self.inner.limbs() - 1
    }

    /// Degree in the secret: 1, or 2 for a product that is not relinearized.
    pub fn degree(&self) -> usize {
        self.inner.degree()
    }

    /// The scale.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Number of slots; values of fewer than `N/2` are repeated.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Bound and estimated error of the values.
    pub fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// Bound and estimated error if the values count as `slots` slots, at least as many as there are: more of the coefficients, all
    /// of which have an error, are part of it.
    pub(crate) fn estimate_in(&self, slots: usize) -> Estimate {
        let spread = (slots as f64 / self.slots as f64).sqrt();
        Estimate { error: self.estimate.error * spread, ..self.estimate }
    }

    /// The ciphertext with a smaller bound, for whoever knows that sums of products stay below it; nothing checks the claim.
    ///
    /// # Errors
    /// If the bound is negative or not finite.
    pub fn with_bound(mut self, bound: f64) -> Result<Self, Error> {
        if !(bound.is_finite() && bound >= 0.0) {
            return Err(Error::ValueOutOfRange { index: 0, most: f64::MAX });
        }
        self.estimate.bound = self.estimate.bound.min(bound);
        Ok(self)
    }

    /// The ciphertext with at least such an estimated error (root mean square, in units of the values). The estimate travels with a
    /// ciphertext: who decrypts for others what an untrusted server sent raises it to what the circuit is known to leave, before
    /// [`decrypt_shared`](crate::Decryptor::decrypt_shared) hides it.
    ///
    /// # Errors
    /// If the error is negative or not finite.
    pub fn with_error_at_least(mut self, error: f64) -> Result<Self, Error> {
        if !(error.is_finite() && error >= 0.0) {
            return Err(Error::ValueOutOfRange { index: 0, most: f64::MAX });
        }
        self.estimate.error = self.estimate.error.max(error);
        Ok(self)
    }

    /// The ciphertext with a smaller estimated error, for whoever knows more of a circuit than the rules of [`Estimate`]: that
    /// errors of a sum of many products are not all of one sign, and products not all as large as their bounds. Nothing checks the
    /// claim; values that are decrypted for others need an estimate that is not too small.
    ///
    /// # Errors
    /// If the error is negative or not finite.
    pub fn with_error_at_most(mut self, error: f64) -> Result<Self, Error> {
        if !(error.is_finite() && error >= 0.0) {
            return Err(Error::ValueOutOfRange { index: 0, most: f64::MAX });
        }
        self.estimate.error = self.estimate.error.min(error);
        Ok(self)
    }

    /// True if every part but the first is zero: such a ciphertext hides nothing, and servers refuse it.
    pub fn is_transparent(&self) -> bool {
        self.inner.is_transparent()
    }
}

/// A fresh ciphertext in half the space: the uniform part is kept as a seed.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let seeded = key.encrypt_seeded(&encoder.encode(&[0.5])?, params.max_level())?;
/// let whole = seeded.clone().expand();
/// assert!(seeded.to_bytes()?.len() < whole.to_bytes()?.len() * 2 / 3);
/// // Either form is read by the same function.
/// let read = Ciphertext::from_bytes(&params, &seeded.to_bytes()?)?;
/// assert_eq!(Decryptor::new(&key).decrypt(&read)?, Decryptor::new(&key).decrypt(&whole)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SeededCiphertext {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::SeededCiphertext,
    pub(crate) slots: usize,
    pub(crate) estimate: Estimate,
}

impl SeededCiphertext {
    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.inner.limbs() - 1
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.inner.secret_id()
    }

    /// The ciphertext with its uniform part expanded.
    pub fn expand(self) -> Ciphertext {
        let scale = self.params.scale(self.level());
        Ciphertext {
            params: self.params,
            inner: self.inner.expand(),
            scale,
            slots: self.slots,
            estimate: self.estimate,
        }
    }
}

he_core::brief_debug!(Ciphertext: |a| level = a.level(), degree = a.degree(), slots = a.slots, estimate = a.estimate, secret_id = a.secret_id());
he_core::brief_debug!(SeededCiphertext: |a| level = a.level(), slots = a.slots, estimate = a.estimate, secret_id = a.secret_id());
