//! Blind rotation with an accumulator in two primes.

use he_core::ring::kernel::add_assign;
use he_core::ring::poly::{Coeff, Poly};
use he_core::rlwe;
use he_tfhe::{Evaluator, LweCiphertext, SwitchedPhase, noise};
use rayon::prelude::*;

use super::key::AccumulatorKey;
use super::table::AccumulatorTable;
use super::{AccumulatorParameters, LIMBS, PARTS};
use crate::error::Error;

/// Accumulators that share one pass over the key.
const BLOCK: usize = 8;

/// Bootstraps into a ring of two primes. It holds a key that decrypts nothing.
pub struct Accumulator {
    pub(super) key: AccumulatorKey,
}

impl Accumulator {
    /// With a key.
    pub fn new(key: AccumulatorKey) -> Self {
        Self { key }
    }

    /// The parameters.
    pub fn params(&self) -> &AccumulatorParameters {
        &self.key.params
    }

    /// The key.
    pub fn key(&self) -> &AccumulatorKey {
        &self.key
    }

    /// Bootstraps many ciphertexts with one table: RLWE ciphertexts over the first two primes of the target, whose constant
    /// coefficient is `⌊m·Q/t⌉` and noise, and whose others are those of the turned table.
    ///
    /// # Errors
    /// If the evaluator, an operand or the table belongs to other parameters, or an operand is too noisy for the boxes of the
    /// table and the failure probability of its parameters.
    pub fn bootstrap(
        &self,
        evaluator: &Evaluator,
        inputs: &[LweCiphertext],
        table: &AccumulatorTable,
    ) -> Result<Vec<rlwe::Ciphertext>, Error> {
        if !evaluator.params().same(self.params().lwe()) {
            return Err(Error::Foreign { operation: "bootstrap", object: "evaluator" });
        }
        inputs.iter().try_for_each(|input| self.check_noise(input, table))?;
        let inputs: Vec<&LweCiphertext> = inputs.iter().collect();
        let readings = evaluator.switched_phases(&inputs, self.params().reading_bits(), 0)?;
        self.rotate(&readings, &vec![table; readings.len()])
    }

    /// Blind rotations of tables by readings modulo `2N`.
    ///
    /// # Errors
    /// If there is not one table for each reading, one belongs to other parameters, or a reading does not fit.
    pub fn rotate(
        &self,
        readings: &[SwitchedPhase],
        tables: &[&AccumulatorTable],
    ) -> Result<Vec<rlwe::Ciphertext>, Error> {
        let (operation, params) = ("blind rotation", self.params());
        if tables.len() != readings.len() {
            let (field, found) = ("the number of tables", tables.len().to_string());
            return Err(Error::Mismatch { field, found, needed: readings.len().to_string() });
        }
        if !tables.iter().all(|table| table.params.same(params)) {
            return Err(Error::Foreign { operation, object: "table" });
        }
        let length = params.lwe().spec().lwe_dimension + 1;
        let fits = |reading: &SwitchedPhase| {
            reading.log() == params.reading_bits() && reading.mask().len() + 1 == length
        };
        if !readings.iter().all(fits) {
            return Err(Error::Foreign { operation, object: "reading" });
        }
        let threads = rayon::current_num_threads();
        let block = readings.len().div_ceil(threads).clamp(1, BLOCK);
        let blocks = (readings.par_chunks(block), tables.par_chunks(block)).into_par_iter();
        Ok(blocks.flat_map_iter(|(readings, tables)| self.rotate_block(readings, tables)).collect())
    }

    /// Whether an operand falls into its box with what reading it adds.
    fn check_noise(&self, input: &LweCiphertext, table: &AccumulatorTable) -> Result<(), Error> {
        let Some(boxes) = table.boxes else { return Ok(()) };
        let (added, failure) = (self.params().reading_variance(), self.params().lwe().spec().failure);
        let allowed = noise::allowed_variance(failure, boxes, 0.0);
        // A relative margin for sums of floats.
        if input.variance() + added <= allowed * (1.0 + 1e-9) {
            return Ok(());
        }
        let (operation, found) = ("bootstrap", input.variance().sqrt().log2());
        let allowed = (allowed - added).max(0.0).sqrt().log2();
        Err(he_tfhe::Error::TooNoisy { operation, found, allowed }.into())
    }

