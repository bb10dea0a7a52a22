//! Series of Chebyshev polynomials.
//!
//! On `[a, b]` a series is `p(x) = Σ c_k·T_k(u)` with `u = (2x − a − b)/(b − a)` and `T_k(cos φ) = cos kφ`. Interpolation at the
//! Chebyshev nodes `u_j = cos((2j + 1)π/2n)`, `n` one more than the degree, has the coefficients
//! `c_k = (2/n)·Σ_j f(u_j)·cos(k(2j + 1)π/2n)`, half of it for `k = 0`, and an error within a factor `2 + (2/π)·ln n` of the best
//! there is (Trefethen, *Approximation Theory and Approximation Practice*, chapters 3, 4 and 15).

use std::f64::consts::PI;
use std::ops::{Add, Mul, Sub};

use super::error::{ApproximationError, Result};

/// A polynomial in the Chebyshev basis of an interval.
///
/// ```
/// # use he_ckks::approximation::*;
/// # fn main() -> Result<(), ApproximationError> {
/// let series = ChebyshevSeries::interpolate(functions::sigmoid, (-8.0, 8.0), 31)?;
/// assert!(series.error() < 1e-4 && (series.evaluate(0.0) - 0.5).abs() < 1e-4);
/// // In the clear, values outside the interval are found; encrypted, they would be wrong unseen.
/// assert!(series.simulate(9.0).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChebyshevSeries {
    pub(super) coefficients: Vec<f64>,
    interval: (f64, f64),
    error: f64,
}

fn check_interval((low, high): (f64, f64)) -> Result<()> {
    if low < high && low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(ApproximationError::Interval { low, high })
}

impl ChebyshevSeries {
    /// The series with coefficients `c_0, c_1, …`.
    ///
    /// # Errors
    /// If there are none, one is not finite, or the interval is empty.
    pub fn new(coefficients: Vec<f64>, interval: (f64, f64)) -> Result<Self> {
        check_interval(interval)?;
        if coefficients.is_empty() || !coefficients.iter().all(|c| c.is_finite()) {
            return Err(ApproximationError::Coefficients);
        }
        Ok(Self { coefficients, interval, error: 0.0 })
    }

    /// The interpolation of a function at the Chebyshev nodes.
    ///
    /// # Errors
    /// If the interval is empty, the degree above 1023, or the function not finite at a node.
    pub fn interpolate(f: impl Fn(f64) -> f64, interval: (f64, f64), degree: usize) -> Result<Self> {
        check_interval(interval)?;
        if degree > 1023 {
            return Err(ApproximationError::Degree { degree, needed: "at most 1023" });
        }
        let n = degree + 1;
        let (middle, half) = ((interval.0 + interval.1) / 2.0, (interval.1 - interval.0) / 2.0);
        let angle = |j: usize| (2 * j + 1) as f64 * PI / (2 * n) as f64;
        let values = (0..n)
            .map(|j| {
                let at = middle + half * angle(j).cos();
                Some(f(at)).filter(|value| value.is_finite()).ok_or(ApproximationError::NotFinite { at })
            })
            .collect::<Result<Vec<f64>>>()?;
        let coefficient = |k: usize| {
            let sum: f64 =
                values.iter().enumerate().map(|(j, value)| value * (k as f64 * angle(j)).cos()).sum();
            sum * if k == 0 { 1.0 } else { 2.0 } / n as f64
        };
        let series = Self::new((0..n).map(coefficient).collect(), interval)?;
        let error = series.max_error(f, 4 * n);
        Ok(Self { error, ..series })
    }

