//! Products, and what follows them: relinearization and modulus switching.
//!
//! Products of two ciphertexts are computed at the level that leaves the largest noise budget. A product of degree 2 is a `_lazy`
//! one; several may be summed before they are relinearized once.

use std::ops::Deref;

use he_core::rlwe::{self, Bound, OperandError};

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::noise::Noise;
use crate::plaintext::{Plaintext, PreparedPlaintext};

impl Evaluator {
    /// `p·a`: slot by slot, or the product of polynomials for plaintexts in coefficients. For a plaintext that is used many
    /// times see [`PreparedPlaintext`].
    ///
    /// # Errors
    /// If an operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check("mul_plain", a)?;
        self.mul_prepared(a, &PreparedPlaintext::new(&self.params, p, a.level())?)
    }

    /// `p·a` for a prepared plaintext.
    ///
    /// # Errors
    /// If an operand is foreign, the plaintext was prepared for lower levels, or the product would not decrypt or may pass `t/2`.
    pub fn mul_prepared(&self, a: &Ciphertext, p: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.dot_prepared(&[(p, a)])
    }

    /// `Σ p_i·a_i` for unrelated ciphertexts `a_i` of one correction factor, in one pass.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, a plaintext was prepared for lower levels, the correction factors differ, or the sum
    /// would not decrypt or may pass `t/2`.
    pub fn dot_prepared(&self, terms: &[(&PreparedPlaintext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let ciphertexts: Vec<_> = terms.iter().map(|(_, a)| *a).collect();
        let prepared = |i: usize, ratio| match ratio {
            1 => Ok(terms[i].0),
            _ => Err(Error::MixedCorrectionFactors { operation: "mul_plain" }),
        };
        self.weighted_sum(&ciphertexts, prepared, Noise::add_unrelated)
    }

    /// `Σ p_i·a_i` for ciphertexts `a_i`, related or not, of any correction factors: `prepared(i, ratio)` gives `p_i` times the
    /// constant `ratio` modulo `t` that brings `a_i` to the correction factor of the first one. Such a product is bounded by nothing, so
    /// that for a ratio other than 1 this is for arithmetic modulo `t`.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, a plaintext was prepared for lower levels, or the sum would not decrypt or may
    /// pass `t/2`; whatever `prepared` returns.
    pub fn dot_prepared_with<P: Deref<Target = PreparedPlaintext>>(
        &self,
        ciphertexts: &[&Ciphertext],
        prepared: impl FnMut(usize, u64) -> Result<P, Error>,
    ) -> Result<Ciphertext, Error> {
        self.weighted_sum(ciphertexts, prepared, Noise::add_related)
    }

    fn weighted_sum<P: Deref<Target = PreparedPlaintext>>(
        &self,
        ciphertexts: &[&Ciphertext],
        mut prepared: impl FnMut(usize, u64) -> Result<P, Error>,
        combine: impl Fn(Noise, Noise) -> Noise,
    ) -> Result<Ciphertext, Error> {
        let (operation, t) = ("mul_plain", self.params.t());
        let level =
            ciphertexts.iter().map(|a| a.level()).min().ok_or(OperandError::NoOperands { operation })?;
        let operands = self.at_level(operation, ciphertexts.iter().copied(), level)?;
        let first = &operands[0];
        let (mut plaintexts, mut noise) = (Vec::with_capacity(operands.len()), None::<Noise>);
        let mut bounds = Vec::with_capacity(operands.len());
        for (i, a) in operands.iter().enumerate() {
            let ratio =
                if a.factor == first.factor { 1 } else { t.mul(first.factor, t.inv(a.factor).unwrap_or(1)) };
            let p = prepared(i, ratio)?;
            if !p.params.same(&self.params) {
                return Err(OperandError::Foreign { operation, object: "prepared plaintext" }.into());
            }
            if p.level() < level {
                return Err(OperandError::Level { operation, wanted: level, present: p.level() }.into());
            }
            if a.degree() != first.degree() {
                return Err(OperandError::Degree { operation, degree: a.degree().max(first.degree()) }.into());
            }
            let term = a.noise.mul_plain(p.log_norm);
            noise = Some(noise.map_or(term, |noise| combine(noise, term)));
            bounds.push(a.bound.times(operation, p.bound, self.params.n())?);
            plaintexts.push(p);
        }
        let bound = self.total(operation, bounds.into_iter().map(Ok))?;
        let pairs: Vec<_> = plaintexts.iter().zip(&operands).map(|(p, a)| (&p.poly, &a.inner)).collect();
        let inner = rlwe::Ciphertext::plain_sum(level + 1, &pairs);
        self.finish(operation, inner, first.factor, noise.unwrap_or(first.noise), bound)
    }

    /// The bound of a sum of terms, if it is below `t/2`.
    fn total(
        &self,
        operation: &'static str,
        mut terms: impl Iterator<Item = Result<Bound, OperandError>>,
    ) -> Result<Bound, Error> {
        let first = terms.next().ok_or(OperandError::NoOperands { operation })??;
        let sum = terms.try_fold(first, |sum, term| sum.plus(operation, term?, self.params.n()))?;
        self.within(operation, sum)
    }

    /// `a·b`, relinearized, at the lowest level that costs a later product nothing.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, there is no relinearization key, or the product would not decrypt or may pass `t/2`.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.finish_product(&self.mul_lazy(a, b)?)
    }

    /// `a²`, relinearized, at the lowest level that costs a later product nothing.
    ///
    /// # Errors
    /// As [`mul`](Self::mul).
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.mul(a, a)
    }

    /// `a·b`, of degree 2: such products are summed before they are relinearized once for all.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, or the product would not decrypt or may pass `t/2`.
    pub fn mul_lazy(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.dot_lazy(&[(a, b)])
    }

    /// `Σ a_i·b_i` for unrelated pairs, relinearized once, at the lowest level that costs a later product nothing. All `a_i` have
    /// one correction factor, and all `b_i`.
    ///
    /// # Errors
    /// As [`mul`](Self::mul); also if there is no pair, or the correction factors differ.
    pub fn dot(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        self.finish_product(&self.dot_lazy(pairs)?)
    }

    /// `Σ a_i·b_i` for unrelated pairs, of degree 2. All `a_i` have one correction factor, and all `b_i`.
    ///
    /// # Errors
    /// As [`mul_lazy`](Self::mul_lazy); also if there is no pair, or the correction factors differ.
    pub fn dot_lazy(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let (a, b): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        Ok(self.matrix_product_lazy(pairs.len(), &a, &b, usize::MAX)?.swap_remove(0))
    }

    fn finish_product(&self, product: &Ciphertext) -> Result<Ciphertext, Error> {
        self.mod_switch_for_product(&self.relinearize(product)?)
    }

    /// The matrix product `Σ_k a_ik·b_kj` of unrelated ciphertexts, of degree 2 and at most at level `max_level`: every operand
    /// is read from memory about once. `a` has `inner` columns, `b` as many rows; both, and the result, are given row after
    /// row. All of `a` have one correction factor, and all of `b`.
    ///
    /// # Errors
    /// If a matrix is empty or not whole, an operand is foreign or of degree 2, the correction factors differ, or a sum would not
    /// decrypt or may pass `t/2`.
    pub fn matrix_product_lazy(
        &self,
        inner: usize,
        a: &[&Ciphertext],
        b: &[&Ciphertext],
        max_level: usize,
    ) -> Result<Vec<Ciphertext>, Error> {
        self.scaled_products(inner, [a, b], max_level, None)
    }

    /// As [`matrix_product_lazy`](Self::matrix_product_lazy), with the words of the products multiplied by `times[i]` modulo prime
    /// `i`: for a scheme whose ciphertexts are multiples of these. Nothing checks that the products are those of ciphertexts. Numbers
    /// that are not given are 1.
    ///
    /// # Errors
    /// As [`matrix_product_lazy`](Self::matrix_product_lazy).
    pub fn scaled_products(
        &self,
        inner: usize,
        [a, b]: [&[&Ciphertext]; 2],
        max_level: usize,
        times: Option<&[u64]>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = "product";
        let whole = |matrix: &[&Ciphertext]| !matrix.is_empty() && matrix.len().is_multiple_of(inner.max(1));
        if inner == 0 || !whole(a) || !whole(b) {
            return Err(OperandError::NoOperands { operation }.into());
        }
        self.check_all(operation, a.iter().chain(b).copied())?;
        if let Some(c) = a.iter().chain(b).find(|c| c.degree() != 1) {
            return Err(OperandError::Degree { operation, degree: c.degree() }.into());
        }
        let level = self.product_level([a, b]).min(max_level);
        let a = self.at_level_with_one_factor(operation, a.iter().copied(), level)?;
        let b = self.at_level_with_one_factor(operation, b.iter().copied(), level)?;
        let factor = self.params.t().mul(a[0].factor, b[0].factor);
        let columns = b.len() / inner;
        let left: Vec<_> = a.iter().map(|c| &c.inner).collect();
        let right: Vec<_> = b.iter().map(|c| &c.inner).collect();
        let times = times.map(|times| self.params.residues(times));
        let products =
            rlwe::Ciphertext::scaled_tensor_products(level + 1, inner, [&left, &right], times.as_deref());
        (products.into_iter().enumerate())
            .map(|(at, product)| {
                let row = a[at / columns * inner..][..inner].iter();
                let pairs = row.zip(b[at % columns..].iter().step_by(columns));
                let bounds = pairs.clone().map(|(a, b)| a.bound.times(operation, b.bound, self.params.n()));
                let bound = self.total(operation, bounds)?;
                let noises = pairs.map(|(a, b)| self.params.noise().product(a.noise, b.noise));
                let noise =
                    noises.reduce(Noise::add_unrelated).ok_or(OperandError::NoOperands { operation })?;
                self.finish(operation, product, factor, noise, bound)
            })
            .collect()
    }

    /// The level at which the products of ciphertexts of one side with those of another leave the largest budget.
    pub fn product_level(&self, operands: [&[&Ciphertext]; 2]) -> usize {
        self.params.noise().best_level(&operands.map(|side| self.noisiest(side)), 0.0)
    }

    /// The largest deviation among operands at the highest level they share, and that level.
    fn noisiest(&self, operands: &[&Ciphertext]) -> (Noise, usize) {
        let level = operands.iter().map(|c| c.level()).min().unwrap_or(0);
        let reduced = |c: &&Ciphertext| self.params.noise().reduce(c.noise, c.level(), level).1.log2();
        (Noise::from_log2(operands.iter().map(reduced).fold(0.0, f64::max)), level)
    }

    /// A product of degree 2 brought back to degree 1.
    ///
    /// # Errors
    /// If the operand is foreign, there is no relinearization key for its level, or the result would not decrypt.
    pub fn relinearize(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "relinearize";
        self.check(operation, a)?;
        if a.degree() == 1 {
            return Ok(a.clone());
        }
        if a.degree() > 2 {
            return Err(Error::HighDegree { operation, degree: a.degree(), most: 2 });
        }
        let inner = self.keys.inner.relinearize(&a.inner).ok_or_else(|| OperandError::MissingKey {
            operation,
            key: "relinearization key".into(),
            level: a.level(),
        })?;
        let noise = self.params.noise().key_switch(a.noise, a.level());
        self.finish(operation, inner, a.factor, noise, a.bound)
    }
}
