//! Quotients and remainders by restoring division, one digit of the quotient at a time.
//!
//! With `R` the remainder so far and the next digit of the dividend behind it, all of `R − k·d` for `k < r` are computed at
//! once, as further integers of one circuit. Those with `R ≥ k·d` are a flag each, and the digit of the quotient is their sum.

use super::backend::Backend;
use super::carry::Column;
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::Digits;
use crate::error::Error;

/// Quotients and remainders.
type Parts<T> = (Vec<T>, Vec<T>);

impl<B: Backend> DigitEvaluator<B> {
    /// Quotients and remainders of `a/d` as numbers from 0 to `2^W − 1`, element by element. Division by 0 gives `2^W − 1` and
    /// the remainder `a`.
    ///
    /// # Errors
    /// If the slices differ in length or width, or an integer belongs to other parameters.
    pub fn div_rem_unsigned(
        &self,
        a: &[Digits<B::Digit>],
        d: &[Digits<B::Digit>],
    ) -> Result<Parts<Digits<B::Digit>>, Error> {
        let [a, d] = self.two_lanes("division", a, d)?;
        let (quotient, remainder) = self.divide(a, d)?;
        Ok((self.integers(&quotient), self.integers(&remainder)))
    }

    /// Quotients and remainders of `a/d` as signed numbers, element by element; the quotient is rounded towards 0 and the
    /// remainder has the sign of `a`. Division by 0 gives −1 for `a ≥ 0` and 1 for `a < 0`, with the remainder `a`; and
    /// `−2^(W−1)/−1` is `−2^(W−1)`, since the quotient is one modulo `2^W`.
    ///
    /// # Errors
    /// As [`div_rem_unsigned`](Self::div_rem_unsigned).
    pub fn div_rem(
        &self,
        a: &[Digits<B::Digit>],
        d: &[Digits<B::Digit>],
    ) -> Result<Parts<Digits<B::Digit>>, Error> {
        let [a, d] = self.two_lanes("division", a, d)?;
        let (Some(top_a), Some(top_d)) = (a.last(), d.last()) else { return Ok((Vec::new(), Vec::new())) };
        let half = self.base() / 2;
        let tops = self.refreshed(vec![top_a.clone(), top_d.clone()], self.pair_limit())?;
        let mut layer = self.layer();
        layer.push(beside(&tops), |x| i64::from(x >= half));
        layer.push(self.pair(&tops[0], &tops[1])?, |x| {
            i64::from((x / (2 * half) >= half) != (x % (2 * half) >= half))
        });
        let signs = layer.run()?;
        // Both operands are one slice of twice as many integers, and so are both results.
        let both: Vec<Lane<B>> = a.iter().zip(&d).map(|(a, d)| beside(&[a.clone(), d.clone()])).collect();
        let integers = top_a.len();
        let (a, d) = apart::<B>(&self.negate_if(&signs[0], both)?, integers);
        let (quotient, remainder) = self.divide(a, d)?;
        let both: Vec<Lane<B>> = quotient.into_iter().zip(remainder).map(|(q, r)| beside(&[q, r])).collect();
        let negative = beside(&[signs[1].clone(), signs[0][..integers].to_vec()]);
        let (quotient, remainder) = apart::<B>(&self.negate_if(&negative, both)?, integers);
        Ok((self.integers(&quotient), self.integers(&remainder)))
    }

    fn divide(&self, a: Vec<Lane<B>>, d: Vec<Lane<B>>) -> Result<Parts<Lane<B>>, Error> {
        let Some(integers) = a.first().map(Vec::len) else { return Ok((Vec::new(), Vec::new())) };
        let (count, ways) = (a.len(), self.base() as usize - 1);
        let (a, d) = (self.refreshed(a, 1.0)?, self.refreshed(d, 1.0)?);
        let multiples = self.multiples(&d)?;
        let above = self.nothing_above(&multiples[1..])?;
        let (mut rest, mut quotient): (Vec<Lane<B>>, _) = (Vec::new(), Vec::new());
        for step in 0..count {
            rest.insert(0, a[count - 1 - step].clone());
            let copies: Vec<Lane<B>> = rest.iter().map(|digit| beside(&vec![digit.clone(); ways])).collect();
            let columns = self.difference(&copies, &multiples[..=step])?;
            // What the multiple has above the remainder decides too.
            let (trials, fits) = self.propagate_out(columns, 0, Some(above[step].clone()))?;
            let flags: Vec<Lane<B>> = fits.unwrap_or_default().chunks(integers).map(<[_]>::to_vec).collect();
            let trials: Vec<Vec<Lane<B>>> =
                trials.iter().map(|trial| trial.chunks(integers).map(<[_]>::to_vec).collect()).collect();
            let (digit, next) = self.chosen(&rest, &trials, &flags)?;
            (quotient, rest) = ([vec![digit], quotient].concat(), next);
        }
        Ok((quotient, rest))
    }

