//! Errors of the scheme.

use he_core::ring::basis::RingError;
use he_core::ring::sample::SampleError;
use he_core::rlwe::ParametersError;
use he_core::wire::WireError;
use thiserror::Error;

use crate::approximation::ApproximationError;

/// What can go wrong. Every message names what was there, what was needed and, where there is one, the remedy.
#[derive(Debug, Error)]
pub enum Error {
    /// Parameters that are weak or inconsistent.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// A field of a specification out of range.
    #[error("{field} is {found}, needed {needed}")]
    Spec {
        /// The field.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        needed: String,
    },
    /// Too many values for one plaintext.
    #[error("{given} values do not fit in {capacity} slots")]
    TooManyValues {
        /// Values given.
        given: usize,
        /// Slots there are.
        capacity: usize,
    },
    /// A number of slots that no plaintext has.
    #[error("{slots} slots asked for, needed a power of two up to {most}")]
    Slots {
        /// Asked for.
        slots: usize,
        /// `N/2`.
        most: usize,
    },
    /// A value that is no number, or too large; it is not named, since it may be secret.
    #[error(
        "the value at place {index} is no number or above {most:e} in magnitude; state a larger bound with `with_bound`, or scale the values down"
    )]
    ValueOutOfRange {
        /// Where it stands.
        index: usize,
        /// Largest magnitude.
        most: f64,
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
    /// Too few primes are left.
    #[error(
        "{operation}: it takes {needed} level(s), the operand has {present} left; bootstrap it before, or start from a longer chain"
    )]
    LevelsUsedUp {
        /// What was asked for.
        operation: &'static str,
        /// Levels it takes.
        needed: usize,
        /// Levels the operand has.
        present: usize,
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
    /// Parameters without special primes.
    #[error("{operation}: there are no special primes, needed at least one in `special_bits`")]
    NoSpecialPrimes {
        /// What was asked for.
        operation: &'static str,
    },
    /// Scales that cannot be brought together.
    #[error(
        "{operation}: the left operand has scale 2^{left:.6} and the right one 2^{right:.6}, both at level {level}; rescale the product among them, or bring both to one level with `mod_switch_to`"
    )]
    Scales {
        /// What was asked for.
        operation: &'static str,
        /// `log2` of the left scale.
        left: f64,
        /// `log2` of the right scale.
        right: f64,
        /// Level of both.
        level: usize,
    },
    /// The values no longer fit in the modulus.
    #[error(
        "{operation}: values of up to {bound:e} at scale 2^{scale:.1} do not fit in a modulus of {modulus:.1} bits; state a smaller bound with `with_bound`, scale the values down, or keep more levels"
    )]
    Overflow {
        /// What was asked for.
        operation: &'static str,
        /// Bound of the values.
        bound: f64,
        /// `log2` of the scale.
        scale: f64,
        /// `log2` of the modulus.
        modulus: f64,
    },
    /// Noise that hides the values themselves.
    #[error(
        "{operation}: values of up to {bound:e} drown in noise of {noise:e} (rms); hide fewer bits, or decrypt at a larger scale, before a product is rescaled"
    )]
    Drowned {
        /// What was asked for.
        operation: &'static str,
        /// Bound of the values.
        bound: f64,
        /// The noise.
        noise: f64,
    },
    /// A matrix for other numbers of slots than the ciphertext has.
    #[error(
        "{operation}: the ciphertext has {found} slots and the matrix {needed} rows; encode as many values as rows, by `encode_in`"
    )]
    SlotCount {
        /// What was asked for.
        operation: &'static str,
        /// Slots of the ciphertext.
        found: usize,
        /// Rows of the matrix.
        needed: usize,
    },
    /// Values outside the interval of an approximation.
    #[error(
        "{operation}: values of up to {bound} lie outside the interval [{low}, {high}] of the approximation; scale them, state a smaller bound with `with_bound`, or approximate on a wider interval"
    )]
    OutsideInterval {
        /// What was asked for.
        operation: &'static str,
        /// Bound of the values.
        bound: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Integers whose errors reach to their neighbours.
    #[error(
        "{operation}: integers modulo {modulus} with errors of {error:e} cannot be told apart, needed at most {most:e} (rms); clean them earlier, or take a smaller modulus"
    )]
    Indistinct {
        /// What was asked for.
        operation: &'static str,
        /// The modulus.
        modulus: usize,
        /// Root mean square of their errors.
        error: f64,
        /// The largest that is taken.
        most: f64,
    },
    /// Nothing to sum.
    #[error("{operation}: no operands")]
    NoOperands {
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
        /// Slots.
        slots: usize,
    },
    /// An approximation that cannot be made.
    #[error(transparent)]
    Approximation(#[from] ApproximationError),
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
