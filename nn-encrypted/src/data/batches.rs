//! Mini-batches: their rows are fixed once by the seed, their order is new in every epoch.

use super::random::{Purpose, permutation, stream};

/// The mini-batches of a training run.
///
/// The training rows are shuffled once and cut into batches of equal size, the last of which may be shorter.
/// Fixed rows let an encrypted batch be used again in every epoch. Everything follows from the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches {
    rows: Vec<usize>,
    size: usize,
    seed: u64,
}

impl Batches {
    /// Batches of `size` (at least 1) out of `samples` rows.
    #[must_use]
    pub fn new(samples: usize, size: usize, seed: u64) -> Self {
        let rows = permutation(&mut stream(seed, Purpose::Batches), samples);
        Self { rows, size: size.max(1), seed }
    }

    /// How many batches an epoch has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len().div_ceil(self.size)
    }

    /// The rows of a batch; none if there is no such batch.
    #[must_use]
    pub fn rows(&self, batch: usize) -> &[usize] {
        let start = batch.saturating_mul(self.size).min(self.rows.len());
        &self.rows[start..(start + self.size).min(self.rows.len())]
    }

    /// The order of the batches in an epoch, counted from 0.
    #[must_use]
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        permutation(&mut stream(self.seed, Purpose::Order(epoch as u64)), self.count())
    }

    /// The batch of each step, from step `start` (counted from 0) on, without end; none if there are no rows.
    pub fn schedule(&self, start: usize) -> impl Iterator<Item = usize> {
        let count = self.count();
        let epochs = start.checked_div(count).map_or(0..0, |first| first..usize::MAX);
        epochs.flat_map(|epoch| self.order(epoch)).skip(start.checked_rem(count).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_once_an_epoch() {
        let batches = Batches::new(1437, 60, 5);
        assert_eq!(batches.count(), 24);
        assert_eq!(batches.rows(23).len(), 57);
        assert!(batches.rows(24).is_empty());
        for epoch in 0..3 {
            let mut seen: Vec<usize> =
                batches.order(epoch).iter().flat_map(|&batch| batches.rows(batch)).copied().collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..1437));
        }
        assert_ne!(batches.order(0), batches.order(1));
        assert_eq!(batches, Batches::new(1437, 60, 5));
        assert_ne!(batches, Batches::new(1437, 60, 6));
    }

    #[test]
    fn a_schedule_can_be_resumed() {
        let batches = Batches::new(100, 8, 1);
        let whole: Vec<usize> = batches.schedule(0).take(40).collect();
        assert_eq!(whole[..13], batches.order(0));
        assert_eq!(whole[13..26], batches.order(1));
        assert!(batches.schedule(17).take(23).eq(whole[17..].iter().copied()));
        assert_eq!(Batches::new(0, 8, 1).schedule(3).count(), 0);
    }
}
