//! Encrypted training: steps, checkpoints and the report, over as many processes as it takes.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use he_bgv::SecretKey;

use super::checkpoint::{Generation, Half, Identity, digest_of};
use super::meter::{Spent, peak_memory};
use super::predict::predict_encrypted;
use super::progress::Progress;
use super::report::{
    Accuracy, CoreSeconds, EncryptedParts, Report, SchemeSummary, TrafficSummary, TwinSummary,
};
use super::resume::Asked;
use super::state::{Ledger, State};
use super::train::{after_epoch, clear_curve};
use super::{Encrypted, Mode, Options, Outcome, RunError, RunFolder, Session};
use crate::metrics;
use crate::plan::{Instance, Plan};
use crate::recipe::Model;
use crate::roles::Client;
use crate::twin::Twin;

/// Time between two checkpoints, if nothing else is asked for.
const CHECKPOINT_SECONDS: u64 = 60;

/// What a resumed run says that was stopped too early.
const NOTHING_YET: &str = "no checkpoint yet: from the beginning";

/// Trains on ciphertexts, from the start or from the newest checkpoint; this process began at `begun`. The folder stays
/// locked until what is returned with the outcome is dropped.
pub(super) fn train_encrypted(
    session: &Session,
    options: &Options,
    begun: Instant,
) -> Result<(Outcome, Option<Lock>), RunError> {
    let mut planning = Spent::default();
    let plan = planning.on(|| session.plan())?;
    options.say(&plan.to_string());
    let folder = options.out.as_ref().map(RunFolder::new);
    let lock = folder.as_ref().map(|folder| Lock::new(folder, options.resume)).transpose()?;
    let resumed = match &folder {
        Some(folder) if options.resume => Training::resume(session, options, &plan, folder)?,
        _ => None,
    };
    let mut training = match resumed {
        Some(training) => training,
        None => Training::start(session, options, &plan, folder.as_ref())?,
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
struct Training<'a> {
    session: &'a Session,
    options: &'a Options,
    both: Encrypted,
    twin: Twin,
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

impl<'a> Training<'a> {
    /// From the beginning, with new keys.
    fn start(
        session: &'a Session,
        options: &'a Options,
        plan: &Arc<Plan>,
        folder: Option<&RunFolder>,
    ) -> Result<Self, RunError> {
        let mut keygen = Spent::default();
        let client = || Client::new(plan, session.initial());
        let (both, keys) = keygen.on(|| Encrypted::start(plan, client()?))?;
        let twin = session.twin(session.initial());
        let ledger = Ledger {
            samples: hex(&session.digest()),
            secret: secret_digest(&both.client),
            keygen: keygen.wall,
            curve: vec![twin.accuracy(&session.data.test)?],
            ..Ledger::default()
        };
        if let Some(folder) = folder {
            folder.remove_generations()?;
            // Before the recipe, which is what makes the folder one that can be resumed.
            Asked::write(folder, options)?;
            folder.begin(&session.recipe)?;
            folder.write_secret_keys(both.client.keys())?;
            folder.write_evaluation_keys(&keys)?;
        }
        Ok(Self::with(session, options, (both, twin, ledger), 0, digest_of(&keys)))
    }

    fn with(
        session: &'a Session,
        options: &'a Options,
        (both, twin, ledger): (Encrypted, Twin, Ledger),
        done: usize,
        run: [u8; 32],
    ) -> Self {
        let (steps, begun) = (session.steps(options.steps), Instant::now());
        Self { session, options, both, twin, ledger, done, steps, begun, run, keeper: None }
    }

    /// From the newest checkpoint that is whole; none if there is none yet.
    fn resume(
        session: &'a Session,
        options: &'a Options,
        plan: &Arc<Plan>,
        folder: &RunFolder,
    ) -> Result<Option<Self>, RunError> {
        let mut keygen = Spent::default();
        if folder.generations()?.is_empty() {
            options.say(NOTHING_YET);
            return Ok(None);
        }
        let keys = folder.read_evaluation_keys(plan)?;
        let identity = Identity { plan: plan.hash(), run: digest_of(&keys) };
        let Some((generation, damaged)) = folder.newest_generation(&identity)? else {
            options.say(NOTHING_YET);
            return Ok(None);
        };
        damaged.iter().for_each(|error| options.say(&format!("not used: {error}")));
        let (step, steps) = (generation.step, session.steps(options.steps));
        if step > steps as u64 {
            let path = folder.checkpoint(Half::Client, step);
            return Err(RunError::File {
                path,
                what: format!("is of step {step} of a run of {steps} steps"),
            });
        }
        options.say(&format!("resumed after step {step} of {steps}"));
        let parts = keygen.on(|| restore(session, plan, folder, &keys, &generation))?;
        folder.remove_generations_after(step)?;
        let mut this = Self::with(session, options, parts, step as usize, identity.run);
        this.ledger.keygen += keygen.wall;
        Ok(Some(this))
    }

    /// Has checkpoints written to a folder.
    fn keep_in(&mut self, folder: RunFolder) {
        let identity = Identity { plan: self.both.plan.hash(), run: self.run };
        let every = self.options.checkpoint_every.unwrap_or(Duration::from_secs(CHECKPOINT_SECONDS));
        self.keeper = Some(Keeper { folder, identity, every, last: Instant::now(), step: None });
    }

    fn run(&mut self) -> Result<(), RunError> {
        let session = self.session;
        let mut progress = Progress::new(self.steps as u64, self.done as u64);
        for batch in session.batches.schedule(self.done).take(self.steps - self.done) {
            self.check_stop(&progress)?;
            self.step(batch)?;
            if !self.options.quiet {
                progress.step();
            }
            let epoch_ends = session.ends_epoch(self.done, self.steps);
            if epoch_ends {
                // The curve is the client's own: it is drawn from the weights it decrypted, and no one else learns it.
                let own = session.twin(self.both.client.model().clone());
                let (curve, quiet) = (&mut self.ledger.curve, self.options.quiet);
                after_epoch(session, &own, self.done, curve, &mut progress, quiet)?;
            }
            if epoch_ends || self.is_due() {
                self.keep()?;
            }
        }
        self.check_stop(&progress)?;
        progress.finish();
        Ok(())
    }

    fn step(&mut self, batch: usize) -> Result<(), RunError> {
        let Self { session, both, ledger, .. } = self;
        let mut encrypt = Spent::default();
        encrypt.on(|| both.send(session, batch))?;
        ledger.encrypt += encrypt.wall;
        let before = ledger.training.wall;
        ledger.training.on(|| both.step(session, self.done as u64, batch))?;
        ledger.times.push(ledger.training.wall - before);
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        ledger.images += labels.len() as u64;
        self.twin.step(&x, &labels)?;
        self.done += 1;
        Ok(())
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
        let client = State::to_bytes(&self.ledger, self.both.client.model(), self.twin.model())
            .map_err(|what| RunError::File { path: keeper.folder.client("checkpoint"), what })?;
        let generation = Generation { step, client, server: self.both.server.checkpoint(step)? };
        keeper.folder.write_generation(&keeper.identity, &generation)?;
        (keeper.last, keeper.step) = (Instant::now(), Some(step));
        Ok(())
    }

    /// Brings the ledger up to now.
    fn note_measures(&mut self) {
        let (ledger, both) = (&mut self.ledger, &self.both);
        ledger.total += self.begun.elapsed().as_secs_f64();
        self.begun = Instant::now();
        ledger.peak_memory = ledger.peak_memory.max(peak_memory());
        (ledger.counts, ledger.traffic) = (both.client.counts(), both.traffic);
        ledger.data_bytes = both.data_bytes;
    }

    /// What is left when all steps are done: accuracies, an encrypted classification, the report.
    fn finish(mut self) -> Result<Outcome, RunError> {
        self.note_measures();
        let (session, model) = (self.session, self.both.client.model().clone());
        let own = session.twin(model.clone());
        let mut report = self.report();
        report.accuracy = Accuracy {
            train: Some(own.accuracy(&session.data.train)?),
            test: Some(own.accuracy(&session.data.test)?),
            twin_test: Some(self.twin.accuracy(&session.data.test)?),
            clear_test: clear_curve(session, self.steps).last().copied(),
            balanced_test: Some(session.balanced(&own.predict(&session.data.test.x)?)),
            majority_test: Some(metrics::majority_share(&session.data.test.labels)),
        };
        report.twin = compare(&model, self.twin.model(), session.recipe.quantization.weight_bits);
        report.prediction = Some(predict_encrypted(session, &mut self.both, &own)?.summary);
        report.traffic.out_of_bounds = self.both.client.counts().out_of_bounds;
        if let Some(Keeper { folder, .. }) = &self.keeper {
            folder.write_server(&self.both.plan, &self.both.client.encrypt_model()?)?;
            folder.write_timings(&self.ledger.times)?;
        }
        report.seconds.total = self.ledger.total + self.begun.elapsed().as_secs_f64();
        Ok(Outcome { report, curve: self.ledger.curve, model: Some(model) })
    }

    /// What the ledger says.
    fn report(&self) -> Report {
        let ledger = &self.ledger;
        let (training, traffic, counts) = (ledger.training, ledger.traffic, ledger.counts);
        let mut report = self.session.report(Mode::Encrypted);
        report.schemes = self.both.plan.instances.iter().map(scheme).collect();
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
        report.key_bytes = self.both.key_bytes;
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

/// Both sides, the twin and the ledger as they were.
fn restore(
    session: &Session,
    plan: &Arc<Plan>,
    folder: &RunFolder,
    keys: &[Vec<u8>],
    generation: &Generation,
) -> Result<(Encrypted, Twin, Ledger), RunError> {
    let name = format!("checkpoint-{}.state", generation.step);
    let wrong = |path: PathBuf, what: String| RunError::File { path, what };
    let State { ledger, model, twin } =
        State::from_bytes(&generation.client, &session.network, &session.recipe)
            .map_err(|what| wrong(folder.client(&name), what))?;
    if ledger.samples != hex(&session.digest()) {
        let what = format!("the samples of `{}` are not those of this run", session.data.name);
        return Err(wrong(folder.client(&name), what));
    }
    let mut client = Client::with_keys(plan, model, folder.read_secret_keys(plan)?);
    if ledger.secret != secret_digest(&client) {
        return Err(wrong(folder.client("secret.key"), "is not the secret key of this run".into()));
    }
    client.resume_counts(ledger.counts);
    let mut both = Encrypted::new(plan, client, folder.server_with(plan, keys)?, keys);
    both.server
        .restore(generation.step, &generation.server)
        .map_err(|error| wrong(folder.server(&name), error.to_string()))?;
    (both.traffic, both.data_bytes) = (ledger.traffic, ledger.data_bytes);
    Ok((both, session.twin(twin), ledger))
}

fn secret_digest(client: &Client) -> String {
    hex(&digest_of(&client.keys().iter().map(SecretKey::to_secret_bytes).collect::<Vec<_>>()))
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn scheme(instance: &Instance) -> SchemeSummary {
    let rlwe = instance.params.rlwe();
    SchemeSummary {
        name: "bgv".into(),
        ring_dimension: rlwe.n(),
        log_qp: rlwe.log_qp(),
        plaintext: format!("integers modulo {}", instance.spec.plaintext_modulus),
        security_bits: rlwe.security_bits(),
    }
}

fn compare(model: &Model, twin: &Model, weight_bits: u32) -> TwinSummary {
    let unit = f64::from(weight_bits).exp2();
    let differences = model.layers.iter().zip(&twin.layers).flat_map(|(a, b)| {
        let weights = a.weight.iter().zip(&b.weight);
        weights.chain(a.bias.iter().zip(&b.bias)).map(|(a, b)| (a - b).unsigned_abs())
    });
    let largest = differences.max().unwrap_or(0);
    TwinSummary { equal: Some(model == twin), max_abs_error: Some(largest as f64 / unit) }
}
