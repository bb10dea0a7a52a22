//! Runs: training and prediction from a recipe to a report.

mod checkpoint;
mod compare;
mod curve;
mod encrypted;
mod folder;
mod link;
mod markdown;
mod measure;

mod mixed_session;
mod mixed_sides;
mod predict;
mod progress;
mod real_session;
mod real_sides;
mod real_weights;
mod report;
mod resume;
#[cfg(test)]
mod series_tests;
mod session;
mod sides;
mod state;
mod study;
mod study_table;
mod sweep;
mod task;
mod train;
mod training;
mod weights;
mod word_session;
mod word_sides;

use std::path::{Path, PathBuf};

pub use self::encrypted::Encrypted;
pub use self::folder::RunFolder;
pub use self::link::{LocalLink, Traffic};
pub use self::markdown::markdown;
pub use self::measure::{Measure, Predictions};
pub use self::mixed_session::MixedSession;
pub use self::predict::{Prediction, predict, predict_encrypted};
pub use self::real_session::RealSession;
pub use self::report::Report;
pub use self::resume::{Resumption, resume};
pub use self::session::Session;
pub use self::state::rewrite_client_state;
pub use self::study::{Cell, Scope, Score, Steps, study};
pub use self::study_table::{study_page, write_page};
pub use self::sweep::{Comparison, sweep};
pub use self::train::{Options, Outcome, train};
pub use self::word_session::WordSession;

use crate::data::DataError;
use crate::fetch::FetchError;
use crate::frozen::FrozenError;
use crate::meter;
use crate::mixed::{MixedError, MixedPlanError};
use crate::plan::PlanError;
use crate::reals::{RealError, RealPlanError};
use crate::recipe::RecipeError;
use crate::roles::{ClientError, ServerError};
use crate::twin::TwinError;
use crate::words::{WordPlanError, WordRoleError};

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
    /// A frozen network cannot be made, read or written.
    #[error(transparent)]
    Frozen(#[from] FrozenError),
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
    /// There is no plan for words.
    #[error(transparent)]
    WordPlan(#[from] WordPlanError),
    /// Client or server of a training on words stopped.
    #[error(transparent)]
    Words(#[from] WordRoleError),
    /// There is no plan for real numbers.
    #[error(transparent)]
    RealPlan(#[from] RealPlanError),
    /// Client or server of a training on real numbers stopped.
    #[error(transparent)]
    Reals(#[from] RealError),
    /// There is no plan for several schemes.
    #[error(transparent)]
    MixedPlan(#[from] MixedPlanError),
    /// Client or server of a training in several schemes stopped.
    #[error(transparent)]
    Mixed(#[from] MixedError),
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
    /// A run folder is not of the run that was asked for.
    #[error("{}: {field} is {there} in the run to be resumed, {asked} is asked for", path.display())]
    Different {
        /// The file that says so.
        path: PathBuf,
        /// What differs.
        field: String,
        /// Its value there.
        there: String,
        /// Its value now.
        asked: String,
    },
    /// A run folder that holds an unfinished run.
    #[error(
        "{}: an unfinished run is there; go on with it by --resume, or take another --out, or remove the folder",
        out.display()
    )]
    Unfinished {
        /// The folder.
        out: PathBuf,
    },
    /// Stopped from outside; of a step that was begun nothing is left.
    #[error("interrupted after step {step} of {steps}{}", how_to_resume(out.as_deref()))]
    Interrupted {
        /// Steps done.
        step: u64,
        /// Steps planned.
        steps: u64,
        /// The run folder with the checkpoint, if there is one.
        out: Option<PathBuf>,
    },
    /// The curve cannot be drawn.
    #[error("learning curve: {0}")]
    Curve(String),
}

fn how_to_resume(out: Option<&Path>) -> String {
    out.map_or_else(String::new, |out| {
        format!("; a checkpoint is written, go on with: nn-encrypted train --resume --out {}", out.display())
    })
}

impl RunError {
    /// Whether the user's input is at fault (exit status 2) rather than the run (exit status 1).
    pub fn is_input(&self) -> bool {
        if let Self::Fetch(error) = self {
            return error.is_input();
        }
        matches!(
            self,
            Self::Recipe(_)
                | Self::Data(_)
                | Self::Frozen(_)
                | Self::Plan(_)
                | Self::WordPlan(_)
                | Self::RealPlan(_)
                | Self::MixedPlan(_)
                | Self::Io { .. }
                | Self::File { .. }
                | Self::Different { .. }
                | Self::Unfinished { .. }
        )
    }
}
