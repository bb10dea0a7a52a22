//! Why an engine cannot go on.

use he_core::wire::WireError;

use crate::program::Tensor;

/// An engine refused.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Stopped from outside; what lives from step to step is what it was.
    #[error("stopped within a step")]
    Stopped,
    /// A ciphertext is damaged, or not of the plan.
    #[error("{tensor}: {source}")]
    Message {
        /// The tensor.
        tensor: Tensor,
        /// The cause.
        source: WireError,
    },
    /// Evaluation keys are damaged, missing, or of other parameters.
    #[error("{what}: {source}")]
    Keys {
        /// Which keys.
        what: String,
        /// The cause.
        source: WireError,
    },
    /// Evaluation keys of another number of kinds.
    #[error("evaluation keys of {found} kinds, needed {needed}")]
    KeyCount {
        /// Kinds that are there.
        found: usize,
        /// Kinds there must be.
        needed: usize,
    },
    /// A tensor that is not there.
    #[error("{0}: was not sent or computed")]
    Missing(Tensor),
    /// A sum of nothing.
    #[error("a sum without terms")]
    Empty,
    /// A step that this engine has no body for; plans do not ask for it.
    #[error("the plan has no {0} here")]
    Unplanned(String),
    /// BGV refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// YASHE refused.
    #[error(transparent)]
    Yashe(#[from] he_yashe::Error),
    /// CKKS refused.
    #[error(transparent)]
    Ckks(#[from] he_ckks::Error),
    /// TFHE refused.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// A bridge refused.
    #[error(transparent)]
    Switch(#[from] he_switch::Error),
}

/// A result of an engine.
pub(crate) type Result<T, E = EngineError> = std::result::Result<T, E>;

he_core::debug_as_displayed!(EngineError);
