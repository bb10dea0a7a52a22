//! Training in one of the three modes, from a recipe to a run folder.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::audit::check_share;
use super::calibrate::calibrated;
use super::connect::{Connect, Here};
use super::epoch::after_epoch;
use super::findings::Findings;
use super::folder::RunFolder;
use super::lock::Lock;
#[cfg(feature = "cli")]
use super::page::page;
use super::predict::predictions;
use super::progress::Progress;
use super::scores::Scores;
use super::session::Session;
use super::training::train_encrypted;
use super::{Mode, Options, Outcome, RunError};
use crate::meter::{Spent, peak_memory};
use crate::model::Model;
use crate::recipe::Recipe;

/// Trains a recipe and writes its folder.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops.
pub fn train(recipe: Recipe, options: &Options) -> Result<Outcome, RunError> {
    train_with(recipe, options, &Here)
}

/// As [`train`], with a server elsewhere.
pub(crate) fn train_with(
    recipe: Recipe,
    options: &Options,
    connect: &dyn Connect,
) -> Result<Outcome, RunError> {
    let start = Instant::now();
    if let Some(out) = options.out.as_ref().filter(|_| !options.resume) {
        RunFolder::new(out).refuse_run(options.overwrite)?;
    }
    let job = options.out.as_ref().map(|out| RunFolder::new(out).job()).transpose()?.flatten();
    let mut session = match &job {
        Some(_) if options.mode != Mode::Encrypted => {
            let what =
                "keys for an encrypted training are there; --mode clear and simulate take another --out";
            let path = options.out.clone().unwrap_or_default();
            return Err(RunError::File { path, what: what.into() });
        }
        Some(job) if job.is_elsewhere() => job.session_elsewhere()?,
        _ => Session::new(recipe, options.data_dir.as_deref())?,
    };
    if let Some(reason) = job.as_ref().and_then(|job| job.insecure_small.as_ref()) {
        session = session.insecure_small(reason)?;
    }
    if options.calibrate && !options.resume {
        let (calibrated, word) = calibrated(&session)?;
        options.say(&word);
        session = calibrated;
    }
    train_session_with(&session, options, connect, start)
}

/// Trains a recipe whose data are loaded, in a process that began at `start`.
///
/// # Errors
/// As [`train`].
pub fn train_session(session: &Session, options: &Options, start: Instant) -> Result<Outcome, RunError> {
    train_session_with(session, options, &Here, start)
}

/// As [`train_session`], with a server elsewhere.
pub(crate) fn train_session_with(
    session: &Session,
    options: &Options,
    connect: &dyn Connect,
    start: Instant,
) -> Result<Outcome, RunError> {
    check_share(session, options)?;
    let folder = options.out.as_ref().map(RunFolder::new);
    session.data.notes.iter().for_each(|note| options.say(note));
    // The lock is held until everything is written.
    let (mut outcome, mut lock) = match options.mode {
        Mode::Clear => (train_clear(session, options)?, None),
        Mode::Simulate => (train_twin(session, options)?, None),
        Mode::Encrypted => train_encrypted(session, options, connect, start)?,
    };
    if options.mode != Mode::Encrypted {
        outcome.report.seconds.total = start.elapsed().as_secs_f64();
        // Nothing of the folder was needed before.
        lock = folder.as_ref().map(|folder| Lock::new(folder, options)).transpose()?;
        folder.as_ref().map_or(Ok(()), |folder| folder.begin(&session.recipe))?;
    }
    outcome.report.peak_memory_bytes = outcome.report.peak_memory_bytes.max(peak_memory());
    folder.map_or(Ok(()), |folder| write_results(&folder, session, &mut outcome))?;
    drop(lock);
    match outcome.report.audit.as_ref().and_then(Findings::refusal) {
        Some(what) => Err(RunError::Audited(what)),
        None => Ok(outcome),
    }
}

