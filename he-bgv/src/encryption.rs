//! Encryption and decryption.

use he_core::ring::rns::{BaseConverter, to_integers};
use he_core::ring::sample::Prng;
use he_core::rlwe::{self, OperandError};
use zeroize::Zeroizing;

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::keys::{PublicKey, SecretKey};
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// The integer polynomial to be encrypted at a level.
fn message(params: &Parameters, plaintext: &Plaintext, level: usize) -> Result<Zeroizing<Vec<i64>>, Error> {
    let operation = "encrypt";
    plaintext.check(operation, params)?;
    params.check_level(operation, level)?;
    Ok(Zeroizing::new(plaintext.centred(params, 1)))
}

impl SecretKey {
    /// Encrypts at a level, in seeded form.
    ///
    /// # Errors
    /// If the level is above the highest, the plaintext belongs to other parameters, or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
        SeededCiphertext::encrypt(&self.params, &self.inner, plaintext, level)
    }
}

impl PublicKey {
    pub(crate) fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        Ciphertext::encrypt(&self.params, &self.inner, plaintext, level)
    }
}

/// Refuses a key of other parameters.
fn check_key(params: &Parameters, of: &rlwe::Parameters) -> Result<(), Error> {
    if of.same(params.rlwe()) {
        return Ok(());
    }
    Err(OperandError::Foreign { operation: "encrypt", object: "key" }.into())
}

impl SeededCiphertext {
    /// Encrypts at a level under a secret key of RLWE: for a scheme over the same keys.
    ///
    /// # Errors
    /// If the level is above the highest, the key or the plaintext belongs to other parameters, or the operating system gives no
    /// randomness.
    pub fn encrypt(
        params: &Parameters,
        key: &rlwe::SecretKey,
        plaintext: &Plaintext,
        level: usize,
    ) -> Result<Self, Error> {
        check_key(params, key.params())?;
        let message = message(params, plaintext, level)?;
        let inner = key.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let noise = params.noise().fresh_secret_of(plaintext.slots);
        Ok(Self { params: params.clone(), inner, noise, bound: plaintext.bound })
    }
}

impl Ciphertext {
    /// Encrypts at a level under a public key of RLWE: for a scheme over the same keys.
    ///
    /// # Errors
    /// As [`SeededCiphertext::encrypt`].
    pub fn encrypt(
        params: &Parameters,
        key: &rlwe::PublicKey,
        plaintext: &Plaintext,
        level: usize,
    ) -> Result<Self, Error> {
        check_key(params, key.zero().params())?;
        let message = message(params, plaintext, level)?;
        let inner = key.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let noise = params.noise().fresh_public_of(plaintext.slots);
        Ok(Self { params: params.clone(), inner, factor: 1, noise, bound: plaintext.bound })
    }
}

/// Decrypts, and measures noise.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let c = encryptor.encrypt(&encoder.encode(&[7])?)?;
/// assert_eq!(encoder.decode(&decryptor.decrypt(&c)?)?[0], 7);
/// // The budget estimated without the key is never above the measured one.
/// assert!(c.noise_budget() <= decryptor.noise_budget(&c)?);
/// # Ok(())
/// # }
/// ```
pub struct Decryptor<'k> {
    params: &'k Parameters,
    key: &'k rlwe::SecretKey,
}

impl<'k> Decryptor<'k> {
    /// A decryptor.
    pub fn new(key: &'k SecretKey) -> Self {
        Self { params: &key.params, key: &key.inner }
    }

    /// A decryptor with a secret key of RLWE: for a scheme over the same keys.
    ///
    /// # Errors
    /// If the key belongs to other parameters.
    pub fn with_rlwe(params: &'k Parameters, key: &'k rlwe::SecretKey) -> Result<Self, Error> {
        check_key(params, key.params())?;
        Ok(Self { params, key })
    }

    fn check(&self, ciphertext: &Ciphertext) -> Result<(), Error> {
        let (operation, object) = ("decrypt", "ciphertext");
        if !ciphertext.params.same(self.params) {
            return Err(OperandError::Foreign { operation, object }.into());
        }
        Ok(ciphertext.secret_id().check(operation, object, self.key.secret_id())?)
    }

    /// The plaintext. It is right while the noise is what its estimate says.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret, or by its estimate the noise exceeds the modulus.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        self.check(ciphertext)?;
        let budget = ciphertext.noise_budget();
        // Written so that a budget that is no number is refused too.
        if budget.is_nan() || budget < 0.0 {
            return Err(Error::NoiseExhausted { operation: "decrypt", excess: -budget });
        }
        let (params, t) = (self.params, self.params.t());
        let phase = self.key.phase(&ciphertext.inner);
        let converter = BaseConverter::new(phase.basis(), &[*t], 1);
        let limbs: Vec<&[u64]> = (0..=ciphertext.level()).map(|i| phase.limb(i)).collect();
        let mut coefficients = vec![0; params.n()];
        let mut prepared = converter.prepare(&limbs);
        prepared.mark_secret();
        converter.limb(&prepared, 0, &mut coefficients);
        let inverse = t.inv(ciphertext.factor).unwrap_or(1);
        if inverse != 1 {
            he_core::ring::kernel::mul_scalar_assign(t, &mut coefficients, inverse);
        }
        Ok(Plaintext { coefficients, t: t.value(), slots: false, bound: ciphertext.bound })
    }

    /// Measured bits left before the ciphertext stops decrypting: `log2(Q/2) − log2 max|v|` for its phase `v`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn noise_budget(&self, ciphertext: &Ciphertext) -> Result<f64, Error> {
        self.check(ciphertext)?;
        let phase = to_integers(&self.key.phase(&ciphertext.inner));
        let largest = phase.iter().map(rlwe::noise::log2_abs).fold(0.0, f64::max);
        Ok(self.params.noise().log_q(ciphertext.level()) - 1.0 - largest)
    }
}

he_core::brief_debug!(['k] Decryptor<'k>: |a| secret_id = a.key.secret_id());
