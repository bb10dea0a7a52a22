//! The integer functions in the clear, by plain arithmetic.
//!
//! Constants come from the exponential function of `f64`, rounded to at most 43 bits, so they are the ones that circuits
//! compute with integers.

use super::exponential::{GUARD, MAX_FRACTION, TABLE_BITS};
use super::width::{MAX_WIDTH, check as check_range};
use crate::error::Error;

/// The signed value of the low `width` bits of `bits`, for `1..=64` bits.
pub fn signed(bits: u64, width: usize) -> i64 {
    let unused = 64_usize.saturating_sub(width).min(63);
    ((bits << unused) as i64) >> unused
}

/// The low `width` bits, for `1..=64` bits.
pub fn unsigned(value: i64, width: usize) -> u64 {
    value as u64 & u64::MAX >> 64_usize.saturating_sub(width).min(63)
}

fn check(width: usize, fraction: usize) -> Result<(), Error> {
    check_range("width of an integer with sign", width, 2, MAX_WIDTH)?;
    check_range("bits behind the point", fraction, 1, MAX_FRACTION.min(width - 1))
}

/// `e^{−y}` of a number `y ≥ 0` of `width` bits without a sign, in `0..=2^fraction`, as the [module](super) defines it.
///
/// # Errors
/// If the width is not `2..=64`, or `fraction` is not `1..=40` and less than the width.
pub fn exp_neg(y: u64, width: usize, fraction: usize) -> Result<u64, Error> {
    check(width, fraction)?;
    let e = exponential(unsigned(y as i64, width), width, fraction);
    Ok((e + (1 << (GUARD - 1))) >> GUARD)
}

/// `1/(1 + e^{−x})` of a signed number of `width` bits, in `0..2^fraction`, as the [module](super) defines it.
///
/// # Errors
/// If the width is not `2..=64`, or `fraction` is not `1..=40` and less than the width.
pub fn sigmoid(x: i64, width: usize, fraction: usize) -> Result<u64, Error> {
    check(width, fraction)?;
    let x = signed(x as u64, width);
    let e = exponential(x.unsigned_abs(), width, fraction) >> (GUARD - 1);
    let below = ((u128::from(e) << fraction) / ((2 << fraction) + u128::from(e))) as u64;
    Ok(if x < 0 { below } else { (1 << fraction) - 1 - below })
}

/// `1/x` of a signed number of `width` bits, as [`Circuit::reciprocal`](super::Circuit::reciprocal) defines it.
///
/// # Errors
/// If the width is not `2..=64`, or `fraction` is not less than it.
pub fn reciprocal(x: i64, width: usize, fraction: usize) -> Result<i64, Error> {
    check_range("width of an integer with sign", width, 2, MAX_WIDTH)?;
    check_range("bits behind the point", fraction, 0, width - 1)?;
    let x = signed(x as u64, width);
    let most = i64::MAX >> (MAX_WIDTH - width);
    let size = (1_u128 << (2 * fraction)).checked_div(x.unsigned_abs().into());
    let size = size.and_then(|size| i64::try_from(size).ok()).map_or(most, |size| size.min(most));
    Ok(if x < 0 { -size } else { size })
}

/// `2^p·e^{−y/2^fraction}` with `p = fraction + 3`, less than `2^p`.
fn exponential(y: u64, width: usize, fraction: usize) -> u64 {
    let p = fraction + GUARD;
    let unit = (p as f64).exp2();
    let weight = |bit: usize| (bit as f64 - fraction as f64).exp2();
    let (vanishing, others): (Vec<usize>, Vec<usize>) =
        (0..width).rev().partition(|&bit| (unit * (-weight(bit)).exp()).round() == 0.0);
    if vanishing.iter().any(|bit| y >> bit & 1 == 1) {
        return 0;
    }
    let (high, others) = others.split_at(others.len().min(TABLE_BITS));
    let h: f64 = high.iter().filter(|bit| y >> **bit & 1 == 1).map(|&bit| weight(bit)).sum();
    let mut e = ((unit * (-h).exp()).round() as u64).min((1 << p) - 1);
    let (middle, low): (Vec<usize>, Vec<usize>) = others.iter().partition(|bit| 2 * (fraction - **bit) <= p);
    for bit in middle.into_iter().filter(|bit| y >> bit & 1 == 1) {
        e -= shifted((unit * -(-weight(bit)).exp_m1()).round() as i64, e, p);
    }
    e - low.into_iter().filter(|bit| y >> bit & 1 == 1).map(|bit| e >> (fraction - bit)).sum::<u64>()
}

/// `Σ ±⌊e/2^{p−k}⌋` for the non-adjacent form `Σ ±2^k` of `n`: an odd number has the digit that leaves a multiple of 4.
fn shifted(mut n: i64, e: u64, p: usize) -> u64 {
    let (mut sum, mut place) = (0_i64, 0);
    while n != 0 {
        let digit = if n % 2 == 0 { 0 } else { 2 - n % 4 };
        sum += digit * (e >> (p - place)) as i64;
        n = (n - digit) / 2;
        place += 1;
    }
    sum as u64
}
