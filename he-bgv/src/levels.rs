//! Levels: how a ciphertext gets to fewer primes.
//!
//! A ciphertext of level `l` lives over the primes `q_0, …, q_l` of the chain. It loses its last prime in one of two ways. *Cut*,
//! its residues modulo that prime are dropped: the noise stays, and so does the correction factor. *Divided* (modulus switching), the
//! phase is divided by the prime and with it the noise, down to that of the rounding, and the correction factor takes `q_l^{−1}`
//! modulo `t`. Cutting is free and best while the noise is small; see [`NoiseEstimator::reduce`](crate::NoiseEstimator::reduce).

use std::borrow::Cow;

use he_core::rlwe::{self, OperandError};

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::noise::Noise;

impl Evaluator {
    /// The ciphertext at a level, with the least noise: cut while its noise is small, divided otherwise.
    ///
    /// # Errors
    /// If its level is lower, or it would not decrypt there.
    #[doc(alias = "reduce_to")]
    pub fn mod_switch_to(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        let operation = "mod_switch_to";
        self.check(operation, a)?;
        if level > a.level() {
            return Err(OperandError::Level { operation, wanted: level, present: a.level() }.into());
        }
        let (steps, noise) = self.params.noise().reduce_of_degree(a.noise, a.degree(), a.level(), level);
        let (mut inner, mut factor) = (Cow::Borrowed(&a.inner), a.factor);
        for (last, divide) in (level + 1..=a.level()).rev().zip(steps) {
            if divide {
                let whole =
                    if inner.limbs() > last + 1 { Cow::Owned(inner.truncated(last + 1)) } else { inner };
                inner = Cow::Owned(whole.drop_last());
                factor = self.params.t().mul(factor, self.params.drop_factor(last));
            }
        }
        let limbs = level + 1;
        let inner = if inner.limbs() > limbs { inner.truncated(limbs) } else { inner.into_owned() };
        self.finish(operation, inner, factor, noise, a.bound)
    }

    /// Modulus switching: the ciphertext with its last prime divided out, whatever its noise.
    ///
    /// # Errors
    /// At level 0, or if the result would not decrypt.
    pub fn mod_switch(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "mod_switch";
        self.check(operation, a)?;
        let last = a.level();
        if last == 0 {
            return Err(OperandError::LevelsUsedUp { operation, needed: 1, present: 0 }.into());
        }
        let noise = self.params.noise().drop_last_of_degree(a.noise, a.degree(), last);
        let factor = self.params.t().mul(a.factor, self.params.drop_factor(last));
        self.finish(operation, a.inner.drop_last(), factor, noise, a.bound)
    }

    /// The ciphertext at the lowest level that costs a later product nothing: what follows every [`mul`](Self::mul).
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    #[doc(alias = "settle")]
    pub fn mod_switch_for_product(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let operand = (a.noise, a.level());
        self.mod_switch_to(a, self.params.noise().best_level(&[operand, operand], 0.0))
    }

    /// The ciphertext at the lowest level that still leaves `budget` bits of noise budget: for one that is sent away to be
    /// decrypted.
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    #[doc(alias = "shrink")]
    pub fn mod_switch_for_decryption(&self, a: &Ciphertext, budget: f64) -> Result<Ciphertext, Error> {
        let noise = self.params.noise();
        let reduced = |level| noise.reduce_of_degree(a.noise, a.degree(), a.level(), level).1;
        let fits = |&level: &usize| noise.budget(reduced(level), level) >= budget;
        self.mod_switch_to(a, (0..a.level()).find(fits).unwrap_or(a.level()))
    }

    /// The ciphertext at the lowest level that costs a product with a plaintext next to nothing.
    pub(crate) fn mod_switch_for_plain_product(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.mod_switch_to(a, self.params.noise().best_level(&[(a.noise, a.level())], 0.0))
    }

    /// `c·a` at the level and with the correction factor of `lead`.
    pub(crate) fn scaled_to<'a>(
        &self,
        c: i64,
        a: &'a Ciphertext,
        lead: &Ciphertext,
    ) -> (Cow<'a, rlwe::Ciphertext>, Noise) {
        let (t, estimator) = (self.params.t(), self.params.noise());
        let c = t.center(t.reduce_i64(c));
        // The constant that makes the factors agree, were the steps `divide` taken after it.
        let constant = |divide: &[bool]| {
            let natural = (divide.iter().enumerate().filter(|(_, divide)| **divide))
                .fold(a.factor, |f, (i, _)| t.mul(f, self.params.drop_factor(a.level() - i)));
            if natural == lead.factor {
                return c;
            }
            let ratio = t.mul(lead.factor, t.inv(natural).unwrap_or(1));
            t.center(t.mul(ratio, t.reduce_i64(c)))
        };
        let log = |c: i64| (c.unsigned_abs().max(1) as f64).log2();
        let reduced =
            |log2| estimator.reduce_of_degree(a.noise.scale(log2), a.degree(), a.level(), lead.level()).0;
        let mut divide = reduced(log(c));
        if constant(&divide) != c {
            divide = reduced(estimator.log_t() - 1.0);
        }
        let scale = constant(&divide);
        let mut noise = a.noise.scale(log(scale));
        let mut inner = Cow::Borrowed(&a.inner);
        if scale != 1 {
            inner.to_mut().mul_integer(scale);
        }
        for (level, divide) in (lead.level() + 1..=a.level()).rev().zip(divide) {
            if divide {
                noise = estimator.drop_last_of_degree(noise, a.degree(), level);
                inner = Cow::Owned(inner.drop_last());
            } else {
                inner = Cow::Owned(inner.truncated(level));
            }
        }
        (inner, noise)
    }

    /// Operands of a product at a level, borrowed where a cut is all it takes: products read the leading primes only.
    pub(crate) fn at_level<'a>(
        &self,
        operation: &'static str,
        operands: impl Iterator<Item = &'a Ciphertext> + Clone,
        level: usize,
    ) -> Result<Vec<Cow<'a, Ciphertext>>, Error> {
        self.check_all(operation, operands.clone())?;
        let estimator = self.params.noise();
        let mut out: Vec<Cow<'a, Ciphertext>> = Vec::new();
        for a in operands {
            let steps = estimator.reduce_of_degree(a.noise, a.degree(), a.level(), level).0;
            let divided = steps.contains(&true);
            let a = if divided { Cow::Owned(self.mod_switch_to(a, level)?) } else { Cow::Borrowed(a) };
            out.push(a);
        }
        Ok(out)
    }

    /// As [`at_level`](Self::at_level), all of one correction factor.
    pub(crate) fn at_level_with_one_factor<'a>(
        &self,
        operation: &'static str,
        operands: impl Iterator<Item = &'a Ciphertext> + Clone,
        level: usize,
    ) -> Result<Vec<Cow<'a, Ciphertext>>, Error> {
        let operands = self.at_level(operation, operands, level)?;
        if operands.iter().any(|a| a.factor != operands[0].factor) {
            return Err(Error::MixedCorrectionFactors { operation });
        }
        Ok(operands)
    }
}
