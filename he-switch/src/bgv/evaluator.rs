//! Arithmetic that bootstraps by itself.

use std::ptr;
use std::sync::Arc;

use he_bgv::{Ciphertext, Noise, Plaintext, PreparedPlaintext};
use he_core::circuits::Arithmetic;
use he_core::ring::Steps;

use super::bootstrapper::{Bootstrapper, Budget};
use crate::error::Error;

/// Computes with ciphertexts without end: operands are bootstrapped when a result would not decrypt, or could not be
/// bootstrapped itself.
///
/// ```
/// # use he_switch::{Error, bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Evaluator}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().with_modulus(257).build_insecure("an example")?;
/// # let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// # let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()).modular(), he_bgv::Decryptor::new(&secret));
/// # let plaintext = encoder.encode_coefficients(&[3])?;
/// # let c = he_bgv::Encryptor::with_secret(&secret).encrypt(&plaintext)?;
/// let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(&params, &secret)?)?;
/// let keys = secret.evaluation_keys(&he_bgv::KeyRequest::default().relinearization(2))?;
/// let leveled = he_bgv::Evaluator::new(params.bgv(), keys)?;
/// let evaluator = Evaluator::automatic(leveled, bootstrapper, Budget::bits(60))?;
/// // 3^(2^8) modulo 257, as Fermat says.
/// let mut power = c;
/// for _ in 0..8 {
///     power = evaluator.mul(&power, &power)?;
/// }
/// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&power)?)[0], 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator {
    leveled: Arc<he_bgv::Evaluator>,
    bootstrapper: Bootstrapper,
    budget: Budget,
}

impl Evaluator {
    /// An evaluator that bootstraps to a budget. A larger one makes lifts rarer, each bootstrap having more of them.
    ///
    /// # Errors
    /// If the evaluator and the bootstrapper belong to different parameters or secrets, there is no such budget, or it is too small: two
    /// bootstrapped operands must leave a product that can be bootstrapped.
    pub fn automatic(
        leveled: he_bgv::Evaluator,
        bootstrapper: Bootstrapper,
        budget: Budget,
    ) -> Result<Self, Error> {
        let (operation, object) = ("automatic evaluation", "evaluator");
        if !leveled.params().same(bootstrapper.params().bgv()) {
            return Err(Error::Foreign { operation, object });
        }
        if let Some(id) = leveled.secret_id() {
            id.check(operation, object, bootstrapper.secret_id())?;
        }
        let bgv = leveled.params();
        let (estimator, level) = (bgv.noise(), bgv.max_level());
        let error = bootstrapper.error_of(budget)?;
        let operand = (Noise::from_log2(error.log2() + estimator.log_q(level)), level);
        let best = estimator.best_level(&[operand, operand], 0.0);
        let reduced = estimator.reduce(operand.0, level, best).1;
        let left = estimator.budget(estimator.key_switch(estimator.product(reduced, reduced), best), best);
        let least = bootstrapper.least_budget();
        if left < least {
            let (found, needed) = (format!("{left:.1} bits"), format!("{least:.1} bits or more"));
            return Err(Error::Mismatch { field: "the budget that a product leaves", found, needed });
        }
        Ok(Self { leveled: Arc::new(leveled), bootstrapper, budget })
    }

    /// The evaluator between bootstraps.
    pub fn leveled(&self) -> &Arc<he_bgv::Evaluator> {
        &self.leveled
    }

    /// The bootstrapper.
    pub fn bootstrapper(&self) -> &Bootstrapper {
        &self.bootstrapper
    }

    /// Any operation of the leveled evaluator on operands that are bootstrapped first if need be.
    ///
    /// ```
    /// # use he_switch::{Error, bgv::Evaluator, he_bgv::Ciphertext};
    /// fn scalar_product(
    ///     evaluator: &Evaluator,
    ///     [a, b, c, d]: [&Ciphertext; 4],
    /// ) -> Result<Ciphertext, Error> {
    ///     evaluator.run([a, b, c, d], |leveled, [a, b, c, d]| leveled.dot(&[(a, b), (c, d)]))
    /// }
    /// ```
    ///
    /// # Errors
    /// Whatever the operation returns, except for noise that bootstraps take away.
    pub fn run<const K: usize>(
        &self,
        operands: [&Ciphertext; K],
        operation: impl Fn(&he_bgv::Evaluator, [&Ciphertext; K]) -> Result<Ciphertext, he_bgv::Error>,
    ) -> Result<Ciphertext, Error> {
        Ok(self.run_all(&[operands], operation)?.swap_remove(0))
    }

