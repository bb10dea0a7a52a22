//! The operations that the steps of a program take of an encryption scheme with slots.

use std::fmt::Debug;

use crate::engine::EngineError;
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

/// Slot-wise sums and products, and rotations, on ciphertexts of one scheme.
///
/// Levels, scales and correction factors are the scheme's affair: operands are brought to a common level by itself.
///
/// # Errors
/// Every operation refuses if a key is missing, an operand list is empty, or the noise would exceed the modulus.
#[doc(alias = "SlotEngine")]
pub trait SlotOps: Sync {
    /// A ciphertext; with several plaintext moduli one for each.
    type Ciphertext: Clone + Send + Sync;
    /// A constant in every slot.
    type Scalar: Copy + Debug + PartialEq + From<i32> + Send + Sync;

    /// The matrix product `Σ_k a_ik·b_kj`, relinearized: `a` has `inner` columns, `b` as many rows; both, and the result, are
    /// given row after row.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn products(
        &self,
        inner: usize,
        a: &[&Self::Ciphertext],
        b: &[&Self::Ciphertext],
        level: Level,
    ) -> Result<Vec<Self::Ciphertext>, EngineError>;

    /// `a·b`, as a matrix product of one element.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn product(
        &self,
        a: &Self::Ciphertext,
        b: &Self::Ciphertext,
        level: Level,
    ) -> Result<Self::Ciphertext, EngineError> {
        self.products(1, &[a], &[b], level)?.pop().ok_or(EngineError::Empty)
    }

    /// `Σ c_i·a_i`.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn combine(&self, terms: &[(Self::Scalar, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `a + c` in every slot.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn add_const(&self, a: &Self::Ciphertext, c: Self::Scalar) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ mask_i·a_i`.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn masked_sum(
        &self,
        terms: &[(Mask<Self::Scalar>, &Self::Ciphertext)],
        level: Level,
    ) -> Result<Self::Ciphertext, EngineError>;

    /// Sum of ciphertexts of one level whose noises are unrelated.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn sum(&self, terms: &[&Self::Ciphertext]) -> Result<Self::Ciphertext, EngineError>;

    /// For each `k` of `steps` the ciphertext rotated to the left by `k` slots, within each row of slots.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn rotate_many(
        &self,
        a: &Self::Ciphertext,
        steps: &[usize],
    ) -> Result<Vec<Self::Ciphertext>, EngineError>;

    /// For each rotation in turn, the sum of the ciphertext so far and its rotation.
    ///
    /// # Errors
    /// See [`SlotOps`].
    fn rotate_and_add(
        &self,
        a: &Self::Ciphertext,
        rotations: &[Rotation],
    ) -> Result<Self::Ciphertext, EngineError>;
}
