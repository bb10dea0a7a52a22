//! The estimate of a run: what it takes, before anything is made.
//!
//! Bytes follow from the plan alone. Time is the plan's count of operations, each as long as it takes on this machine, and where that is
//! seconds, a trial: keys for that are drawn and forgotten. Nothing that is measured here enters a plan.

mod link;
mod savings;
#[cfg(test)]
mod tests;
mod text;
mod trial;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use self::link::LinkSpeed;
use super::encrypted::{BATCH_BYTES, Encrypted};
use super::figures::{EstimatedDisk, EstimatedMemory, EstimatedSeconds, EstimatedTraffic, RunEstimate};
use super::session::Session;
use super::state::State;
use super::summary::{RangeSummary, SchemeSummary};
use super::{Options, RunError};
use crate::meter::{Spent, machine_memory, peak_memory, resident_memory};
use crate::plan::{Plan, Workload};
use crate::recipe::Backward;
use crate::roles::ClientError;
use crate::roles::traffic::{batch_bytes, model_bytes, query_bytes, step_bytes};

/// Seconds of a byte of evaluation keys on its way to the disk: digests, writing, and waiting for it.
const KEPT_BYTE: f64 = 4e-9;
/// How much of a further thread is used.
const PARALLEL: f64 = 0.95;

impl RunEstimate {
    /// The estimate of an encrypted training of at most so many steps.
    ///
    /// # Errors
    /// If there is no plan, or the operating system gives no randomness.
    pub(crate) fn new(session: &Session, limit: Option<usize>) -> Result<Self, RunError> {
        let begun = Instant::now();
        let plan = session.plan()?;
        let steps = session.steps(limit);
        let before = resident_memory().unwrap_or(0);
        let units = units(&plan)?;
        let (sends, kept) = sends(session, &plan, steps);
        let simulation = simulate(session, steps)?;
        let parts = Parts::new(session, &plan, &units)?;
        let engines: u64 = plan.engines.iter().map(|engine| engine.estimate().memory as u64).sum();
        let traffic = traffic(session, &plan, steps, &sends)?;
        // What was in use for this estimate counts as well.
        let needed = (before + engines + kept).max(peak_memory().unwrap_or(0));
        let memory = EstimatedMemory { needed, machine: machine_memory() };
        Ok(Self {
            recipe: session.recipe.name.clone(),
            data: session.data.name.clone(),
            network: session.network.widths(),
            rows: session.batches.samples(),
            batch: session.recipe.optimizer.batch_size,
            steps,
            epochs: session.recipe.optimizer.epochs,
            parties: parties(session, &plan),
            schemes: plan
                .engines
                .iter()
                .flat_map(|engine| engine.schemes())
                .map(SchemeSummary::from)
                .collect(),
            seconds: seconds(session, &parts, (steps, sends.len()), &simulation, begun).keeping(traffic.keys),
            memory,
            disk: disk(session, &plan, traffic.keys)?,
            traffic,
            threads: rayon::current_num_threads(),
            closest: simulation.closest,
            simulated: simulation.steps,
            tolerance: session.tolerance()?.map(|tolerance| tolerance.weights),
            savings: vec![],
        })
    }

    /// The estimate of a run whose planning took so many seconds.
    #[must_use]
    pub(crate) fn after_planning(mut self, seconds: f64) -> Self {
        self.seconds.plan += seconds;
        self.seconds.all += seconds;
        self
    }
}

fn parties(session: &Session, plan: &Plan) -> String {
    let rounds = step_bytes(plan, session.recipe.optimizer.batch_size).rounds;
    if rounds == 0 {
        return "the server alone; you are needed for keys and data at the start and for the model at the end".into();
    }
    let part = match session.recipe.refresh.backward {
        Backward::Client => "takes the backward pass in the clear",
        Backward::Encrypted => "refreshes what the server computes",
    };
    format!(
        "server and client together: the client {part}, in {rounds} round{} a step",
        if rounds == 1 { "" } else { "s" }
    )
}

/// CPU seconds of the units of each engine.
fn units(plan: &Plan) -> Result<Vec<Vec<f64>>, RunError> {
    let of = |cipher: Result<_, _>| -> Result<Vec<f64>, ClientError> {
        let cipher: Box<dyn crate::roles::cipher::Cipher> = cipher?;
        Ok(cipher.time_units()?)
    };
    Ok(plan.engines.iter().map(|engine| of(engine.generate())).collect::<Result<_, _>>()?)
}

/// CPU seconds of a part of the work of all engines.
fn core_seconds(plan: &Plan, units: &[Vec<f64>], part: fn(&Workload) -> &[f64]) -> f64 {
    let of = |(work, units): (Workload, &Vec<f64>)| -> f64 {
        part(&work).iter().zip(units).map(|(count, seconds)| count * seconds).sum()
    };
    plan.engines.iter().map(|engine| engine.work()).zip(units).map(of).sum()
}

/// First steps without encryption.
struct Simulation {
    closest: Option<RangeSummary>,
    steps: usize,
    /// Seconds of a step.
    seconds: f64,
}

/// Seconds that a simulation may take.
const SIMULATED: f64 = 1.0;

