//! Encryption and decryption, by the client.

use he_core::ring::sample::Prng;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::secret::SecretKey;

/// The phase `m/2^{p+1}` of message `m`, for `p` bits of messages and carries.
pub(crate) fn encode(params: &Parameters, message: u64) -> u32 {
    (message << step_log(params)) as u32
}

/// `log2` of the distance of two messages, in units of `2^-32`.
fn step_log(params: &Parameters) -> u32 {
    31 - params.spec().message_bits - params.spec().carry_bits
}

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
    key: &'a SecretKey,
}

impl<'a> Encryptor<'a> {
    /// Under a secret key.
    pub fn with_secret(key: &'a SecretKey) -> Self {
        Self { key }
    }

    /// The parameters of the key.
    pub fn params(&self) -> &Parameters {
        self.key.params()
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
        let params = self.key.params();
        let modulus = params.spec().messages();
        if let Some(index) = messages.iter().position(|&m| m >= modulus) {
            return Err(Error::MessageOutOfRange { what: "encryption", index, modulus });
        }
        let phases: Zeroizing<Vec<u32>> =
            Zeroizing::new(messages.iter().map(|&m| encode(params, m)).collect());
        self.encrypt_phases(&phases)
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
        let (key, params) = (self.key, self.key.params());
        let mut prng = Prng::from_os()?;
        let dimension = params.spec().big_dimension();
        let mut mask = vec![0_u8; 4 * dimension];
        Ok(phases
            .iter()
            .map(|&phase| {
                prng.fill_bytes(&mut mask);
                let mut words: Vec<u32> =
                    mask.as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b)).collect();
                words.push(SecretKey::lwe_body(key.big(), &words, phase, params.fresh_noise(), &mut prng));
                LweCiphertext { params: params.clone(), words, variance: params.fresh_variance() }
            })
            .collect())
    }
}

/// The phase of a bit in gates.
pub(crate) fn bit_phase(bit: bool) -> u32 {
    // Without a branch: +1/8 or −1/8 of 2^32.
    (u32::from(bit) << 30).wrapping_sub(1 << 29)
}

/// Decrypts messages.
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

    /// The message, rounded from the phase; a carry into the padding bit shows as a message of `2^p` or more.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn decrypt(&self, ciphertext: &LweCiphertext) -> Result<u64, Error> {
        let log = step_log(self.key.params());
        Ok(u64::from(self.phase(ciphertext)?.wrapping_add(1 << (log - 1)) >> log))
    }

    /// A bit as gates give it.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn decrypt_bit(&self, ciphertext: &LweCiphertext) -> Result<bool, Error> {
        Ok(self.phase(ciphertext)? >> 31 == 0)
    }

    /// The phase, noise included, in units of `2^-32`. Whoever learns it learns the noise too: it is for measurements.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn phase(&self, ciphertext: &LweCiphertext) -> Result<u32, Error> {
        if !ciphertext.params.same(self.key.params()) {
            return Err(Error::Foreign { operation: "decryption", object: "ciphertext" });
        }
        Ok(SecretKey::phase(self.key.big(), &ciphertext.words))
    }
}
