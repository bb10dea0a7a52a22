//! Slot vectors in the clear: an engine for tests of layouts and steps, where only the movement of values matters.

use super::{EngineError, Level, SlotEngine};
use crate::packing::{Cube, Mask, Side};

/// Adds and moves integers as BGV would move its slots: two rows, rotated apart.
pub(crate) struct ClearSlots(pub(crate) Cube);

type Slots = Vec<i64>;

impl ClearSlots {
    /// Both rows left by `k`.
    fn rotate(&self, a: &Slots, k: usize) -> Slots {
        let row = a.len() / 2;
        (0..a.len()).map(|i| a[i / row * row + (i % row + k) % row]).collect()
    }

    fn fold(&self, a: &Slots, k: usize) -> Slots {
        a.iter().zip(self.rotate(a, k)).map(|(a, b)| a + b).collect()
    }
}

impl SlotEngine for ClearSlots {
    type Ciphertext = Slots;

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
            |at: usize| (0..self.0.slots()).map(|slot| sum(at / columns, at % columns, slot)).collect();
        Ok((0..a.len() / inner * columns).map(tile).collect())
    }

    fn combine(&self, terms: &[(i64, &Slots)]) -> Result<Slots, EngineError> {
        Ok((0..self.0.slots()).map(|i| terms.iter().map(|(c, a)| c * a[i]).sum()).collect())
    }

    fn add_const(&self, a: &Slots, c: i64) -> Result<Slots, EngineError> {
        Ok(a.iter().map(|a| a + c).collect())
    }

    fn masked_sum(&self, terms: &[(Mask, &Slots)], _: Level) -> Result<Slots, EngineError> {
        let masks: Vec<Slots> = terms.iter().map(|(mask, _)| mask.slots(&self.0)).collect();
        let sum = |i: usize| masks.iter().zip(terms).map(|(mask, (_, a))| mask[i] * a[i]).sum();
        Ok((0..self.0.slots()).map(sum).collect())
    }

    fn sum(&self, terms: &[&Slots]) -> Result<Slots, EngineError> {
        self.combine(&terms.iter().map(|a| (1, *a)).collect::<Vec<_>>())
    }

    fn shift_images(&self, a: &Slots, shifts: &[usize]) -> Result<Vec<Slots>, EngineError> {
        Ok(shifts.iter().map(|&r| self.rotate(a, r * self.0.strides().0)).collect())
    }

    fn sum_side(&self, a: &Slots, side: Side, count: usize) -> Result<Slots, EngineError> {
        let (doublings, stride) = (self.0.doublings(side, count), self.0.stride(side));
        Ok((0..doublings).fold(a.clone(), |sum, i| self.fold(&sum, stride << i)))
    }

    fn sum_images(&self, a: &Slots, class: usize) -> Result<Slots, EngineError> {
        let (half, stride) = (self.0.b / 2, self.0.strides().0);
        let sum = (class.trailing_zeros()..half.trailing_zeros())
            .fold(a.clone(), |sum, i| self.fold(&sum, stride << i));
        let (top, bottom) = sum.split_at(sum.len() / 2);
        Ok(top.iter().chain(bottom).zip(bottom.iter().chain(top)).map(|(a, b)| a + b).collect())
    }
}
