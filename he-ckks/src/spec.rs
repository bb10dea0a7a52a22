//! Specifications: the chain of primes, and the scale at each level of it.
//!
//! The chain is, from the prime that stays longest: `q_0`; the primes of slots-to-coefficients, where there is
//! bootstrapping; one prime for every level of the user; and on top those of modular reduction and coefficients-to-slots.
//! Special primes `P` stand beside it. A fresh ciphertext has all levels of the user and lives below the top part.
//!
//! **One scale a level.** `Δ_L = 2^s` at the highest user level and `Δ_{l−1} = Δ_l²/q_{l−1}` below (Kim, Papadimitriou,
//! Polyakov 2022, section 3): the rescaled product of two ciphertexts of a level has exactly the scale of the next, so that
//! scales never drift apart. Each prime is the one nearest to `Δ_l²/2^s`, hence every `Δ_l` is `2^s` up to the distance of
//! primes.

use he_core::prime::{PrimeError, primes_around, primes_below};
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{self, ParametersError, SecretDistribution};

use crate::bootstrap::spec::BootstrapSpec;
use crate::error::Error;

/// Deviation of fresh errors.
const SIGMA: f64 = 3.19;

/// What an instance consists of.
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
    /// Preset: `N = 8192`, 4096 slots, 3 levels of 36 bits; 128 bits of security (`log2 QP = 203 ≤ 214`).
    pub fn n8192() -> Self {
        Self {
            log_n: 13,
            first_bits: 45,
            scale_bits: 36,
            levels: 3,
            special_bits: vec![50],
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            bootstrap: None,
            congruence: 1,
        }
    }

    /// Preset: `N = 16384`, 8192 slots, 7 levels of 40 bits; 128 bits of security (`log2 QP = 378 ≤ 430`).
    pub fn n16384() -> Self {
        Self { log_n: 14, first_bits: 48, scale_bits: 40, levels: 7, ..Self::n8192() }
    }

    /// Preset: `N = 32768`, 16384 slots, 16 levels of 40 bits; 128 bits of security (`log2 QP = 838 ≤ 868`).
    pub fn n32768() -> Self {
        Self {
            log_n: 15,
            first_bits: 48,
            scale_bits: 40,
            levels: 16,
            special_bits: vec![50; 3],
            digit: 3,
            ..Self::n8192()
        }
    }

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

    /// The RLWE instance, and the scale at each level.
    pub(crate) fn chain(&self) -> Result<(rlwe::Spec, Vec<f64>), Error> {
        self.check()?;
        let mut primes = Primes { spec: self, taken: Vec::new() };
        let (levels, mut scales) = primes.user_levels()?;
        let mut upper = Vec::new();
        if let Some(bootstrap) = &self.bootstrap {
            let upper_scales;
            (upper, upper_scales) = primes.bootstrap_levels(bootstrap)?;
            scales.extend(upper_scales);
        }
        let first = primes.below(1 << self.first_bits)?;
        let special = find_primes(self.log_n, &self.special_bits, &primes.taken)?;
        let rlwe = rlwe::Spec {
            log_n: self.log_n,
            q: [&[first][..], &levels, &upper].concat(),
            p: special,
            digit: self.digit,
            secret: self.secret,
            sigma: SIGMA,
            error_factor: 1,
        };
        Ok((rlwe, scales))
    }
}

/// The search for the primes of a chain, no two of them equal.
struct Primes<'s> {
    spec: &'s Spec,
    taken: Vec<u64>,
}

impl Primes<'_> {
    fn two_n(&self) -> u64 {
        2 << self.spec.log_n
    }

    /// Distance of the primes up to the user's.
    fn step(&self) -> u64 {
        self.two_n().max(self.spec.congruence)
    }

    fn too_small(&self, needed: String) -> Error {
        Error::Spec { field: "scale_bits", found: self.spec.scale_bits.to_string(), needed }
    }

    /// The prime nearest to `target`.
    fn near(&mut self, target: f64, step: u64) -> Result<u64, Error> {
        let prime = primes_around(target.round() as u64, step)
            .find(|p| *p < 1 << 50 && !self.taken.contains(p))
            .ok_or_else(|| self.too_small("a size with enough primes".into()))?;
        self.taken.push(prime);
        Ok(prime)
    }

    /// The largest prime below `limit`.
    fn below(&mut self, limit: u64) -> Result<u64, Error> {
        let step = self.step();
        let first = primes_below(limit, step, self.taken.len() + 1)
            .map_err(ParametersError::from)?
            .into_iter()
            .find(|p| !self.taken.contains(p))
            .ok_or(PrimeError::NotEnough { limit, step, wanted: 1, found: 0 })
            .map_err(ParametersError::from)?;
        self.taken.push(first);
        Ok(first)
    }

    /// The primes `q_1, …, q_L` of the user, and the scales `Δ_0, …, Δ_L`.
    fn user_levels(&mut self) -> Result<(Vec<u64>, Vec<f64>), Error> {
        let unit = f64::from(self.spec.scale_bits).exp2();
        // From the highest level down, then turned round.
        let (mut scale, mut scales, mut primes) = (unit, vec![unit], Vec::new());
        for _ in 0..self.spec.max_level() {
            let prime = self.near(scale * scale / unit, self.step())?;
            scale = scale * scale / prime as f64;
            primes.push(prime);
            scales.push(scale);
        }
        // Where primes are too few, their distances add up from level to level.
        if scales.iter().any(|scale| (scale / unit).log2().abs() > 0.01) {
            let needed = format!("a size with {} primes close to it: a larger one", primes.len());
            return Err(self.too_small(needed));
        }
        primes.reverse();
        scales.reverse();
        Ok((primes, scales))
    }

    /// The primes of bootstrapping above the user's, and the scales from the last product of modular reduction up to where it
    /// begins.
    fn bootstrap_levels(&mut self, spec: &BootstrapSpec) -> Result<(Vec<u64>, Vec<f64>), Error> {
        let unit = f64::from(spec.modular_bits).exp2();
        let (modular, all) = (spec.modular_levels(), spec.modular_levels() + spec.coefficients_to_slots);
        let primes = (0..all).map(|_| self.near(unit, self.two_n())).collect::<Result<Vec<_>, _>>()?;
        let mut scales = vec![unit; all - modular + 1];
        for &prime in primes[1..modular].iter().rev() {
            let scale = scales[scales.len() - 1];
            scales.push(scale * scale / prime as f64);
        }
        scales.reverse();
        Ok((primes, scales))
    }
}