    /// As [`run`](Self::run), many times: operands that need it are bootstrapped together, up to
    /// [`Parameters::capacity`](super::Parameters::capacity) at the price of one.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_all<const K: usize>(
        &self,
        all: &[[&Ciphertext; K]],
        operation: impl Fn(&he_bgv::Evaluator, [&Ciphertext; K]) -> Result<Ciphertext, he_bgv::Error>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let least = self.bootstrapper.least_budget();
        let attempt = |operands: &[&Ciphertext; K]| match operation(&self.leveled, *operands) {
            Ok(c) if c.noise_budget() >= least => Ok(Some(c)),
            Ok(_) | Err(he_bgv::Error::NoiseExhausted { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let first = all.iter().map(attempt).collect::<Result<Vec<_>, _>>()?;
        let failed = all.iter().zip(&first).filter(|(_, result)| result.is_none());
        let noisy = distinct(failed.flat_map(|(operands, _)| *operands));
        let copies: Vec<Ciphertext> = noisy.iter().map(|&c| c.clone()).collect();
        let fresh = match copies.is_empty() {
            true => copies,
            false => self.bootstrapper.bootstrap(&copies, self.budget)?,
        };
        let again = |operands: &[&Ciphertext; K]| {
            let places = operands.map(|c| noisy.iter().position(|d| ptr::eq(c, *d)).unwrap_or(0));
            Ok(operation(&self.leveled, places.map(|place| &fresh[place]))?)
        };
        all.iter().zip(first).map(|(operands, result)| result.map_or_else(|| again(operands), Ok)).collect()
    }

    /// `a + b`.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::add`], except for noise; so for all operations.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.run([a, b], |leveled, [a, b]| leveled.add(a, b))
    }

    /// `a − b`.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::sub`].
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.run([a, b], |leveled, [a, b]| leveled.sub(a, b))
    }

    /// `a·b`, relinearized.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::mul`].
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.run([a, b], |leveled, [a, b]| leveled.mul(a, b))
    }

    /// `a_i·b_i` for many pairs, relinearized; operands that need it are bootstrapped together.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::mul`].
    pub fn mul_all(&self, pairs: &[[&Ciphertext; 2]]) -> Result<Vec<Ciphertext>, Error> {
        self.run_all(pairs, |leveled, [a, b]| leveled.mul(a, b))
    }

    /// `p·a`.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::mul_plain`].
    pub fn mul_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.mul_plain(a, p))
    }

    /// `a + p`.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::add_plain`].
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.add_plain(a, p))
    }

    /// Both rows of slots rotated left by `k`, right where it is negative.
    ///
    /// # Errors
    /// As [`he_bgv::Evaluator::rotate_rows`].
    pub fn rotate_rows(&self, a: &Ciphertext, k: impl Steps) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.rotate_rows(a, k))
    }
}

/// Ciphertexts without those that are there already.
fn distinct<'c>(all: impl Iterator<Item = &'c Ciphertext>) -> Vec<&'c Ciphertext> {
    let mut out: Vec<&Ciphertext> = vec![];
    for c in all {
        if !out.iter().any(|d| ptr::eq(c, *d)) {
            out.push(c);
        }
    }
    out
}

impl Arithmetic for Evaluator {
    type Ciphertext = Ciphertext;
    type Plaintext = PreparedPlaintext;
    type Scalar = i64;
    type Error = Error;

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Evaluator::add(self, a, b)
    }

    fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Evaluator::mul(self, a, b)
    }

    fn mul_plain(&self, a: &Ciphertext, b: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.mul_prepared(a, b))
    }

    fn mul_scalar(&self, a: &Ciphertext, c: &i64) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.mul_const(a, *c))
    }

    fn add_scalar(&self, a: &Ciphertext, c: &i64) -> Result<Ciphertext, Error> {
        self.run([a], |leveled, [a]| leveled.add_const(a, *c))
    }

    fn is_zero(&self, c: &i64) -> bool {
        Arithmetic::is_zero(&*self.leveled, c)
    }
}

he_core::brief_debug!(Evaluator: |a| budget = a.budget, bootstrapper = a.bootstrapper);
