//! Encrypted training: steps, checkpoints and the report, over as many processes as it takes.

mod finish;
mod restore;
mod start;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use self::restore::restore;
use super::audit::{Audit, described};
use super::checkpoint::{Generation, Half, Identity};
use super::connect::Connect;
use super::encrypted::{Counted, Encrypted};
use super::epoch::after_epoch;
use super::findings::Findings;
use super::job::JobFile;
use super::lock::Lock;
use super::progress::Progress;
use super::session::Session;
use super::state::{Ledger, State};
use super::{Options, Outcome, RunError, RunEstimate, RunFolder};
use crate::meter::Spent;
use crate::plan::Plan;
use crate::roles::ServerError;
use crate::twin::Twin;

/// Time between two checkpoints, if nothing else is asked for.
const CHECKPOINT_SECONDS: u64 = 60;

/// How often a run begins again from the same checkpoint because its server lost its state. Whoever could have a client begin anew at
/// will could have it decrypt at will.
const MOST_RETURNS: usize = 5;

/// The message of a resumed run that was stopped too early.
const NOTHING_YET: &str = "no checkpoint yet: from the beginning";

/// Trains on ciphertexts, from the start or from the newest checkpoint; this process began at `begun`. The folder stays
/// locked until what is returned with the outcome is dropped.
pub(super) fn train_encrypted(
    session: &Session,
    options: &Options,
    connect: &dyn Connect,
    begun: Instant,
) -> Result<(Outcome, Option<Lock>), RunError> {
    options.say("planning");
    let mut planning = Spent::default();
    let plan = planning.on(|| session.plan())?;
    let estimate = match session.is_elsewhere() {
        // Nothing can be tried or simulated.
        true => None,
        false => super::estimate::said(session, options, &plan, planning.wall)?,
    };
    options.audit.iter().for_each(|share| options.say(&described(*share)));
    let folder = options.out.as_ref().map(|out| RunFolder::new(out).unlocked_by(&options.unlock));
    let lock = folder.as_ref().map(|folder| Lock::new(folder, options)).transpose()?;
    let job = folder.as_ref().map(RunFolder::job).transpose()?.flatten();
    let (job, found, resumes) = (job.as_ref(), RefCell::default(), options.resume);
    let mut part = Part { session, options, plan: &plan, folder, connect, job, resumes, found };
    let (mut begun, mut planned) = (begun, planning.wall);
    let (mut returns, mut newest) = (0, None);
    let outcome = loop {
        match part.whole(begun, planned, &estimate) {
            Err(RunError::Server(ServerError::Gone(why)))
                if part.may_return(&mut returns, &mut newest)? =>
            {
                options.say(&format!("{why}: going on from the newest checkpoint"));
                (begun, planned, part.resumes) = (Instant::now(), 0.0, true);
            }
            other => break other?,
        }
    };
    Ok((outcome, lock))
}

/// The part of a process in a training.
struct Part<'a> {
    session: &'a Session,
    options: &'a Options,
    plan: &'a Arc<Plan>,
    folder: Option<RunFolder>,
    connect: &'a dyn Connect,
    /// The job that keys in the folder were made for, if they were made before.
    job: Option<&'a JobFile>,
    /// Whether it goes on with what is in the folder.
    resumes: bool,
    /// Findings of an audit in this process: what a server sent before it lost its state, or said so, is not forgotten.
    found: RefCell<Option<Findings>>,
}

impl Part<'_> {
    /// From the start or the newest checkpoint to the end.
    fn whole(
        &self,
        begun: Instant,
        planned: f64,
        estimate: &Option<RunEstimate>,
    ) -> Result<Outcome, RunError> {
        let resumed = match &self.folder {
            Some(folder) if self.resumes => Training::resume(self, folder)?,
            _ => None,
        };
        let mut training = match resumed {
            Some(training) => training,
            None => Training::start(self)?,
        };
        training.ledger.plan += planned;
        training.estimate = estimate.clone();
        training.begun = begun;
        training.server = self.connect.arguments();
        if let Some(folder) = &self.folder {
            training.keep_in(folder.clone());
            training.keep()?;
        }
        if let Some(found) = self.found.take() {
            training.ledger.audit = Some(found);
        }
        let ended = training.run();
        self.found.replace(training.ledger.audit.clone());
        ended?;
        training.finish()
    }

    /// Whether to go on from the newest checkpoint after a server lost its state: not without end from the same one.
    fn may_return(&self, returns: &mut usize, newest: &mut Option<u64>) -> Result<bool, RunError> {
        let Some(folder) = &self.folder else { return Ok(false) };
        let step = folder.generations()?.last().copied();
        *returns = if step == *newest { *returns + 1 } else { 1 };
        *newest = step;
        Ok(*returns <= MOST_RETURNS)
    }
}

