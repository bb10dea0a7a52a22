//! BGV with exact lookup tables over the slots of CKKS, and without TFHE.
//!
//! Integers modulo `t` in coefficients of BGV ciphertexts go to the first prime of a CKKS instance made for tables, are truncated and
//! looked up there (see [`he_ckks::bootstrap::Integers`]), and come back as BGV ciphertexts over all primes: lifted, widened to `t` and
//! cleaned by a second CKKS instance (see [`bgv_ckks`](crate::bgv_ckks)). Nothing is rounded but where a truncation or a table says so.
//!
//! The three instances share their first prime. Both of CKKS hold nothing of their own: their secrets are drawn with the keys, and
//! forgotten.

mod keys;
mod spec;
mod switcher;
mod wire;

pub use keys::{EvaluationKeys, KeyRequest, MESSAGES};
pub use spec::{Parameters, Spec};
pub use switcher::{Lifted, Switcher};
