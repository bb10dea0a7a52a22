//! Errors of the scheme.

use he_core::ring::basis::RingError;
use he_core::ring::sample::SampleError;
use he_core::rlwe::ParametersError;
use he_core::wire::WireError;
use thiserror::Error;

/// What can go wrong. Every message names what was there and what was needed.
#[derive(Debug, Error)]
pub enum Error {
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
    /// Too many values for one plaintext.
    #[error("{given} values do not fit in {capacity} places")]
    TooManyValues {
        /// Values given.
        given: usize,
        /// Places there are.
        capacity: usize,
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
    /// Objects of different parameters met.
    #[error("{operation}: the {object} belongs to other parameters")]
    Foreign {
        /// What was asked for.
        operation: &'static str,
        /// The foreign object.
        object: &'static str,
    },
    /// The ciphertext has a degree the operation does not take.
    #[error("{operation}: the operand has degree {degree}, needed 1: relinearize it first")]
    Degree {
        /// What was asked for.
        operation: &'static str,
        /// Its degree.
        degree: usize,
    },
    /// An exponent that is no automorphism.
    #[error("X -> X^{g} is no automorphism: needed an odd exponent below {two_n}")]
    GaloisElement {
        /// The exponent.
        g: usize,
        /// Twice the ring dimension.
        two_n: usize,
    },
    /// No evaluation key fits.
    #[error(
        "{operation}: there is no {key} for level {level} among the evaluation keys; ask for it in the KeyRequest"
    )]
    MissingKey {
        /// What was asked for.
        operation: &'static str,
        /// The key.
        key: String,
        /// Level of the operand.
        level: usize,
    },
    /// The result would not decrypt.
    #[error(
        "{operation}: the noise would exceed the modulus by {excess:.1} bits; start from a longer chain, or refresh earlier"
    )]
    NoiseExhausted {
        /// What was asked for.
        operation: &'static str,
        /// Bits missing.
        excess: f64,
    },
    /// A level that is not there.
    #[error("{operation}: level {wanted} is needed, level {present} is there")]
    Level {
        /// What was asked for.
        operation: &'static str,
        /// Level needed.
        wanted: usize,
        /// Level that is there.
        present: usize,
    },
    /// Only one prime is left.
    #[error("{operation}: the operand is at level 0, needed at least 1; start from a longer chain")]
    LevelsUsedUp {
        /// What was asked for.
        operation: &'static str,
    },
    /// Parameters without special primes.
    #[error("{operation}: there are no special primes, needed at least one in `p_bits`")]
    NoSpecialPrimes {
        /// What was asked for.
        operation: &'static str,
    },
    /// Nothing to sum.
    #[error("{operation}: no operands")]
    NoOperands {
        /// What was asked for.
        operation: &'static str,
    },
    /// The ciphertexts of one sum of products carry different correction factors.
    #[error("{operation}: the operands carry different correction factors; add them one by one")]
    MixedCorrectionFactors {
        /// What was asked for.
        operation: &'static str,
    },
    /// A matrix that does not fit the slots.
    #[error(
        "a matrix of {rows} rows and {columns} columns does not fit: needed equal sides that divide {slots}"
    )]
    MatrixShape {
        /// Rows.
        rows: usize,
        /// Columns of the first row that is wrong, or of all.
        columns: usize,
        /// Slots of a row.
        slots: usize,
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
        /// What was asked for.
        operation: &'static str,
    },
    /// The ring refused something.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Bytes that are no object of this kind.
    #[error(transparent)]
    Wire(#[from] WireError),
}