    /// `k·d` for `k = 1, …, r − 1`, with one digit more, as one slice.
    fn multiples(&self, d: &[Lane<B>]) -> Result<Vec<Lane<B>>, Error> {
        let r = self.base();
        let integers = d.first().map_or(0, Vec::len);
        let mut layer = self.layer();
        for k in 2..r {
            for digit in d {
                layer.push(digit.clone(), |x| k * x % r);
                layer.push(digit.clone(), |x| k * x / r);
            }
        }
        let outputs = layer.run()?;
        let zero = self.constant_lane(0, integers);
        let half = |i: usize, high: usize| {
            let own = |k: usize| outputs.get(2 * (k * d.len() + i) + high).unwrap_or(&zero).clone();
            beside(&(0..r as usize - 2).map(own).collect::<Vec<_>>())
        };
        let none = self.constant_lane(0, integers * (r as usize - 2));
        let mut columns = Vec::new();
        for i in 0..=d.len() {
            let low = if i < d.len() { half(i, 0) } else { none.clone() };
            let high = if i > 0 { half(i - 1, 1) } else { none.clone() };
            let max = if i == 0 { r - 1 } else { 2 * r - 3 };
            columns.push(Column { lane: self.linear(&[(1, &low), (1, &high)], 0)?, max });
        }
        if let Some(top) = columns.last_mut() {
            top.max = r - 2;
        }
        let several = self.propagate(columns, 0)?;
        Ok(several
            .iter()
            .enumerate()
            .map(|(i, lane)| beside(&[d.get(i).unwrap_or(&zero).clone(), lane.clone()]))
            .collect())
    }

    /// For every column, 1 if it and all above are 0, else 0: the state of what they add to a carry.
    fn nothing_above(&self, lanes: &[Lane<B>]) -> Result<Vec<Lane<B>>, Error> {
        let mut layer = self.layer();
        for lane in lanes {
            layer.push(lane.clone(), |x| i64::from(x != 0));
        }
        let bits = layer.run()?;
        self.none((0..bits.len()).map(|from| bits[from..].to_vec()).collect())
    }

    /// The digit of the quotient, the number of `flags`, and the last trial whose flag is 1, or `rest` if there is none.
    fn chosen(
        &self,
        rest: &[Lane<B>],
        trials: &[Vec<Lane<B>>],
        flags: &[Lane<B>],
    ) -> Result<(Lane<B>, Vec<Lane<B>>), Error> {
        let ways = flags.len();
        let mut layer = self.layer();
        let all: Vec<(i32, &Lane<B>)> = flags.iter().map(|flag| (1, flag)).collect();
        layer.push(self.linear(&all, 0)?, |x| x);
        let pick = |x: i64| if x % 2 == 1 { x / 2 } else { 0 };
        for (digit, trials) in rest.iter().zip(trials) {
            layer.push(self.linear(&[(2, digit), (-1, &flags[0])], 1)?, pick);
            for (k, trial) in trials.iter().enumerate() {
                // Flags fall: the difference of two neighbours is 1 exactly once.
                let next = flags.get(k + 1).map(|flag| (-1, flag));
                let terms: Vec<_> = [(2, trial), (1, &flags[k])].into_iter().chain(next).collect();
                layer.push(self.linear(&terms, 0)?, pick);
            }
        }
        let mut outputs = layer.run()?.into_iter();
        let quotient = outputs.next().unwrap_or_default();
        let picked: Vec<Lane<B>> = outputs.collect();
        let sum = |parts: &[Lane<B>]| self.linear(&parts.iter().map(|part| (1, part)).collect::<Vec<_>>(), 0);
        Ok((quotient, picked.chunks(ways + 1).map(sum).collect::<Result<_, _>>()?))
    }
}

/// Lanes one after another, as one lane of more integers.
fn beside<D: Clone>(lanes: &[Vec<D>]) -> Vec<D> {
    lanes.concat()
}

/// Two slices that were put beside one another.
fn apart<B: Backend>(lanes: &[Lane<B>], integers: usize) -> Parts<Lane<B>> {
    lanes.iter().map(|lane| (lane[..integers].to_vec(), lane[integers..].to_vec())).unzip()
}
