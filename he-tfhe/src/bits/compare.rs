//! Comparisons and choices.

use super::builder::Builder;
use super::carry::{Carry, carries};
use super::circuit::Circuit;
use super::width::check_width;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `a = b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn equal(width: usize) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let differences: Vec<Wire> = x.iter().zip(y).map(|(&x, &y)| b.xor(x, y)).collect();
            vec![!any(b, &differences)]
        })
    }

    /// `a ≠ b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn not_equal(width: usize) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let differences: Vec<Wire> = x.iter().zip(y).map(|(&x, &y)| b.xor(x, y)).collect();
            vec![any(b, &differences)]
        })
    }

    /// `a < b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn less(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![less(b, x, y, carry)])
    }

    /// `a ≤ b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn less_or_equal(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![!less(b, y, x, carry)])
    }

    /// `a > b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn greater(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![less(b, y, x, carry)])
    }

    /// `a ≥ b`, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn greater_or_equal(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![!less(b, x, y, carry)])
    }

    /// `a < b` of unsigned integers, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn less_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![less_unsigned(b, x, y, carry)])
    }

    /// `a ≤ b` of unsigned integers, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn less_or_equal_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![!less_unsigned(b, y, x, carry)])
    }

    /// `a > b` of unsigned integers, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn greater_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![less_unsigned(b, y, x, carry)])
    }

    /// `a ≥ b` of unsigned integers, one bit.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn greater_or_equal_unsigned(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| vec![!less_unsigned(b, x, y, carry)])
    }

    /// `c ? a : b`, of an integer `c` of one bit and integers `a` and `b`. The noise of the result has twice the variance of a
    /// gate's; [`BitEvaluator::run`](super::BitEvaluator::run) takes account of that.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "mux")]
    pub fn select(width: usize) -> Result<Self, Error> {
        check_width(width)?;
        let mut b = Builder::new();
        let c = b.operand(1)[0];
        let (x, y) = (b.operand(width), b.operand(width));
        let output = select(&mut b, c, &x, &y);
        Ok(b.finish(vec![output]))
    }

    /// The lesser of two.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn min(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let c = less(b, x, y, carry);
            select(b, c, x, y)
        })
    }

    /// The greater of two.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn max(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| {
            let c = less(b, x, y, carry);
            select(b, c, y, x)
        })
    }
}

/// Whether a wire is 1, in a tree of gates, the earliest first.
pub(super) fn any(b: &mut Builder, wires: &[Wire]) -> Wire {
    let mut left = wires.to_vec();
    while left.len() > 1 {
        left.sort_by_key(|&wire| b.level(wire));
        let or = b.or(left[0], left[1]);
        left.splice(..2, [or]);
    }
    left.first().copied().unwrap_or(Wire::FALSE)
}

/// Whether `x − y` borrows.
pub(super) fn less_unsigned(b: &mut Builder, x: &[Wire], y: &[Wire], shape: Carry) -> Wire {
    let pairs: Vec<(Wire, Wire)> = x.iter().zip(y).map(|(&x, &y)| (!x, y)).collect();
    carries(b, &pairs, Wire::FALSE, shape)[pairs.len()]
}

/// With signs, which count the other way round.
fn less(b: &mut Builder, x: &[Wire], y: &[Wire], shape: Carry) -> Wire {
    let (mut low, mut high) = (x.to_vec(), y.to_vec());
    if let (Some(low), Some(high)) = (low.last_mut(), high.last_mut()) {
        std::mem::swap(low, high);
    }
    less_unsigned(b, &low, &high, shape)
}

/// `c ? x : y`, bit by bit.
pub(super) fn select(b: &mut Builder, c: Wire, x: &[Wire], y: &[Wire]) -> Vec<Wire> {
    x.iter().zip(y).map(|(&x, &y)| b.select(c, x, y)).collect()
}
