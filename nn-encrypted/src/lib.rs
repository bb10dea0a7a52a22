//! Train neural networks on encrypted data, and classify with them.
//!
//! A [`recipe`] says what is trained, on which [`data`], with which numbers. The same recipe runs in
//! floating point ([`clear`]), on plain integers ([`twin`]) and encrypted.

pub mod activation;
pub mod clear;
pub mod data;
pub mod engine;
pub mod fetch;
pub mod frozen;
mod meter;
pub mod metrics;
pub mod mixed;
pub mod packing;
pub mod plan;
pub mod reals;
pub mod recipe;
pub mod roles;
pub mod run;
mod tag;
pub mod twin;
pub mod words;

pub use tag::TAG;
