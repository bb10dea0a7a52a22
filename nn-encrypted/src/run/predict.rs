//! Encrypted classification with a trained model.

use std::path::Path;

use ndarray::{Array2, Axis, Slice};

use super::folder::RunFolder;
use super::meter::Spent;
use super::mixed_sides::MixedSides;
use super::real_sides::RealSides;
use super::report::PredictionSummary;
use super::sides::Sides;
use super::task::Task;
use super::word_sides::WordSides;
use super::{Encrypted, Measure, MixedSession, Predictions, RealSession, RunError, Session, WordSession};
use crate::data::Samples;
use crate::recipe::{AnyRecipe, Sigmoid};
use crate::roles::Client;
use crate::twin::Twin;
use crate::words::{BitWords, DigitWords};

/// Predictions and what they took.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class of each sample, or its value in a series.
    pub predicted: Predictions,
    /// The summary for the report.
    pub summary: PredictionSummary,
}

impl PredictionSummary {
    /// What was predicted, and how well.
    #[must_use]
    pub fn described(&self) -> String {
        match (self.accuracy, self.mape) {
            (Some(accuracy), _) => format!("{} images, {:.2} % right", self.images, accuracy * 100.0),
            (None, Some(mape)) => format!("{} forecasts, MAPE {mape:.2} %", self.images),
            (None, None) => format!("{} images", self.images),
        }
    }

    /// One of what was predicted.
    #[must_use]
    pub fn each(&self) -> &'static str {
        if self.mape.is_some() { "a forecast" } else { "an image" }
    }
}

/// Classifies the test part, or its first 600 images, with the model the server holds, and compares with `twin`.
///
/// # Errors
/// If the server or the client stops.
pub fn predict_encrypted(
    session: &Session,
    both: &mut Encrypted,
    twin: &Twin,
) -> Result<Prediction, RunError> {
    after_training(session, both, twin)
}

/// Classifies the first images of the test part.
pub(super) fn after_training<S: Sides>(
    task: &S::Task,
    sides: &mut S,
    twin: &<S::Task as Task>::Twin,
) -> Result<Prediction, RunError> {
    let test = &task.data().test;
    let rows: Vec<usize> = (0..test.labels.len().min(S::AFTER_TRAINING)).collect();
    let (x, labels) = test.select(&rows);
    classify(task, sides, &Samples { x, labels, saturated: 0 }, twin)
}

fn classify<S: Sides>(
    task: &S::Task,
    sides: &mut S,
    samples: &Samples,
    twin: &<S::Task as Task>::Twin,
) -> Result<Prediction, RunError> {
    let batch = task.batch_size();
    let images = samples.labels.len();
    let last = task.widths().last().copied().unwrap_or(0);
    let mut outputs = Array2::<i64>::zeros((images, last));
    let mut expected = outputs.clone();
    let (mut spent, mut bytes) = (Spent::default(), 0u64);
    for (number, start) in (0..images).step_by(batch).enumerate() {
        let range = Slice::from(start..start + batch.min(images - start));
        let x = samples.x.slice_axis(Axis(0), range);
        let (found, crossed) = sides.query(number as u64, x, &mut spent)?;
        outputs.slice_axis_mut(Axis(0), range).assign(&found);
        expected.slice_axis_mut(Axis(0), range).assign(&sides.expected(twin, x)?);
        bytes += crossed;
    }
    let predicted = task.predictions(&outputs);
    let (score, measure) = (predicted.score(&samples.labels), predicted.measure());
    let per_image = |total: f64| total / images.max(1) as f64;
    let summary = PredictionSummary {
        images,
        accuracy: (measure == Measure::Accuracy).then_some(score),
        mape: (measure == Measure::Mape).then_some(score),
        twin_equal: task.agree(&outputs, &expected),
        seconds: spent.wall,
        core_seconds_per_image: per_image(spent.cpu),
        bytes_per_image: per_image(bytes as f64),
    };
    Ok(Prediction { predicted, summary })
}

/// Classifies the test part with the model and the keys of a run folder.
///
/// # Errors
/// If a file is missing or damaged, or a role stops.
pub fn predict(run: &Path, data_dir: Option<&Path>) -> Result<Prediction, RunError> {
    let folder = RunFolder::new(run);
    match folder.read_any_recipe()? {
        AnyRecipe::Refreshed(recipe) => {
            let session = Session::new(recipe, data_dir)?;
            let model = folder.read_model(&session.network, &session.recipe)?;
            let plan = session.plan()?;
            let client = Client::with_keys(&plan, model, folder.read_secret_keys(&plan)?);
            let keys = folder.read_evaluation_keys(&plan)?;
            let mut both = Encrypted::new(&plan, client, folder.server_with(&plan, &keys)?, &keys);
            let weights = both.client.encrypt_model()?;
            both.server.receive_model(&weights)?;
            predict_all(&session, &folder, &mut both)
        }
        AnyRecipe::Words(recipe) => {
            let task = WordSession::new(recipe, data_dir)?;
            match task.recipe.activation {
                Sigmoid::Circuit => {
                    predict_all(&task, &folder, &mut WordSides::<BitWords>::trained(&task, &folder)?)
                }
                Sigmoid::Table => {
                    predict_all(&task, &folder, &mut WordSides::<DigitWords>::trained(&task, &folder)?)
                }
            }
        }
        AnyRecipe::Mixed(recipe) => {
            let task = MixedSession::new(recipe, data_dir)?;
            predict_all(&task, &folder, &mut MixedSides::trained(&task, &folder)?)
        }
        AnyRecipe::Reals(recipe) => {
            let task = RealSession::new(recipe, data_dir)?;
            predict_all(&task, &folder, &mut RealSides::trained(&task, &folder)?)
        }
    }
}

fn predict_all<S: Sides>(task: &S::Task, folder: &RunFolder, sides: &mut S) -> Result<Prediction, RunError> {
    let twin = task.twin_of(sides.model(0)?);
    let data = task.data();
    let prediction = classify(task, sides, &data.test, &twin)?;
    folder.write_predictions(&data.classes, &prediction.predicted, &data.test.labels)?;
    Ok(prediction)
}
