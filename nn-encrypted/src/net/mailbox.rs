//! A run between the thread that computes and the requests of its client: tasks and answers go in, refresh requests and outcomes come
//! out, and neither side sees the other.
//!
//! ```text
//! idle → busy → asking → busy → … → done, failed or stopped → busy (the next task) → …         each → gone
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Notify;

use super::api::{Event, Task};
use super::names::Id;

/// Where a run is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// No task yet.
    Idle,
    /// The thread has a task.
    Busy,
    /// The thread waits for the answer of a round.
    Asking(u32, Bytes),
    /// The task is over.
    Over(Event, Bytes),
    /// The run is over, and why.
    Gone(String),
}

/// Why a request to a run is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// The run is over.
    Gone(String),
    /// Something else is due.
    Conflict(&'static str),
}

struct State {
    phase: Phase,
    /// The task of the highest number, and it.
    task: Option<(u64, Task)>,
    /// A task that the thread has not taken yet.
    waiting: bool,
    /// Rounds of the task that were answered, and the digest of the last answer.
    answered: Option<(u32, blake3::Hash)>,
    answer: Option<Vec<u8>>,
    /// When its client was heard last.
    heard: Instant,
    /// The work of the thread just now, in a word.
    at: &'static str,
}

/// A run of a job.
pub(super) struct Run {
    pub(super) id: Id,
    pub(super) tenant: String,
    state: Mutex<State>,
    thread: Condvar,
    client: Notify,
    /// Stops a training step within.
    stop: Mutex<Arc<AtomicBool>>,
}

impl Run {
    pub(super) fn new(id: Id, tenant: &str) -> Self {
        let state = State {
            phase: Phase::Idle,
            task: None,
            waiting: false,
            answered: None,
            answer: None,
            heard: Instant::now(),
            at: "loading",
        };
        Self {
            id,
            tenant: tenant.to_owned(),
            state: Mutex::new(state),
            thread: Condvar::new(),
            client: Notify::new(),
            stop: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.thread.notify_all();
        self.client.notify_waiters();
    }

    /// Locks for a request of the client, which was thereby heard.
    fn hear(&self) -> Result<MutexGuard<'_, State>, Refusal> {
        let mut state = self.lock();
        state.heard = Instant::now();
        match &state.phase {
            Phase::Gone(why) => Err(Refusal::Gone(why.clone())),
            _ => Ok(state),
        }
    }

    /// Gives it task number `number`. The same one again is a success.
    pub(super) fn submit(&self, number: u64, task: Task) -> Result<(), Refusal> {
        let mut state = self.hear()?;
        match &state.task {
            Some((last, known)) if *last == number && *known == task => return Ok(()),
            Some((last, _)) if *last >= number => {
                return Err(Refusal::Conflict("a task of this number, or a later one, was given"));
            }
            _ => {}
        }
        if matches!(state.phase, Phase::Busy | Phase::Asking(..)) {
            return Err(Refusal::Conflict("the task before is not over"));
        }
        (state.phase, state.waiting, state.answered, state.answer) = (Phase::Busy, true, None, None);
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        state.task = Some((number, task));
        drop(state);
        self.changed();
        Ok(())
    }

    /// Stops the task of a number, if it is the one in work.
    pub(super) fn stop(&self, number: u64) -> Result<(), Refusal> {
        let state = self.hear()?;
        let current = state.task.as_ref().is_some_and(|(last, _)| *last == number);
        drop(state);
        if !current {
            return Err(Refusal::Conflict("another task is in work"));
        }
        self.flag().store(true, Ordering::SeqCst);
        self.changed();
        Ok(())
    }

