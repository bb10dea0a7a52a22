//! The scheme against a model in the clear.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod cases;
mod circuits;
mod encoder;
mod foreign;
mod matrix;
mod operations;
mod refusals;
mod transform;
mod wire;
mod world;
