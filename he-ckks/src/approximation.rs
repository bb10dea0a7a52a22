//! Functions approximated by polynomials in the Chebyshev basis, in floating point.
//!
//! On `[a, b]` a series is `p(x) = Σ c_k·T_k(u)` with `u = (2x − a − b)/(b − a)` and `T_k(cos φ) = cos kφ`. Interpolation at the
//! Chebyshev nodes `u_j = cos((2j + 1)π/2n)`, `n` one more than the degree, has the coefficients
//! `c_k = (2/n)·Σ_j f(u_j)·cos(k(2j + 1)π/2n)`, half of it for `k = 0`, and an error within a factor `2 + (2/π)·ln n` of the best
//! there is (Trefethen, *Approximation Theory and Approximation Practice*, chapters 3, 4 and 15).
//!
//! The sign function has no good polynomial near its jump; a composition of small ones, each the best for the range the last one
//! leaves, needs far fewer products (Lee, Lee, No, Kim 2022: [`SignComposite`]).

use std::f64::consts::PI;
use std::ops::{Add, Mul, Sub};

use thiserror::Error;

/// Why there is no such approximation.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ApproximationError {
    /// An interval that is empty or not finite.
    #[error("the interval [{low}, {high}] is empty or not finite")]
    Interval {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// A function without a value.
    #[error("the function has no finite value at {at}")]
    NotFinite {
        /// The place.
        at: f64,
    },
    /// An argument for which the approximation says nothing.
    #[error(
        "polynomial: the value {at} lies outside the interval [{low}, {high}] of the approximation; scale the values, or approximate on a wider interval"
    )]
    Outside {
        /// The argument.
        at: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// No coefficients, or one that is not finite.
    #[error("a series needs coefficients, all of them finite")]
    Coefficients,
    /// A degree out of range.
    #[error("the degree is {degree}, needed {needed}")]
    Degree {
        /// The degree asked for.
        degree: usize,
        /// What it may be.
        needed: &'static str,
    },
    /// No degree tried is enough.
    #[error("no degree up to {degree} meets the tolerance {tolerance:e}; the best error reached is {best:e}")]
    Tolerance {
        /// Largest degree.
        degree: usize,
        /// What was asked for.
        tolerance: f64,
        /// What was reached.
        best: f64,
    },
    /// A gap outside `(0, 1)`.
    #[error("the gap of a sign function is {gap}, needed more than 0 and less than 1")]
    Gap {
        /// The gap.
        gap: f64,
    },
    /// The exchange algorithm did not settle.
    #[error("the exchange for degree {degree} on [{low}, {high}] does not converge in floating point")]
    Exchange {
        /// Degree.
        degree: usize,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

type Result<T> = std::result::Result<T, ApproximationError>;

/// A polynomial in the Chebyshev basis of an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct ChebyshevSeries {
    coefficients: Vec<f64>,
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

    /// The largest error among `samples` places that crowd towards the ends.
    pub fn max_error(&self, f: impl Fn(f64) -> f64, samples: usize) -> f64 {
        let (low, high) = self.interval;
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
pub fn divide_by_chebyshev<T>(coefficients: &[T], m: usize) -> (Vec<T>, Vec<T>)
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

/// Functions that are approximated often.
pub mod functions {
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
}

/// A composition `p_m(…p_1(x)…)` close to the sign of `x` for `gap ≤ |x| ≤ 1` (Lee, Lee, No, Kim, *Minimax Approximation of Sign
/// Function by Composite Polynomial for Homomorphic Comparison*, IEEE TDSC 2022, section 3). Each stage is the odd polynomial of
/// its degree with the least largest error on the two intervals where the stage before puts its results, which are scaled to
/// lie in `[−1, 1]`: no stage takes a level to be moved there.
#[derive(Clone, Debug, PartialEq)]
pub struct SignComposite {
    stages: Vec<ChebyshevSeries>,
    gap: f64,
    tolerance: f64,
}

impl SignComposite {
    /// The composition of polynomials of the given odd degrees.
    ///
    /// # Errors
    /// If the gap is not in `(0, 1)`, there are no degrees, one is even or above 63, or the exchange does not converge.
    pub fn new(gap: f64, degrees: &[usize]) -> Result<Self> {
        if !(gap > 0.0 && gap < 1.0) {
            return Err(ApproximationError::Gap { gap });
        }
        let needed = "odd degrees of at most 63";
        if degrees.is_empty() {
            return Err(ApproximationError::Degree { degree: 0, needed });
        }
        let (mut low, mut tolerance) = (gap, 1.0);
        let mut stages: Vec<ChebyshevSeries> = Vec::with_capacity(degrees.len());
        for &degree in degrees {
            if degree.is_multiple_of(2) || degree > 63 {
                return Err(ApproximationError::Degree { degree, needed });
            }
            // What the stage before gives is scaled to at most 1; a little less, so that errors stay inside, too.
            let most = 1.0 + tolerance + 1e-6;
            if let Some(before) = stages.last_mut() {
                before.coefficients.iter_mut().for_each(|c| *c /= most);
                low = (1.0 - tolerance - 1e-6) / most;
            }
            let (stage, error) = odd_minimax(low, 1.0, degree)?;
            stages.push(stage);
            tolerance = error;
        }
        Ok(Self { stages, gap, tolerance })
    }

    /// The polynomials, in the order of application.
    pub fn stages(&self) -> &[ChebyshevSeries] {
        &self.stages
    }

    /// Least magnitude of the arguments.
    pub fn gap(&self) -> f64 {
        self.gap
    }

    /// Largest difference from the sign for arguments between the gap and 1 in magnitude.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The value at `x`.
    pub fn evaluate(&self, x: f64) -> f64 {
        self.stages.iter().fold(x, |x, stage| stage.evaluate(x))
    }
}

/// The odd polynomial `Σ c_j·T_{2j+1}(x/b)` with the least largest distance from 1 on `[a, b]`, and that distance: Remez'
/// exchange. With `k` coefficients the error alternates at `k + 1` places.
fn odd_minimax(a: f64, b: f64, degree: usize) -> Result<(ChebyshevSeries, f64)> {
    let failed = ApproximationError::Exchange { degree, low: a, high: b };
    let terms = degree.div_ceil(2);
    let basis = |j: usize, x: f64| ((2 * j + 1) as f64 * (x / b).clamp(-1.0, 1.0).acos()).cos();
    let place = |t: f64| (a + b) / 2.0 - (b - a) / 2.0 * (PI * t).cos();
    let mut places: Vec<f64> = (0..=terms).map(|i| place(i as f64 / terms as f64)).collect();
    for _ in 0..100 {
        let rows = places.iter().enumerate().map(|(i, &x)| {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            (0..terms).map(|j| basis(j, x)).chain([sign, 1.0]).collect()
        });
        let solution = solve(rows.collect()).ok_or_else(|| failed.clone())?;
        let (coefficients, level) = solution.split_at(terms);
        let error = |x: f64| coefficients.iter().enumerate().map(|(j, c)| c * basis(j, x)).sum::<f64>() - 1.0;
        let peaks = alternation(&error, &place, terms + 1);
        let worst = peaks.iter().map(|&x| error(x).abs()).fold(0.0, f64::max);
        if peaks.len() <= terms || !worst.is_finite() {
            return Err(failed);
        }
        // The last bits of the sums alternate as they like.
        if worst <= level[0].abs() * (1.0 + 1e-10) + 1e-13 {
            let all = (0..=degree).map(|k| if k % 2 == 1 { coefficients[k / 2] } else { 0.0 }).collect();
            return Ok((ChebyshevSeries::new(all, (-b, b))?, worst));
        }
        places = peaks;
    }
    Err(failed)
}

/// The places of the largest error between its changes of sign, `count` of them in order.
fn alternation(error: &impl Fn(f64) -> f64, place: &impl Fn(f64) -> f64, count: usize) -> Vec<f64> {
    let steps = 64 * count;
    let at = |i: usize| i as f64 / steps as f64;
    let mut peaks: Vec<(f64, f64)> = Vec::new();
    for t in (0..=steps).map(at) {
        let value = error(place(t));
        match peaks.last_mut() {
            Some((peak, most)) if (*most >= 0.0) == (value >= 0.0) => {
                if value.abs() > most.abs() {
                    (*peak, *most) = (t, value);
                }
            }
            _ => peaks.push((t, value)),
        }
    }
    // Golden sections around each.
    for (peak, _) in &mut peaks {
        let (mut low, mut high) = ((*peak - at(1)).max(0.0), (*peak + at(1)).min(1.0));
        for _ in 0..60 {
            let (x, y) = (low + 0.382 * (high - low), high - 0.382 * (high - low));
            if error(place(x)).abs() > error(place(y)).abs() { high = y } else { low = x }
        }
        *peak = f64::midpoint(low, high);
    }
    let mut peaks: Vec<f64> = peaks.into_iter().map(|(t, _)| place(t)).collect();
    while peaks.len() > count {
        // The smaller of the two ends goes: the others still alternate.
        let (first, last) = (error(peaks[0]).abs(), error(peaks[peaks.len() - 1]).abs());
        if first < last {
            peaks.remove(0);
        } else {
            peaks.pop();
        }
    }
    peaks
}

/// Solves a system given by rows with the right-hand side last, by elimination with pivots; `None` for a singular one.
pub(crate) fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for pivot in 0..n {
        let best = (pivot..n).max_by(|&a, &b| rows[a][pivot].abs().total_cmp(&rows[b][pivot].abs()))?;
        rows.swap(pivot, best);
        let lead = rows[pivot].clone();
        if lead[pivot] == 0.0 || !lead[pivot].is_finite() {
            return None;
        }
        for row in rows.iter_mut().enumerate().filter(|(i, _)| *i != pivot).map(|(_, row)| row) {
            let factor = row[pivot] / lead[pivot];
            row.iter_mut().zip(&lead).for_each(|(x, l)| *x -= factor * l);
        }
    }
    Some(rows.iter().enumerate().map(|(i, row)| row[n] / row[i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn the_error_function_has_its_values() {
        for (x, value) in
            [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.9, 0.999_958_902_1), (3.1, 0.999_988_351_3)]
        {
            assert!((functions::erf(x) - value).abs() < 1e-9, "erf({x})");
            assert_eq!(functions::erf(-x), -functions::erf(x));
        }
        assert!((functions::erf(3.0 - 1e-9) - functions::erf(3.0 + 1e-9)).abs() < 1e-10);
    }

    #[test]
    fn best_polynomials_alternate() {
        for (a, degree) in [(0.1, 3), (0.01, 7), (0.25, 13), (0.5, 15), (0.03, 27)] {
            let (series, error) = odd_minimax(a, 1.0, degree).unwrap();
            let place = |i: usize| f64::midpoint(a, 1.0) - (1.0 - a) / 2.0 * (PI * i as f64 / 20_000.0).cos();
            let errors: Vec<f64> = (0..=20_000).map(|i| series.evaluate(place(i)) - 1.0).collect();
            let (mut turns, mut last) = (0, 0.0);
            for e in errors {
                assert!(e.abs() <= error * (1.0 + 1e-6) + 1e-12);
                if e.abs() > error * (1.0 - 1e-4) && e * last <= 0.0 {
                    (turns, last) = (turns + 1, e);
                }
            }
            assert!(turns > degree.div_ceil(2), "degree {degree}: {turns} turns of {error:e}");
            assert!(
                (0..50)
                    .all(|i| (series.evaluate(place(400 * i)) + series.evaluate(-place(400 * i))).abs()
                        < 1e-12)
            );
        }
    }

    #[test]
    fn compositions_approach_the_sign() {
        let mut last = 1.0;
        for degrees in [&[7][..], &[7, 7], &[7, 7, 13], &[15, 15, 15]] {
            let sign = SignComposite::new(1.0 / 128.0, degrees).unwrap();
            let worst = (0..=10_000).map(|i| sign.gap() + (1.0 - sign.gap()) * f64::from(i) / 10_000.0);
            let worst = worst
                .map(|x| (sign.evaluate(x) - 1.0).abs().max((sign.evaluate(-x) + 1.0).abs()))
                .fold(0.0, f64::max);
            assert!(worst <= sign.tolerance() * (1.0 + 1e-6) + 1e-12, "{worst:e} {:e}", sign.tolerance());
            assert!(sign.tolerance() < last);
            last = sign.tolerance();
        }
        assert!(last < 1e-7, "{last:e}");
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
        assert_eq!(SignComposite::new(0.0, &[3]), Err(E::Gap { gap: 0.0 }));
        assert_eq!(SignComposite::new(1.0, &[3]), Err(E::Gap { gap: 1.0 }));
        for degrees in [&[][..], &[4], &[7, 65]] {
            assert!(matches!(SignComposite::new(0.1, degrees), Err(E::Degree { .. })));
        }
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
