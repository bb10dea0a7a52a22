//! A rehearsal of a step: no numbers, only levels, rotations and what operations cost.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use he_ckks::Complex64;

use super::slots::{Mask, RealError, Slots};
use super::step::Samples;

type Result<T> = std::result::Result<T, RealError>;

/// What stands for a ciphertext: its level, counted from that of a fresh bootstrap down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level(pub isize);

/// Operations at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Products of ciphertexts.
    pub(super) products: u64,
    /// Sums of products relinearized and rescaled.
    pub(super) settled: u64,
    /// Products with masks and constants.
    pub(super) masked: u64,
    /// Rescalings of such products, and changes of level.
    pub(super) rescaled: u64,
    /// Sums of two ciphertexts.
    pub(super) sums: u64,
    /// Rotations and conjugations.
    pub(super) rotations: u64,
    /// Rotations that share the decomposition of another.
    pub(super) hoisted: u64,
    /// Transforms by ties.
    pub(super) ties: u64,
    /// Fresh ciphertexts read from their seeds.
    pub(super) read: u64,
}

/// What a step takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Operations by level.
    pub(super) operations: BTreeMap<isize, Counts>,
    /// Bootstraps.
    pub(super) bootstraps: u64,
    /// The lowest level that was reached, and the part of the step that did.
    pub(super) lowest: (isize, String),
    /// Rotations and the highest level of each; 0 is the conjugation.
    pub(super) rotations: BTreeMap<isize, isize>,
    /// The highest level of a product.
    pub(super) products: Option<isize>,
    /// Levels of ties.
    pub(super) ties: Option<isize>,
    part: String,
}

/// Counts; equal levels everywhere, no values.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    tally: Mutex<Tally>,
}

impl Rehearsal {
    /// What was counted.
    pub(super) fn tally(self) -> Tally {
        self.tally.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, level: isize, add: impl FnOnce(&mut Tally, isize)) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if level < tally.lowest.0 {
            tally.lowest = (level, tally.part.clone());
        }
        add(&mut tally, level);
    }

    fn count(&self, level: isize, add: impl FnOnce(&mut Counts)) {
        self.note(level, |tally, level| add(tally.operations.entry(level).or_default()));
    }
}

impl Slots for Rehearsal {
    type Ciphertext = Level;

    fn dot(&self, pairs: &[(&Level, &Level)]) -> Result<Level> {
        let level = pairs.iter().map(|(a, b)| a.0.min(b.0)).min().ok_or(RealError::Empty)?;
        self.count(level, |counts| counts.products += pairs.len() as u64);
        self.note(level, |tally, level| tally.products = tally.products.max(Some(level)));
        Ok(Level(level))
    }

    fn settle(&self, a: &Level) -> Result<Level> {
        self.count(a.0, |counts| counts.settled += 1);
        self.note(a.0 - 1, |_, _| {});
        Ok(Level(a.0 - 1))
    }

    fn add(&self, a: &Level, b: &Level) -> Result<Level> {
        let level = a.0.min(b.0);
        self.count(level, |counts| counts.sums += 1);
        if a != b {
            self.count(level + 1, |counts| counts.rescaled += 1);
        }
        Ok(Level(level))
    }

    fn sub(&self, a: &Level, b: &Level) -> Result<Level> {
        self.add(a, b)
    }

    fn add_const(&self, a: &Level, _: f64) -> Result<Level> {
        Ok(*a)
    }

    fn negate(&self, a: &Level) -> Result<Level> {
        Ok(*a)
    }

    fn combine(&self, terms: &[(Complex64, &Level)]) -> Result<Level> {
        let level = terms.iter().map(|(_, a)| a.0).min().ok_or(RealError::Empty)?;
        self.count(level, |counts| {
            counts.masked += terms.len() as u64;
            counts.rescaled += 1;
        });
        self.note(level - 1, |_, _| {});
        Ok(Level(level - 1))
    }

    fn masked(&self, terms: &[(Mask, &Level)]) -> Result<Level> {
        self.combine(&terms.iter().map(|(mask, a)| (mask.value, *a)).collect::<Vec<_>>())
    }

    fn rotate_many(&self, a: &Level, steps: &[isize]) -> Result<Vec<Level>> {
        let real = steps.iter().filter(|k| **k != 0).count() as u64;
        self.count(a.0, |counts| match real {
            0 => {}
            real => {
                counts.rotations += 1;
                counts.hoisted += real - 1;
            }
        });
        self.note(a.0, |tally, level| {
            for step in steps.iter().filter(|k| **k != 0) {
                let highest = tally.rotations.entry(*step).or_insert(level);
                *highest = (*highest).max(level);
            }
        });
        Ok(vec![*a; steps.len()])
    }

    fn conjugate(&self, a: &Level) -> Result<Level> {
        self.count(a.0, |counts| counts.rotations += 1);
        self.note(a.0, |tally, level| {
            let highest = tally.rotations.entry(0).or_insert(level);
            *highest = (*highest).max(level);
        });
        Ok(*a)
    }

    fn tie(&self, a: &Level) -> Result<Level> {
        self.count(a.0, |counts| counts.ties += 1);
        self.note(a.0, |tally, level| tally.ties = tally.ties.max(Some(level)));
        self.note(a.0 - 1, |_, _| {});
        Ok(Level(a.0 - 1))
    }

    fn bootstrap(&self, a: &Level) -> Result<Level> {
        self.note(a.0, |tally, _| tally.bootstraps += 1);
        Ok(Level(0))
    }

    fn lowered(&self, a: &Level, b: &Level) -> Result<Level> {
        let level = a.0.min(b.0);
        if a.0 != level {
            self.count(level + 1, |counts| counts.rescaled += 1);
        }
        Ok(Level(level))
    }

    fn within(&self, a: Level, _: f64) -> Result<Level> {
        Ok(a)
    }

    fn enter(&self, part: &str) -> Result<()> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).part = part.to_owned();
        Ok(())
    }
}

/// A mini-batch of which only the sizes are known.
pub(super) struct Blank<'a> {
    /// The rehearsal that counts what is read.
    pub(super) slots: &'a Rehearsal,
    /// Images.
    pub(super) rows: usize,
    /// Tiles of features and of targets.
    pub(super) tiles: (usize, usize),
}

impl Blank<'_> {
    fn read(&self, tiles: usize) -> Vec<Level> {
        // Fresh ciphertexts are at the level of expanded weights, one below a bootstrap's.
        self.slots.count(-1, |counts| counts.read += tiles as u64);
        vec![Level(-1); tiles]
    }
}

impl Samples<Level> for Blank<'_> {
    fn features(&self, _: usize) -> Result<Vec<Level>> {
        Ok(self.read(self.tiles.0))
    }

    fn targets(&self, _: usize) -> Result<Vec<Level>> {
        Ok(self.read(self.tiles.1))
    }

    fn rows(&self) -> usize {
        self.rows
    }
}
