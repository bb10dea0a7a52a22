//! Errors of approximations.

use thiserror::Error;

/// Reasons why there is no such approximation.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ApproximationError {
    /// An interval that is empty or not finite.
    #[error("the interval [{low}, {high}] is empty or not finite")]
    Interval {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// A function without a value.
    #[error("the function has no finite value at {at}")]
    NotFinite {
        /// The place.
        at: f64,
    },
    /// An argument for which the approximation says nothing.
    #[error(
        "polynomial: the value {at} lies outside the interval [{low}, {high}] of the approximation; scale the values, or approximate on a wider interval"
    )]
    Outside {
        /// The argument.
        at: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// No coefficients, or one that is not finite.
    #[error("a series needs coefficients, all of them finite")]
    Coefficients,
    /// A degree out of range.
    #[error("the degree is {degree}, needed {needed}")]
    Degree {
        /// The degree asked for.
        degree: usize,
        /// Degrees that are taken.
        needed: &'static str,
    },
    /// No degree tried is enough.
    #[error("no degree up to {degree} meets the tolerance {tolerance:e}; the best error reached is {best:e}")]
    Tolerance {
        /// Largest degree.
        degree: usize,
        /// Largest error asked for.
        tolerance: f64,
        /// Least error reached.
        best: f64,
    },
    /// A gap outside `(0, 1)`.
    #[error("the gap of a sign function is {gap}, needed more than 0 and less than 1")]
    Gap {
        /// The gap.
        gap: f64,
    },
    /// The exchange algorithm did not converge.
    #[error("the exchange for degree {degree} on [{low}, {high}] does not converge in floating point")]
    Exchange {
        /// Degree.
        degree: usize,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

pub(super) type Result<T> = std::result::Result<T, ApproximationError>;

he_core::debug_as_displayed!(ApproximationError);
