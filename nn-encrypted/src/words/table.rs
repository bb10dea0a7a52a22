//! The tables of the sigmoid and its derivative.

use super::Format;
use crate::activation::sigmoid;

/// Bits of a word that a table reads, at most.
const INDEX_BITS: u32 = 12;

impl Format {
    /// Bits of a word that a table of the sigmoid reads: the highest.
    #[must_use]
    pub fn index_bits(self) -> u32 {
        self.word_bits.min(INDEX_BITS)
    }

    /// The words of a function of real numbers, by the highest [`index_bits`](Self::index_bits) of the operand as a number
    /// without sign.
    #[must_use]
    pub fn table(self, function: impl Fn(f64) -> f64) -> Vec<i64> {
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

    /// The table of the sigmoid.
    #[must_use]
    pub fn sigmoid_table(self) -> Vec<i64> {
        self.table(sigmoid)
    }

    /// The table of its derivative.
    #[must_use]
    pub fn slope_table(self) -> Vec<i64> {
        self.table(|x| sigmoid(x) * (1.0 - sigmoid(x)))
    }

    /// The place of a word in a table.
    #[must_use]
    pub fn index(self, word: i64) -> usize {
        let mask = (1_i64 << self.index_bits()) - 1;
        ((word >> (self.word_bits - self.index_bits())) & mask) as usize
    }
}
