//! Words encrypted bit by bit: circuits of gates.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::bits::{self, BitEvaluator, Bits, Carry, Circuit};
use he_tfhe::{Decryptor, Encryptor, EvaluationKeys, Evaluator, LweCiphertext, Parameters, SecretKey, Spec};

use super::{Arithmetic, Cipher, Format, WordError};

/// Carries from bit to bit: the fewest gates. There are enough words in a call to fill all threads.
const CARRY: Carry = Carry::Ripple;

/// Arithmetic on encrypted bits.
pub struct BitWords {
    format: Format,
    evaluator: Evaluator,
    add: Circuit,
    sub: Circuit,
    mul: Circuit,
    sigmoid: Circuit,
}

impl BitWords {
    /// A circuit on pairs of words.
    fn on_pairs(&self, circuit: &Circuit, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>, WordError> {
        let (a, b): (Vec<Bits>, Vec<Bits>) = pairs.iter().map(|(a, b)| ((*a).clone(), (*b).clone())).unzip();
        self.run(circuit, &[&a, &b])
    }

    fn run(&self, circuit: &Circuit, operands: &[&[Bits]]) -> Result<Vec<Bits>, WordError> {
        let mut outputs = BitEvaluator::new(&self.evaluator).run(circuit, operands)?;
        Ok(if outputs.is_empty() { vec![] } else { outputs.swap_remove(0) })
    }
}

impl Arithmetic for BitWords {
    type Word = Bits;

    fn format(&self) -> Format {
        self.format
    }

    fn constant(&self, value: i64) -> Result<Bits, WordError> {
        Ok(Bits::constant(self.evaluator.params(), value, self.format.word_bits as usize)?)
    }

    fn add(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>, WordError> {
        self.on_pairs(&self.add, pairs)
    }

    fn sub(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>, WordError> {
        self.on_pairs(&self.sub, pairs)
    }

    fn mul(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>, WordError> {
        self.on_pairs(&self.mul, pairs)
    }

    fn shift_right(&self, words: &[&Bits], k: u32) -> Result<Vec<Bits>, WordError> {
        Ok(words.iter().map(|word| word.shift_right_arithmetic(k as usize)).collect())
    }

    fn sigmoid(&self, words: &[&Bits]) -> Result<Vec<Bits>, WordError> {
        let words: Vec<Bits> = words.iter().map(|word| (*word).clone()).collect();
        self.run(&self.sigmoid, &[&words])
    }

    fn bootstraps(&self) -> u64 {
        self.evaluator.bootstraps()
    }
}

impl Cipher for BitWords {
    fn parameters(_: Format) -> Result<Parameters, he_tfhe::Error> {
        Spec::gate_failure_64().build()
    }

    fn new(format: Format, keys: EvaluationKeys) -> Result<Self, WordError> {
        let (width, fraction) = (format.word_bits as usize, format.fraction_bits as usize);
        Ok(Self {
            format,
            evaluator: Evaluator::new(keys),
            add: Circuit::add(width, CARRY)?,
            sub: Circuit::sub(width, CARRY)?,
            mul: Circuit::mul_fixed(width, fraction, CARRY)?,
            sigmoid: Circuit::sigmoid(width, fraction, CARRY)?,
        })
    }

    fn encrypt(format: Format, key: &SecretKey, words: &[i64]) -> Result<Vec<Bits>, WordError> {
        Ok(bits::encrypt(&Encryptor::with_secret(key), words, format.word_bits as usize)?)
    }

    fn decrypt(_: Format, key: &SecretKey, words: &[Bits]) -> Result<Vec<i64>, WordError> {
        Ok(bits::decrypt(&Decryptor::new(key), words)?)
    }

    fn write(word: &Bits, out: &mut Writer) {
        word.bits().iter().for_each(|bit| bit.write(out));
    }

    fn read(format: Format, params: &Parameters, from: &mut Reader<'_>) -> Result<Bits, WireError> {
        let bits =
            (0..format.word_bits).map(|_| LweCiphertext::read(from, params)).collect::<Result<_, _>>()?;
        Bits::from_bits(bits).map_err(|error| WireError::Invalid { what: "word", why: error.to_string() })
    }
}

/// The sigmoid of a word, as circuits compute it.
pub(super) fn circuit_sigmoid(format: Format, word: i64) -> i64 {
    let (width, fraction) = (format.word_bits as usize, format.fraction_bits as usize);
    bits::clear::sigmoid(word, width, fraction).map_or(0, |value| value as i64)
}
