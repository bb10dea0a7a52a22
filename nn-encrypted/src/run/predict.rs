//! Encrypted classification with a trained model.

use std::path::Path;

use ndarray::{Array2, Axis, Slice};

use super::folder::RunFolder;
use super::link::LocalLink;
use super::meter::Spent;
use super::report::PredictionSummary;
use super::{Encrypted, RunError, Session, Traffic};
use crate::data::Samples;
use crate::metrics;
use crate::roles::{Client, Server};
use crate::twin::Twin;

/// Predictions and what they took.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class of each sample.
    pub classes: Vec<usize>,
    /// The summary for the report.
    pub summary: PredictionSummary,
}

/// Test images that a training run classifies at its end; `predict` classifies all.
const AFTER_TRAINING: usize = 600;

/// Classifies the test part, or its first 600 images, with the model the server holds, and compares with `twin`.
///
/// # Errors
/// If the server or the client stops.
pub fn predict_encrypted(
    session: &Session,
    both: &mut Encrypted,
    twin: &Twin,
) -> Result<Prediction, RunError> {
    let Encrypted { client, server, .. } = both;
    let rows: Vec<usize> = (0..session.data.test.labels.len().min(AFTER_TRAINING)).collect();
    let (x, labels) = session.data.test.select(&rows);
    classify(session, client, server, &Samples { x, labels, saturated: 0 }, twin)
}

fn classify(
    session: &Session,
    client: &mut Client,
    server: &mut Server,
    samples: &Samples,
    twin: &Twin,
) -> Result<Prediction, RunError> {
    let batch = session.recipe.optimizer.batch_size;
    let images = samples.labels.len();
    let last = session.network.widths().last().copied().unwrap_or(0);
    let mut outputs = Array2::<i64>::zeros((images, last));
    let mut traffic = Traffic::default();
    let (mut spent, mut bytes) = (Spent::default(), 0u64);
    for (number, start) in (0..images).step_by(batch).enumerate() {
        let rows = batch.min(images - start);
        let range = Slice::from(start..start + rows);
        let x = samples.x.slice_axis(Axis(0), range);
        let query = client.encrypt_query(number as u64, x)?;
        bytes += query.len() as u64;
        let found = spent.on(|| -> Result<Array2<i64>, RunError> {
            let mut link = LocalLink { client: &mut *client, traffic: &mut traffic };
            let answer = server.predict(number as u64, &query, &mut link)?;
            traffic.to_client += answer.len() as u64;
            Ok(client.read_outputs(&answer)?)
        })?;
        outputs.slice_axis_mut(Axis(0), range).assign(&found);
    }
    let classes: Vec<usize> = outputs.rows().into_iter().map(metrics::argmax).collect();
    let per_image = |total: f64| total / images.max(1) as f64;
    let summary = PredictionSummary {
        images,
        accuracy: metrics::accuracy(&classes, &samples.labels),
        twin_equal: outputs == twin.outputs(&samples.x)?,
        seconds: spent.wall,
        core_seconds_per_image: per_image(spent.cpu),
        bytes_per_image: per_image((bytes + traffic.to_client + traffic.to_server) as f64),
    };
    Ok(Prediction { classes, summary })
}

/// Classifies the test part with the model and the keys of a run folder.
///
/// # Errors
/// If a file is missing or damaged, or a role stops.
pub fn predict(run: &Path, data_dir: Option<&Path>) -> Result<Prediction, RunError> {
    let folder = RunFolder::new(run);
    let session = Session::new(folder.read_recipe()?, data_dir)?;
    let model = folder.read_model(&session.network, &session.recipe)?;
    let plan = session.plan()?;
    let mut client = Client::with_keys(&plan, model.clone(), folder.read_secret_keys(&plan)?);
    let mut server = folder.server_with(&plan, &folder.read_evaluation_keys(&plan)?)?;
    server.receive_model(&client.encrypt_model()?)?;
    let twin = Twin::with_model(&session.recipe, &session.network, model);
    let prediction = classify(&session, &mut client, &mut server, &session.data.test, &twin)?;
    folder.write_predictions(&session.data.classes, &prediction.classes, &session.data.test.labels)?;
    Ok(prediction)
}
