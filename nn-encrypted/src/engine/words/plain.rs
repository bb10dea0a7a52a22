//! Words as integers: a step without encryption, and its operations counted.

use std::ops::AddAssign;
use std::sync::{Mutex, PoisonError};

use he_core::wire::{Reader, WireError, Writer};

use super::arithmetic::{Arithmetic, Pair};
use super::bits::{circuit_sigmoid, derive_by_products};
use crate::activation::Function;
use crate::engine::Result;
use crate::numbers::words::Format;
use crate::recipe::WordCoding;

/// Operations on words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Sums and differences.
    pub sums: u64,
    pub products: u64,
    pub shifts: u64,
    pub activations: u64,
    /// Derivatives by table; by circuits they are products.
    pub derivatives: u64,
    /// Calls, of however many words: what must come one after the other.
    pub calls: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sums += other.sums;
        self.products += other.products;
        self.shifts += other.shifts;
        self.activations += other.activations;
        self.derivatives += other.derivatives;
        self.calls += other.calls;
    }
}

/// Arithmetic on words as they are.
#[derive(Debug)]
pub(crate) struct Plain {
    format: Format,
    /// Values and derivatives of each function; none where circuits compute it.
    tables: Vec<[Vec<i64>; 2]>,
    counts: Mutex<Counts>,
}

impl Plain {
    /// Words of this format, and some functions.
    pub(crate) fn new(format: Format, functions: &[Function]) -> Self {
        let tables = match format.coding {
            WordCoding::Bits => vec![],
            WordCoding::Digits => functions.iter().map(|function| super::tables(format, function)).collect(),
        };
        Self { format, tables, counts: Mutex::default() }
    }

    /// Counts of operations so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, counts: Counts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) += Counts { calls: 1, ..counts };
    }

    fn product(&self, a: i64, b: i64) -> i64 {
        let exact = i128::from(a) * i128::from(b);
        let left_out = match self.format.coding {
            WordCoding::Bits => 0,
            WordCoding::Digits => low_products(a, b, (self.format.fraction_bits / 2).saturating_sub(2)),
        };
        self.format.wrap((exact - left_out) >> self.format.fraction_bits)
    }
}

/// The products of digits `i` and `j` in base 4 with `i + j < first`, of words modulo a larger power of 4.
fn low_products(a: i64, b: i64, first: u32) -> i128 {
    let digit = |word: i64, place: u32| i128::from(word >> (2 * place) & 3);
    let column = |place: u32| (0..=place).map(|i| digit(a, i) * digit(b, place - i)).sum::<i128>();
    (0..first).map(|place| column(place) << (2 * place)).sum()
}

impl Arithmetic for Plain {
    type Word = i64;

    fn format(&self) -> Format {
        self.format
    }

    fn constant(&self, value: i64) -> Result<i64> {
        Ok(value)
    }

    fn add(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>> {
        self.count(Counts { sums: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.format.wrap(i128::from(**a) + i128::from(**b))).collect())
    }

    fn sub(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>> {
        self.count(Counts { sums: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.format.wrap(i128::from(**a) - i128::from(**b))).collect())
    }

    fn mul(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>> {
        self.count(Counts { products: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.product(**a, **b)).collect())
    }

    fn shift_right(&self, words: &[&i64], k: u32) -> Result<Vec<i64>> {
        self.count(Counts { shifts: words.len() as u64, ..Counts::default() });
        Ok(words.iter().map(|word| **word >> k.min(63)).collect())
    }

    fn activate(&self, function: usize, words: &[&i64]) -> Result<Vec<i64>> {
        self.count(Counts { activations: words.len() as u64, ..Counts::default() });
        let value = |word: &&i64| match self.tables.get(function) {
            Some([values, _]) => values[self.format.index(**word)],
            None => circuit_sigmoid(self.format, **word),
        };
        Ok(words.iter().map(value).collect())
    }

    fn activate_and_derive(&self, function: usize, words: &[&i64]) -> Result<Pair<i64>> {
        let values = self.activate(function, words)?;
        let Some([_, derivatives]) = self.tables.get(function) else {
            return derive_by_products(self, values);
        };
        self.count(Counts { derivatives: words.len() as u64, ..Counts::default() });
        let derivatives = words.iter().map(|word| derivatives[self.format.index(**word)]).collect();
        Ok((values, derivatives))
    }

    fn bootstraps(&self) -> u64 {
        0
    }

    fn write(word: &i64, out: &mut Writer) {
        out.i64(*word);
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<i64, WireError> {
        from.i64("word")
    }
}
