//! Decryption, by the client.

use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::phases::step_log;
use crate::secret::SecretKey;

/// Decrypts messages.
///
/// A phase that is no plaintext is an error. Whether one was depends on the key: who answers an untrusted sender reads with
/// [`decrypt_reduced`](Self::decrypt_reduced), which takes everything.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let encryptor = Encryptor::with_secret(&key);
/// let decryptor = Decryptor::new(&key);
/// let bits = encryptor.encrypt_bits(&[true, false])?;
/// assert!(decryptor.decrypt_bit(&bits[0])? && !decryptor.decrypt_bit(&bits[1])?);
/// // 11 + 9 is past the 16 messages.
/// let mut sum = encryptor.encrypt(11)?;
/// sum.add_scaled_assign(&encryptor.encrypt(9)?, 1)?;
/// assert!(decryptor.decrypt(&sum).is_err());
/// assert_eq!(decryptor.decrypt_reduced(&sum)?, (4, true));
/// # Ok(())
/// # }
/// ```
pub struct Decryptor<'a> {
    key: &'a SecretKey,
}

impl<'a> Decryptor<'a> {
    /// With a secret key.
    pub fn new(key: &'a SecretKey) -> Self {
        Self { key }
    }

    /// The message, rounded from the phase.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret, or a carry reached the padding bit, so that the phase is that of no message.
    pub fn decrypt(&self, ciphertext: &LweCiphertext) -> Result<u64, Error> {
        let (message, modulus) = (self.rounded(ciphertext)?, self.key.params().spec().messages());
        if message < modulus {
            return Ok(message);
        }
        let expected = format!("message below {modulus}");
        let remedy =
            "a sum went past the messages: apply a table before it does, or read it with decrypt_reduced";
        Err(Error::NoPlaintext { expected, remedy })
    }

    /// The message modulo the number of messages, and whether the phase was past them. Neither the result nor the time fails
    /// with the phase: for who decrypts what an untrusted server sent, and answers it.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn decrypt_reduced(&self, ciphertext: &LweCiphertext) -> Result<(u64, bool), Error> {
        let (message, modulus) = (self.rounded(ciphertext)?, self.key.params().spec().messages());
        Ok((message & (modulus - 1), message >= modulus))
    }

    /// A bit as gates give it.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret, or the phase is not within `1/16` of the two that bits have: it is then a
    /// message, a condition of digits, or a sum of bits.
    pub fn decrypt_bit(&self, ciphertext: &LweCiphertext) -> Result<bool, Error> {
        let phase = self.phase(ciphertext)?;
        // ±1/8, give or take 1/16: the absolute value is from 1/16 to 3/16.
        if (1 << 28..=3 << 28).contains(&(phase as i32).unsigned_abs()) {
            return Ok(phase >> 31 == 0);
        }
        let remedy = "messages are read by decrypt, and conditions of digits by digits::decrypt_conditions";
        Err(Error::NoPlaintext { expected: "bit of gates".into(), remedy })
    }

    /// The sign of a phase, whatever it is.
    pub(crate) fn sign(&self, ciphertext: &LweCiphertext) -> Result<bool, Error> {
        Ok(self.phase(ciphertext)? >> 31 == 0)
    }

    /// The message, twice as many as there are: those past the messages too.
    pub(crate) fn rounded(&self, ciphertext: &LweCiphertext) -> Result<u64, Error> {
        let log = step_log(self.key.params());
        Ok(u64::from(self.phase(ciphertext)?.wrapping_add(1 << (log - 1)) >> log))
    }

    /// The phase, noise included, in units of `2^-32`. Whoever learns it learns the noise too: it is for measurements.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or another secret.
    pub fn phase(&self, ciphertext: &LweCiphertext) -> Result<u32, Error> {
        let (operation, object) = ("decryption", "ciphertext");
        if !ciphertext.params.same(self.key.params()) {
            return Err(Error::Foreign { operation, object });
        }
        // A constant is under every secret.
        if let Some(id) = ciphertext.secret {
            id.check(operation, object, self.key.secret_id())?;
        }
        Ok(SecretKey::phase(self.key.big(), &ciphertext.words))
    }
}

he_core::brief_debug!(['a] Decryptor<'a>: |a| secret_id = a.key.secret_id());
