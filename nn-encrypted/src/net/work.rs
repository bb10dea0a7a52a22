//! The thread of a run: a server in memory, and its tasks one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::api::{Event, Task};
use super::gate::{Gate, Turn};
use super::journal::Journal;
use super::mailbox::Run;
use super::measures::Measures;
use super::names::{Id, Object, from_hex};
use super::outcome::Outcome;
use super::plans::Plans;
use super::store::{JobRecord, ObjectRecord, Store, StoreError};
use crate::engine::KeyStream;
use crate::roles::{Link, LinkError, Server, ServerError};

/// Checkpoints of a job that are kept.
const KEPT: usize = 2;
/// Bytes of mini-batches that stay in memory between two uses of one.
const BATCHES_IN_MEMORY: u64 = 1 << 30;

/// The thread of a run, before it starts.
pub(super) struct Work {
    pub(super) job: Id,
    pub(super) record: JobRecord,
    pub(super) run: Arc<Run>,
    pub(super) store: Arc<Store>,
    pub(super) gate: Arc<Gate>,
    pub(super) plans: Arc<Plans>,
    pub(super) silence: Duration,
    pub(super) measures: Arc<Measures>,
    pub(super) journal: Arc<Journal>,
}

/// Why a task ends without an outcome.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} was not uploaded")]
    Missing(Object),
    #[error("checkpoint {step} is not there with digest {digest}")]
    Checkpoint { step: u64, digest: String },
    #[error("{0}")]
    Plan(String),
}

/// The way to the client: whoever waits for it lets others compute.
struct Asks<'a> {
    work: &'a Work,
    turn: Option<Turn<'a>>,
    round: u32,
}

impl Link for Asks<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let Work { run, silence, .. } = self.work;
        self.turn = None;
        let answer = run.ask(self.round, request, *silence);
        self.round += 1;
        let answer = answer.ok_or("its client is gone")?;
        self.turn = Some(self.work.turn());
        Ok(answer)
    }
}

/// The name of a checkpoint among the objects of a job: two of one step may differ, and neither takes the place of the other.
fn checkpoint(step: u64, digest: &str) -> String {
    format!("checkpoint-{step}-{digest}")
}

/// The step of a checkpoint of this name.
pub(super) fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix("checkpoint-")?.split('-').next()?.parse().ok()
}

impl Work {
    /// To the end of the run. A panic of an engine is the end as well.
    pub(super) fn go(self) {
        let run = &self.run;
        if catch_unwind(AssertUnwindSafe(|| self.tasks())).is_err() {
            run.end("the server failed while it computed");
        }
        run.end("over");
        self.journal.note("run ended", &[("job", &self.job), ("state", &run.described())]);
    }

