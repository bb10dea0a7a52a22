//! Operations for rehearsals, which do the same thing once.
//!
//! In a rehearsal all tiles of a tensor are one ciphertext, and a plan is walked again and again with little changed. So
//! every ciphertext has a number, an operation on the same numbers is done once and its result given out again. The counts of
//! an operation are added every time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use he_bgv::Ciphertext;

use super::{BgvSlots, Channel, Operations};
use crate::engine::slots::{Level, SlotOps};
use crate::engine::{EngineError, Result};
use crate::layout::{Mask, Rotation};

/// A ciphertext for each plaintext prime, with its number.
#[derive(Clone)]
pub(super) struct Numbered {
    number: usize,
    pub(super) channels: Arc<Vec<Ciphertext>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Operation {
    Dot(Level),
    Relinearize(Level),
    Products { rows: usize, inner: usize, level: Level },
    Combine(Vec<i64>),
    AddConst(i64),
    Masked(Vec<Mask<i64>>, Level),
    SumUnrelated,
    Rotate(Vec<isize>),
    RotateAndAdd(Vec<Rotation>),
}

/// Results and counts of an operation on given operands.
#[derive(Clone)]
struct Done {
    results: Vec<Numbered>,
    operations: Operations,
}

#[derive(Default)]
struct Memory {
    numbers: usize,
    done: HashMap<(Operation, Vec<usize>), Done>,
    operations: Operations,
}

impl Memory {
    fn number(&mut self, channels: Vec<Ciphertext>) -> Numbered {
        self.numbers += 1;
        Numbered { number: self.numbers, channels: Arc::new(channels) }
    }
}

/// Operations that are done once.
pub(super) struct Memoized {
    engine: BgvSlots,
    memory: Mutex<Memory>,
}

type Many = Vec<Ciphertext>;

impl Memoized {
    pub(super) fn new(engine: BgvSlots) -> Self {
        Self { engine, memory: Mutex::default() }
    }

    /// The channels of the real operations.
    pub(super) fn channels(&self) -> &[Channel] {
        self.engine.channels()
    }

    /// Gives a source its number.
    pub(super) fn source(&self, channels: Vec<Ciphertext>) -> Numbered {
        self.memory().number(channels)
    }

    /// Operations since the last call.
    pub(super) fn take_operations(&self) -> Operations {
        std::mem::take(&mut self.memory().operations)
    }

    /// The results of an operation, counted `times.0/times.1` times.
    fn run(
        &self,
        operation: Operation,
        operands: &[&Numbered],
        times: (u64, u64),
        work: impl FnOnce(&BgvSlots, &[&Many]) -> Result<Vec<Many>>,
    ) -> Result<Vec<Numbered>> {
        let key = (operation, operands.iter().map(|operand| operand.number).collect());
        let known = self.memory().done.get(&key).cloned();
        let done = known.map_or_else(|| self.first(key, operands, work), Ok)?;
        self.memory().operations.merge(&done.operations.times(times));
        Ok(done.results)
    }

    /// Does an operation that is not known yet. Nothing is locked while it works: its threads may take up other work,
    /// which comes here too.
    fn first(
        &self,
        key: (Operation, Vec<usize>),
        operands: &[&Numbered],
        work: impl FnOnce(&BgvSlots, &[&Many]) -> Result<Vec<Many>>,
    ) -> Result<Done> {
        let many: Vec<&Many> = operands.iter().map(|operand| &*operand.channels).collect();
        let engine = self.engine.with_own_count();
        let results = work(&engine, &many)?;
        let mut memory = self.memory();
        if let Some(done) = memory.done.get(&key) {
            // Another thread was as fast; equal ciphertexts keep one number.
            return Ok(done.clone());
        }
        let results = results.into_iter().map(|many| memory.number(many)).collect();
        let done = Done { results, operations: engine.take_operations() };
        memory.done.insert(key, done.clone());
        Ok(done)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn one(
        &self,
        operation: Operation,
        operands: &[&Numbered],
        work: impl FnOnce(&BgvSlots, &[&Many]) -> Result<Many>,
    ) -> Result<Numbered> {
        let mut results = self.run(operation, operands, (1, 1), |e, many| Ok(vec![work(e, many)?]))?;
        results.pop().ok_or(EngineError::Empty)
    }
}

/// The different ones among some lines of operands, and which of them each line is.
fn distinct<'a>(lines: impl Iterator<Item = Vec<&'a Numbered>>) -> (Vec<Vec<&'a Numbered>>, Vec<usize>) {
    let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
    let (mut kept, mut places) = (Vec::new(), Vec::new());
    for line in lines {
        let place = *known.entry(line.iter().map(|c| c.number).collect()).or_insert(kept.len());
        if place == kept.len() {
            kept.push(line);
        }
        places.push(place);
    }
    (kept, places)
}

impl SlotOps for Memoized {
    type Ciphertext = Numbered;
    type Scalar = i64;
    type Mask = Mask<i64>;

