//! Functions that are approximated often.

use std::f64::consts::SQRT_2;

/// `1/(1 + e^{−x})`.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Hyperbolic tangent.
pub fn tanh(x: f64) -> f64 {
    x.tanh()
}

/// `e^x`.
pub fn exp(x: f64) -> f64 {
    x.exp()
}

/// `1/x`, for intervals that do not hold 0.
pub fn inverse(x: f64) -> f64 {
    1.0 / x
}

/// `ln(1 + e^x)`, a smooth ReLU.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `x·Φ(x)` with the normal distribution function `Φ`, a smooth ReLU.
pub fn gelu(x: f64) -> f64 {
    x * (1.0 + erf(x / SQRT_2)) / 2.0
}

/// The error function: its power series, and a continued fraction where that would cancel.
pub fn erf(x: f64) -> f64 {
    let (z, square) = (x.abs(), x * x);
    let value = if z < 3.0 {
        let (mut term, mut sum) = (z, z);
        for k in 1..120 {
            term *= -square / f64::from(k);
            sum += term / f64::from(2 * k + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        // erfc(z) = e^{−z²}/√π · 1/(z + (1/2)/(z + (2/2)/(z + …)))
        let fraction = (1..60).rev().fold(0.0, |rest, k| f64::from(k) / 2.0 / (z + rest));
        1.0 - (-square).exp() / std::f64::consts::PI.sqrt() / (z + fraction)
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_values() {
        for (x, value) in
            [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.9, 0.999_958_902_1), (3.1, 0.999_988_351_3)]
        {
            assert!((erf(x) - value).abs() < 1e-9, "erf({x})");
            assert_eq!(erf(-x), -erf(x));
        }
        assert!((erf(3.0 - 1e-9) - erf(3.0 + 1e-9)).abs() < 1e-10);
    }
}
