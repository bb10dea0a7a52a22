//! Words encrypted digit by digit, in base 4: sums and products by small tables, the sigmoid by wide ones.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::digits::{self, Ciphertexts, DigitEvaluator, Digits, IntegerTable};
use he_tfhe::{Decryptor, Encryptor, EvaluationKeys, Evaluator, LweCiphertext, Parameters, SecretKey, Spec};

use super::{Arithmetic, Cipher, Format, Pair, WordError};

/// Bits of a digit.
const DIGIT_BITS: u32 = 2;
/// Pairs that are multiplied together: enough for full batches, few enough for the memory of their partial products.
const PRODUCTS: usize = 256;

/// Arithmetic on encrypted digits.
pub struct DigitWords {
    format: Format,
    evaluator: Evaluator,
    sigmoid: IntegerTable,
    slope: IntegerTable,
}

impl DigitWords {
    fn digits(&self) -> Result<DigitEvaluator<Ciphertexts<'_>>, WordError> {
        Ok(DigitEvaluator::new(&self.evaluator)?)
    }

    /// The words of some tables, table after table.
    fn look_up(&self, words: &[&Digits], tables: &[&IntegerTable]) -> Result<Vec<Vec<Digits>>, WordError> {
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

    fn constant(&self, value: i64) -> Result<Digits, WordError> {
        Ok(self.digits()?.constant(self.format.word_bits, value)?)
    }

    fn add(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>, WordError> {
        let (a, b) = unzip(pairs);
        Ok(self.digits()?.add(&a, &b)?)
    }

    fn sub(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>, WordError> {
        let (a, b) = unzip(pairs);
        Ok(self.digits()?.sub(&a, &b)?)
    }

    fn mul(&self, pairs: &[(&Digits, &Digits)]) -> Result<Vec<Digits>, WordError> {
        let digits = self.digits()?;
        let mut products = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(PRODUCTS) {
            let (a, b) = unzip(pairs);
            products.extend(digits.fixed_mul(&a, &b, self.format.fraction_bits)?);
        }
        Ok(products)
    }

    fn mul_add(&self, pairs: &[(&Digits, &Digits)], addends: &[&Digits]) -> Result<Vec<Digits>, WordError> {
        let digits = self.digits()?;
        let mut sums = Vec::with_capacity(pairs.len());
        for (pairs, addends) in pairs.chunks(PRODUCTS).zip(addends.chunks(PRODUCTS)) {
            let (a, b) = unzip(pairs);
            let c: Vec<Digits> = addends.iter().map(|word| (*word).clone()).collect();
            sums.extend(digits.fixed_mul_add(&a, &b, &c, self.format.fraction_bits)?);
        }
        Ok(sums)
    }

    fn shift_right(&self, words: &[&Digits], k: u32) -> Result<Vec<Digits>, WordError> {
        let words: Vec<Digits> = words.iter().map(|word| (*word).clone()).collect();
        Ok(self.digits()?.shift_right(&words, k)?)
    }

    fn sigmoid(&self, words: &[&Digits]) -> Result<Vec<Digits>, WordError> {
        Ok(self.look_up(words, &[&self.sigmoid])?.swap_remove(0))
    }

    fn sigmoid_and_derivative(&self, words: &[&Digits]) -> Result<Pair<Digits>, WordError> {
        let mut found = self.look_up(words, &[&self.sigmoid, &self.slope])?;
        let slopes = found.swap_remove(1);
        Ok((found.swap_remove(0), slopes))
    }

    fn bootstraps(&self) -> u64 {
        self.evaluator.bootstraps()
    }
}

impl Cipher for DigitWords {
    fn parameters(_: Format) -> Result<Parameters, he_tfhe::Error> {
        Spec::message_2_carry_2_wide_failure_64().build()
    }

    fn new(format: Format, keys: EvaluationKeys) -> Result<Self, WordError> {
        let [sigmoid, slope] = [format.sigmoid_table(), format.slope_table()].map(|words| {
            let word = |x: i64| words[format.index(x)];
            IntegerTable::new(keys.params(), format.word_bits, format.index_bits(), word)
        });
        Ok(Self { format, sigmoid: sigmoid?, slope: slope?, evaluator: Evaluator::new(keys) })
    }

    fn encrypt(format: Format, key: &SecretKey, words: &[i64]) -> Result<Vec<Digits>, WordError> {
        Ok(digits::encrypt(&Encryptor::with_secret(key), format.word_bits, words)?)
    }

    fn decrypt(_: Format, key: &SecretKey, words: &[Digits]) -> Result<Vec<i64>, WordError> {
        let decryptor = Decryptor::new(key);
        words.iter().map(|word| Ok(digits::decrypt(&decryptor, word)?)).collect()
    }

    fn write(word: &Digits, out: &mut Writer) {
        word.digits().iter().for_each(|digit| digit.write(out));
    }

    fn read(format: Format, params: &Parameters, from: &mut Reader<'_>) -> Result<Digits, WireError> {
        let count = format.word_bits / DIGIT_BITS;
        let digits = (0..count).map(|_| LweCiphertext::read(from, params)).collect::<Result<_, _>>()?;
        Digits::new(digits, DIGIT_BITS)
            .map_err(|error| WireError::Invalid { what: "word", why: error.to_string() })
    }
}
