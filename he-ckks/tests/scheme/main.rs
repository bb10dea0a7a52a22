//! The scheme against computations in the clear, with its errors held to their estimates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bootstrapping;
mod cases;
mod circuits;
mod noise;
mod operations;
mod refusals;
mod tables;
mod wire;
mod world;
