//! Encrypted training: steps, checkpoints and the report, over as many processes as it takes.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::checkpoint::{Generation, Half, Identity, digest_of};
use super::compare::compare;
use super::measure::Scores;
use super::meter::{Spent, peak_memory};
use super::predict::after_training;
use super::progress::Progress;
use super::report::{CoreSeconds, EncryptedParts, Report, TrafficSummary};
use super::resume::Asked;
use super::sides::{ModelOf, Sides};
use super::state::{Ledger, State};
use super::task::{Exact, Learner, Task};
use super::train::{after_epoch, clear_curve};
use super::{Mode, Options, Outcome, RunError, RunFolder};

/// Time between two checkpoints, if nothing else is asked for.
const CHECKPOINT_SECONDS: u64 = 60;

/// What a resumed run says that was stopped too early.
const NOTHING_YET: &str = "no checkpoint yet: from the beginning";

/// Trains on ciphertexts, from the start or from the newest checkpoint; this process began at `begun`. The folder stays
/// locked until what is returned with the outcome is dropped.
pub(super) fn train_encrypted<S: Sides>(
    task: &S::Task,
    options: &Options,
    begun: Instant,
) -> Result<(Outcome<ModelOf<S>>, Option<Lock>), RunError> {
    let mut planning = Spent::default();
    let plan = planning.on(|| S::plan(task))?;
    options.say(&plan.to_string());
    let folder = options.out.as_ref().map(RunFolder::new);
    let lock = folder.as_ref().map(|folder| Lock::new(folder, options.resume)).transpose()?;
    let resumed = match &folder {
        Some(folder) if options.resume => Training::<S>::resume(task, options, &plan, folder)?,
        _ => None,
    };
    let mut training = match resumed {
        Some(training) => training,
        None => Training::<S>::start(task, options, &plan, folder.as_ref())?,
    };
    training.ledger.plan += planning.wall;
    training.begun = begun;
    if let Some(folder) = folder {
        training.keep_in(folder);
        training.keep()?;
    }
    training.run()?;
    Ok((training.finish()?, lock))
}

/// A run folder that no other process trains in, as long as this is not dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "locked as long as it is open")] File);

impl Lock {
    /// Locks a folder, and looks once more what is in it: another process may have ended a run there just now.
    pub(super) fn new(folder: &RunFolder, resume: bool) -> Result<Self, RunError> {
        let (path, file) = folder.lock_file()?;
        match file.try_lock() {
            Ok(()) if resume && folder.report().exists() => {
                let what = "another process has just finished this run".into();
                Err(RunError::File { path: folder.report(), what })
            }
            Ok(()) if resume => Ok(Self(file)),
            Ok(()) => folder.refuse_unfinished().map(|()| Self(file)),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(RunError::File { path, what: "another process trains in this folder".into() })
            }
            Err(std::fs::TryLockError::Error(source)) => Err(RunError::Io { path, source }),
        }
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
struct Training<'a, S: Sides> {
    task: &'a S::Task,
    options: &'a Options,
    plan: Arc<S::Plan>,
    sides: S,
    twin: TwinOf<S>,
    ledger: Ledger,
    /// Steps done.
    done: usize,
    /// Steps to be done.
    steps: usize,
    /// Start of this process's part.
    begun: Instant,
    /// Digest of the evaluation keys.
    run: [u8; 32],
    keeper: Option<Keeper>,
}

impl<'a, S: Sides> Training<'a, S> {
    /// From the beginning, with new keys.
    fn start(
        task: &'a S::Task,
        options: &'a Options,
        plan: &Arc<S::Plan>,
        folder: Option<&RunFolder>,
    ) -> Result<Self, RunError> {
        let mut keygen = Spent::default();
        let (sides, keys) = keygen.on(|| S::begin(task, plan))?;
        let twin = task.twin_of(task.first_model());
        let ledger = Ledger {
            samples: hex(&task.digest()),
            secret: sides.secret_digest(),
            keygen: keygen.wall,
            curve: vec![twin.score(&task.data().test)?],
            ..Ledger::default()
        };
        if let Some(folder) = folder {
            folder.remove_generations()?;
            // Before the recipe, which is what makes the folder one that can be resumed.
            Asked::write(folder, options)?;
            folder.begin_with(&task.toml()?)?;
            sides.write_secret(folder)?;
            folder.write_evaluation_keys(&keys)?;
        }
        Ok(Self::with(task, options, plan, (sides, twin, ledger), 0, digest_of(&keys)))
    }

