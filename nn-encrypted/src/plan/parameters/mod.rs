//! Parameters of the schemes.

pub(super) mod bgv;
pub(super) mod ckks;
pub(super) mod switch;

use super::PlanError;
use crate::engine::words::Coding;

/// Unrolled bits of a small key of words.
const SMALL_LWE: usize = 4;

/// Which rings a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security<'a> {
    /// Rings of 128-bit security.
    Standard,
    /// Small rings without security; with the reason why that is right.
    InsecureSmall(&'a str),
}

macro_rules! refusals {
    ($($scheme:ident),*) => {$(
        impl From<$scheme::Error> for PlanError {
            fn from(error: $scheme::Error) -> Self {
                Self::Scheme(Box::new(error))
            }
        }
    )*};
}

refusals!(he_bgv, he_ckks, he_tfhe, he_switch);

/// Parameters of words: those of their coding, or with a few key bits where a ring may be small.
pub(super) fn words<C: Coding>(security: Security<'_>) -> Result<he_tfhe::Parameters, PlanError> {
    let secure = C::parameters()?;
    let Security::InsecureSmall(reason) = security else { return Ok(secure) };
    let spec = he_tfhe::Spec { lwe_dimension: SMALL_LWE * secure.spec().unroll, ..*secure.spec() };
    Ok(spec.build_insecure(reason)?)
}
