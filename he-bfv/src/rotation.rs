//! Rotation of slots: rows left by `k`, or the two rows swapped.

use he_bgv::Error;
use he_bgv::rotation::row_element;
use he_core::circuits::Rotation;
use he_core::ring::Steps;

use crate::ciphertext::Ciphertext;
use crate::evaluator::Evaluator;

impl Evaluator {
    /// The automorphism `X ↦ X^g`, `g` odd.
    ///
    /// # Errors
    /// If the operand is foreign or of degree 2, there is no key, or the result would not decrypt.
    pub fn automorphism(&self, a: &Ciphertext, g: usize) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.automorphism(&a.to_bgv(), g)?))
    }

    /// Several automorphisms of one ciphertext, sharing its decomposition.
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn automorphism_many(&self, a: &Ciphertext, elements: &[usize]) -> Result<Vec<Ciphertext>, Error> {
        let turned = self.bgv.automorphism_many(&a.to_bgv(), elements)?;
        Ok(turned.iter().map(|c| self.raise(c)).collect())
    }

    /// Both rows rotated left by `k`, right where it is negative: slot `c` of the result is slot `c + k` of the operand.
    ///
    /// ```
    /// # use he_bfv::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n8192().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor) = (Encoder::new(&params), Encryptor::with_secret(&key));
    /// let keys = key.evaluation_keys(&KeyRequest::default().rotations(&params, &[1], params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let c = encryptor.encrypt(&encoder.encode(&[1, 2, 3, 4])?)?;
    /// let rotated = Decryptor::new(&key)?.decrypt(&evaluator.rotate_rows(&c, 1)?)?;
    /// assert_eq!(encoder.decode(&rotated)?[..4], [2, 3, 4, 0]);
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
    /// # Errors
    /// As [`automorphism`](Self::automorphism); also if `count` is no power of two or passes the row, or the sum may
    /// pass `t/2`.
    pub fn inner_sum(&self, a: &Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.inner_sum(&a.to_bgv(), stride, count)?))
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
