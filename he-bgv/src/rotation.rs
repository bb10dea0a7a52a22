//! Rotation of slots: rows left by `k`, or the two rows swapped.

use he_core::circuits::Rotation;
use he_core::ring::Steps;
use he_core::rlwe::{Digits, OperandError};
use rayon::prelude::*;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::noise::Noise;

pub use crate::elements::row_element;

impl Evaluator {
    /// The automorphism `X ↦ X^g`, `g` odd.
    ///
    /// # Errors
    /// If the operand is foreign or of degree 2, there is no key, or the result would not decrypt.
    pub fn automorphism(&self, a: &Ciphertext, g: usize) -> Result<Ciphertext, Error> {
        self.check_rotation(a)?;
        if g == 1 {
            return Ok(a.clone());
        }
        let inner = self.keys.inner.automorphism(&a.inner, g).ok_or_else(|| self.missing(g, a))?;
        let bound = a.bound.after_automorphism(self.params.n());
        self.finish("rotate", inner, a.factor, self.rotated_noise(a, g), bound)
    }

    fn rotated_noise(&self, a: &Ciphertext, g: usize) -> Noise {
        self.params.noise().key_switch(a.noise.after_automorphism(g), a.level())
    }

    fn check_rotation(&self, a: &Ciphertext) -> Result<(), Error> {
        self.check("rotate", a)?;
        if a.degree() != 1 {
            return Err(OperandError::Degree { operation: "rotate", degree: a.degree() }.into());
        }
        Ok(())
    }

    /// Several automorphisms of one ciphertext, sharing its decomposition.
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn automorphism_many(&self, a: &Ciphertext, elements: &[usize]) -> Result<Vec<Ciphertext>, Error> {
        self.check_rotation(a)?;
        if elements.iter().filter(|&&g| g != 1).count() < 2 {
            return elements.iter().map(|&g| self.automorphism(a, g)).collect();
        }
        let digits = Digits::decompose(self.params.rlwe(), &a.inner.parts()[1]);
        (elements.par_iter())
            .map(|&g| {
                if g == 1 {
                    return Ok(a.clone());
                }
                let inner = self.keys.inner.automorphism_hoisted(&a.inner, &digits, g);
                let inner = inner.ok_or_else(|| self.missing(g, a))?;
                let bound = a.bound.after_automorphism(self.params.n());
                self.finish("rotate", inner, a.factor, self.rotated_noise(a, g), bound)
            })
            .collect()
    }

    /// Both rows rotated left by `k`, right where it is negative: slot `c` of the result is slot `c + k` of the operand.
    ///
    /// ```
    /// # use he_bgv::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n8192().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let keys = key.evaluation_keys(&KeyRequest::default().rotations(&params, &[1, 2], params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let c = encryptor.encrypt(&encoder.encode(&[1, 2, 3, 4])?)?;
    /// let rotated = evaluator.rotate_rows(&c, 1)?;
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&rotated)?)?[..4], [2, 3, 4, 0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn rotate_rows(&self, a: &Ciphertext, k: impl Steps) -> Result<Ciphertext, Error> {
        self.automorphism(a, row_element(&self.params, k))
    }

    /// The two rows swapped.
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn swap_rows(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.automorphism(a, 2 * self.params.n() - 1)
    }

    /// Slot `c` of the result is the sum of the slots `c, c + stride, …, c + (count − 1)·stride` of its row; `count` a
    /// power of two. Takes `log2 count` rotations, by `stride·2^i`.
    ///
    /// ```
    /// # use he_bgv::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n8192().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let keys = key.evaluation_keys(&KeyRequest::default().rotations(&params, &[1, 2], params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let c = encryptor.encrypt(&encoder.clone().with_bound(4).encode(&[1, 2, 3, 4])?)?;
    /// let sum = evaluator.inner_sum(&c, 1, 4)?;
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&sum)?)?[0], 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism); also if `count` is no power of two or passes the row, or the sum may pass `t/2`.
    pub fn inner_sum(&self, a: &Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, Error> {
        let row = self.params.n() / 2;
        if !count.is_power_of_two() || stride.checked_mul(count).is_none_or(|span| span > row) {
            return Err(OperandError::InnerSum { count, stride, capacity: row }.into());
        }
        if stride == 0 {
            return self.mul_const(a, count as i64);
        }
        self.check_rotation(a)?;
        self.within("inner sum", a.bound.scaled(count as u64))?;
        let mut sum = a.clone();
        let mut step = stride;
        while step < stride * count {
            let turned = self.rotate_rows(&sum, step)?;
            // The operand may be a sum of this kind itself, which its rotations repeat.
            sum = self.add_alike("inner sum", sum, &turned, Noise::add_related)?;
            step *= 2;
        }
        Ok(sum)
    }

    /// The sum of two ciphertexts of one level and one correction factor whose noises are unrelated: such as one and its
    /// rotation, unless it is nearly invariant under it, as a sum of rotations is.
    ///
    /// # Errors
    /// If they differ in level or correction factor, one is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add_unrelated(&self, a: Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.add_alike("sum", a, b, Noise::add_unrelated)
    }

    /// The error for a Galois key that is not there, by the name of what it does.
    fn missing(&self, g: usize, a: &Ciphertext) -> OperandError {
        let n = self.params.n();
        let key = match (0..n / 2).find(|&k| row_element(&self.params, k) == g) {
            Some(k) => format!("key that rotates by {k}, X -> X^{g}"),
            None if g == 2 * n - 1 => format!("key that swaps the rows, X -> X^{g}"),
            None => format!("Galois key of X -> X^{g}"),
        };
        OperandError::MissingKey { operation: "rotate", key, level: a.level() }
    }

    fn add_alike(
        &self,
        operation: &'static str,
        a: Ciphertext,
        b: &Ciphertext,
        combine: impl FnOnce(Noise, Noise) -> Noise,
    ) -> Result<Ciphertext, Error> {
        self.check_all(operation, [&a, b])?;
        if a.level() != b.level() {
            return Err(OperandError::Level { operation, wanted: a.level(), present: b.level() }.into());
        }
        if a.factor != b.factor {
            return Err(Error::MixedCorrectionFactors { operation });
        }
        let bound = self.within(operation, a.bound.plus(operation, b.bound, self.params.n())?)?;
        let mut inner = a.inner;
        inner.add_assign(&b.inner);
        self.finish(operation, inner, a.factor, combine(a.noise, b.noise), bound)
    }
}

impl Rotation for Evaluator {
    fn rotate(&self, a: &Ciphertext, steps: usize) -> Result<Ciphertext, Error> {
        self.rotate_rows(a, steps)
    }

    fn rotate_many(&self, a: &Ciphertext, steps: &[usize]) -> Result<Vec<Ciphertext>, Error> {
        let elements: Vec<usize> = steps.iter().map(|&k| row_element(&self.params, k)).collect();
        self.automorphism_many(a, &elements)
    }
}
