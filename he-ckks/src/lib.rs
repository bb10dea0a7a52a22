#![doc = include_str!("../README.md")]

pub mod approximation;
pub mod bootstrap;
mod ciphertext;
mod elements;
mod encoder;
mod encryption;
mod error;
mod estimate;
mod evaluator;
mod keys;
mod levels;
mod linear;
mod params;
mod plaintext;
mod polynomial;
mod portable;
mod precision;
mod products;
pub mod rotation;
mod slot_integers;
mod spec;
mod split;
mod wire;

pub use bootstrap::{BootstrapKeys, Bootstrapper};
pub use ciphertext::{Ciphertext, SeededCiphertext};
pub use encoder::Encoder;
pub use encryption::Decryptor;
pub use error::Error;
pub use estimate::Estimate;
pub use evaluator::Evaluator;
pub use keys::{Encryptor, EvaluationKeys, KeyRequest, PublicKey, SecretKey};
pub use linear::LinearTransform;
pub use params::Parameters;
pub use plaintext::{Plaintext, PreparedPlaintext};
pub use precision::Precision;
pub use slot_integers::SlotIntegers;
pub use spec::{BootstrapSpec, Spec};
pub use wire::TAG;

pub use he_core::rlwe::{ForeignSecret, OperandError, SecretDistribution, SecretId};
pub use num_complex::Complex64;
