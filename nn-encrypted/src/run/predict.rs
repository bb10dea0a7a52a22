//! Classification with a trained model: of rows that it has never seen, or of the test part of its training.

use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayRef2};

use super::bundle::Bundle;
use super::classify::{Prediction, classify, classify_alone};
use super::connect::{Connect, Here};
use super::digest::hex;
use super::encrypted::Encrypted;
use super::folder::PRIVATE_MODEL;
use super::measure::Predictions;
use super::sealed_keys::SealedKeys;
use super::session::Session;
use super::weights::{read_bundle, write_private};
use super::{RunError, RunFolder, Unlock};
use crate::data::{Further, Rows, Samples};
use crate::frozen;
use crate::model::Model;
use crate::roles::Client;

/// A model, and what is to be predicted with it.
///
/// ```no_run
/// use nn_encrypted::run::{Query, predict};
///
/// let model = Some("runs/wine/client/model.private.safetensors".into());
/// let prediction = predict(&Query { model, data: Some("new.csv".into()), ..Query::default() })?;
/// assert!(prediction.summary.twin_equal);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The folder of a finished run, with its keys.
    pub run: Option<PathBuf>,
    /// The file of a model, in place of a folder; keys are made for this one query.
    pub model: Option<PathBuf>,
    /// A table of rows, with labels or without; without it the test part of the training.
    pub data: Option<PathBuf>,
    /// The column of the table that names its rows.
    pub id: Option<String>,
    /// Where predictions go; beside the model without it.
    pub out: Option<PathBuf>,
    /// Where data sets are that are not embedded, for the test part.
    pub data_dir: Option<PathBuf>,
    /// The way to the passphrase of the secret keys of the run.
    pub unlock: Unlock,
}

/// Classifies rows with the model of a run folder or of a file, on ciphertexts and beside the twin, and writes what comes out: a line
/// for each row with its number or name, the class, the label if there is one, and a score of each class.
///
/// # Errors
/// If a file is missing, damaged or of another run, the table does not have the columns of the model, or a role stops;
/// [`RunError::Spent`] if the server deviated in training.
pub fn predict(query: &Query) -> Result<Prediction, RunError> {
    predict_with(query, &Here)
}

/// As [`predict`], with a server elsewhere.
pub(crate) fn predict_with(query: &Query, connect: &dyn Connect) -> Result<Prediction, RunError> {
    let folder = query.run.as_ref().map(|run| RunFolder::new(run).unlocked_by(&query.unlock));
    if let Some(folder) = &folder {
        let report = folder.read_sealed_report()?;
        if report.mode == "clear" {
            let what =
                "a training in the clear keeps no model; train with --mode simulate or encrypted".into();
            return Err(RunError::File { path: folder.root().to_owned(), what });
        }
        folder.refuse_spent(&report)?;
    }
    let path = match (&query.model, &folder) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.model(),
        (None, None) => PathBuf::from(PRIVATE_MODEL),
    };
    let Bundle { mut session, model, frozen, samples } = read_bundle(&path)?;
    let further = match &query.data {
        Some(table) => rows(&session, table, query.id.as_deref(), frozen.as_ref())?,
        None => {
            session = Session::new(session.recipe, query.data_dir.as_deref())?;
            if hex(&session.digest()) != samples {
                let what =
                    "is not the data that this model was trained on; classify it as new rows with --data"
                        .into();
                return Err(RunError::File { path: session.recipe.data.set.into(), what });
            }
            let (samples, notes) = (session.data.test.clone(), vec![]);
            Further { samples, ids: vec![], beyond: vec![], notes }
        }
    };
    let out = out(query, &path)?;
    let mut prediction = match &folder {
        Some(folder) if folder.has_secrets() => {
            with_keys(&session, folder, connect, model, &further.samples)?
        }
        _ => with_keys_of_its_own(&session, connect, model, &further.samples)?,
    };
    let table = predictions(&session, &further.samples, &further.ids, &prediction.outputs);
    write_private(&out, &table)?;
    prediction.quality = session.quality(&prediction.outputs, &further.samples);
    prediction.out = Some(out);
    prediction.notes.extend(notes(further));
    Ok(prediction)
}

/// Rows in memory as the network takes them, columns found by their names; words to a user beside.
pub(crate) fn samples_of(session: &Session, rows: &Rows) -> Result<(Samples, Vec<String>), RunError> {
    let apply = |data| match &session.recipe.data.frozen {
        Some(name) => frozen::features(data, name),
        None => Ok(data),
    };
    let further = session.data.intake.take(rows, apply)?;
    Ok((further.samples.clone(), notes(further)))
}

/// Rows of a table as the model takes them.
fn rows(
    session: &Session,
    table: &Path,
    id: Option<&str>,
    frozen: Option<&frozen::Frozen>,
) -> Result<Further, RunError> {
    let apply = |data| match (frozen, &session.recipe.data.frozen) {
        (Some(frozen), Some(name)) => frozen::features_of(data, name, frozen),
        _ => Ok(data),
    };
    Ok(session.data.intake.read(&session.recipe.data, table, id, apply)?)
}

