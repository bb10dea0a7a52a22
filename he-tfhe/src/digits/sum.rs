//! Sums, differences, negatives.

use super::backend::Backend;
use super::carry::Column;
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::Digits;
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// The largest squared norm of the digits of two operands that are added, with a carry.
    pub(super) fn sum_limit(&self) -> f64 {
        (self.backend.squared_norm() - 1.0) / 2.0
    }

    /// `a + b` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn add(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("addition", a, b)?;
        let (a, b) = (self.refreshed(a, self.sum_limit())?, self.refreshed(b, self.sum_limit())?);
        let max = 2 * self.base() - 2;
        let column = |(a, b)| Ok(Column { lane: self.linear(&[(1, a), (1, b)], 0)?, max });
        let columns = a.iter().zip(&b).map(column).collect::<Result<_, Error>>()?;
        Ok(self.integers(&self.propagate(columns, 0)?))
    }

    /// `a − b` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sub(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("subtraction", a, b)?;
        let (a, b) = (self.refreshed(a, self.sum_limit())?, self.refreshed(b, self.sum_limit())?);
        Ok(self.integers(&self.propagate(self.difference(&a, &b)?, 0)?))
    }

    /// `−a` modulo `2^W`, element by element.
    ///
    /// # Errors
    /// If the integers differ in width, or belong to other parameters.
    pub fn negate(&self, a: &[Digits<B::Digit>]) -> Result<Vec<Digits<B::Digit>>, Error> {
        let a = self.refreshed(self.lanes("negation", a)?, self.sum_limit())?;
        let r = self.base();
        let column = |(i, a)| {
            let one = i64::from(i == 0);
            Ok(Column { lane: self.linear(&[(-1, a)], r - 1 + one)?, max: r - 1 + one })
        };
        let columns = a.iter().enumerate().map(column).collect::<Result<_, Error>>()?;
        Ok(self.integers(&self.propagate(columns, 0)?))
    }

    /// The columns of `a + (r^D − 1 − b) + 1`; a carry out of them says `a ≥ b`.
    pub(super) fn difference(&self, a: &[Lane<B>], b: &[Lane<B>]) -> Result<Vec<Column<B>>, Error> {
        let r = self.base();
        let column = |(i, (a, b))| {
            let one = i64::from(i == 0);
            Ok(Column { lane: self.linear(&[(1, a), (-1, b)], r - 1 + one)?, max: 2 * r - 2 + one })
        };
        a.iter().zip(b).enumerate().map(column).collect()
    }

    /// `negative ? −a : a` where `negative` is 0 or 1 (of squared norm up to 2).
    pub(super) fn negate_if(&self, negative: &Lane<B>, a: Vec<Lane<B>>) -> Result<Vec<Lane<B>>, Error> {
        let r = self.base();
        let a = self.refreshed(a, (self.backend.squared_norm() - 2.0) / 4.0)?;
        let mut layer = self.layer();
        for digit in &a {
            let both = self.linear(&[(2, digit), (1, negative)], 0)?;
            layer.push(both, |x| if x % 2 == 1 { r - 1 - x / 2 } else { x / 2 });
        }
        self.increment_if(negative, layer.run()?)
    }

    /// `a + bit`.
    pub(super) fn increment_if(&self, bit: &Lane<B>, a: Vec<Lane<B>>) -> Result<Vec<Lane<B>>, Error> {
        let max = self.base() - 1;
        let mut columns: Vec<Column<B>> = a.into_iter().map(|lane| Column { lane, max }).collect();
        if let Some(lowest) = columns.first_mut() {
            lowest.lane = self.linear(&[(1, &lowest.lane), (1, bit)], 0)?;
            lowest.max += 1;
        }
        self.propagate(columns, 0)
    }
}
