//! The study of a paper: a recipe over data sets and depths, in floating point, by the twin, and for a few steps on
//! ciphertexts.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::RunError;
use super::compare::compare;
use super::encrypted::Encrypted;
use super::measure::Predictions;
use super::session::{Session, batches};
use crate::clear::Logistic;
use crate::data::{self, Normalization, Samples, TestPart};
use crate::meter::Spent;
use crate::metrics;
use crate::recipe::Recipe;
use crate::roles::Client;
use crate::twin::Twin;

/// The scope of a study.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Name or path of the recipe; it needs a variant `hidden1`, `hidden2`, ... for each depth.
    pub recipe: String,
    /// The data sets.
    pub sets: Vec<String>,
    /// Numbers of hidden layers.
    pub hidden: Vec<usize>,
    /// Splits and initial weights to average over.
    pub seeds: u64,
    /// Training steps on ciphertexts; 0 for none.
    pub steps: usize,
    /// Scores on a quarter of the training part, which is not trained on then; for choosing settings.
    pub validate: bool,
    /// Further settings of the recipe.
    pub settings: Vec<String>,
}

/// Accuracies averaged over seeds, as fractions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// The part that is right.
    pub accuracy: f64,
    /// The mean over classes of the part that is right.
    pub balanced: f64,
}

/// A few steps on ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// How many.
    pub steps: usize,
    /// Wall-clock seconds, all of them.
    pub seconds: f64,
    /// Ciphertexts refreshed, all steps.
    pub refreshes: u64,
    /// Bytes that crossed in both directions, all steps.
    pub bytes: u64,
    /// Whether the model equals the twin's, bit for bit.
    pub equal: bool,
}

/// One data set at one depth.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The data set.
    pub set: String,
    /// Hidden layers.
    pub hidden: usize,
    /// Widths from the features to the classes.
    pub widths: Vec<usize>,
    /// The part of the most frequent class in the test parts.
    pub majority: f64,
    /// Of logistic regression in the clear.
    pub logistic: Score,
    /// Of the network in floating point.
    pub clear: Score,
    /// Of the network on integers.
    pub twin: Score,
    /// Times of the steps on ciphertexts.
    pub encrypted: Option<Steps>,
}

/// All cells of a scope, one after the other; `say` is told what is done.
///
/// # Errors
/// If a recipe or a data set cannot be used, or a role stops.
pub fn study(
    scope: &Scope,
    data_dir: Option<&Path>,
    mut say: impl FnMut(&str),
) -> Result<Vec<Cell>, RunError> {
    let mut cells = Vec::new();
    for set in &scope.sets {
        for &hidden in &scope.hidden {
            let all = scope.sets.len() * scope.hidden.len();
            say(&format!("{}/{all}: {set}, {hidden} hidden", cells.len() + 1));
            cells.push(cell(scope, set, hidden, data_dir)?);
        }
    }
    Ok(cells)
}

fn cell(scope: &Scope, set: &str, hidden: usize, data_dir: Option<&Path>) -> Result<Cell, RunError> {
    let mut settings = vec![format!("data.set={set}"), format!("variant=hidden{hidden}")];
    settings.extend(scope.settings.iter().cloned());
    let recipe = Recipe::load(&scope.recipe, &settings)?;
    let run = |seed: u64| {
        let session = session(&recipe, seed, scope.validate, data_dir)?;
        let logistic = logistic(&session, scope.validate, data_dir)?;
        let clear = clear(&session)?;
        let twin = twin(&session)?;
        Ok::<_, RunError>((metrics::majority_share(&session.data.test.labels), [logistic, clear, twin]))
    };
    let seeds: Vec<u64> = (0..scope.seeds).map(|seed| recipe.seed + seed).collect();
    let runs = seeds.into_par_iter().map(run).collect::<Result<Vec<_>, _>>()?;
    let score = |place: usize| Score {
        accuracy: mean(runs.iter().map(|(_, scores)| scores[place].accuracy)),
        balanced: mean(runs.iter().map(|(_, scores)| scores[place].balanced)),
    };
    let session = session(&recipe, recipe.seed, false, data_dir)?;
    let encrypted = if scope.steps > 0 { Some(encrypted(&session, scope.steps)?) } else { None };
    Ok(Cell {
        set: session.data.name.clone(),
        hidden,
        widths: session.network.widths(),
        majority: mean(runs.iter().map(|(majority, _)| *majority)),
        logistic: score(0),
        clear: score(1),
        twin: score(2),
        encrypted,
    })
}

