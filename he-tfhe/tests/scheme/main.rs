//! The scheme through its public functions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod foreign;
mod fresh;
mod functions;
mod gates;
mod refusals;
mod sums;
mod tables;
mod wire;
mod world;
