//! Faults of a frozen network.

use std::path::PathBuf;

use crate::data::DataError;

/// A frozen network that cannot be used, with the place of the fault.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FrozenError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: String,
        /// Found and needed.
        what: String,
    },
    /// A layer is faulty or does not fit the one before it.
    #[error("layer {layer}: {what}")]
    Layer {
        /// The layer, from 0.
        layer: usize,
        /// Found and needed.
        what: String,
    },
    /// Numbers of a layer, images or a setting are faulty.
    #[error("{0}")]
    Numbers(String),
    /// The data to train on cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl FrozenError {
    /// The same, of a layer.
    pub(super) fn at(self, layer: usize) -> Self {
        match self {
            Self::Numbers(what) => Self::Layer { layer, what },
            other => other,
        }
    }
}

/// A result of a frozen network.
pub(crate) type Result<T, E = FrozenError> = std::result::Result<T, E>;

he_core::debug_as_displayed!(FrozenError);
