//! Quotients by long division without restoring.
//!
//! In step `k` the remainder so far takes a further bit of the dividend, and the divisor `D` is subtracted on trial. If the
//! trial `T` is not negative the bit of the quotient is 1. Otherwise restoring division would add `D` again, double, and
//! subtract `D`; here the next step adds `D` to `2T`, which is the same. In step `k`, `D ≥ 2^{k+1}` says that the bit is 0, and
//! otherwise `T` has no more than `k + 2` bits: early steps are short.

use super::builder::Builder;
use super::carry::{Carry, negate_if, prefixes, sum};
use super::circuit::Circuit;
use super::compare::any;
use super::width::{MAX_WIDTH, check, check_width};
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// Quotient and remainder of unsigned integers. Division by 0 gives the quotient `2^W − 1` and the remainder `a`.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn div_rem_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        check_width(width)?;
        let mut b = Builder::new();
        let (x, y) = (b.operand(width), b.operand(width));
        let (quotient, remainder) = divide(&mut b, &x, &y, carry);
        Ok(b.finish(vec![quotient, remainder]))
    }

    /// Quotient, rounded towards 0, and remainder, with the sign of `a`. The least value by −1 is the least value, as it
    /// wraps. Division by 0 gives the quotient −1 for `a ≥ 0` and 1 for `a < 0`, and the remainder `a`.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn div_rem(width: usize, carry: Carry) -> Result<Self, Error> {
        check_width(width)?;
        let mut b = Builder::new();
        let (x, y) = (b.operand(width), b.operand(width));
        let signs = (x[width - 1], y[width - 1]);
        let (dividend, divisor) =
            (negate_if(&mut b, signs.0, &x, carry), negate_if(&mut b, signs.1, &y, carry));
        let (quotient, remainder) = divide(&mut b, &dividend, &divisor, carry);
        let sign = b.xor(signs.0, signs.1);
        let quotient = negate_if(&mut b, sign, &quotient, carry);
        let remainder = negate_if(&mut b, signs.0, &remainder, carry);
        Ok(b.finish(vec![quotient, remainder]))
    }

    /// Only the quotient of [`div_rem_unsigned`](Self::div_rem_unsigned), with fewer gates.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn div_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        Ok(Self::div_rem_unsigned(width, carry)?.output(0))
    }

    /// Only the quotient of [`div_rem`](Self::div_rem), with fewer gates.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "divide")]
    pub fn div(width: usize, carry: Carry) -> Result<Self, Error> {
        Ok(Self::div_rem(width, carry)?.output(0))
    }

    /// `1/x` of a number with `fraction` bits behind the point: `⌊2^{2·fraction}/x⌋` for `x > 0`, at most the greatest value
    /// `2^{W−1} − 1`; for `x < 0` the negation of that of `|x|`; the greatest value for 0.
    ///
    /// # Errors
    /// If the width is not `2..=64`, or `fraction` is not less than it.
    pub fn reciprocal(width: usize, fraction: usize, carry: Carry) -> Result<Self, Error> {
        check("width of an integer with sign", width, 2, MAX_WIDTH)?;
        check("bits behind the point", fraction, 0, width - 1)?;
        Self::of_integers(width, |b, x| {
            let sign = x[width - 1];
            let divisor = negate_if(b, sign, x, carry);
            let mut dividend = vec![Wire::FALSE; 2 * fraction];
            dividend.push(Wire::TRUE);
            let (quotient, _) = divide(b, &dividend, &divisor, carry);
            let fits = quotient.len().min(width - 1);
            let over = any(b, &quotient[fits..]);
            let zero = !any(b, &divisor);
            let most = b.or(over, zero);
            let bit = |at: usize| quotient.get(at).copied().unwrap_or(Wire::FALSE);
            let size: Vec<Wire> = (0..width - 1).map(|at| b.or(bit(at), most)).chain([Wire::FALSE]).collect();
            negate_if(b, sign, &size, carry)
        })
    }
}

/// The trial remainder and whether it is the remainder, or `D` too small.
pub(super) struct Trial<'a> {
    divisor: &'a [Wire],
    /// In two's complement.
    value: Vec<Wire>,
    kept: Wire,
    carry: Carry,
}

impl<'a> Trial<'a> {
    /// A remainder less than the divisor if `kept`, else a remainder less the divisor; in two's complement.
    pub(super) fn new(divisor: &'a [Wire], value: Vec<Wire>, kept: Wire, carry: Carry) -> Self {
        Self { divisor, value, kept, carry }
    }

    /// `T ← 2T + bit ∓ D`, in one bit more, but never more than the divisor needs; `large` says that the divisor is larger
    /// than any remainder here. Returns the bit of the quotient.
    pub(super) fn step(&mut self, b: &mut Builder, bit: Wire, large: Wire) -> Wire {
        let width = (self.value.len() + 1).min(self.divisor.len() + 1);
        let shifted = std::iter::once(bit).chain(self.value.iter().copied()).take(width);
        let divisor = self.divisor.iter().copied().chain(std::iter::repeat(Wire::FALSE));
        let pairs: Vec<(Wire, Wire)> = shifted.zip(divisor).map(|(x, d)| (x, b.xor(d, self.kept))).collect();
        self.value = sum(b, &pairs, self.kept, self.carry).0;
        let negative = self.value[width - 1];
        self.kept = b.and(!negative, !large);
        self.kept
    }

    /// The remainder.
    fn remainder(self, b: &mut Builder) -> Vec<Wire> {
        let again: Vec<Wire> = self.divisor.iter().map(|&d| b.and(d, !self.kept)).collect();
        let value = self.value.iter().copied().chain(std::iter::repeat(self.value[self.value.len() - 1]));
        let pairs: Vec<(Wire, Wire)> = value.zip(again).collect();
        sum(b, &pairs, Wire::FALSE, self.carry).0
    }
}

/// Quotient, as wide as the dividend, and remainder, as wide as the divisor, of unsigned integers. For the divisor 0 the
/// quotient is all ones and the remainder the dividend, if that is not wider than the divisor; else both are arbitrary.
fn divide(b: &mut Builder, dividend: &[Wire], divisor: &[Wire], carry: Carry) -> (Vec<Wire>, Vec<Wire>) {
    // Whether the divisor has a bit at a place or above.
    let reversed: Vec<Wire> = divisor.iter().rev().copied().collect();
    let mut above = prefixes(carry, &reversed, &mut |x, y| b.or(x, y));
    above.reverse();
    let mut trial = Trial::new(divisor, vec![Wire::FALSE], Wire::TRUE, carry);
    let mut quotient = Vec::with_capacity(dividend.len());
    for (k, &bit) in dividend.iter().rev().enumerate() {
        let large = above.get(k + 1).copied().unwrap_or(Wire::FALSE);
        quotient.push(trial.step(b, bit, large));
    }
    quotient.reverse();
    let remainder = trial.remainder(b);
    (quotient, remainder)
}
