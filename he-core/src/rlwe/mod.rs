//! RLWE: parameters, keys, encryption of zero, key switching. Nothing here knows what a plaintext means.
//!
//! A ciphertext of degree `d` is `(c_0, …, c_d)` with phase `Σ c_i·s^i = m + f·e (mod Q)`; the *error factor* `f` is 1 for
//! schemes that put the message above the error, and the plaintext modulus `t` for BGV, which puts it below.

pub mod bound;
mod bound_arithmetic;
pub mod ciphertext;
pub mod distribution;
pub mod encrypt;
pub mod error;
pub mod extended;
pub mod galois;
pub mod keyswitch;
pub mod lwe;
pub mod margin;
pub mod noise;
pub mod object;
mod parameters_error;
pub mod params;
mod products;
pub mod request;
mod scheme_keys;
pub mod sealed;
pub mod secret;
mod secret_id;
pub mod security;
pub mod serial;
pub mod vectors;
#[cfg(test)]
mod wiping_tests;

pub use bound::Bound;
pub use ciphertext::{Ciphertext, SeededCiphertext};
pub use distribution::SecretDistribution;
pub use encrypt::PublicKey;
pub use error::OperandError;
pub use extended::{Extended, PreparedPlaintext};
pub use galois::EvaluationKeys;
pub use keyswitch::{Digits, KeySwitchKey};
pub use margin::Margin;
pub use parameters_error::ParametersError;
pub use params::{Parameters, Spec};
pub use request::KeyRequest;
pub use secret::SecretKey;
pub use secret_id::{ForeignSecret, SecretId};
