//! The scheme against a model in the clear, against BGV, and against the scale-invariant product.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod foreign;
mod operations;
mod oracle;
mod products;
mod refusals;
mod wire;
mod world;
