//! Parameters of TFHE for layers on words.

use he_tfhe::LweCiphertext;
pub(crate) use he_tfhe::Parameters;

/// Bytes of a ciphertext as it is sent.
pub(crate) fn ciphertext_bytes(parameters: &Parameters) -> usize {
    LweCiphertext::wire_bytes(parameters)
}
