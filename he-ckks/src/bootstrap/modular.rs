//! Modular reduction of slots by the complex exponential.
//!
//! For `x = v/2^R + I` with an integer `I`, `exp(2πi·x)` depends on `v` alone. On `|x| < K` it is
//!
//! * `exp(2πi·x/2^r)`, by a polynomial in the Chebyshev basis, squared `r` times: a squaring doubles the error, where a
//!   double-angle step of the cosine may quadruple it. The polynomial is best where `I` nearly always is, in the inner three
//!   quarters of the range;
//! * `z ↦ Im(a·z + b·z² + …)`, which is `θ = 2π·v/2^R` up to a high power (Jutla, Manohar 2021: sine series): two terms take a
//!   level, three or four take two, the latter as `a·z + b·z² + z²·(c·z + d·z²)`.
//!
//! The series errs alike at each bootstrap of the same value. It is scaled such that it takes no share of the values away on the
//! mean, for values spread evenly over the interval.
//!
//! Both halves, of real parts `z` and imaginary parts `z'`, share one conjugation: with `g = a·z + …` the result is
//! `h + conj(h')` for `h = (−i·g + g')/2` and `h' = (−i·g − g')/2`.
//!
//! For integers in tables the polynomial in `z` is another, see `tables`.
//!
//! All constants ride along: `z` carries a factor `c`, folded into the coefficients of the first polynomial, such that the
//! highest power needs no constant and the result has exactly the scale of the user's top level.

use std::f64::consts::PI;

use num_complex::Complex64;

use he_core::rlwe::OperandError;

use crate::approximation::{ChebyshevSeries, solve};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;
use crate::params::Parameters;

/// The circuit with its constants.
pub(super) struct Modular {
    /// Chebyshev coefficients of `c^{1/2^r}·exp(2πi·K·y/2^r)` on `[−1, 1]`.
    exponential: Vec<Complex64>,
    doublings: u32,
    /// `c`.
    factor: f64,
    /// `a, b, …` times `2^R/4π`: the series for half the value.
    series: Vec<f64>,
    /// `K`.
    range: f64,
    /// `2^R`.
    ratio: f64,
    /// Error that its roundings add to a slot.
    own: f64,
    /// Root mean square of the error of the series.
    approximation: f64,
}

/// Growth of the rounding errors of a reduction up to its end, for one squaring and a ratio of 1; every squaring doubles it. The
/// roundings of the Chebyshev polynomials are most of it. Measured, at several rings and secrets; the tests hold the estimate to
/// a quarter of the measured variance.
const GAIN: f64 = 0.97;

/// Part of the range in which the polynomial is best: the sum of 33 uniform variables leaves it once in `2^29` bootstraps of
/// 65,536 coefficients, and up to the end of the range the result is still close.
const CORE: f64 = 0.75;

/// Chebyshev coefficients on `[−1, 1]` of the polynomial that equals `exp(i·x·y)` at the Chebyshev nodes of the core.
fn exponential(x: f64, degree: usize) -> Result<Vec<Complex64>, Error> {
    let part = |f: fn(f64) -> f64| -> Result<Vec<f64>, Error> {
        let core = ChebyshevSeries::interpolate(|y| f(x * y), (-CORE, CORE), degree)?;
        // The same polynomial in the other basis.
        Ok(ChebyshevSeries::interpolate(|y| core.evaluate(y), (-1.0, 1.0), degree)?.coefficients().to_vec())
    };
    let (cosine, sine) = (part(f64::cos)?, part(f64::sin)?);
    // One is even and the other odd.
    let coefficient = |k: usize| {
        if k.is_multiple_of(2) { Complex64::new(cosine[k], 0.0) } else { Complex64::new(0.0, sine[k]) }
    };
    Ok((0..=degree).map(coefficient).collect())
}

/// The least ratio `2^R` at which three terms are enough: they err by `2^-39` there, and by `2^-27` where the series has a fourth.
const ENOUGH: f64 = 128.0;

/// Points of `(0, 1)` at which errors of the series are averaged: the middles of as many parts.
const POINTS: usize = 500;

fn middle(i: usize) -> f64 {
    (i as f64 + 0.5) / POINTS as f64
}

