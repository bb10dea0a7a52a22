//! Shifts and rotations by amounts in the clear.
//!
//! Whole digits move without a bootstrap. The bits that are left take one layer: every digit from two neighbours.

use super::backend::Backend;
use super::evaluator::{DigitEvaluator, Lane, Layer};
use super::integer::Digits;
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// `a·2^amount` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn shift_left(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        Ok(self.integers(&self.moved_up(self.lanes("shift", a)?, amount)?))
    }

    /// `a/2^amount` rounded down, for integers as numbers from 0 to `2^W − 1`.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn shift_right_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        amount: u32,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        Ok(self.integers(&self.moved_down(self.lanes("shift", a)?, amount, false)?))
    }

    /// `a/2^amount` rounded down, for signed integers. A whole digit takes one bootstrap for the sign; the digits that it fills
    /// are copies of one ciphertext: their noises add up like numbers, not like variances.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn shift_right(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        Ok(self.integers(&self.moved_down(self.lanes("shift", a)?, amount, true)?))
    }

    /// The bits moved up by so many places modulo `W`, those from above to below.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn rotate_left(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        Ok(self.integers(&self.turned(self.lanes("rotation", a)?, amount)?))
    }

    /// The bits moved down by so many places modulo `W`, those from below to above.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn rotate_right(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        let lanes = self.lanes("rotation", a)?;
        let bits = self.bits_of(lanes.len());
        let up = if bits == 0 { 0 } else { bits - amount % bits };
        Ok(self.integers(&self.turned(lanes, up)?))
    }

    /// [`shift_left`](Self::shift_left).
    pub(super) fn moved_up(&self, a: Vec<Lane<B>>, amount: u32) -> Result<Vec<Lane<B>>, Error> {
        let Some(integers) = a.first().map(Vec::len) else { return Ok(Vec::new()) };
        let (by, bits) = self.whole_digits(amount, a.len());
        let a = self.refreshed(a, self.neighbour_limit(bits))?;
        let mut digits = vec![self.constant_lane(0, integers); by];
        let moved = &a[..a.len() - by];
        let (Some(lowest), true) = (moved.first(), bits > 0) else {
            digits.extend_from_slice(moved);
            return Ok(digits);
        };
        let mut layer = self.layer();
        layer.push(lowest.clone(), |x| (x << bits) % self.base());
        for pair in moved.windows(2) {
            self.push_up(&mut layer, &pair[1], &pair[0], bits)?;
        }
        digits.extend(layer.run()?);
        Ok(digits)
    }

    /// [`rotate_left`](Self::rotate_left).
    pub(super) fn turned(&self, mut a: Vec<Lane<B>>, amount: u32) -> Result<Vec<Lane<B>>, Error> {
        let Some(last) = a.len().checked_sub(1) else { return Ok(a) };
        let (by, bits) = self.whole_digits(amount % self.bits_of(a.len()), a.len());
        a.rotate_right(by);
        if bits == 0 {
            return Ok(a);
        }
        let a = self.refreshed(a, self.pair_limit())?;
        let mut layer = self.layer();
        for (at, digit) in a.iter().enumerate() {
            self.push_up(&mut layer, digit, &a[at.checked_sub(1).unwrap_or(last)], bits)?;
        }
        layer.run()
    }

    /// The digit whose upper bits are those of `digit` and whose lower `bits` bits are the upper ones of `below`.
    fn push_up(
        &self,
        layer: &mut Layer<'_, B>,
        digit: &Lane<B>,
        below: &Lane<B>,
        bits: u32,
    ) -> Result<(), Error> {
        let (r, rest) = (self.base(), self.backend.digit_bits() - bits);
        layer.push(self.pair(digit, below)?, |x| (x >> rest) % r);
        Ok(())
    }

    /// [`shift_right`](Self::shift_right), or [`shift_right_unsigned`](Self::shift_right_unsigned).
    pub(super) fn moved_down(
        &self,
        a: Vec<Lane<B>>,
        amount: u32,
        signed: bool,
    ) -> Result<Vec<Lane<B>>, Error> {
        let (by, bits) = self.whole_digits(amount, a.len());
        let a = self.refreshed(a, self.neighbour_limit(bits))?;
        let Some(top) = a.last() else { return Ok(Vec::new()) };
        let r = self.base();
        let fill = |x: i64| if signed && x >= r / 2 { r - 1 } else { 0 };
        let mut layer = self.layer();
        let mut moved = a[by..].to_vec();
        if bits > 0 {
            for pair in moved.windows(2) {
                layer.push(self.pair(&pair[1], &pair[0])?, |x| (x >> bits) % r);
            }
            layer.push(top.clone(), |x| ((r * fill(x) + x) >> bits) % r);
        }
        let filled = (signed && by > 0).then(|| layer.push(top.clone(), fill));
        let outputs = layer.run()?;
        let filling = filled.map_or_else(|| self.constant_lane(0, top.len()), |at| outputs[at].clone());
        if bits > 0 {
            moved = outputs[..moved.len()].to_vec();
        }
        moved.resize(a.len(), filling);
        Ok(moved)
    }

    /// The largest squared norm of digits that move by so many bits: tables take two of them, or one.
    fn neighbour_limit(&self, bits: u32) -> f64 {
        if bits > 0 { self.pair_limit() } else { self.backend.squared_norm() }
    }

    /// Bits of so many digits.
    pub(super) fn bits_of(&self, digits: usize) -> u32 {
        self.backend.digit_bits() * digits as u32
    }

    /// Digits and bits of a shift; of `count` digits nothing is left after so many.
    fn whole_digits(&self, amount: u32, count: usize) -> (usize, u32) {
        let bits = self.backend.digit_bits();
        let by = (amount / bits) as usize;
        if by < count { (by, amount % bits) } else { (count, 0) }
    }
}
