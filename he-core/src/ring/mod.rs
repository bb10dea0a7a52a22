//! Arithmetic in `R_Q = Z_Q[X]/(X^N + 1)`; nothing here knows a secret.

pub mod automorphism;
pub mod basis;
pub mod buffer;
pub mod embedding;
pub mod external;
pub mod gadget;
mod gaussian_integer;
pub mod integer_matrix;
pub mod kernel;
pub mod naive;
pub mod ntt;
pub(crate) mod parallel;
pub mod poly;
mod products;
pub mod rns;
pub mod sample;
pub mod slots;
mod steps;

pub use automorphism::galois_power;
pub use basis::{Basis, RingError};
pub use embedding::Embedding;
pub use gaussian_integer::GaussianInteger;
pub use integer_matrix::IntegerMatrix;
pub use poly::{Coeff, Eval, Poly};
pub use slots::Slots;
pub use steps::Steps;
