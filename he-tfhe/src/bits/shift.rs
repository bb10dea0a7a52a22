//! Shifts by encrypted amounts: one stage of choices for each bit of the amount.

use super::builder::Builder;
use super::circuit::Circuit;
use super::compare::any;
use super::width::check_width;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `a·2^n`, wrapped, for an amount `n` without a sign, of `amount_width` bits; 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_left(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, word, amount| {
            let reversed: Vec<Wire> = word.iter().rev().copied().collect();
            let mut shifted = shift_right(b, &reversed, amount, Wire::FALSE);
            shifted.reverse();
            shifted
        })
    }

    /// `⌊a/2^n⌋` of a word without a sign, for an amount `n` without a sign; 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_right(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, word, amount| shift_right(b, word, amount, Wire::FALSE))
    }

    /// `⌊a/2^n⌋`, for an amount `n` without a sign; −1 or 0 from the width on.
    ///
    /// # Errors
    /// If a width is not `1..=64`.
    pub fn shift_right_arithmetic(width: usize, amount_width: usize) -> Result<Self, Error> {
        shifter(width, amount_width, |b, word, amount| shift_right(b, word, amount, word[width - 1]))
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
    let (word, amount) = (b.operand(width), b.operand(amount_width));
    let output = build(&mut b, &word, &amount);
    Ok(b.finish(vec![output]))
}

fn shift_right(b: &mut Builder, word: &[Wire], amount: &[Wire], fill: Wire) -> Vec<Wire> {
    // Bits of the amount that shift within the word, and those that shift everything out.
    let stages = amount.len().min(word.len().next_power_of_two().trailing_zeros() as usize);
    let mut word = word.to_vec();
    for (stage, &bit) in amount[..stages].iter().enumerate() {
        let from = |at: usize| word.get(at + (1 << stage)).copied().unwrap_or(fill);
        word = (0..word.len()).map(|at| b.select(bit, from(at), word[at])).collect();
    }
    let out = any(b, &amount[stages..]);
    word.iter().map(|&bit| b.select(out, fill, bit)).collect()
}
