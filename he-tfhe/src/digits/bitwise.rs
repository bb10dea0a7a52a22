//! Bitwise operations: a table of two digits side by side for each digit, in one layer.

use super::backend::Backend;
use super::evaluator::DigitEvaluator;
use super::integer::Digits;
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// The bits of `a` and of `b`, element by element.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn bitand(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.bitwise(a, b, |x, y| x & y)
    }

    /// The bits of `a` or of `b`, element by element.
    ///
    /// # Errors
    /// As [`bitand`](Self::bitand).
    pub fn bitor(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.bitwise(a, b, |x, y| x | y)
    }

    /// The bits of just one of `a` and `b`, element by element.
    ///
    /// # Errors
    /// As [`bitand`](Self::bitand).
    pub fn bitxor(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.bitwise(a, b, |x, y| x ^ y)
    }

    /// The bits that `a` does not have, `−1 − a`, element by element; without a bootstrap.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn bitnot(&self, a: &[Digits<B::Digit>]) -> Result<Vec<Digits<B::Digit>>, Error> {
        let inverted = |lane| self.linear(&[(-1, lane)], self.base() - 1);
        let lanes = self.lanes("bitwise operation", a)?;
        Ok(self.integers(&lanes.iter().map(inverted).collect::<Result<Vec<_>, _>>()?))
    }

    fn bitwise(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
        f: impl Fn(i64, i64) -> i64,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("bitwise operation", a, b)?;
        let (a, b) = (self.refreshed(a, self.pair_limit())?, self.refreshed(b, self.pair_limit())?);
        let r = self.base();
        let mut layer = self.layer();
        for (a, b) in a.iter().zip(&b) {
            layer.push(self.pair(a, b)?, |x| f(x / r, x % r));
        }
        Ok(self.integers(&layer.run()?))
    }
}
