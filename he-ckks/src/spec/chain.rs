//! The primes of a chain, and the scale at each level of it.
//!
//! The chain is, from the prime that stays longest: `q_0`; the primes of slots-to-coefficients, where there is
//! bootstrapping; one prime for every level of the user; and above those the primes of modular reduction and
//! coefficients-to-slots. Special primes `P` stand beside it. A fresh ciphertext has all levels of the user.
//!
//! **One scale a level.** `Δ_L = 2^s` at the highest level `L` of the user and `Δ_{l−1} = Δ_l²/q_l` below (Kim, Papadimitriou,
//! Polyakov 2022, section 3): the rescaled product of two ciphertexts of a level has exactly the scale of the next, so that
//! scales never drift apart. Each prime is the one nearest to `Δ_l²/2^s`, hence every `Δ_l` is `2^s` up to the distance of
//! primes.

use he_core::prime::{PrimeError, primes_around, primes_below};
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{self, ParametersError};

use super::Spec;
use super::bootstrap::BootstrapSpec;
use crate::error::Error;

/// Deviation of fresh errors.
const SIGMA: f64 = 3.19;

impl Spec {
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
        // From the highest level down, then reversed.
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
