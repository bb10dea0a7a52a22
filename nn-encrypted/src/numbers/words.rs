//! Words: integers of `W` bits in two's complement, `f` of them behind the point; everything wraps.
//!
//! - A product is `⌊a·b / 2^f⌋` where words are encrypted bit by bit. Where they are encrypted digit by digit, in base 4, it leaves
//!   out the lowest products of digits.
//! - The sigmoid of a word that is encrypted digit by digit is looked up by its highest `p = min(W, 12)` bits: with `s = W − p` and
//!   `x' = ⌊x / 2^s⌋·2^s`, plus `2^(s−1)` if `s > 0`, it is `2^f·σ(x' / 2^f)` rounded half away from zero, and so is its derivative.

use crate::recipe::{Numbers, WordCoding};

/// Bits of a word by which a table is looked up, at most.
const INDEX_BITS: u32 = 12;

/// Where the point is in a word, and how words are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    /// Bits of a word: 8, 16 or 32.
    pub word_bits: u32,
    /// Bits behind the point.
    pub fraction_bits: u32,
    /// Digit by digit, functions by tables; or bit by bit, functions by circuits.
    pub coding: WordCoding,
}

impl Format {
    /// That of a recipe.
    pub(crate) fn of(numbers: &Numbers) -> Self {
        Self {
            word_bits: numbers.word_bits,
            fraction_bits: numbers.word_fraction_bits(),
            coding: numbers.words,
        }
    }

    /// The integer of a word that is `value` modulo `2^W`.
    pub(crate) fn wrap(self, value: i128) -> i64 {
        let spare = 128 - self.word_bits;
        (value << spare >> spare) as i64
    }

    /// The word of 1.
    pub(crate) fn one(self) -> i64 {
        1 << self.fraction_bits
    }

    pub(crate) fn largest(self) -> i64 {
        (1 << (self.word_bits - 1)) - 1
    }

    /// The number that a word stands for.
    pub(crate) fn real(self, word: i64) -> f64 {
        word as f64 / self.one() as f64
    }

    /// Bits of a word by which a table is looked up: the highest.
    pub(crate) fn index_bits(self) -> u32 {
        self.word_bits.min(INDEX_BITS)
    }

    /// The words of a function of real numbers, by the highest [`index_bits`](Self::index_bits) of the operand as a number without
    /// sign.
    pub(crate) fn table(self, function: impl Fn(f64) -> f64) -> Vec<i64> {
        let count = 1_i64 << self.index_bits();
        let spare = self.word_bits - self.index_bits();
        let middle = 1_i64 << spare >> 1;
        let unit = self.one() as f64;
        (0..count)
            .map(|index| {
                let top = if index < count / 2 { index } else { index - count };
                let operand = (top << spare) + middle;
                let value = (unit * function(operand as f64 / unit)).round() as i64;
                value.clamp(-self.largest() - 1, self.largest())
            })
            .collect()
    }

    /// The place of a word in a table.
    pub(crate) fn index(self, word: i64) -> usize {
        let mask = (1_i64 << self.index_bits()) - 1;
        ((word >> (self.word_bits - self.index_bits())) & mask) as usize
    }
}