    /// The interpolation of the smallest degree among 3, 7, 15, … up to `most` (those that use up their levels) with an error
    /// of at most `tolerance`.
    ///
    /// # Errors
    /// As [`interpolate`](Self::interpolate); also if no degree is enough.
    pub fn with_tolerance(
        f: impl Fn(f64) -> f64,
        interval: (f64, f64),
        tolerance: f64,
        most: usize,
    ) -> Result<Self> {
        let mut best = f64::INFINITY;
        for degree in (2..=10).map(|log| (1 << log) - 1).take_while(|&degree| degree <= most) {
            let series = Self::interpolate(&f, interval, degree)?;
            let error = series.max_error(&f, 8 * (degree + 1));
            if error <= tolerance {
                return Ok(series);
            }
            best = best.min(error);
        }
        Err(ApproximationError::Tolerance { degree: most, tolerance, best })
    }

    /// Degree.
    pub fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// Coefficients `c_0, c_1, …`.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The interval.
    pub fn interval(&self) -> (f64, f64) {
        self.interval
    }

    /// Largest distance from the function that was interpolated, measured at four places for each coefficient; 0 for a series
    /// given by its coefficients.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// The value at `x`, by Clenshaw's recurrence.
    pub fn evaluate(&self, x: f64) -> f64 {
        let (low, high) = self.interval;
        let u = (2.0 * x - low - high) / (high - low);
        let (mut above, mut here) = (0.0, 0.0);
        for c in self.coefficients.iter().skip(1).rev() {
            (above, here) = (here, 2.0 * u * here - above + c);
        }
        u * here - above + self.coefficients[0]
    }

    /// The value at `x`, if it lies in the interval: for simulations of what will run on ciphertexts, where nothing shows that a
    /// value has left it and the result grows as fast as the polynomial.
    ///
    /// # Errors
    /// If it does not.
    pub fn simulate(&self, x: f64) -> Result<f64> {
        let (low, high) = self.interval;
        if (low..=high).contains(&x) {
            return Ok(self.evaluate(x));
        }
        Err(ApproximationError::Outside { at: x, low, high })
    }

    /// The largest error among `samples` places, at most a million, that crowd towards the ends.
    pub fn max_error(&self, f: impl Fn(f64) -> f64, samples: usize) -> f64 {
        let ((low, high), samples) = (self.interval, samples.min(1_000_000));
        let place = |i: usize| {
            (low + high) / 2.0 - (high - low) / 2.0 * (PI * i as f64 / samples.max(1) as f64).cos()
        };
        (0..=samples).map(place).map(|x| (self.evaluate(x) - f(x)).abs()).fold(0.0, f64::max)
    }
}

