//! The cost of a run of a plan: operations by number of primes, and the keys they need.

use std::collections::BTreeMap;

use crate::layout::Rotation;

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

/// Counts of operations over each number of primes, and the most primes over which each key is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Operations by kind and number of primes.
    pub counts: BTreeMap<(Cost, usize), u64>,
    /// Primes of the relinearization key, 0 for none.
    pub relinearize: usize,
    /// Primes of each rotation key.
    pub rotations: BTreeMap<Rotation, usize>,
}

impl Operations {
    pub(super) fn count(&mut self, cost: Cost, primes: usize, times: u64) {
        *self.counts.entry((cost, primes)).or_insert(0) += times;
    }

    pub(super) fn rotation(&mut self, rotation: Rotation, primes: usize) {
        let most = self.rotations.entry(rotation).or_insert(0);
        *most = (*most).max(primes);
    }

    /// These operations with every count multiplied by `of.0/of.1`, rounded down.
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
        other.rotations.iter().for_each(|(&rotation, &primes)| self.rotation(rotation, primes));
    }

    /// The most primes over which an operation ran, 0 if it did not.
    pub fn most_primes(&self, cost: Cost) -> usize {
        self.counts.keys().filter(|(c, _)| *c == cost).map(|(_, primes)| *primes).max().unwrap_or(0)
    }

    /// How often an operation ran, over any number of primes.
    pub fn total(&self, cost: Cost) -> u64 {
        self.counts.iter().filter(|((c, _), _)| *c == cost).map(|(_, n)| n).sum()
    }
}
