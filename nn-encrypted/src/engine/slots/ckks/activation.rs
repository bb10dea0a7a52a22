//! Activations and other polynomials.

use he_ckks::Complex64;
use rayon::prelude::*;

use super::{RealFormulas, RealOps};
use crate::engine::Result;
use crate::engine::slots::numbers::Activated;
use crate::engine::slots::{Body, Level, LossFormula, Sign};

const ONE: Complex64 = Complex64::new(1.0, 0.0);

impl<S: RealOps> Body<'_, S, RealFormulas> {
    /// The activation behind layer `l`, and its derivative where that is no constant and a step reads it.
    pub(super) fn activations(&self, l: usize, z: &[S::Ciphertext]) -> Result<Activated<S::Ciphertext>> {
        if l == self.numbers.last() && self.numbers.loss == LossFormula::Activation {
            let coefficients = &self.numbers.activations[l].coefficients;
            let values = z.par_iter().map(|z| self.ops.with_bound(self.polynomial(z, coefficients)?, 2.0));
            return Ok((values.collect::<Result<_>>()?, None));
        }
        let found: Vec<_> = z.par_iter().map(|y| self.activation(l, y)).collect::<Result<_>>()?;
        let (values, derivatives): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        Ok((values, derivatives.into_iter().collect::<Option<Vec<_>>>()))
    }

    fn activation(&self, l: usize, y: &S::Ciphertext) -> Result<(S::Ciphertext, Option<S::Ciphertext>)> {
        let (ops, a) = (self.ops, &self.numbers.activations[l]);
        let bound = self.numbers.activation_bound(l);
        if a.is_high() {
            let value = ops.with_bound(self.polynomial(y, &a.coefficients)?, bound)?;
            return Ok((value, Some(self.polynomial(y, &a.derivative())?)));
        }
        let linear = |c: f64| ops.combine(&[(c * ONE, y)]);
        let with = |sum: S::Ciphertext, c: f64| if c == 0.0 { Ok(sum) } else { ops.add_const(&sum, c * ONE) };
        let signed = |sum: S::Ciphertext| if a.negative { ops.sum(&[(Sign::Minus, &sum)]) } else { Ok(sum) };
        let plus = |sum: S::Ciphertext, c: f64| if c == 0.0 { Ok(sum) } else { ops.add(&sum, &linear(c)?) };
        if a.degree == 1 {
            return Ok((with(signed(y.clone())?, a.constant)?, None));
        }
        let square = ops.product(y, y, Level::default())?;
        let (value, derivative) = if a.degree == 2 {
            (plus(signed(square)?, a.linear)?, with(y.clone(), a.derivative_constant)?)
        } else {
            let inner = with(plus(square.clone(), a.linear)?, a.inner)?;
            let derivative = with(plus(square, a.derivative_linear)?, a.derivative_constant)?;
            (signed(ops.product(y, &inner, Level::default())?)?, derivative)
        };
        Ok((ops.with_bound(with(value, a.constant)?, bound)?, Some(derivative)))
    }

    /// A polynomial of degree up to 7 by its coefficients, constant first:
    /// `c_0 + c_1·z + c_3·z·z² + (c_5·z + c_7·z·z²)·z⁴`, and `c_2·z² + c_4·z⁴ + c_6·z²·z⁴` where it is not odd but for the constant.
    pub(super) fn polynomial(&self, z: &S::Ciphertext, coefficients: &[f64]) -> Result<S::Ciphertext> {
        let ops = self.ops;
        let c = |i: usize| coefficients.get(i).copied().unwrap_or(0.0);
        let product = |a: &S::Ciphertext, b: &S::Ciphertext| ops.product(a, b, Level::default());
        let linear = |i: usize| ops.combine(&[(c(i) * ONE, z)]);
        let square = product(z, z)?;
        let part = |low: usize| -> Result<S::Ciphertext> {
            let first = linear(low)?;
            if c(low + 2) == 0.0 {
                return Ok(first);
            }
            ops.add(&product(&linear(low + 2)?, &square)?, &first)
        };
        let mut sum = part(1)?;
        let is_long = (4..=7).any(|i| c(i) != 0.0);
        let fourth = if is_long { Some(product(&square, &square)?) } else { None };
        if let Some(fourth) = fourth.as_ref().filter(|_| c(5) != 0.0 || c(7) != 0.0) {
            sum = ops.add(&product(&part(5)?, fourth)?, &sum)?;
        }
        let sixth = match &fourth {
            Some(fourth) if c(6) != 0.0 => Some(product(&square, fourth)?),
            _ => None,
        };
        let powers = [(2, Some(&square)), (4, fourth.as_ref()), (6, sixth.as_ref())];
        let even = powers.into_iter().filter_map(|(i, power)| Some((c(i) * ONE, power?)));
        let even: Vec<_> = even.filter(|(c, _)| c.re != 0.0).collect();
        if !even.is_empty() {
            sum = ops.add(&sum, &ops.combine(&even)?)?;
        }
        ops.add_const(&sum, c(0) * ONE)
    }
}
