#![doc = include_str!("../README.md")]

pub(crate) mod activation;
pub(crate) mod clear;
#[cfg(feature = "serve")]
pub mod cli;
pub mod data;
pub(crate) mod engine;
mod exchange;
#[cfg(feature = "fetch")]
pub mod fetch;
mod fit;
pub mod frozen;
#[doc(hidden)]
pub mod internals;
pub(crate) mod layout;
mod meter;
pub(crate) mod metrics;
pub mod model;
#[cfg(feature = "serve")]
mod net;
pub mod network;
pub(crate) mod numbers;
pub mod plan;
pub(crate) mod program;
pub mod recipe;
pub mod roles;
pub mod run;
mod tag;
#[cfg(feature = "fetch")]
mod tls;
pub mod twin;

pub use self::exchange::ExchangeError;
#[cfg(feature = "serve")]
pub use self::fit::{Remote, fit_rows_at};
pub use self::fit::{Trained, estimate_rows, fit, fit_rows};
pub use self::tag::TAG;
