#![doc = include_str!("../README.md")]

mod chaos;
mod ciphertext;
mod elements;
mod encoder;
mod encryption;
mod error;
mod evaluator;
mod keys;
mod levels;
pub mod linear;
mod matrix;
mod noise;
mod params;
mod plaintext;
mod portable;
mod products;
pub mod rotation;
mod split;
pub mod transform;
mod wire;

pub use ciphertext::{Ciphertext, MOST_DEGREE, SeededCiphertext};
pub use encoder::Encoder;
pub use encryption::Decryptor;
pub use error::Error;
pub use evaluator::Evaluator;
pub use keys::{Encryptor, EvaluationKeys, KeyRequest, PublicKey, SecretKey};
pub use noise::{Noise, NoiseEstimator};
pub use params::{Parameters, Spec};
pub use plaintext::{Plaintext, PreparedPlaintext};
pub use wire::{FIELD_BYTES, TAG};

pub use he_core::rlwe::{Bound, ForeignSecret, OperandError, SecretId};
