//! A server: jobs, runs and limits, behind the requests of tenants.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::gate::Gate;
use super::journal::Journal;
use super::limits::Limits;
use super::mailbox::Run;
use super::measures::Measures;
use super::names::Id;
use super::objects::Uploads;
use super::plans::Plans;
use super::store::{Store, StoreError};
use super::tokens::Tokens;

/// A request that is not granted: status, and a sentence for its client.
#[derive(Debug)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

/// Why runs end when the server stops.
const SHUTDOWN: &str = "the server is shutting down";

pub(super) type Granted<T> = Result<T, Refused>;

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        // Noted in the log and not told: see `answered`.
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl Refused {
    pub(super) fn new(status: StatusCode, what: impl Into<String>) -> Self {
        Self(status, what.into())
    }

    /// The answer where nothing is there, or another tenant's: nobody learns which.
    pub(super) fn unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such thing here")
    }
}

/// A server.
pub(super) struct Service {
    pub(super) store: Arc<Store>,
    pub(super) gate: Arc<Gate>,
    pub(super) limits: Limits,
    pub(super) tokens: Tokens,
    pub(super) uploads: Uploads,
    pub(super) plans: Arc<Plans>,
    /// One plan at a time, since a recipe may be made to take long.
    pub(super) planning: Arc<Semaphore>,
    /// One decision on what fits the limits at a time.
    pub(super) creating: Mutex<()>,
    runs: Mutex<HashMap<Id, Arc<Run>>>,
    bodies: Mutex<HashMap<String, usize>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pub(super) measures: Arc<Measures>,
    pub(super) journal: Arc<Journal>,
    closing: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body that is being taken, until this is dropped.
pub(super) struct Taking {
    service: Arc<Service>,
    tenant: String,
}

impl Service {
    /// The server of a folder.
    pub(super) fn open(root: &Path, limits: Limits, journal: Journal) -> Result<Self, StoreError> {
        Ok(Self {
            store: Arc::new(Store::open(root)?),
            gate: Arc::new(Gate::new(limits.memory)),
            tokens: Tokens::new(root),
            limits,
            uploads: Uploads::new(),
            plans: Arc::default(),
            planning: Arc::new(Semaphore::new(1)),
            creating: Mutex::default(),
            runs: Mutex::default(),
            bodies: Mutex::default(),
            threads: Mutex::default(),
            measures: Arc::default(),
            journal: Arc::new(journal),
            closing: AtomicBool::new(false),
        })
    }

    /// Ends all runs, and waits for what they compute just now as long as the limits say; there are no new ones. Whether all have ended.
    pub(super) fn close(&self) -> bool {
        self.closing.store(true, Ordering::SeqCst);
        locked(&self.runs).values().for_each(|run| run.end(SHUTDOWN));
        let (begun, grace) = (Instant::now(), Duration::from_secs(self.limits.grace));
        let threads = std::mem::take(&mut *locked(&self.threads));
        while threads.iter().any(|thread| !thread.is_finished()) {
            if begun.elapsed() >= grace {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Refuses what would begin while the server stops.
    pub(super) fn check_open(&self) -> Granted<()> {
        match self.closing.load(Ordering::SeqCst) {
            true => Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, SHUTDOWN)),
            false => Ok(()),
        }
    }

    /// How many jobs are in each state.
    pub(super) fn states(&self) -> Granted<Vec<(&'static str, f64)>> {
        let mut states: Vec<(&str, f64)> =
            ["idle", "loading", "waiting", "queued", "computing", "parked"].map(|word| (word, 0.0)).into();
        for (job, _) in self.store.jobs()? {
            let word = self.run(job).map_or("idle", |run| run.word());
            states.iter_mut().filter(|(known, _)| *known == word).for_each(|(_, count)| *count += 1.0);
        }
        Ok(states)
    }

    /// Remembers the thread of a run, to wait for it at the end.
    pub(super) fn remember(&self, thread: JoinHandle<()>) {
        let mut threads = locked(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    /// The run of a job, be it over.
    pub(super) fn run(&self, job: Id) -> Option<Arc<Run>> {
        locked(&self.runs).get(&job).cloned()
    }

    /// Makes a run the one of a job, and ends the one before; false if it is the one already.
    pub(super) fn install(&self, job: Id, new: &Arc<Run>) -> Granted<bool> {
        let mut runs = locked(&self.runs);
        self.check_open()?;
        match runs.get(&job) {
            Some(old) if old.id == new.id => return Ok(false),
            Some(old) => old.end("another process of its owner took over"),
            None => {}
        }
        runs.insert(job, Arc::clone(new));
        Ok(true)
    }

    /// Ends the run of a job for good.
    pub(super) fn remove_run(&self, job: Id) {
        if let Some(run) = locked(&self.runs).remove(&job) {
            run.end("its job was deleted");
        }
    }

    /// Counts a body that a tenant sends.
    pub(super) fn taking(self: &Arc<Self>, tenant: &str) -> Granted<Taking> {
        let mut bodies = locked(&self.bodies);
        let count = bodies.entry(tenant.to_owned()).or_default();
        if *count >= self.limits.uploads {
            let what = format!("{} bodies are being taken already", self.limits.uploads);
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, what));
        }
        *count += 1;
        Ok(Taking { service: Arc::clone(self), tenant: tenant.to_owned() })
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let mut bodies = locked(&self.service.bodies);
        if let Some(count) = bodies.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                bodies.remove(&self.tenant);
            }
        }
    }
}
