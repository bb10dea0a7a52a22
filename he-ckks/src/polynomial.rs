//! Polynomials in the Chebyshev basis, `Σ c_k·T_k(x)`, and functions approximated by them.
//!
//! Baby steps `T_1, …, T_m` and giant steps `T_m, T_2m, T_4m, …` come from `T_{a+b} = 2·T_a·T_b − T_{|a−b|}` with `a` and `b`
//! as equal as possible, so that `T_k` has depth `⌈log2 k⌉`. A polynomial of degree `d ≥ m` is split as `q·T_g + r` at the
//! largest giant step `g ≤ d` (Paterson, Stockmeyer 1973; Chebyshev basis: Chen, Chillotti, Song 2019). All products of one
//! level that are added share a relinearization and a rescaling; what is below `m` is added to them as a sum of constants
//! times baby steps. `m` is the power of two with the fewest products among those of least depth.
//!
//! On the unit circle powers do as well, and save the subtraction: `x^{a+b} = x^a·x^b`, `p = q·x^g + r`.

use std::collections::BTreeMap;

use num_complex::Complex64;

use he_core::rlwe::OperandError;

use crate::approximation::{ChebyshevSeries, SignComposite, divide_by_chebyshev};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;

const ONE: Complex64 = Complex64::new(1.0, 0.0);

/// The basis of a polynomial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `T_k(x)`.
    Chebyshev,
    /// `x^k`.
    Powers,
}

impl Kind {
    /// Quotient and remainder at a giant step.
    fn divide(self, coefficients: &[Complex64], g: usize) -> (Vec<Complex64>, Vec<Complex64>) {
        match self {
            Self::Chebyshev => divide_by_chebyshev(coefficients, g),
            Self::Powers => (coefficients[g..].to_vec(), coefficients[..g].to_vec()),
        }
    }
}

/// `⌈log2 k⌉`, the depth of `T_k`.
fn depth(k: usize) -> usize {
    k.next_power_of_two().trailing_zeros() as usize
}

/// The split of a polynomial into baby steps and giant steps.
struct Shape {
    kind: Kind,
    baby: usize,
    giants: Vec<usize>,
}

impl Shape {
    fn new(kind: Kind, baby: usize, degree: usize) -> Self {
        let giants =
            std::iter::successors(Some(baby), |g| Some(2 * g)).take_while(|&g| g <= degree).collect();
        Self { kind, baby, giants }
    }

    /// The best shape for a polynomial.
    fn best(kind: Kind, coefficients: &[Complex64]) -> Self {
        let degree = coefficients.len() - 1;
        let shapes = (1..)
            .map(|log| Self::new(kind, 1 << log, degree))
            .take_while(|shape| shape.baby < 2 * degree.max(2));
        shapes
            .min_by_key(|shape| {
                (shape.depth(coefficients), shape.products(coefficients.len()), usize::MAX - shape.baby)
            })
            .unwrap_or(Self { kind, baby: 2, giants: Vec::new() })
    }

    /// The giant step at which so many coefficients are split, if any.
    fn split(&self, count: usize) -> Option<usize> {
        self.giants.iter().rev().copied().find(|&g| g < count)
    }

    /// Levels before the last rescaling: where the sum of the polynomial's products stands.
    fn depth(&self, coefficients: &[Complex64]) -> usize {
        match self.split(coefficients.len()) {
            None => (1..coefficients.len())
                .filter(|&k| coefficients[k] != Complex64::default())
                .map(depth)
                .max()
                .unwrap_or(0),
            Some(g) => {
                let (q, r) = self.kind.divide(coefficients, g);
                depth(g).max(self.depth(&q) + 1).max(self.depth(&r))
            }
        }
    }

    fn products(&self, count: usize) -> usize {
        let mut splits = 0;
        let mut rest = vec![count];
        while let Some(count) = rest.pop() {
            if let Some(g) = self.split(count) {
                splits += 1;
                rest.extend([count - g, g]);
            }
        }
        self.baby.min(count.max(2) - 1) - 1 + self.giants.len().saturating_sub(1) + splits
    }
}

/// Chebyshev polynomials or powers of one ciphertext, made when first asked for.
struct Basis<'e> {
    evaluator: &'e Evaluator,
    kind: Kind,
    known: BTreeMap<usize, Ciphertext>,
}

