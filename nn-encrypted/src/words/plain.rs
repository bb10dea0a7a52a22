//! Words as integers: the network without encryption, and its operations counted.

use std::cell::Cell;
use std::ops::AddAssign;

use super::arithmetic::{Pair, slopes_by_products};
use super::bits::circuit_sigmoid;
use super::{Arithmetic, Format, WordError};
use crate::recipe::Sigmoid;

/// Operations on words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sums and differences.
    pub sums: u64,
    /// Products.
    pub products: u64,
    /// Shifts.
    pub shifts: u64,
    /// Sigmoids.
    pub sigmoids: u64,
    /// Derivatives by table; by circuits they are products.
    pub slopes: u64,
    /// Calls, of however many words: what must come one after the other.
    pub calls: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sums += other.sums;
        self.products += other.products;
        self.shifts += other.shifts;
        self.sigmoids += other.sigmoids;
        self.slopes += other.slopes;
        self.calls += other.calls;
    }
}

/// Arithmetic on words as they are.
#[derive(Debug)]
pub struct Plain {
    format: Format,
    values: Vec<i64>,
    slopes: Vec<i64>,
    counts: Cell<Counts>,
}

impl Plain {
    /// Words of this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let (values, slopes) = match format.sigmoid {
            Sigmoid::Circuit => (vec![], vec![]),
            Sigmoid::Table => (format.sigmoid_table(), format.slope_table()),
        };
        Self { format, values, slopes, counts: Cell::default() }
    }

    /// What was computed so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    fn count(&self, counts: Counts) {
        let mut sum = self.counts.get();
        sum += Counts { calls: 1, ..counts };
        self.counts.set(sum);
    }

    fn value(&self, word: i64) -> i64 {
        match self.format.sigmoid {
            Sigmoid::Table => self.values[self.format.index(word)],
            Sigmoid::Circuit => circuit_sigmoid(self.format, word),
        }
    }

    fn product(&self, a: i64, b: i64) -> i64 {
        let exact = i128::from(a) * i128::from(b);
        let left_out = match self.format.sigmoid {
            Sigmoid::Circuit => 0,
            Sigmoid::Table => low_products(a, b, (self.format.fraction_bits / 2).saturating_sub(2)),
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

    fn constant(&self, value: i64) -> Result<i64, WordError> {
        Ok(value)
    }

    fn add(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>, WordError> {
        self.count(Counts { sums: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.format.wrap(i128::from(**a) + i128::from(**b))).collect())
    }

    fn sub(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>, WordError> {
        self.count(Counts { sums: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.format.wrap(i128::from(**a) - i128::from(**b))).collect())
    }

    fn mul(&self, pairs: &[(&i64, &i64)]) -> Result<Vec<i64>, WordError> {
        self.count(Counts { products: pairs.len() as u64, ..Counts::default() });
        Ok(pairs.iter().map(|(a, b)| self.product(**a, **b)).collect())
    }

    fn shift_right(&self, words: &[&i64], k: u32) -> Result<Vec<i64>, WordError> {
        self.count(Counts { shifts: words.len() as u64, ..Counts::default() });
        Ok(words.iter().map(|word| **word >> k.min(63)).collect())
    }

    fn sigmoid(&self, words: &[&i64]) -> Result<Vec<i64>, WordError> {
        self.count(Counts { sigmoids: words.len() as u64, ..Counts::default() });
        Ok(words.iter().map(|word| self.value(**word)).collect())
    }

    fn sigmoid_and_derivative(&self, words: &[&i64]) -> Result<Pair<i64>, WordError> {
        let values = self.sigmoid(words)?;
        if self.format.sigmoid == Sigmoid::Circuit {
            return slopes_by_products(self, values);
        }
        self.count(Counts { slopes: words.len() as u64, ..Counts::default() });
        let slopes = words.iter().map(|word| self.slopes[self.format.index(**word)]).collect();
        Ok((values, slopes))
    }

    fn bootstraps(&self) -> u64 {
        0
    }
}
