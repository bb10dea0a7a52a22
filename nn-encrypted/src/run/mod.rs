//! Runs: training and prediction from a recipe to a report.

#[cfg(any(feature = "cli", test))]
mod backends;
mod checkpoint;
mod classify;
mod compare;
#[cfg(feature = "cli")]
mod curve;
mod digest;
mod encrypted;
mod epoch;
mod error;
mod folder;
mod keys;
mod lock;
mod markdown;
mod measure;
mod options;
mod outcome;
mod predict;
mod progress;
mod report;
mod resume;
mod scores;
mod session;
mod state;
#[cfg(feature = "cli")]
mod study;
#[cfg(feature = "cli")]
mod study_table;
#[cfg(feature = "cli")]
mod sweep;
mod train;
mod training;
mod weights;

#[cfg(any(feature = "cli", test))]
pub use self::backends::backends_page;
pub(crate) use self::classify::classify;
pub use self::classify::{Prediction, predict_encrypted};
pub use self::encrypted::{Encrypted, SentKeys};
pub use self::error::RunError;
pub use self::folder::RunFolder;
pub use self::markdown::markdown;
pub use self::measure::{Measure, Predictions};
pub use self::options::{Mode, Options};
pub use self::outcome::Outcome;
pub use self::predict::predict;
pub use self::report::Report;
pub use self::resume::{Resumption, resume};
pub use self::session::Session;
pub use self::state::rewrite_client_state;
#[cfg(feature = "cli")]
pub use self::study::{Cell, Scope, Score, Steps, study};
#[cfg(feature = "cli")]
pub use self::study_table::{study_page, write_page};
#[cfg(feature = "cli")]
pub use self::sweep::{Comparison, sweep};
pub use self::train::train;
pub(crate) use self::train::train_session;
pub(crate) use self::weights::{read_model, write_model};
