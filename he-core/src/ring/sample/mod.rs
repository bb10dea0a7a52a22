//! Randomness for keys, masks and errors.
//!
//! | sampler                      | law                                      | distance from it, for `n` samples    |
//! |------------------------------|------------------------------------------|--------------------------------------|
//! | [`Prng::uniform`]            | uniform on `[0, q)`                      | 0                                    |
//! | [`Prng::binary`]             | uniform on `{0, 1}`                      | 0                                    |
//! | [`Prng::ternary`]            | uniform on `{-1, 0, 1}`                  | at most `n 2^-64`                    |
//! | [`Prng::fixed_weight`]       | uniform on the vectors of weight `w`     | at most `n 2^-128`                   |
//! | [`Gaussian::sample`], narrow | `P(x) ~ exp(-x^2 / 2 sigma^2)` on `Z`    | at most `n (11 sigma + 3) 2^-93`     |
//! | [`Gaussian::sample`], wide   | the same                                 | at most `n m (11 sigma_0 + 4) 2^-93` |
//!
//! (`m` and `sigma_0` are the terms and the base width of a wide Gaussian, see [`Gaussian`].) The distances
//! are statistical and come on top of the pseudorandomness of ChaCha20, from which all bits are drawn.
//!
//! All samplers but the uniform one produce secrets, and are constant time: neither a branch nor an address
//! depends on a random bit, and buffers that held random bits are wiped. The uniform one rejects; it is meant
//! for what is published, and even for a secret the rejected candidates are independent of the kept ones.
//! Copies that the compiler makes in registers and spills to the stack are beyond the reach of safe Rust and
//! are not wiped.

mod gaussian;
mod prng;
mod secret;
mod table;
mod uniform;

crate::debug_as_displayed!(SampleError);

#[cfg(test)]
mod tests;

pub use gaussian::Gaussian;
pub use prng::{Prng, Seed};

/// Failures of a sampler.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Entropy(getrandom::Error),
    /// More nonzero entries were asked for than there are entries.
    #[error("a weight of {weight} needs at least as many coefficients, there are {len}")]
    Weight {
        /// The number of nonzero entries asked for.
        weight: usize,
        /// The number of entries.
        len: usize,
    },
    /// The width of a Gaussian is not supported.
    #[error("the Gaussian width {sigma} is outside the supported range 0.3 to 2^40")]
    Sigma {
        /// The width asked for.
        sigma: f64,
    },
}
