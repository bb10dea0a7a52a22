//! Errors of the bridges.

use thiserror::Error;

/// What can go wrong between two schemes. Every message names what was there and what was needed.
#[derive(Debug, Error)]
pub enum Error {
    /// Objects that do not belong together.
    #[error("{operation}: the {object} belongs to other parameters than the bridge")]
    Foreign {
        /// What was asked for.
        operation: &'static str,
        /// What does not belong.
        object: &'static str,
    },
    /// Parameters of two schemes between which there is no bridge.
    #[error("{field} is {found}, needed {needed}")]
    Mismatch {
        /// What does not fit.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        needed: String,
    },
    /// Of BGV.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// Of CKKS.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// Of TFHE.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// Of the RLWE layer.
    #[error(transparent)]
    Rlwe(#[from] he_core::rlwe::ParametersError),
    /// Bytes are not the object they were taken for.
    #[error(transparent)]
    Wire(#[from] he_core::wire::WireError),
    /// The operating system gives no randomness.
    #[error(transparent)]
    Sample(#[from] he_core::ring::sample::SampleError),
}
