//! Errors of the scheme.

use he_core::prime::PrimeError;
use he_core::ring::basis::RingError;
use he_core::ring::sample::SampleError;
use he_core::ring::slots::ValuesError;
use he_core::rlwe::{ForeignSecret, OperandError};
use he_core::wire::WireError;
use thiserror::Error;

/// Errors of YASHE. Every message names what was there and what was needed.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// Operands that do not fit the operation.
    #[error(transparent)]
    Operand(#[from] OperandError),
    /// An object under another secret.
    #[error(transparent)]
    ForeignSecret(#[from] ForeignSecret),
    /// Parameters without a word why a broken scheme is right.
    #[error("a broken scheme needs a reason why it is right, the one given is empty")]
    NoReason,
    /// The modulus is too large.
    #[error(
        "log2(q/t) is {log_ratio:.1} bits, above the {bound} bits at which the attack on the dense sublattice takes 2^128 at N = 2^{log_n}"
    )]
    TooLargeModulus {
        /// `log2(q/t)` asked for.
        log_ratio: f64,
        /// The largest allowed.
        bound: f64,
        /// Base-two logarithm of the ring dimension.
        log_n: u32,
    },
    /// No estimate covers the dimension.
    #[error("no security estimate covers N = 2^{0}: there are some for 2^13 to 2^17")]
    NoEstimate(u32),
    /// The ring dimension is unsupported.
    #[error("the ring dimension is 2^{0}, supported are 2^3 to 2^17")]
    BadDimension(u32),
    /// A plaintext modulus out of range.
    #[error("the plaintext modulus is {0}, needed 2 to 2^32")]
    PlaintextModulus(u64),
    /// A number of bits in a digit that cannot be used.
    #[error("a digit has {0} bits, needed 1 to 40")]
    DigitBits(u32),
    /// The plaintext modulus has no slots in this ring.
    #[error("the plaintext modulus {t} has no SIMD slots for N = {n}: needed a prime that is 1 modulo {two_n}", two_n = 2 * n)]
    NoSlots {
        /// Plaintext modulus.
        t: u64,
        /// Ring dimension.
        n: usize,
    },
    /// Values that a plaintext does not hold.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A secret that has no inverse.
    #[error(
        "the secret is zero at a root of X^N + 1 modulo one of the primes and has no inverse: draw another"
    )]
    NotInvertible,
    /// The result would not decrypt.
    #[error(
        "{operation}: the noise would exceed the modulus by {excess:.1} bits; there is no refresh in this scheme"
    )]
    NoiseExhausted {
        /// The operation.
        operation: &'static str,
        /// Bits missing.
        excess: f64,
    },
    /// Too few primes of the form that is needed.
    #[error(transparent)]
    Prime(#[from] PrimeError),
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

he_core::debug_as_displayed!(Error);
