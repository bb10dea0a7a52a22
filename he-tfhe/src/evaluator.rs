//! The server's part.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::keys::EvaluationKeys;
use crate::params::Parameters;

/// Computes with ciphertexts; it holds evaluation keys and nothing secret.
pub struct Evaluator {
    keys: EvaluationKeys,
    bootstraps: AtomicU64,
}

impl Evaluator {
    /// With evaluation keys.
    pub fn new(keys: EvaluationKeys) -> Self {
        Self { keys, bootstraps: AtomicU64::new(0) }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.keys.params()
    }

    pub(crate) fn keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// Blind rotations done so far.
    pub fn bootstraps(&self) -> u64 {
        self.bootstraps.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, bootstraps: usize) {
        self.bootstraps.fetch_add(bootstraps as u64, Ordering::Relaxed);
    }
}
