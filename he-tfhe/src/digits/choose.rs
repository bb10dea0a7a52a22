//! Choices by an encrypted bit or a sign, and widths.

use super::backend::Backend;
use super::condition::{Condition, digits};
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::{Digits, check_width};
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// `condition ? a : b`, element by element, for conditions as comparisons give them. One bootstrap for each digit, in one layer;
    /// the noise of a result has twice the variance of a bootstrap's.
    ///
    /// # Errors
    /// If the slices differ in length or width, a condition is too noisy, or an integer or condition belongs to other parameters.
    pub fn select(
        &self,
        condition: &[Condition<B::Digit>],
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let operation = "selection";
        let [a, b] = self.two_lanes(operation, a, b)?;
        self.check_count(operation, condition.len(), a.first().map_or(0, Vec::len))?;
        Ok(self.integers(&self.select_lanes(&digits(condition), a, b)?))
    }

    /// The smaller of two signed numbers, element by element.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn min(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("minimum", a, b)?;
        let less = self.less(a.clone(), b.clone(), true, false)?;
        Ok(self.integers(&self.select_lanes(&less, a, b)?))
    }

    /// The larger of two signed numbers, element by element.
    ///
    /// # Errors
    /// As [`min`](Self::min).
    pub fn max(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("maximum", a, b)?;
        let less = self.less(a.clone(), b.clone(), true, false)?;
        Ok(self.integers(&self.select_lanes(&less, b, a)?))
    }

    /// The larger of a signed number and 0, element by element. One bootstrap for each digit, in one layer.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn relu(&self, a: &[Digits<B::Digit>]) -> Result<Vec<Digits<B::Digit>>, Error> {
        let a = self.refreshed(self.lanes("rectifier", a)?, self.pair_limit())?;
        let Some((top, rest)) = a.split_last() else { return Ok(Vec::new()) };
        let r = self.base();
        let mut layer = self.layer();
        for digit in rest {
            layer.push(self.pair(top, digit)?, |x| if x / r < r / 2 { x % r } else { 0 });
        }
        layer.push(top.clone(), |x| if x < r / 2 { x } else { 0 });
        Ok(self.integers(&layer.run()?))
    }

    /// Signed integers in `bits` bits: the low bits of longer integers, without a bootstrap; shorter integers with their sign
    /// in all bits above, one bootstrap each. The digits above are copies of one ciphertext: their noises add up like numbers,
    /// not like variances.
    ///
    /// # Errors
    /// If the number of bits is no multiple of a digit or above 64, or the integers differ in width or belong to other
    /// parameters.
    pub fn resize(&self, a: &[Digits<B::Digit>], bits: u32) -> Result<Vec<Digits<B::Digit>>, Error> {
        let operation = "change of width";
        let count = check_width(bits as usize, self.backend.digit_bits())?;
        let mut a = self.lanes(operation, a)?;
        if let Some(top) = a.last().filter(|_| a.len() < count) {
            let sign = self.sign_digit(top)?;
            a.resize(count, sign);
        }
        a.truncate(count);
        Ok(self.integers(&a))
    }

    /// The digit that continues a signed integer: 0 or `r − 1`.
    pub(super) fn sign_digit(&self, top: &Lane<B>) -> Result<Lane<B>, Error> {
        let r = self.base();
        let mut layer = self.layer();
        layer.push(top.clone(), |x| if x < r / 2 { 0 } else { r - 1 });
        Ok(layer.run()?.swap_remove(0))
    }

    /// The largest squared norm of the digits that a selection takes.
    pub(super) fn select_limit(&self) -> f64 {
        (self.backend.squared_norm() - 1.0) / 8.0
    }

    /// `b + condition·(a − b)`, digit by digit: the table gives the product with its sign, so that nothing is carried.
    pub(super) fn select_lanes(
        &self,
        condition: &Lane<B>,
        a: Vec<Lane<B>>,
        b: Vec<Lane<B>>,
    ) -> Result<Vec<Lane<B>>, Error> {
        let limit = self.select_limit();
        let (a, b) = (self.refreshed(a, limit)?, self.refreshed(b, limit)?);
        let r = self.base();
        let mut layer = self.layer();
        for (a, b) in a.iter().zip(&b) {
            let both = self.linear(&[(2, a), (-2, b), (1, condition)], 2 * (r - 1))?;
            layer.push(both, |x| (x % 2) * (x / 2 - (r - 1)));
        }
        layer.run()?.iter().zip(&b).map(|(step, b)| self.linear(&[(1, step), (1, b)], 0)).collect()
    }
}
