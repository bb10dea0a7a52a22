//! Steps on BGV ciphertexts, over one or several plaintext primes.
//!
//! With several primes every ciphertext is one for each, and a value is known modulo their product (Chinese remainders). The
//! correction factors that dropped primes leave are made equal by masks, and nothing of them is seen outside.

mod agreement;
mod channel;
mod engine;
mod memoized;
mod operations;
mod ops;
mod rehearsal;

pub use self::agreement::{Agreement, Instance};
pub use self::channel::Channel;
pub use self::engine::BgvEngine;
pub use self::operations::{Cost, Operations};
pub use self::ops::BgvSlots;
pub use self::rehearsal::{Broken, Rehearsal, Stage};
