//! Runs: training and prediction from a recipe to a report.

mod curve;
mod folder;
mod link;
mod markdown;
mod meter;
mod predict;
mod progress;
mod report;
mod study;
mod study_table;
mod sweep;
mod train;

use std::path::PathBuf;

pub use self::folder::RunFolder;
pub use self::link::{LocalLink, Traffic};
pub use self::markdown::markdown;
pub use self::predict::{Prediction, predict, predict_encrypted};
pub use self::report::Report;
pub use self::study::{Cell, Scope, Score, Steps, study};
pub use self::study_table::{study_page, write_page};
pub use self::sweep::{Comparison, sweep};
pub use self::train::{Encrypted, Options, Outcome, Session, train};

use crate::data::DataError;
use crate::fetch::FetchError;
use crate::plan::PlanError;
use crate::recipe::RecipeError;
use crate::roles::{ClientError, ServerError};
use crate::twin::TwinError;

/// How a recipe is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// In floating point.
    Clear,
    /// By the twin: the same integers, in the clear.
    Simulate,
    /// On ciphertexts.
    #[default]
    Encrypted,
}

/// Why a run ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A data set cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The client stopped.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server stopped.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The twin stopped.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// The scheme refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file of a run folder does not hold what it should.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was there and what was needed.
        what: String,
    },
    /// The curve cannot be drawn.
    #[error("learning curve: {0}")]
    Curve(String),
}

impl RunError {
    /// Whether the user's input is at fault (exit status 2) rather than the run (exit status 1).
    pub fn is_input(&self) -> bool {
        if let Self::Fetch(error) = self {
            return error.is_input();
        }
        matches!(self, Self::Recipe(_) | Self::Data(_) | Self::Plan(_) | Self::Io { .. } | Self::File { .. })
    }
}
