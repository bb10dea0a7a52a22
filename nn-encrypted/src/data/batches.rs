//! Mini-batches: their rows are fixed once by the seed, their order is new in every epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::random::{Purpose, permutation, shuffle, stream};

/// How rare classes are dealt with in training.
///
/// ```
/// use nn_encrypted::data::Balance;
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("hesamifard2017", &[])?;
/// assert_eq!(recipe.data.balance, Balance::None);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Not at all.
    #[default]
    None,
    /// Samples of rare classes are repeated until all classes are as frequent as the most frequent one, and every
    /// mini-batch has them in equal parts. The client does it before it encrypts.
    Resample,
}

/// The mini-batches of a training run.
///
/// The training rows are shuffled once and cut into batches of equal size, the last of which may be shorter.
/// Fixed rows let an encrypted batch be used again in every epoch. Everything follows from the seed.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let batches = &session.batches;
/// let epoch: Vec<usize> = batches.schedule(0).take(batches.count()).collect();
/// assert_eq!(epoch.len(), batches.count());
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches {
    rows: Vec<usize>,
    size: usize,
    seed: u64,
}

impl Batches {
    /// The batches for training rows with these labels.
    #[must_use]
    pub(crate) fn balanced(balance: Balance, labels: &[usize], size: usize, seed: u64) -> Self {
        match balance {
            Balance::None => Self::new(labels.len(), size, seed),
            Balance::Resample => Self { rows: resample(labels, seed), size: size.max(1), seed },
        }
    }

    /// How many rows an epoch has, repeated ones as often as they occur.
    #[must_use]
    pub(crate) fn samples(&self) -> usize {
        self.rows.len()
    }

    /// Batches of `size` (at least 1) out of `samples` rows.
    #[must_use]
    pub(crate) fn new(samples: usize, size: usize, seed: u64) -> Self {
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
    pub(crate) fn rows(&self, batch: usize) -> &[usize] {
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

/// Rows in turns of one of each class; the rows of a rare class begin anew, in another order, when they are used up.
fn resample(labels: &[usize], seed: u64) -> Vec<usize> {
    let mut rng = stream(seed, Purpose::Batches);
    let mut by_class = BTreeMap::<usize, Vec<usize>>::new();
    for (row, class) in labels.iter().enumerate() {
        by_class.entry(*class).or_default().push(row);
    }
    let mut rows: Vec<Vec<usize>> = by_class.into_values().collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for rows in &mut rows {
        let mut column = Vec::with_capacity(most + rows.len());
        while column.len() < most {
            shuffle(&mut rng, rows);
            column.extend_from_slice(rows);
        }
        columns.push(column);
    }
    (0..most).flat_map(|turn| columns.iter().map(move |column| column[turn])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampled_batches_have_all_classes_in_equal_parts() {
        let labels: Vec<usize> = (0..83).map(|row| usize::from(row % 9 == 0)).collect();
        let batches = Batches::balanced(Balance::Resample, &labels, 20, 4);
        let rare = labels.iter().sum::<usize>();
        assert_eq!((batches.samples(), batches.count()), (2 * (83 - rare), 8));
        for batch in 0..batches.count() {
            let rows = batches.rows(batch);
            assert_eq!(2 * rows.iter().map(|&row| labels[row]).sum::<usize>(), rows.len(), "batch {batch}");
        }
        let all: Vec<usize> = (0..8).flat_map(|batch| batches.rows(batch)).copied().collect();
        let times = |row: usize| all.iter().filter(|&&r| r == row).count();
        assert!((0..83).all(|row| if labels[row] == 0 { times(row) == 1 } else { times(row) >= 7 }));
        assert_eq!(Batches::balanced(Balance::None, &labels, 20, 4), Batches::new(83, 20, 4));
        assert_eq!(Batches::balanced(Balance::Resample, &[], 20, 4).count(), 0);
    }

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
