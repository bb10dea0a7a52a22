//! Errors of the scheme.

use he_core::ModulusError;
use he_core::prime::PrimeError;
use he_core::ring::ntt::NttError;
use he_core::ring::sample::SampleError;
use he_core::rlwe::ForeignSecret;
use he_core::wire::WireError;
use thiserror::Error;

/// Errors of the scheme. Every message names what was there, what was needed and, where there is one, the remedy.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of a specification out of range.
    #[error("{field} is {found}, needed {needed}")]
    Spec {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// Its range.
        needed: String,
    },
    /// Noise too small for the dimension.
    #[error(
        "the deviation of the {which} noise is 2^{found:.2} of the torus, 128-bit security at dimension {dimension} needs at least 2^{needed:.2}"
    )]
    Insecure {
        /// Which key it is for.
        which: &'static str,
        /// `log2` of the deviation.
        found: f64,
        /// Its least value.
        needed: f64,
        /// The dimension.
        dimension: usize,
    },
    /// Parameters that fail more often than they promise.
    #[error("bootstraps fail with probability 2^{predicted:.1}, the specification promises 2^{promised:.1}")]
    Unreliable {
        /// `log2` of the probability by the formula.
        predicted: f64,
        /// `log2` of the promised probability.
        promised: f64,
    },
    /// Insecure parameters without a reason.
    #[error("insecure parameters need a reason why they are right, the one given is empty")]
    NoReason,
    /// A message that is no plaintext; it is not named, since it may be secret.
    #[error("{what}: the message at place {index} is out of range, needed less than {modulus}")]
    MessageOutOfRange {
        /// The operation.
        what: &'static str,
        /// Its place.
        index: usize,
        /// Number of messages.
        modulus: u64,
    },
    /// A phase that is no plaintext; it is not named, since it may be secret.
    #[error("decryption: the ciphertext holds no {expected}; {remedy}")]
    NoPlaintext {
        /// Plaintexts there are.
        expected: String,
        /// A way to go on.
        remedy: &'static str,
    },
    /// A table that does not fit.
    #[error("a table has {found} values, needed {needed}")]
    TableSize {
        /// Values given.
        found: usize,
        /// Values there must be.
        needed: String,
    },
    /// A table with a value that is no message.
    #[error("the table has value {value} at {index}, needed less than {modulus}")]
    TableValue {
        /// The input.
        index: usize,
        /// The value.
        value: u64,
        /// Number of messages.
        modulus: u64,
    },
    /// Objects of different parameters in one operation.
    #[error("{operation}: the {object} belongs to other parameters")]
    Foreign {
        /// The operation.
        operation: &'static str,
        /// The foreign object.
        object: &'static str,
    },
    /// An object under another secret.
    #[error(transparent)]
    ForeignSecret(#[from] ForeignSecret),
    /// An operand that would fail too often.
    #[error(
        "{operation}: the noise of the operand has deviation 2^{found:.2}, the parameters allow 2^{allowed:.2}; bootstrap it first, or choose parameters for a larger squared norm"
    )]
    TooNoisy {
        /// The operation.
        operation: &'static str,
        /// `log2` of the deviation of the operand.
        found: f64,
        /// `log2` of the largest deviation allowed.
        allowed: f64,
    },
    /// Numbers of operands that do not go together.
    #[error("{operation}: {found} operands, needed {needed}")]
    Count {
        /// The operation.
        operation: &'static str,
        /// Operands given.
        found: usize,
        /// Operands needed.
        needed: String,
    },
    /// A table whose outputs leave no room for noise.
    #[error(
        "{operation}: with {outputs} outputs at one blind rotation the switches alone leave a deviation of 2^{found:.2}, the parameters allow 2^{allowed:.2} in all; take a table for each output, or parameters with a polynomial size of {polynomial_size} or more"
    )]
    Coarse {
        /// The operation.
        operation: &'static str,
        /// Outputs of the table.
        outputs: usize,
        /// `log2` of the deviation that the switches leave.
        found: f64,
        /// `log2` of the largest deviation allowed.
        allowed: f64,
        /// Polynomial size at which the modulus switch leaves as little as it does here for one output.
        polynomial_size: usize,
    },
    /// Parameters without a circuit part.
    #[error(
        "{operation}: the parameters have no circuit part, as Spec::message_2_carry_2_wide_failure_64 has one"
    )]
    NoCircuit {
        /// The operation.
        operation: &'static str,
    },
    /// Keys that were not made.
    #[error("{operation} needs {needed}, which these evaluation keys do not have")]
    MissingKey {
        /// The operation.
        operation: &'static str,
        /// The key.
        needed: &'static str,
    },
    /// No modulus.
    #[error(transparent)]
    Modulus(#[from] ModulusError),
    /// No prime.
    #[error(transparent)]
    Prime(#[from] PrimeError),
    /// No transform.
    #[error(transparent)]
    Ntt(#[from] NttError),
    /// No randomness, or a width that cannot be sampled.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Bytes that are no object.
    #[error(transparent)]
    Wire(#[from] WireError),
}

he_core::debug_as_displayed!(Error);
