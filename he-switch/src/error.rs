//! Errors of the bridges.

use he_core::rlwe::ForeignSecret;
use thiserror::Error;

use crate::request::KeyKind;

/// An error of a bridge. Every message names what was there and what was needed.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// Objects that do not belong together.
    #[error("{operation}: the {object} belongs to other parameters than the bridge")]
    Foreign {
        /// The operation that was asked for.
        operation: &'static str,
        /// The object that does not belong.
        object: &'static str,
    },
    /// An object under another secret.
    #[error(transparent)]
    ForeignSecret(#[from] ForeignSecret),
    /// Parameters or values out of range.
    #[error("{field} is {found}, needed {needed}")]
    Mismatch {
        /// The quantity.
        field: &'static str,
        /// Its value.
        found: String,
        /// The values it may have.
        needed: String,
    },
    /// A key that was not requested.
    #[error("{operation}: the evaluation keys hold no {key}")]
    NoKey {
        /// The operation that was asked for.
        operation: &'static str,
        /// The kind of keys it takes.
        key: KeyKind,
    },
    /// A message with keys is damaged, or of other parameters.
    #[error("{kind}: {source}")]
    Key {
        /// The kind of keys that was expected.
        kind: KeyKind,
        /// The fault.
        source: he_core::wire::WireError,
    },
    /// A named message with keys is damaged, or of other parameters.
    #[error("{what}: {source}")]
    Message {
        /// The message that was expected.
        what: &'static str,
        /// The fault.
        source: he_core::wire::WireError,
    },
    /// An error of BGV.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// An error of CKKS.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// An error of TFHE.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// An error of the RLWE layer.
    #[error(transparent)]
    Rlwe(#[from] he_core::rlwe::ParametersError),
    /// Bytes are not the object they were taken for.
    #[error(transparent)]
    Wire(#[from] he_core::wire::WireError),
    /// The operating system gives no thread.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The operating system gives no randomness.
    #[error(transparent)]
    Sample(#[from] he_core::ring::sample::SampleError),
}

he_core::debug_as_displayed!(Error);
