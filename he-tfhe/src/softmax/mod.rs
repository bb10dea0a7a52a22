//! The softmax by lookup tables.
//!
//! A lookup in a table has an error that is a fixed part of the torus. Written naively, `exp(z_i)/Σ exp(z_j)` asks for numbers
//! of very different size on one torus, and drowns in that error. Here every number is brought to a small interval before it
//! counts:
//!
//! 1. `M ≈ max z_j`, by a tree of `max(a, b) = b + max(a − b, 0)`; its error is common to all scores and cancels;
//! 2. `L = M + log Σ exp(z_j − M)`, which cancels as well, up to the correction of step 5;
//! 3. `t_i = z_i − L ≤ 1/2` is *clipped* by adding `s(t_i)`, 0 for `t_i > −k` and `c − t_i` below: where a score counts, zero
//!    is added and no error. A clipped score is small and comes from the same blind rotation as a second output, `exp(t_i)`
//!    below `−k`;
//! 4. `e_i = exp(t_i + s(t_i))` is looked up on a torus of 16, where the error is small;
//! 5. `y = 1/Σ e_j − 1` is small, and `p_i = e_i + e_i·y` with `u·v = ((u + v)² − (u − v)²)/4`.
//!
//! `(K − 1) + K + 1 + K + K + 1 + 2K = 6K + 1` blind rotations for `K` scores. A value `v` *on a torus of `T`* has the phase
//! `v/T`. Scores are on a torus of [`INPUT_TORUS`] and results on one of [`OUTPUT_TORUS`].
//!
//! The circuit is written over a [`Backend`]: [`Ciphertexts`] bootstraps, [`Simulation`] computes on plain points of the torus.

mod backend;
mod ciphertexts;
mod circuit;
mod exact;
mod simulation;
mod table;
#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use ciphertexts::Ciphertexts;
pub use circuit::{INPUT_TORUS, LIMIT, OUTPUT_TORUS, bootstraps, softmax};
pub use exact::exact;
pub use simulation::Simulation;
