//! Activation functions, as real functions and as polynomials with exact integer arithmetic.
//!
//! A polynomial whose coefficients are dyadic, `p(z) = Σ c_i·z^i / 2^f_c`, maps fixed-point numbers to fixed-point
//! numbers without rounding: with `z = Z / 2^f_z` and degree d,
//! `p(z) · 2^(f_c + d·f_z) = Σ c_i · 2^(f_z·(d - i)) · Z^i`. Powers of two common to all terms are divided out.

mod dyadic;
mod elementary;
mod fit;

pub use self::dyadic::{Dyadic, DyadicPolynomial, Polynomial};
pub use self::elementary::{exp, sigmoid, tanh};
pub use self::fit::{FitMethod, fit};

/// A real activation function.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// A polynomial with dyadic coefficients, exactly.
    Polynomial(Polynomial),
    /// A polynomial with real coefficients, constant first.
    Real(Vec<f64>),
    /// `σ(z) = 1/(1 + e^−z)`
    Sigmoid,
    /// `σ(z) − 1/2`: centred, because quadratic loss trains badly without.
    CentredSigmoid,
    /// max(z, 0)
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Function {
    /// Whether it is a polynomial.
    #[must_use]
    pub fn is_polynomial(&self) -> bool {
        matches!(self, Self::Polynomial(_) | Self::Real(_))
    }

    /// The value at `z`.
    #[must_use]
    pub fn value(&self, z: f64) -> f64 {
        match self {
            Self::Polynomial(polynomial) => polynomial.value(z),
            Self::Real(coefficients) => coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c),
            Self::Sigmoid => sigmoid(z),
            Self::CentredSigmoid => sigmoid(z) - 0.5,
            Self::Relu => z.max(0.0),
            Self::Tanh => tanh(z),
        }
    }

    /// The derivative at `z` (of ReLU at 0: 0).
    #[must_use]
    pub fn derivative(&self, z: f64) -> f64 {
        match self {
            Self::Polynomial(polynomial) => polynomial.derivative_value(z),
            Self::Real(coefficients) => {
                let powers = coefficients.iter().enumerate().skip(1).rev();
                powers.fold(0.0, |sum, (power, c)| sum * z + power as f64 * c)
            }
            Self::Sigmoid | Self::CentredSigmoid => {
                let s = sigmoid(z);
                s * (1.0 - s)
            }
            Self::Relu => f64::from(u8::from(z > 0.0)),
            Self::Tanh => {
                let t = tanh(z);
                1.0 - t * t
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_values() {
        let cubic = Polynomial::new(vec![0, 8, 0, -1], 3);
        for function in [Function::Sigmoid, Function::Tanh, Function::Relu, Function::Polynomial(cubic)] {
            for z in [-2.3, -0.7, 0.1, 1.9] {
                let h = 1e-5;
                let slope = (function.value(z + h) - function.value(z - h)) / (2.0 * h);
                assert!((slope - function.derivative(z)).abs() < 1e-8, "{function:?} at {z}");
            }
        }
    }
}
