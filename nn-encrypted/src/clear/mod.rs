//! Walk in floating point: the walk of the [twin](crate::twin) over real numbers that nothing rounds or bounds, with the same
//! data, mini-batches, first weights and update.
//!
//! Activations are exact functions, but of layers in `bgv` the polynomials that stand for them. With cross-entropy the last layer
//! has the softmax where the recipe has a polynomial in `ckks` for the sigmoid. Equal on machines with the same floating-point
//! units; elsewhere up to rounding.

#[cfg(feature = "cli")]
mod logistic;
#[cfg(feature = "cli")]
mod sweep;

#[cfg(feature = "cli")]
pub(crate) use self::logistic::Logistic;
#[cfg(feature = "cli")]
pub(crate) use self::sweep::{Sweep, SweepError, sweep};

pub use crate::twin::walk::Walk as Clear;

#[cfg(test)]
mod tests;
