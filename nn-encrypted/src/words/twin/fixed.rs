//! Products and sigmoids of single words.

use super::exponential;
use crate::activation::sigmoid;
use crate::recipe::Sigmoid;

/// Words of `bits` bits, `fraction` of them behind the point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    pub(super) bits: u32,
    pub(super) fraction: u32,
    pub(super) kind: Sigmoid,
}

impl Fixed {
    /// What is congruent to an integer modulo `2^bits` within the range of a word.
    pub(super) fn wrapped(self, value: i128) -> i64 {
        let modulus = 1_i128 << self.bits;
        let rest = value.rem_euclid(modulus);
        (if 2 * rest >= modulus { rest - modulus } else { rest }) as i64
    }

    /// The product before it wraps.
    pub(super) fn product(self, a: i64, b: i64) -> i128 {
        match self.kind {
            Sigmoid::Circuit => (i128::from(a) * i128::from(b)).div_euclid(1 << self.fraction),
            Sigmoid::Table => self.by_digits(a, b),
        }
    }

    /// Digit times digit, the lowest products left out.
    fn by_digits(self, a: i64, b: i64) -> i128 {
        let modulus = 1_i128 << self.bits;
        let unsigned = |word: i64| i128::from(word).rem_euclid(modulus);
        let digits = |mut word: i128| -> Vec<i128> {
            let next = |_| {
                let digit = word % 4;
                word /= 4;
                digit
            };
            (0..self.bits / 2).map(next).collect()
        };
        let first = (self.fraction as usize / 2).saturating_sub(2);
        let mut sum = 0;
        for (i, x) in digits(unsigned(a)).into_iter().enumerate() {
            for (j, y) in digits(unsigned(b)).into_iter().enumerate() {
                if i + j >= first {
                    sum += x * y * 4_i128.pow((i + j) as u32);
                }
            }
        }
        if a < 0 {
            sum -= modulus * unsigned(b);
        }
        if b < 0 {
            sum -= modulus * unsigned(a);
        }
        if a < 0 && b < 0 {
            sum += modulus * modulus; // a word has no place for it; without it the product would seem to wrap
        }
        sum.div_euclid(1 << self.fraction)
    }

    /// The sigmoid and its derivative.
    pub(super) fn sigmoid(self, x: i64) -> (i64, i64) {
        match self.kind {
            Sigmoid::Circuit => {
                let value = exponential::sigmoid(x, self.bits, self.fraction);
                let one = 1 << self.fraction;
                (value, self.wrapped(self.product(value, one - value)))
            }
            Sigmoid::Table => {
                let s = sigmoid(self.as_read(x));
                (self.rounded(s), self.rounded(s * (1.0 - s)))
            }
        }
    }

    /// The number that a table takes a word for: the middle of those it cannot tell from it.
    fn as_read(self, x: i64) -> f64 {
        let lost = self.bits.saturating_sub(12);
        let step = 2_f64.powi(lost as i32);
        let middle = if lost > 0 { step / 2.0 } else { 0.0 };
        ((x as f64 / step).floor() * step + middle) / 2_f64.powi(self.fraction as i32)
    }

    /// The word next to a real number, halves away from zero, within the range of a word.
    fn rounded(self, value: f64) -> i64 {
        let scaled = (value * 2_f64.powi(self.fraction as i32)).round();
        let most = 2_f64.powi(self.bits as i32 - 1);
        scaled.clamp(-most, most - 1.0) as i64
    }
}