/// `Σ a_k·sin(kθ)`.
fn sines(series: &[f64], theta: f64) -> f64 {
    series.iter().enumerate().map(|(k, a)| a * ((k + 1) as f64 * theta).sin()).sum()
}

/// Coefficients of `Σ a_k·sin(kθ) ≈ θ` on `|θ| ≤ most`: a multiple of what equals it at the zeros of the Chebyshev polynomial of
/// degree `2·terms + 1`, such that the errors times `θ` are zero on the mean. Without that multiple a bootstrap takes a seventh of
/// the root mean square of these errors away from all values, and the next one again.
fn sine_series(terms: usize, most: f64) -> Vec<f64> {
    let mut series = interpolated(terms, most);
    let (mut along, mut squares) = (0.0, 0.0);
    for v in (0..POINTS).map(middle) {
        along += v * sines(&series, v * most) / most;
        squares += v * v;
    }
    series.iter_mut().for_each(|a| *a *= squares / along);
    series
}

fn interpolated(terms: usize, most: f64) -> Vec<f64> {
    let node = |j: usize| most * ((2 * j + 1) as f64 * PI / (2 * (2 * terms + 1)) as f64).cos();
    let row = |j: usize| (1..=terms).map(|k| (k as f64 * node(j)).sin()).chain([node(j)]).collect();
    // Distinct nodes below π/terms: never singular.
    solve((0..terms).map(row).collect()).unwrap_or_default()
}

/// `c`: `c^k·(product of the scales that meet in the highest power)` is its constant times the scale of the result. Without a
/// series the power is the exponential itself.
fn factor(params: &Parameters, series: &[f64]) -> f64 {
    let top = params.max_level();
    let target = params.product_scale(top + 1) * series.last().map_or(1.0, |a| a.abs());
    let square = params.scale(top + 1) * params.scale(top + 1);
    match series.len() {
        0 => target / square,
        2 => (target / square).sqrt(),
        4 => (target / square).sqrt().sqrt(),
        _ => (target / (params.scale(top + 1) * params.scale(top + 2))).cbrt(),
    }
}

impl Modular {
    /// The circuit of the given parameters, for a number of slots.
    ///
    /// # Errors
    /// If they have no bootstrapping.
    pub(super) fn new(params: &Parameters, slots: usize) -> Result<Self, Error> {
        let spec = params.bootstrap()?;
        let ratio = params.prime(0) / params.scale(0);
        // In the levels of three terms there is room for a fourth.
        let terms = if spec.terms == 3 && ratio < ENOUGH { 4 } else { spec.terms };
        let series: Vec<f64> = if terms == 0 {
            Vec::new()
        } else {
            sine_series(terms, 2.0 * PI / ratio).iter().map(|a| a * ratio / (4.0 * PI)).collect()
        };
        let factor = factor(params, &series);
        let x = 2.0 * PI * f64::from(spec.range) / f64::from(spec.doublings).exp2();
        let root = factor.powf((-f64::from(spec.doublings)).exp2());
        let exponential = exponential(x, spec.degree)?.iter().map(|c| c * root).collect();
        let wrong = |v: f64| 2.0 * sines(&series, v * 2.0 * PI / ratio) - v;
        // Of real and imaginary parts together.
        let approximation = 2.0 * (0..POINTS).map(|i| wrong(middle(i)).powi(2)).sum::<f64>() / POINTS as f64;
        let scale = params.scale(params.max_level() + 1);
        let rounding = params.slot_variance(slots, params.noise().rounding(), scale);
        let gain = GAIN * f64::from(spec.doublings).exp2() * ratio;
        let own = gain * rounding.sqrt();
        let (doublings, range) = (spec.doublings, f64::from(spec.range));
        Ok(Self {
            exponential,
            doublings,
            factor,
            series,
            range,
            ratio,
            own,
            approximation: approximation.sqrt(),
        })
    }

    /// Root mean square of the error of the sine series: every bootstrap makes the same one of the same value.
    pub(super) fn approximation(&self) -> f64 {
        self.approximation
    }

    /// Error that its roundings add.
    #[cfg(test)]
    pub(crate) fn own_error(&self) -> f64 {
        self.own
    }

    /// The function that the circuit approximates: the sine series of the angle, for real and imaginary part.
    #[cfg(test)]
    pub(crate) fn in_the_clear(&self, y: Complex64) -> Complex64 {
        let angle = 2.0 * PI * self.range;
        2.0 * Complex64::new(sines(&self.series, angle * y.re), sines(&self.series, angle * y.im))
    }

