//! How a run ended.

use super::report::Report;
use crate::model::Model;

/// How a run ended.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Mode, Options, train};
///
/// let settings = ["data.set=iris", "optimizer.epochs=2"].map(String::from);
/// let recipe = Recipe::load("hesamifard2017", &settings)?;
/// let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
/// let outcome = train(recipe, &options)?;
/// assert_eq!(outcome.curve.len(), 3); // before training, and after each epoch
/// assert!(outcome.beyond.is_empty());
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Scores of the test part after each epoch, before training first: fractions that are right, or MAPE in percent.
    pub curve: Vec<f64>,
    /// Scores of the same training in floating point, before it first and then after each epoch.
    pub clear: Vec<f64>,
    /// Tensors that left bounds which nothing enforces, so that an encrypted training goes wrong: what, by how much, and the
    /// setting to change.
    pub beyond: Vec<String>,
    /// The trained model.
    pub model: Model,
}
