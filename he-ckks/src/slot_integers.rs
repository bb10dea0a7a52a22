//! Integers in slots, and the variance of their errors.
//!
//! [`Estimate`](crate::Estimate) adds errors up as if all had one sign and every value were as large as its bound: right for anything,
//! and far too much for a sum of hundreds of products of integers that are to be read exactly. Errors that are unrelated have
//! variances that add: with mean squares `a²` and `w²` of the values,
//!
//! ```text
//! Var(Σ a·w) = Σ (a²·v_w + w²·v_a + v_a·v_w) + that of relinearization and rescaling
//! Var(Σ a)   = Σ v_a
//! ```

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::evaluator::Evaluator;

/// A ciphertext of integers whose errors are unrelated to those of the others that it meets: different ciphertexts that were
/// encrypted, bootstrapped or looked up. Nothing checks that; a sum of an operand with itself has four times its variance, not two.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 9, ..Spec::n16384() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params).with_bound(127.0));
/// # let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
/// # let evaluator = Evaluator::new(&params, keys)?;
/// # let encryptor = Encryptor::with_secret(&key);
/// // Results of a table: integers of 8 bits, half of them below 74 in magnitude, with errors of 2^-12.
/// let table = |m: f64| SlotIntegers::new(encryptor.encrypt(&encoder.encode(&[m])?)?.with_error_at_least(2f64.powi(-12))?, 74.0 * 74.0);
/// let x = (1..=50).map(|m| table(f64::from(m))).collect::<Result<Vec<_>, Error>>()?;
/// let pairs: Vec<_> = x.iter().zip(x.iter().rev()).collect();
/// let sum = SlotIntegers::dot(&evaluator, &pairs)?;
/// // √(2·50)·74·2^-12, where bounds of errors would give 2·50·127·2^-12.
/// assert!((sum.error() / 0.18 - 1.0).abs() < 0.01);
/// assert!(evaluator.dot(&[(x[0].ciphertext(), x[1].ciphertext()); 50])?.estimate().error > 3.0);
/// // Its error is what a table or a truncation reckons with.
/// let _ = sum.into_ciphertext();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SlotIntegers {
    inner: Ciphertext,
    /// Mean square of the values.
    square: f64,
    /// Of the complex errors of slots.
    variance: f64,
}

impl SlotIntegers {
    /// Integers with the estimated error of their ciphertext. The mean square of their magnitudes is public, as their bound is, and
    /// counts up to the square of that.
    ///
    /// # Errors
    /// If the mean square is negative or no number.
    pub fn new(inner: Ciphertext, mean_square: f64) -> Result<Self, Error> {
        if mean_square.is_nan() || mean_square < 0.0 {
            return Err(Error::ValueOutOfRange { index: 0, most: f64::MAX });
        }
        let square = mean_square.min(inner.estimate.bound.powi(2));
        Ok(Self { variance: inner.estimate.error.powi(2), square, inner })
    }

    /// The ciphertext; its own estimate is that of bounds.
    pub fn ciphertext(&self) -> &Ciphertext {
        &self.inner
    }

    /// Mean square of the integers.
    pub fn mean_square(&self) -> f64 {
        self.square
    }

    /// Root mean square of the errors of the slots, as complex numbers.
    pub fn error(&self) -> f64 {
        self.variance.sqrt()
    }

    /// The ciphertext with this error as its estimate.
    pub fn into_ciphertext(self) -> Ciphertext {
        let mut out = self.inner;
        out.estimate.error = self.variance.sqrt();
        out
    }

    /// `Σ a_i·w_i`, relinearized and rescaled once; takes a level. Its mean square is that of products that are unrelated and have the
    /// mean 0.
    ///
    /// # Errors
    /// As [`Evaluator::dot`].
    pub fn dot(e: &Evaluator, pairs: &[(&Self, &Self)]) -> Result<Self, Error> {
        let operation = "mul";
        let operands = e.aligned(operation, pairs.iter().flat_map(|(a, w)| [&a.inner, &w.inner]))?;
        let moved = |a: &Self, now: &Ciphertext| a.variance + grown(&a.inner, now);
        let variances = pairs.iter().zip(operands.chunks_exact(2)).map(|((a, w), now)| {
            let (v, u) = (moved(a, &now[0]), moved(w, &now[1]));
            a.square * u + w.square * v + v * u
        });
        let mut variance: f64 = variances.sum();
        let terms: Vec<_> = operands.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1])).collect();
        let product = e.dot_lazy(&terms)?;
        variance += e.switching(&product);
        let inner = e.relinearize_and_rescale(&product)?;
        variance += e.rounding(inner.slots, inner.scale);
        let square = pairs.iter().map(|(a, w)| a.square * w.square).sum::<f64>();
        Ok(Self { square: square.min(inner.estimate.bound.powi(2)), variance, inner })
    }

    /// `Σ a_i`. Its mean square is that of integers that are unrelated and have the mean 0.
    ///
    /// # Errors
    /// As [`Evaluator::add`]; also if there is no operand.
    pub fn sum(e: &Evaluator, terms: &[&Self]) -> Result<Self, Error> {
        let operands = e.aligned("add", terms.iter().map(|a| &a.inner))?;
        let variance = terms.iter().zip(&operands).map(|(a, now)| a.variance + grown(&a.inner, now)).sum();
        let inner =
            operands[1..].iter().try_fold(operands[0].clone().into_owned(), |sum, a| e.add_onto(sum, a))?;
        let square = terms.iter().map(|a| a.square).sum::<f64>();
        Ok(Self { square: square.min(inner.estimate.bound.powi(2)), variance, inner })
    }
}

/// Variance that bringing a ciphertext to another level or scale has added.
fn grown(before: &Ciphertext, now: &Ciphertext) -> f64 {
    (now.estimate.error.powi(2) - before.estimate.error.powi(2)).max(0.0)
}

he_core::brief_debug!(SlotIntegers: |a| inner = a.inner, variance = a.variance);
