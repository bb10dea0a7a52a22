//! Linear combinations, which take no bootstrap: in place on a ciphertext, and as operations of the evaluator.
//!
//! With ciphertexts `c_i` of variance `V_i`, `Σ w_i·c_i` has variance `Σ w_i²·V_i`. Every ciphertext carries its own, and a
//! bootstrap refuses what has become too noisy. The operands' noises are taken as independent: the sum of a ciphertext with
//! itself is noisier than estimated, and its double by [`Evaluator::mul_const`] is not.

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;

impl LweCiphertext {
    /// `self += c·other`.
    ///
    /// # Errors
    /// If they belong to different parameters or different secrets.
    pub fn add_scaled_assign(&mut self, other: &Self, c: i32) -> Result<(), Error> {
        let (operation, object) = ("linear combination", "second ciphertext");
        if !self.params.same(&other.params) {
            return Err(Error::Foreign { operation, object });
        }
        if let (Some(needed), Some(found)) = (self.secret, other.secret) {
            found.check(operation, object, needed)?;
        }
        self.secret = self.secret.or(other.secret);
        for (x, &y) in self.words.iter_mut().zip(&other.words) {
            *x = x.wrapping_add(y.wrapping_mul(c as u32));
        }
        self.variance += f64::from(c) * f64::from(c) * other.variance;
        Ok(())
    }

    /// `self *= c`.
    pub fn scale_assign(&mut self, c: i32) {
        for x in &mut self.words {
            *x = x.wrapping_mul(c as u32);
        }
        self.variance *= f64::from(c) * f64::from(c);
    }

    /// Adds a constant of the torus, in units of `2^-32`, to the phase.
    pub fn add_constant_assign(&mut self, phase: u32) {
        if let Some(body) = self.words.last_mut() {
            *body = body.wrapping_add(phase);
        }
    }
}

impl Evaluator {
    /// `a + b`.
    ///
    /// # Errors
    /// If an operand belongs to other parameters.
    pub fn add(&self, a: &LweCiphertext, b: &LweCiphertext) -> Result<LweCiphertext, Error> {
        self.linear_combination(&[(1, a), (1, b)])
    }

    /// `a − b`.
    ///
    /// # Errors
    /// If an operand belongs to other parameters.
    pub fn sub(&self, a: &LweCiphertext, b: &LweCiphertext) -> Result<LweCiphertext, Error> {
        self.linear_combination(&[(1, a), (-1, b)])
    }

    /// `−a`.
    ///
    /// # Errors
    /// If the operand belongs to other parameters.
    pub fn negate(&self, a: &LweCiphertext) -> Result<LweCiphertext, Error> {
        self.mul_const(a, -1)
    }

    /// `a` with a constant of the torus, in units of `2^-32`, added to its phase.
    ///
    /// # Errors
    /// If the operand belongs to other parameters.
    pub fn add_const(&self, a: &LweCiphertext, phase: u32) -> Result<LweCiphertext, Error> {
        let mut sum = self.mul_const(a, 1)?;
        sum.add_constant_assign(phase);
        Ok(sum)
    }

    /// `c·a`.
    ///
    /// # Errors
    /// If the operand belongs to other parameters.
    pub fn mul_const(&self, a: &LweCiphertext, c: i32) -> Result<LweCiphertext, Error> {
        self.linear_combination(&[(c, a)])
    }

    /// `sum += c·x`, in place.
    pub(crate) fn linear(&self, sum: &mut LweCiphertext, x: &LweCiphertext, c: i32) -> Result<(), Error> {
        let (operation, object) = ("linear combination", "operand");
        self.check(operation, object, sum)?;
        self.check(operation, object, x)?;
        sum.add_scaled_assign(x, c)
    }

    /// `Σ c_i·x_i` of terms `(c_i, x_i)`; without terms the constant 0.
    ///
    /// # Errors
    /// If an operand belongs to other parameters.
    pub fn linear_combination(&self, terms: &[(i32, &LweCiphertext)]) -> Result<LweCiphertext, Error> {
        terms.iter().try_for_each(|(_, x)| self.check("linear combination", "operand", x))?;
        let Some(((c, first), rest)) = terms.split_first() else {
            return Ok(LweCiphertext::trivial(self.params(), 0));
        };
        let mut sum = (*first).clone();
        if *c != 1 {
            sum.scale_assign(*c);
        }
        rest.iter().try_for_each(|(c, x)| sum.add_scaled_assign(x, *c))?;
        Ok(sum)
    }
}
