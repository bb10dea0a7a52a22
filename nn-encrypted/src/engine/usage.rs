//! What a run of a plan takes: operations by level, and the keys they need.

use std::collections::BTreeMap;

/// A movement of slots for which a key is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// Both rows left by so many slots.
    Rows(usize),
    /// The two rows swapped.
    Swap,
}

/// An operation whose cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// A product of two ciphertexts, before relinearization.
    Product,
    /// A product with a mask.
    Mask,
    /// A key switch: relinearization or rotation.
    KeySwitch,
    /// The decomposition that hoisted rotations share.
    Decompose,
    /// A hoisted rotation.
    Hoisted,
    /// A prime divided out.
    Drop,
    /// A sum or a product with a constant.
    Linear,
}

/// Counts of operations at each number of limbs, and the most limbs at which each key is used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Operations by kind and limbs.
    pub counts: BTreeMap<(Cost, usize), u64>,
    /// Limbs of the relinearization key, 0 for none.
    pub relinearize: usize,
    /// Limbs of each rotation key.
    pub turns: BTreeMap<Turn, usize>,
}

impl Usage {
    pub(super) fn count(&mut self, cost: Cost, limbs: usize, times: u64) {
        *self.counts.entry((cost, limbs)).or_insert(0) += times;
    }

    pub(super) fn turn(&mut self, turn: Turn, limbs: usize) {
        let most = self.turns.entry(turn).or_insert(0);
        *most = (*most).max(limbs);
    }

    /// The same with every count multiplied by `of.0/of.1`, rounded down.
    #[must_use]
    pub fn times(&self, of: (u64, u64)) -> Self {
        let counts = self.counts.iter().map(|(&key, count)| (key, count * of.0 / of.1)).collect();
        Self { counts, ..self.clone() }
    }

    /// Adds the counts of another run, and needs its keys too.
    pub fn merge(&mut self, other: &Self) {
        for (&key, &count) in &other.counts {
            *self.counts.entry(key).or_insert(0) += count;
        }
        self.relinearize = self.relinearize.max(other.relinearize);
        other.turns.iter().for_each(|(&turn, &limbs)| self.turn(turn, limbs));
    }

    /// The most limbs at which an operation ran, 0 if it did not.
    pub fn most_limbs(&self, cost: Cost) -> usize {
        self.counts.keys().filter(|(c, _)| *c == cost).map(|(_, limbs)| *limbs).max().unwrap_or(0)
    }

    /// How often an operation ran, at any level.
    pub fn total(&self, cost: Cost) -> u64 {
        self.counts.iter().filter(|((c, _), _)| *c == cost).map(|(_, n)| n).sum()
    }
}
