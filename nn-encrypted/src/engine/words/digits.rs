//! Words encrypted digit by digit, in base 4: sums and products by small tables, functions by wide ones.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::digits::{Ciphertexts, DigitEvaluator, Digits, IntegerTable, Plain, Simulation};
use he_tfhe::{EvaluationKeys, Evaluator, Parameters, Spec};

use super::arithmetic::{Arithmetic, Coding, Pair, Prices};
use super::read_ciphertexts;
use crate::activation::Function;
use crate::engine::Result;
use crate::engine::form::check_secret;
use crate::numbers::words::Format;

const DIGIT_BITS: u32 = 2;
/// Pairs that are multiplied together: enough for full batches, few enough for the memory of their partial products.
const PRODUCTS: usize = 256;

/// Words whose operations are counted.
const COUNTED: usize = 64;
/// A function of a word by tables, in bootstraps that take as long; and another of the same word.
const LOOKUP: f64 = 45.0;
const SECOND_LOOKUP: f64 = 20.0;

/// An operation on words whose bootstraps are counted.
type Counted = fn(&DigitEvaluator<Simulation>, &[Digits<Plain>], Format) -> Result<(), he_tfhe::Error>;

/// Arithmetic on encrypted digits.
pub(crate) struct DigitWords {
    format: Format,
    evaluator: Evaluator,
    /// Values and derivatives of each function.
    tables: Vec<[IntegerTable; 2]>,
}

impl DigitWords {
    fn digits(&self) -> Result<DigitEvaluator<Ciphertexts<'_>>> {
        Ok(DigitEvaluator::new(&self.evaluator)?)
    }

    fn look_up(&self, words: &[&Digits], tables: &[&IntegerTable]) -> Result<Vec<Vec<Digits>>> {
        let words: Vec<Digits> = words.iter().map(|word| (*word).clone()).collect();
        Ok(self.digits()?.look_up(&words, tables)?)
    }
}

/// The words of pairs, first and second.
fn unzip(pairs: &[(&Digits, &Digits)]) -> (Vec<Digits>, Vec<Digits>) {
    pairs.iter().map(|(a, b)| ((*a).clone(), (*b).clone())).unzip()
}

impl Arithmetic for DigitWords {
    type Word = Digits;

    fn format(&self) -> Format {
        self.format
    }

    fn constant(&self, value: i64) -> Result<Digits> {
        Ok(self.digits()?.constant(value, self.format.word_bits)?)
    }

    fn add(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>> {
        let (a, b) = unzip(pairs);
        Ok(self.digits()?.add(&a, &b)?)
    }

    fn sub(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>> {
        let (a, b) = unzip(pairs);
        Ok(self.digits()?.sub(&a, &b)?)
    }

    fn mul(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>> {
        let digits = self.digits()?;
        let mut products = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(PRODUCTS) {
            let (a, b) = unzip(pairs);
            products.extend(digits.fixed_mul(&a, &b, self.format.fraction_bits)?);
        }
        Ok(products)
    }

    fn mul_add(&self, pairs: &[(&Digits, &Digits)], addends: &[&Digits]) -> Result<Vec<Digits>> {
        let digits = self.digits()?;
        let mut sums = Vec::with_capacity(pairs.len());
        for (pairs, addends) in pairs.chunks(PRODUCTS).zip(addends.chunks(PRODUCTS)) {
            let (a, b) = unzip(pairs);
            let c: Vec<Digits> = addends.iter().map(|word| (*word).clone()).collect();
            sums.extend(digits.fixed_mul_add(&a, &b, &c, self.format.fraction_bits)?);
        }
        Ok(sums)
    }

    fn shift_right(&self, words: &[&Digits], k: u32) -> Result<Vec<Digits>> {
        let words: Vec<Digits> = words.iter().map(|word| (*word).clone()).collect();
        Ok(self.digits()?.shift_right(&words, k)?)
    }

    fn activate(&self, function: usize, words: &[&Digits]) -> Result<Vec<Digits>> {
        Ok(self.look_up(words, &[&self.tables[function][0]])?.swap_remove(0))
    }

    fn activate_and_derive(&self, function: usize, words: &[&Digits]) -> Result<Pair<Digits>> {
        let [values, derivatives] = &self.tables[function];
        let mut found = self.look_up(words, &[values, derivatives])?;
        let derivatives = found.swap_remove(1);
        Ok((found.swap_remove(0), derivatives))
    }

    fn bootstraps(&self) -> u64 {
        self.evaluator.bootstraps()
    }

    fn write(word: &Digits, out: &mut Writer) {
        word.digits().iter().for_each(|digit| digit.write(out));
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Digits, WireError> {
        let word = Self::read_word(self.format, self.evaluator.params(), from)?;
        let keys = Some(self.evaluator.secret_id());
        word.digits().iter().try_for_each(|piece| check_secret(piece.secret_id(), keys))?;
        Ok(word)
    }
}

impl Coding for DigitWords {
    fn parameters() -> Result<Parameters, he_tfhe::Error> {
        Spec::message_2_carry_2_wide_failure_64().build()
    }

    fn ciphertexts(format: Format) -> usize {
        (format.word_bits / DIGIT_BITS) as usize
    }

    fn can(_: &Function) -> bool {
        true
    }

    fn bootstraps_of(format: Format) -> Result<Prices> {
        let spec = *Self::parameters()?.spec();
        let count = |operation: Counted| -> Result<f64> {
            let threads = rayon::current_num_threads();
            let digits = DigitEvaluator::over(Simulation::new(DIGIT_BITS, spec.squared_norm, threads))?;
            let word = || Digits::new(vec![digits.backend().digit(0); Self::ciphertexts(format)], DIGIT_BITS);
            let words = (0..COUNTED).map(|_| word()).collect::<Result<Vec<_>, _>>()?;
            operation(&digits, &words, format)?;
            Ok(digits.backend().bootstraps() as f64 / COUNTED as f64)
        };
        Ok(Prices {
            sum: count(|digits, words, _| digits.add(words, words).map(drop))?,
            product: count(|digits, words, format| {
                digits.fixed_mul(words, words, format.fraction_bits).map(drop)
            })?,
            shift: count(|digits, words, _| digits.shift_right(words, 1).map(drop))?,
            activation: LOOKUP,
            derivative: SECOND_LOOKUP,
        })
    }

    fn new(format: Format, functions: &[Function], keys: EvaluationKeys) -> Result<Self> {
        let table = |words: &[i64]| {
            let word = |x: i64| words[format.index(x)];
            IntegerTable::new(keys.params(), format.word_bits, format.index_bits(), word)
        };
        let tables = functions.iter().map(|function| {
            let [values, derivatives] = super::tables(format, function);
            Ok([table(&values)?, table(&derivatives)?])
        });
        let tables = tables.collect::<Result<_>>()?;
        Ok(Self { format, tables, evaluator: Evaluator::new(keys) })
    }

    fn read_word(format: Format, params: &Parameters, from: &mut Reader<'_>) -> Result<Digits, WireError> {
        let digits = read_ciphertexts(Self::ciphertexts(format), 0, params, from)?;
        Digits::new(digits, DIGIT_BITS)
            .map_err(|error| WireError::Invalid { what: "word", why: error.to_string() })
    }
}
