//! Circuits written once for all schemes with slots, over what they need of an evaluator.

pub mod linear;
pub mod polynomial;

pub use linear::LinearTransform;
pub use polynomial::evaluate_polynomial;

/// Sums and products of ciphertexts.
pub trait Arithmetic {
    /// A ciphertext.
    type Ciphertext: Clone;
    /// A plaintext ready to be multiplied with.
    type Plaintext;
    /// A constant, the same in every slot.
    type Scalar;
    /// The error of every operation.
    type Error;

    /// `a + b`, at whatever level both can meet.
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, Self::Error>;
    /// `a·b`, relinearized.
    fn mul(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, Self::Error>;
    /// Slot-wise product with a plaintext.
    fn mul_plain(&self, a: &Self::Ciphertext, b: &Self::Plaintext) -> Result<Self::Ciphertext, Self::Error>;
    /// Product with a constant.
    fn mul_scalar(&self, a: &Self::Ciphertext, c: &Self::Scalar) -> Result<Self::Ciphertext, Self::Error>;
    /// Sum with a constant.
    fn add_scalar(&self, a: &Self::Ciphertext, c: &Self::Scalar) -> Result<Self::Ciphertext, Self::Error>;
    /// Whether a constant is zero.
    fn is_zero(&self, c: &Self::Scalar) -> bool;
}

/// Cyclic rotation of slots.
pub trait Rotation: Arithmetic {
    /// Slot `i` of the result is slot `i + steps` of `a`.
    fn rotate(&self, a: &Self::Ciphertext, steps: usize) -> Result<Self::Ciphertext, Self::Error>;
    /// Several rotations of one ciphertext, sharing what can be shared.
    fn rotate_many(
        &self,
        a: &Self::Ciphertext,
        steps: &[usize],
    ) -> Result<Vec<Self::Ciphertext>, Self::Error>;
}
