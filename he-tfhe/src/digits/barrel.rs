//! Shifts and rotations by encrypted amounts: for each bit of the amount a choice between what is moved by its weight and what
//! is not.

use super::backend::Backend;
use super::evaluator::{DigitEvaluator, Lane};
use super::integer::Digits;
use crate::error::Error;

/// A move by an amount in the clear.
type Move<'a, B> = dyn Fn(Vec<Lane<B>>, u32) -> Result<Vec<Lane<B>>, Error> + 'a;

impl<B: Backend> DigitEvaluator<B> {
    /// `a·2^n` modulo `2^W`, element by element, for amounts `n` as numbers from 0; they may have another width than `a`.
    ///
    /// # Errors
    /// If the slices differ in length, integers of one of them in width, or an integer belongs to other parameters.
    pub fn shift_left_by(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, n] = self.word_and_amount("shift", a, n)?;
        self.shifted(a, &n, false, &|a, amount| self.moved_up(a, amount))
    }

    /// `a/2^n` rounded down, as [`shift_left_by`](Self::shift_left_by), for integers as numbers from 0 to `2^W − 1`.
    ///
    /// # Errors
    /// As [`shift_left_by`](Self::shift_left_by).
    pub fn shift_right_unsigned_by(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, n] = self.word_and_amount("shift", a, n)?;
        self.shifted(a, &n, false, &|a, amount| self.moved_down(a, amount, false))
    }

    /// `a/2^n` rounded down, as [`shift_left_by`](Self::shift_left_by), for signed integers.
    ///
    /// # Errors
    /// As [`shift_left_by`](Self::shift_left_by).
    pub fn shift_right_by(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [a, n] = self.word_and_amount("shift", a, n)?;
        self.shifted(a, &n, true, &|a, amount| self.moved_down(a, amount, true))
    }

    /// The bits moved up by `n` places modulo `W`, those from above to below, element by element.
    ///
    /// # Errors
    /// As [`shift_left_by`](Self::shift_left_by).
    pub fn rotate_left_by(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.rotated(a, n, |bits, weight| weight % bits)
    }

    /// The bits moved down by `n` places modulo `W`, those from below to above, element by element.
    ///
    /// # Errors
    /// As [`shift_left_by`](Self::shift_left_by).
    pub fn rotate_right_by(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        self.rotated(a, n, |bits, weight| (bits - weight % bits) % bits)
    }

    /// Words and amounts.
    fn word_and_amount(
        &self,
        operation: &'static str,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
    ) -> Result<[Vec<Lane<B>>; 2], Error> {
        self.check_count(operation, n.len(), a.len())?;
        Ok([self.lanes(operation, a)?, self.lanes(operation, n)?])
    }

    /// A shift: bits of weights below `W` move, and if there is any other the integer is 0, or its sign.
    fn shifted(
        &self,
        mut a: Vec<Lane<B>>,
        n: &[Lane<B>],
        signed: bool,
        step: &Move<'_, B>,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let Some(top) = a.last().cloned() else { return Ok(Vec::new()) };
        let within = self.bits_of(a.len()).next_power_of_two().trailing_zeros();
        let digit_bits = self.backend.digit_bits();
        let mut layer = self.layer();
        let (mut bits, mut others) = (Vec::new(), Vec::new());
        for (at, digit) in n.iter().enumerate() {
            let inside = within.saturating_sub(at as u32 * digit_bits).min(digit_bits);
            bits.extend((0..inside).map(|bit| layer.push(digit.clone(), |x| x >> bit & 1)));
            if inside < digit_bits {
                others.push(layer.push(digit.clone(), |x| i64::from(x >> inside != 0)));
            }
        }
        let found = layer.run()?;
        for (exponent, at) in bits.into_iter().enumerate() {
            a = self.refreshed(a, self.select_limit())?;
            a = self.select_lanes(&found[at], step(a.clone(), 1 << exponent)?, a)?;
        }
        if !others.is_empty() {
            let none = self.none(vec![others.into_iter().map(|at| found[at].clone()).collect()])?;
            let fill = if signed { self.sign_digit(&top)? } else { self.constant_lane(0, top.len()) };
            let all = vec![fill; a.len()];
            a = self.select_lanes(&none[0], a, all)?;
        }
        Ok(self.integers(&a))
    }

    /// A rotation: `turn(W, 2^i)` is by how many places bit `i` of the amount moves up.
    fn rotated(
        &self,
        a: &[Digits<B::Digit>],
        n: &[Digits<B::Digit>],
        turn: impl Fn(u64, u64) -> u64,
    ) -> Result<Vec<Digits<B::Digit>>, Error> {
        let [mut a, n] = self.word_and_amount("rotation", a, n)?;
        if a.is_empty() {
            return Ok(Vec::new());
        }
        let (bits, digit_bits) = (u64::from(self.bits_of(a.len())), self.backend.digit_bits());
        let mut layer = self.layer();
        let mut moves = Vec::new();
        for (at, digit) in n.iter().enumerate() {
            for bit in 0..digit_bits {
                let by = turn(bits, 1 << (at as u32 * digit_bits + bit));
                if by > 0 {
                    moves.push((layer.push(digit.clone(), |x| x >> bit & 1), by));
                }
            }
        }
        let found = layer.run()?;
        for (at, by) in moves {
            a = self.refreshed(a, self.select_limit())?;
            a = self.select_lanes(&found[at], self.turned(a.clone(), by as u32)?, a)?;
        }
        Ok(self.integers(&a))
    }
}
