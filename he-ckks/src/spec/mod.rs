//! Specifications of parameters.

mod bootstrap;
mod chain;
mod presets;

use he_core::rlwe::{ParametersError, SecretDistribution};

use crate::error::Error;

pub use bootstrap::{BootstrapSpec, Order};

/// The specification of an instance: sizes of its ring, primes and scale, and the circuit of bootstrapping.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec {
///     log_n: 14,
///     first_bits: 48,
///     scale_bits: 40,
///     levels: 7, // seven products in a row
///     special_bits: vec![49],
///     digit: 1,
///     secret: SecretDistribution::UniformTernary,
///     bootstrap: None,
///     congruence: 1,
/// };
/// let params = spec.build()?;
/// assert_eq!((params.n(), params.slots(), params.max_level()), (16384, 8192, 7));
/// // 457 bits would not give 128-bit security in this dimension.
/// assert!(Spec { levels: 9, ..spec }.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Base-two logarithm of the ring dimension `N`; there are `N/2` slots.
    pub log_n: u32,
    /// Bits of the prime that stays last, at most 50: `first_bits − scale_bits` bits are left for the whole part of a
    /// decrypted value and its sign.
    pub first_bits: u32,
    /// Bits of the scale, and of the prime of each level.
    pub scale_bits: u32,
    /// Levels of the user: products in a row, before bootstrapping if there is any.
    pub levels: usize,
    /// Bit sizes of the special primes of key switching. Together they should exceed a digit by 7 bits.
    pub special_bits: Vec<u32>,
    /// Primes of the chain in one key-switching digit.
    pub digit: usize,
    /// Distribution of the secret.
    pub secret: SecretDistribution,
    /// The circuit of bootstrapping, which adds primes to the chain.
    pub bootstrap: Option<BootstrapSpec>,
    /// The primes up to the user's are 1 modulo this power of two too: the plaintext modulus of an exact scheme that shares
    /// them; 1 where there is none.
    pub congruence: u64,
}

impl Spec {
    /// Level of a fresh ciphertext.
    pub(crate) fn max_level(&self) -> usize {
        self.bootstrap.as_ref().map_or(0, |b| b.slots_to_coefficients) + self.levels
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |field, found: String, needed: &str| Error::Spec { field, found, needed: needed.into() };
        if !(4..=17).contains(&self.log_n) {
            return Err(ParametersError::BadDimension(self.log_n).into());
        }
        if !(20..=48).contains(&self.scale_bits) {
            return Err(wrong("scale_bits", self.scale_bits.to_string(), "20 to 48"));
        }
        if self.first_bits < self.scale_bits + 2 || self.first_bits > 50 {
            return Err(wrong(
                "first_bits",
                self.first_bits.to_string(),
                "at least scale_bits + 2, at most 50",
            ));
        }
        if !self.congruence.is_power_of_two() || self.congruence > 1 << 36 {
            return Err(wrong("congruence", self.congruence.to_string(), "a power of two up to 2^36"));
        }
        if self.levels > 100 {
            return Err(wrong("levels", self.levels.to_string(), "0 to 100"));
        }
        let Some(bootstrap) = &self.bootstrap else { return Ok(()) };
        if self.special_bits.is_empty() {
            return Err(wrong("special_bits", "empty".into(), "special primes"));
        }
        bootstrap.check(self.log_n, self.scale_bits)
    }
}