fn simulate(session: &Session, steps: usize) -> Result<Simulation, RunError> {
    let (mut twin, mut spent, mut done) = (session.twin(session.first.clone())?, Spent::default(), 0);
    for batch in session.batches.schedule(0).take(steps) {
        let (x, targets) = session.batch(batch)?;
        spent.on(|| twin.step(&x, &targets))?;
        done += 1;
        if spent.wall > SIMULATED {
            break;
        }
    }
    let closest = session.ranges(&twin).into_iter().max_by(|a, b| a.used().total_cmp(&b.used()));
    Ok(Simulation { closest, steps: done, seconds: spent.wall / done.max(1) as f64 })
}

/// Wall-clock seconds of the parts of a run.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    keys: f64,
    batch: f64,
    step: f64,
    query: f64,
}

impl Parts {
    /// As reckoned from the times of units, or as tried.
    fn new(session: &Session, plan: &Arc<Plan>, units: &[Vec<f64>]) -> Result<Self, RunError> {
        let threads = 1.0 + PARALLEL * (rayon::current_num_threads() - 1) as f64;
        let wall = |part: fn(&Workload) -> &[f64]| core_seconds(plan, units, part) / threads;
        let reckoned = Self {
            keys: wall(|work| &work.keys),
            batch: wall(|work| &work.batch),
            step: wall(|work| &work.step),
            query: wall(|work| &work.query),
        };
        // What nothing refreshes is planned for its own steps and none beyond, which a trial may take.
        let tried = reckoned.are_short() && !session.keeps_weights();
        if tried { Self::tried(session, plan) } else { Ok(reckoned) }
    }
}

impl EstimatedSeconds {
    /// With so many bytes of keys that are written to the disk.
    fn keeping(mut self, keys: u64) -> Self {
        self.all += KEPT_BYTE * keys as f64;
        self
    }
}

fn seconds(
    session: &Session,
    parts: &Parts,
    (steps, sends): (usize, usize),
    simulation: &Simulation,
    begun: Instant,
) -> EstimatedSeconds {
    let Parts { keys, batch, step, query } = *parts;
    let images = if session.keeps_weights() { 0 } else { super::classify::after_training(session) };
    let queries = images.div_ceil(session.recipe.optimizer.batch_size.max(1));
    let encrypt = batch * sends as f64;
    // The twin takes each step too.
    let twin = simulation.seconds * (steps + queries) as f64;
    let plan = begun.elapsed().as_secs_f64();
    let all = plan + keys + encrypt + twin + step * steps as f64 + query * queries as f64;
    EstimatedSeconds { plan, keys, encrypt, step, all }
}

/// The mini-batches as they are sent, and bytes of those that a server keeps.
fn sends(session: &Session, plan: &Plan, steps: usize) -> (Vec<usize>, u64) {
    let whole = batch_bytes(plan, session.recipe.optimizer.batch_size);
    let all = whole.saturating_mul(session.batches.count() as u64);
    let (mut there, mut sends) = (HashSet::new(), Vec::new());
    for batch in session.batches.schedule(0).take(steps) {
        if there.contains(&batch) {
            continue;
        }
        if all > BATCH_BYTES[usize::from(Encrypted::is_alone_in(plan))] {
            there.clear();
        }
        there.insert(batch);
        sends.push(batch);
    }
    (sends, whole * there.len() as u64)
}

fn traffic(
    session: &Session,
    plan: &Plan,
    steps: usize,
    sends: &[usize],
) -> Result<EstimatedTraffic, RunError> {
    let rows = |batch: usize| session.batches.rows(batch).len();
    let mut all = EstimatedTraffic::default();
    for engine in &plan.engines {
        all.keys += engine.key_bytes()?.iter().map(|&bytes| bytes as u64).sum::<u64>();
    }
    let [model, _] = model_bytes(plan);
    all.data = model + sends.iter().map(|&batch| batch_bytes(plan, rows(batch))).sum::<u64>();
    for batch in session.batches.schedule(0).take(steps) {
        let step = step_bytes(plan, rows(batch));
        all.to_server += step.to_server;
        all.to_client += step.to_client;
        all.rounds += step.rounds;
    }
    let (images, batch) =
        (super::classify::after_training(session), session.recipe.optimizer.batch_size.max(1));
    for start in (0..images).step_by(batch) {
        let query = query_bytes(plan, batch.min(images - start));
        all.prediction += query.to_server + query.to_client;
    }
    Ok(all)
}

fn disk(session: &Session, plan: &Plan, keys: u64) -> Result<EstimatedDisk, RunError> {
    let [_, server] = model_bytes(plan);
    let model = &session.first;
    let client = State::to_bytes(&session.recipe, &session.network, &Default::default(), [model, model])
        .map_err(|what| RunError::File { path: PathBuf::from("checkpoint"), what })?;
    Ok(EstimatedDisk { keys, checkpoints: 2 * (server + client.len() as u64) })
}

/// The estimate of a run, said before anything is made; with the plan where that is asked for. A quiet run has none.
pub(super) fn said(
    session: &Session,
    options: &Options,
    plan: &Plan,
    planning: f64,
) -> Result<Option<RunEstimate>, RunError> {
    if options.quiet {
        return Ok(None);
    }
    let estimate = RunEstimate::new(session, options.steps)?.after_planning(planning);
    options.say(&estimate.text(LinkSpeed::default()));
    if options.verbose {
        options.say(&plan.to_string());
    }
    Ok(Some(estimate))
}
