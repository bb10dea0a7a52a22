//! Noise by formula, and noise measured with the key.
//!
//! All formulas give the variance of one coefficient of the error `f·e` in the phase `m + f·e`, in absolute units. `σ` is
//! the deviation of fresh errors, `h` the expected squared norm of the secret (`2N/3` for a uniform ternary one).

use num_bigint::BigInt;

use super::ciphertext::Ciphertext;
use super::params::Parameters;
use super::secret::SecretKey;
use crate::ring::rns::to_integers;

/// Variances for one set of parameters.
///
/// ```
/// # use he_core::rlwe::Spec;
/// # use he_core::rlwe::noise::NoiseModel;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let model = NoiseModel::new(&params);
/// assert_eq!(model.fresh_secret(), 3.19 * 3.19);
/// assert!(model.fresh_public() > model.fresh_secret());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NoiseModel {
    n: f64,
    h: f64,
    sigma2: f64,
    factor2: f64,
    params: Parameters,
}

impl NoiseModel {
    /// The model of the given parameters.
    pub fn new(params: &Parameters) -> Self {
        let spec = params.spec();
        Self {
            n: params.n() as f64,
            h: spec.secret.squared_norm(params.n()),
            sigma2: spec.sigma * spec.sigma,
            factor2: (spec.error_factor as f64).powi(2),
            params: params.clone(),
        }
    }

    /// Encryption under the secret key: `f²σ²`.
    pub fn fresh_secret(&self) -> f64 {
        self.factor2 * self.sigma2
    }

    /// Encryption under the public key: `f²σ²(1 + 2N/3 + h)`, the error of `e·u + e_0 + e_1·s`.
    pub fn fresh_public(&self) -> f64 {
        self.factor2 * self.sigma2 * (1.0 + 2.0 * self.n / 3.0 + self.h)
    }

    /// The rounding of a division by primes: `f²(1 + h)/12`.
    pub fn rounding(&self) -> f64 {
        self.factor2 * (1.0 + self.h) / 12.0
    }

    /// The rounding of a division of a ciphertext of degree 2: `f²(1 + h + 2h²)/12`, since `s²` has an expected squared norm of `2h²`.
    pub fn rounding_at_degree_two(&self) -> f64 {
        self.rounding_at_degree(2)
    }

    /// The rounding of a division of a ciphertext of degree `d`, at most 64: `f²/12·Σ_{k≤d} k!·h^k`, with the expected squared norms of
    /// `s^k`.
    pub fn rounding_at_degree(&self, degree: usize) -> f64 {
        let norms = (1..=degree.min(64)).scan(1.0, |norm, k| {
            *norm *= k as f64 * self.h;
            Some(*norm)
        });
        self.factor2 / 12.0 * (1.0 + norms.sum::<f64>())
    }

    /// One key switch over `limbs` limbs, at most all: `f²·N·σ²/12·Σ_i (D_i/P)²` over the digits `D_i`, and the rounding.
    pub fn key_switch(&self, limbs: usize) -> f64 {
        let spec = self.params.spec();
        let log_p: f64 = spec.p.iter().map(|&p| (p as f64).log2()).sum();
        let digits: f64 = (spec.q[..limbs.min(spec.q.len())].chunks(spec.digit))
            .map(|digit| digit.iter().map(|&q| (q as f64).log2()).sum::<f64>())
            .map(|log_d| (2.0 * (log_d - log_p)).exp2())
            .sum();
        self.factor2 * self.n * self.sigma2 / 12.0 * digits + self.rounding()
    }
}

/// Centred coefficients of `phase − message`, where `message` are the integers that should be there.
pub fn measure(key: &SecretKey, ciphertext: &Ciphertext, message: &[BigInt]) -> Vec<BigInt> {
    to_integers(&key.phase(ciphertext)).into_iter().zip(message).map(|(phase, m)| phase - m).collect()
}

/// `log2` of an absolute value, `−∞` for zero.
pub fn log2_abs(value: &BigInt) -> f64 {
    let bits = value.bits();
    let shift = bits.saturating_sub(60);
    let top: BigInt = value >> shift;
    let leading = top.magnitude().to_u64_digits().first().copied().unwrap_or(0);
    (leading as f64).log2() + shift as f64
}

crate::brief_debug!(NoiseModel: |a| params = a.params);
