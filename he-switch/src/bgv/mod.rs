//! Bootstrapping of BGV, for any plaintext modulus and with a budget of the caller's choice.
//!
//! A client builds [`Parameters`] by a [`BootstrapSpec`], draws a secret key of BGV in [`Parameters::bgv`] and
//! [`BootstrapKeys`]; a server makes a [`Bootstrapper`] of these. Ciphertexts keep their plaintexts, whether in slots or in
//! coefficients, and come back over all primes with the [`Budget`] that was asked for:
//!
//! ```text
//! m + t·e (mod Q)  →  M·Q'/t + e' (mod Q')       at the top, side by side in the ring of CKKS
//!                  →  t·(…) = t·e' (mod Q')      the message is gone: lifted by CKKS, and subtracted, as often as needed
//!                  →  m' + t·e'' (mod Q')        back
//! ```
//!
//! A lift gains about 23 bits, whatever `t` is, and takes the same time for one ciphertext as for
//! [`Parameters::capacity`]. The way up and down costs no noise either: where `Q` is not 1 modulo `t` the message is multiplied by a
//! unit, which the correction factor of the ciphertext accounts for. See Kim, Seo, Song 2024, sections 3 and 4, and
//! [`bgv_ckks`](crate::bgv_ckks) for an iteration.
//!
//! A BFV ciphertext is a BGV ciphertext times `−t^{−1} (mod Q)`, which is where the first line begins: it takes the same way.

mod bootstrapper;
mod evaluator;
mod keys;

pub use crate::shared::{BootstrapSpec, Parameters};
pub use bootstrapper::{Bootstrapper, Budget, Cost};
pub use evaluator::Evaluator;
pub use keys::BootstrapKeys;
