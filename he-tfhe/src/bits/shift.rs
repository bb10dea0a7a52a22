//! Shifts and rotations by encrypted amounts: one stage of choices for each bit of the amount.

use super::builder::Builder;
use super::circuit::Circuit;
use super::compare::any;
use super::width::check_width;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `a·2^n`, wrapped, for an unsigned amount `n`, of `amount_width` bits; 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_left(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, integer, amount| {
            let reversed: Vec<Wire> = integer.iter().rev().copied().collect();
            let mut shifted = shift_right(b, &reversed, amount, Wire::FALSE);
            shifted.reverse();
            shifted
        })
    }

    /// `⌊a/2^n⌋` of an unsigned integer, for an unsigned amount `n`; 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_right(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, integer, amount| shift_right(b, integer, amount, Wire::FALSE))
    }

    /// `⌊a/2^n⌋`, for an unsigned amount `n`; −1 or 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_right_arithmetic(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, integer, amount| shift_right(b, integer, amount, integer[width - 1]))
    }

    /// The bits moved up by an unsigned amount `n`, of `amount_width` bits, modulo the width, those from above to below.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn rotate_left(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, integer, amount| rotated(b, integer, amount, |by| width - by))
    }

    /// The bits moved down by an unsigned amount `n`, of `amount_width` bits, modulo the width, those from below to above.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn rotate_right(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, integer, amount| rotated(b, integer, amount, |by| by))
    }
}

fn shifter(
    width: usize,
    amount_width: usize,
    build: impl FnOnce(&mut Builder, &[Wire], &[Wire]) -> Vec<Wire>,
) -> Result<Circuit, Error> {
    check_width(width)?;
    check_width(amount_width)?;
    let mut b = Builder::new();
    let (integer, amount) = (b.operand(width), b.operand(amount_width));
    let output = build(&mut b, &integer, &amount);
    Ok(b.finish(vec![output]))
}

fn shift_right(b: &mut Builder, integer: &[Wire], amount: &[Wire], fill: Wire) -> Vec<Wire> {
    // Bits of the amount that shift within the integer, and those that shift everything out.
    let stages = amount.len().min(integer.len().next_power_of_two().trailing_zeros() as usize);
    let mut integer = integer.to_vec();
    for (stage, &bit) in amount[..stages].iter().enumerate() {
        let from = |at: usize| integer.get(at + (1 << stage)).copied().unwrap_or(fill);
        integer = (0..integer.len()).map(|at| b.select(bit, from(at), integer[at])).collect();
    }
    let out = any(b, &amount[stages..]);
    integer.iter().map(|&bit| b.select(out, fill, bit)).collect()
}

/// Bit `at` comes from `from(n) + at` modulo the width.
fn rotated(b: &mut Builder, integer: &[Wire], amount: &[Wire], from: impl Fn(usize) -> usize) -> Vec<Wire> {
    let width = integer.len();
    let mut integer = integer.to_vec();
    for (stage, &bit) in amount.iter().enumerate() {
        let by = from(((1_u64 << stage) % width as u64) as usize);
        integer = (0..width).map(|at| b.select(bit, integer[(at + by) % width], integer[at])).collect();
    }
    integer
}
