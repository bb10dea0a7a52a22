//! Bridges between homomorphic schemes.

mod error;

pub use error::Error;
