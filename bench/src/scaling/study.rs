//! A study and its results.

use crate::pages::Failure;

/// One operation at several sizes.
pub(super) struct Series {
    /// The operation.
    pub(super) name: String,
    /// Sizes, with seconds.
    pub(super) points: Vec<(f64, f64)>,
}

/// What is changed, and what is measured.
pub(super) struct Study {
    /// Its name, and that of its plot.
    pub(super) name: &'static str,
    /// The size that changes.
    pub(super) size: &'static str,
    /// The time that is measured.
    pub(super) time: &'static str,
    /// One sentence about what to expect.
    pub(super) remark: &'static str,
    /// Measures it.
    pub(super) measure: fn() -> Result<Vec<Series>, Failure>,
}