    fn with(
        task: &'a S::Task,
        options: &'a Options,
        plan: &Arc<S::Plan>,
        (sides, twin, ledger): Parts<S>,
        done: usize,
        run: [u8; 32],
    ) -> Self {
        let (steps, begun, plan) = (task.total_steps(options.steps), Instant::now(), Arc::clone(plan));
        Self { task, options, plan, sides, twin, ledger, done, steps, begun, run, keeper: None }
    }

    /// From the newest checkpoint that is whole; none if there is none yet.
    fn resume(
        task: &'a S::Task,
        options: &'a Options,
        plan: &Arc<S::Plan>,
        folder: &RunFolder,
    ) -> Result<Option<Self>, RunError> {
        let mut keygen = Spent::default();
        if folder.generations()?.is_empty() {
            options.say(NOTHING_YET);
            return Ok(None);
        }
        let keys = S::read_keys(folder, plan)?;
        let identity = Identity { plan: S::hash(plan), run: digest_of(&keys) };
        let Some((generation, damaged)) = folder.newest_generation(&identity)? else {
            options.say(NOTHING_YET);
            return Ok(None);
        };
        damaged.iter().for_each(|error| options.say(&format!("not used: {error}")));
        let (step, steps) = (generation.step, task.total_steps(options.steps));
        if step > steps as u64 {
            let path = folder.checkpoint(Half::Client, step);
            return Err(RunError::File {
                path,
                what: format!("is of step {step} of a run of {steps} steps"),
            });
        }
        options.say(&format!("resumed after step {step} of {steps}"));
        let parts = keygen.on(|| restore::<S>(task, plan, folder, &keys, &generation))?;
        folder.remove_generations_after(step)?;
        let mut this = Self::with(task, options, plan, parts, step as usize, identity.run);
        this.ledger.keygen += keygen.wall;
        Ok(Some(this))
    }

    /// Has checkpoints written to a folder.
    fn keep_in(&mut self, folder: RunFolder) {
        let identity = Identity { plan: S::hash(&self.plan), run: self.run };
        let every = self.options.checkpoint_every.unwrap_or(Duration::from_secs(CHECKPOINT_SECONDS));
        self.keeper = Some(Keeper { folder, identity, every, last: Instant::now(), step: None });
    }

    fn run(&mut self) -> Result<(), RunError> {
        let task = self.task;
        let mut progress = Progress::new(self.steps as u64, self.done as u64);
        for batch in task.batches().schedule(self.done).take(self.steps - self.done) {
            self.check_stop(&progress)?;
            if !self.step(batch)? {
                break; // stopped within the step
            }
            if !self.options.quiet {
                progress.step();
            }
            let epoch_ends = task.ends_epoch(self.done, self.steps);
            if epoch_ends {
                // The curve is the client's own: it is drawn from the weights it decrypted, and no one else learns it.
                let own = task.twin_of(self.sides.model(self.done as u64)?);
                let (curve, quiet) = (&mut self.ledger.curve, self.options.quiet);
                after_epoch(task, &own, self.done, curve, &mut progress, quiet)?;
            }
            if epoch_ends || S::LONG_STEPS || self.is_due() {
                self.keep()?;
            }
        }
        self.check_stop(&progress)?;
        progress.finish();
        Ok(())
    }

    /// One step; false if it was stopped within, and then nothing is changed.
    fn step(&mut self, batch: usize) -> Result<bool, RunError> {
        let Self { task, sides, ledger, options, .. } = self;
        let mut encrypt = Spent::default();
        encrypt.on(|| sides.supply(task, batch))?;
        ledger.encrypt += encrypt.wall;
        let before = ledger.training.wall;
        let whole = ledger.training.on(|| sides.advance(task, self.done as u64, batch, &options.stop))?;
        if !whole {
            return Ok(false);
        }
        ledger.times.push(ledger.training.wall - before);
        let (x, labels) = task.samples_of(batch);
        ledger.images += labels.len() as u64;
        self.sides.tell(&mut self.twin)?;
        self.twin.learn(&x, &labels)?;
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
        Err(RunError::Interrupted { step: self.done as u64, steps: self.steps as u64, out })
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
        let client = State::to_bytes(&self.ledger, &self.sides.model(step)?, self.twin.state())
            .map_err(|what| RunError::File { path: keeper.folder.client("checkpoint"), what })?;
        let generation = Generation { step, client, server: self.sides.server_state(step)? };
        keeper.folder.write_generation(&keeper.identity, &generation)?;
        (keeper.last, keeper.step) = (Instant::now(), Some(step));
        Ok(())
    }

