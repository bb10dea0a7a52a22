//! Networks whose layers run in different schemes: exact products in BGV, tables in TFHE, bridges between them.
//!
//! One step of training (Lou, Feng, Fox, Jiang 2020), all of it on ciphertexts and without a client:
//!
//! ```text
//! forward   z = A·W           BGV     → TFHE: (a, mask) = table(z)   → packed, lifted by CKKS → BGV
//! outputs   z = A·W           BGV     → TFHE: p = table(z)           → packed, lifted → BGV: δ = p − label
//! backward  e = D·W           BGV     → TFHE: d = table(e, mask)     → packed, lifted → BGV
//! update    W ← W − Σ A·D     BGV, exact; then refreshed in bulk
//! ```
//!
//! Layers with weights may be in CKKS as well, in slots: then sums and updates have a small error.
//!
//! Formats and tables are in [`numbers`], layouts in [`layout`] and [`linear`], and in [`packing`].

mod arrangement;
mod bgv;
mod bgv_pass;
mod ckks;
mod clear;
mod client;
mod error;
mod keys;
mod layers;
pub mod layout;
pub mod linear;
mod lookup;
mod message;
pub mod numbers;
pub mod packing;
mod plan;
mod schemes;
mod server;
mod stages;
mod step;
#[cfg(test)]
mod tests;
pub mod twin;

pub use arrangement::Arrangement;
pub use clear::{MixedClear, classes};
pub use client::MixedClient;
pub use error::{MixedError, MixedPlanError};
pub use plan::{LOG_CLEAN, MixedPlan};
pub use schemes::backend;
pub use server::MixedServer;
pub use stages::{Stage, Stages};
