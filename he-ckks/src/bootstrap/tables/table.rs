//! Tables as polynomials in the exponential.

use std::f64::consts::PI;

use num_complex::Complex64;

use crate::approximation::ApproximationError;
use crate::error::Error;

/// A function on the integers modulo `t`, ready to be looked up.
///
/// ```
/// use he_ckks::bootstrap::Table;
/// let squares = Table::new(&[0.0, 1.0, 4.0, 9.0])?;
/// assert_eq!(squares.modulus(), 4);
/// // What comes out for 3 with an error of a hundredth: most of it is gone.
/// assert!((squares.evaluate(3.01) - 9.0).abs() < 0.005);
/// # Ok::<(), he_ckks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// `(1/t)(1 − k/t)·f̂_k`, half of it for `k = 0`.
    coefficients: Vec<Complex64>,
    /// Largest magnitude.
    most: f64,
    /// `max_m |F''(m)|/2`, in units of the values and of the distance of the integers.
    curvature: f64,
}

impl Table {
    /// The table with the values `f(0), f(1), …, f(t − 1)`.
    ///
    /// # Errors
    /// If there are fewer than 2 or more than 1024, or one is not finite.
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        let t = values.len();
        if !(2..=1024).contains(&t) {
            return Err(Error::Spec {
                field: "table",
                found: t.to_string(),
                needed: "2 to 1024 values".into(),
            });
        }
        if !values.iter().all(|f| f.is_finite()) {
            return Err(ApproximationError::Coefficients.into());
        }
        let root = |k: usize| Complex64::from_polar(1.0, -2.0 * PI * k as f64 / t as f64);
        let coefficient = |k: usize| {
            let sum: Complex64 = values.iter().enumerate().map(|(m, f)| root(k * m % t) * f).sum();
            sum * if k == 0 { 0.5 } else { 1.0 - k as f64 / t as f64 } / t as f64
        };
        let most = values.iter().map(|f| f.abs()).fold(0.0, f64::max);
        let curvature = curvature(values);
        Ok(Self { coefficients: (0..t).map(coefficient).collect(), most, curvature })
    }

    /// Each integer itself, from `−t/2` up to `(t − 1)/2`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn identity(t: usize) -> Result<Self, Error> {
        let centred = |m: usize| m as f64 - if 2 * m >= t { t as f64 } else { 0.0 };
        Self::new(&(0..t.min(1025)).map(centred).collect::<Vec<_>>())
    }

    /// `t`.
    pub fn modulus(&self) -> usize {
        self.coefficients.len()
    }

    /// Levels of the user that it takes.
    pub fn levels(&self) -> usize {
        self.modulus().next_power_of_two().trailing_zeros() as usize
    }

    /// Value of the polynomial at `x`, an integer with an error.
    pub fn evaluate(&self, x: f64) -> f64 {
        let e = Complex64::from_polar(1.0, 2.0 * PI * x / self.modulus() as f64);
        2.0 * self.coefficients.iter().rev().fold(Complex64::default(), |sum, c| sum * e + c).re
    }

    pub(super) fn coefficients(&self) -> &[Complex64] {
        &self.coefficients
    }

    /// Largest magnitude.
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    /// Error that an error of the integers, a root mean square, leaves: that of the integer for which it leaves the most.
    pub(super) fn cleaned(&self, error: f64) -> f64 {
        // √3: the root of the mean fourth power.
        3f64.sqrt() * self.curvature * error * error
    }
}

/// The largest `|F''(m)|/2 = (π/t)²·|Σ_{k≠m} (f(k) − f(m))/sin²(π(k − m)/t)|`: Fejér's kernel at a small distance.
fn curvature(values: &[f64]) -> f64 {
    let t = values.len();
    let weight = |k: usize| (PI / t as f64 / (PI * k as f64 / t as f64).sin()).powi(2);
    let weights: Vec<f64> = (1..t).map(weight).collect();
    let at = |m: usize| -> f64 {
        weights.iter().enumerate().map(|(k, w)| w * (values[(m + k + 1) % t] - values[m])).sum()
    };
    (0..t).map(|m| at(m).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_leave_with_their_square() {
        for t in [2, 5, 16, 256] {
            let values: Vec<f64> = (0..t).map(|m| ((m * m + 3 * m) % 17) as f64).collect();
            for table in [Table::new(&values).unwrap(), Table::identity(t).unwrap()] {
                let exact: Vec<f64> = (0..t).map(|m| table.evaluate(m as f64)).collect();
                let left = |error: f64| {
                    (0..t).map(|m| (table.evaluate(m as f64 + error) - exact[m]).abs()).fold(0.0, f64::max)
                };
                // The root mean square of a normal error leaves √3 times what an error of that size leaves.
                let ratio = 3f64.sqrt() * left(1e-3) / table.cleaned(1e-3);
                assert!((ratio - 1.0).abs() < 0.01, "modulo {t}: {ratio}");
            }
        }
    }
}
