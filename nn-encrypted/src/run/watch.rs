//! Whoever wants to know how far a training is.

use std::sync::Arc;

/// How far a training is: after each step, and after each epoch with its score.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use nn_encrypted::fit;
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Event, Mode, Options, Watch};
///
/// let settings = ["data.set=iris", "optimizer.epochs=2"].map(String::from);
/// let recipe = Recipe::load("hesamifard2017", &settings)?;
/// let epochs = Arc::new(Mutex::new(vec![]));
/// let seen = Arc::clone(&epochs);
/// let watch: Watch = Arc::new(move |event: &Event| seen.lock().unwrap().extend(event.epoch));
/// let options = Options { mode: Mode::Simulate, quiet: true, watch: Some(watch), ..Options::default() };
/// fit(recipe, &options)?;
/// assert_eq!(*epochs.lock().unwrap(), [1, 2]);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Steps that are done.
    pub step: u64,
    /// All steps.
    pub steps: u64,
    /// The epoch that has ended, from 1.
    pub epoch: Option<usize>,
    /// The score of the test part after it, if there is a test part.
    pub score: Option<f64>,
    /// Seconds that are left, reckoned from the steps of this process.
    pub seconds_left: Option<f64>,
}

/// Is told of each [`Event`], by the thread that trains.
pub type Watch = Arc<dyn Fn(&Event) + Send + Sync>;
