//! The evaluator of integers, and the parts of circuits.

use std::sync::atomic::{AtomicU64, Ordering};

use super::backend::{Backend, Ciphertexts, Table};
use super::integer::{Digits, check_width};
use crate::error::Error;
use crate::evaluator::Evaluator;

/// One digit of all integers of a slice: circuits are written for one integer and compute all of them.
pub(super) type Lane<B> = Vec<<B as Backend>::Digit>;

/// Integers on each thread from which carries that run from digit to digit are as fast as prefixes: a layer of one bootstrap a
/// thread takes twice the time of a bootstrap in a full batch.
const RIPPLE_INTEGERS: usize = 4;

/// How carries run through an integer.
///
/// ```
/// use he_tfhe::digits::{Carries, DigitEvaluator, Simulation};
/// let digits = DigitEvaluator::over(Simulation::new(2, 25.0, 1))?.with_carries(Carries::Ripple);
/// # Ok::<(), he_tfhe::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carries {
    /// By prefixes when there are fewer than four integers a thread, else from digit to digit: then layers are full anyway.
    #[default]
    Auto,
    /// All at once: a number of layers that grows with the logarithm of the digits.
    Prefix,
    /// From digit to digit: as many layers as digits, and fewer bootstraps.
    Ripple,
}

/// Computes on integers of digits.
///
/// Operations take slices, of integers of one width, and pass all bootstraps of a layer on in one call. Results are
/// integers modulo `2^W`. Some results ([`select`](Self::select), for instance) are a little noisier than a bootstrap leaves
/// them; an operation that could not take that refreshes their digits first, in one layer more.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{DigitEvaluator, decrypt, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let (a, b) = (encrypt(&encryptor, &[3, -7], 4)?, encrypt(&encryptor, &[2, 5], 4)?);
/// let digits = DigitEvaluator::new(&server)?;
/// let sums = digits.add(&a, &b)?;
/// assert_eq!((decrypt(&decryptor, &sums[0])?, decrypt(&decryptor, &sums[1])?), (5, -2));
/// # Ok(())
/// # }
/// ```
pub struct DigitEvaluator<B> {
    pub(super) backend: B,
    carries: Carries,
    layers: AtomicU64,
}

impl<'a> DigitEvaluator<Ciphertexts<'a>> {
    /// With an evaluator, whose parameters have digits of 2 to 4 bits, as many carry bits, and tables that take two digits
    /// side by side.
    ///
    /// # Errors
    /// If the parameters are others.
    pub fn new(evaluator: &'a Evaluator) -> Result<Self, Error> {
        let spec = evaluator.params().spec();
        if spec.carry_bits != spec.message_bits {
            let needed = format!("{}, as many as message bits", spec.message_bits);
            return Err(Error::Spec {
                field: "the number of carry bits",
                found: spec.carry_bits.to_string(),
                needed,
            });
        }
        Self::over(Ciphertexts::new(evaluator))
    }
}

impl<B: Backend> DigitEvaluator<B> {
    /// Over any backend.
    ///
    /// # Errors
    /// If its digits are not of 2 to 4 bits, or its tables cannot take two digits side by side.
    pub fn over(backend: B) -> Result<Self, Error> {
        let bits = backend.digit_bits();
        if !(2..=4).contains(&bits) {
            let (field, needed) = ("the number of message bits", "2 to 4".into());
            return Err(Error::Spec { field, found: bits.to_string(), needed });
        }
        let least = f64::from(1 + (1 << (2 * bits)));
        if backend.squared_norm() < least {
            let (field, needed) = ("the squared norm", format!("{least}, for two digits side by side"));
            return Err(Error::Spec { field, found: backend.squared_norm().to_string(), needed });
        }
        Ok(Self { backend, carries: Carries::Auto, layers: AtomicU64::new(0) })
    }

    /// The evaluator with carries of this kind.
    #[must_use]
    pub fn with_carries(mut self, carries: Carries) -> Self {
        self.carries = carries;
        self
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Layers of bootstraps done so far.
    pub fn layers(&self) -> u64 {
        self.layers.load(Ordering::Relaxed)
    }

    /// A constant integer, without noise and without secrecy; of `value`, the low `bits` bits.
    ///
    /// # Errors
    /// If the number of bits is no multiple of a digit or above 64.
    pub fn constant(&self, value: i64, bits: u32) -> Result<Digits<B::Digit>, Error> {
        let digit_bits = self.backend.digit_bits();
        let count = check_width(bits as usize, digit_bits)?;
        let digit = |i| self.backend.constant((value >> (i as u32 * digit_bits)) & (self.base() - 1));
        Ok(Digits::unchecked((0..count).map(digit).collect(), digit_bits))
    }

    /// `r`: digits are below it.
    pub(super) fn base(&self) -> i64 {
        1 << self.backend.digit_bits()
    }

    /// `r²`: what a table takes is below it.
    pub(super) fn messages(&self) -> i64 {
        self.base() * self.base()
    }

    /// Whether carries of so many integers run from digit to digit: that takes two bootstraps an integer and layer, so that
    /// enough integers fill all threads.
    pub(super) fn ripples(&self, integers: usize) -> bool {
        match self.carries {
            Carries::Auto => integers >= RIPPLE_INTEGERS * self.backend.threads(),
            Carries::Prefix => false,
            Carries::Ripple => true,
        }
    }

    pub(super) fn constant_lane(&self, value: i64, integers: usize) -> Lane<B> {
        vec![self.backend.constant(value); integers]
    }

    /// `constant + Σ weight·lane`.
    pub(super) fn linear(&self, terms: &[(i32, &Lane<B>)], constant: i64) -> Result<Lane<B>, Error> {
        let integers = terms.first().map_or(0, |(_, lane)| lane.len());
        let mut sum = self.constant_lane(constant, integers);
        for (weight, lane) in terms {
            for (sum, digit) in sum.iter_mut().zip(*lane) {
                self.backend.add_scaled(sum, digit, *weight)?;
            }
        }
        Ok(sum)
    }

    /// `r·high + low`.
    pub(super) fn pair(&self, high: &Lane<B>, low: &Lane<B>) -> Result<Lane<B>, Error> {
        self.linear(&[(self.base() as i32, high), (1, low)], 0)
    }

    /// The largest squared norm in a lane.
    pub(super) fn norm(&self, lane: &Lane<B>) -> f64 {
        lane.iter().map(|digit| self.backend.norm(digit)).fold(0.0, f64::max)
    }

    pub(super) fn layer(&self) -> Layer<'_, B> {
        Layer { evaluator: self, jobs: Vec::new() }
    }

