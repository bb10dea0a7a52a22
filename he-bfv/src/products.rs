//! Products of two ciphertexts.
//!
//! With `a = −t^{−1}·a'` and `b = −t^{−1}·b'` the product of BGV is `a' ⊗ b' = t²·(a ⊗ b)`, and `−t·(a ⊗ b)` at the top: one tensor
//! product with one factor, where the product of Fan and Vercauteren 2012 rounds `t/Q·(a ⊗ b)` over a modulus of twice the length.
//! It is taken at the level that leaves the largest budget. The message is that of both operands times their correction factors
//! and `Q mod t`.

use he_bgv::Error;

use crate::ciphertext::Ciphertext;
use crate::evaluator::Evaluator;

impl Evaluator {
    /// `a·b`, relinearized, at the lowest level that costs a later product nothing.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, there is no relinearization key, or the product would not decrypt or may pass `t/2`.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.dot(&[(a, b)])
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
        let product = match self.sum_of_tops(pairs, self.params.product_down())? {
            Some(product) => product,
            None => self.sum_below(pairs)?,
        };
        Ok(self.raise(&self.bgv.mod_switch_for_product(&self.bgv.relinearize(&product)?)?))
    }

    /// `Σ a_i·b_i` for unrelated pairs, of degree 2. All `a_i` have one correction factor, and all `b_i`.
    ///
    /// # Errors
    /// As [`mul_lazy`](Self::mul_lazy); also if there is no pair, or the correction factors differ.
    pub fn dot_lazy(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        match self.sum_of_tops(pairs, self.params.down())? {
            Some(top) => Ok(self.at_the_top(top)),
            None => Ok(self.raise(&self.sum_below(pairs)?)),
        }
    }

    /// A product of degree 2 brought back to degree 1.
    ///
    /// # Errors
    /// If the operand is foreign, there is no relinearization key for its level, or the result would not decrypt.
    pub fn relinearize(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.relinearize(&a.to_bgv())?))
    }

    /// The tensor products of words at the top times a number; none if an operand has to be divided first, which is done below.
    fn sum_of_tops(
        &self,
        pairs: &[(&Ciphertext, &Ciphertext)],
        times: &[u64],
    ) -> Result<Option<he_bgv::Ciphertext>, Error> {
        let (a, b): (Vec<_>, Vec<_>) = pairs.iter().map(|(a, b)| (&a.top, &b.top)).unzip();
        let level = self.bgv.product_level([&a, &b]);
        let estimator = self.params.noise();
        let is_divided =
            |c: &&he_bgv::Ciphertext| estimator.reduce(c.noise(), c.level(), level).0.contains(&true);
        if a.iter().chain(&b).any(is_divided) {
            return Ok(None);
        }
        let products = self.bgv.scaled_products(pairs.len(), [&a, &b], level, Some(times))?;
        Ok(products.into_iter().next())
    }

    fn sum_below(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<he_bgv::Ciphertext, Error> {
        let below: Vec<_> = pairs.iter().map(|(a, b)| (a.to_bgv(), b.to_bgv())).collect();
        self.bgv.dot_lazy(&below.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>())
    }
}
