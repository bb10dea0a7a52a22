//! Encryption and decryption.

use he_core::ring::rns::{BaseConverter, to_integers};
use he_core::ring::sample::Prng;
use he_core::ring::{Coeff, Poly};
use he_core::rlwe::OperandError;
use he_core::rlwe::noise::log2_abs;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::keys::{PublicKey, SecretKey, zero};
use crate::plaintext::Plaintext;

/// Encrypts plaintexts.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let public = key.public_key();
/// let c = Encryptor::new(&public).encrypt_at(&encoder.encode_coefficients(&[1, 2, 3])?, 1)?;
/// assert_eq!(c.level(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Encryptor<'k> {
    key: &'k PublicKey,
}

impl<'k> Encryptor<'k> {
    /// An encryptor.
    pub fn new(key: &'k PublicKey) -> Self {
        Self { key }
    }

    /// Encrypts at the highest level.
    ///
    /// # Errors
    /// If the plaintext belongs to other parameters, or the operating system gives no randomness.
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext, Error> {
        self.encrypt_at(plaintext, self.key.params.max_level())
    }

    /// Encrypts at a level, over the primes `q_0, …, q_level`.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt); also if the level is above the highest.
    pub fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        let params = &self.key.params;
        params.check_level("encrypt", level)?;
        let mut message = plaintext.lift("encrypt", params, level)?;
        message.mul_scalars_assign(params.up(level));
        let mut sum = zero(params, level, &self.key.h, &mut Prng::from_os()?);
        sum.add_assign(&message.into_eval());
        // A copy: what is sent is not secret.
        let poly = Poly::from_words(params.basis(level), sum.words());
        let (secret, noise, bound) = (self.key.secret, params.noise().fresh(), plaintext.bound());
        Ok(Ciphertext { params: params.clone(), secret, poly, degree: 1, noise, bound })
    }
}

/// Decrypts, and measures noise.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let (public, decryptor) = (key.public_key(), Decryptor::new(&key));
/// let c = Encryptor::new(&public).encrypt(&encoder.encode_coefficients(&[7])?)?;
/// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&c)?)[0], 7);
/// // The budget estimated without the key is never above the measured one.
/// assert!(c.noise_budget() <= decryptor.noise_budget(&c)?);
/// # Ok(())
/// # }
/// ```
pub struct Decryptor<'k> {
    key: &'k SecretKey,
}

impl<'k> Decryptor<'k> {
    /// A decryptor.
    pub fn new(key: &'k SecretKey) -> Self {
        Self { key }
    }

    /// `−t·c·f`, or `−t·c·f²`: `m + t·E`; wiped when dropped.
    fn phase(&self, ciphertext: &Ciphertext) -> Result<Poly<Coeff>, Error> {
        let params = &self.key.params;
        let (operation, object) = ("decrypt", "ciphertext");
        if !ciphertext.params.same(params) {
            return Err(OperandError::Foreign { operation, object }.into());
        }
        ciphertext.secret.check(operation, object, self.key.secret_id())?;
        let mut phase = ciphertext.poly.clone();
        phase.mark_secret();
        phase.mul_scalars_assign(params.down(ciphertext.level()));
        (0..ciphertext.degree).for_each(|_| phase.mul_assign(&self.key.f));
        Ok(phase.into_coeff())
    }

    /// The plaintext. It is right while the noise is what its estimate says.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret, or by its estimate the noise exceeds the modulus.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        let (params, phase) = (&self.key.params, self.phase(ciphertext)?);
        let budget = ciphertext.noise_budget();
        // Written so that a budget that is no number is refused too.
        if budget.is_nan() || budget < 0.0 {
            return Err(Error::NoiseExhausted { operation: "decrypt", excess: -budget });
        }
        let converter = BaseConverter::new(phase.basis(), &[*params.t()], 1);
        let limbs: Vec<&[u64]> = (0..=ciphertext.level()).map(|i| phase.limb(i)).collect();
        let mut prepared = converter.prepare(&limbs);
        prepared.mark_secret();
        let mut coefficients = vec![0; params.n()];
        converter.limb(&prepared, 0, &mut coefficients);
        Ok(Plaintext::new(coefficients, params, ciphertext.bound))
    }

    /// Measured bits left before the ciphertext stops decrypting: `log2(q/2) − log2 max|m + t·E|`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn noise_budget(&self, ciphertext: &Ciphertext) -> Result<f64, Error> {
        let phase = to_integers(&self.phase(ciphertext)?);
        let largest = phase.iter().map(log2_abs).fold(0.0, f64::max);
        Ok(self.key.params.noise().log_q(ciphertext.level()) - 1.0 - largest)
    }

    /// `log2` of the measured deviation of a coefficient of `E`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn measured_noise(&self, ciphertext: &Ciphertext) -> Result<f64, Error> {
        let logs: Vec<f64> = to_integers(&self.phase(ciphertext)?).iter().map(log2_abs).collect();
        let (n, largest) = (logs.len() as f64, logs.iter().copied().fold(0.0, f64::max));
        let square: f64 = logs.iter().map(|log| (2.0 * (log - largest)).exp2()).sum();
        Ok(largest + (square / n).log2() / 2.0 - (self.key.params.t().value() as f64).log2())
    }
}

he_core::brief_debug!(['k] Encryptor<'k>: |a| secret_id = a.key.secret_id());
he_core::brief_debug!(['k] Decryptor<'k>: |a| secret_id = a.key.secret_id());
