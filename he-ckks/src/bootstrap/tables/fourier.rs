//! Smooth functions of real numbers as Fourier series in the exponential of modular reduction.
//!
//! A number `v` stands in a coefficient as `v·q_0/P`, so that the exponential is `E = exp(2πi·v/P)`. A function on `[−B, B]` with `P = 2B·s`,
//! `s > 1`, is `F(E) = 2·Re Σ_{k≤d} c_k·E^k` up to an error that falls geometrically with `d`, though it is not periodic: a *Fourier
//! extension* (Boyd 2002; Huybrechs 2010) may do what it likes outside of the interval. Its coefficients are those of least squares, with
//! the square of their norm, times a small weight, added: large ones would enlarge the noise.

use std::f64::consts::PI;

use num_complex::Complex64;

use super::super::Bootstrapper;
use crate::approximation::{ApproximationError, solve};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;

/// `P/2B`.
const STRETCH: f64 = 1.5;
/// Weight of the squares of the coefficients against the mean square of the error.
const WEIGHT: f64 = 1e-10;
/// Rounds of the fit.
const REFINEMENTS: usize = 4;
/// Largest degree.
const LARGEST: usize = 127;

/// A function on an interval around zero, ready to be evaluated while values are refreshed: no integers, and no exactness, but few
/// levels, and errors that do not have to be small.
///
/// ```
/// use he_ckks::{approximation::functions::sigmoid, bootstrap::FourierSeries};
/// let series = FourierSeries::new(sigmoid, 8.0, 31)?;
/// assert!(series.error() < 1e-4 && series.levels() == 5);
/// assert!((series.evaluate(-7.5) - sigmoid(-7.5)).abs() <= series.error());
/// # Ok::<(), he_ckks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FourierSeries {
    /// `c_k`.
    coefficients: Vec<Complex64>,
    bound: f64,
    error: f64,
    /// Largest magnitude of a value.
    most: f64,
    /// Largest magnitude of the derivative.
    derivative: f64,
}

impl FourierSeries {
    /// The series of a degree for a function on `[−bound, bound]`.
    ///
    /// # Errors
    /// If the bound is not positive and finite, the degree is not 1 to 127, or the function has no finite value somewhere.
    pub fn new(f: impl Fn(f64) -> f64, bound: f64, degree: usize) -> Result<Self, Error> {
        if !(bound > 0.0 && bound.is_finite()) {
            return Err(ApproximationError::Interval { low: -bound, high: bound }.into());
        }
        if !(1..=LARGEST).contains(&degree) {
            return Err(ApproximationError::Degree { degree, needed: "1 to 127" }.into());
        }
        let coefficients = fit(&f, bound, degree)?;
        let mut series = Self { coefficients, bound, error: 0.0, most: 0.0, derivative: 0.0 };
        let places: Vec<f64> =
            (0..=16 * degree).map(|i| bound * (i as f64 / (8 * degree) as f64 - 1.0)).collect();
        let values: Vec<f64> = places.iter().map(|&v| series.evaluate(v)).collect();
        series.error = places.iter().zip(&values).map(|(&v, value)| (value - f(v)).abs()).fold(0.0, f64::max);
        series.most = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
        let step = bound / (8 * degree) as f64;
        series.derivative =
            values.windows(2).map(|pair| (pair[1] - pair[0]).abs() / step).fold(0.0, f64::max);
        Ok(series)
    }

    /// The largest magnitude of an argument.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// The largest error of the approximation, on a grid of 16 points a degree.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Levels of the user that it takes.
    pub fn levels(&self) -> usize {
        self.coefficients.len().next_power_of_two().trailing_zeros() as usize
    }

    /// Its value at `v`.
    pub fn evaluate(&self, v: f64) -> f64 {
        let e = Complex64::from_polar(1.0, PI * v / (self.bound * STRETCH));
        2.0 * self.coefficients.iter().rev().fold(Complex64::default(), |sum, c| sum * e + c).re
    }

    /// `P`: arguments that differ by it are the same.
    fn period(&self) -> f64 {
        2.0 * self.bound * STRETCH
    }
}

/// Coefficients `c_0, …, c_d` of least squares with weighted coefficients, refined: what an elimination in floating point
/// leaves of the values is fitted again.
fn fit(f: &impl Fn(f64) -> f64, bound: f64, degree: usize) -> Result<Vec<Complex64>, Error> {
    let unknowns = 2 * degree + 1;
    // Denser at the ends, where least squares err most.
    let count = 4 * unknowns;
    let places = (0..count).map(|i| bound * (PI * (i as f64 + 0.5) / count as f64).cos());
    let mut rows = Vec::with_capacity(count);
    for at in places {
        let (angle, value) = (PI * at / (bound * STRETCH), f(at));
        if !value.is_finite() {
            return Err(ApproximationError::NotFinite { at }.into());
        }
        let cosines = (0..=degree).map(|k| (k as f64 * angle).cos());
        let row: Vec<f64> = cosines.chain((1..=degree).map(|k| (k as f64 * angle).sin())).collect();
        rows.push((row, value));
    }
    let mut normal = vec![vec![0.0; unknowns]; unknowns];
    for (row, _) in &rows {
        for (out, a) in normal.iter_mut().zip(row) {
            out.iter_mut().zip(row).for_each(|(out, b)| *out += a * b / count as f64);
        }
    }
    normal.iter_mut().enumerate().for_each(|(i, row)| row[i] += WEIGHT);
    let mut solution = vec![0.0; unknowns];
    for _ in 0..REFINEMENTS {
        let mut system = normal.clone();
        let mut right = vec![0.0; unknowns];
        for (row, value) in &rows {
            let left = value - row.iter().zip(&solution).map(|(a, x)| a * x).sum::<f64>();
            right.iter_mut().zip(row).for_each(|(out, a)| *out += a * left / count as f64);
        }
        system.iter_mut().zip(right).for_each(|(row, right)| row.push(right));
        let step = solve(system).ok_or(ApproximationError::Coefficients)?;
        solution.iter_mut().zip(step).for_each(|(x, step)| *x += step);
    }
    // 2·Re(c·E^k) is a cosine and a sine of the real and the negative imaginary part.
    let coefficient = |k: usize| match k {
        0 => Complex64::new(solution[0] / 2.0, 0.0),
        _ => Complex64::new(solution[k], -solution[degree + k]) / 2.0,
    };
    Ok((0..=degree).map(coefficient).collect())
}

