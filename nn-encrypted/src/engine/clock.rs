//! Times of the stages of a step.

use std::sync::{Mutex, PoisonError};

use crate::meter::Spent;

/// Time of stages that do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Vec<(&'static str, Spent)>>);

impl Clock {
    /// Runs `work` and adds what it took.
    pub(crate) fn on<T>(&self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        let mut spent = Spent::default();
        let result = spent.on(work);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, sum)) => *sum = Spent { wall: sum.wall + spent.wall, cpu: sum.cpu + spent.cpu },
            None => all.push((stage, spent)),
        }
        result
    }

    /// Seconds by the clock and of all cores, for each stage, in the order in which they were first entered.
    pub(crate) fn stages(&self) -> Vec<(String, f64, f64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(name, spent)| ((*name).to_owned(), spent.wall, spent.cpu)).collect()
    }
}
