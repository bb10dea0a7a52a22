//! Parameters of the schemes.

pub(super) mod bgv;
pub(super) mod ckks;
pub(super) mod slot_tables;
pub(super) mod switch;
pub(super) mod tfhe;
pub(super) mod yashe;

use he_core::rlwe::{self, Margin};

use super::{PlanError, SchemeUse};

macro_rules! refusals {
    ($($scheme:ident),*) => {$(
        impl From<$scheme::Error> for PlanError {
            fn from(error: $scheme::Error) -> Self {
                Self::Scheme(Box::new(error))
            }
        }
    )*};
}

refusals!(he_bgv, he_ckks, he_tfhe, he_switch, he_yashe);

impl SchemeUse {
    /// A scheme over RLWE.
    pub(super) fn of_rlwe(
        name: &str,
        rlwe: &rlwe::Parameters,
        plaintext: String,
        margins: Vec<Margin>,
    ) -> Self {
        Self {
            name: name.into(),
            ring_dimension: rlwe.n(),
            log_qp: rlwe.log_qp(),
            plaintext,
            security_bits: rlwe.security_bits(),
            margins,
        }
    }

    pub(super) fn of_tfhe(parameters: &he_tfhe::Parameters, plaintext: String, margins: Vec<Margin>) -> Self {
        Self {
            name: "tfhe".into(),
            ring_dimension: parameters.n(),
            log_qp: f64::from(parameters.spec().modulus_bits),
            plaintext,
            security_bits: parameters.security_bits(),
            margins,
        }
    }
}