/// The quotient and remainder of a division by a Chebyshev polynomial: `p = q·T_m + r`, by
/// `T_{m+k} = 2·T_m·T_k − T_{|m−k|}`.
///
/// # Panics
/// If there are not `m + 1` to `2m` coefficients.
pub(crate) fn divide_by_chebyshev<T>(coefficients: &[T], m: usize) -> (Vec<T>, Vec<T>)
where
    T: Copy + Add<Output = T> + Sub<Output = T> + Mul<f64, Output = T>,
{
    assert!(coefficients.len() > m && coefficients.len() <= 2 * m, "a quotient of degree below {m}");
    let (low, high) = coefficients.split_at(m);
    let mut remainder = low.to_vec();
    for (k, &c) in high.iter().enumerate().skip(1) {
        remainder[m - k] = remainder[m - k] - c;
    }
    let quotient = high.iter().enumerate().map(|(k, &c)| if k == 0 { c } else { c * 2.0 }).collect();
    (quotient, remainder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::functions;
    use super::*;

    fn naive(series: &ChebyshevSeries, x: f64) -> f64 {
        let (low, high) = series.interval();
        let angle = ((2.0 * x - low - high) / (high - low)).clamp(-1.0, 1.0).acos();
        series.coefficients().iter().enumerate().map(|(k, c)| c * (k as f64 * angle).cos()).sum()
    }

    #[test]
    fn the_exponential_has_bessel_coefficients() {
        // e^x = I_0(1) + 2·Σ I_k(1)·T_k(x), I_k(1) = Σ_j 1/(j!(j + k)!·2^{2j+k}).
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let bessel = |k: u32| {
            (0..20)
                .map(|j| 1.0 / (factorial(j) * factorial(j + k) * f64::from(2 * j + k).exp2()))
                .sum::<f64>()
        };
        let series = ChebyshevSeries::interpolate(f64::exp, (-1.0, 1.0), 15).unwrap();
        for (k, c) in series.coefficients().iter().enumerate() {
            let expected = bessel(k as u32) * if k == 0 { 1.0 } else { 2.0 };
            assert!((c - expected).abs() < 1e-14, "coefficient {k}");
        }
    }

    #[test]
    fn smooth_functions_converge() {
        type Case = (fn(f64) -> f64, (f64, f64), usize, f64);
        let cases: [Case; 6] = [
            (functions::sigmoid, (-8.0, 8.0), 31, 1e-4),
            (functions::tanh, (-2.0, 2.0), 31, 1e-7),
            (functions::exp, (-4.0, 1.0), 15, 1e-9),
            (functions::inverse, (0.25, 2.0), 31, 1e-8),
            (functions::softplus, (-4.0, 4.0), 15, 1e-4),
            (functions::gelu, (-4.0, 4.0), 31, 1e-6),
        ];
        for (i, (f, interval, degree, bound)) in cases.into_iter().enumerate() {
            let error = |degree| ChebyshevSeries::interpolate(f, interval, degree).unwrap().max_error(f, 400);
            assert!(error(degree) < bound, "case {i}: {:e}", error(degree));
            assert!(error(degree) < error(degree / 2) / 10.0, "case {i}");
            let found = ChebyshevSeries::with_tolerance(f, interval, bound, 63).unwrap();
            assert!(found.degree() <= degree && found.max_error(f, 1000) < 1.1 * bound);
        }
    }

    #[test]
    fn what_cannot_be_approximated_is_named() {
        use ApproximationError as E;
        let f = f64::sqrt;
        for interval in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(matches!(ChebyshevSeries::interpolate(f, interval, 3), Err(E::Interval { .. })));
        }
        assert!(
            matches!(ChebyshevSeries::interpolate(f, (-1.0, 1.0), 3), Err(E::NotFinite { at }) if at < 0.0)
        );
        assert!(matches!(
            ChebyshevSeries::interpolate(f, (0.0, 1.0), 4000),
            Err(E::Degree { degree: 4000, .. })
        ));
        assert_eq!(ChebyshevSeries::new(vec![], (0.0, 1.0)), Err(E::Coefficients));
        assert_eq!(ChebyshevSeries::new(vec![f64::NAN], (0.0, 1.0)), Err(E::Coefficients));
        let rough = ChebyshevSeries::with_tolerance(f64::abs, (-1.0, 1.0), 1e-6, 31);
        assert!(matches!(rough, Err(E::Tolerance { degree: 31, best, .. }) if best > 1e-3));
    }

    proptest! {
        #[test]
        fn clenshaw_sums_the_series(c in prop::collection::vec(-1.0..1.0f64, 1..40), u in 0.0..1.0f64) {
            let series = ChebyshevSeries::new(c, (-3.0, 5.0)).unwrap();
            let x = -3.0 + 8.0 * u;
            prop_assert!((series.evaluate(x) - naive(&series, x)).abs() < 1e-11);
        }

        #[test]
        fn quotient_and_remainder_make_the_series(c in prop::collection::vec(-1.0..1.0f64, 5..9), u in -1.0..1.0f64) {
            let series = |c: &[f64]| ChebyshevSeries::new(c.to_vec(), (-1.0, 1.0)).unwrap().evaluate(u);
            let (q, r) = divide_by_chebyshev(&c, 4);
            let t = (4.0 * u.acos()).cos();
            prop_assert!((series(&q) * t + series(&r) - series(&c)).abs() < 1e-12);
        }
    }
}
