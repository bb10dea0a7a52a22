//! Errors of mod-switched phases in the clear.

use std::collections::VecDeque;

/// Source of the errors of mod-switched phases in the clear, for [`PhaseModel::position`](crate::PhaseModel::position).
///
/// ```
/// use he_tfhe::{PhaseErrors, PhaseModel, Spec};
///
/// let model = PhaseModel::new(&Spec::approximate_table());
/// // The same phase without an error, with one of two deviations, and as a blind rotation found it.
/// let mut errors = [
///     PhaseErrors::Exact,
///     PhaseErrors::Sampled(Box::new(|| 2.0)),
///     PhaseErrors::Recorded([1027].into()),
/// ];
/// let positions = errors.each_mut().map(|errors| model.position(1 << 30, 0, errors));
/// assert_eq!((positions[0], positions[2]), (1024, 1027));
/// assert!(positions[1] > 1024);
/// ```
pub enum PhaseErrors {
    /// No error.
    Exact,
    /// Draws of the standard normal distribution, which are scaled to the deviation of the model.
    Sampled(Box<dyn FnMut() -> f64 + Send + Sync>),
    /// Positions that blind rotations found ([`SecretKey::decrypt_phase`](crate::SecretKey::decrypt_phase)), in their order; 0
    /// when they are used up.
    Recorded(VecDeque<u32>),
}

impl std::fmt::Debug for PhaseErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact => f.write_str("Exact"),
            Self::Sampled(_) => f.write_str("Sampled"),
            Self::Recorded(phases) => write!(f, "Recorded({})", phases.len()),
        }
    }
}
