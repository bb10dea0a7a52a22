//! The operations of an approximate scheme whose slots are complex and form one cycle.

use he_ckks::Complex64;

use crate::engine::Result;
use crate::engine::slots::SlotOps;
use crate::layout::Mask;

/// A set of slots and the value there, times the constants that stand beside the weights of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealMask {
    /// Slots and value.
    pub mask: Mask<Complex64>,
    /// The tile whose constants they are; none where all are 1.
    pub factors: Option<usize>,
}

impl From<Mask<Complex64>> for RealMask {
    fn from(mask: Mask<Complex64>) -> Self {
        Self { mask, factors: None }
    }
}

/// Operations beside [`SlotOps`] that complex numbers have.
pub trait RealOps: SlotOps<Scalar = Complex64, Mask = RealMask> {
    /// The complex conjugates.
    fn conjugate(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext>;

    /// In a compact gradient, the sum over all entries that hold one weight, in each of them: takes a level.
    fn sum_shared(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext>;
}
