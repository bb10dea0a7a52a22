//! Parameters of the schemes.

pub(super) mod bgv;
pub(super) mod ckks;
pub(super) mod switch;
pub(super) mod tfhe;

use super::PlanError;

/// Parameters at 128-bit security, or those of small rings, which have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Standard,
    #[cfg(test)]
    Insecure,
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