    const ONE: i64 = 1;

    fn dot(&self, pairs: &[(&Numbered, &Numbered)], level: Level) -> Result<Numbered> {
        let operands: Vec<_> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        self.one(Operation::Dot(level), &operands, |engine, many| {
            engine.dot(&many.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>(), level)
        })
    }

    fn relinearize(&self, a: &Numbered, level: Level) -> Result<Numbered> {
        self.one(Operation::Relinearize(level), &[a], |engine, many| engine.relinearize(many[0], level))
    }

    fn products(
        &self,
        inner: usize,
        a: &[&Numbered],
        b: &[&Numbered],
        level: Level,
    ) -> Result<Vec<Numbered>> {
        let count = b.len() / inner.max(1);
        let (rows, row_of) = distinct(a.chunks(inner.max(1)).map(<[_]>::to_vec));
        let (columns, column_of) =
            distinct((0..count).map(|j| b.iter().skip(j).step_by(count).copied().collect()));
        let left = rows.concat();
        let right: Vec<_> = (0..inner).flat_map(|k| columns.iter().map(move |column| column[k])).collect();
        let cells = (row_of.len() * column_of.len()) as u64;
        let times = (cells, (rows.len() * columns.len()) as u64);
        let operation = Operation::Products { rows: rows.len(), inner, level };
        let operands = [left.as_slice(), right.as_slice()].concat();
        let results = self.run(operation, &operands, times, |engine, many| {
            let (left, right) = many.split_at(left.len());
            engine.products(inner, left, right, level)
        })?;
        let cell = |i: &usize, j: &usize| results[i * columns.len() + j].clone();
        Ok(row_of
            .iter()
            .flat_map(|i| column_of.iter().map(move |j| (i, j)))
            .map(|(i, j)| cell(i, j))
            .collect())
    }

    fn combine(&self, terms: &[(i64, &Numbered)]) -> Result<Numbered> {
        let (constants, operands): (Vec<i64>, Vec<_>) = terms.iter().copied().unzip();
        self.one(Operation::Combine(constants.clone()), &operands, |engine, many| {
            engine.combine(&constants.iter().copied().zip(many.iter().copied()).collect::<Vec<_>>())
        })
    }

    fn add_const(&self, a: &Numbered, k: i64) -> Result<Numbered> {
        self.one(Operation::AddConst(k), &[a], |engine, many| engine.add_const(many[0], k))
    }

    fn masked_sum(&self, terms: &[(Mask<i64>, &Numbered)], level: Level) -> Result<Numbered> {
        let (masks, operands): (Vec<Mask<i64>>, Vec<_>) = terms.iter().copied().unzip();
        self.one(Operation::Masked(masks.clone(), level), &operands, |engine, many| {
            engine.masked_sum(&masks.iter().copied().zip(many.iter().copied()).collect::<Vec<_>>(), level)
        })
    }

    fn sum_unrelated(&self, terms: &[&Numbered]) -> Result<Numbered> {
        self.one(Operation::SumUnrelated, terms, SlotOps::sum_unrelated)
    }

    fn rotate_many(&self, a: &Numbered, steps: &[isize]) -> Result<Vec<Numbered>> {
        self.run(Operation::Rotate(steps.to_vec()), &[a], (1, 1), |engine, many| {
            engine.rotate_many(many[0], steps)
        })
    }

    fn rotate_and_add(&self, a: Numbered, rotations: &[Rotation]) -> Result<Numbered> {
        let operation = Operation::RotateAndAdd(rotations.to_vec());
        self.one(operation, &[&a], |engine, many| engine.rotate_and_add(many[0].clone(), rotations))
    }
}
