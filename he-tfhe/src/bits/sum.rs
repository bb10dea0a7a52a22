//! Sums, differences, negation, absolute values.

use super::builder::Builder;
use super::carry::{Carry, negate_if, sum};
use super::circuit::Circuit;
use super::width::check_width;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `a + b`, wrapped.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn add(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let pairs: Vec<(Wire, Wire)> = x.iter().copied().zip(y.iter().copied()).collect();
            sum(b, &pairs, Wire::FALSE, carry).0
        })
    }

    /// `a − b`, wrapped.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "subtract")]
    pub fn sub(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let pairs: Vec<(Wire, Wire)> = x.iter().zip(y).map(|(&x, &y)| (x, !y)).collect();
            sum(b, &pairs, Wire::TRUE, carry).0
        })
    }

    /// `−a`, wrapped: the least value is its own negation.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn negate(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_integers(width, |b, x| negate_if(b, Wire::TRUE, x, carry))
    }

    /// `|a|`, wrapped: the least value stays; read without a sign the result is right for all.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn abs(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_integers(width, |b, x| negate_if(b, x[width - 1], x, carry))
    }

    /// A function of one integer with one result.
    pub(super) fn of_integers(
        width: usize,
        build: impl FnOnce(&mut Builder, &[Wire]) -> Vec<Wire>,
    ) -> Result<Self, Error> {
        check_width(width)?;
        let mut b = Builder::new();
        let x = b.operand(width);
        let output = build(&mut b, &x);
        Ok(b.finish(vec![output]))
    }

    /// A function of two integers of one width with one result.
    pub(super) fn of_pairs(
        width: usize,
        build: impl FnOnce(&mut Builder, &[Wire], &[Wire]) -> Vec<Wire>,
    ) -> Result<Self, Error> {
        check_width(width)?;
        let mut b = Builder::new();
        let (x, y) = (b.operand(width), b.operand(width));
        let output = build(&mut b, &x, &y);
        Ok(b.finish(vec![output]))
    }
}
