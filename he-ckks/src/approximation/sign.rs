//! The sign function as a composition of minimax polynomials.

use std::f64::consts::PI;

use super::chebyshev::ChebyshevSeries;
use super::error::{ApproximationError, Result};
use super::solve::solve;

/// A composition `p_m(…p_1(x)…)` close to the sign of `x` for `gap ≤ |x| ≤ 1` (Lee, Lee, No, Kim, *Minimax Approximation of Sign
/// Function by Composite Polynomial for Homomorphic Comparison*, IEEE TDSC 2022, section 3). Each stage is the odd polynomial of
/// its degree with the least largest error on the two intervals where the stage before puts its results, which are scaled to
/// lie in `[−1, 1]`: no stage takes a level to be moved there.
///
/// ```
/// # use he_ckks::approximation::*;
/// # fn main() -> Result<(), ApproximationError> {
/// let sign = SignComposite::new(1.0 / 128.0, &[15, 15, 15])?;
/// assert!((sign.evaluate(-0.1) + 1.0).abs() <= sign.tolerance() && sign.tolerance() < 1e-7);
/// # Ok(())
/// # }
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn compositions_that_are_not_there_are_named() {
        use ApproximationError as E;
        assert_eq!(SignComposite::new(0.0, &[3]), Err(E::Gap { gap: 0.0 }));
        assert_eq!(SignComposite::new(1.0, &[3]), Err(E::Gap { gap: 1.0 }));
        for degrees in [&[][..], &[4], &[7, 65]] {
            assert!(matches!(SignComposite::new(0.1, degrees), Err(E::Degree { .. })));
        }
    }
}
