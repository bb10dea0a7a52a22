//! Encryption and decryption: BGV's, on the way to the top and back.

use he_bgv::{Error, Plaintext};

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::keys::{PublicKey, SecretKey};

impl SecretKey {
    /// Encrypts at a level, in seeded form.
    ///
    /// # Errors
    /// If the level is above the highest, the plaintext belongs to other parameters, or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
        let below = he_bgv::SeededCiphertext::encrypt(&self.params, &self.inner, plaintext, level)?;
        Ok(SeededCiphertext { params: self.params.clone(), below })
    }
}

impl PublicKey {
    pub(crate) fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        let below = he_bgv::Ciphertext::encrypt(&self.params, &self.inner, plaintext, level)?;
        Ciphertext::from_bgv(&self.params, &below)
    }
}

/// Decrypts, and measures noise.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor) = (Encoder::new(&params), Encryptor::with_secret(&key));
/// let decryptor = Decryptor::new(&key)?;
/// let c = encryptor.encrypt(&encoder.encode(&[7])?)?;
/// assert_eq!(encoder.decode(&decryptor.decrypt(&c)?)?[0], 7);
/// // The budget estimated without the key is never above the measured one.
/// assert!(c.noise_budget() <= decryptor.noise_budget(&c)?);
/// # Ok(())
/// # }
/// ```
pub struct Decryptor<'k> {
    bgv: he_bgv::Decryptor<'k>,
}

impl<'k> Decryptor<'k> {
    /// A decryptor.
    ///
    /// # Errors
    /// Never for a key that was made for its parameters.
    pub fn new(key: &'k SecretKey) -> Result<Self, Error> {
        Ok(Self { bgv: he_bgv::Decryptor::with_rlwe(&key.params, &key.inner)? })
    }

    /// The plaintext, `⌊t·φ/Q⌉` for the phase `φ` divided by the correction factor. It is right while the noise is what
    /// its estimate says.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret, or by its estimate the noise exceeds the modulus.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        self.bgv.decrypt(&ciphertext.to_bgv())
    }

    /// Measured bits left before the ciphertext stops decrypting: `log2(Q/2) − log2 max|[t·φ]_Q|` for its phase `φ`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn noise_budget(&self, ciphertext: &Ciphertext) -> Result<f64, Error> {
        self.bgv.noise_budget(&ciphertext.to_bgv())
    }
}

he_core::brief_debug!(['k] Decryptor<'k>: |a| bgv = a.bgv);
