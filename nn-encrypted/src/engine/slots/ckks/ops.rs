//! The operations that the steps of a program take of an approximate scheme whose slots form one cycle.

use he_ckks::Complex64;

use crate::engine::EngineError;
use crate::layout::Mask;

/// A term of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Added.
    Plus,
    /// Subtracted.
    Minus,
}

/// A set of slots and the value there, times the constants that stand beside the weights of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealMask {
    /// Slots and value.
    pub mask: Mask<Complex64>,
    /// The tile whose constants they are; none where all are 1.
    pub factors: Option<usize>,
}

/// Slot-wise sums and products of complex numbers, rotations and bootstraps.
///
/// Slots form one cycle. Levels and scales are the scheme's affair: operands are brought to the lower level.
///
/// # Errors
/// Every operation refuses if a key is missing, an operand list is empty, no level is left, or the values would exceed the
/// modulus.
#[doc(alias = "Slots")]
pub trait RealOps: Sync {
    /// A ciphertext.
    type Ciphertext: Clone + Send + Sync;

    /// `Σ a·b`, to be summed further and relinearized then.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn dot(&self, pairs: &[(&Self::Ciphertext, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// A sum of products, relinearized and rescaled: takes a level.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn relinearize(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ ±a`.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn sum(&self, terms: &[(Sign, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `a + c` in every slot.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn add_const(&self, a: &Self::Ciphertext, c: f64) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ c·a`: takes a level.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn combine(&self, terms: &[(Complex64, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ mask·a`: takes a level.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn masked_sum(&self, terms: &[(RealMask, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// For each `k` of `steps` the ciphertext whose slot `j` is slot `j + k` of the operand.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn rotate_many(
        &self,
        a: &Self::Ciphertext,
        steps: &[isize],
    ) -> Result<Vec<Self::Ciphertext>, EngineError>;

    /// The complex conjugates.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn conjugate(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, EngineError>;

    /// In a compact gradient, the sum over all entries that hold one weight, in each of them: takes a level.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn sum_shared(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, EngineError>;

    /// The values, of magnitude up to 1, with all levels.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn bootstrap(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, EngineError>;

    /// `a` at the level at which it can be multiplied with `b`, once for many products.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn reduce_for(&self, a: &Self::Ciphertext, b: &Self::Ciphertext)
    -> Result<Self::Ciphertext, EngineError>;

    /// The values, known to stay below a bound.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn with_bound(&self, a: Self::Ciphertext, bound: f64) -> Result<Self::Ciphertext, EngineError>;

    /// `a + b`.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, EngineError> {
        self.sum(&[(Sign::Plus, a), (Sign::Plus, b)])
    }

    /// Slot `j` of the result is slot `j + k` of the operand.
    ///
    /// # Errors
    /// See [`RealOps`].
    fn rotate(&self, a: &Self::Ciphertext, k: isize) -> Result<Self::Ciphertext, EngineError> {
        self.rotate_many(a, &[k])?.pop().ok_or(EngineError::Empty)
    }
}
