//! Encryption, by the client or by who has its public key.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::phases::{bit_phase, message_phases};
use crate::public_key::PublicKey;
use crate::secret::SecretKey;
use crate::seeded::SeededCiphertexts;

/// Encrypts messages.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let decryptor = Decryptor::new(&key);
/// let encryptor = Encryptor::with_secret(&key);
/// let c = encryptor.encrypt(11)?;
/// assert_eq!(decryptor.decrypt(&c)?, 11);
/// // Messages and carries have four bits in all.
/// assert!(encryptor.encrypt(16).is_err());
/// # Ok(())
/// # }
/// ```
pub struct Encryptor<'a> {
    key: Key<'a>,
}

/// The key of an encryption.
enum Key<'a> {
    Secret(&'a SecretKey),
    Public(&'a PublicKey),
}

impl<'a> Encryptor<'a> {
    /// Under a secret key.
    pub fn with_secret(key: &'a SecretKey) -> Self {
        Self { key: Key::Secret(key) }
    }

    /// With a public key. Ciphertexts have more noise than with the secret key, and far less than after a bootstrap.
    pub fn with_public(key: &'a PublicKey) -> Self {
        Self { key: Key::Public(key) }
    }

    /// The parameters of the key.
    pub fn params(&self) -> &Parameters {
        match self.key {
            Key::Secret(key) => key.params(),
            Key::Public(key) => key.params(),
        }
    }

    /// A message below `2^p`, with `p` the bits of messages and carries.
    ///
    /// # Errors
    /// If the message is out of range or the operating system gives no randomness.
    pub fn encrypt(&self, message: u64) -> Result<LweCiphertext, Error> {
        Ok(self.encrypt_all(&[message])?.swap_remove(0))
    }

    /// Several messages.
    ///
    /// # Errors
    /// If a message is out of range or the operating system gives no randomness.
    pub fn encrypt_all(&self, messages: &[u64]) -> Result<Vec<LweCiphertext>, Error> {
        self.encrypt_phases(&message_phases(self.params(), messages)?)
    }

    /// Bits as gates take them, `1/8` for true and `−1/8` for false.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_bits(&self, bits: &[bool]) -> Result<Vec<LweCiphertext>, Error> {
        let phases: Zeroizing<Vec<u32>> = Zeroizing::new(bits.iter().map(|&bit| bit_phase(bit)).collect());
        self.encrypt_phases(&phases)
    }

    /// Points of the torus, in units of `2^-32`.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_phases(&self, phases: &[u32]) -> Result<Vec<LweCiphertext>, Error> {
        match self.key {
            Key::Secret(key) => Ok(SeededCiphertexts::of_phases(key, phases)?.expand()),
            Key::Public(key) => key.encrypt(phases),
        }
    }
}

he_core::brief_debug!(['a] Encryptor<'a>: |a|
secret_id = match a.key {
    Key::Secret(key) => key.secret_id(),
    Key::Public(key) => key.secret_id(),
});
