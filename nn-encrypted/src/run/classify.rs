//! Encrypted classification beside the twin's.

use std::path::PathBuf;

use ndarray::{Array2, ArrayRef2, Axis, Slice};

use super::RunError;
use super::encrypted::Encrypted;
use super::measure::{Measure, Predictions};
use super::quality::Quality;
use super::session::Session;
use super::summary::PredictionSummary;
use crate::data::Samples;
use crate::meter::Spent;
use crate::model::Model;
use crate::plan::Tolerance;
use crate::twin::Twin;

/// Predictions and what they took.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::Session;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// let session = Session::new(recipe, None)?;
/// use nn_encrypted::roles::Client;
/// use nn_encrypted::run::{Encrypted, Prediction, predict_encrypted};
///
/// let plan = session.plan()?;
/// let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone())?)?;
/// let twin = session.twin(session.first.clone())?;
/// let prediction: Prediction = predict_encrypted(&session, &mut both, &twin)?;
/// assert!(prediction.summary.twin_equal);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class of each sample, or its measured value.
    pub predicted: Predictions,
    /// The decrypted outputs, a row for each sample.
    pub outputs: Array2<f64>,
    /// The summary for the report.
    pub summary: PredictionSummary,
    /// How good classes are, where rows have labels and were asked for by [`predict`](fn@super::predict).
    pub quality: Option<Quality>,
    /// The file of the predictions, if there is one.
    pub out: Option<PathBuf>,
    /// Notes to a user on the rows.
    pub notes: Vec<String>,
}

/// Test images that are classified at the end of a training, at most.
const AFTER_TRAINING: usize = 600;

/// Classifies the first images of the test part: up to 600, or where a lookup table is needed for each neuron up to a mini-batch.
///
/// # Errors
/// If the server or the client stops.
pub fn predict_encrypted(
    session: &Session,
    both: &mut Encrypted,
    twin: &Twin,
) -> Result<Prediction, RunError> {
    classify(session, both, &session.data.test.first(after_training(session)), twin)
}

/// How many images are classified after a training.
pub(super) fn after_training(session: &Session) -> usize {
    let tables = session.recipe.layers.iter().any(|layer| layer.scheme.looks_up());
    let most = if tables { session.recipe.optimizer.batch_size } else { AFTER_TRAINING };
    most.min(session.data.test.count())
}

/// Classifies samples, mini-batch by mini-batch.
pub(super) fn classify(
    session: &Session,
    both: &mut Encrypted,
    samples: &Samples,
    twin: &Twin,
) -> Result<Prediction, RunError> {
    let (batch, images) = (session.recipe.optimizer.batch_size, samples.count());
    let features = session.features(&samples.x);
    let mut outputs = Array2::<f64>::zeros((images, session.data.outputs));
    let mut expected = outputs.clone();
    let (mut spent, mut bytes) = (Spent::default(), 0u64);
    for (number, start) in (0..images).step_by(batch).enumerate() {
        let range = Slice::from(start..start + batch.min(images - start));
        let x = features.slice_axis(Axis(0), range);
        let (found, crossed) = both.query(number as u64, x, &mut spent)?;
        let mut own = twin.clone();
        both.tell(&mut own)?;
        outputs.slice_axis_mut(Axis(0), range).assign(&found);
        expected.slice_axis_mut(Axis(0), range).assign(&own.outputs(&x)?);
        bytes += crossed;
    }
    let predicted = session.predictions(&outputs);
    let twin_equal = agree(&outputs, &expected, session.tolerance()?);
    let summary = PredictionSummary { twin_equal, ..summary(session, samples, &predicted, &spent, bytes) };
    Ok(Prediction { predicted, outputs, summary, quality: None, out: None, notes: vec![] })
}

/// Classifies samples where the weights are, in the clear: no message is made.
pub(super) fn classify_alone(
    session: &Session,
    samples: &Samples,
    model: Model,
) -> Result<Prediction, RunError> {
    let (mut twin, mut spent) = (session.twin(model)?, Spent::default());
    let outputs = spent.on(|| session.outputs(&mut twin, samples))?;
    let note = "classified in the clear by the owner of the key: weights that nothing refreshes have no level left for it";
    let notes = vec![note.to_owned()];
    let summary = summary(session, samples, &session.predictions(&outputs), &spent, 0);
    Ok(Prediction {
        predicted: session.predictions(&outputs),
        outputs,
        summary,
        quality: None,
        out: None,
        notes,
    })
}

/// Summary of predictions that are the twin's.
fn summary(
    session: &Session,
    samples: &Samples,
    predicted: &Predictions,
    spent: &Spent,
    bytes: u64,
) -> PredictionSummary {
    let images = samples.count();
    let labelled = samples.labels.len() + samples.values.len() > 0;
    let score = |of: Measure| (labelled && session.measure() == of).then(|| predicted.score(samples, of));
    let per_image = |total: f64| total / images.max(1) as f64;
    PredictionSummary {
        images,
        accuracy: score(Measure::Accuracy),
        mape: score(Measure::Mape),
        r_squared: score(Measure::RSquared),
        twin_equal: true,
        seconds: spent.wall,
        core_seconds_per_image: per_image(spent.cpu),
        bytes_per_image: per_image(bytes as f64),
    }
}

/// Whether outputs are the twin's: bit for bit, or within a tolerance.
fn agree(found: &ArrayRef2<f64>, expected: &ArrayRef2<f64>, tolerance: Option<Tolerance>) -> bool {
    let most = tolerance.map_or(0.0, |tolerance| tolerance.outputs);
    found.dim() == expected.dim() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= most)
}