/// Writes what a run ends with; the report last, since it says that the run is finished.
fn write_results(folder: &RunFolder, session: &Session, outcome: &mut Outcome) -> Result<(), RunError> {
    let data = &session.data;
    if outcome.report.audit.as_ref().and_then(Findings::refusal).is_some() {
        // The report alone: it says that the run is over, and its keys are spent.
        folder.seal(&mut outcome.report)?;
        folder.write_report(&outcome.report)?;
        return folder.remove_generations();
    }
    #[cfg(feature = "cli")]
    {
        let widths: Vec<String> = session.network.widths().iter().map(ToString::to_string).collect();
        let mode = &outcome.report.mode;
        let title = format!("{} on {}, {}, {mode}", session.recipe.name, data.name, widths.join("-"));
        if !session.is_elsewhere() {
            folder.write_curve(&title, session.measure(), &outcome.curve)?;
        }
        folder.write_page(&page(&title, outcome, session.measure()))?;
    }
    if outcome.report.mode != "clear" {
        let model = &outcome.model;
        folder.write_model(session, model)?;
        if !session.is_elsewhere() {
            let outputs = session.outputs(&mut session.twin(model.clone())?, &data.test)?;
            let table = predictions(session, &data.test, &[], &outputs);
            folder.write(&folder.client("predictions.csv"), &table, true)?;
        }
    }
    folder.seal(&mut outcome.report)?;
    folder.write_report(&outcome.report)?;
    folder.remove_generations()
}

/// This training in floating point: scores of the test part before it and after each epoch, and the model.
pub(super) fn clear_curve(session: &Session, steps: usize) -> Result<(Vec<f64>, Model), RunError> {
    let (mut net, test) = (session.clear()?, &session.data.test);
    let mut curve = vec![session.clear_score(&mut net, test)?];
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        let (x, targets) = session.hard_batch(batch)?;
        net.step(&x, &targets)?;
        if session.ends_epoch(step + 1, steps) {
            curve.push(session.clear_score(&mut net, test)?);
        }
    }
    Ok((curve, net.model.clone()))
}

fn train_clear(session: &Session, options: &Options) -> Result<Outcome, RunError> {
    let steps = session.steps(options.steps);
    let (curve, model) = clear_curve(session, steps)?;
    let mut report = session.report(Mode::Clear);
    report.steps = steps as u64;
    report.accuracy = Scores { clear: curve.last().copied(), ..Scores::default() }.report(session, None);
    Ok(Outcome { report, clear: curve.clone(), curve, beyond: vec![], model })
}

fn train_twin(session: &Session, options: &Options) -> Result<Outcome, RunError> {
    // What cannot be encrypted is not simulated.
    options.say("planning");
    let plan = session.plan()?;
    if options.verbose {
        options.say(&plan.to_string());
    }
    let mut twin = session.twin(session.first.clone())?;
    let steps = session.steps(options.steps);
    let mut curve = vec![session.score(&mut twin, &session.data.test)?];
    let mut progress = Progress::new(options, steps as u64, 0);
    let mut spent = Spent::default();
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        if options.stop.load(Ordering::SeqCst) {
            let (step, steps, server) = (step as u64, steps as u64, String::new());
            progress.finish();
            return Err(RunError::Interrupted { step, steps, out: None, server });
        }
        let (x, targets) = session.batch(batch)?;
        spent.on(|| twin.step(&x, &targets))?;
        progress.step();
        if session.ends_epoch(step + 1, steps) {
            after_epoch(session, &mut twin, step + 1, &mut curve, &progress)?;
        }
    }
    progress.finish();
    let mut report = session.report(Mode::Simulate);
    report.steps = steps as u64;
    let (clear, _) = clear_curve(session, steps)?;
    let scores = Scores { twin: curve.last().copied(), clear: clear.last().copied(), ..Scores::default() };
    let outputs = session.outputs(&mut twin, &session.data.test)?;
    report.accuracy = scores.report(session, Some(&session.predictions(&outputs)));
    report.classes = session.quality(&outputs, &session.data.test);
    report.seconds.step_median = Some(spent.wall / steps.max(1) as f64);
    report.ranges = session.ranges(&twin);
    report.traffic.saturations = session.saturations(&twin);
    let beyond = session.beyond(&twin);
    report.traffic.out_of_bounds = beyond.len() as u64;
    let beyond = beyond.iter().map(ToString::to_string).collect();
    Ok(Outcome { report, curve, clear, beyond, model: twin.model().clone() })
}
