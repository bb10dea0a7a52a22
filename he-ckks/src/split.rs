//! Vectors longer than a ciphertext.

use he_core::rlwe::vectors;

use crate::ciphertext::Ciphertext;
use crate::encoder::Encoder;
use crate::encryption::Decryptor;
use crate::error::Error;
use crate::plaintext::Plaintext;

impl Encoder {
    /// Splits a vector of any length over plaintexts, one value a slot; the slots that are left in the last are 0.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let values: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
    /// let ciphertexts = encryptor.encrypt_all(&encoder.encode_split(&values)?)?;
    /// assert_eq!(ciphertexts.len(), values.len().div_ceil(params.slots()));
    /// let joined = decryptor.decrypt_joined(&ciphertexts, values.len())?;
    /// assert!(joined.len() == 100 && joined.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_split(&self, values: &[f64]) -> Result<Vec<Plaintext>, Error> {
        vectors::split(values, self.slots(), |part| self.encode(part))
    }
}

impl Decryptor<'_> {
    /// The first `length` values of several ciphertexts, one after another: those that
    /// [`encode_split`](Encoder::encode_split) split.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt); also if there are fewer values.
    pub fn decrypt_joined(&self, ciphertexts: &[Ciphertext], length: usize) -> Result<Vec<f64>, Error> {
        let slots = ciphertexts.first().map_or(0, Ciphertext::slots);
        vectors::joined(ciphertexts, slots, length, |part| self.decrypt(part))
    }
}