    /// The lanes, those above a squared norm of `limit` refreshed by a bootstrap.
    pub(super) fn refreshed(&self, mut lanes: Vec<Lane<B>>, limit: f64) -> Result<Vec<Lane<B>>, Error> {
        let mut layer = self.layer();
        let noisy: Vec<usize> =
            (0..lanes.len()).filter(|&i| self.norm(&lanes[i]) > limit * (1.0 + 1e-9)).collect();
        for &i in &noisy {
            layer.push(std::mem::take(&mut lanes[i]), |x| x);
        }
        for (i, lane) in noisy.into_iter().zip(layer.run()?) {
            lanes[i] = lane;
        }
        Ok(lanes)
    }

    /// The largest squared norm of the digits of an operand if a table takes two of them side by side.
    pub(super) fn pair_limit(&self) -> f64 {
        self.backend.squared_norm() / (self.messages() + 1) as f64
    }

    /// The digits of integers, one lane for each.
    ///
    /// # Errors
    /// If the integers differ in width, or have other digits than the backend.
    pub(super) fn lanes(
        &self,
        operation: &'static str,
        integers: &[Digits<B::Digit>],
    ) -> Result<Vec<Lane<B>>, Error> {
        let digit_bits = self.backend.digit_bits();
        let count = integers.first().map_or(0, |integer| integer.digits().len());
        let bad = integers
            .iter()
            .find(|integer| integer.digits().len() != count || integer.digit_bits() != digit_bits);
        if let Some(bad) = bad {
            let needed = format!("{count} of {digit_bits} bits in every integer of a slice");
            return Err(Error::Count { operation, found: bad.digits().len(), needed });
        }
        Ok((0..count).map(|i| integers.iter().map(|integer| integer.digits()[i].clone()).collect()).collect())
    }

    /// The lanes of two slices that have to go together.
    pub(super) fn two_lanes(
        &self,
        operation: &'static str,
        a: &[Digits<B::Digit>],
        b: &[Digits<B::Digit>],
    ) -> Result<[Vec<Lane<B>>; 2], Error> {
        self.check_count(operation, b.len(), a.len())?;
        let (a, b) = (self.lanes(operation, a)?, self.lanes(operation, b)?);
        self.check_count(operation, b.len(), a.len())?;
        Ok([a, b])
    }

    pub(super) fn check_count(
        &self,
        operation: &'static str,
        found: usize,
        needed: usize,
    ) -> Result<(), Error> {
        if found == needed {
            return Ok(());
        }
        Err(Error::Count { operation, found, needed: format!("{needed}, as in the first operand") })
    }

    pub(super) fn integers(&self, lanes: &[Lane<B>]) -> Vec<Digits<B::Digit>> {
        let count = lanes.first().map_or(0, Vec::len);
        let integer = |at: usize| lanes.iter().map(|lane| lane[at].clone()).collect();
        (0..count).map(|at| Digits::unchecked(integer(at), self.backend.digit_bits())).collect()
    }
}

/// Bootstraps that do not wait for one another.
pub(super) struct Layer<'a, B: Backend> {
    evaluator: &'a DigitEvaluator<B>,
    jobs: Vec<(Lane<B>, Table)>,
}

impl<B: Backend> Layer<'_, B> {
    /// Looks a lane up in the table of `f`; returns where in the outputs the result will be.
    pub(super) fn push(&mut self, lane: Lane<B>, f: impl Fn(i64) -> i64) -> usize {
        self.jobs.push((lane, Table::new(self.evaluator.messages() as u16, f)));
        self.jobs.len() - 1
    }

    /// All of it in one call.
    pub(super) fn run(self) -> Result<Vec<Lane<B>>, Error> {
        let jobs: Vec<_> =
            self.jobs.iter().flat_map(|(lane, table)| lane.iter().map(move |digit| (digit, table))).collect();
        if jobs.is_empty() {
            return Ok(self.jobs.into_iter().map(|(lane, _)| lane).collect());
        }
        self.evaluator.layers.fetch_add(1, Ordering::Relaxed);
        let mut outputs = self.evaluator.backend.apply(&jobs)?.into_iter();
        Ok(self.jobs.iter().map(|(lane, _)| outputs.by_ref().take(lane.len()).collect()).collect())
    }
}

he_core::brief_debug!([B: std::fmt::Debug] DigitEvaluator<B>: |a| backend = a.backend, carries = a.carries);