impl Bootstrapper {
    /// Functions of the real parts of slots, all on one interval and from one exponential, refreshed: with the levels that
    /// [`FourierSeries::levels`] leaves. Takes a level more than [`bootstrap`](Self::bootstrap) of the operand.
    ///
    /// ```
    /// # use he_ckks::{bootstrap::*, *};
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("an example")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let decryptor = Decryptor::new(&key);
    /// use approximation::functions::{sigmoid, tanh};
    /// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// let v = [-7.0, -0.3, 1.5, 8.0];
    /// let c = Encryptor::with_secret(&key).encrypt(&Encoder::new(&params).with_bound(8.0).encode_in(&v, 4)?)?;
    /// let functions = [FourierSeries::new(sigmoid, 8.0, 31)?, FourierSeries::new(tanh, 8.0, 63)?];
    /// let found = bootstrapper.evaluate_fourier(&c, &[&functions[0], &functions[1]])?;
    /// for (c, f) in found.iter().zip([sigmoid, tanh]) {
    ///     // Twelve bits in every slot.
    ///     assert!(decryptor.decrypt(c)?.iter().zip(v).all(|(y, v)| (y - f(v)).abs() < 1.0 / 4096.0));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the bound of the values passes that of the series, the series are on several intervals, there are too few levels, or as
    /// [`bootstrap`](Self::bootstrap).
    pub fn evaluate_fourier(
        &self,
        a: &Ciphertext,
        series: &[&FourierSeries],
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = "Fourier series";
        let first = series.first().ok_or(he_core::rlwe::OperandError::NoOperands { operation })?;
        if let Some(other) = series.iter().find(|other| other.bound != first.bound) {
            let (found, needed) = (other.bound.to_string(), first.bound.to_string());
            return Err(Error::Spec { field: "bound of a Fourier series", found, needed });
        }
        let bound = a.estimate.bound;
        // A bound that travelled through sums is rounded.
        if bound > first.bound * (1.0 + 1e-9) {
            return Err(Error::OutsideInterval { operation, bound, low: -first.bound, high: first.bound });
        }
        let phase = self.to_phase(operation, a, first.period())?;
        let polynomials: Vec<_> = series.iter().map(|series| &series.coefficients[..]).collect();
        let (sums, left) = self.polynomials_of(&phase, &polynomials, true)?;
        let known = |(sum, series): (Ciphertext, &&FourierSeries)| {
            let carried = series.derivative * series.period() * left;
            let error = sum.estimate.error.hypot(carried) + series.error;
            Ciphertext { estimate: Estimate { bound: series.most, error }, ..sum }
        };
        Ok(sums.into_iter().zip(series).map(known).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approximation::functions;

    #[test]
    fn smooth_functions_have_many_bits_and_small_coefficients() {
        for (name, f, degree, bits) in [
            ("sigmoid", functions::sigmoid as fn(f64) -> f64, 15, 19.5),
            ("tanh", functions::tanh, 31, 19.0),
            ("softplus", functions::softplus, 15, 16.5),
            ("gelu", functions::gelu, 31, 17.0),
            ("gelu", functions::gelu, 127, 17.0),
        ] {
            let series = FourierSeries::new(f, 8.0, degree).unwrap();
            let norm: f64 = series.coefficients.iter().map(|c| c.norm()).sum();
            println!("{name} {degree}: {:.1} bits, coefficients of {norm:.1}", -series.error().log2());
            assert!(-series.error().log2() > bits && norm < 8.0, "{name}");
            // Between the points of the grid.
            for v in (0..=999).map(|i| 8.0 * (f64::from(i) / 499.5 - 1.0)) {
                assert!((series.evaluate(v) - f(v)).abs() < 1.1 * series.error(), "{name} at {v}");
            }
        }
        for (bound, degree) in [(0.0, 3), (f64::NAN, 3), (f64::INFINITY, 3), (1.0, 0), (1.0, 128)] {
            assert!(FourierSeries::new(f64::tanh, bound, degree).is_err());
        }
        assert!(FourierSeries::new(f64::ln, 1.0, 3).is_err());
    }
}
