//! Rotation and conjugation of slots.

use he_core::circuits::Rotation;
use he_core::ring::Steps;
use he_core::rlwe::{Digits, OperandError};
use rayon::prelude::*;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;

pub use crate::elements::{conjugation_element, rotation_element};

impl Evaluator {
    fn switched_estimate(&self, a: &Ciphertext) -> Estimate {
        a.estimate.with_noise(self.switching(a))
    }

    pub(crate) fn check_rotation(&self, operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
        self.check(operation, a)?;
        match a.degree() {
            1 => Ok(()),
            degree => Err(OperandError::Degree { operation, degree }.into()),
        }
    }

    fn automorphism(&self, operation: &'static str, a: &Ciphertext, g: usize) -> Result<Ciphertext, Error> {
        self.check_rotation(operation, a)?;
        if g == 1 {
            return Ok(a.clone());
        }
        let inner = self.keys.inner.automorphism(&a.inner, g).ok_or_else(|| missing(operation, g, a))?;
        self.finish(operation, inner, a.scale, a.slots, self.switched_estimate(a))
    }

    /// Slots rotated left by `k`, right where it is negative: slot `j` of the result is slot `j + k` of the operand.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n8192().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let keys = key.evaluation_keys(&KeyRequest::default().rotations(&params, &[1], params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let c = encryptor.encrypt(&encoder.with_bound(4.0).encode(&[1.0, 2.0, 3.0])?)?;
    /// let rotated = decryptor.decrypt(&evaluator.rotate(&c, 1)?)?;
    /// assert!((rotated[0] - 2.0).abs() < 1e-5 && (rotated[1] - 3.0).abs() < 1e-5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the operand is foreign or of degree 2, or there is no key.
    pub fn rotate(&self, a: &Ciphertext, k: impl Steps) -> Result<Ciphertext, Error> {
        self.automorphism("rotate", a, rotation_element(&self.params, k))
    }

    /// The complex conjugates.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate).
    pub fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.automorphism("conjugate", a, conjugation_element(&self.params))
    }

    /// Several rotations of one ciphertext, sharing its decomposition.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate).
    pub fn rotate_many(&self, a: &Ciphertext, steps: &[impl Steps]) -> Result<Vec<Ciphertext>, Error> {
        let operation = "rotate";
        self.check_rotation(operation, a)?;
        let digits = Digits::decompose(self.params.rlwe(), &a.inner.parts()[1]);
        (steps.par_iter())
            .map(|&k| match rotation_element(&self.params, k) {
                1 => Ok(a.clone()),
                g => {
                    let inner = self.keys.inner.automorphism_hoisted(&a.inner, &digits, g);
                    let inner = inner.ok_or_else(|| missing(operation, g, a))?;
                    self.finish(operation, inner, a.scale, a.slots, self.switched_estimate(a))
                }
            })
            .collect()
    }

    /// Slot `j` of the result is the sum of the slots `j, j + stride, …, j + (count − 1)·stride`; `count` a power of two.
    /// Takes `log2 count` rotations, by `stride·2^i`.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate); also if `count` is no power of two or `stride·count` passes the slots.
    pub fn inner_sum(&self, a: &Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, Error> {
        let slots = self.params.slots();
        if !count.is_power_of_two() || stride.checked_mul(count).is_none_or(|span| span > slots) {
            return Err(OperandError::InnerSum { count, stride, capacity: slots }.into());
        }
        if stride == 0 {
            return self.mul_integer(a, count as i64);
        }
        self.check_rotation("inner sum", a)?;
        let mut sum = a.clone();
        let mut step = stride;
        while step < stride * count {
            sum = self.add(&sum, &self.rotate(&sum, step)?)?;
            step *= 2;
        }
        Ok(sum)
    }
}

pub(crate) fn missing(operation: &'static str, g: usize, a: &Ciphertext) -> OperandError {
    let two_n = 2 * a.params.n();
    let key = if g == two_n - 1 {
        "conjugation key".to_owned()
    } else {
        let by = std::iter::successors(Some(1usize), |power| Some(power * 5 % two_n)).take(two_n / 4);
        match by.enumerate().find(|(_, power)| *power == g) {
            Some((k, _)) => format!("key that rotates by {k}, X -> X^{g}"),
            None => format!("Galois key of X -> X^{g}"),
        }
    };
    OperandError::MissingKey { operation, key, level: a.level() }
}

impl Rotation for Evaluator {
    fn rotate(&self, a: &Ciphertext, steps: usize) -> Result<Ciphertext, Error> {
        Self::rotate(self, a, steps)
    }

    fn rotate_many(&self, a: &Ciphertext, steps: &[usize]) -> Result<Vec<Ciphertext>, Error> {
        Self::rotate_many(self, a, steps)
    }
}
