//! Comparisons.

use super::backend::Backend;
use super::condition::{Condition, conditions};
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::Digits;
use crate::error::Error;

impl<B: Backend> DigitEvaluator<B> {
    /// Whether `a = b`, element by element.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn eq(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("comparison", a, b)?;
        let (a, b) = (self.refreshed(a, self.sum_limit())?, self.refreshed(b, self.sum_limit())?);
        let r = self.base();
        let mut layer = self.layer();
        for (a, b) in a.iter().zip(&b) {
            layer.push(self.linear(&[(1, a), (-1, b)], r - 1)?, |x| i64::from(x != r - 1));
        }
        let differ = layer.run()?;
        Ok(conditions(self.none(vec![differ])?.pop().unwrap_or_default()))
    }

    /// Whether `a < b` as numbers from 0 to `2^W − 1`, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn lt_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("comparison", a, b)?;
        Ok(conditions(self.less(a, b, false, false)?))
    }

    /// Whether `a ≤ b` as numbers from 0 to `2^W − 1`, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn le_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("comparison", a, b)?;
        Ok(conditions(self.less(a, b, false, true)?))
    }

    /// Whether `a < b` as signed numbers, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn lt(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("comparison", a, b)?;
        Ok(conditions(self.less(a, b, true, false)?))
    }

    /// Whether `a ≤ b` as signed numbers, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn le(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        let [a, b] = self.two_lanes("comparison", a, b)?;
        Ok(conditions(self.less(a, b, true, true)?))
    }

    /// Whether `a ≠ b`, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn ne(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.not(&self.eq(a, b)?)
    }

    /// Whether `a > b` as numbers from 0 to `2^W − 1`, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn gt_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.lt_unsigned(b, a)
    }

    /// Whether `a ≥ b` as numbers from 0 to `2^W − 1`, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn ge_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.le_unsigned(b, a)
    }

    /// Whether `a > b` as signed numbers, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn gt(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.lt(b, a)
    }

    /// Whether `a ≥ b` as signed numbers, element by element.
    ///
    /// # Errors
    /// As [`eq`](Self::eq).
    pub fn ge(
        &self,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.le(b, a)
    }

    /// Whether `a < b`, or `a ≤ b` with `equal`. A pair of digits has state 2 for greater, 1 for equal and 0 for less, and
    /// states count as those of carries do.
    pub(super) fn less(
        &self,
        a: Vec<Lane<B>>,
        b: Vec<Lane<B>>,
        signed: bool,
        equal: bool,
    ) -> Result<Lane<B>, Error> {
        let (a, b) = (self.refreshed(a, self.pair_limit())?, self.refreshed(b, self.pair_limit())?);
        let (r, count) = (self.base(), a.len());
        let mut layer = self.layer();
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            let flip = if signed && i + 1 == count { r / 2 } else { 0 };
            // The lowest pair has a bit: whether a is not less, or greater.
            layer.push(self.pair(a, b)?, |x| match ((x / r) ^ flip).cmp(&((x % r) ^ flip)) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => i64::from(i > 0 || !equal),
                std::cmp::Ordering::Greater => {
                    if i > 0 {
                        2
                    } else {
                        1
                    }
                }
            });
        }
        let mut states = layer.run()?;
        while states.len() > 1 {
            states = self.fewer(states)?;
        }
        let bit = states.pop().unwrap_or_default();
        self.linear(&[(-1, &bit)], 1)
    }

    /// The states of groups, the first of which begins with a bit.
    fn fewer(&self, states: Vec<Lane<B>>) -> Result<Vec<Lane<B>>, Error> {
        let (head, rest) = states.split_at(states.len().min(self.group() + 1));
        let mut layer = self.layer();
        let at_least = 1 << (head.len() - 1);
        layer.push(self.binary(head.first(), &head[1..])?, |x| i64::from(x >= at_least));
        let mut groups: Vec<&[Lane<B>]> = rest.chunks(self.group()).collect();
        // A state alone is that of its group already.
        let alone = groups.pop_if(|group| group.len() == 1).map(<[_]>::to_vec);
        for group in groups {
            let all = 1 << group.len();
            layer.push(self.binary(None, group)?, |x| if x >= all { 2 } else { i64::from(x == all - 1) });
        }
        Ok([layer.run()?, alone.unwrap_or_default()].concat())
    }

    /// Whether none of the bits of a list is 1, for several lists.
    pub(super) fn none(&self, mut lists: Vec<Vec<Lane<B>>>) -> Result<Vec<Lane<B>>, Error> {
        let most = (self.messages() - 1).min(self.backend.squared_norm() as i64) as usize;
        while lists.iter().any(|list| list.len() > most) {
            lists = self.chunks(&lists, most, |x| i64::from(x > 0))?;
        }
        Ok(self.chunks(&lists, most, |x| i64::from(x == 0))?.into_iter().flatten().collect())
    }

    /// Chunks of lists, summed and looked up in the table of `f`.
    fn chunks(
        &self,
        lists: &[Vec<Lane<B>>],
        most: usize,
        f: impl Fn(i64) -> i64 + Copy,
    ) -> Result<Vec<Vec<Lane<B>>>, Error> {
        let mut layer = self.layer();
        for chunk in lists.iter().flat_map(|list| list.chunks(most)) {
            layer.push(self.linear(&chunk.iter().map(|bit| (1, bit)).collect::<Vec<_>>(), 0)?, f);
        }
        let mut outputs = layer.run()?.into_iter();
        Ok(lists.iter().map(|list| outputs.by_ref().take(list.len().div_ceil(most)).collect()).collect())
    }
}
