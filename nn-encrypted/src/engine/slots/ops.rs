//! The operations that the steps of a program take of an encryption scheme with slots.

use std::fmt::Debug;
use std::ops::Neg;

use rayon::prelude::*;

use crate::engine::{EngineError, Result};
use crate::layout::{Mask, Rotation};

/// Number of primes of the modulus over which products are computed. Where a number is missing the scheme takes the one that
/// leaves most room for noise; a plan that knows the next steps gets along with fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Level {
    /// The most primes of a product of ciphertexts.
    pub product: Option<usize>,
    /// The most primes of the result.
    pub result: Option<usize>,
}

/// A term of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Added.
    Plus,
    /// Subtracted.
    Minus,
}

/// Slot-wise sums and products, and rotations, on ciphertexts of one scheme.
///
/// Levels, scales and correction factors are the scheme's affair: operands are brought to a common level by itself.
///
/// # Errors
/// Every operation refuses if a key is missing, an operand list is empty, no level is left, or values or noise would exceed the
/// modulus. Those that a scheme has not refuse always.
#[doc(alias = "SlotEngine")]
pub(crate) trait SlotOps: Sync {
    /// A ciphertext; with several plaintext moduli one for each.
    type Ciphertext: Clone + Send + Sync;
    /// A constant in every slot.
    type Scalar: Copy + Debug + Default + Neg<Output = Self::Scalar> + PartialEq + Send + Sync;
    /// A plaintext by name: a set of slots and what stands there.
    type Mask: From<Mask<Self::Scalar>> + Copy + Send + Sync;

    /// 1 in every slot.
    const ONE: Self::Scalar;

    /// `Σ a·b`, to be summed further and relinearized then.
    fn dot(&self, pairs: &[(&Self::Ciphertext, &Self::Ciphertext)], level: Level)
    -> Result<Self::Ciphertext>;

    /// A sum of products, relinearized, over as many primes as its result goes on with.
    fn relinearize(&self, a: &Self::Ciphertext, level: Level) -> Result<Self::Ciphertext>;

    /// The matrix product `Σ_k a_ik·b_kj`, relinearized: `a` has `inner` columns, `b` as many rows; both, and the result, are
    /// given row after row.
    fn products(
        &self,
        inner: usize,
        a: &[&Self::Ciphertext],
        b: &[&Self::Ciphertext],
        level: Level,
    ) -> Result<Vec<Self::Ciphertext>> {
        let (rows, columns) = (a.len() / inner.max(1), b.len() / inner.max(1));
        let (a, b) = (self.reduced(a, b.first().copied())?, self.reduced(b, a.first().copied())?);
        let cell = |at: usize| {
            let (i, j) = (at / columns, at % columns);
            let pairs: Vec<_> = (0..inner).map(|k| (a.get(i * inner + k), b.get(k * columns + j))).collect();
            self.relinearize(&self.dot(&pairs, level)?, level)
        };
        (0..rows * columns).into_par_iter().map(cell).collect()
    }

    /// `a·b`, relinearized.
    fn product(&self, a: &Self::Ciphertext, b: &Self::Ciphertext, level: Level) -> Result<Self::Ciphertext> {
        self.relinearize(&self.dot(&[(a, b)], level)?, level)
    }

    /// `Σ ±a`.
    fn sum(&self, terms: &[(Sign, &Self::Ciphertext)]) -> Result<Self::Ciphertext> {
        let signed = |&(sign, a): &(Sign, _)| (if sign == Sign::Plus { Self::ONE } else { -Self::ONE }, a);
        self.combine(&terms.iter().map(signed).collect::<Vec<_>>())
    }

    /// Sum of ciphertexts of one level whose noises are unrelated.
    fn sum_unrelated(&self, terms: &[&Self::Ciphertext]) -> Result<Self::Ciphertext> {
        self.sum(&terms.iter().map(|a| (Sign::Plus, *a)).collect::<Vec<_>>())
    }

    /// `Σ c_i·a_i`.
    fn combine(&self, terms: &[(Self::Scalar, &Self::Ciphertext)]) -> Result<Self::Ciphertext>;

    /// `a + c` in every slot.
    fn add_const(&self, a: &Self::Ciphertext, c: Self::Scalar) -> Result<Self::Ciphertext>;

    /// `Σ mask_i·a_i`.
    fn masked_sum(&self, terms: &[(Self::Mask, &Self::Ciphertext)], level: Level)
    -> Result<Self::Ciphertext>;

    /// For each `k` of `steps` the ciphertext whose slot `j` is slot `j + k` of the operand, within each row of slots.
    fn rotate_many(&self, a: &Self::Ciphertext, steps: &[isize]) -> Result<Vec<Self::Ciphertext>>;

    /// For each rotation in turn, the sum of the ciphertext so far and its rotation.
    fn rotate_and_add(&self, a: Self::Ciphertext, rotations: &[Rotation]) -> Result<Self::Ciphertext> {
        rotations.iter().try_fold(a, |a, rotation| match rotation {
            Rotation::Rows(k) => self.add(&a, &self.rotate(&a, *k as isize)?),
            Rotation::Swap => Err(EngineError::Unplanned("a swap of rows where slots form one cycle".into())),
        })
    }

    /// `a`, or if it is at a higher level than `b`, the same at the level of `b`: once for many products.
    fn reduce_for(&self, _a: &Self::Ciphertext, _b: &Self::Ciphertext) -> Result<Option<Self::Ciphertext>> {
        Ok(None)
    }

    /// The values, known to stay below a bound.
    fn with_bound(&self, a: Self::Ciphertext, _bound: f64) -> Result<Self::Ciphertext> {
        Ok(a)
    }

    /// The values, of magnitude up to 1, with all levels.
    fn bootstrap(&self, _a: &Self::Ciphertext) -> Result<Self::Ciphertext> {
        Err(EngineError::Unplanned("bootstrapping".into()))
    }

    /// `a + b`.
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext> {
        self.sum(&[(Sign::Plus, a), (Sign::Plus, b)])
    }

    /// Slot `j` of the result is slot `j + k` of the operand.
    fn rotate(&self, a: &Self::Ciphertext, k: isize) -> Result<Self::Ciphertext> {
        self.rotate_many(a, &[k])?.pop().ok_or(EngineError::Empty)
    }

    /// Operands at the level of the first of those they are multiplied with, if that is lower.
    fn reduced<'a>(
        &self,
        operands: &[&'a Self::Ciphertext],
        other: Option<&Self::Ciphertext>,
    ) -> Result<Reduced<'a, Self::Ciphertext>> {
        let other = other.ok_or(EngineError::Empty)?;
        let made: Result<Vec<_>> =
            operands.par_iter().map(|operand| self.reduce_for(operand, other)).collect();
        Ok(Reduced { operands: operands.to_vec(), made: made? })
    }
}

/// Operands, some of them at a lower level.
pub struct Reduced<'a, C> {
    operands: Vec<&'a C>,
    made: Vec<Option<C>>,
}

impl<C> Reduced<'_, C> {
    /// The operand at a place.
    pub fn get(&self, place: usize) -> &C {
        self.made[place].as_ref().unwrap_or(self.operands[place])
    }
}
