//! Slot vectors in the clear, for tests of layouts and steps, where only the movement of values matters.

use super::{Level, SlotOps};
use crate::engine::EngineError;
use crate::layout::{Geometry, Mask, Rotation};

/// Adds and moves integers as BGV would move its slots: two rows, rotated apart.
pub(crate) struct ClearSlots(pub(crate) Geometry);

type Slots = Vec<i64>;

impl ClearSlots {
    /// Both rows left by `k`.
    fn rotate(&self, a: &Slots, k: usize) -> Slots {
        let row = a.len() / 2;
        (0..a.len()).map(|i| a[i / row * row + (i % row + k) % row]).collect()
    }
}

impl SlotOps for ClearSlots {
    type Ciphertext = Slots;
    type Scalar = i64;

    fn products(
        &self,
        inner: usize,
        a: &[&Slots],
        b: &[&Slots],
        _: Level,
    ) -> Result<Vec<Slots>, EngineError> {
        let columns = b.len() / inner;
        let sum = |i: usize, j: usize, slot: usize| {
            (0..inner).map(|k| a[i * inner + k][slot] * b[k * columns + j][slot]).sum()
        };
        let tile =
            |at: usize| (0..self.0.cube.slots()).map(|slot| sum(at / columns, at % columns, slot)).collect();
        Ok((0..a.len() / inner * columns).map(tile).collect())
    }

    fn combine(&self, terms: &[(i64, &Slots)]) -> Result<Slots, EngineError> {
        Ok((0..self.0.cube.slots()).map(|i| terms.iter().map(|(c, a)| c * a[i]).sum()).collect())
    }

    fn add_const(&self, a: &Slots, c: i64) -> Result<Slots, EngineError> {
        Ok(a.iter().map(|a| a + c).collect())
    }

    fn masked_sum(&self, terms: &[(Mask<i64>, &Slots)], _: Level) -> Result<Slots, EngineError> {
        let masks: Vec<Slots> = terms.iter().map(|(mask, _)| self.0.slots(mask)).collect();
        let sum = |i: usize| masks.iter().zip(terms).map(|(mask, (_, a))| mask[i] * a[i]).sum();
        Ok((0..self.0.cube.slots()).map(sum).collect())
    }

    fn sum(&self, terms: &[&Slots]) -> Result<Slots, EngineError> {
        self.combine(&terms.iter().map(|a| (1, *a)).collect::<Vec<_>>())
    }

    fn rotate_many(&self, a: &Slots, steps: &[usize]) -> Result<Vec<Slots>, EngineError> {
        Ok(steps.iter().map(|&k| self.rotate(a, k)).collect())
    }

    fn rotate_and_add(&self, a: &Slots, rotations: &[Rotation]) -> Result<Slots, EngineError> {
        let rotated = |a: &Slots, rotation| match rotation {
            Rotation::Rows(k) => self.rotate(a, k),
            Rotation::Swap => a[a.len() / 2..].iter().chain(&a[..a.len() / 2]).copied().collect(),
        };
        let add = |a: Slots, r: &Rotation| a.iter().zip(rotated(&a, *r)).map(|(a, b)| a + b).collect();
        Ok(rotations.iter().fold(a.clone(), add))
    }
}