    /// The flag that stops the task in work.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next event of a task: a request with its round, or its end; none if neither comes in time.
    pub(super) async fn next(
        &self,
        number: u64,
        wait: Duration,
    ) -> Result<Option<(Event, u32, Bytes)>, Refusal> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let changed = self.client.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.hear()?;
                if state.task.as_ref().is_none_or(|(last, _)| *last != number) {
                    return Err(Refusal::Conflict("no such task, or a later one was given"));
                }
                match &state.phase {
                    Phase::Asking(round, request) => {
                        return Ok(Some((Event::Request, *round, request.clone())));
                    }
                    Phase::Over(event, bytes) => return Ok(Some((*event, 0, bytes.clone()))),
                    _ => {}
                }
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Gives it the answer of a round. The same bytes again are a success, other bytes never.
    pub(super) fn answer(&self, number: u64, round: u32, bytes: Vec<u8>) -> Result<(), Refusal> {
        let digest = blake3::hash(&bytes);
        let mut state = self.hear()?;
        if state.task.as_ref().is_none_or(|(last, _)| *last != number) {
            return Err(Refusal::Conflict("an answer to another task than the one in work"));
        }
        match (&state.phase, state.answered) {
            (_, Some((last, known))) if last == round => {
                let same = known == digest;
                return if same {
                    Ok(())
                } else {
                    Err(Refusal::Conflict("this round was answered otherwise"))
                };
            }
            (Phase::Asking(due, _), _) if *due == round => {}
            _ => return Err(Refusal::Conflict("nobody asked for this round")),
        }
        (state.phase, state.answered, state.answer) = (Phase::Busy, Some((round, digest)), Some(bytes));
        drop(state);
        self.changed();
        Ok(())
    }

    /// Ends it, unless it has ended.
    pub(super) fn end(&self, why: &str) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Gone(_)) {
            state.phase = Phase::Gone(why.to_owned());
            (state.answer, state.waiting) = (None, false);
        }
        drop(state);
        self.flag().store(true, Ordering::SeqCst);
        self.changed();
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.lock().phase, Phase::Gone(_))
    }

    /// Says what the thread is at.
    pub(super) fn note(&self, at: &'static str) {
        self.lock().at = at;
    }

    /// The state in words.
    pub(super) fn described(&self) -> String {
        let gone = match &self.lock().phase {
            Phase::Gone(why) => Some(format!("parked: {why}")),
            _ => None,
        };
        gone.unwrap_or_else(|| self.word().into())
    }

    /// The state in a word.
    pub(super) fn word(&self) -> &'static str {
        let state = self.lock();
        match &state.phase {
            Phase::Gone(_) => "parked",
            Phase::Idle | Phase::Busy if state.at == "loading" => "loading",
            Phase::Busy => state.at,
            Phase::Idle | Phase::Asking(..) | Phase::Over(..) => "waiting",
        }
    }

    /// For the thread: the next task; none when the run is over, be it that its client was silent for so long.
    pub(super) fn take_task(&self, silence: Duration) -> Option<Task> {
        let mut state = self.wait_until(silence, |state| state.waiting)?;
        state.waiting = false;
        state.task.as_ref().map(|(_, task)| task.clone())
    }

    /// For the thread: sends a request and waits for its answer; none when the run or the task is over.
    pub(super) fn ask(&self, round: u32, request: Vec<u8>, silence: Duration) -> Option<Vec<u8>> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Gone(_)) {
            return None;
        }
        state.phase = Phase::Asking(round, request.into());
        drop(state);
        self.changed();
        let flag = self.flag();
        let stopped = |state: &State| state.answer.is_some() || flag.load(Ordering::SeqCst);
        self.wait_until(silence, stopped)?.answer.take()
    }

    /// For the thread: the task is over.
    pub(super) fn finish(&self, event: Event, body: Vec<u8>) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Gone(_)) {
            state.phase = Phase::Over(event, body.into());
        }
        drop(state);
        self.changed();
    }

    fn wait_until(&self, silence: Duration, ready: impl Fn(&State) -> bool) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        loop {
            if matches!(state.phase, Phase::Gone(_)) {
                return None;
            }
            if ready(&state) {
                return Some(state);
            }
            let Some(left) = silence.checked_sub(state.heard.elapsed()) else {
                drop(state);
                self.end(&format!("its client was silent for {} s", silence.as_secs()));
                return None;
            };
            state = self.thread.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
