//! Training in one of the three modes, from a recipe to a run folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::folder::RunFolder;
use super::meter::{Spent, host, peak_memory};
use super::progress::Progress;
use super::report::{
    Accuracy, CoreSeconds, DataSummary, EncryptedParts, Report, SCHEMA, Seconds, TrafficSummary, TwinSummary,
};
use super::training::{Lock, train_encrypted};
use super::{Mode, RunError};
use crate::clear::Clear;
use crate::data::{self, Batches, Prepared};
use crate::metrics;
use crate::plan::Plan;
use crate::recipe::{Model, Network, Recipe, RecipeError};
use crate::twin::Twin;

/// What the command line adds to a recipe.
#[derive(Clone, Debug, Default)]
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
    /// Go on from the newest checkpoint in `out`, if there is one; for encrypted runs.
    pub resume: bool,
    /// Time between two checkpoints of an encrypted run; a minute without it. There is one at the end of each epoch
    /// as well.
    pub checkpoint_every: Option<Duration>,
    /// Set from outside to stop an encrypted run after the step it is in.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// Says something on the way.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Test accuracies after each epoch, before training first.
    pub curve: Vec<f64>,
    /// The trained model.
    pub model: Option<Model>,
}

/// Recipe, data and network of a run.
pub struct Session {
    /// The recipe.
    pub recipe: Recipe,
    /// The data as integers.
    pub data: Prepared,
    /// The network with its scales.
    pub network: Network,
    /// The mini-batches.
    pub batches: Batches,
}

impl Session {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used.
    pub fn new(recipe: Recipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        let data = data::prepare(&recipe, data_dir)?;
        let network = recipe.network(data.features.len(), data.classes.len())?;
        let batches = Batches::of(&recipe, &data.train.labels);
        let (batch, samples) = (recipe.optimizer.batch_size, batches.samples());
        if batch > samples {
            let field = "optimizer.batch_size".to_owned();
            let what = format!("{batch}; at most {samples}, the number of training samples, is needed");
            return Err(RecipeError::Field { field, what }.into());
        }
        Ok(Self { recipe, data, network, batches })
    }

    /// The plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Arc<Plan>, RunError> {
        Ok(Arc::new(Plan::new(&self.recipe, &self.network, i64::from(self.data.bound))?))
    }

    /// The weights to start from.
    pub fn initial(&self) -> Model {
        Model::initial(&self.recipe, &self.network, self.recipe.seed)
    }

    /// Number of training steps.
    pub fn steps(&self, limit: Option<usize>) -> usize {
        let all = self.batches.count().saturating_mul(self.recipe.optimizer.epochs);
        limit.map_or(all, |limit| limit.min(all))
    }

    /// Whether an epoch, or the run of `steps` steps, ends when `done` steps are done.
    pub(super) fn ends_epoch(&self, done: usize, steps: usize) -> bool {
        done.is_multiple_of(self.batches.count()) || done == steps
    }

    /// Digest of all samples, as integers.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted samples v1");
        for part in [&self.data.train, &self.data.test] {
            hasher.update(&(part.labels.len() as u64).to_le_bytes());
            part.x.iter().for_each(|value| {
                hasher.update(&value.to_le_bytes());
            });
            part.labels.iter().for_each(|label| {
                hasher.update(&(*label as u64).to_le_bytes());
            });
        }
        *hasher.finalize().as_bytes()
    }

    /// The balanced accuracy of predictions of the test part.
    pub(super) fn balanced(&self, predicted: &[usize]) -> f64 {
        metrics::balanced_accuracy(predicted, &self.data.test.labels, self.data.classes.len())
    }

    pub(super) fn twin(&self, model: Model) -> Twin {
        Twin::with_model(&self.recipe, &self.network, model)
    }

    pub(super) fn report(&self, mode: Mode) -> Report {
        Report {
            schema: SCHEMA,
            recipe: self.recipe.name.clone(),
            mode: format!("{mode:?}").to_lowercase(),
            data: DataSummary {
                name: self.data.name.clone(),
                train: self.data.train.labels.len(),
                test: self.data.test.labels.len(),
                features: self.data.features.len(),
                classes: self.data.classes.len(),
            },
            network: self.network.widths(),
            schemes: vec![],
            encrypted: EncryptedParts::default(),
            steps: 0,
            accuracy: Accuracy::default(),
            twin: TwinSummary::default(),
            seconds: Seconds::default(),
            core_seconds_per_image: None,
            core_seconds: CoreSeconds::default(),
            traffic: TrafficSummary::default(),
            prediction: None,
            bootstraps: super::report::Bootstraps::default(),
            switches: 0,
            key_bytes: 0,
            peak_memory_bytes: None,
            threads: rayon::current_num_threads(),
            host: host(),
        }
    }
}

