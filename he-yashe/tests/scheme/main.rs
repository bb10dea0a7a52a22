//! The scheme against a model in the clear, against exact rational scaling, and against its noise formulas.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod foreign;
mod noise;
mod operations;
mod oracle;
mod refusals;
mod wire;
mod world;
