//! Classification with the trained model of a run folder.

use std::path::Path;

use super::classify::{Prediction, classify};
use super::encrypted::Encrypted;
use super::session::Session;
use super::{RunError, RunFolder};

/// Classifies the test part with the model and the keys of a run folder.
///
/// # Errors
/// If a file is missing, damaged or of another run, or a role stops; [`RunError::Spent`] if the server deviated in training.
pub fn predict(run: &Path, data_dir: Option<&Path>) -> Result<Prediction, RunError> {
    let folder = RunFolder::new(run);
    let recipe = folder.read_recipe()?;
    folder.refuse_spent(&folder.read_sealed_report()?)?;
    predicted(&Session::new(recipe, data_dir)?, &folder)
}

/// Classifies the test part of a session.
///
/// # Errors
/// As [`predict`].
pub fn predict_session(session: &Session, folder: &RunFolder) -> Result<Prediction, RunError> {
    folder.refuse_spent(&folder.read_sealed_report()?)?;
    predicted(session, folder)
}

fn predicted(session: &Session, folder: &RunFolder) -> Result<Prediction, RunError> {
    let model = folder.read_model(&session.recipe, &session.network)?;
    let plan = session.plan()?;
    let client = folder.client_with(&plan, model.clone())?;
    let keys = folder.read_evaluation_keys(&plan)?;
    let mut both = Encrypted::new(&plan, client, folder.server_with(&plan, &keys)?, &keys);
    let weights = both.client.encrypt_model(0)?;
    both.server.receive_model(0, weights)?;
    let twin = session.twin(model)?;
    let data = &session.data;
    let prediction = classify(session, &mut both, &data.test, &twin)?;
    folder.write_predictions(&data.classes, &prediction.predicted, &data.test.labels)?;
    Ok(prediction)
}