/// Where predictions go: never into the table or the model they are made of.
fn out(query: &Query, model: &Path) -> Result<PathBuf, RunError> {
    let out = query.out.clone().unwrap_or_else(|| {
        let name = query.data.as_ref().and_then(|table| table.file_stem());
        let name = name.map_or_else(String::new, |stem| format!("{}-", stem.to_string_lossy()));
        model.with_file_name(format!("{name}predictions.csv"))
    });
    let place = |path: &Path| path.canonicalize().ok();
    let taken = [Some(model), query.data.as_deref()].into_iter().flatten();
    if place(&out).is_some() && taken.map(place).any(|taken| taken == place(&out)) {
        let what = "is read; predictions need another file".into();
        return Err(RunError::File { path: out, what });
    }
    Ok(out)
}

/// Words to a user on rows.
fn notes(further: Further) -> Vec<String> {
    let mut notes = further.notes;
    let saturated = further.samples.saturated;
    if !further.beyond.is_empty() {
        let counts = further.beyond.iter().map(|(name, count)| format!("{name} {count}"));
        notes.push(format!(
            "values beyond those that were trained on: {}; {saturated} of them are cut to the limit of the normalization. The model has \
             seen nothing like these rows",
            counts.collect::<Vec<_>>().join(", ")
        ));
    }
    notes
}

/// Classifies the test part of a session with the model and the keys of a run folder.
///
/// # Errors
/// As [`predict`].
pub fn predict_session(session: &Session, folder: &RunFolder) -> Result<Prediction, RunError> {
    folder.refuse_spent(&folder.read_sealed_report()?)?;
    let model = folder.read_model(&session.recipe, &session.network)?;
    with_keys(session, folder, &Here, model, &session.data.test)
}

fn with_keys(
    session: &Session,
    folder: &RunFolder,
    connect: &dyn Connect,
    model: Model,
    samples: &Samples,
) -> Result<Prediction, RunError> {
    let plan = session.plan()?;
    let client = folder.client_with(&plan, model.clone())?;
    let keys = folder.read_evaluation_keys(&plan)?;
    if session.keeps_weights() {
        // Damaged keys are named, though nothing is computed with them.
        folder.server_with(&plan, &keys)?;
        return classify_alone(session, samples, model);
    }
    let server = connect.connect(session, &plan, &keys, Some(folder))?;
    let mut both = Encrypted::new(&plan, client, server, keys.length());
    both.send_model()?;
    classify(session, &mut both, samples, &session.twin(model)?)
}

/// Classifies samples with the keys of a run folder, or keys of their own.
pub(crate) fn with_keys_of(
    session: &Session,
    connect: &dyn Connect,
    folder: Option<&Path>,
    model: Model,
    samples: &Samples,
) -> Result<Prediction, RunError> {
    match folder.map(RunFolder::new) {
        Some(folder) => {
            folder.refuse_spent(&folder.read_sealed_report()?)?;
            with_keys(session, &folder, connect, model, samples)
        }
        None => with_keys_of_its_own(session, connect, model, samples),
    }
}

fn with_keys_of_its_own(
    session: &Session,
    connect: &dyn Connect,
    model: Model,
    samples: &Samples,
) -> Result<Prediction, RunError> {
    if session.keeps_weights() {
        return classify_alone(session, samples, model);
    }
    let plan = session.plan()?;
    let client = Client::new(&plan, model.clone())?;
    let keys = SealedKeys::in_memory(client.evaluation_keys()?);
    let server = connect.connect(session, &plan, &keys, None)?;
    let mut both = Encrypted::new(&plan, client, server, keys.length());
    both.send_model()?;
    classify(session, &mut both, samples, &session.twin(model)?)
}

/// The table of predictions: the number or name of each row, its class with the label, if there is one, and a score of each class; of
/// measured values what is predicted and what was measured.
pub(super) fn predictions(
    session: &Session,
    samples: &Samples,
    ids: &[String],
    outputs: &ArrayRef2<f64>,
) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut line = |cells: Vec<String>| drop(writer.write_record(cells));
    let name = |row: usize| match ids.get(row) {
        Some(id) => id.clone(),
        None => samples.rows.get(row).map_or(row + 1, |number| *number).to_string(),
    };
    let header = if ids.is_empty() { "row" } else { "id" }.to_owned();
    match session.predictions(outputs) {
        Predictions::Classes(predicted) => {
            let classes = &session.data.classes;
            let scores: Array2<f64> = session.class_scores(outputs);
            let titles = classes.iter().map(|class| format!("score {class}"));
            let label = (!samples.labels.is_empty()).then(|| "label".to_owned());
            line([header, "predicted".to_owned()].into_iter().chain(label).chain(titles).collect());
            for (row, class) in predicted.iter().enumerate() {
                let label = samples.labels.get(row).map(|label| classes[*label].clone());
                let scores = scores.row(row).iter().map(|score| format!("{score:.6}")).collect::<Vec<_>>();
                line([name(row), classes[*class].clone()].into_iter().chain(label).chain(scores).collect());
            }
        }
        Predictions::Values(predicted) => {
            line(vec![header, "predicted".to_owned(), "measured".to_owned()]);
            for (row, value) in predicted.iter().enumerate() {
                let measured = samples.values.get(row).map_or_else(String::new, ToString::to_string);
                line(vec![name(row), value.to_string(), measured]);
            }
        }
    }
    writer.into_inner().unwrap_or_default()
}