    fn rotate_block(
        &self,
        readings: &[SwitchedPhase],
        tables: &[&AccumulatorTable],
    ) -> Vec<rlwe::Ciphertext> {
        let params = self.params();
        let n = params.n();
        let mut workspace = Workspace::new(params);
        let mut accumulators: Vec<Vec<u64>> = (readings.iter().zip(tables))
            .map(|(reading, table)| {
                let mut words = vec![0; PARTS * LIMBS * n];
                let limbs = words.chunks_exact_mut(n).zip(table.polynomial.chunks_exact(n));
                for ((out, x), q) in limbs.zip(params.0.ring.basis(LIMBS).moduli()) {
                    turn(q, out, x, negated(reading.body(), n));
                }
                words
            })
            .collect();
        for (step, key) in self.key.rotation.iter().enumerate() {
            for (acc, reading) in accumulators.iter_mut().zip(readings) {
                let unroll = params.spec().unroll;
                let mask = reading.mask().chunks(unroll).nth(step).unwrap_or(&[]);
                workspace.step(params, key, mask, acc);
            }
        }
        accumulators.iter().map(|words| ciphertext(params, words)).collect()
    }
}

/// `[part][limb]` in coefficients as a ciphertext of the target.
fn ciphertext(params: &AccumulatorParameters, words: &[u64]) -> rlwe::Ciphertext {
    let target = params.target();
    let poly = |words| Poly::<Coeff>::from_words(target.basis(LIMBS), words).into_eval();
    rlwe::Ciphertext::new(target, words.chunks_exact(LIMBS * params.n()).map(poly).collect())
}

/// What a step writes to, kept between steps.
struct Workspace {
    scratch: Vec<u64>,
    /// For each prime: digits, monomials, product.
    digits: [Vec<u64>; LIMBS],
    monomials: Vec<u64>,
    product: Vec<u64>,
}

impl Workspace {
    fn new(params: &AccumulatorParameters) -> Self {
        let n = params.n();
        let rows = params.0.rotation.rows(PARTS);
        Self {
            scratch: vec![0; LIMBS * n],
            digits: [(); LIMBS].map(|()| vec![0; rows * n]),
            monomials: vec![0; params.spec().matrices() * n],
            product: vec![0; PARTS * n],
        }
    }

    /// `acc += (Σ_T (X^{−a_T} − 1)·GGSW(s_T)) ⊡ acc`, in coefficients.
    fn step(&mut self, params: &AccumulatorParameters, key: &[Vec<u64>], mask: &[u32], acc: &mut [u64]) {
        let (n, tables) = (params.n(), &params.0.rotation);
        let levels = tables.gadget.levels();
        for (part, poly) in acc.chunks_exact(LIMBS * n).enumerate() {
            let rows = part * levels * n..(part + 1) * levels * n;
            let digits = self.digits.each_mut().map(|digits| &mut digits[rows.clone()]);
            tables.gadget.decompose(poly, digits, &mut self.scratch);
        }
        for (j, external) in tables.externals.iter().enumerate() {
            let ntt = external.ntt();
            self.digits[j].chunks_exact_mut(n).for_each(|digit| ntt.forward(digit));
            for (part, monomial) in self.monomials.chunks_exact_mut(n).enumerate() {
                let chosen = mask.iter().enumerate().filter(|(i, _)| (part + 1) >> i & 1 == 1);
                let sum: u32 = chosen.map(|(_, &a)| a).sum();
                external.monomial_minus_one(negated(sum, n), monomial);
            }
            external.bundle_product(&mut self.product, &self.digits[j], &key[j], &self.monomials);
            for (part, product) in self.product.chunks_exact_mut(n).enumerate() {
                ntt.inverse(product);
                let at = (part * LIMBS + j) * n;
                add_assign(ntt.modulus(), &mut acc[at..at + n], product);
            }
        }
    }
}

/// `−exponent mod 2N`.
fn negated(exponent: u32, n: usize) -> usize {
    (2 * n - exponent as usize % (2 * n)) % (2 * n)
}

/// `out = X^exponent·x` in coefficients, `exponent < 2N`.
fn turn(q: &he_core::Modulus, out: &mut [u64], x: &[u64], exponent: usize) {
    let n = x.len();
    for (i, &x) in x.iter().enumerate() {
        let at = (i + exponent) % (2 * n);
        if at < n { out[at] = x } else { out[at - n] = q.neg(x) }
    }
}
