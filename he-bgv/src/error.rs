//! Errors of the scheme.

use he_core::ring::basis::RingError;
use he_core::ring::sample::SampleError;
use he_core::ring::slots::ValuesError;
use he_core::rlwe::{ForeignSecret, OperandError, ParametersError};
use he_core::wire::WireError;
use thiserror::Error;

/// Errors of BGV. Every message names what was there and what was needed.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// Operands that do not fit the operation.
    #[error(transparent)]
    Operand(#[from] OperandError),
    /// An object under another secret.
    #[error(transparent)]
    ForeignSecret(#[from] ForeignSecret),
    /// Parameters that are weak or inconsistent.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// A plaintext modulus out of range.
    #[error("the plaintext modulus is {0}, needed 2 to 2^49")]
    PlaintextModulus(u64),
    /// The plaintext modulus has no slots in this ring.
    #[error("the plaintext modulus {t} has no SIMD slots for N = {n}: needed a prime that is 1 modulo {two_n}", two_n = 2 * n)]
    NoSlots {
        /// Plaintext modulus.
        t: u64,
        /// Ring dimension.
        n: usize,
    },
    /// A value that the plaintext modulus cannot tell from another.
    #[error("value {value} at place {index} is outside the plaintext range -{half} to {half}")]
    ValueOutOfRange {
        /// The value.
        value: i64,
        /// Where it stands.
        index: usize,
        /// Largest magnitude.
        half: i64,
    },
    /// A value above the bound that was stated for all.
    #[error(
        "value {value} at place {index} is above the bound {most}; state a larger one (Encoder::with_bound), or ask for arithmetic modulo t by name (Encoder::modular)"
    )]
    AboveBound {
        /// The value.
        value: i64,
        /// Where it stands.
        index: usize,
        /// The bound.
        most: u64,
    },
    /// The result would not decrypt.
    #[error(
        "{operation}: the noise would exceed the modulus by {excess:.1} bits; start from a longer chain, or refresh earlier"
    )]
    NoiseExhausted {
        /// The operation.
        operation: &'static str,
        /// Bits missing.
        excess: f64,
    },
    /// The ciphertexts of one sum of products carry different correction factors.
    #[error("{operation}: the operands carry different correction factors; add them one by one")]
    MixedCorrectionFactors {
        /// The operation.
        operation: &'static str,
    },
    /// A product of a degree that no ciphertext can have.
    #[error("{operation}: the product has degree {degree}, at most {most} are possible: relinearize before")]
    HighDegree {
        /// The operation.
        operation: &'static str,
        /// Degree of the product.
        degree: usize,
        /// The highest.
        most: usize,
    },
    /// A correction factor that no ciphertext can have.
    #[error("the correction factor is {factor}, needed a unit below {t}")]
    CorrectionFactor {
        /// The factor.
        factor: u64,
        /// Plaintext modulus.
        t: u64,
    },
    /// A number of factors that a slot transform cannot have.
    #[error("a slot transform of {wanted} factors: needed 1 to {most}")]
    Factors {
        /// Asked for.
        wanted: usize,
        /// The most there can be.
        most: usize,
    },
    /// A slot transform of the other direction.
    #[error("{operation}: the slot transform goes the other way")]
    Direction {
        /// The operation.
        operation: &'static str,
    },
    /// A modulus that the ring does not take.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Bytes that are no object of this kind.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl From<ValuesError> for Error {
    fn from(error: ValuesError) -> Self {
        match error {
            ValuesError::TooMany { given, capacity } => {
                OperandError::TooManyValues { given, capacity }.into()
            }
            ValuesError::OutOfRange { value, index, half } => Self::ValueOutOfRange { value, index, half },
            ValuesError::AboveBound { value, index, most } => Self::AboveBound { value, index, most },
        }
    }
}

he_core::debug_as_displayed!(Error);
