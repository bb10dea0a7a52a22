//! The scheme against computations in the clear, with its errors held to their estimates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bootstrapping;
mod cases;
mod circuits;
mod foreign;
mod noise;
mod operations;
mod refusals;
mod slot_integers;
mod tables;
mod truncation;
mod wire;
mod world;
