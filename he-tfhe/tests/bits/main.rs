//! Integers on bits.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod cases;
mod clear;
mod encrypted;