    /// Bound and error of a result, from the error of the complex numbers that the real parts of both operands make.
    ///
    /// Variances of a slot: `(GAIN·2^r·2^R)²·2n·(1 + h)/12/S²` of the roundings at scale `S`, that of the series for values spread
    /// evenly, and that of the operand times `(K·2^R)²`.
    pub(crate) fn estimate(&self, operand: f64) -> Estimate {
        self.estimate_with(operand, self.approximation)
    }

    /// [`estimate`](Self::estimate) for values whose parts are distributed normally with the given deviation: around zero the series is closer.
    pub(crate) fn estimate_of_normal(&self, operand: f64, deviation: f64) -> Estimate {
        let (mut squares, mut weights) = (0.0, 0.0);
        for i in -300..=300 {
            let z = f64::from(i) / 50.0;
            let (v, weight) = (z * deviation, (-0.5 * z * z).exp());
            let value = 2.0 * sines(&self.series, 2.0 * PI * v / self.ratio);
            squares += weight * (value - v).powi(2);
            weights += weight;
        }
        // Of real and imaginary parts together.
        self.estimate_with(operand, (2.0 * squares / weights).sqrt())
    }

    fn estimate_with(&self, operand: f64, approximation: f64) -> Estimate {
        let carried = operand * self.range * self.ratio;
        let variance = self.own.powi(2) + approximation.powi(2) + carried.powi(2);
        Estimate { bound: 1.0, error: variance.sqrt() }
    }

    /// `v` from `y = (v/2^R + I)/K` for the real and the imaginary parts.
    ///
    /// # Errors
    /// If a key is missing, or the operands do not stand where modular reduction begins.
    pub(crate) fn reduce(
        &self,
        e: &Evaluator,
        real: &Ciphertext,
        imaginary: &Ciphertext,
    ) -> Result<Ciphertext, Error> {
        let operation = "bootstrap";
        if self.series.is_empty() {
            let needed = "2 or 3: without a sine series there are tables only".into();
            return Err(Error::Spec { field: "terms", found: "0".into(), needed });
        }
        let (g, g_) = rayon::join(|| self.lift(e, real), || self.lift(e, imaginary));
        // Imaginary parts: the real ones of −i·g, and i times that for the other half.
        let (mut turned, g_) = (g?, g_?);
        turned.inner.neg_assign();
        turned.inner.mul_i_assign();
        let sum = self.joined(e, &turned, &g_)?;
        let (top, params) = (e.params().max_level(), e.params());
        if sum.level() != top {
            return Err(OperandError::Level { operation, wanted: top, present: sum.level() }.into());
        }
        // Exactly so by the choice of the constants, up to the last bit of a float.
        let scale = params.scale(top);
        Ok(Ciphertext { scale, estimate: self.estimate(real.estimate.error), ..sum })
    }

    /// Twice the real part of `a`, and `i` times twice that of `−i·b`, of sums that are not rescaled: `(a + b) + conj(a − b)`,
    /// one conjugation for both.
    pub(crate) fn joined(&self, e: &Evaluator, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let half = |sum: Ciphertext| {
            let bound = a.estimate.bound.max(b.estimate.bound);
            e.relinearize_and_rescale(&sum.with_bound(bound.max(2.0))?)
        };
        let (sum, difference) = rayon::join(|| half(e.add(a, b)?), || half(e.sub(a, b)?));
        e.add_onto(sum?, &e.conjugate(&difference?)?)
    }

    /// Twice the real part of a sum that is not rescaled.
    pub(crate) fn twice_real(&self, e: &Evaluator, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let a = e.relinearize_and_rescale(a)?;
        let conjugate = e.conjugate(&a)?;
        e.add_onto(a, &conjugate)
    }

    /// `exp(2πi·x)` at the user's top level.
    pub(crate) fn circle(&self, e: &Evaluator, y: &Ciphertext) -> Result<Ciphertext, Error> {
        let (top, params) = (e.params().max_level(), e.params());
        let z = self.exponential(e, y)?;
        // Errors of the angle are not among those that the powers enlarge.
        let estimate = Estimate { bound: 1.0, error: self.own * 2.0 * PI / self.ratio };
        let unit = Ciphertext { scale: z.scale * self.factor, estimate, ..z };
        if self.series.is_empty() {
            // Exactly so by the choice of the constant, up to the last bit of a float.
            return Ok(Ciphertext { scale: params.scale(top), ..unit });
        }
        Ok(e.scaled_to(&unit, top, params.scale(top))?.into_owned())
    }

