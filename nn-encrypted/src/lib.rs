#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "internals"),
    allow(dead_code, unreachable_pub, reason = "parts inside are reached by that feature")
)]

pub(crate) mod activation;
pub(crate) mod clear;
#[cfg(all(feature = "cli", feature = "fetch"))]
pub mod cli;
pub mod data;
pub(crate) mod engine;
#[cfg(feature = "fetch")]
pub mod fetch;
mod fit;
pub mod frozen;
#[cfg(feature = "internals")]
pub mod internals;
pub(crate) mod layout;
mod meter;
pub(crate) mod metrics;
pub mod model;
pub mod network;
pub(crate) mod numbers;
pub mod plan;
pub(crate) mod program;
pub mod recipe;
pub mod roles;
pub mod run;
mod tag;
pub mod twin;

pub use self::fit::{Trained, fit};
pub use self::tag::TAG;
