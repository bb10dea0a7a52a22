//! A rehearsal of a step: no numbers, only levels, bounds, rotations and what operations cost.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use he_ckks::Complex64;

use super::{RealMask, RealOps};
use crate::engine::slots::{self, Sign, SlotOps};
use crate::engine::{EngineError, Result};
use crate::program::{Step, Tensor};

/// What stands for a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Its level, counted from the highest down: that is 0.
    pub level: isize,
    pub bound: f64,
}

/// Operations at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Products of ciphertexts.
    pub products: u64,
    /// Sums of products, relinearized and rescaled.
    #[doc(alias = "settled")]
    pub relinearized: u64,
    /// Products with masks and constants.
    pub masked: u64,
    /// Rescalings of such products, and changes of level.
    pub rescaled: u64,
    /// Sums of two ciphertexts.
    pub sums: u64,
    /// Rotations and conjugations.
    pub rotations: u64,
    /// Rotations that share the decomposition of another.
    pub hoisted: u64,
    /// Sums over the entries of weights that stand several times.
    #[doc(alias = "ties")]
    pub shared: u64,
    /// Fresh ciphertexts read from their seeds.
    pub read: u64,
}

/// What a step takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Operations by level.
    pub operations: BTreeMap<isize, Counts>,
    pub bootstraps: u64,
    /// The lowest level that was reached, and the step that did.
    pub lowest: (isize, Option<Step>),
    /// Rotations and the highest level of each; 0 is the conjugation.
    pub rotations: BTreeMap<isize, isize>,
    /// The highest level of a product.
    pub products: Option<isize>,
    /// The highest level of a sum over the entries of weights that stand several times.
    #[doc(alias = "ties")]
    pub shared: Option<isize>,
    /// The tensors that are sent to the client, as they are then.
    pub sent: BTreeMap<Tensor, Level>,
    /// The first step in which values may exceed the modulus, and the bits that it has too few.
    pub overflow: Option<(Step, f64)>,
    step: Option<Step>,
}

/// How large values may be at a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Bits of the lowest prime.
    pub first_bits: f64,
    /// Bits of the scale, and of the prime of each level.
    pub scale_bits: f64,
    /// Levels of the chain that a step may take.
    pub levels: usize,
    /// Levels below those, which a bootstrap takes itself.
    pub reserved: usize,
}

impl Room {
    /// Bits above the scale of the modulus of so many primes.
    pub fn above_scale(&self, primes: usize) -> f64 {
        self.first_bits + self.scale_bits * (primes as f64 - 2.0)
    }

    /// The fewest primes whose modulus holds values of at most `bound`.
    pub fn primes(&self, bound: f64) -> usize {
        let beyond = bound.max(f64::MIN_POSITIVE).log2() + MARGIN - self.above_scale(1);
        1 + (beyond / self.scale_bits).ceil().max(0.0) as usize
    }
}

/// Bits that errors and the rounding of scales may take.
const MARGIN: f64 = 1.5;

/// Counts; no values.
#[derive(Debug, Default)]
pub struct Rehearsal {
    tally: Mutex<Tally>,
    room: Option<Room>,
    /// The most entries that hold one weight.
    entries: usize,
}

impl Rehearsal {
    /// A rehearsal that holds values against a modulus, if one is given; at most `entries` hold one weight.
    pub fn new(room: Option<Room>, entries: usize) -> Self {
        Self { room, entries, tally: Mutex::default() }
    }

    /// What was counted.
    pub fn tally(self) -> Tally {
        self.tally.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations belong to this step from now on.
    pub fn enter(&self, step: Step) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).step = Some(step);
    }

    /// Fresh ciphertexts that are read at a level.
    pub fn read(&self, level: isize, bound: f64, count: usize) -> Vec<Level> {
        self.count(level, |counts| counts.read += count as u64);
        vec![self.result(level, bound, 1.0); count]
    }

    /// Notes a tensor that is sent to the client.
    pub fn send(&self, tensor: Tensor, tiles: &[Level]) {
        let level = tiles.iter().map(|tile| tile.level).min().unwrap_or(0);
        let bound = tiles.iter().map(|tile| tile.bound).fold(0.0, f64::max);
        let sent = self.result(level, bound, 1.0);
        self.note(level, |tally, _| {
            tally.sent.insert(tensor, sent);
        });
    }

    fn note(&self, level: isize, add: impl FnOnce(&mut Tally, isize)) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if level < tally.lowest.0 {
            tally.lowest = (level, tally.step);
        }
        add(&mut tally, level);
    }

    fn count(&self, level: isize, add: impl FnOnce(&mut Counts)) {
        self.note(level, |tally, level| add(tally.operations.entry(level).or_default()));
    }

    /// A result with so many scales in it.
    fn result(&self, level: isize, bound: f64, scales: f64) -> Level {
        if let Some(Room { first_bits, scale_bits, levels, reserved }) = self.room {
            let modulus = first_bits + scale_bits * ((levels + reserved) as isize + level) as f64;
            let missing = bound.max(f64::MIN_POSITIVE).log2() + scales * scale_bits + MARGIN - modulus;
            if missing > 0.0 {
                self.note(level, |tally, _| {
                    if let (None, Some(step)) = (tally.overflow, tally.step) {
                        tally.overflow = Some((step, missing));
                    }
                });
            }
        }
        Level { level, bound }
    }
}

