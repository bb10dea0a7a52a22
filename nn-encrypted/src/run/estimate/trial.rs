//! A trial: keys, a mini-batch, some steps and a classification, where all of them take seconds.
//!
//! What an operation takes within a step is not what it takes alone, and of small rings the difference is large. Where a trial is cheap it is
//! made; what it draws and computes is forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Parts;
use crate::meter::Spent;
use crate::plan::Plan;
use crate::roles::Client;
use crate::run::RunError;
use crate::run::encrypted::Encrypted;
use crate::run::session::Session;

/// Seconds that a trial may take.
const LONGEST: f64 = 4.0;
/// For how long steps are repeated.
const ENOUGH: Duration = Duration::from_millis(700);

impl Parts {
    /// Whether a trial is cheap, if these are its parts.
    pub(super) fn are_short(&self) -> bool {
        self.keys + self.batch + 2.0 * self.step + self.query < LONGEST
    }

    /// The parts, measured: of steps the median, beside other programs one alone says little.
    ///
    /// # Errors
    /// If the operating system gives no randomness, or the data have no mini-batch.
    pub(super) fn tried(session: &Session, plan: &Arc<Plan>) -> Result<Self, RunError> {
        let mut twin = session.twin(session.first.clone())?;
        let mut parts = Self::default();
        let start = || Encrypted::start(plan, Client::new(plan, session.first.clone())?);
        let (mut both, _) = timed(&mut parts.keys, start)?;
        timed(&mut parts.batch, || both.send(session, 0))?;
        let (x, targets) = session.batch(0)?;
        let (begun, mut steps) = (Instant::now(), Vec::new());
        while steps.len() < session.steps(Some(2)) || begun.elapsed() < ENOUGH {
            let (mut seconds, step) = (0.0, steps.len() as u64);
            timed(&mut seconds, || both.step(session, step, 0, &Arc::default()))?;
            steps.push(seconds);
            both.tell(&mut twin)?;
            twin.step(&x, &targets)?;
        }
        steps.sort_by(f64::total_cmp);
        parts.step = steps.get(steps.len() / 2).copied().unwrap_or_default();
        timed(&mut parts.query, || both.query(0, x.view(), &mut Spent::default()))?;
        Ok(parts)
    }
}

/// Does work, and notes its wall-clock seconds.
fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    let mut spent = Spent::default();
    let done = spent.on(work);
    *seconds = spent.wall;
    done
}
