//! Why a run ended.

use std::path::{Path, PathBuf};

use crate::data::DataError;
use crate::exchange::ExchangeError;
#[cfg(feature = "fetch")]
use crate::fetch::FetchError;
use crate::frozen::FrozenError;
use crate::plan::PlanError;
use crate::recipe::RecipeError;
use crate::roles::{ClientError, ServerError};
use crate::twin::TwinError;

/// Why a run ended.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A data set cannot be fetched.
    #[cfg(feature = "fetch")]
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
    /// The twin, or training in floating point, stopped.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// The model trained on ciphertexts is not the twin's, or numbers left bounds that nothing enforces: those, each with the
    /// setting to change.
    #[error("an encrypted training does not come to the twin's numbers{}", listed(.0))]
    Unequal(Vec<String>),
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
        /// Found and needed.
        what: String,
    },
    /// A network that was trained elsewhere cannot be taken over.
    #[error("{}: {source}", path.display())]
    Exchange {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ExchangeError,
    },
    /// A run folder is not of the run that was asked for.
    #[error("{}: {field} is {there} in the run to be resumed, {asked} is asked for", path.display())]
    Different {
        /// The file that says so.
        path: PathBuf,
        /// The field that differs.
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
    /// A run folder that holds a finished run.
    #[error("{}: a finished run is there; take another --out, or --overwrite it", out.display())]
    Finished {
        /// The folder.
        out: PathBuf,
    },
    /// The server of a finished run did not compute what was planned, so that what was decrypted may be anything.
    #[error(
        "{}: {what}: the server did not compute what was planned, and what was decrypted may hold parts of the secret key, which is \
         spent; train anew with new keys, into another --out, and keep this model to yourself",
        out.display()
    )]
    Spent {
        /// The folder.
        out: PathBuf,
        /// The sign that was found.
        what: String,
    },
    /// An audit that cannot be made: why.
    #[error("--audit: {0}")]
    Unaudited(String),
    /// The audit found, when the run was over, that the server did not compute what was planned: the finding.
    #[error(
        "{0}: the server did not compute what was planned; the model is refused and was not written, and the keys are spent: train anew \
         with new keys, into another --out"
    )]
    Audited(String),
    /// A model that may not be exported, or not so.
    #[error("{}: {what}", run.display())]
    Export {
        /// The run folder.
        run: PathBuf,
        /// Why.
        what: String,
    },
    /// A mini-batch whose rows are those of an owner of data, who has not uploaded it.
    #[error(
        "mini-batch {batch} is not on the server: the owner of its rows uploads it with: nn-encrypted upload"
    )]
    Absent {
        /// Its number.
        batch: usize,
    },
    /// Stopped from outside; of a step that was begun nothing is left.
    #[error("interrupted after step {step} of {steps}{}", how_to_resume(out.as_deref(), server))]
    Interrupted {
        /// Steps done.
        step: u64,
        /// Steps planned.
        steps: u64,
        /// The run folder with the checkpoint, if there is one.
        out: Option<PathBuf>,
        /// The arguments that name the server of the run; empty where it is in this process.
        server: String,
    },
    /// A server, or what is needed for one, cannot be used.
    #[cfg(feature = "serve")]
    #[error("{0}")]
    Job(String),
    /// The curve cannot be drawn.
    #[cfg(feature = "cli")]
    #[error("learning curve: {0}")]
    Curve(String),
}

fn listed(beyond: &[String]) -> String {
    beyond.iter().map(|line| format!("; {line}")).collect()
}

fn how_to_resume(out: Option<&Path>, server: &str) -> String {
    out.map_or_else(String::new, |out| {
        let out = out.display();
        format!("; a checkpoint is written, go on with: nn-encrypted train --resume --out {out}{server}")
    })
}

impl RunError {
    /// Whether the user's input is at fault (exit status 2) rather than the run (exit status 1).
    #[must_use]
    pub fn is_input(&self) -> bool {
        match self {
            #[cfg(feature = "fetch")]
            Self::Fetch(error) => error.is_input(),
            Self::Twin(error) => matches!(error, TwinError::Recipe(_) | TwinError::Tables(_)),
            Self::Recipe(_)
            | Self::Data(_)
            | Self::Frozen(_)
            | Self::Plan(_)
            | Self::Io { .. }
            | Self::File { .. }
            | Self::Exchange { .. }
            | Self::Different { .. }
            | Self::Spent { .. }
            | Self::Unaudited(_)
            | Self::Absent { .. }
            | Self::Export { .. }
            | Self::Finished { .. }
            | Self::Unfinished { .. } => true,
            #[cfg(feature = "serve")]
            Self::Job(_) => true,
            Self::Client(_)
            | Self::Server(_)
            | Self::Unequal(_)
            | Self::Audited(_)
            | Self::Interrupted { .. } => false,
            #[cfg(feature = "cli")]
            Self::Curve(_) => false,
        }
    }
}

he_core::debug_as_displayed!(RunError);
