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

/// The vocabulary of encrypted training: slot-wise sums and products, and movement along the axes of the cube.
///
/// Levels and scales modulo the plaintext modulus are the engine's affair.
pub trait SlotEngine: Sync {
    /// A ciphertext, one for each plaintext prime.
    type Ciphertext: Clone + Send + Sync;

    /// `Σ a_i·b_i`, relinearized, at the level where it should go on.
    ///
    /// # Errors
    /// If the noise would exceed the modulus; so for every operation.
    fn dot(&self, pairs: &[(&Self::Ciphertext, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ c_i·a_i`.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn combine(&self, terms: &[(i64, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// `a + c` in every slot.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn add_const(&self, a: &Self::Ciphertext, c: i64) -> Result<Self::Ciphertext, EngineError>;

    /// `Σ mask_i·a_i`.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn masked_sum(&self, terms: &[(Mask, &Self::Ciphertext)]) -> Result<Self::Ciphertext, EngineError>;

    /// Sum of ciphertexts of one level whose noises are unrelated.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn sum(&self, terms: &[&Self::Ciphertext]) -> Result<Self::Ciphertext, EngineError>;

    /// For each `r` of `shifts`, the ciphertext whose image `y` is image `y + r` of `a`, within its half of the images.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn shift_images(
        &self,
        a: &Self::Ciphertext,
        shifts: &[usize],
    ) -> Result<Vec<Self::Ciphertext>, EngineError>;

    /// Sums along a side; right where the index along it is 0.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn sum_side(&self, a: &Self::Ciphertext, side: Side) -> Result<Self::Ciphertext, EngineError>;

    /// Sums over all images of one residue modulo `class`; right everywhere.
    ///
    /// # Errors
    /// See [`dot`](Self::dot).
    fn sum_images(&self, a: &Self::Ciphertext, class: usize) -> Result<Self::Ciphertext, EngineError>;
}
