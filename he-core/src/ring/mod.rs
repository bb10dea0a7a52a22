//! Arithmetic in `R_Q = Z_Q[X]/(X^N + 1)`; nothing here knows a secret.

pub mod automorphism;
pub mod basis;
pub mod buffer;
pub mod embedding;
pub mod external;
pub mod gadget;
pub mod kernel;
pub mod naive;
pub mod ntt;
pub mod poly;
pub mod rns;
pub mod sample;

pub use automorphism::galois_power;
pub use basis::{Basis, RingError};
pub use embedding::Embedding;
pub use poly::{Coeff, Eval, GaussianInteger, Poly};
