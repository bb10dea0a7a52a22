//! Parameters of TFHE for layers on words.

pub(crate) use he_tfhe::Parameters;
use he_tfhe::{LweCiphertext, SeededEvaluationKeys, Spec};

use crate::engine::words::Coding;
use crate::plan::{Result, Security};

/// Bytes of a ciphertext as it is sent.
pub(crate) fn ciphertext_bytes(parameters: &Parameters) -> usize {
    LweCiphertext::wire_bytes(parameters)
}

/// Unrolled bits of a small key.
const SMALL_LWE: usize = 4;

/// Bytes of the evaluation keys, sealed.
pub(crate) fn key_bytes(parameters: &Parameters) -> usize {
    SeededEvaluationKeys::sealed_bytes(parameters)
}

/// Parameters of a coding of words, or the same with a key of a few bits.
pub(crate) fn parameters<C: Coding>(security: Security<'_>) -> Result<Parameters> {
    let secure = C::parameters()?;
    let Security::InsecureSmall(reason) = security else { return Ok(secure) };
    let spec = Spec { lwe_dimension: SMALL_LWE * secure.spec().unroll, ..*secure.spec() };
    Ok(spec.build_insecure(reason)?)
}
