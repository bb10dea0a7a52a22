//! Words encrypted bit by bit: circuits of gates.

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::bits::{self, BitEvaluator, Bits, Carry, Circuit};
use he_tfhe::{EvaluationKeys, Evaluator, Parameters, Spec};

use super::arithmetic::{Arithmetic, Coding, Pair, Prices};
use super::read_ciphertexts;
use crate::activation::Function;
use crate::engine::form::check_secret;
use crate::engine::{EngineError, Result};
use crate::numbers::words::Format;

/// Carries from bit to bit: the fewest gates. There are enough words in a call to fill all threads.
const CARRY: Carry = Carry::Ripple;

/// Arithmetic on encrypted bits.
pub(crate) struct BitWords {
    format: Format,
    evaluator: Evaluator,
    add: Circuit,
    sub: Circuit,
    mul: Circuit,
    functions: Vec<Circuit>,
}

impl BitWords {
    fn on_pairs(&self, circuit: &Circuit, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>> {
        let (a, b): (Vec<Bits>, Vec<Bits>) = pairs.iter().map(|(a, b)| ((*a).clone(), (*b).clone())).unzip();
        self.run(circuit, &[&a, &b])
    }

    fn run(&self, circuit: &Circuit, operands: &[&[Bits]]) -> Result<Vec<Bits>> {
        let mut outputs = BitEvaluator::new(&self.evaluator).run(circuit, operands)?;
        Ok(if outputs.is_empty() { vec![] } else { outputs.swap_remove(0) })
    }
}

impl Arithmetic for BitWords {
    type Word = Bits;

    fn format(&self) -> Format {
        self.format
    }

    fn constant(&self, value: i64) -> Result<Bits> {
        Ok(Bits::constant(self.evaluator.params(), value, self.format.word_bits as usize)?)
    }

    fn add(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>> {
        self.on_pairs(&self.add, pairs)
    }

    fn sub(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>> {
        self.on_pairs(&self.sub, pairs)
    }

    fn mul(&self, pairs: &[(&Bits, &Bits)]) -> Result<Vec<Bits>> {
        self.on_pairs(&self.mul, pairs)
    }

    fn shift_right(&self, words: &[&Bits], k: u32) -> Result<Vec<Bits>> {
        Ok(words.iter().map(|word| word.shift_right_arithmetic(k as usize)).collect())
    }

    fn activate(&self, function: usize, words: &[&Bits]) -> Result<Vec<Bits>> {
        let words: Vec<Bits> = words.iter().map(|word| (*word).clone()).collect();
        self.run(&self.functions[function], &[&words])
    }

    fn activate_and_derive(&self, function: usize, words: &[&Bits]) -> Result<Pair<Bits>> {
        derive_by_products(self, self.activate(function, words)?)
    }

    fn bootstraps(&self) -> u64 {
        self.evaluator.bootstraps()
    }

    fn write(word: &Bits, out: &mut Writer) {
        word.bits().iter().for_each(|bit| bit.write(out));
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Bits, WireError> {
        let word = Self::read_word(self.format, self.evaluator.params(), from)?;
        let keys = Some(self.evaluator.secret_id());
        word.bits().iter().try_for_each(|piece| check_secret(piece.secret_id(), keys))?;
        Ok(word)
    }
}

impl Coding for BitWords {
    fn parameters() -> Result<Parameters, he_tfhe::Error> {
        Spec::gate_failure_64().build()
    }

    fn ciphertexts(format: Format) -> usize {
        format.word_bits as usize
    }

    fn can(function: &Function) -> bool {
        *function == Function::Sigmoid
    }

    fn bootstraps_of(format: Format) -> Result<Prices> {
        let (width, fraction) = (format.word_bits as usize, format.fraction_bits as usize);
        let gates = |circuit: Circuit| circuit.gates() as f64;
        Ok(Prices {
            sum: gates(Circuit::add(width, CARRY)?),
            product: gates(Circuit::mul_fixed(width, fraction, CARRY)?),
            activation: gates(Circuit::sigmoid(width, fraction, CARRY)?),
            // Moved bits, and products.
            shift: 0.0,
            derivative: 0.0,
        })
    }

    fn new(format: Format, functions: &[Function], keys: EvaluationKeys) -> Result<Self> {
        let (width, fraction) = (format.word_bits as usize, format.fraction_bits as usize);
        if let Some(other) = functions.iter().find(|function| !Self::can(function)) {
            return Err(EngineError::Unplanned(format!("circuit of {other:?}")));
        }
        let sigmoid = Circuit::sigmoid(width, fraction, CARRY)?;
        Ok(Self {
            format,
            evaluator: Evaluator::new(keys),
            add: Circuit::add(width, CARRY)?,
            sub: Circuit::sub(width, CARRY)?,
            mul: Circuit::mul_fixed(width, fraction, CARRY)?,
            functions: vec![sigmoid; functions.len()],
        })
    }

    fn read_word(format: Format, params: &Parameters, from: &mut Reader<'_>) -> Result<Bits, WireError> {
        let count = Self::ciphertexts(format);
        let bits = read_ciphertexts(count, count - 1, params, from)?;
        Bits::from_bits(bits).map_err(|error| WireError::Invalid { what: "word", why: error.to_string() })
    }
}

/// The values of a sigmoid and `σ·(1 - σ)` of each.
pub(super) fn derive_by_products<A: Arithmetic>(words: &A, values: Vec<A::Word>) -> Result<Pair<A::Word>> {
    let one = words.constant(words.format().one())?;
    let rest = words.sub(&values.iter().map(|value| (&one, value)).collect::<Vec<_>>())?;
    let derivatives = words.mul(&values.iter().zip(&rest).collect::<Vec<_>>())?;
    Ok((values, derivatives))
}

/// The sigmoid of a word, as circuits compute it.
pub(super) fn circuit_sigmoid(format: Format, word: i64) -> i64 {
    let (width, fraction) = (format.word_bits as usize, format.fraction_bits as usize);
    bits::clear::sigmoid(word, width, fraction).map_or(0, |value| value as i64)
}
