#![doc = include_str!("../README.md")]

mod ciphertext;
mod digits;
mod encryption;
mod error;
mod evaluator;
mod keys;
mod noise;
mod params;
mod plaintext;
mod portable;
pub mod security;
mod split;
mod wire;

pub use ciphertext::Ciphertext;
pub use encryption::{Decryptor, Encryptor};
pub use error::Error;
pub use evaluator::Evaluator;
pub use keys::{EvaluationKeys, KeyRequest, PublicKey, SecretKey};
pub use noise::{Noise, NoiseEstimator};
pub use params::{Parameters, Spec};
pub use plaintext::{Encoder, Plaintext};
pub use wire::TAG;

pub use he_core::rlwe::Bound;
