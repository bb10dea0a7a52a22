//! Options beside a recipe.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::Unlock;
use super::watch::Watch;

/// How a recipe is run.
///
/// ```
/// use nn_encrypted::run::Mode;
///
/// assert_eq!(Mode::default(), Mode::Encrypted);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// In floating point.
    Clear,
    /// By the twin: the same numbers, in the clear.
    Simulate,
    /// On ciphertexts.
    #[default]
    Encrypted,
}

/// Options that the command line adds to a recipe.
///
/// ```
/// use nn_encrypted::run::{Mode, Options};
///
/// let options = Options { mode: Mode::Simulate, steps: Some(10), ..Options::default() };
/// assert!(!options.resume && options.out.is_none());
/// ```
#[derive(Clone, Default)]
pub struct Options {
    /// How to run.
    pub mode: Mode,
    /// Where data sets are that are not embedded.
    pub data_dir: Option<PathBuf>,
    /// Stop after so many steps.
    pub steps: Option<usize>,
    /// Where the results go.
    pub out: Option<PathBuf>,
    /// Say nothing but errors.
    pub quiet: bool,
    /// Say the plan as cryptographers read it too.
    pub verbose: bool,
    /// Find the bounds of numbers from the data, before a run that is not resumed.
    pub calibrate: bool,
    /// Write over a finished run in `out`; its secret keys and what lies beside them are put aside.
    pub overwrite: bool,
    /// Go on from the newest checkpoint in `out`, if there is one; for encrypted runs.
    pub resume: bool,
    /// Time between two checkpoints of an encrypted run; a minute without it. There is one at the end of each epoch as well.
    pub checkpoint_every: Option<Duration>,
    /// Is told how far the training is.
    pub watch: Option<Watch>,
    /// The probability with which each refreshed tensor of an encrypted run is compared with the client's own computation, above 0 and up
    /// to 1; no audit without it.
    pub audit: Option<f64>,
    /// The way to the passphrase of secret keys that are in `out` already.
    pub unlock: Unlock,
    /// Set from outside to stop an encrypted run after the step it is in.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// Says something on the way.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

he_core::brief_debug!(Options: |a| mode = a.mode, steps = a.steps, out = a.out, resume = a.resume);
