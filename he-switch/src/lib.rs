#![doc = include_str!("../README.md")]

pub mod bgv;
pub mod bgv_ckks;
pub mod bgv_to_tfhe;
pub mod ckks_to_tfhe;
mod error;
mod evaluation;
pub mod expand;
#[cfg(test)]
mod noise_tests;
mod params;
mod request;
mod ring_switch;
mod rings;
mod secret;
mod shared;
mod switcher;
pub mod tables;
pub mod tfhe_to_bgv;
pub mod tfhe_to_ckks;
mod top;
mod wire;

pub use error::Error;
pub use evaluation::EvaluationKeys;
pub use params::{Parameters, Spec};
pub use request::{Bridge, KeyKind, KeyRequest};
pub use secret::SecretKeys;
pub use switcher::Switcher;
pub use wire::TAG;

pub use he_bgv;
pub use he_ckks;
pub use he_core;
pub use he_tfhe;
