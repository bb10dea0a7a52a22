//! `e^{−y}` in fixed point: a product of one factor for each bit of `y`.
//!
//! The integer function is defined in the documentation of [`bits`](super).

use super::builder::Builder;
use super::carry::{Carry, sum};
use super::circuit::Circuit;
use super::compare::any;
use super::product::Columns;
use super::width::{check, check_width};
use super::wire::Wire;
use crate::error::Error;

/// Bits that are computed behind those of the result.
pub(super) const GUARD: usize = 3;
/// Bits of `y` whose factors are multiplied beforehand, into a table.
pub(super) const TABLE_BITS: usize = 5;
/// The most bits behind the point: constants have 60.
pub(super) const MAX_FRACTION: usize = 40;
/// Bits behind the point of constants.
const CONSTANT_BITS: usize = 60;

impl Circuit {
    /// `e^{−y}` of a number `y ≥ 0` without a sign, both with `fraction` bits behind the point: the function
    /// [`clear::exp_neg`](super::clear::exp_neg), at most `2^fraction`.
    ///
    /// # Errors
    /// If the width is not `1..=64`, or `fraction` is not less than it or above 40.
    pub fn exp_neg(width: usize, fraction: usize, carry: Carry) -> Result<Self, Error> {
        check_width(width)?;
        check("bits behind the point", fraction, 0, MAX_FRACTION.min(width - 1))?;
        Self::of_integers(width, |b, y| {
            let exponential = exp_neg(b, y, fraction, carry);
            // Rounded: half of the last place is added.
            let (low, high) = exponential.split_at(GUARD);
            let pairs: Vec<(Wire, Wire)> = high.iter().map(|&bit| (bit, Wire::FALSE)).collect();
            let (mut rounded, one) = sum(b, &pairs, low[GUARD - 1], carry);
            rounded.push(one);
            rounded.resize(width, Wire::FALSE);
            rounded
        })
    }
}

/// `2^60·e^{−2^exponent}`, exact but for a few units.
fn factor(exponent: i32) -> u64 {
    let one = 1_u128 << CONSTANT_BITS;
    // The series Σ (−x)^n/n! for x ≤ 1, squared for larger ones.
    let start = exponent.min(0);
    let x = one >> start.unsigned_abs().min(CONSTANT_BITS as u32);
    let (mut even, mut odd, mut term) = (0, 0, one);
    for n in 1..40_u128 {
        let sum = if n % 2 == 1 { &mut even } else { &mut odd };
        *sum += term;
        term = ((term * x) >> CONSTANT_BITS) / n;
    }
    (start..exponent).fold(even - odd, |value, _| (value * value) >> CONSTANT_BITS) as u64
}

/// A constant with `bits` behind the point, rounded.
fn rounded(constant: u64, bits: usize) -> u64 {
    let unused = CONSTANT_BITS - bits;
    (constant + (1 << (unused - 1))) >> unused
}

/// `2^60·e^{−h}` of the number whose bits `first, first + 1, …` are given.
fn constant(h: usize, first: i32) -> u64 {
    let factors = (0..TABLE_BITS).filter(|bit| h >> bit & 1 == 1).map(|bit| factor(first + bit as i32));
    factors.fold(1 << CONSTANT_BITS, |product, factor| {
        ((u128::from(product) * u128::from(factor)) >> CONSTANT_BITS) as u64
    })
}

/// Places of the digits 1 and −1 of a number that has no two neighbours other than 0.
fn signed_digits(n: u64) -> [Vec<usize>; 2] {
    let triple = 3 * u128::from(n);
    let places = |digits: u128| (0..64).filter(|place| digits >> (place + 1) & 1 == 1).collect();
    [places(triple & !u128::from(n)), places(u128::from(n) & !triple)]
}

/// `2^p·e^{−y}` with `p = fraction + GUARD`, less than `2^p`.
pub(super) fn exp_neg(b: &mut Builder, y: &[Wire], fraction: usize, carry: Carry) -> Vec<Wire> {
    let precision = fraction + GUARD;
    let weight = |bit: usize| bit as i32 - fraction as i32;
    let kept = (0..y.len()).take_while(|&bit| rounded(factor(weight(bit).min(8)), precision) > 0).count();
    let table_from = kept.saturating_sub(TABLE_BITS);
    let vanished = any(b, &y[kept..]);
    let mut product = table(b, &y[table_from..kept], vanished, weight(table_from), precision);
    let small = (0..table_from).take_while(|&bit| 2 * (fraction - bit) > precision).count();
    for bit in (small..table_from).rev() {
        let loss = rounded((1 << CONSTANT_BITS) - factor(weight(bit)), precision);
        let part = scaled(b, &product, loss, carry);
        let part: Vec<Wire> = part.iter().map(|&wire| b.and(y[bit], wire)).collect();
        product = difference(b, &product, &part, carry);
    }
    let mut parts = Columns::new(precision);
    for bit in 0..small {
        let shifted: Vec<Wire> = product[fraction - bit..].iter().map(|&wire| b.and(y[bit], wire)).collect();
        parts.add(&shifted);
    }
    let parts = parts.sum(b, carry);
    difference(b, &product, &parts, carry)
}

