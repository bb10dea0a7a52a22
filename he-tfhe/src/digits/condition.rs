//! Conditions: what comparisons give, and select takes.
//!
//! A condition is the message 0 or 1. Gates have other bits, `−1/8` and `1/8` of the torus, so a condition is of a type that they
//! do not take.

use super::backend::Backend;
use super::evaluator::DigitEvaluator;
use crate::decryption::Decryptor;
use crate::error::Error;
use crate::lwe::LweCiphertext;

/// Whether something holds, encrypted: 1 if so, else 0.
///
/// ```
/// # use he_tfhe::*;
/// use he_tfhe::digits::{DigitEvaluator, decrypt_conditions, encrypt};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let (a, b) = (encrypt(&encryptor, &[3, -7], 4)?, encrypt(&encryptor, &[2, -7], 4)?);
/// let digits = DigitEvaluator::new(&server)?;
/// let either = digits.or(&digits.lt(&a, &b)?, &digits.eq(&a, &b)?)?;
/// assert_eq!(decrypt_conditions(&decryptor, &either)?, [false, true]);
/// # Ok(())
/// # }
/// ```
/// Gates do not take it:
/// ```compile_fail,E0308
/// # fn f(server: &he_tfhe::Evaluator, c: &he_tfhe::digits::Condition) {
/// let not = server.not(c);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Condition<D = LweCiphertext>(D);

impl<D> Condition<D> {
    /// Of a digit that holds 0 or 1, which nothing can check.
    pub fn new(digit: D) -> Self {
        Self(digit)
    }

    /// The digit that holds 0 or 1.
    pub fn digit(&self) -> &D {
        &self.0
    }
}

/// Decrypts conditions.
///
/// # Errors
/// If one belongs to other parameters, or is neither 0 nor 1: that depends on the key, and is not to be shown to whoever sent it.
pub fn decrypt_conditions(decryptor: &Decryptor<'_>, conditions: &[Condition]) -> Result<Vec<bool>, Error> {
    let read = |(index, condition): (usize, &Condition)| match decryptor.rounded(condition.digit())? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::MessageOutOfRange { what: "decryption of a condition", index, modulus: 2 }),
    };
    conditions.iter().enumerate().map(read).collect()
}

impl<B: Backend> DigitEvaluator<B> {
    /// Whether both hold, element by element, at one bootstrap each.
    ///
    /// # Errors
    /// If the slices differ in length, or a condition belongs to other parameters or is too noisy.
    pub fn and(
        &self,
        a: &[Condition<B::Digit>],
        b: &[Condition<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.of_sum(a, b, |x| i64::from(x == 2))
    }

    /// Whether one of two holds, or both, element by element, at one bootstrap each.
    ///
    /// # Errors
    /// As [`and`](Self::and).
    pub fn or(
        &self,
        a: &[Condition<B::Digit>],
        b: &[Condition<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.of_sum(a, b, |x| i64::from(x > 0))
    }

    /// Whether just one of two holds, element by element, at one bootstrap each.
    ///
    /// # Errors
    /// As [`and`](Self::and).
    pub fn xor(
        &self,
        a: &[Condition<B::Digit>],
        b: &[Condition<B::Digit>],
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.of_sum(a, b, |x| i64::from(x == 1))
    }

    /// Whether it does not hold, without a bootstrap.
    ///
    /// # Errors
    /// If a condition belongs to other parameters.
    pub fn not(&self, a: &[Condition<B::Digit>]) -> Result<Vec<Condition<B::Digit>>, Error> {
        Ok(conditions(self.linear(&[(-1, &digits(a))], 1)?))
    }

    fn of_sum(
        &self,
        a: &[Condition<B::Digit>],
        b: &[Condition<B::Digit>],
        f: impl Fn(i64) -> i64,
    ) -> Result<Vec<Condition<B::Digit>>, Error> {
        self.check_count("a condition of two", b.len(), a.len())?;
        let mut layer = self.layer();
        layer.push(self.linear(&[(1, &digits(a)), (1, &digits(b))], 0)?, f);
        Ok(conditions(layer.run()?.swap_remove(0)))
    }
}

/// The digits of conditions.
pub(super) fn digits<D: Clone>(conditions: &[Condition<D>]) -> Vec<D> {
    conditions.iter().map(|condition| condition.0.clone()).collect()
}

/// Conditions of digits that hold 0 or 1.
pub(super) fn conditions<D>(digits: Vec<D>) -> Vec<Condition<D>> {
    digits.into_iter().map(Condition).collect()
}
