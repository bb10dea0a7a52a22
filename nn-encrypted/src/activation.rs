//! Activation functions, as real functions and as polynomials with exact integer arithmetic.
//!
//! A polynomial whose coefficients are dyadic, `p(z) = Σ c_i·z^i / 2^f_c`, maps fixed-point numbers to fixed-point
//! numbers without rounding: with `z = Z / 2^f_z` and degree d,
//! `p(z) · 2^(f_c + d·f_z) = Σ c_i · 2^(f_z·(d - i)) · Z^i`. Powers of two common to all terms are divided out.

mod dyadic;
mod elementary;
mod fit;

pub(crate) use self::dyadic::{Dyadic, DyadicPolynomial, Polynomial};
pub(crate) use self::elementary::{exp, sigmoid, tanh};
pub use self::fit::FitMethod;
pub(crate) use self::fit::{fit, fit_at};

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
    /// `z·Φ(z)`, with the distribution function `Φ` of the normal distribution.
    Gelu,
}

impl Function {
    /// Whether it is a polynomial.
    pub(crate) fn is_polynomial(&self) -> bool {
        matches!(self, Self::Polynomial(_) | Self::Real(_))
    }

    /// The value at `z`.
    pub(crate) fn value(&self, z: f64) -> f64 {
        match self {
            Self::Polynomial(polynomial) => polynomial.value(z),
            Self::Real(coefficients) => coefficients.iter().rev().fold(0.0, |sum, c| sum * z + c),
            Self::Sigmoid => sigmoid(z),
            Self::CentredSigmoid => sigmoid(z) - 0.5,
            Self::Relu => z.max(0.0),
            Self::Tanh => tanh(z),
            Self::Gelu => z * normal(z)[1],
        }
    }

    /// The derivative at `z` (of ReLU at 0: 0).
    pub(crate) fn derivative(&self, z: f64) -> f64 {
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
            Self::Gelu => {
                let [density, distribution] = normal(z);
                distribution + z * density
            }
        }
    }
}

/// Density and distribution function of the normal distribution, within about 1e-15 of their values:
/// `Φ(z) = 1/2 + φ(z)·(z + z³/3 + z⁵/(3·5) + …)`, a series whose terms have one sign.
fn normal(z: f64) -> [f64; 2] {
    // Beyond it both are 0 or 1 to the last bit but some 1e-18.
    const FAR: f64 = 9.0;
    if z.abs() > FAR {
        return [0.0, f64::from(u8::from(z > 0.0))];
    }
    let density = exp(-z * z / 2.0) / (2.0 * std::f64::consts::PI).sqrt();
    let (mut sum, mut term, mut odd) = (z, z, 1.0);
    while term.abs() > f64::EPSILON / 4.0 * sum.abs() {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    [density, 0.5 + density * sum]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_values() {
        let cubic = Polynomial::new(vec![0, 8, 0, -1], 3);
        let all = [Function::Sigmoid, Function::Tanh, Function::Relu, Function::Gelu];
        for function in all.into_iter().chain([Function::Polynomial(cubic)]) {
            for z in [-2.3, -0.7, 0.1, 1.9] {
                let h = 1e-5;
                let slope = (function.value(z + h) - function.value(z - h)) / (2.0 * h);
                assert!((slope - function.derivative(z)).abs() < 1e-8, "{function:?} at {z}");
            }
        }
    }
    /// `z·Φ(z)` by the integral of the density, with the exponential of the standard library.
    #[test]
    fn gelu_is_the_integral_of_the_normal_density() {
        let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
        for i in -100..=100 {
            let z = f64::from(i) / 10.0;
            // Simpson's rule from 0.
            let steps = 4000;
            let at = |k: i32| density(z * f64::from(k) / f64::from(steps));
            let inner: f64 = (1..steps).map(|k| if k % 2 == 1 { 4.0 * at(k) } else { 2.0 * at(k) }).sum();
            let integral = z / f64::from(steps) / 3.0 * (at(0) + inner + at(steps));
            let found = Function::Gelu.value(z);
            assert!((found - z * (0.5 + integral)).abs() < 1e-12, "{z}: {found}");
        }
        assert_eq!([-1e9, -0.0, 0.0, 1e9].map(|z| Function::Gelu.value(z)), [0.0, 0.0, 0.0, 1e9]);
        assert_eq!([-1e9, 0.0, 1e9].map(|z| Function::Gelu.derivative(z)), [0.0, 0.5, 1.0]);
    }
}
