//! Training on encrypted real numbers, in CKKS.
//!
//! A step is said once, in [`Step`], over the vocabulary of [`Slots`]: run over counters it tells the plan how many levels,
//! operations and keys it takes; over [`CkksSlots`] it is the training. The [`twin`] is another program for the same numbers.
//!
//! # The numbers
//! With features `A_0 = X`, matrices `M_l` whose entries are weights times constants, and activations `p_l`:
//! - `Z_l = A_l·M_l + b_l`, `A_(l+1) = p_l(Z_l)`;
//! - `D_L = Z_L − Y`, with cross-entropy `f(Z_L) − Y` for a polynomial `f` close to the sigmoid;
//! - `D_l = (D_(l+1)·M_(l+1)ᵀ) ∘ p_l'(Z_l)`; `G_l = A_lᵀ·D_l / B`, where a weight stands several times the sum over its
//!   entries, times their constants;
//! - `V ← μ·V − η·G`, `W ← W − η·G + μ·V` (Nesterov).
//!
//! # Where they lie
//! In the cube `[P | b | Q]` of [`crate::packing`]. The state of a training is `(W/β_W + i·V/β_V)/√2`, compact, with the public
//! bounds `β` of the recipe: its magnitude stays below 1, which is what a bootstrap takes.

mod axes;
mod ckks;
mod clear;
mod clear_pass;
mod client;
mod clock;
mod cost;
mod message;
mod plan;
mod rehearsal;
mod server;
mod shape;
mod slots;
mod step;
pub mod twin;

#[cfg(test)]
mod tests;

pub use self::ckks::{CkksSlots, Keys};
pub use self::clear::RealClear;
pub use self::clear_pass::{Passed, pass};
pub use self::client::RealClient;
pub use self::plan::{RealPlan, RealPlanError};
pub use self::server::RealServer;
pub use self::shape::{Middle, Monic, Shape};
pub use self::slots::{Mask, RealError, Rows, Slots};
pub use self::step::{Samples, Step};
pub use self::twin::{RealTwin, one_hot, targets};

use crate::recipe::{Entry, MatrixLayer, RealModel, RealNetwork};
