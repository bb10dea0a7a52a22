//! The exponential and its kin by the four basic operations alone, which give the same bits on every machine.

/// e^x, within about 1e-13 of its value.
pub(crate) fn exp(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 / exp(-x);
    }
    if x > 709.0 {
        return f64::INFINITY;
    }
    let mut halvings = 0;
    let mut small = x;
    while small > 0.125 {
        small /= 2.0;
        halvings += 1;
    }
    let series = (1..=12).rev().fold(1.0, |sum, n| 1.0 + small / f64::from(n) * sum);
    (0..halvings).fold(series, |power, _| power * power)
}

/// The logistic function 1 / (1 + e^-x).
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent.
pub(crate) fn tanh(x: f64) -> f64 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// The cosine of π·x for x in [0, 1].
pub(super) fn cos_pi(x: f64) -> f64 {
    if x > 0.5 {
        return -cos_pi(1.0 - x);
    }
    let square = (std::f64::consts::PI * x) * (std::f64::consts::PI * x);
    (1..=12).rev().fold(1.0, |sum, n| 1.0 - square / f64::from(2 * n * (2 * n - 1)) * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_up_to_rounding() {
        for i in -400..=400 {
            let x = f64::from(i) / 20.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
            assert!((tanh(x) - x.tanh()).abs() < 1e-14, "tanh {x}");
        }
        for i in 0..=100 {
            let x = f64::from(i) / 100.0;
            assert!((cos_pi(x) - (std::f64::consts::PI * x).cos()).abs() < 1e-14, "cos {x}");
        }
        assert_eq!((exp(0.0), sigmoid(0.0), tanh(0.0)), (1.0, 0.5, 0.0));
        assert_eq!((sigmoid(-1e9), sigmoid(1e9)), (0.0, 1.0));
    }
}
