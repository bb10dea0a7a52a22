//! What the steps of a plan need of an encryption scheme with slots, and what runs them.

mod bgv;
mod channel;
#[cfg(test)]
mod clear_slots;
mod execute;
#[cfg(test)]
mod tests;
mod usage;

pub use bgv::BgvEngine;
pub use channel::{Channel, ChannelSpec};
pub use execute::{Executor, Geometry, Store};
pub use usage::{Cost, Turn, Usage};

use crate::packing::{Mask, Side};

/// An engine refused an operation.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The scheme refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// A sum of nothing.
    #[error("a sum without terms")]
    Empty,
}

/// Limbs at which products are computed. Where a number is missing the engine chooses the one that leaves most room for
/// noise; a plan that knows what comes next gets along with fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Level {
    /// The most limbs of a product of ciphertexts.
    pub product: Option<usize>,
    /// The most limbs of the result.
    pub result: Option<usize>,
}

/// The vocabulary of encrypted training: slot-wise sums and products, and movement along the axes of the cube.
///
/// Levels and scales modulo the plaintext modulus are the engine's affair.
pub trait SlotEngine: Sync {
    /// A ciphertext, one for each plaintext prime.
    type Ciphertext: Clone + Send + Sync;

    /// The matrix product `Σ_k a_ik·b_kj`, relinearized: `a` has `inner` columns, `b` as
    /// many rows; both, and the result, are given row after row.
    ///
    /// # Errors
    /// If a matrix is empty, or the noise would exceed the modulus; so for every operation.
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
    /// See [`products`](Self::products).
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
    /// See [`products`](Self::products).
    fn combine(&self, terms: &[(i64, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `a + c` in every slot.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn add_const(&self, a: &Self::Ciphertext, c: i64) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ mask_i·a_i`.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn masked_sum(
        &self,
        terms: &[(Mask, &Self::Ciphertext)],
        level: Level,
    ) -> Result<Self::Ciphertext, EngineError>;

    /// Sum of ciphertexts of one level whose noises are unrelated.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn sum(&self, terms: &[&Self::Ciphertext]) -> Result<Self::Ciphertext, EngineError>;

    /// For each `r` of `shifts`, the ciphertext whose image `y` is image `y + r` of `a`, within its half of the images.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn shift_images(
        &self,
        a: &Self::Ciphertext,
        shifts: &[usize],
    ) -> Result<Vec<Self::Ciphertext>, EngineError>;

    /// Sums the first `count` along a side, or some more of what follows up to a power of two, which must be zeros; right
    /// where the index along it is 0.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn sum_side(
        &self,
        a: &Self::Ciphertext,
        side: Side,
        count: usize,
    ) -> Result<Self::Ciphertext, EngineError>;

    /// Sums over all images of one residue modulo `class`; right everywhere.
    ///
    /// # Errors
    /// See [`products`](Self::products).
    fn sum_images(&self, a: &Self::Ciphertext, class: usize) -> Result<Self::Ciphertext, EngineError>;
}