impl Basis<'_> {
    fn make(&mut self, k: usize) -> Result<(), Error> {
        if self.known.contains_key(&k) {
            return Ok(());
        }
        let (a, b) = (k.div_ceil(2), k / 2);
        self.make(a)?;
        self.make(b)?;
        let product = self.evaluator.mul_lazy(&self.known[&a], &self.known[&b])?;
        let sum = match self.kind {
            Kind::Powers => product,
            Kind::Chebyshev => self.double_less(product, a - b)?,
        };
        let value = self.evaluator.relinearize_and_rescale(&sum)?;
        // Where the argument lies in [−1, 1], so do its Chebyshev polynomials, and in the unit disc its powers.
        let known = value.with_bound(1.0)?;
        self.known.insert(k, known);
        Ok(())
    }

    /// `2·product − T_k`.
    fn double_less(&self, product: Ciphertext, k: usize) -> Result<Ciphertext, Error> {
        let product = self.evaluator.mul_integer_onto(product, 2)?;
        if k == 0 {
            return self.evaluator.add_complex_onto(product, -ONE);
        }
        let (level, scale) = (product.level(), product.scale);
        let other = &[(-ONE, &self.known[&k])];
        let other = self.evaluator.weighted_sum("polynomial", other, Complex64::default(), level, scale)?;
        self.evaluator.add_onto(product, &other)
    }

    /// The polynomial as an unscaled sum at a level: to be relinearized and rescaled.
    fn sum(&self, shape: &Shape, coefficients: &[Complex64], level: usize) -> Result<Ciphertext, Error> {
        let operation = "polynomial";
        let params = self.evaluator.params();
        let scale = params.scale(level) * params.scale(level);
        let Some(g) = shape.split(coefficients.len()) else {
            let used = (1..coefficients.len()).filter(|&k| coefficients[k] != Complex64::default());
            let mut terms: Vec<_> = used.map(|k| (coefficients[k], &self.known[&k])).collect();
            if terms.is_empty() {
                terms.push((Complex64::default(), &self.known[&1]));
            }
            return self.evaluator.weighted_sum(operation, &terms, coefficients[0], level, scale);
        };
        let (q, r) = self.kind.divide(coefficients, g);
        let quotient = if q.len() == 1 {
            // A constant: no product.
            let term = [(q[0], &self.known[&g])];
            self.evaluator.weighted_sum(operation, &term, Complex64::default(), level, scale)?
        } else {
            let quotient = self.sum(shape, &q, level + 1)?;
            let quotient = self.evaluator.relinearize_and_rescale(&quotient)?;
            self.evaluator.mul_lazy(&quotient, &self.known[&g])?
        };
        self.evaluator.add_onto(quotient, &self.sum(shape, &r, level)?)
    }
}

impl Evaluator {
    /// `p(x)` in every slot, for a series on an interval in which all values lie. Takes `⌈log2(d + 1)⌉` levels for
    /// degree `d`, and one more to bring an interval other than `[−1, 1]` to it. The estimated error includes that of the series.
    ///
    /// Of encrypted values only the bound of their magnitude is known, and that is held against the interval. A value that
    /// leaves it all the same gives a result that may be arbitrarily far off: [`ChebyshevSeries::simulate`] finds such values in
    /// the clear.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::n16384().build()?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// use approximation::{ChebyshevSeries, functions};
    /// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
    /// let evaluator = Evaluator::new(&params, keys)?;
    /// let encoder = encoder.with_bound(4.0);
    /// let x = encryptor.encrypt(&encoder.encode(&[-3.0, 0.0, 2.0])?)?;
    /// let sigmoid = ChebyshevSeries::interpolate(functions::sigmoid, (-4.0, 4.0), 15)?;
    /// let y = decryptor.decrypt(&evaluator.evaluate_series(&x, &sigmoid)?)?;
    /// assert!((y[0] - 0.0474).abs() < 1e-3 && (y[1] - 0.5).abs() < 1e-3 && (y[2] - 0.8808).abs() < 1e-3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the bound of the values passes both ends of the interval, the operand is foreign, too few levels are left, or there is
    /// no relinearization key.
    pub fn evaluate_series(&self, x: &Ciphertext, series: &ChebyshevSeries) -> Result<Ciphertext, Error> {
        let operation = "polynomial";
        let ((low, high), bound) = (series.interval(), x.estimate.bound);
        // A bound that travelled through sums is rounded.
        if bound > low.abs().max(high.abs()) + 1e-9 * (high - low) {
            return Err(Error::OutsideInterval { operation, bound, low, high });
        }
        let coefficients: Vec<Complex64> =
            series.coefficients().iter().map(|&c| Complex64::new(c, 0.0)).collect();
        let unit = (low, high) == (-1.0, 1.0);
        let x = if unit {
            x.clone()
        } else {
            let (factor, middle) = (2.0 / (high - low), -(high + low) / (high - low));
            let shifted = [(Complex64::new(factor, 0.0), x)];
            self.linear_combination(&shifted, Complex64::new(middle, 0.0))?.with_bound(1.0)?
        };
        let value = self.evaluate_chebyshev(&x, &coefficients)?;
        let estimate = value.estimate.add(Estimate { bound: 0.0, error: series.error() });
        Ok(Ciphertext { estimate, ..value })
    }