/// Where checkpoints go, and when the next is due.
struct Keeper {
    folder: RunFolder,
    identity: Identity,
    every: Duration,
    last: Instant,
    /// The step of the last one.
    step: Option<u64>,
}

/// A training between two steps.
struct Training<'a> {
    session: &'a Session,
    options: &'a Options,
    plan: Arc<Plan>,
    both: Encrypted,
    twin: Twin,
    ledger: Ledger,
    /// Counts of engines in the processes before this one.
    before: Counted,
    /// Steps done.
    done: usize,
    /// Steps to be done.
    steps: usize,
    /// Start of this process's part.
    begun: Instant,
    /// Digest of the evaluation keys.
    run: [u8; 32],
    keeper: Option<Keeper>,
    audit: Option<Audit>,
    /// Estimate that was said beforehand.
    estimate: Option<RunEstimate>,
    /// The arguments that name its server.
    server: String,
}

impl<'a> Training<'a> {
    fn with(
        session: &'a Session,
        options: &'a Options,
        plan: &Arc<Plan>,
        (mut both, twin, mut ledger): (Encrypted, Twin, Ledger),
        done: usize,
        run: [u8; 32],
    ) -> Result<Self, RunError> {
        let (steps, begun, plan) = (session.steps(options.steps), Instant::now(), Arc::clone(plan));
        let Ledger { tables, bootstraps, failure, stages, .. } = ledger.clone();
        let before = Counted { tables, bootstraps, failure, stages };
        let audit = options.audit.map(|share| Audit::begin(share, &mut both, &mut ledger)).transpose()?;
        Ok(Self {
            session,
            options,
            plan,
            both,
            twin,
            ledger,
            before,
            done,
            steps,
            begun,
            run,
            keeper: None,
            audit,
            estimate: None,
            server: String::new(),
        })
    }

    /// From the newest checkpoint that is whole; none if there is none yet.
    fn resume(part: &Part<'a>, folder: &RunFolder) -> Result<Option<Self>, RunError> {
        let Part { session, options, plan, .. } = *part;
        let mut keygen = Spent::default();
        if folder.generations()?.is_empty() {
            options.say(NOTHING_YET);
            return Ok(None);
        }
        let keys = folder.read_evaluation_keys(plan)?;
        let identity = Identity { plan: plan.hash(), run: keys.digest()? };
        let Some((generation, damaged)) = folder.newest_generation(&identity)? else {
            options.say(NOTHING_YET);
            return Ok(None);
        };
        damaged.iter().for_each(|error| options.say(&format!("not used: {error}")));
        let (step, steps) = (generation.step, session.steps(options.steps));
        let parts = keygen.on(|| restore(part, folder, &keys, generation))?;
        if step > steps as u64 {
            let what = format!("is of step {step} of a run of {steps} steps");
            return Err(RunError::File { path: folder.checkpoint(Half::Client, step), what });
        }
        options.say(&format!("resumed after step {step} of {steps}"));
        folder.remove_generations_after(step)?;
        let mut this = Self::with(session, options, plan, parts, step as usize, identity.run)?;
        this.ledger.keygen += keygen.wall;
        Ok(Some(this))
    }

    /// Has checkpoints written to a folder.
    fn keep_in(&mut self, folder: RunFolder) {
        let identity = Identity { plan: self.plan.hash(), run: self.run };
        let every = self.options.checkpoint_every.unwrap_or(Duration::from_secs(CHECKPOINT_SECONDS));
        self.keeper = Some(Keeper { folder, identity, every, last: Instant::now(), step: None });
    }

