//! Shifts by amounts in the clear.
//!
//! Whole digits move without a bootstrap. The bits that are left take one layer: every digit from two neighbours.

use super::backend::Backend;
use super::evaluator::DigitEvaluator;
use super::integer::Digits;
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// `a·2^amount` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn shift_left(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        let a = self.refreshed(self.lanes("shift", a)?, self.pair_limit())?;
        let Some(integers) = a.first().map(Vec::len) else { return Ok(Vec::new()) };
        let (by, bits) = self.whole_digits(amount, a.len());
        let (r, rest) = (self.base(), self.backend.digit_bits() - bits);
        let mut moved = a[..a.len() - by].to_vec();
        if let (Some(lowest), true) = (moved.first(), bits > 0) {
            let mut layer = self.layer();
            layer.push(lowest.clone(), |x| (x << bits) % r);
            for pair in moved.windows(2) {
                layer.push(self.pair(&pair[1], &pair[0])?, |x| (x >> rest) % r);
            }
            moved = layer.run()?;
        }
        let mut digits = vec![self.constant_lane(0, integers); by];
        digits.append(&mut moved);
        Ok(self.integers(&digits))
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
        self.shift_down(a, amount, false)
    }

    /// `a/2^amount` rounded down, for signed integers. A whole digit takes one bootstrap for the sign; the digits that it fills
    /// are copies of one ciphertext: their noises add up like numbers, not like variances.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn shift_right(&self, a: &[Digits<B::Digit>], amount: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.shift_down(a, amount, true)
    }

    fn shift_down(
        &self,
        a: &[Digits<B::Digit>],
        amount: u32,
        signed: bool,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let a = self.refreshed(self.lanes("shift", a)?, self.pair_limit())?;
        let Some(top) = a.last() else { return Ok(Vec::new()) };
        let (by, bits) = self.whole_digits(amount, a.len());
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
        Ok(self.integers(&moved))
    }

    /// Digits and bits of a shift; of `count` digits nothing is left after so many.
    fn whole_digits(&self, amount: u32, count: usize) -> (usize, u32) {
        let bits = self.backend.digit_bits();
        let by = (amount / bits) as usize;
        if by < count { (by, amount % bits) } else { (count, 0) }
    }
}