    fn turn(&self) -> Turn<'_> {
        self.run.note("queued");
        let turn = self.gate.turn(&self.run.tenant);
        self.run.note("computing");
        turn
    }

    fn tasks(&self) {
        let wanted = || !self.run.is_gone();
        let Some(_room) = self.gate.room(self.record.sizes.memory, wanted) else { return };
        let mut server = self.load();
        self.run.note("waiting");
        while let Some(task) = self.run.take_task(self.silence) {
            let done = match &mut server {
                Ok(server) => self.perform(server, &task),
                Err(error) => Err(WorkError::Plan(error.to_string())),
            };
            match done {
                Ok(outcome) => self.run.finish(Event::Done, outcome.to_bytes()),
                Err(WorkError::Server(ServerError::Stopped)) => self.run.finish(Event::Stopped, vec![]),
                Err(error) => self.run.finish(Event::Failed, error.to_string().into_bytes()),
            }
        }
    }

    /// The server with the uploaded keys.
    fn load(&self) -> Result<Server, WorkError> {
        let _turn = self.gate.turn(&self.run.tenant);
        let planned = self.plans.of(&self.record.body).map_err(|error| WorkError::Plan(error.to_string()))?;
        let plan = &planned.plan;
        let mut number = 0..;
        let mut keys = Vec::new();
        for engine in &plan.engines {
            let kinds = number.by_ref().take(engine.key_names().len());
            keys.push(kinds.map(|kind| self.key(Object::Keys(kind))).collect::<Result<_, _>>()?);
        }
        Ok(Server::read_from(plan, keys, true)?)
    }

    /// Uploaded keys, which are read piece by piece.
    fn key(&self, object: Object) -> Result<KeyStream<'static>, WorkError> {
        let file =
            self.store.open_object(self.job, &object.to_string())?.ok_or(WorkError::Missing(object))?;
        Ok(Box::new(file))
    }

    fn uploaded(&self, object: Object) -> Result<Vec<u8>, WorkError> {
        self.store.bytes(self.job, &object.to_string())?.ok_or(WorkError::Missing(object))
    }

    /// An object that was uploaded for one task.
    fn used_up(&self, object: Object) -> Result<Vec<u8>, WorkError> {
        let bytes = self.uploaded(object)?;
        self.store.forget_object(self.job, &object.to_string())?;
        Ok(bytes)
    }

    fn perform(&self, server: &mut Server, task: &Task) -> Result<Outcome, WorkError> {
        let flag = self.run.flag();
        let mut result = Vec::new();
        match *task {
            Task::Take { step } => server.receive_model(step, self.used_up(Object::Model)?)?,
            Task::Train { step, batch } => {
                let mut link = Asks { work: self, turn: Some(self.turn()), round: 0 };
                self.bring_batch(server, batch)?;
                let begun = Instant::now();
                let trained = server.train(step, batch, &mut link, &flag);
                stopped_or(trained, &flag)?;
                self.measures.step(begun.elapsed());
            }
            Task::Classify { number } => {
                let mut link = Asks { work: self, turn: Some(self.turn()), round: 0 };
                let query = self.used_up(Object::Query)?;
                result = stopped_or(server.predict(number, query, &mut link), &flag)?;
            }
            Task::Give { step } => result = server.model(step)?,
            Task::Keep { step } => result = self.keep(step, &server.model(step)?)?,
            Task::Restore { step, ref digest } => self.restore(server, step, digest)?,
        }
        Ok(Outcome { usage: server.usage(), result, records: server.take_records() })
    }

    /// Brings a mini-batch from disk to memory; others leave it where it may be too small for all.
    fn bring_batch(&self, server: &mut Server, batch: usize) -> Result<(), WorkError> {
        if server.has_batch(batch) {
            return Ok(());
        }
        let bytes = self.uploaded(Object::Batch(batch))?;
        let batches = self.record.body.batches;
        if (bytes.len() as u64).saturating_mul(batches as u64) > BATCHES_IN_MEMORY {
            server.forget_batches();
        }
        Ok(server.receive_batch(batch, bytes)?)
    }

    /// Writes a checkpoint, unless it is there, and then removes those of steps before the last; its digest.
    fn keep(&self, step: u64, bytes: &[u8]) -> Result<Vec<u8>, WorkError> {
        let digest = blake3::hash(bytes);
        let name = checkpoint(step, &digest.to_hex());
        if self.store.object(self.job, &name)?.is_none() {
            self.store.write_at(self.job, &name, 0, bytes)?;
            let (length, digest) = (bytes.len() as u64, digest.to_hex().to_string());
            let record = ObjectRecord { length, digest, offset: length, complete: true };
            self.store.keep_object(self.job, &name, &record)?;
        }
        let all = self.checkpoints()?;
        let mut steps: Vec<u64> = all.iter().map(|(kept, _)| *kept).filter(|kept| *kept <= step).collect();
        steps.dedup();
        let oldest = steps.iter().rev().nth(KEPT - 1).copied().unwrap_or(0);
        self.forget(all.into_iter().filter(|(kept, _)| *kept < oldest))?;
        Ok(digest.as_bytes().to_vec())
    }

    fn restore(&self, server: &mut Server, step: u64, digest: &str) -> Result<(), WorkError> {
        let missing = || WorkError::Checkpoint { step, digest: digest.to_owned() };
        from_hex(digest, &mut [0; 32]).map_err(|()| missing())?;
        let bytes = self.store.bytes(self.job, &checkpoint(step, digest))?;
        let bytes = bytes.filter(|bytes| blake3::hash(bytes).to_hex().as_str() == digest);
        server.restore(step, bytes.ok_or_else(missing)?)?;
        self.forget(self.checkpoints()?.into_iter().filter(|(kept, _)| *kept > step))
    }

    fn forget(&self, checkpoints: impl Iterator<Item = (u64, String)>) -> Result<(), WorkError> {
        for (_, name) in checkpoints {
            self.store.forget_object(self.job, &name)?;
        }
        Ok(())
    }

    /// Steps and names of checkpoints, in order.
    fn checkpoints(&self) -> Result<Vec<(u64, String)>, WorkError> {
        let names = self.store.objects(self.job)?.into_iter();
        let mut all: Vec<(u64, String)> =
            names.filter_map(|(name, _)| Some((step_of(&name)?, name))).collect();
        all.sort_unstable();
        Ok(all)
    }
}

/// A result in which an answer that a stopped client did not give is no failure.
fn stopped_or<T>(result: Result<T, ServerError>, flag: &AtomicBool) -> Result<T, ServerError> {
    match result {
        Err(ServerError::Link(_)) if flag.load(Ordering::SeqCst) => Err(ServerError::Stopped),
        other => other,
    }
}
