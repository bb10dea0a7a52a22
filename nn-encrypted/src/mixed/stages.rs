//! Time of the stages of a step.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::meter::Spent;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Products and sums in BGV, expansions included.
    Products,
    /// From BGV to TFHE.
    Switching,
    /// Bootstraps of TFHE.
    Bootstraps,
    /// Packing of LWE ciphertexts.
    Packing,
    /// From packed ciphertexts to BGV, and of BGV ciphertexts to large moduli: bootstraps of CKKS.
    Refresh,
    /// Readings kept for the twin, which training itself does not need.
    Audit,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Products, Self::Switching, Self::Bootstraps, Self::Packing, Self::Refresh, Self::Audit];
}

/// What each stage took.
#[derive(Debug, Default)]
pub struct Stages(Mutex<[Spent; 6]>);

impl Stages {
    /// Runs `work` and adds what it took. Stages do not overlap.
    pub(super) fn on<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let mut spent = Spent::default();
        let result = spent.on(work);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = &mut all[stage as usize];
        *sum = Spent { wall: sum.wall + spent.wall, cpu: sum.cpu + spent.cpu };
        result
    }

    /// What each stage took so far.
    pub fn all(&self) -> [Spent; 6] {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
