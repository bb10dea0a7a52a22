//! Layers that need no evaluation key: matrices of integers times vectors of ciphertexts, and products that are not relinearized.
//!
//! With one value of each vector in a slot, a matrix product is one of residues: `out_o = Σ_i w_oi·a_i` takes no rotation and no key
//! switch. Products may stay of the degree that they have, up to [`MOST_DEGREE`]: two squares between three matrices are computed and
//! decrypted without any key but the secret one. What that costs is noise, since modulus switching rounds every part, and the parts of
//! a ciphertext of degree `d` are multiplied by the powers of the secret up to `s^d`.

use he_core::ring::IntegerMatrix;
use he_core::rlwe::{self, Bound, OperandError};

use crate::ciphertext::{Ciphertext, MOST_DEGREE};
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::noise::Noise;

impl Evaluator {
    /// The matrix product `Σ_i w_oi·a_i` for integers `w` and ciphertexts of one level, one degree and one correction factor, related or
    /// not: every operand is read from memory once.
    ///
    /// ```
    /// # use he_bgv::*;
    /// # use he_core::ring::IntegerMatrix;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let (encoder, evaluator) =
    ///     (Encoder::new(&params).with_bound(100), Evaluator::new(&params, EvaluationKeys::none(&params))?);
    /// // Two features of three samples, a sample in each slot.
    /// let [x, y] = [[1, 2, 3], [10, 20, 30]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
    /// let weights = IntegerMatrix::new(2, vec![3, 1, -1, 2])?;
    /// let z = evaluator.matrix_product(&weights, &[&x?, &y?])?;
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&z[0])?)?[..3], [13, 26, 39]);
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&z[1])?)?[..3], [19, 38, 57]);
    /// // Squares and a second matrix, without a key.
    /// let squares = [evaluator.mul_unrelinearized(&z[0], &z[0])?, evaluator.mul_unrelinearized(&z[1], &z[1])?];
    /// let sum = evaluator.matrix_product(&IntegerMatrix::new(2, vec![1, -1])?, &squares.each_ref())?;
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&sum[0])?)?[0], 13 * 13 - 19 * 19);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there are not as many operands as columns, one is foreign, levels, degrees or correction factors differ, or a result would not
    /// decrypt or may pass `t/2`.
    pub fn matrix_product(
        &self,
        weights: &IntegerMatrix,
        a: &[&Ciphertext],
    ) -> Result<Vec<Ciphertext>, Error> {
        self.integer_matrix_product(weights, a, |row| {
            let terms = row.iter().zip(a).filter(|(w, _)| **w != 0);
            let noises = terms.map(|(w, a)| a.noise.scale((w.unsigned_abs() as f64).log2()));
            noises.reduce(Noise::add_related).unwrap_or(a[0].noise)
        })
    }

    /// As [`matrix_product`](Self::matrix_product), of fresh encryptions in slots under the secret key: their errors were drawn
    /// independently, and the estimate of the noise says so.
    ///
    /// # Errors
    /// As [`matrix_product`](Self::matrix_product); also if an operand has more noise than a fresh encryption.
    pub fn matrix_product_of_fresh(
        &self,
        weights: &IntegerMatrix,
        a: &[&Ciphertext],
    ) -> Result<Vec<Ciphertext>, Error> {
        let estimator = self.params.noise();
        let fresh = estimator.fresh_secret();
        if let Some(stale) = a.iter().find(|a| a.noise > fresh) {
            let excess = stale.noise.log2() - fresh.log2();
            return Err(Error::NoiseExhausted { operation: "matrix product of fresh ciphertexts", excess });
        }
        self.integer_matrix_product(weights, a, |row| {
            estimator.combination_of_fresh(row.iter().map(|w| w.unsigned_abs()))
        })
    }

    fn integer_matrix_product(
        &self,
        weights: &IntegerMatrix,
        a: &[&Ciphertext],
        noise: impl Fn(&[i64]) -> Noise,
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = "matrix product";
        self.check_all(operation, a.iter().copied())?;
        let (Some(first), true) = (a.first(), a.len() == weights.columns()) else {
            return Err(
                OperandError::Columns { operation, columns: weights.columns(), operands: a.len() }.into()
            );
        };
        for a in a {
            if a.level() != first.level() {
                let (wanted, present) = (first.level(), a.level());
                return Err(OperandError::Level { operation, wanted, present }.into());
            }
            if a.degree() != first.degree() {
                let degree = a.degree().max(first.degree());
                return Err(OperandError::Degree { operation, degree }.into());
            }
            if a.factor != first.factor {
                return Err(Error::MixedCorrectionFactors { operation });
            }
        }
        let bounds: Vec<Bound> = (0..weights.rows())
            .map(|row| self.bound_of_row(operation, weights.row(row), a))
            .collect::<Result<_, _>>()?;
        let operands: Vec<_> = a.iter().map(|a| &a.inner).collect();
        let products = rlwe::Ciphertext::matrix_product(first.level() + 1, weights, &operands);
        (products.into_iter().zip(bounds).enumerate())
            .map(|(row, (product, bound))| {
                self.finish(operation, product, first.factor, noise(weights.row(row)), bound)
            })
            .collect()
    }

    /// The bound of one result, if it is below `t/2`.
    fn bound_of_row(&self, operation: &'static str, row: &[i64], a: &[&Ciphertext]) -> Result<Bound, Error> {
        let terms = row.iter().zip(a).map(|(w, a)| a.bound.scaled(w.unsigned_abs()));
        let sum = terms.map(Ok).reduce(|sum, term| sum?.plus(operation, term?, self.params.n()));
        self.within(operation, sum.ok_or(OperandError::NoOperands { operation })??)
    }

    /// `a·b` of operands of one level, of the degree that is the sum of theirs and at most [`MOST_DEGREE`]; it takes no key. Levels do not
    /// look after themselves here: operands are brought to the best one before, by [`mod_switch_to`](Self::mod_switch_to).
    ///
    /// # Errors
    /// If an operand is foreign, the levels differ, the degree would be too large, or the product would not decrypt or may pass `t/2`.
    pub fn mul_unrelinearized(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "product";
        self.check_all(operation, [a, b])?;
        if a.level() != b.level() {
            return Err(OperandError::Level { operation, wanted: a.level(), present: b.level() }.into());
        }
        let degree = a.degree() + b.degree();
        if degree > MOST_DEGREE {
            return Err(Error::HighDegree { operation, degree, most: MOST_DEGREE });
        }
        let bound = self.within(operation, a.bound.times(operation, b.bound, self.params.n())?)?;
        let noise = self.params.noise().product(a.noise, b.noise);
        let factor = self.params.t().mul(a.factor, b.factor);
        let inner = rlwe::Ciphertext::product(a.level() + 1, &a.inner, &b.inner);
        self.finish(operation, inner, factor, noise, bound)
    }
}
