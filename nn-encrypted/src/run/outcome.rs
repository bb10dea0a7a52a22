//! How a run ended.

use super::report::Report;
use crate::model::Model;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Scores of the test part after each epoch, before training first: fractions that are right, or MAPE in percent.
    pub curve: Vec<f64>,
    /// Tensors that left bounds which nothing enforces, so that an encrypted training goes wrong: what, by how much, and the
    /// setting to change.
    pub beyond: Vec<String>,
    /// The trained model.
    pub model: Model,
}
