//! Vectors longer than a ciphertext.

use he_core::rlwe::vectors;

use crate::ciphertext::Ciphertext;
use crate::encryption::{Decryptor, Encryptor};
use crate::error::Error;
use crate::plaintext::{Encoder, Plaintext};

impl Encoder {
    /// Splits a vector of any length over plaintexts, [`slots`](Self::slots) values each; the slots that are left in the last are 0.
    ///
    /// ```
    /// # use he_yashe::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec { log_n: 5, ..Spec::legacy_n65536() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let public = key.public_key();
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::new(&public), Decryptor::new(&key));
    /// let values: Vec<i64> = (0..100).collect();
    /// let ciphertexts = encryptor.encrypt_all(&encoder.encode_split(&values)?)?;
    /// assert_eq!(ciphertexts.len(), values.len().div_ceil(encoder.slots()?));
    /// assert_eq!(encoder.decode_joined(&decryptor.decrypt_all(&ciphertexts)?, values.len())?, values);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_split(&self, values: &[i64]) -> Result<Vec<Plaintext>, Error> {
        vectors::split(values, self.slots()?, |part| self.encode(part))
    }

    /// The first `length` values of plaintexts, one after another: what [`encode_split`](Self::encode_split) split.
    ///
    /// # Errors
    /// As [`decode`](Self::decode); also if there are fewer values.
    pub fn decode_joined(&self, plaintexts: &[Plaintext], length: usize) -> Result<Vec<i64>, Error> {
        vectors::joined(plaintexts, self.slots()?, length, |part| self.decode(part))
    }
}

impl Encryptor<'_> {
    /// Encrypts each of several plaintexts, such as the parts of a vector that is longer than a ciphertext.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_all(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>, Error> {
        plaintexts.iter().map(|plaintext| self.encrypt(plaintext)).collect()
    }
}

impl Decryptor<'_> {
    /// Decrypts each of several ciphertexts.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_all(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>, Error> {
        ciphertexts.iter().map(|ciphertext| self.decrypt(ciphertext)).collect()
    }
}
