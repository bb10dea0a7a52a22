//! Vectors longer than a ciphertext: [`Encoder::encode_split`] splits them.
//!
//! [`Encoder::encode_split`]: he_bgv::Encoder::encode_split

use he_bgv::{Error, Plaintext};

use crate::ciphertext::Ciphertext;
use crate::encryption::Decryptor;

impl Decryptor<'_> {
    /// Decrypts each of several ciphertexts.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_all(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>, Error> {
        ciphertexts.iter().map(|ciphertext| self.decrypt(ciphertext)).collect()
    }
}
