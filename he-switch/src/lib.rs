#![doc = include_str!("../README.md")]

pub mod bgv_ckks;
pub mod bgv_to_tfhe;
pub mod ckks_tfhe;
mod error;
pub mod expand;
#[cfg(test)]
mod noise_tests;
mod params;
mod ring_switch;
mod rings;
pub mod tfhe_to_bgv;
mod wire;

pub use error::Error;
pub use params::{Parameters, Spec};