    /// Brings the ledger up to now.
    fn note_measures(&mut self) {
        let ledger = &mut self.ledger;
        ledger.total += self.begun.elapsed().as_secs_f64();
        self.begun = Instant::now();
        ledger.peak_memory = ledger.peak_memory.max(peak_memory());
        self.sides.note(ledger);
    }

    /// What is left when all steps are done: accuracies, an encrypted classification, the report.
    fn finish(mut self) -> Result<Outcome<ModelOf<S>>, RunError> {
        self.note_measures();
        let (task, done) = (self.task, self.done as u64);
        let model = self.sides.model(done)?;
        let own = task.twin_of(model.clone());
        let mut report = self.report();
        let data = task.data();
        let scores = Scores {
            train: Some(own.score(&data.train)?),
            test: Some(own.score(&data.test)?),
            twin: Some(self.twin.score(&data.test)?),
            clear: clear_curve(task, self.steps)?.last().copied(),
        };
        let predicted = task.predictions(&own.exact_outputs(&data.test.x)?);
        report.accuracy = scores.report(task, Some(&predicted));
        report.twin = compare(task, &model, self.twin.state());
        report.ranges = self.twin.ranges();
        report.prediction = Some(after_training(task, &mut self.sides, &own)?.summary);
        self.sides.complete(&mut report);
        if let Some(Keeper { folder, .. }) = &self.keeper {
            self.sides.write_server(folder, done)?;
            folder.write_timings(&self.ledger.times)?;
        }
        report.seconds.total = self.ledger.total + self.begun.elapsed().as_secs_f64();
        Ok(Outcome { report, curve: self.ledger.curve, model: Some(model) })
    }

    /// What the ledger says.
    fn report(&self) -> Report {
        let ledger = &self.ledger;
        let (training, traffic, counts) = (ledger.training, ledger.traffic, ledger.counts);
        let mut report = self.task.report(Mode::Encrypted);
        report.encrypted = EncryptedParts::all();
        report.steps = self.steps as u64;
        report.seconds.plan = ledger.plan;
        report.seconds.keygen = ledger.keygen;
        report.seconds.encrypt = ledger.encrypt;
        report.seconds.step_median = median(ledger.times.clone());
        report.core_seconds_per_image = (ledger.images > 0).then(|| training.cpu / ledger.images as f64);
        report.core_seconds = CoreSeconds {
            server: training.cpu - traffic.client.cpu,
            client: traffic.client.cpu,
            step: (self.steps > 0).then(|| training.cpu / self.steps as f64),
        };
        report.bootstraps.tfhe = ledger.bootstraps;
        report.switches = ledger.switches;
        report.stages = ledger.stages.clone();
        report.peak_memory_bytes = ledger.peak_memory;
        report.traffic = TrafficSummary {
            to_server_bytes: traffic.to_server,
            to_client_bytes: traffic.to_client,
            data_bytes: ledger.data_bytes,
            refreshes: counts.refreshed,
            rounds: traffic.rounds,
            saturations: counts.saturations,
            out_of_bounds: counts.out_of_bounds,
        };
        report
    }
}

/// Both sides, the twin and the ledger.
type Parts<S> = (S, TwinOf<S>, Ledger);
type TwinOf<S> = <<S as Sides>::Task as Task>::Twin;

/// Both sides, the twin and the ledger as they were.
fn restore<S: Sides>(
    task: &S::Task,
    plan: &Arc<S::Plan>,
    folder: &RunFolder,
    keys: &[Vec<u8>],
    generation: &Generation,
) -> Result<Parts<S>, RunError> {
    let name = format!("checkpoint-{}.state", generation.step);
    let wrong = |path: PathBuf, what: String| RunError::File { path, what };
    let State { ledger, model, twin } =
        State::from_bytes(&generation.client, |bytes| task.read_weights(bytes))
            .map_err(|what| wrong(folder.client(&name), what))?;
    if ledger.samples != hex(&task.digest()) {
        let what = format!("the samples of `{}` are not those of this run", task.data().name);
        return Err(wrong(folder.client(&name), what));
    }
    let mut sides = S::read(plan, folder, keys, model, generation)?;
    if ledger.secret != sides.secret_digest() {
        return Err(wrong(folder.client("secret.key"), "is not the secret key of this run".into()));
    }
    sides.go_on(folder, generation, &ledger)?;
    Ok((sides, task.twin_of(twin), ledger))
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

/// The digest of secret keys, as text.
pub(super) fn secret_digest<T: AsRef<[u8]>>(keys: &[T]) -> String {
    hex(&digest_of(keys))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
