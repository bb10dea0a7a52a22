//! Products, and what follows them: relinearization and rescaling, in one division where both are due.

use std::borrow::Cow;

use he_core::rlwe::{self, OperandError};

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;
use crate::plaintext::{Plaintext, PreparedPlaintext};

impl Evaluator {
    /// `p·a`, slot by slot; takes a level. For a plaintext that is used many times see [`PreparedPlaintext`].
    ///
    /// # Errors
    /// If the operand is foreign, no level is left, or a value does not fit.
    pub fn mul_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        let operation = "mul_plain";
        self.check(operation, a)?;
        let a = self.rescaled_if_due(a)?;
        let level = self.product_level(operation, &a)?;
        self.mul_prepared(&a, &PreparedPlaintext::new(&self.params, p, level)?)
    }

    /// `p·a` for a prepared plaintext; takes a level. A ciphertext of a higher level than it was prepared for is
    /// brought down first.
    ///
    /// # Errors
    /// If an operand is foreign, or the plaintext was prepared for a higher level than the ciphertext has.
    pub fn mul_prepared(&self, a: &Ciphertext, p: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.dot_prepared(&[(p, a)])
    }

    /// `Σ p_i·a_i` for plaintexts prepared for one level; takes a level, and one rounding.
    ///
    /// # Errors
    /// As [`mul_prepared`](Self::mul_prepared).
    pub fn dot_prepared(&self, terms: &[(&PreparedPlaintext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let operation = "mul_plain";
        let level =
            terms.iter().map(|(p, _)| p.level()).max().ok_or(OperandError::NoOperands { operation })?;
        let mut operands = Vec::with_capacity(terms.len());
        self.check_all(operation, terms.iter().map(|(_, a)| *a))?;
        for (p, a) in terms {
            if !p.params.same(&self.params) {
                return Err(OperandError::Foreign { operation, object: "prepared plaintext" }.into());
            }
            let a = self.rescaled_if_due(a)?;
            if a.level() < level || p.level() != level {
                return Err(OperandError::Level {
                    operation,
                    wanted: level,
                    present: a.level().min(p.level()),
                }
                .into());
            }
            let scale = self.params.scale(level);
            operands.push(match a {
                Cow::Borrowed(a) => self.scaled_to(a, level, scale)?,
                Cow::Owned(a) => Cow::Owned(self.scaled_to(&a, level, scale)?.into_owned()),
            });
        }
        let degree = operands[0].degree();
        if let Some(other) = operands.iter().find(|a| a.degree() != degree) {
            return Err(OperandError::Degree { operation, degree: degree.max(other.degree()) }.into());
        }
        let pairs: Vec<_> = terms.iter().zip(&operands).map(|((p, _), a)| (&p.poly, &a.inner)).collect();
        let inner = rlwe::Ciphertext::plain_sum(level + 1, &pairs);
        let slots = terms.iter().map(|(p, a)| p.slots.max(a.slots)).max().unwrap_or(1);
        let products = terms.iter().zip(&operands).map(|((p, _), a)| p.estimate.mul(a.estimate_in(slots)));
        let estimate = products.reduce(Estimate::add).unwrap_or(operands[0].estimate);
        let sum = self.finish(operation, inner, operands[0].scale * terms[0].0.scale, slots, estimate)?;
        self.rescale(&sum)
    }

    /// `a·b`, relinearized and rescaled; takes a level.
    ///
    /// # Errors
    /// If an operand is foreign, no level is left, there is no relinearization key, or the product does not fit.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.relinearize_and_rescale(&self.mul_lazy(a, b)?)
    }

    /// `a²`, relinearized and rescaled; takes a level.
    ///
    /// # Errors
    /// As [`mul`](Self::mul).
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.mul(a, a)
    }

    /// `a·b`, neither relinearized nor rescaled: such products of one level are summed before both is done once for all.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, no level is left, or the product does not fit.
    pub fn mul_lazy(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.dot_lazy(&[(a, b)])
    }

    /// `Σ a_i·b_i`, relinearized and rescaled once.
    ///
    /// # Errors
    /// As [`mul`](Self::mul); also if there is no pair.
    pub fn dot(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        self.relinearize_and_rescale(&self.dot_lazy(pairs)?)
    }

    /// `Σ a_i·b_i`, neither relinearized nor rescaled.
    ///
    /// # Errors
    /// As [`mul_lazy`](Self::mul_lazy); also if there is no pair.
    pub fn dot_lazy(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let operation = "mul";
        let operands = self.aligned(operation, pairs.iter().flat_map(|(a, b)| [*a, *b]))?;
        if let Some(wrong) = operands.iter().find(|a| a.degree() != 1) {
            return Err(OperandError::Degree { operation, degree: wrong.degree() }.into());
        }
        let level = self.product_level(operation, &operands[0])?;
        let (left, right): (Vec<_>, Vec<_>) =
            operands.chunks_exact(2).map(|p| (&p[0].inner, &p[1].inner)).unzip();
        let inner = rlwe::Ciphertext::tensor_products(level + 1, pairs.len(), &left, &right).swap_remove(0);
        let slots = operands.iter().map(|a| a.slots).max().unwrap_or(1);
        let products = operands.chunks_exact(2).map(|p| p[0].estimate_in(slots).mul(p[1].estimate_in(slots)));
        let estimate = products.reduce(Estimate::add).unwrap_or(operands[0].estimate);
        self.finish(operation, inner, operands[0].scale * operands[0].scale, slots, estimate)
    }

    /// `Σ a_i·b_i` of ciphertexts of degree 1 at the lowest of their levels, at whatever scales they have; the products of the scales
    /// must agree.
    pub(crate) fn dot_as_is(
        &self,
        operation: &'static str,
        pairs: &[(&Ciphertext, &Ciphertext)],
    ) -> Result<Ciphertext, Error> {
        let all = || pairs.iter().flat_map(|(a, b)| [*a, *b]);
        let level = all().map(Ciphertext::level).min().ok_or(OperandError::NoOperands { operation })?;
        let (left, right): (Vec<_>, Vec<_>) = pairs.iter().map(|(a, b)| (&a.inner, &b.inner)).unzip();
        let inner = rlwe::Ciphertext::tensor_products(level + 1, pairs.len(), &left, &right).swap_remove(0);
        let slots = all().map(|a| a.slots).max().unwrap_or(1);
        let products = pairs.iter().map(|(a, b)| a.estimate_in(slots).mul(b.estimate_in(slots)));
        let estimate = products.reduce(Estimate::add).unwrap_or(pairs[0].0.estimate);
        self.finish(operation, inner, pairs[0].0.scale * pairs[0].1.scale, slots, estimate)
    }

    /// A product of degree 2 back at degree 1.
    ///
    /// # Errors
    /// If the operand is foreign or there is no relinearization key for its level.
    pub fn relinearize(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("relinearize", a)?;
        if a.degree() == 1 {
            return Ok(a.clone());
        }
        let inner = self.keys.inner.relinearize(&a.inner).ok_or_else(|| no_relinearization(a))?;
        let estimate = a.estimate.with_noise(self.switching(a));
        self.finish("relinearize", inner, a.scale, a.slots, estimate)
    }

    /// Divides by the last prime: the scale and the modulus become smaller by it, the values stay.
    ///
    /// # Errors
    /// If the operand is foreign or no level is left.
    pub fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("rescale", a)?;
        let level = self.product_level("rescale", a)?;
        self.rescaled(a, a.inner.drop_last(), level, a.estimate)
    }

    /// Both at once, in one rounding and with one set of transforms less.
    ///
    /// # Errors
    /// If the operand is foreign, no level is left, or there is no relinearization key for its level.
    pub fn relinearize_and_rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        if a.degree() == 1 {
            return self.rescale(a);
        }
        self.check("rescale", a)?;
        let level = self.product_level("rescale", a)?;
        let extended = self.keys.inner.relinearize_extended(&a.inner).ok_or_else(|| no_relinearization(a))?;
        let estimate = a.estimate.with_noise(self.switching(a));
        self.rescaled(a, extended.mod_down_and_drop(), level, estimate)
    }

    fn rescaled(
        &self,
        a: &Ciphertext,
        inner: rlwe::Ciphertext,
        level: usize,
        estimate: Estimate,
    ) -> Result<Ciphertext, Error> {
        let scale = a.scale / self.params.prime(level);
        let noise = self.params.noise();
        let rounding = if inner.degree() == 2 { noise.rounding_at_degree_two() } else { noise.rounding() };
        let estimate = estimate.with_noise(self.params.slot_variance(a.slots, rounding, scale));
        self.finish("rescale", inner, scale, a.slots, estimate)
    }
}

fn no_relinearization(a: &Ciphertext) -> OperandError {
    OperandError::MissingKey { operation: "relinearize", key: "relinearization key".into(), level: a.level() }
}
