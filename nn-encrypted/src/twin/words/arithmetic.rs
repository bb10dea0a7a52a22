//! Products and sigmoids of single integers in two's complement.

use super::exponential;
use crate::activation::{Function, sigmoid};
use crate::numbers::words::Format;
use crate::recipe::WordCoding;

/// Integers of `bits` bits, `fraction` of them behind the point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arithmetic {
    pub(super) bits: u32,
    pub(super) fraction: u32,
    coding: WordCoding,
}

impl Arithmetic {
    pub(super) fn new(format: Format) -> Self {
        Self { bits: format.word_bits, fraction: format.fraction_bits, coding: format.coding }
    }

    /// The integer within the range of `bits` bits that is congruent modulo `2^bits`; counted if it is another.
    pub(super) fn wrapped(self, value: i128, wraps: &mut u64) -> i64 {
        let modulus = 1_i128 << self.bits;
        let rest = value.rem_euclid(modulus);
        let wrapped = if 2 * rest >= modulus { rest - modulus } else { rest };
        *wraps += u64::from(wrapped != value);
        wrapped as i64
    }

    /// The product, which wraps.
    pub(super) fn mul(self, a: i64, b: i64, wraps: &mut u64) -> i64 {
        let product = match self.coding {
            WordCoding::Bits => (i128::from(a) * i128::from(b)).div_euclid(1 << self.fraction),
            WordCoding::Digits => self.by_digits(a, b),
        };
        self.wrapped(product, wraps)
    }

    /// Digit times digit, the lowest products left out.
    fn by_digits(self, a: i64, b: i64) -> i128 {
        let modulus = 1_i128 << self.bits;
        let unsigned = |word: i64| i128::from(word).rem_euclid(modulus);
        let (x, y, digits) = (unsigned(a), unsigned(b), self.bits / 2);
        let digit = |word: i128, place: u32| (word >> (2 * place)) % 4;
        let first = (self.fraction / 2).saturating_sub(2);
        let mut sum = 0;
        for i in 0..digits {
            for j in first.saturating_sub(i)..digits {
                sum += digit(x, i) * digit(y, j) * 4_i128.pow(i + j);
            }
        }
        if a < 0 {
            sum -= modulus * y;
        }
        if b < 0 {
            sum -= modulus * x;
        }
        if a < 0 && b < 0 {
            sum += modulus * modulus; // an integer has no place for it; without it the product would seem to wrap
        }
        sum.div_euclid(1 << self.fraction)
    }

    pub(super) fn sigmoid(self, x: i64) -> (i64, i64) {
        match self.coding {
            WordCoding::Bits => {
                let value = exponential::sigmoid(x, self.bits, self.fraction);
                (value, self.mul(value, (1 << self.fraction) - value, &mut 0))
            }
            WordCoding::Digits => {
                let s = sigmoid(self.as_looked_up(x));
                (self.rounded(s), self.rounded(s * (1.0 - s)))
            }
        }
    }

    /// A function and its derivative out of tables.
    pub(super) fn looked_up(self, function: &Function, x: i64) -> (i64, i64) {
        let x = self.as_looked_up(x);
        (self.rounded(function.value(x)), self.rounded(function.derivative(x)))
    }

    /// The number that a table takes an integer for: the middle of those it cannot tell from it.
    fn as_looked_up(self, x: i64) -> f64 {
        let lost = self.bits.saturating_sub(12);
        let step = 2_f64.powi(lost as i32);
        let middle = if lost > 0 { step / 2.0 } else { 0.0 };
        ((x as f64 / step).floor() * step + middle) / 2_f64.powi(self.fraction as i32)
    }

    /// The integer next to a real number, halves away from zero, within the range.
    fn rounded(self, value: f64) -> i64 {
        let scaled = (value * 2_f64.powi(self.fraction as i32)).round();
        let most = 2_f64.powi(self.bits as i32 - 1);
        scaled.clamp(-most, most - 1.0) as i64
    }
}
