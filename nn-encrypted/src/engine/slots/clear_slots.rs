//! Slot vectors in the clear, for tests of layouts and steps, where only the movement of values matters.

use super::{Level, SlotOps};
use crate::engine::Result;
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
    type Mask = Mask<i64>;

    const ONE: i64 = 1;

    fn dot(&self, pairs: &[(&Slots, &Slots)], _: Level) -> Result<Slots> {
        let sum = |slot: usize| pairs.iter().map(|(a, b)| a[slot] * b[slot]).sum();
        Ok((0..self.0.cube.slots()).map(sum).collect())
    }

    fn relinearize(&self, a: &Slots, _: Level) -> Result<Slots> {
        Ok(a.clone())
    }

    fn combine(&self, terms: &[(i64, &Slots)]) -> Result<Slots> {
        Ok((0..self.0.cube.slots()).map(|i| terms.iter().map(|(c, a)| c * a[i]).sum()).collect())
    }

    fn add_const(&self, a: &Slots, c: i64) -> Result<Slots> {
        Ok(a.iter().map(|a| a + c).collect())
    }

    fn masked_sum(&self, terms: &[(Mask<i64>, &Slots)], _: Level) -> Result<Slots> {
        let masks: Vec<Slots> = terms.iter().map(|(mask, _)| self.0.slots(mask)).collect();
        let sum = |i: usize| masks.iter().zip(terms).map(|(mask, (_, a))| mask[i] * a[i]).sum();
        Ok((0..self.0.cube.slots()).map(sum).collect())
    }

    fn rotate_many(&self, a: &Slots, steps: &[isize]) -> Result<Vec<Slots>> {
        let row = self.0.cube.slots() as isize / 2;
        Ok(steps.iter().map(|k| self.rotate(a, k.rem_euclid(row) as usize)).collect())
    }

    fn rotate_and_add(&self, a: Slots, rotations: &[Rotation]) -> Result<Slots> {
        let rotated = |a: &Slots, rotation| match rotation {
            Rotation::Rows(k) => self.rotate(a, k),
            Rotation::Swap => a[a.len() / 2..].iter().chain(&a[..a.len() / 2]).copied().collect(),
        };
        let add = |a: Slots, r: &Rotation| a.iter().zip(rotated(&a, *r)).map(|(a, b)| a + b).collect();
        Ok(rotations.iter().fold(a, add))
    }
}
