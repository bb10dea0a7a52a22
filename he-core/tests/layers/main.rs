//! The layers against their definitions: rings, residue systems, RLWE.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod extended;
mod keyswitch;
mod noise;
mod parameters;
mod ring;
mod rns;
mod serial;
