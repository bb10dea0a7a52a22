//! Parameters of TFHE for layers on words.

use he_tfhe::LweCiphertext;
pub(crate) use he_tfhe::Parameters;

#[cfg(test)]
use crate::plan::PlanError;

/// Bytes of a ciphertext as it is sent.
pub(crate) fn ciphertext_bytes(parameters: &Parameters) -> usize {
    LweCiphertext::wire_bytes(parameters)
}

/// Small ones without security, for fast tests.
#[cfg(test)]
pub(crate) fn build_insecure() -> Result<Parameters, PlanError> {
    Ok(he_tfhe::Spec::insecure_small().build_insecure("a test of training")?)
}
