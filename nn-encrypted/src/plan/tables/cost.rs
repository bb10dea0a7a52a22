//! The work and the memory of a run.

use super::PlannedTables;
use crate::activation::Function;
use crate::layout::Rows;
use crate::plan::{PlannedEngine, Workload};
use crate::program::Tensor;

/// Seconds of a core that a rotation takes in the ring of CKKS at the highest level of its steps, where `LOOKUP_SECONDS` was measured.
const ROTATION_SECONDS: f64 = 0.0145;
/// Seconds of a byte of sealed keys, made, written and read.
pub(in crate::plan) const KEY_BYTE: f64 = 2e-8;
/// Seconds of a byte of a ciphertext that is encrypted and read.
pub(in crate::plan) const BYTE: f64 = 5e-8;
/// Bytes of keys in memory for each byte of sealed keys: sealed, and expanded.
pub(in crate::plan) const KEYS: f64 = 3.2;
/// Bytes that a refresh works in, and those for each of its slots.
pub(in crate::plan) const REFRESH: [f64; 2] = [2.5e9, 1.7e5];

impl PlannedTables {
    /// Lookups of the classification of a mini-batch.
    fn query_lookups(&self) -> usize {
        let (widths, functions) = (self.places().widths(), &self.shared.functions);
        let last = widths.len() - 2;
        let hidden = functions.activations.iter().enumerate().filter(|(l, _)| *l < last);
        let of = |(l, _): (usize, &Function)| widths[l + 1];
        self.shared.batch * hidden.map(of).sum::<usize>()
    }

    /// In rotations in the ring of CKKS and lookups.
    pub(super) fn planned_work(&self) -> Workload {
        let bytes = |tensor: Tensor| {
            let size = self.sent(tensor, self.shared.batch);
            (size.parts * size.pieces * size.fresh) as f64
        };
        let rotations = |seconds: f64, lookups: usize| vec![seconds / ROTATION_SECONDS, lookups as f64];
        let places = self.places();
        let depth = places.widths().len() - 1;
        let inputs: usize = (1..depth).map(|l| places.pieces(Rows::Inputs(l), self.shared.batch)).sum();
        let refreshed = if self.refreshes() == 0 { 0.0 } else { inputs as f64 / self.refreshes() as f64 };
        let keys: usize = self.key_bytes().unwrap_or_default().iter().sum();
        Workload {
            keys: rotations(KEY_BYTE * keys as f64, 0),
            batch: rotations(BYTE * (bytes(Tensor::Features) + bytes(Tensor::Targets)), 0),
            step: rotations(self.seconds(), self.lookups()),
            query: rotations(self.seconds() * refreshed.min(1.0), self.query_lookups()),
        }
    }

    /// Bytes at the peak.
    pub(super) fn memory(&self) -> usize {
        let keys: usize = self.key_bytes().unwrap_or_default().iter().sum();
        (KEYS * keys as f64 + REFRESH[0] + REFRESH[1] * self.slots() as f64) as usize
    }
}