impl SlotOps for Rehearsal {
    type Ciphertext = Level;
    type Scalar = Complex64;
    type Mask = RealMask;

    const ONE: Complex64 = Complex64::new(1.0, 0.0);

    fn dot(&self, pairs: &[(&Level, &Level)], _: slots::Level) -> Result<Level> {
        let level = pairs.iter().map(|(a, b)| a.level.min(b.level)).min().ok_or(EngineError::Empty)?;
        self.count(level, |counts| counts.products += pairs.len() as u64);
        self.note(level, |tally, level| tally.products = tally.products.max(Some(level)));
        Ok(self.result(level, pairs.iter().map(|(a, b)| a.bound * b.bound).sum(), 2.0))
    }

    fn relinearize(&self, a: &Level, _: slots::Level) -> Result<Level> {
        self.count(a.level, |counts| counts.relinearized += 1);
        self.note(a.level - 1, |_, _| {});
        Ok(self.result(a.level - 1, a.bound, 1.0))
    }

    fn sum(&self, terms: &[(Sign, &Level)]) -> Result<Level> {
        let (&(_, first), rest) = terms.split_first().ok_or(EngineError::Empty)?;
        let mut sum = *first;
        for (_, term) in rest {
            let level = sum.level.min(term.level);
            self.count(level, |counts| counts.sums += 1);
            if sum.level != term.level {
                self.count(level + 1, |counts| counts.rescaled += 1);
            }
            sum = self.result(level, sum.bound + term.bound, 1.0);
        }
        Ok(sum)
    }

    fn add_const(&self, a: &Level, c: Complex64) -> Result<Level> {
        Ok(self.result(a.level, a.bound + c.norm(), 1.0))
    }

    fn combine(&self, terms: &[(Complex64, &Level)]) -> Result<Level> {
        let level = terms.iter().map(|(_, a)| a.level).min().ok_or(EngineError::Empty)?;
        self.count(level, |counts| {
            counts.masked += terms.len() as u64;
            counts.rescaled += 1;
        });
        self.note(level - 1, |_, _| {});
        let bound = terms.iter().map(|(c, a)| c.norm() * a.bound).sum();
        self.result(level, bound, 2.0);
        Ok(self.result(level - 1, bound, 1.0))
    }

    fn masked_sum(&self, terms: &[(RealMask, &Level)], _: slots::Level) -> Result<Level> {
        self.combine(&terms.iter().map(|(mask, a)| (mask.mask.value, *a)).collect::<Vec<_>>())
    }

    fn rotate_many(&self, a: &Level, steps: &[isize]) -> Result<Vec<Level>> {
        let real = steps.iter().filter(|k| **k != 0).count() as u64;
        self.count(a.level, |counts| match real {
            0 => {}
            real => {
                counts.rotations += 1;
                counts.hoisted += real - 1;
            }
        });
        self.note(a.level, |tally, level| {
            for step in steps.iter().filter(|k| **k != 0) {
                let highest = tally.rotations.entry(*step).or_insert(level);
                *highest = (*highest).max(level);
            }
        });
        Ok(vec![*a; steps.len()])
    }

    fn bootstrap(&self, a: &Level) -> Result<Level> {
        self.note(a.level, |tally, _| tally.bootstraps += 1);
        Ok(Level { level: 0, bound: a.bound })
    }

    fn reduce_for(&self, a: &Level, b: &Level) -> Result<Option<Level>> {
        if a.level <= b.level {
            return Ok(None);
        }
        self.count(b.level + 1, |counts| counts.rescaled += 1);
        Ok(Some(Level { level: b.level, ..*a }))
    }

    fn with_bound(&self, a: Level, bound: f64) -> Result<Level> {
        Ok(Level { bound: a.bound.min(bound), ..a })
    }
}

impl RealOps for Rehearsal {
    fn conjugate(&self, a: &Level) -> Result<Level> {
        self.count(a.level, |counts| counts.rotations += 1);
        self.note(a.level, |tally, level| {
            let highest = tally.rotations.entry(0).or_insert(level);
            *highest = (*highest).max(level);
        });
        Ok(*a)
    }

    fn sum_shared(&self, a: &Level) -> Result<Level> {
        self.count(a.level, |counts| counts.shared += 1);
        self.note(a.level, |tally, level| tally.shared = tally.shared.max(Some(level)));
        self.note(a.level - 1, |_, _| {});
        let bound = a.bound * self.entries.max(1) as f64;
        self.result(a.level, bound, 2.0);
        Ok(self.result(a.level - 1, bound, 1.0))
    }
}
