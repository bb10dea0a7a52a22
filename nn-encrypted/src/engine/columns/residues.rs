//! Arithmetic modulo one plaintext prime.

use he_core::Modulus;
use he_core::wire::{Reader, WireError, Writer};

use crate::engine::Result;
use crate::layout::Rotation;

/// Sums, products and movements of slots modulo one plaintext prime. Plaintexts are slots of centred residues; levels are the scheme's
/// affair.
///
/// # Errors
/// Every operation refuses if a key is missing, an operand list is empty, or noise would exceed the modulus.
pub(crate) trait Residues: Send + Sync {
    type Ciphertext: Clone + Send + Sync;

    /// The plaintext prime.
    fn t(&self) -> Modulus;

    /// `Σ c·a`, of which there is at least one.
    fn sum(&self, terms: &[(i64, &Self::Ciphertext)]) -> Result<Self::Ciphertext>;

    /// `Σ p·a`, slot by slot.
    fn masked_sum(&self, terms: &[(Vec<i64>, &Self::Ciphertext)]) -> Result<Self::Ciphertext>;

    /// `a + p`.
    fn add_plain(&self, a: &Self::Ciphertext, p: &[i64]) -> Result<Self::Ciphertext>;

    /// `a·b`, slot by slot.
    fn product(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Rows rotated to the left, or swapped.
    fn rotate(&self, a: &Self::Ciphertext, rotation: Rotation) -> Result<Self::Ciphertext>;

    /// A ciphertext of these slots over as few primes as still decrypt.
    fn smallest(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// Reads a ciphertext, one that was encrypted if it is `fresh`.
    fn read(&self, from: &mut Reader<'_>, fresh: bool) -> Result<Self::Ciphertext, WireError>;

    fn write(&self, a: &Self::Ciphertext, out: &mut Writer) -> Result<(), WireError>;

    /// For each rotation in turn, the sum so far and its rotation.
    fn rotate_and_add(&self, a: Self::Ciphertext, rotations: &[Rotation]) -> Result<Self::Ciphertext> {
        rotations.iter().try_fold(a, |a, &rotation| self.sum(&[(1, &a), (1, &self.rotate(&a, rotation)?)]))
    }
}
