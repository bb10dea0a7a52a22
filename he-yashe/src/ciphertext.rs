//! Ciphertexts: one polynomial.

use he_core::ring::{Eval, Poly};
use he_core::rlwe::{Bound, SecretId};

use crate::error::Error;
use crate::noise::Noise;
use crate::params::Parameters;

/// An encryption of a plaintext `m`: `c = m·(q − 1)/t + e + h·s`, with `⌊t·f·c/q⌉ ≡ m (mod t)`; under `f²` for a product that is not
/// relinearized.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let c = Encryptor::new(&key.public_key()).encrypt(&encoder.encode_coefficients(&[7])?)?;
/// assert_eq!((c.level(), c.degree()), (params.max_level(), 1));
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
    pub(crate) secret: SecretId,
    pub(crate) poly: Poly<Eval>,
    pub(crate) degree: usize,
    pub(crate) noise: Noise,
    pub(crate) bound: Bound,
}

impl Ciphertext {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// The public bound of its values in the clear, as it was stated and followed from there; see [`Encoder`](crate::Encoder).
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The ciphertext with another bound of its values: a smaller one, for whoever knows that sums of products stay below it, or
    /// [`Bound::Modulo`], for arithmetic modulo `t`. Nothing checks the claim.
    ///
    /// # Errors
    /// If the bound is above `t/2`.
    pub fn with_bound(self, bound: Bound) -> Result<Self, Error> {
        let bound = bound.stated("with_bound", self.params.t().value())?;
        Ok(Self { bound, ..self })
    }

    /// The polynomial, in evaluation form.
    pub fn poly(&self) -> &Poly<Eval> {
        &self.poly
    }

    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.poly.basis().len() - 1
    }

    /// Degree in the secret: 1, or 2 for a product that is not relinearized.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The estimated noise.
    pub fn noise(&self) -> &Noise {
        &self.noise
    }

    /// Estimated bits left before it stops decrypting.
    pub fn noise_budget(&self) -> f64 {
        self.params.noise().budget(&self.noise, self.level())
    }
}

he_core::brief_debug!(Ciphertext: |a| level = a.level(), degree = a.degree, log2_noise = a.noise.log2(), secret_id = a.secret);