    /// `K`.
    pub(crate) fn range(&self) -> f64 {
        self.range
    }

    /// The power `c·exp(2πi·x)`.
    fn exponential(&self, e: &Evaluator, y: &Ciphertext) -> Result<Ciphertext, Error> {
        let start = e.evaluate_chebyshev(y, &self.exponential)?;
        (0..self.doublings).try_fold(start, |z, _| e.square(&z.with_bound(1.0)?))
    }

    /// Half of `a·z + b·z² + …`, of degree 2 and not rescaled.
    fn lift(&self, e: &Evaluator, y: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "bootstrap";
        let z = self.exponential(e, y)?.with_bound(self.factor)?;
        let constant = |k: usize| Complex64::new(self.series[k] / self.factor.powi(k as i32 + 1), 0.0);
        let zero = Complex64::default();
        let params = e.params();
        let level = params.max_level() + 1;
        let scale = params.product_scale(level);
        let (mut power, terms) = match self.series.len() {
            2 => (e.mul_lazy(&z, &z)?, vec![(constant(0), z)]),
            3 => {
                let square = e.square(&z)?;
                let product = e.dot_as_is(operation, &[(&square, &z)])?;
                (product, vec![(constant(0), z), (constant(1), square)])
            }
            _ => {
                let square = e.square(&z)?;
                let third = e.mul_complex(&z, constant(2) / constant(3))?;
                let inner = e.add(&square, &third)?;
                let product = e.dot_as_is(operation, &[(&square, &inner)])?;
                (product, vec![(constant(0), z), (constant(1), square)])
            }
        };
        if self.series[self.series.len() - 1] < 0.0 {
            power.inner.neg_assign();
        }
        // What the power is, in units of the result: its constant is folded into `c`.
        power.scale = scale;
        let last = self.series.len() - 1;
        power.estimate = power.estimate.times(self.series[last].abs() / self.factor.powi(last as i32 + 1));
        let terms: Vec<_> = terms.iter().map(|(c, a)| (*c, a)).collect();
        let low = e.weighted_sum(operation, &terms, zero, level, scale)?;
        e.add_onto(power, &low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_the_exponential() {
        let coefficients = exponential(2.0 * PI, 23).unwrap();
        let value = |y: f64| -> Complex64 {
            coefficients.iter().enumerate().map(|(k, c)| c * (k as f64 * y.acos()).cos()).sum()
        };
        let error = |y: f64| (value(y) - Complex64::from_polar(1.0, 2.0 * PI * y)).norm();
        let worst =
            |most: f64| (-1000..=1000).map(|i| error(f64::from(i) / 1000.0 * most)).fold(0.0, f64::max);
        assert!(worst(CORE) < 1e-14, "{:e}", worst(CORE));
        assert!(
            worst(13.0 / 16.0) < 1e-10 && worst(14.0 / 16.0) < 1e-8 && worst(1.0) < 1e-6,
            "{:e}",
            worst(1.0)
        );
    }

    #[test]
    fn the_series_is_the_angle() {
        for (terms, bits, most) in [(2, 8, 30.0), (3, 6, 33.0), (3, 7, 39.0), (4, 5, 36.0), (4, 6, 44.0)] {
            let range = 2.0 * PI / f64::from(1 << bits);
            let series = sine_series(terms, range);
            let error =
                |i: i32| sines(&series, range * f64::from(i) / 1000.0) / range - f64::from(i) / 1000.0;
            let worst = (0..=1000).map(|i| error(i).abs()).fold(0.0, f64::max);
            assert!(-worst.log2() > most, "{terms} terms, R = {bits}: {} bits", -worst.log2());
            // Errors take no share of the values away.
            let along: f64 = (-1000..=1000).map(|i| error(i) * f64::from(i) / 1000.0).sum::<f64>() / 667.0;
            assert!(along.abs() < 0.02 * worst, "{terms} terms, R = {bits}: {along:e} of {worst:e}");
        }
    }
}
