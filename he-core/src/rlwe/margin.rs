//! How far parameters are from the least that gives 128 bits.

use std::fmt;

use super::distribution::SecretDistribution;
use super::security::{max_log_qp, min_binary_log_sigma};

/// An instance of (R)LWE that hides something, beside the bound that it is held to.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::rlwe::Margin;
///
/// // A binary key of dimension 900 modulo 2^32 with noise of deviation 2^-19 of the modulus; 2^-19.75 is the least.
/// let margin = Margin::binary("an example", 900, 32.0, -19.0).ok_or("dimension 900 has an estimate")?;
/// assert!((margin.bits() - 0.75).abs() < 1e-9);
/// assert_eq!(margin.sigma, f64::from(1 << 13));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// The part of a system that it hides.
    pub what: &'static str,
    /// Dimension of the ring, or of LWE.
    pub dimension: usize,
    /// Distribution of the secret.
    pub secret: String,
    /// `log2` of the largest modulus under the secret.
    pub log_modulus: f64,
    /// Deviation of the noise, in units of the modulus.
    pub sigma: f64,
    /// `log2(Q·P)` of a ternary secret, `log2(q/σ)` of a binary one.
    pub found: f64,
    /// The largest value at 128 bits.
    pub cap: f64,
}

impl Margin {
    /// Of a ternary secret in dimension `2^log_n` whose keys have the modulus `Q·P` and noise of deviation `sigma`; none where no bound is
    /// known.
    pub fn ternary(
        what: &'static str,
        log_n: u32,
        secret: SecretDistribution,
        log_qp: f64,
        sigma: f64,
    ) -> Option<Self> {
        let (cap, secret) = (max_log_qp(log_n, secret)?, secret.to_string());
        Some(Self { what, dimension: 1 << log_n, secret, log_modulus: log_qp, sigma, found: log_qp, cap })
    }

    /// Of a binary secret, with a modulus of `log_modulus` bits and noise of deviation `2^log_sigma` relative to it; none where no bound is
    /// known.
    pub fn binary(what: &'static str, dimension: usize, log_modulus: f64, log_sigma: f64) -> Option<Self> {
        let cap = -min_binary_log_sigma(dimension)?;
        let (secret, sigma) = ("binary".into(), (log_modulus + log_sigma).exp2());
        Some(Self { what, dimension, secret, log_modulus, sigma, found: -log_sigma, cap })
    }

    /// Bits that it could be larger; negative beyond the bound.
    pub fn bits(&self) -> f64 {
        self.cap - self.found
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, dimension, secret, found, cap, .. } = self;
        let margin = self.bits();
        write!(f, "{what:<24} {dimension:>6}  {secret:<28} {found:>8.2} {cap:>8.2} {margin:>7.2}")
    }
}
