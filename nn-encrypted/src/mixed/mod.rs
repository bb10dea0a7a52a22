//! Networks whose layers run in different schemes: exact products in BGV, tables in TFHE, bridges between them.

mod clear;
pub mod linear;
mod error;
pub mod numbers;
pub mod twin;

pub use clear::{MixedClear, classes};
pub use error::MixedPlanError;
