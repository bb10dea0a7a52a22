//! Polynomials without a product for their leading coefficient.

/// A polynomial of degree 1 to 3 of `κ·z` with leading coefficient `±1`: the constant `κ` is part of the mask that expands the
/// weights. One of a higher degree has `κ = 1` and is computed by its coefficients.
///
/// With `κ = |c_d|^(1/d)`, `s` the sign of `c_d` and `y = κz`:
/// `p = s·y² + (c_1/κ)·y + c_0`, or `p = s·y·(y² + s(c_2/κ²)·y + s·c_1/κ) + c_0`; `p' = derivative_factor·derivative(y)` with
/// `derivative = y + s·c_1/(2κ)`, or `y² + s·2c_2/(3κ²)·y + s·c_1/(3κ)`, and `derivative_factor = d·s·κ`.
#[derive(Clone, Debug, PartialEq)]
pub struct MonicPolynomial {
    /// Coefficients, constant first, the last not 0.
    pub coefficients: Vec<f64>,
    /// Degree, at least 1.
    pub degree: usize,
    /// Sign of the leading coefficient.
    pub negative: bool,
    /// `κ`.
    pub scale: f64,
    /// The constant term.
    pub constant: f64,
    /// Degree 2: the coefficient of `y`. Degree 3: that of `y` within the brackets.
    pub linear: f64,
    /// Degree 3: the constant within the brackets.
    pub inner: f64,
    /// Degree 3: the coefficient of `y` in the derivative.
    pub derivative_linear: f64,
    pub derivative_constant: f64,
    pub derivative_factor: f64,
}

/// The degree from which on a polynomial is computed by its coefficients.
const HIGH: usize = 4;

impl MonicPolynomial {
    /// The polynomial with these coefficients, constant first. Without any it is the identity.
    pub fn new(coefficients: &[f64]) -> Self {
        let length = coefficients.iter().rposition(|c| *c != 0.0).map_or(0, |last| last + 1);
        let coefficients = if length < 2 { vec![0.0, 1.0] } else { coefficients[..length].to_vec() };
        let degree = coefficients.len() - 1;
        let c = |i: usize| coefficients.get(i).copied().unwrap_or(0.0);
        let scale = match degree {
            1 => c(1).abs(),
            2 => c(2).abs().sqrt(),
            3 => c(3).abs().cbrt(),
            _ => 1.0,
        };
        let sign = c(degree).signum();
        let (linear, inner) = match degree {
            2 => (c(1) / scale, 0.0),
            3 => (sign * c(2) / (scale * scale), sign * c(1) / scale),
            _ => (0.0, 0.0),
        };
        let (derivative_linear, derivative_constant) = match degree {
            2 => (0.0, sign * c(1) / (2.0 * scale)),
            3 => (sign * 2.0 * c(2) / (3.0 * scale * scale), sign * c(1) / (3.0 * scale)),
            _ => (0.0, 0.0),
        };
        Self {
            degree,
            negative: sign < 0.0,
            scale,
            constant: c(0),
            linear,
            inner,
            derivative_linear,
            derivative_constant,
            derivative_factor: if degree < HIGH { degree as f64 * sign * scale } else { 1.0 },
            coefficients,
        }
    }

    /// Whether it is computed by its coefficients.
    pub fn is_high(&self) -> bool {
        self.degree >= HIGH
    }

    /// The coefficients of its derivative, constant first.
    pub fn derivative(&self) -> Vec<f64> {
        self.coefficients.iter().enumerate().skip(1).map(|(power, c)| power as f64 * c).collect()
    }

    /// A bound of its values where its argument `z` is at most so large in magnitude.
    pub fn reach(&self, z: f64) -> f64 {
        self.coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(c: &[f64], z: f64) -> f64 {
        c.iter().rev().fold(0.0, |sum, c| sum * z + c)
    }

    #[test]
    fn value_and_derivative_are_those_of_the_polynomial() {
        for c in [&[0.3, -0.5][..], &[0.1, 0.8, -0.3], &[0.5, 0.197, 0.0, -0.004], &[0.1, 0.8, 0.125, 0.5]] {
            let p = MonicPolynomial::new(c);
            for z in [-1.7, 0.0, 0.4, 2.5] {
                let (y, sign) = (p.scale * z, if p.negative { -1.0 } else { 1.0 });
                let (found, derivative) = match p.degree {
                    1 => (sign * y + p.constant, 1.0),
                    2 => (sign * y * y + p.linear * y + p.constant, y + p.derivative_constant),
                    _ => (
                        sign * y * (y * y + p.linear * y + p.inner) + p.constant,
                        y * y + p.derivative_linear * y + p.derivative_constant,
                    ),
                };
                assert!((found - value(c, z)).abs() < 1e-12, "{c:?} at {z}");
                let derivative = derivative * p.derivative_factor;
                assert!((derivative - value(&p.derivative(), z)).abs() < 1e-12, "{c:?} at {z}");
            }
        }
        let padded = MonicPolynomial::new(&[1.0, 2.0, 3.0, 0.0]);
        assert_eq!(padded, MonicPolynomial::new(&[1.0, 2.0, 3.0]));
        assert_eq!(MonicPolynomial::new(&[]).coefficients, [0.0, 1.0]);
        assert!(MonicPolynomial::new(&[0.0, 1.0, 0.0, 0.0, 0.5]).is_high());
        assert_eq!(padded.reach(2.0), 17.0);
    }
}
