//! Functions of integers by wide tables.
//!
//! A table takes the highest `p` bits of an integer of `W`. Integer `x` stands for all integers that share them, so the
//! function is taken in their middle, `x' = ⌊x/2^s⌋·2^s + ⌊2^{s−1}⌋` with `s = W − p`. In fixed point with `f` bits after the
//! point the value is `⌊2^f·g(x'/2^f)⌉`, halves away from zero, and the nearest integer if it is none.

use super::backend::Ciphertexts;
use super::evaluator::DigitEvaluator;
use super::integer::{Digits, check_width};
use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::wide::WideTable;

/// A function from integers to integers, by a wide table.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{DigitEvaluator, IntegerTable, decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // The sigmoid in steps of 1/4, of all four bits of an integer.
/// let table = IntegerTable::sigmoid(&params, [4, 2], 4)?;
/// let x = encrypt(&encryptor, &[-3], 4)?;
/// let found = DigitEvaluator::new(&server)?.look_up(&x, &[&table])?;
/// assert_eq!(decrypt(&decryptor, &found[0][0])?, table.evaluate(-3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct IntegerTable {
    table: WideTable,
    integer_bits: u32,
    digit_bits: u32,
    /// By the highest bits, as an unsigned number.
    values: Vec<i64>,
}

impl IntegerTable {
    /// The function `f` on integers of `integer_bits` bits, of their highest `index_bits`; both are multiples of a digit.
    /// Values out of range are replaced by the nearest integer.
    ///
    /// # Errors
    /// If a number of bits does not fit in integers or tables of these parameters.
    pub fn new(
        params: &Parameters,
        integer_bits: u32,
        index_bits: u32,
        f: impl Fn(i64) -> i64,
    ) -> Result<Self, Error> {
        let operation = "a table of integers";
        let digit_bits = params.spec().message_bits;
        let outputs = check_width(integer_bits as usize, digit_bits)?;
        check_width(index_bits as usize, digit_bits)?;
        let circuit = params.spec().circuit.ok_or(Error::NoCircuit { operation })?;
        let most = circuit.table_bits.min(integer_bits);
        if index_bits > most {
            let (field, found) = ("the width of the index of a table", format!("{index_bits} bits"));
            return Err(Error::Spec { field, found, needed: format!("at most {most}") });
        }
        let (spare, greatest) = (integer_bits - index_bits, i64::MAX >> (64 - integer_bits));
        let value = |index: i64| {
            let top = (index << (64 - index_bits)) >> (64 - index_bits);
            f((top << spare) + (1 << spare >> 1)).clamp(-greatest - 1, greatest)
        };
        let values: Vec<i64> = (0..1 << index_bits).map(value).collect();
        let digit =
            |value: i64, i: usize| (value >> (i as u32 * digit_bits)) as u64 & ((1 << digit_bits) - 1);
        let entry = |index: u64| (0..outputs).map(|i| digit(values[index as usize], i)).collect();
        let table = WideTable::new(params, index_bits, outputs, entry)?;
        Ok(Self { table, integer_bits, digit_bits, values })
    }

    /// A function of real numbers on integers with `fraction` bits after the point.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if `fraction` is 63 or more.
    pub fn fixed(
        params: &Parameters,
        [integer_bits, fraction]: [u32; 2],
        index_bits: u32,
        g: impl Fn(f64) -> f64,
    ) -> Result<Self, Error> {
        if fraction > 62 {
            let (field, found) = ("the part after the point", format!("{fraction} bits"));
            return Err(Error::Spec { field, found, needed: "at most 62".into() });
        }
        let unit = f64::from(fraction).exp2();
        // A cast takes what is too large to the largest number.
        Self::new(params, integer_bits, index_bits, |x| (unit * g(x as f64 / unit)).round() as i64)
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

    /// `1/x`; the greatest integer at zero.
    ///
    /// # Errors
    /// As [`fixed`](Self::fixed).
    pub fn reciprocal(params: &Parameters, format: [u32; 2], index_bits: u32) -> Result<Self, Error> {
        Self::fixed(params, format, index_bits, f64::recip)
    }

    /// The value at an integer, in the clear.
    pub fn evaluate(&self, x: i64) -> i64 {
        let index = x >> (self.integer_bits - self.table.bits());
        self.values[index as usize & (self.values.len() - 1)]
    }
}

impl DigitEvaluator<Ciphertexts<'_>> {
    /// Looks all integers up in all tables: the results of the first table, then those of the next. The circuit bootstraps of
    /// an integer serve all tables that take as many bits.
    ///
    /// # Errors
    /// If the parameters have no circuit part, an integer has another width than a table, the tables take different numbers of
    /// bits, or an operand belongs to other parameters or is too noisy.
    pub fn look_up(&self, integers: &[Digits], tables: &[&IntegerTable]) -> Result<Vec<Vec<Digits>>, Error> {
        for table in tables {
            if let Some(integer) = integers.iter().find(|integer| integer.bits() != table.integer_bits) {
                let (field, found) = ("the width of an integer", format!("{} bits", integer.bits()));
                let needed = format!("{}, that of the table", table.integer_bits);
                return Err(Error::Spec { field, found, needed });
            }
        }
        let read = tables.first().map_or(0, |table| (table.table.bits() / table.digit_bits) as usize);
        let highest: Vec<&[LweCiphertext]> =
            integers.iter().map(|integer| &integer.digits()[integer.digits().len() - read..]).collect();
        let wide: Vec<&WideTable> = tables.iter().map(|table| &table.table).collect();
        let mut found = vec![Vec::with_capacity(integers.len()); tables.len()];
        for entries in self.backend().evaluator().look_up(&highest, &wide)? {
            for ((all, digits), table) in found.iter_mut().zip(entries).zip(tables) {
                all.push(Digits::new(digits, table.digit_bits)?);
            }
        }
        Ok(found)
    }
}

he_core::brief_debug!(IntegerTable: |a| integer_bits = a.integer_bits, digit_bits = a.digit_bits, table = a.table);
