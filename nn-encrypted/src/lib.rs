#![doc = include_str!("../README.md")]

pub mod activation;
pub mod clear;
pub mod data;
pub mod engine;
#[cfg(feature = "fetch")]
pub mod fetch;
mod fit;
pub mod frozen;
pub mod layout;
mod meter;
pub mod metrics;
pub mod model;
pub mod network;
pub mod numbers;
pub mod plan;
pub mod program;
pub mod recipe;
pub mod roles;
pub mod run;
mod tag;
pub mod twin;

pub use self::fit::{Trained, fit};
pub use self::tag::TAG;
