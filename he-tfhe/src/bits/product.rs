//! Products: partial products in columns, brought to two rows by full adders, then added.
//!
//! With signs after Baugh and Wooley 1973: the partial products of one sign bit are negated, and a constant makes up for it.

use super::builder::Builder;
use super::carry::{Carry, sum};
use super::circuit::Circuit;
use super::width::check;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `a·b`, wrapped.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    #[doc(alias = "multiply")]
    pub fn mul(width: usize, carry: Carry) -> Result<Self, Error> {
        Self::of_pairs(width, |b, x, y| product(b, x, y, 0, width, carry))
    }

    /// `a·b`, of twice the width.
    ///
    /// # Errors
    /// If the width is not `1..=32`.
    #[doc(alias = "multiply")]
    pub fn mul_full(width: usize, carry: Carry) -> Result<Self, Error> {
        check("width of the factors", width, 1, 32)?;
        Self::of_pairs(width, |b, x, y| product(b, x, y, 0, 2 * width, carry))
    }

    /// `⌊a·b/2^fraction⌋`, wrapped: the product of numbers with `fraction` bits behind the point.
    ///
    /// # Errors
    /// If the width is not `1..=64`, or `fraction` is larger than it.
    #[doc(alias = "multiply")]
    pub fn mul_fixed(width: usize, fraction: usize, carry: Carry) -> Result<Self, Error> {
        check("bits behind the point", fraction, 0, width)?;
        Self::of_pairs(width, |b, x, y| product(b, x, y, fraction, fraction + width, carry))
    }
}

/// Bits `from..to` of the product of two signed integers, of one width `W`; `to ≤ 2W`.
fn product(b: &mut Builder, x: &[Wire], y: &[Wire], from: usize, to: usize, carry: Carry) -> Vec<Wire> {
    let sign = x.len() - 1;
    let mut columns = Columns::new(to);
    for (i, &x) in x.iter().enumerate() {
        for (j, &y) in y.iter().enumerate() {
            if i + j < to {
                columns.push(i + j, b.and(x, y).negate_if((i == sign) != (j == sign)));
            }
        }
    }
    // Each negated one counts 1 − z for −z: in all 2^{2W−1} − 2^W too much, modulo 2^{2W}.
    columns.add_constant((1_u128 << x.len()).wrapping_sub(1 << (2 * x.len() - 1)));
    columns.sum(b, carry).split_off(from)
}

/// Bits to be added, by their places.
pub(super) struct Columns {
    bits: Vec<Vec<Wire>>,
    constant: u128,
}

impl Columns {
    /// None, for a sum of `width` bits, at most 128.
    pub(super) fn new(width: usize) -> Self {
        Self { bits: vec![Vec::new(); width], constant: 0 }
    }

    /// A further bit; places from the width on do not count.
    pub(super) fn push(&mut self, place: usize, bit: Wire) {
        if let Some(column) = self.bits.get_mut(place) {
            column.push(bit);
        }
    }

    /// Adds an integer.
    pub(super) fn add(&mut self, integer: &[Wire]) {
        integer.iter().enumerate().for_each(|(place, &bit)| self.push(place, bit));
    }

    /// Subtracts an unsigned integer: `−x = ¬x + 1 − 2^n`.
    pub(super) fn subtract(&mut self, integer: &[Wire]) {
        integer.iter().enumerate().for_each(|(place, &bit)| self.push(place, !bit));
        self.add_constant(1_u128.wrapping_sub(1 << integer.len()));
    }

    /// A constant, modulo `2^128`.
    pub(super) fn add_constant(&mut self, constant: u128) {
        self.constant = self.constant.wrapping_add(constant);
    }

    /// The sum, modulo `2^width`.
    pub(super) fn sum(mut self, b: &mut Builder, carry: Carry) -> Vec<Wire> {
        for (place, column) in self.bits.iter_mut().enumerate() {
            if self.constant >> place & 1 == 1 {
                column.push(Wire::TRUE);
            }
        }
        let mut rows = Vec::with_capacity(self.bits.len());
        for place in 0..self.bits.len() {
            // Lower columns are done: all carries are here. The earliest bits go first.
            let mut column = std::mem::take(&mut self.bits[place]);
            column.retain(|&bit| bit != Wire::FALSE);
            while column.len() > 2 {
                column.sort_by_key(|&bit| (b.level(bit), bit));
                let (x, y, z) = (column[0], column[1], column[2]);
                let (sum, carry) = (b.xor3(x, y, z), b.majority(x, y, z));
                column.splice(..3, [sum].into_iter().filter(|&bit| bit != Wire::FALSE));
                self.push(place + 1, carry);
            }
            let bit = |at: usize| column.get(at).copied().unwrap_or(Wire::FALSE);
            rows.push((bit(0), bit(1)));
        }
        sum(b, &rows, Wire::FALSE, carry).0
    }
}
