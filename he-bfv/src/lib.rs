#![doc = include_str!("../README.md")]

mod ciphertext;
mod encryption;
mod evaluator;
mod keys;
mod params;
mod portable;
mod products;
mod rotation;
mod split;
mod wire;

pub use ciphertext::{Ciphertext, SeededCiphertext};
pub use encryption::Decryptor;
pub use evaluator::Evaluator;
pub use keys::{Encryptor, EvaluationKeys, KeyRequest, PublicKey, SecretKey};
pub use params::{Parameters, Spec};
pub use wire::TAG;

pub use he_bgv::{Bound, Encoder, Error, Noise, NoiseEstimator, Plaintext, PreparedPlaintext};
