//! The vocabulary in BGV, over one or several plaintext primes.
//!
//! With several primes every ciphertext is one for each, and a value is known modulo their product (Chinese remainders).

use std::sync::{Arc, Mutex, PoisonError};

use he_bgv::{Ciphertext, Error};
use rayon::prelude::*;

use super::channel::Channel;
use super::usage::{Cost, Turn, Usage};
use super::{EngineError, Level, SlotEngine};
use crate::packing::{Cube, Mask, Side};

/// Runs steps on BGV ciphertexts.
pub struct BgvEngine {
    cube: Cube,
    channels: Arc<Vec<Channel>>,
    usage: Mutex<Usage>,
}

type Many = Vec<Ciphertext>;

impl BgvEngine {
    /// An engine over the given channels, one for each plaintext prime.
    pub fn new(cube: Cube, channels: Vec<Channel>) -> Self {
        Self { cube, channels: Arc::new(channels), usage: Mutex::default() }
    }

    /// The same engine with a count of its own.
    pub(crate) fn with_own_usage(&self) -> Self {
        Self { cube: self.cube, channels: Arc::clone(&self.channels), usage: Mutex::default() }
    }

    /// What ran since the last call.
    pub fn take_usage(&self) -> Usage {
        std::mem::take(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, work: impl FnOnce(&mut Usage)) {
        work(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Runs an operation in every channel.
    fn each(&self, work: impl Fn(usize, &Channel) -> Result<Ciphertext, Error>) -> Result<Many, EngineError> {
        let all: Result<Many, Error> =
            self.channels.iter().enumerate().map(|(c, channel)| work(c, channel)).collect();
        Ok(all?)
    }

    /// As [`each`](Self::each), for an operation with `count` results.
    fn each_many(
        &self,
        count: usize,
        work: impl Fn(usize, &Channel) -> Result<Vec<Ciphertext>, Error>,
    ) -> Result<Vec<Many>, EngineError> {
        let mut out: Vec<Many> = vec![Many::new(); count];
        for (c, channel) in self.channels.iter().enumerate() {
            for (many, one) in out.iter_mut().zip(work(c, channel)?) {
                many.push(one);
            }
        }
        Ok(out)
    }

    fn turn(&self, channel: &Channel, a: &Ciphertext, turn: Turn) -> Result<Ciphertext, Error> {
        self.record(|usage| {
            usage.count(Cost::KeySwitch, a.level() + 1, 1);
            usage.turn(turn, a.level() + 1);
        });
        channel.evaluator.automorphism(a, channel.element(turn))
    }

    /// `a + turn(a)`. Such sums are traces: a coefficient that all turns fix grows by their number, the others cancel. So
    /// the operands count as related.
    fn fold(&self, channel: &Channel, a: &Ciphertext, turn: Turn) -> Result<Ciphertext, Error> {
        let turned = self.turn(channel, a, turn)?;
        channel.evaluator.add(a, &turned)
    }

    fn count_drops(&self, from: usize, to: usize) {
        self.record(|usage| (to + 1..=from).for_each(|limbs| usage.count(Cost::Drop, limbs, 1)));
    }

    fn products_in(
        &self,
        channel: &Channel,
        inner: usize,
        a: &[&Ciphertext],
        b: &[&Ciphertext],
        level: Level,
    ) -> Result<Vec<Ciphertext>, Error> {
        let max_level = level.product.map_or(usize::MAX, |limbs| limbs.saturating_sub(1));
        let products = channel.evaluator.matrix_product_lazy(inner, a, b, max_level)?;
        let count = products.len() as u64;
        let limbs = products.first().map_or(0, |product| product.level() + 1);
        self.record(|usage| {
            usage.count(Cost::Product, limbs, count * inner as u64);
            usage.count(Cost::KeySwitch, limbs, count);
            usage.relinearize = usage.relinearize.max(limbs);
        });
        let settled = products
            .into_par_iter()
            .map(|product| self.settle(channel, &channel.evaluator.relinearize(&product)?, level));
        settled.collect()
    }

    fn masked_in(
        &self,
        channel: &Channel,
        terms: &[(Mask, &Ciphertext)],
        level: Level,
    ) -> Result<Ciphertext, Error> {
        let sum = channel.masked_sum(terms)?;
        self.record(|usage| usage.count(Cost::Mask, sum.level() + 1, terms.len() as u64));
        self.settle(channel, &sum, level)
    }

    /// Brings a result to the limbs where it goes on.
    fn settle(&self, channel: &Channel, a: &Ciphertext, level: Level) -> Result<Ciphertext, Error> {
        let settled = match level.result {
            Some(limbs) => channel.evaluator.mod_switch_to(a, limbs.saturating_sub(1).min(a.level()))?,
            None => channel.evaluator.mod_switch_for_product(a)?,
        };
        self.count_drops(a.level() + 1, settled.level() + 1);
        Ok(settled)
    }

    fn shift_in(&self, channel: &Channel, a: &Ciphertext, shifts: &[usize]) -> Result<Many, Error> {
        let stride = self.cube.strides().0;
        let turns: Vec<Turn> = shifts.iter().map(|&r| Turn::Rows(r * stride)).collect();
        self.record(|usage| {
            usage.count(Cost::Decompose, a.level() + 1, 1);
            for &turn in turns.iter().filter(|&&turn| turn != Turn::Rows(0)) {
                usage.count(Cost::Hoisted, a.level() + 1, 1);
                usage.turn(turn, a.level() + 1);
            }
        });
        let elements: Vec<usize> = turns.iter().map(|&turn| channel.element(turn)).collect();
        channel.evaluator.automorphism_many(a, &elements)
    }
}

/// The ciphertexts of channel `c`.
fn of(c: usize, many: &Many) -> &Ciphertext {
    &many[c]
}

impl SlotEngine for BgvEngine {
    type Ciphertext = Many;

    fn products(
        &self,
        inner: usize,
        a: &[&Many],
        b: &[&Many],
        level: Level,
    ) -> Result<Vec<Many>, EngineError> {
        self.each_many(a.len() / inner.max(1) * (b.len() / inner.max(1)), |c, channel| {
            let [a, b] = [a, b].map(|matrix| matrix.iter().map(|many| of(c, many)).collect::<Vec<_>>());
            self.products_in(channel, inner, &a, &b, level)
        })
    }

    fn combine(&self, terms: &[(i64, &Many)]) -> Result<Many, EngineError> {
        self.each(|c, channel| {
            let terms: Vec<_> = terms.iter().map(|(k, a)| (*k, of(c, a))).collect();
            let sum = channel.evaluator.linear_combination(&terms)?;
            self.record(|usage| usage.count(Cost::Linear, sum.level() + 1, terms.len() as u64));
            terms.iter().for_each(|(_, a)| self.count_drops(a.level() + 1, sum.level() + 1));
            Ok(sum)
        })
    }

    fn add_const(&self, a: &Many, k: i64) -> Result<Many, EngineError> {
        self.each(|c, channel| channel.evaluator.add_const(of(c, a), k))
    }

    fn masked_sum(&self, terms: &[(Mask, &Many)], level: Level) -> Result<Many, EngineError> {
        self.each(|c, channel| {
            let terms: Vec<_> = terms.iter().map(|(mask, a)| (*mask, of(c, a))).collect();
            self.masked_in(channel, &terms, level)
        })
    }

    fn sum(&self, terms: &[&Many]) -> Result<Many, EngineError> {
        let (first, rest) = terms.split_first().ok_or(EngineError::Empty)?;
        self.each(|c, channel| {
            let mut sum = of(c, first).clone();
            for term in rest {
                sum = channel.evaluator.add_unrelated(sum, of(c, term))?;
            }
            Ok(sum)
        })
    }

    fn shift_images(&self, a: &Many, shifts: &[usize]) -> Result<Vec<Many>, EngineError> {
        self.each_many(shifts.len(), |c, channel| self.shift_in(channel, of(c, a), shifts))
    }

    fn sum_side(&self, a: &Many, side: Side, count: usize) -> Result<Many, EngineError> {
        let (doublings, stride) = (self.cube.doublings(side, count), self.cube.stride(side));
        self.each(|c, channel| {
            let steps = (0..doublings).map(|i| Turn::Rows(stride << i));
            steps.into_iter().try_fold(of(c, a).clone(), |sum, turn| self.fold(channel, &sum, turn))
        })
    }

    fn sum_images(&self, a: &Many, class: usize) -> Result<Many, EngineError> {
        let (half, stride) = (self.cube.b / 2, self.cube.strides().0);
        self.each(|c, channel| {
            let steps = (class.trailing_zeros()..half.trailing_zeros()).map(|i| Turn::Rows(stride << i));
            steps.chain([Turn::Swap]).try_fold(of(c, a).clone(), |sum, turn| self.fold(channel, &sum, turn))
        })
    }
}
