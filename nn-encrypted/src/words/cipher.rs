//! Arithmetic on ciphertexts: what a client adds to it.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::{EvaluationKeys, Parameters, SecretKey};

use super::{Arithmetic, BitWords, DigitWords, Format, WordError};
use crate::recipe::Sigmoid;

/// An arithmetic on ciphertexts of TFHE.
pub trait Cipher: Arithmetic + Sized {
    /// The parameters for a format.
    ///
    /// # Errors
    /// If there are none.
    fn parameters(format: Format) -> Result<Parameters, he_tfhe::Error>;

    /// A server's, with evaluation keys.
    ///
    /// # Errors
    /// If the keys are for another arithmetic.
    fn new(format: Format, keys: EvaluationKeys) -> Result<Self, WordError>;

    /// A client's encryption of words.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn encrypt(format: Format, key: &SecretKey, words: &[i64]) -> Result<Vec<Self::Word>, WordError>;

    /// A client's decryption of words.
    ///
    /// # Errors
    /// If a word belongs to other parameters.
    fn decrypt(format: Format, key: &SecretKey, words: &[Self::Word]) -> Result<Vec<i64>, WordError>;

    /// Writes a word.
    fn write(word: &Self::Word, out: &mut Writer);

    /// Reads a word.
    ///
    /// # Errors
    /// If the bytes are not a word of this format.
    fn read(format: Format, params: &Parameters, from: &mut Reader<'_>) -> Result<Self::Word, WireError>;
}

/// The parameters for a format.
pub(super) fn parameters(format: Format) -> Result<Parameters, he_tfhe::Error> {
    match format.sigmoid {
        Sigmoid::Circuit => BitWords::parameters(format),
        Sigmoid::Table => DigitWords::parameters(format),
    }
}
