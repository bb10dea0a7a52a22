//! Functions of words by wide tables.
//!
//! A table reads the highest `p` bits of a word of `W`. Word `x` stands for all words that share them, so the function is taken
//! in their middle, `x' = ⌊x/2^s⌋·2^s + ⌊2^{s−1}⌋` with `s = W − p`. In fixed point with `f` bits after the point the value is
//! `⌊2^f·g(x'/2^f)⌉`, halves away from zero, and the nearest word if it is none.

use super::backend::Ciphertexts;
use super::evaluator::DigitEvaluator;
use super::word::{Digits, check_width};
use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::wide::WideTable;

/// A function from words to words.
#[derive(Clone)]
pub struct WordTable {
    table: WideTable,
    word_bits: u32,
    digit_bits: u32,
    /// By the highest bits, read as a number without sign.
    values: Vec<i64>,
}

impl WordTable {
    /// The function `f` on words of `word_bits` bits, read by their highest `index_bits`; both are multiples of a digit.
    /// Values that are no words are replaced by the nearest.
    ///
    /// # Errors
    /// If a number of bits does not fit in words or tables of these parameters.
    pub fn new(
        params: &Parameters,
        word_bits: u32,
        index_bits: u32,
        f: impl Fn(i64) -> i64,
    ) -> Result<Self, Error> {
        let operation = "a table of words";
        let digit_bits = params.spec().message_bits;
        let outputs = check_width(operation, word_bits as usize, digit_bits)?;
        check_width(operation, index_bits as usize, digit_bits)?;
        let most = params.spec().circuit.map_or(0, |circuit| circuit.table_bits).min(word_bits);
        if index_bits > most {
            let needed = format!("at most {most} bits that are read");
            return Err(Error::Count { operation, found: index_bits as usize, needed });
        }
        let (spare, greatest) = (word_bits - index_bits, i64::MAX >> (64 - word_bits));
        let value = |index: i64| {
            let top = (index << (64 - index_bits)) >> (64 - index_bits);
            f((top << spare) + (1 << spare >> 1)).clamp(-greatest - 1, greatest)
        };
        let values: Vec<i64> = (0..1 << index_bits).map(value).collect();
        let digit =
            |value: i64, i: usize| (value >> (i as u32 * digit_bits)) as u64 & ((1 << digit_bits) - 1);
        let entry = |index: u64| (0..outputs).map(|i| digit(values[index as usize], i)).collect();
        let table = WideTable::new(params, index_bits, outputs, entry)?;
        Ok(Self { table, word_bits, digit_bits, values })
    }

    /// A function of real numbers on words with `fraction` bits after the point.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if `fraction` is 63 or more.
    pub fn fixed(
        params: &Parameters,
        [word_bits, fraction]: [u32; 2],
        index_bits: u32,
        g: impl Fn(f64) -> f64,
    ) -> Result<Self, Error> {
        if fraction > 62 {
            let needed = "at most 62 bits after the point".into();
            return Err(Error::Count { operation: "a table of words", found: fraction as usize, needed });
        }
        let unit = f64::from(fraction).exp2();
        // A cast takes what is too large to the largest number.
        Self::new(params, word_bits, index_bits, |x| (unit * g(x as f64 / unit)).round() as i64)
    }

    /// `1/(1 + e^{−x})`.
    ///
    /// # Errors
    /// As [`fixed`](Self::fixed).
    pub fn sigmoid(params: &Parameters, format: [u32; 2], index_bits: u32) -> Result<Self, Error> {
        Self::fixed(params, format, index_bits, |x| 1.0 / (1.0 + (-x).exp()))
    }

    /// `e^x`.
    ///
    /// # Errors
    /// As [`fixed`](Self::fixed).
    pub fn exp(params: &Parameters, format: [u32; 2], index_bits: u32) -> Result<Self, Error> {
        Self::fixed(params, format, index_bits, f64::exp)
    }

    /// `1/x`; the greatest word at zero.
    ///
    /// # Errors
    /// As [`fixed`](Self::fixed).
    pub fn reciprocal(params: &Parameters, format: [u32; 2], index_bits: u32) -> Result<Self, Error> {
        Self::fixed(params, format, index_bits, f64::recip)
    }

    /// The value at a word, in the clear.
    pub fn evaluate(&self, x: i64) -> i64 {
        let index = x >> (self.word_bits - self.table.bits());
        self.values[index as usize & (self.values.len() - 1)]
    }
}

impl DigitEvaluator<Ciphertexts<'_>> {
    /// Looks all words up in all tables: the results of the first table, then those of the next. The circuit bootstraps of a word
    /// serve all tables that read as many bits.
    ///
    /// # Errors
    /// If the parameters have no circuit part, a word has another width than a table, the tables read different numbers of
    /// bits, or an operand belongs to other parameters or is too noisy.
    pub fn look_up(&self, words: &[Digits], tables: &[&WordTable]) -> Result<Vec<Vec<Digits>>, Error> {
        let operation = "a table of words";
        for table in tables {
            if let Some(word) = words.iter().find(|word| word.bits() != table.word_bits) {
                let needed = format!("words of {} bits", table.word_bits);
                return Err(Error::Count { operation, found: word.bits() as usize, needed });
            }
        }
        let read = tables.first().map_or(0, |table| (table.table.bits() / table.digit_bits) as usize);
        let highest: Vec<&[LweCiphertext]> =
            words.iter().map(|word| &word.digits()[word.digits().len() - read..]).collect();
        let wide: Vec<&WideTable> = tables.iter().map(|table| &table.table).collect();
        let mut found = vec![Vec::with_capacity(words.len()); tables.len()];
        for entries in self.backend().evaluator().look_up(&highest, &wide)? {
            for ((all, digits), table) in found.iter_mut().zip(entries).zip(tables) {
                all.push(Digits::new(digits, table.digit_bits)?);
            }
        }
        Ok(found)
    }
}
