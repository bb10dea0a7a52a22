//! Errors of the scheme.

use he_core::ring::basis::RingError;
use he_core::ring::sample::SampleError;
use he_core::rlwe::{ForeignSecret, OperandError, ParametersError};
use he_core::wire::WireError;
use thiserror::Error;

use crate::approximation::ApproximationError;

/// Errors of CKKS. Every message names what was there, what was needed and, where there is one, the remedy.
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
    /// A field of a specification out of range.
    #[error("{field} is {found}, needed {needed}")]
    Spec {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// Values that are taken.
        needed: String,
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
    /// Values whose coefficients do not fit in a word.
    #[error(
        "values of up to {bound:e} have a coefficient of 2^60 or more at scale 2^{scale:.1}, too large for a plaintext; scale the values down: those below {most:e} in magnitude always fit"
    )]
    BoundTooLarge {
        /// Bound of the values.
        bound: f64,
        /// `log2` of the scale.
        scale: f64,
        /// Values below it always fit.
        most: f64,
    },
    /// Scales that cannot be brought together.
    #[error(
        "{operation}: the left operand has scale 2^{left:.6} and the right one 2^{right:.6}, both at level {level}; rescale the product among them, or bring both to one level with `mod_switch_to`"
    )]
    Scales {
        /// The operation.
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
        /// The operation.
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
        "{operation}: values of up to {bound:e} drown in noise of {noise:e} (rms); rescale products alone, keep values near their bound, decrypt at a larger scale, or hide fewer bits"
    )]
    Drowned {
        /// The operation.
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
        /// The operation.
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
        /// The operation.
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
        /// The operation.
        operation: &'static str,
        /// The modulus.
        modulus: usize,
        /// Root mean square of their errors.
        error: f64,
        /// The largest that is taken.
        most: f64,
    },
    /// An approximation that cannot be made.
    #[error(transparent)]
    Approximation(#[from] ApproximationError),
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
