//! Levels and scales: how operands are brought to one level with the scale it has.

use std::borrow::Cow;

use he_core::ring::GaussianInteger;
use he_core::rlwe::{self, OperandError};

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::{Evaluator, SAME_SCALE};

impl Evaluator {
    /// True for a product that was not rescaled: its scale is nearer to the square of that of its level.
    fn is_unscaled(&self, a: &Ciphertext) -> bool {
        a.scale.log2() > 1.5 * self.params.scale(a.level()).log2()
    }

    /// The ciphertext, relinearized and rescaled if it is a product that was not: the form that further operations take.
    pub(crate) fn rescaled_if_due<'a>(&self, a: &'a Ciphertext) -> Result<Cow<'a, Ciphertext>, Error> {
        if !self.is_unscaled(a) {
            return Ok(Cow::Borrowed(a));
        }
        Ok(Cow::Owned(if a.degree() == 2 { self.relinearize_and_rescale(a)? } else { self.rescale(a)? }))
    }

    /// The ciphertext at a level, with exactly the scale of that level: multiplied with the constant that makes it so, and
    /// rescaled once.
    ///
    /// # Errors
    /// If it is foreign, or its level is lower.
    #[doc(alias = "reduce_to")]
    pub fn mod_switch_to(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        let operation = "mod_switch_to";
        self.check(operation, a)?;
        let a = self.rescaled_if_due(a)?;
        let present = a.level().min(self.params.max_level());
        if level > present {
            return Err(OperandError::Level { operation, wanted: level, present }.into());
        }
        self.scaled_to(&a, level, self.params.scale(level)).map(Cow::into_owned)
    }

    /// `a` at a level and a scale.
    pub(crate) fn scaled_to<'a>(
        &self,
        a: &'a Ciphertext,
        level: usize,
        scale: f64,
    ) -> Result<Cow<'a, Ciphertext>, Error> {
        let operation = "scale alignment";
        let same = |a: &Ciphertext| (a.scale / scale - 1.0).abs() < SAME_SCALE;
        if a.level() == level {
            if same(a) {
                return Ok(Cow::Borrowed(a));
            }
            // Without a level to spare: only by a constant large enough to be rounded.
            let constant = scale / a.scale;
            if constant < (1u64 << 24) as f64 {
                let (left, right) = (a.scale.log2(), scale.log2());
                return Err(Error::Scales { operation, left, right, level });
            }
            let mut out = self.times_integer(operation, a, constant)?;
            out.scale = scale;
            return Ok(Cow::Owned(out));
        }
        if same(a) {
            let Ciphertext { inner, scale, slots, estimate, .. } = cut(a, level);
            return self.finish(operation, inner, scale, slots, estimate).map(Cow::Owned);
        }
        let constant = scale * self.params.prime(level + 1) / a.scale;
        if constant < (1u64 << 16) as f64 {
            let (left, right) = (a.scale.log2(), scale.log2());
            return Err(Error::Scales { operation, left, right, level });
        }
        let mut out = self.rescale(&self.times_integer(operation, &cut(a, level + 1), constant)?)?;
        out.scale = scale;
        Ok(Cow::Owned(out))
    }

    /// The integer nearest to `constant` times `a`, which keeps its values: the scale grows, and the rounding of the constant
    /// is an error.
    fn times_integer(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        constant: f64,
    ) -> Result<Ciphertext, Error> {
        let re = constant.round() as i128;
        let inner =
            rlwe::Ciphertext::gaussian_sum(a.level() + 1, &[(GaussianInteger { re, im: 0 }, &a.inner)]);
        let relative = (re as f64 / constant - 1.0).abs();
        let estimate = Estimate { error: a.estimate.error + relative * a.estimate.bound, ..a.estimate };
        self.finish(operation, inner, a.scale * re as f64, a.slots, estimate)
    }

    /// Operands at the lowest level among them and the scale there, rescaled if they are products that were not.
    pub(crate) fn aligned<'a>(
        &self,
        operation: &'static str,
        operands: impl IntoIterator<Item = &'a Ciphertext> + Clone,
    ) -> Result<Vec<Cow<'a, Ciphertext>>, Error> {
        self.check_all(operation, operands.clone())?;
        let operands =
            operands.into_iter().map(|a| self.rescaled_if_due(a)).collect::<Result<Vec<_>, _>>()?;
        let lead = operands.iter().min_by_key(|a| a.level()).ok_or(OperandError::NoOperands { operation })?;
        let (level, scale) = (lead.level(), lead.scale);
        operands
            .into_iter()
            .map(|a| match a {
                Cow::Borrowed(a) => self.scaled_to(a, level, scale),
                Cow::Owned(a) => Ok(Cow::Owned(self.scaled_to(&a, level, scale)?.into_owned())),
            })
            .collect()
    }

    /// The level of an operand that can still be multiplied.
    pub(crate) fn product_level(&self, operation: &'static str, a: &Ciphertext) -> Result<usize, Error> {
        match a.level() {
            0 => Err(OperandError::LevelsUsedUp { operation, needed: 1, present: 0 }.into()),
            level => Ok(level),
        }
    }
}

/// The ciphertext modulo a shorter chain, at its scale.
fn cut(a: &Ciphertext, level: usize) -> Ciphertext {
    let Ciphertext { params, inner, scale, slots, estimate } = a;
    Ciphertext {
        params: params.clone(),
        inner: inner.truncated(level + 1),
        scale: *scale,
        slots: *slots,
        estimate: *estimate,
    }
}
