//! Distributions of secrets.

use std::fmt;

use crate::wire::{Reader, WireError, Writer};

/// How the coefficients of a secret are drawn.
///
/// ```
/// use he_core::rlwe::SecretDistribution;
///
/// let sparse = SecretDistribution::SparseTernary { weight: 192 };
/// assert_eq!(sparse.squared_norm(1 << 15), 192.0);
/// assert_eq!(SecretDistribution::UniformTernary.squared_norm(1 << 15), 2.0 / 3.0 * 32768.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretDistribution {
    /// Each of −1, 0, 1 with probability 1/3.
    UniformTernary,
    /// Exactly `weight` coefficients are ±1. Attacks on sparse secrets are younger than those on uniform ones:
    /// prefer [`UniformTernary`](Self::UniformTernary).
    SparseTernary {
        /// Hamming weight.
        weight: usize,
    },
}

impl SecretDistribution {
    /// Expected squared norm of a secret of `n` coefficients.
    pub fn squared_norm(self, n: usize) -> f64 {
        match self {
            Self::UniformTernary => 2.0 * n as f64 / 3.0,
            Self::SparseTernary { weight } => weight as f64,
        }
    }
}

impl SecretDistribution {
    /// Writes the distribution: 0, or the weight.
    pub fn write(self, out: &mut Writer) {
        out.length(match self {
            Self::UniformTernary => 0,
            Self::SparseTernary { weight } => weight,
        });
    }

    /// Reads a distribution; one of weight 0, which no parameters have, is taken for the uniform one.
    ///
    /// # Errors
    /// If bytes are missing.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let weight = from.length(usize::MAX, "weight of a secret")?;
        Ok(if weight == 0 { Self::UniformTernary } else { Self::SparseTernary { weight } })
    }
}

impl fmt::Display for SecretDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UniformTernary => f.write_str("uniform ternary"),
            Self::SparseTernary { weight } => write!(f, "sparse ternary (weight {weight})"),
        }
    }
}