/// `min(2^p − 1, 2^p·e^{−h})`, rounded, of the number `h` whose bits from `first` on are given; 0 if `vanished`.
fn table(b: &mut Builder, bits: &[Wire], vanished: Wire, first: i32, precision: usize) -> Vec<Wire> {
    let most = (1 << precision) - 1;
    let entries: Vec<u64> =
        (0..1 << bits.len()).map(|h| rounded(constant(h, first), precision).min(most)).chain([0]).collect();
    // The bits of `h` in two halves: few products of few bits, then one gate for each case.
    let (low, high) = bits.split_at(bits.len() / 2);
    let (low, high) = (decode(b, low, !vanished), decode(b, high, Wire::TRUE));
    let pairs = high.iter().flat_map(|&high| low.iter().map(move |&low| (high, low)));
    let mut cases: Vec<Wire> = pairs.map(|(high, low)| b.and(high, low)).collect();
    cases.push(vanished);
    let integer = |place: usize| {
        let [zeros, ones] = [0, 1].map(|wanted| {
            let chosen = cases.iter().zip(&entries).filter(|(_, entry)| **entry >> place & 1 == wanted);
            chosen.map(|(&case, _)| case).collect::<Vec<Wire>>()
        });
        if ones.len() <= zeros.len() { b.any_of_disjoint(&ones) } else { !b.any_of_disjoint(&zeros) }
    };
    (0..precision).map(integer).collect()
}

/// For each value of the bits whether they have it, and `condition` holds.
fn decode(b: &mut Builder, bits: &[Wire], condition: Wire) -> Vec<Wire> {
    bits.iter().fold(vec![condition], |cases, &bit| {
        let cleared: Vec<Wire> = cases.iter().map(|&case| b.and(case, !bit)).collect();
        let set: Vec<Wire> = cases.iter().map(|&case| b.and(case, bit)).collect();
        [cleared, set].concat()
    })
}

/// `Σ ±⌊x/2^k⌋`, for the signed digits `±2^{p−k}` of `constant`; not negative, and less than `2^p`.
fn scaled(b: &mut Builder, integer: &[Wire], constant: u64, carry: Carry) -> Vec<Wire> {
    let [plus, minus] = signed_digits(constant);
    // Rounding can add one for each digit −1.
    let most = (u128::from(constant) + minus.len() as u128).min((1 << integer.len()) - 1);
    let width = (u128::BITS - most.leading_zeros()) as usize;
    let mut columns = Columns::new(width);
    let shifted = |place: usize| &integer[(integer.len() - place).min(integer.len())..];
    plus.iter().for_each(|&place| columns.add(shifted(place)));
    minus.iter().for_each(|&place| columns.subtract(shifted(place)));
    columns.sum(b, carry)
}

/// `x − y ≥ 0`.
fn difference(b: &mut Builder, x: &[Wire], y: &[Wire], carry: Carry) -> Vec<Wire> {
    let y = y.iter().copied().chain(std::iter::repeat(Wire::FALSE));
    let pairs: Vec<(Wire, Wire)> = x.iter().zip(y).map(|(&x, y)| (x, !y)).collect();
    sum(b, &pairs, Wire::TRUE, carry).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exponentials() {
        for exponent in -45..=5 {
            let exact = (-f64::from(exponent).exp2()).exp() * 60_f64.exp2();
            assert!((factor(exponent) as f64 - exact).abs() < 1e-14 * 60_f64.exp2(), "{exponent}");
        }
        assert_eq!(factor(8), 0);
    }

    #[test]
    fn signed_digits_add_up_and_have_no_neighbours() {
        for n in 0..5000_u64 {
            let [plus, minus] = signed_digits(n);
            let sum = |places: &[usize]| places.iter().map(|place| 1_u64 << place).sum::<u64>();
            assert_eq!(sum(&plus) - sum(&minus), n);
            let digits = sum(&plus) | sum(&minus);
            assert_eq!(digits & digits << 1, 0);
        }
    }
}