    /// The sign of values between the gap and 1 in magnitude, to the tolerance of the composition; what lies nearer to 0 goes
    /// somewhere between −1 and 1. `x·(1 + sign x)/2` is a ReLU.
    ///
    /// # Errors
    /// As [`evaluate_series`](Self::evaluate_series).
    pub fn evaluate_sign(&self, x: &Ciphertext, sign: &SignComposite) -> Result<Ciphertext, Error> {
        let mut stages = sign.stages().iter();
        let first = stages.next().ok_or(OperandError::NoOperands { operation: "sign" })?;
        let last = stages.try_fold(self.evaluate_series(x, first)?, |x, stage| {
            // The stages are scaled so that each stays in the interval of the next.
            self.evaluate_series(&x.with_bound(1.0)?, stage)
        })?;
        let estimate = last.estimate.add(Estimate { bound: 0.0, error: sign.tolerance() });
        Ok(Ciphertext { estimate, ..last })
    }

    /// `Σ c_k·T_k(x)` for complex coefficients and values in `[−1, 1]`, which is not checked.
    ///
    /// # Errors
    /// As [`evaluate_series`](Self::evaluate_series).
    pub fn evaluate_chebyshev(
        &self,
        x: &Ciphertext,
        coefficients: &[Complex64],
    ) -> Result<Ciphertext, Error> {
        let sums = self.polynomial_sums(Kind::Chebyshev, x, &[coefficients])?;
        let bound: f64 = coefficients.iter().map(|c| c.norm()).sum();
        self.relinearize_and_rescale(&sums[0])?.with_bound(bound)
    }

    /// `Σ c_k·x^k` for complex coefficients and complex values in the unit disc, which is not checked. On real values the
    /// Chebyshev basis is the more accurate one.
    ///
    /// # Errors
    /// As [`evaluate_series`](Self::evaluate_series).
    pub fn evaluate_powers(&self, x: &Ciphertext, coefficients: &[Complex64]) -> Result<Ciphertext, Error> {
        let sums = self.polynomial_sums(Kind::Powers, x, &[coefficients])?;
        let bound: f64 = coefficients.iter().map(|c| c.norm()).sum();
        self.relinearize_and_rescale(&sums[0])?.with_bound(bound)
    }

    /// Polynomials of one argument, which share their steps, as unscaled sums at one level.
    pub(crate) fn polynomial_sums(
        &self,
        kind: Kind,
        x: &Ciphertext,
        polynomials: &[&[Complex64]],
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = "polynomial";
        self.check(operation, x)?;
        let x = &*self.rescaled_if_due(x)?;
        self.check_rotation(operation, x)?;
        // The steps below stand on the scales of the levels.
        let (left, right) = (x.scale.log2(), self.params.scale(x.level()).log2());
        if (left - right).abs() > 0.5 {
            return Err(Error::Scales { operation, left, right, level: x.level() });
        }
        // A constant is one coefficient, be it 0.
        let used = |c: &&[Complex64]| c.iter().rposition(|c| *c != Complex64::default()).map_or(1, |k| k + 1);
        let longest =
            polynomials.iter().max_by_key(|c| used(c)).ok_or(OperandError::NoOperands { operation })?;
        if polynomials.iter().any(|c| c.is_empty()) {
            return Err(OperandError::NoOperands { operation }.into());
        }
        let longest = &longest[..used(longest)];
        let shape = Shape::best(kind, longest);
        let depth = polynomials.iter().map(|c| shape.depth(&c[..used(c)])).max().unwrap_or(0);
        let (needed, present) = (depth + 1, x.level());
        if needed > present {
            return Err(OperandError::LevelsUsedUp { operation, needed, present }.into());
        }
        let mut basis = Basis { evaluator: self, kind, known: BTreeMap::from([(1, x.clone())]) };
        for k in (2..shape.baby.min(longest.len())).chain(shape.giants.iter().copied()) {
            basis.make(k)?;
        }
        let sum = |c: &&[Complex64]| basis.sum(&shape, &c[..used(c)], x.level() - depth);
        polynomials.iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_shallow() {
        let ones = |degree: usize| vec![ONE; degree + 1];
        for (degree, levels) in [(1, 1), (2, 2), (3, 2), (5, 3), (7, 3), (15, 4), (23, 5), (31, 5), (63, 6)] {
            let shape = Shape::best(Kind::Chebyshev, &ones(degree));
            assert_eq!(shape.depth(&ones(degree)) + 1, levels, "degree {degree}, baby {}", shape.baby);
        }
        let shape = Shape::best(Kind::Chebyshev, &ones(23));
        assert_eq!((shape.baby, shape.products(24)), (8, 10));
    }
}