/// 0 of nothing.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// The session of a seed; for `validate` its test part is a quarter of the training part.
fn session(recipe: &Recipe, seed: u64, validate: bool, data_dir: Option<&Path>) -> Result<Session, RunError> {
    let mut session = Session::new(Recipe { seed, ..recipe.clone() }, data_dir)?;
    if validate {
        let (rows, labels) = (session.data.train.count(), session.data.train.labels.clone());
        let table = data::Dataset {
            name: session.data.name.clone(),
            schema: session.data.intake.schema.clone(),
            table: data::Table::of(0, (0..rows).map(|_| [])),
            labels,
            ..data::Dataset::default()
        };
        let parts = data::split(&table, &TestPart::Fraction(0.25), true, seed)?;
        let part = |rows: &[usize]| {
            let (x, labels) = session.data.train.select(rows);
            Samples { x, labels, values: vec![], rows: vec![], saturated: 0 }
        };
        let (train, test) = (part(&parts.train), part(&parts.test));
        (session.data.train, session.data.test) = (train, test);
        session.batches = batches(&session.recipe, &session.data)?;
    }
    Ok(session)
}

fn score(session: &Session, predicted: &[usize]) -> Score {
    Score {
        accuracy: metrics::accuracy(predicted, &session.data.test.labels),
        balanced: session.balanced(predicted),
    }
}

/// Logistic regression on the same rows, repeated as the network's are, with standardized features of full precision.
fn logistic(network: &Session, validate: bool, data_dir: Option<&Path>) -> Result<Score, RunError> {
    const LIMIT: f64 = 1024.0;
    const BITS: u32 = 16;
    let mut recipe = network.recipe.clone();
    recipe.data.normalize = Normalization::Standardize { scale: 1.0, limit: LIMIT };
    recipe.numbers.input_bits = BITS;
    let session = session(&recipe, recipe.seed, validate, data_dir)?;
    let real = |x: &ndarray::Array2<i32>| x.mapv(|v| f64::from(v) / f64::from(1_u32 << BITS));
    let rows: Vec<usize> =
        (0..session.batches.count()).flat_map(|batch| session.batches.rows(batch)).copied().collect();
    let (x, labels) = session.data.train.select(&rows);
    let model = Logistic::fit(&real(&x), &labels, session.data.classes.len());
    Ok(score(&session, &model.predict(&real(&session.data.test.x))))
}

fn clear(session: &Session) -> Result<Score, RunError> {
    let mut net = session.clear()?;
    for batch in session.batches.schedule(0).take(session.steps(None)) {
        let (x, targets) = session.hard_batch(batch)?;
        net.step(&x, &targets)?;
    }
    let outputs = net.outputs(&session.features(&session.data.test.x))?;
    Ok(classes(session, &session.predictions(&outputs)))
}

fn twin(session: &Session) -> Result<Score, RunError> {
    let mut twin = trained(session)?;
    Ok(classes(session, &session.predicted(&mut twin, &session.data.test)?))
}

/// The twin at the end of its training.
pub(super) fn trained(session: &Session) -> Result<Twin, RunError> {
    let mut twin = session.twin(session.first.clone())?;
    for batch in session.batches.schedule(0).take(session.steps(None)) {
        let (x, targets) = session.batch(batch)?;
        twin.step(&x, &targets)?;
    }
    Ok(twin)
}

/// The score of predictions of the test part; 0 of a series.
fn classes(session: &Session, predicted: &Predictions) -> Score {
    match predicted {
        Predictions::Classes(predicted) => score(session, predicted),
        Predictions::Values(_) => Score::default(),
    }
}

/// The first steps of the training on ciphertexts, beside the twin's.
fn encrypted(session: &Session, steps: usize) -> Result<Steps, RunError> {
    let plan = session.plan()?;
    let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone())?)?;
    let mut twin = session.twin(session.first.clone())?;
    let mut spent = Spent::default();
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        both.send(session, batch)?;
        spent.on(|| both.step(session, step as u64, batch, &Arc::default()))?;
        both.tell(&mut twin)?;
        let (x, targets) = session.batch(batch)?;
        twin.step(&x, &targets)?;
    }
    let model = both.model(steps as u64)?;
    Ok(Steps {
        steps,
        seconds: spent.wall,
        refreshes: both.client.counts().refreshed,
        bytes: both.traffic.to_server + both.traffic.to_client,
        equal: compare(&model, twin.model(), session.tolerance()?).equal == Some(true),
    })
}
