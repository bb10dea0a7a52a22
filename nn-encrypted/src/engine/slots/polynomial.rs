//! Activations.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::body::Result;
use super::{Body, Level, SlotOps};
use crate::engine::EngineError;

impl<S: SlotOps> Body<'_, S> {
    /// The activation behind layer `l`, or with `order` 1 its derivative.
    pub(super) fn function(
        &self,
        l: usize,
        order: usize,
        z: &[S::Ciphertext],
        level: Level,
    ) -> Result<Vec<S::Ciphertext>> {
        let polynomials = self.formulas.layers.get(l).and_then(|layer| layer.activation.as_ref());
        let polynomials = polynomials
            .ok_or_else(|| EngineError::Unplanned(format!("polynomial behind layer {}", l + 1)))?;
        z.par_iter().map(|z| self.polynomial(z, &polynomials[order], level)).collect()
    }

    /// `Σ c_i·z^i` by powers: an activation has a low degree, and one linear combination aligns all powers at once.
    fn polynomial(
        &self,
        z: &S::Ciphertext,
        coefficients: &[S::Scalar],
        level: Level,
    ) -> Result<S::Ciphertext> {
        let (zero, one) = (S::Scalar::from(0), S::Scalar::from(1));
        let mut powers: BTreeMap<usize, S::Ciphertext> = BTreeMap::new();
        for (i, _) in coefficients.iter().enumerate().skip(1).filter(|(_, c)| **c != zero) {
            self.power(z, i, &mut powers, level)?;
        }
        let power = |i: usize| if i == 1 { z } else { &powers[&i] };
        let terms: Vec<_> = (coefficients.iter().enumerate().skip(1))
            .filter(|(_, c)| **c != zero)
            .map(|(i, &c)| (c, power(i)))
            .collect();
        let sum = match terms[..] {
            // A constant: nothing of z is left, but the result must be a ciphertext still.
            [] => self.ops.combine(&[(zero, z)])?,
            [(c, only)] if c == one => only.clone(),
            _ => self.ops.combine(&terms)?,
        };
        match coefficients.first() {
            Some(&c) if c != zero => self.ops.add_const(&sum, c),
            _ => Ok(sum),
        }
    }

    fn power(
        &self,
        z: &S::Ciphertext,
        i: usize,
        powers: &mut BTreeMap<usize, S::Ciphertext>,
        level: Level,
    ) -> Result<()> {
        if i == 1 || powers.contains_key(&i) {
            return Ok(());
        }
        let (low, high) = (i / 2, i - i / 2);
        self.power(z, low, powers, level)?;
        self.power(z, high, powers, level)?;
        let get = |i: usize| if i == 1 { z } else { &powers[&i] };
        let product = self.ops.product(get(low), get(high), level)?;
        powers.insert(i, product);
        Ok(())
    }
}
