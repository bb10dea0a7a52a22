//! Which carries are fastest, from the number of integers.

use super::carry::Carry;
use super::circuit::Circuit;
use super::run::BitEvaluator;
use crate::error::Error;

/// Gates of a level that cost twice on each thread: few bootstraps share a pass over the keys.
const FEW: usize = 4;

impl Circuit {
    /// An estimate of the time for so many tuples of operands on so many threads, in times of a gate in a large batch: a
    /// level waits for the one before it, and up to four gates on a thread take twice their time.
    pub fn cost(&self, tuples: usize, threads: usize) -> usize {
        let share = |gates: &usize| gates.saturating_mul(tuples).div_ceil(threads.max(1));
        self.levels()
            .iter()
            .map(share)
            .map(|share| share.saturating_add(share.min(FEW)))
            .fold(0, usize::saturating_add)
    }
}

impl BitEvaluator<'_> {
    /// The circuit with the carries that are fastest for so many tuples: few levels for few tuples, few gates for many.
    ///
    /// # Errors
    /// If `build` fails.
    pub fn fastest(
        &self,
        tuples: usize,
        build: impl Fn(Carry) -> Result<Circuit, Error>,
    ) -> Result<Circuit, Error> {
        let threads = rayon::current_num_threads();
        let mut best = build(Carry::Ripple)?;
        for carry in [Carry::BrentKung, Carry::Sklansky] {
            let circuit = build(carry)?;
            if circuit.cost(tuples, threads) < best.cost(tuples, threads) {
                best = circuit;
            }
        }
        Ok(best)
    }
}