/// Trains a recipe and writes its folder.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops.
pub fn train(recipe: Recipe, options: &Options) -> Result<Outcome, RunError> {
    let start = Instant::now();
    let folder = options.out.as_ref().map(RunFolder::new);
    if let Some(folder) = folder.as_ref().filter(|_| !options.resume) {
        folder.refuse_unfinished()?;
    }
    let session = Session::new(recipe, options.data_dir.as_deref())?;
    // The lock is held until everything is written.
    let (mut outcome, mut lock) = match options.mode {
        Mode::Clear => (train_clear(&session, options), None),
        Mode::Simulate => (train_twin(&session, options)?, None),
        Mode::Encrypted => train_encrypted(&session, options, start)?,
    };
    if options.mode != Mode::Encrypted {
        outcome.report.seconds.total = start.elapsed().as_secs_f64();
        // Nothing of the folder was needed before.
        lock = folder.as_ref().map(|folder| Lock::new(folder, false)).transpose()?;
        folder.as_ref().map_or(Ok(()), |folder| folder.begin(&session.recipe))?;
    }
    outcome.report.peak_memory_bytes = outcome.report.peak_memory_bytes.max(peak_memory());
    folder.map_or(Ok(()), |folder| write_results(&folder, &session, &outcome))?;
    drop(lock);
    Ok(outcome)
}

/// Writes what a run ends with; the report last, since it says that the run is finished.
fn write_results(folder: &RunFolder, session: &Session, outcome: &Outcome) -> Result<(), RunError> {
    let Session { recipe, data, network, .. } = session;
    let widths: Vec<String> = network.widths().iter().map(ToString::to_string).collect();
    let mode = &outcome.report.mode;
    let title = format!("{} on {}, {}, {mode}", recipe.name, data.name, widths.join("-"));
    folder.write_curve(&title, &outcome.curve)?;
    if let Some(model) = &outcome.model {
        folder.write_model(model)?;
        let predicted = session.twin(model.clone()).predict(&data.test.x)?;
        folder.write_predictions(&data.classes, &predicted, &data.test.labels)?;
    }
    folder.write_report(&outcome.report)?;
    folder.remove_generations()
}

/// Test accuracies of the same training in floating point, with the recipe's polynomials: before it and after each
/// epoch.
pub(super) fn clear_curve(session: &Session, steps: usize) -> Vec<f64> {
    let mut net = Clear::new(&session.recipe, &session.network, session.recipe.seed);
    let mut curve = vec![net.accuracy(&session.data.test)];
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        net.step(&x, &labels);
        if session.ends_epoch(step + 1, steps) {
            curve.push(net.accuracy(&session.data.test));
        }
    }
    curve
}

fn train_clear(session: &Session, options: &Options) -> Outcome {
    let steps = session.steps(options.steps);
    let curve = clear_curve(session, steps);
    let mut report = session.report(Mode::Clear);
    report.steps = steps as u64;
    report.accuracy.clear_test = curve.last().copied();
    Outcome { report, curve, model: None }
}

fn train_twin(session: &Session, options: &Options) -> Result<Outcome, RunError> {
    let mut twin = session.twin(session.initial());
    let steps = session.steps(options.steps);
    let mut curve = vec![twin.accuracy(&session.data.test)?];
    let mut progress = Progress::new(steps as u64, 0);
    let mut spent = Spent::default();
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        spent.on(|| twin.step(&x, &labels))?;
        if !options.quiet {
            progress.step();
        }
        if session.ends_epoch(step + 1, steps) {
            after_epoch(session, &twin, step + 1, &mut curve, &mut progress, options.quiet)?;
        }
    }
    progress.finish();
    let mut report = session.report(Mode::Simulate);
    report.steps = steps as u64;
    report.accuracy.twin_test = curve.last().copied();
    report.accuracy.clear_test = clear_curve(session, steps).last().copied();
    report.accuracy.balanced_test = Some(session.balanced(&twin.predict(&session.data.test.x)?));
    report.accuracy.majority_test = Some(metrics::majority_share(&session.data.test.labels));
    report.seconds.step_median = Some(spent.wall / steps.max(1) as f64);
    report.traffic.saturations = twin.saturations();
    Ok(Outcome { report, curve, model: Some(twin.model().clone()) })
}

/// After an epoch, and after the very last step: the accuracy on the test part.
pub(super) fn after_epoch(
    session: &Session,
    model: &Twin,
    done: usize,
    curve: &mut Vec<f64>,
    progress: &mut Progress,
    quiet: bool,
) -> Result<(), RunError> {
    let accuracy = model.accuracy(&session.data.test)?;
    curve.push(accuracy);
    if !quiet {
        let number = done.div_ceil(session.batches.count());
        progress.note(format!("epoch {number}: test accuracy {:.2} %", accuracy * 100.0));
    }
    Ok(())
}
