//! Plans that were made: the same request is planned once, be it of several tenants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::body::{JobBody, Planned};
use crate::run::RunError;

/// Plans that are remembered.
const MOST: usize = 4;
/// Entries of the matrices of a network whose plan is remembered, at most.
const MOST_ENTRIES: usize = 1 << 20;

/// The last plans, the newest first.
#[derive(Default)]
pub(super) struct Plans(Mutex<VecDeque<(JobBody, Arc<Planned>)>>);

impl Plans {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(JobBody, Arc<Planned>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan that a request leads to: by the whole of it, whatever hash it names.
    pub(super) fn of(&self, body: &JobBody) -> Result<Arc<Planned>, RunError> {
        if let Some((_, known)) = self.lock().iter().find(|(known, _)| known == body) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(body.plan()?);
        let entries = new.plan.network.layers.iter().map(|layer| layer.matrix.entries.len());
        if entries.sum::<usize>() <= MOST_ENTRIES {
            let mut plans = self.lock();
            plans.push_front((body.clone(), Arc::clone(&new)));
            plans.truncate(MOST);
        }
        Ok(new)
    }
}
