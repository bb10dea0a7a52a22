//! The slot operations in BGV.

use std::sync::{Arc, Mutex, PoisonError};

use he_bgv::{Ciphertext, Error};
use he_core::rlwe::OperandError;
use rayon::prelude::*;

use super::{Channel, Cost, Operations};
use crate::engine::slots::{Level, SlotOps};
use crate::engine::{EngineError, Result};
use crate::layout::{Mask, Rotation};

/// Operations on BGV ciphertexts, one for each plaintext prime, which it counts.
pub struct BgvSlots {
    channels: Arc<Vec<Channel>>,
    operations: Mutex<Operations>,
}

type Many = Vec<Ciphertext>;

impl BgvSlots {
    /// Operations over the given channels, one for each plaintext prime.
    pub fn new(channels: Vec<Channel>) -> Self {
        Self { channels: Arc::new(channels), operations: Mutex::default() }
    }

    /// The same channels with a count of their own.
    pub(super) fn with_own_count(&self) -> Self {
        Self { channels: Arc::clone(&self.channels), operations: Mutex::default() }
    }

    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Operations since the last call.
    pub fn take_operations(&self) -> Operations {
        std::mem::take(&mut self.operations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, work: impl FnOnce(&mut Operations)) {
        work(&mut self.operations.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Runs an operation in every channel.
    fn each(&self, work: impl Fn(usize, &Channel) -> Result<Ciphertext, Error>) -> Result<Many> {
        let all: Result<Many, Error> =
            self.channels.iter().enumerate().map(|(c, channel)| work(c, channel)).collect();
        Ok(all?)
    }

    /// As [`each`](Self::each), for an operation with `count` results.
    fn each_many(
        &self,
        count: usize,
        work: impl Fn(usize, &Channel) -> Result<Vec<Ciphertext>, Error>,
    ) -> Result<Vec<Many>> {
        let mut out: Vec<Many> = vec![Many::new(); count];
        for (c, channel) in self.channels.iter().enumerate() {
            for (many, one) in out.iter_mut().zip(work(c, channel)?) {
                many.push(one);
            }
        }
        Ok(out)
    }

    /// `a + rotation(a)`. Such sums are traces: a coefficient that all rotations fix grows by their number, the others cancel.
    /// So the operands count as related.
    fn add_rotated(
        &self,
        channel: &Channel,
        a: &Ciphertext,
        rotation: Rotation,
    ) -> Result<Ciphertext, Error> {
        self.record(|operations| {
            operations.count(Cost::KeySwitch, primes(a), 1);
            operations.rotation(rotation, primes(a));
        });
        let rotated = channel.evaluator.automorphism(a, channel.element(rotation))?;
        channel.evaluator.add(a, &rotated)
    }

    fn count_drops(&self, from: usize, to: usize) {
        self.record(|operations| (to + 1..=from).for_each(|primes| operations.count(Cost::Drop, primes, 1)));
    }

    /// A matrix product to be relinearized.
    fn products_in(
        &self,
        channel: &Channel,
        inner: usize,
        a: &[&Ciphertext],
        b: &[&Ciphertext],
        level: Level,
    ) -> Result<Vec<Ciphertext>, Error> {
        let max_level = level.product.map_or(usize::MAX, |primes| primes.saturating_sub(1));
        let products = channel.evaluator.matrix_product_lazy(inner, a, b, max_level)?;
        let (count, over) = (products.len() as u64, products.first().map_or(0, primes));
        self.record(|operations| operations.count(Cost::Product, over, count * inner as u64));
        Ok(products)
    }

    fn relinearized(&self, channel: &Channel, a: &Ciphertext, level: Level) -> Result<Ciphertext, Error> {
        let over = primes(a);
        self.record(|operations| {
            operations.count(Cost::KeySwitch, over, 1);
            operations.relinearize = operations.relinearize.max(over);
        });
        self.mod_switched(channel, &channel.evaluator.relinearize(a)?, level)
    }

    /// A result over as many primes as it goes on with.
    fn mod_switched(&self, channel: &Channel, a: &Ciphertext, level: Level) -> Result<Ciphertext, Error> {
        let switched = match level.result {
            Some(primes) => channel.evaluator.mod_switch_to(a, primes.saturating_sub(1).min(a.level()))?,
            None => channel.evaluator.mod_switch_for_product(a)?,
        };
        self.count_drops(primes(a), primes(&switched));
        Ok(switched)
    }
}

/// Number of primes of a ciphertext's modulus.
fn primes(a: &Ciphertext) -> usize {
    a.level() + 1
}

/// The ciphertexts of channel `c`.
fn of(c: usize, many: &Many) -> &Ciphertext {
    &many[c]
}

impl SlotOps for BgvSlots {
    type Ciphertext = Many;
    type Scalar = i64;
    type Mask = Mask<i64>;

    const ONE: i64 = 1;

    fn dot(&self, pairs: &[(&Many, &Many)], level: Level) -> Result<Many> {
        let (a, b): (Vec<&Many>, Vec<&Many>) = pairs.iter().copied().unzip();
        self.each(|c, channel| {
            let [a, b] = [&a, &b].map(|all| all.iter().map(|many| of(c, many)).collect::<Vec<_>>());
            let product = self.products_in(channel, pairs.len(), &a, &b, level)?.pop();
            product.ok_or_else(|| OperandError::NoOperands { operation: "product" }.into())
        })
    }

    fn relinearize(&self, a: &Many, level: Level) -> Result<Many> {
        self.each(|c, channel| self.relinearized(channel, of(c, a), level))
    }

    fn products(&self, inner: usize, a: &[&Many], b: &[&Many], level: Level) -> Result<Vec<Many>> {
        self.each_many(a.len() / inner.max(1) * (b.len() / inner.max(1)), |c, channel| {
            let [a, b] = [a, b].map(|matrix| matrix.iter().map(|many| of(c, many)).collect::<Vec<_>>());
            let products = self.products_in(channel, inner, &a, &b, level)?;
            products.into_par_iter().map(|product| self.relinearized(channel, &product, level)).collect()
        })
    }

    fn combine(&self, terms: &[(i64, &Many)]) -> Result<Many> {
        self.each(|c, channel| {
            let terms: Vec<_> = terms.iter().map(|(k, a)| (*k, of(c, a))).collect();
            let sum = channel.evaluator.linear_combination(&terms)?;
            self.record(|operations| operations.count(Cost::Linear, primes(&sum), terms.len() as u64));
            terms.iter().for_each(|(_, a)| self.count_drops(primes(a), primes(&sum)));
            Ok(sum)
        })
    }

    fn add_const(&self, a: &Many, k: i64) -> Result<Many> {
        self.each(|c, channel| channel.evaluator.add_const(of(c, a), k))
    }

    fn masked_sum(&self, terms: &[(Mask<i64>, &Many)], level: Level) -> Result<Many> {
        self.each(|c, channel| {
            let terms: Vec<_> = terms.iter().map(|(mask, a)| (*mask, of(c, a))).collect();
            let sum = channel.masked_sum(&terms)?;
            self.record(|operations| operations.count(Cost::Mask, primes(&sum), terms.len() as u64));
            self.mod_switched(channel, &sum, level)
        })
    }

    fn sum_unrelated(&self, terms: &[&Many]) -> Result<Many> {
        let (first, rest) = terms.split_first().ok_or(EngineError::Empty)?;
        self.each(|c, channel| {
            let mut sum = of(c, first).clone();
            for term in rest {
                sum = channel.evaluator.add_unrelated(sum, of(c, term))?;
            }
            Ok(sum)
        })
    }

    fn rotate_many(&self, a: &Many, steps: &[isize]) -> Result<Vec<Many>> {
        let row = self.channels.first().map_or(1, Channel::row);
        let rotations: Vec<Rotation> =
            steps.iter().map(|k| Rotation::Rows(k.rem_euclid(row as isize) as usize)).collect();
        self.each_many(steps.len(), |c, channel| {
            let a = of(c, a);
            self.record(|operations| {
                operations.count(Cost::Decompose, primes(a), 1);
                for &rotation in rotations.iter().filter(|&&rotation| rotation != Rotation::Rows(0)) {
                    operations.count(Cost::Hoisted, primes(a), 1);
                    operations.rotation(rotation, primes(a));
                }
            });
            let elements: Vec<usize> = rotations.iter().map(|&rotation| channel.element(rotation)).collect();
            channel.evaluator.automorphism_many(a, &elements)
        })
    }

    fn rotate_and_add(&self, a: Many, rotations: &[Rotation]) -> Result<Many> {
        self.each(|c, channel| {
            (rotations.iter())
                .try_fold(of(c, &a).clone(), |sum, &rotation| self.add_rotated(channel, &sum, rotation))
        })
    }
}
