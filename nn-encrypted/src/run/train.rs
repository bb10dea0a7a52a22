//! Training in one of the three modes, from a recipe to a run folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::folder::RunFolder;
use super::measure::Scores;
use super::meter::{Spent, peak_memory};
use super::mixed_sides::MixedSides;
use super::progress::Progress;
use super::real_sides::RealSides;
use super::report::Report;
use super::sides::Sides;
use super::task::{Exact, Learner, Task};
use super::training::{Lock, train_encrypted};
use super::word_sides::WordSides;
use super::{Encrypted, MixedSession, Mode, RealSession, RunError, Session, WordSession};
use crate::mixed::backend;
use crate::recipe::{AnyRecipe, Scheme, Sigmoid};
use crate::words::{BitWords, DigitWords};

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
pub struct Outcome<M = ()> {
    /// The report.
    pub report: Report,
    /// Scores of the test part after each epoch, before training first: fractions that are right, or MAPE in percent.
    pub curve: Vec<f64>,
    /// The trained model.
    pub(super) model: Option<M>,
}

/// Trains a recipe and writes its folder.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops.
pub fn train(recipe: impl Into<AnyRecipe>, options: &Options) -> Result<Outcome, RunError> {
    let start = Instant::now();
    let folder = options.out.as_ref().map(RunFolder::new);
    if let Some(folder) = folder.as_ref().filter(|_| !options.resume) {
        folder.refuse_unfinished()?;
    }
    let data_dir = options.data_dir.as_deref();
    match recipe.into() {
        AnyRecipe::Refreshed(recipe) => {
            train_task::<Encrypted>(&Session::new(recipe, data_dir)?, options, start)
        }
        AnyRecipe::Words(recipe) => {
            let task = WordSession::new(recipe, data_dir)?;
            match task.recipe.activation {
                Sigmoid::Circuit => train_task::<WordSides<BitWords>>(&task, options, start),
                Sigmoid::Table => train_task::<WordSides<DigitWords>>(&task, options, start),
            }
        }
        AnyRecipe::Mixed(recipe) if backend(&recipe)? == Scheme::Tfhe => train(recipe.words(), options),
        AnyRecipe::Mixed(recipe) => {
            train_task::<MixedSides>(&MixedSession::new(recipe, data_dir)?, options, start)
        }
        AnyRecipe::Reals(recipe) => {
            train_task::<RealSides>(&RealSession::new(recipe, data_dir)?, options, start)
        }
    }
}

fn train_task<S: Sides>(task: &S::Task, options: &Options, start: Instant) -> Result<Outcome, RunError> {
    let folder = options.out.as_ref().map(RunFolder::new);
    // The lock is held until everything is written.
    let (mut outcome, mut lock) = match options.mode {
        Mode::Clear => (train_clear(task, options)?, None),
        Mode::Simulate => {
            S::check(task, options)?;
            (train_twin(task, options)?, None)
        }
        Mode::Encrypted => train_encrypted::<S>(task, options, start)?,
    };
    if options.mode != Mode::Encrypted {
        outcome.report.seconds.total = start.elapsed().as_secs_f64();
        // Nothing of the folder was needed before.
        lock = folder.as_ref().map(|folder| Lock::new(folder, false)).transpose()?;
        folder.as_ref().map_or(Ok(()), |folder| folder.begin_with(&task.toml()?))?;
    }
    outcome.report.peak_memory_bytes = outcome.report.peak_memory_bytes.max(peak_memory());
    folder.map_or(Ok(()), |folder| write_results(&folder, task, &outcome))?;
    drop(lock);
    Ok(Outcome { report: outcome.report, curve: outcome.curve, model: None })
}

/// Writes what a run ends with; the report last, since it says that the run is finished.
pub(super) fn write_results<T: Task>(
    folder: &RunFolder,
    task: &T,
    outcome: &Outcome<T::Model>,
) -> Result<(), RunError> {
    let data = task.data();
    let widths: Vec<String> = task.widths().iter().map(ToString::to_string).collect();
    let mode = &outcome.report.mode;
    let title = format!("{} on {}, {}, {mode}", task.name(), data.name, widths.join("-"));
    folder.write_curve(&title, task.measure(), &outcome.curve)?;
    if let Some(model) = &outcome.model {
        folder.write_weights(model)?;
        let outputs = task.twin_of(model.clone()).exact_outputs(&data.test.x)?;
        folder.write_predictions(&data.classes, &task.predictions(&outputs), &data.test.labels)?;
    }
    folder.write_report(&outcome.report)?;
    folder.remove_generations()
}

/// Scores of the test part of the same training in floating point: before it and after each epoch.
pub(super) fn clear_curve<T: Task>(task: &T, steps: usize) -> Result<Vec<f64>, RunError> {
    let mut net = task.floating();
    let mut curve = vec![net.score(&task.data().test)?];
    for (step, batch) in task.batches().schedule(0).take(steps).enumerate() {
        let (x, labels) = task.samples_of(batch);
        net.learn(&x, &labels)?;
        if task.ends_epoch(step + 1, steps) {
            curve.push(net.score(&task.data().test)?);
        }
    }
    Ok(curve)
}

pub(super) fn train_clear<T: Task>(task: &T, options: &Options) -> Result<Outcome<T::Model>, RunError> {
    let steps = task.total_steps(options.steps);
    let curve = clear_curve(task, steps)?;
    let mut report = task.report(Mode::Clear);
    report.steps = steps as u64;
    report.accuracy = Scores { clear: curve.last().copied(), ..Scores::default() }.report(task, None);
    Ok(Outcome { report, curve, model: None })
}

pub(super) fn train_twin<T: Task>(task: &T, options: &Options) -> Result<Outcome<T::Model>, RunError> {
    let mut twin = task.twin_of(task.first_model());
    let steps = task.total_steps(options.steps);
    let mut curve = vec![twin.score(&task.data().test)?];
    let mut progress = Progress::new(steps as u64, 0);
    let mut spent = Spent::default();
    for (step, batch) in task.batches().schedule(0).take(steps).enumerate() {
        let (x, labels) = task.samples_of(batch);
        spent.on(|| twin.learn(&x, &labels))?;
        if !options.quiet {
            progress.step();
        }
        if task.ends_epoch(step + 1, steps) {
            after_epoch(task, &twin, step + 1, &mut curve, &mut progress, options.quiet)?;
        }
    }
    progress.finish();
    let mut report = task.report(Mode::Simulate);
    report.steps = steps as u64;
    let clear = clear_curve(task, steps)?.last().copied();
    let scores = Scores { twin: curve.last().copied(), clear, ..Scores::default() };
    let predicted = task.predictions(&twin.exact_outputs(&task.data().test.x)?);
    report.accuracy = scores.report(task, Some(&predicted));
    report.ranges = twin.ranges();
    report.seconds.step_median = Some(spent.wall / steps.max(1) as f64);
    report.traffic.saturations = twin.out_of_range();
    Ok(Outcome { report, curve, model: Some(twin.state().clone()) })
}

/// After an epoch, and after the very last step: the score of the test part.
pub(super) fn after_epoch<T: Task>(
    task: &T,
    model: &T::Twin,
    done: usize,
    curve: &mut Vec<f64>,
    progress: &mut Progress,
    quiet: bool,
) -> Result<(), RunError> {
    let score = model.score(&task.data().test)?;
    curve.push(score);
    if !quiet {
        let number = done.div_ceil(task.batches().count());
        let measure = task.measure();
        progress.note(format!("epoch {number}: test {} {:.2} %", measure.name(), measure.percent(score)));
    }
    Ok(())
}