    fn run(&mut self) -> Result<(), RunError> {
        let session = self.session;
        let mut progress = Progress::new(self.options, self.steps as u64, self.done as u64);
        for batch in session.batches.schedule(self.done).take(self.steps - self.done) {
            self.check_stop(&progress)?;
            if !self.step(batch)? {
                break; // stopped within the step
            }
            progress.step();
            let epoch_ends = session.ends_epoch(self.done, self.steps);
            if epoch_ends {
                // The curve is the client's own: it is drawn from the weights it decrypted, and no one else learns it.
                if !session.is_elsewhere() {
                    let mut own = session.twin(self.both.model(self.done as u64)?)?;
                    after_epoch(session, &mut own, self.done, &mut self.ledger.curve, &progress)?;
                }
                self.note_epoch()?;
            }
            if epoch_ends || self.both.is_alone() || self.is_due() {
                self.keep()?;
            }
        }
        self.check_stop(&progress)?;
        progress.finish();
        Ok(())
    }

    /// Notes the end of an epoch where other programs read it.
    fn note_epoch(&self) -> Result<(), RunError> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let (epoch, score) = (self.done.div_ceil(self.session.batches.count()), self.ledger.curve.last());
        let seconds = self.ledger.total + self.begun.elapsed().as_secs_f64();
        keeper.folder.note_event(&serde_json::json!({
            "event": "epoch", "epoch": epoch, "step": self.done, "steps": self.steps, "measure": self.session.measure().name(),
            "test": score, "seconds": seconds,
        }))
    }

    /// One step; false if it was stopped within, and then nothing is changed.
    fn step(&mut self, batch: usize) -> Result<bool, RunError> {
        let Self { session, both, ledger, options, audit, .. } = self;
        let mut encrypt = Spent::default();
        encrypt.on(|| both.send(session, batch))?;
        ledger.encrypt += encrypt.wall;
        let (before, cpu) = (ledger.training.wall, both.elsewhere());
        let first = audit.is_some().then(|| both.client.model().clone());
        let whole = ledger.training.on(|| both.step(session, self.done as u64, batch, &options.stop));
        let (x, targets) = session.batch(batch)?;
        // A step that breaks off as well.
        if let (Some(audit), Some(first), Some(findings)) = (audit, first, &mut ledger.audit) {
            audit.check(session, (self.done as u64, first), (&x, &targets), both, findings);
        }
        if !whole? {
            return Ok(false);
        }
        ledger.times.push(ledger.training.wall - before);
        ledger.training.cpu += both.elsewhere() - cpu;
        ledger.images += x.nrows() as u64;
        if session.is_elsewhere() {
            // There is no twin to tell.
            drop((self.both.server.take_records(), self.both.client.take_rounded()));
        } else {
            self.both.tell(&mut self.twin)?;
            self.twin.step(&x, &targets)?;
        }
        self.done += 1;
        Ok(true)
    }

    /// Stops if it is asked for, with a checkpoint.
    fn check_stop(&mut self, progress: &Progress) -> Result<(), RunError> {
        if !self.options.stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        progress.finish();
        self.keep()?;
        let out = self.options.out.clone();
        let server = self.server.clone();
        Err(RunError::Interrupted { step: self.done as u64, steps: self.steps as u64, out, server })
    }

    fn is_due(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| keeper.last.elapsed() >= keeper.every)
    }

    /// Writes a checkpoint, unless that of this step is there.
    fn keep(&mut self) -> Result<(), RunError> {
        self.note_measures();
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        let step = self.done as u64;
        if keeper.step == Some(step) {
            return Ok(());
        }
        let (recipe, network) = (&self.session.recipe, &self.session.network);
        let model = self.both.model(step)?;
        let client = State::to_bytes(recipe, network, &self.ledger, [&model, self.twin.model()])
            .map_err(|what| RunError::File { path: keeper.folder.client("checkpoint"), what })?;
        let generation = Generation { step, client, server: self.both.server.keep(step)? };
        keeper.folder.write_generation(&keeper.identity, &generation)?;
        (keeper.last, keeper.step) = (Instant::now(), Some(step));
        Ok(())
    }
}
