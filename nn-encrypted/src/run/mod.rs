//! Runs: training and prediction from a recipe to a report.

mod audit;
#[cfg(any(feature = "cli", test))]
mod backends;
mod bundle;
mod calibrate;
mod checkpoint;
mod classify;
mod compare;
mod connect;
#[cfg(feature = "cli")]
mod curve;
mod digest;
mod encrypted;
mod epoch;
mod error;
mod estimate;
mod export;
mod figures;
mod findings;
mod folder;
mod import;
mod job;
#[cfg(feature = "serve")]
mod keygen;
mod keys;
#[cfg(unix)]
#[cfg(test)]
mod killed;
mod lock;
mod markdown;
mod measure;
mod options;
mod outcome;
mod outputs;
#[cfg(feature = "cli")]
mod page;
mod passphrase;
mod plans;
mod predict;
mod progress;
mod quality;
mod ranges;
mod report;
mod resume;
mod scores;
mod seal;
mod sealed_keys;
mod session;
#[cfg(test)]
pub(crate) mod small;
mod spent;
pub(crate) mod state;
#[cfg(feature = "cli")]
pub(crate) mod study;
#[cfg(feature = "cli")]
pub(crate) mod study_table;
mod summary;
#[cfg(feature = "cli")]
mod sweep;
mod train;
mod training;
mod watch;
mod weights;

#[cfg(any(feature = "cli", test))]
pub(crate) use self::backends::backends_page;
pub(crate) use self::calibrate::calibrated;
#[cfg(feature = "cli")]
pub(crate) use self::calibrate::is_bounded;
pub use self::classify::{Prediction, predict_encrypted};
pub(crate) use self::connect::{Connect, Here};
#[cfg(feature = "serve")]
pub(crate) use self::digest::hex;
pub use self::encrypted::{Encrypted, SentKeys};
pub use self::error::RunError;
#[cfg(feature = "cli")]
pub(crate) use self::estimate::LinkSpeed;
pub use self::export::{Distance, ExportFormat, ExportOptions, Exported, export};
pub(crate) use self::figures::RunEstimate;
pub use self::folder::RunFolder;
pub(crate) use self::import::{Import, import_rows};
pub use self::import::{ImportOptions, ImportSummary, ImportedLayer};
#[cfg(feature = "cli")]
pub(crate) use self::import::{import, write_import};
#[cfg(feature = "serve")]
pub(crate) use self::job::JobFile;
#[cfg(feature = "serve")]
pub(crate) use self::keygen::{KeygenOptions, RowShape, keygen};
pub use self::markdown::markdown;
pub use self::measure::{Measure, Predictions};
pub use self::options::{Mode, Options};
pub use self::outcome::Outcome;
pub use self::passphrase::Unlock;
#[cfg(feature = "serve")]
pub(crate) use self::passphrase::asks_for_a_passphrase;
#[cfg(feature = "serve")]
pub(crate) use self::predict::predict_with;
pub use self::predict::{Query, predict, predict_session};
pub(crate) use self::predict::{samples_of, with_keys_of};
pub use self::report::Report;
pub(crate) use self::resume::finished;
pub use self::resume::{Resumption, resume};
pub(crate) use self::sealed_keys::SealedKey;
pub use self::sealed_keys::SealedKeys;
pub use self::session::Session;
#[cfg(feature = "cli")]
pub(crate) use self::study::{Scope, study};
#[cfg(feature = "cli")]
pub(crate) use self::study_table::{study_page, write_page};
#[cfg(feature = "cli")]
pub(crate) use self::sweep::sweep;
pub(crate) use self::train::train_session_with;
#[cfg(feature = "serve")]
pub(crate) use self::train::train_with;
pub use self::train::{train, train_session};
pub use self::watch::{Event, Watch};
pub(crate) use self::weights::{model_bytes, model_file, model_of_bytes, write_private};
