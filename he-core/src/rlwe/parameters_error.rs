//! Reasons to refuse parameters.

use thiserror::Error;

use super::distribution::SecretDistribution;
use super::security::MIN_SIGMA;
use crate::prime::PrimeError;
use crate::ring::basis::RingError;
use crate::ring::sample::SampleError;

/// Why parameters were refused.
#[derive(Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParametersError {
    /// `log2(Q·P)` above the cap.
    #[error(
        "log2(Q·P) is {log_qp:.1} bits, above the {cap} bits that give 128-bit security at N = 2^{log_n} with this secret"
    )]
    TooLargeModulus {
        /// Bits asked for.
        log_qp: f64,
        /// Bits allowed.
        cap: f64,
        /// Ring dimension.
        log_n: u32,
    },
    /// No estimate covers the combination.
    #[error("no security estimate covers N = 2^{log_n} with a {secret} secret")]
    NoEstimate {
        /// Ring dimension.
        log_n: u32,
        /// Secret.
        secret: SecretDistribution,
    },
    /// An error too narrow.
    #[error("the error deviation is {sigma}, 128-bit security needs at least {MIN_SIGMA}")]
    NarrowError {
        /// Deviation asked for.
        sigma: f64,
    },
    /// A chain without primes.
    #[error("the chain Q has no primes, needed at least one")]
    NoPrimes,
    /// A word in the chain that cannot be used.
    #[error("{value} is no prime below 2^50 that is 1 modulo 2N = {two_n}")]
    BadPrime {
        /// The word.
        value: u64,
        /// Twice the ring dimension.
        two_n: u64,
    },
    /// The digit size does not fit.
    #[error("a key-switching digit has {digit} primes, needed 1 to {limbs}")]
    BadDigit {
        /// Digit size asked for.
        digit: usize,
        /// Primes in the chain.
        limbs: usize,
    },
    /// The special primes do not cover a digit.
    #[error(
        "the special primes have {special:.1} bits, a key-switching digit has {digit:.1}: needed at least as many, to half a bit"
    )]
    SmallSpecial {
        /// Bits of P.
        special: f64,
        /// Bits of the largest digit.
        digit: f64,
    },
    /// The ring dimension is unsupported.
    #[error("the ring dimension is 2^{0}, supported are 2^3 to 2^17")]
    BadDimension(u32),
    /// The error factor shares a factor with the chain, or is zero.
    #[error("the error factor {0} is zero or one of the primes")]
    BadErrorFactor(u64),
    /// Scaled errors that do not fit in a word.
    #[error("the error factor {factor} times errors of up to {error} passes 2^61")]
    WideError {
        /// Error factor.
        factor: u64,
        /// Largest error of the deviation asked for.
        error: u64,
    },
    /// A sparse secret that does not fit.
    #[error("a secret of weight {weight} does not fit in {n} coefficients")]
    BadWeight {
        /// Weight.
        weight: usize,
        /// Ring dimension.
        n: usize,
    },
    /// The ring refused the primes.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The error deviation cannot be sampled.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Insecure parameters without a word why.
    #[error("insecure parameters need a reason why they are right, the one given is empty")]
    NoReason,
    /// Not enough primes exist.
    #[error(transparent)]
    Prime(#[from] PrimeError),
}

crate::debug_as_displayed!(ParametersError);
