//! Matrix-vector products and polynomials, by the circuits of `he-core`.

use he_core::circuits::{LinearTransform, evaluate_polynomial};

use he_core::rlwe::OperandError;

use crate::ciphertext::Ciphertext;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::params::Parameters;
use crate::plaintext::PreparedPlaintext;

/// A square matrix of integers, encoded to be multiplied with encrypted vectors of one slot row.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let rows = vec![vec![1, 2], vec![3, 4]];
/// let matrix = linear::Matrix::new(&params, &encoder, &rows, params.max_level())?;
/// let request = KeyRequest::default().rotations(&params, &matrix.rotations(), params.max_level());
/// let evaluator = Evaluator::new(&params, key.evaluation_keys(&request)?)?;
/// // The vector, repeated along both rows of slots.
/// let encoder = encoder.with_bound(10);
/// let repeated: Vec<i64> = [10, 1].iter().copied().cycle().take(params.n()).collect();
/// let product = evaluator.mul_matrix(&matrix, &encryptor.encrypt(&encoder.encode(&repeated)?)?)?;
/// assert_eq!(encoder.decode(&decryptor.decrypt(&product)?)?[..4], [12, 34, 12, 34]);
/// # Ok(())
/// # }
/// ```
pub struct Matrix {
    transform: LinearTransform<PreparedPlaintext>,
}

impl Matrix {
    /// Encodes an `n × n` matrix, `n` a divisor of `N/2`, for ciphertexts up to `level`. The vector is expected
    /// repeated along its row with period `n`, and so is the product. The bound of a product takes the entries of the matrix as they
    /// are: they are not hidden.
    ///
    /// # Errors
    /// If the shape does not fit, an entry is above the bound of the encoder, or the encoder belongs to other parameters.
    pub fn new(
        params: &Parameters,
        encoder: &Encoder,
        rows: &[Vec<i64>],
        level: usize,
    ) -> Result<Self, Error> {
        let (n, slots) = (rows.len(), params.n() / 2);
        let columns = rows.iter().map(Vec::len).find(|&c| c != n).unwrap_or(n);
        if n == 0 || columns != n || slots % n != 0 {
            return Err(OperandError::MatrixShape { rows: n, columns, slots }.into());
        }
        let diagonals = LinearTransform::<PreparedPlaintext>::diagonals_of(rows);
        let baby = (n as f64).sqrt().ceil() as usize;
        let transform = LinearTransform::new(&diagonals, n, baby, |diagonal| {
            let repeated: Vec<i64> = diagonal.iter().copied().cycle().take(params.n()).collect();
            PreparedPlaintext::new(params, &encoder.with_own_bound(&repeated).encode(&repeated)?, level)
        })?;
        Ok(Self { transform })
    }

    /// The rotations for which keys are needed.
    pub fn rotations(&self) -> Vec<usize> {
        self.transform.rotations()
    }
}

impl Evaluator {
    /// The matrix times the vector in each slot row.
    ///
    /// # Errors
    /// If a key is missing, or the product would not decrypt or may pass `t/2`.
    pub fn mul_matrix(&self, matrix: &Matrix, vector: &Ciphertext) -> Result<Ciphertext, Error> {
        let product = matrix.transform.apply(self, vector)?;
        product.ok_or(OperandError::NoOperands { operation: "matrix product" }.into())
    }

    /// `Σ c_i·x^i` in every slot, for `coefficients = [c_0, c_1, …]`. A constant hides nothing: it is a ciphertext all the same.
    ///
    /// ```
    /// # use he_bgv::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n8192().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let x = encryptor.encrypt(&encoder.clone().with_bound(3).encode(&[2, 3])?)?;
    /// // 1 + 5x + x³
    /// let value = evaluator.evaluate_polynomial(&x, &[1, 5, 0, 1])?;
    /// assert_eq!(encoder.decode(&decryptor.decrypt(&value)?)?[..2], [19, 43]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there are no coefficients or no relinearization key, or the result would not decrypt or may pass `t/2`.
    pub fn evaluate_polynomial(&self, x: &Ciphertext, coefficients: &[i64]) -> Result<Ciphertext, Error> {
        let operation = "polynomial";
        let constant = coefficients.first().ok_or(OperandError::NoOperands { operation })?;
        // Modulo t a multiple of t is 0, and left out; of integers it is an error.
        for c in coefficients {
            self.within(operation, x.bound.scaled(0).plus_constant(c.unsigned_abs()))?;
        }
        match evaluate_polynomial(self, x, coefficients)? {
            Some(value) => Ok(value),
            None => self.add_const(&self.mul_const(x, 0)?, *constant),
        }
    }
}

he_core::brief_debug!(Matrix: |a| transform = a.transform);
