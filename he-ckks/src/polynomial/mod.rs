//! Polynomials in the Chebyshev basis, `Σ c_k·T_k(x)`, and functions approximated by them.
//!
//! Steps come from `T_{a+b} = 2·T_a·T_b − T_{|a−b|}` with `a` and `b` as equal as possible, so that `T_k` has depth `⌈log2 k⌉`; the
//! polynomial is split into sums of products with them, see `split`. All products of one level that are added share a
//! relinearization and a rescaling. No step is brought to another scale: a sum is formed at the scale that makes its product with a
//! step, as that is, what is wanted.
//!
//! On the unit circle powers do as well, and save the subtraction: `x^{a+b} = x^a·x^b`, `p = q·x^g + r`.

mod split;

use std::collections::BTreeMap;

use num_complex::Complex64;

use he_core::rlwe::OperandError;

use crate::approximation::{ChebyshevSeries, SignComposite};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;

pub(crate) use split::Kind;
use split::{Node, Split, halves, sum_depth};

const ONE: Complex64 = Complex64::new(1.0, 0.0);
const OPERATION: &str = "polynomial";

/// Chebyshev polynomials or powers of one ciphertext.
struct Basis<'e> {
    evaluator: &'e Evaluator,
    kind: Kind,
    known: BTreeMap<usize, Ciphertext>,
}

impl Basis<'_> {
    /// The step, from two that are known.
    fn make(&mut self, k: usize) -> Result<(), Error> {
        let (a, b) = halves(k);
        let product = self.evaluator.dot_as_is(OPERATION, &[(&self.known[&a], &self.known[&b])])?;
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
        let other = self.evaluator.weighted_sum(OPERATION, other, Complex64::default(), level, scale)?;
        self.evaluator.add_onto(product, &other)
    }

    /// The node as an unscaled sum at a level and a scale: to be relinearized and rescaled.
    fn sum(&self, node: &Node, level: usize, scale: f64) -> Result<Ciphertext, Error> {
        let (e, nothing) = (self.evaluator, Complex64::default());
        let terms: Vec<_> = node.terms.iter().map(|(k, c)| (*c, &self.known[k])).collect();
        let quotients = (node.products.iter())
            .map(|(g, q)| {
                // The scale that makes the product with the step one of this sum.
                let wanted = scale / self.known[g].scale * e.params().prime(level + 1);
                e.relinearize_and_rescale(&self.sum(q, level + 1, wanted)?)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let pairs: Vec<_> =
            quotients.iter().zip(&node.products).map(|(q, (g, _))| (q, &self.known[g])).collect();
        if pairs.is_empty() {
            let terms = if terms.is_empty() { vec![(nothing, &self.known[&1])] } else { terms };
            return e.weighted_sum(OPERATION, &terms, node.constant, level, scale);
        }
        let products = Ciphertext { scale, ..e.dot_as_is(OPERATION, &pairs)? };
        if terms.is_empty() {
            return e.add_complex_onto(products, node.constant);
        }
        e.add_onto(products, &e.weighted_sum(OPERATION, &terms, node.constant, level, scale)?)
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
        let ((low, high), bound) = (series.interval(), x.estimate.bound);
        // A bound that travelled through sums is rounded.
        if bound > low.abs().max(high.abs()) + 1e-9 * (high - low) {
            return Err(Error::OutsideInterval { operation: OPERATION, bound, low, high });
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
        self.check(OPERATION, x)?;
        let x = &*self.rescaled_if_due(x)?;
        self.check_rotation(OPERATION, x)?;
        // The steps below stand on the scales of the levels.
        let (left, right) = (x.scale.log2(), self.params.scale(x.level()).log2());
        if (left - right).abs() > 0.5 {
            return Err(Error::Scales { operation: OPERATION, left, right, level: x.level() });
        }
        if polynomials.is_empty() || polynomials.iter().any(|c| c.is_empty()) {
            return Err(OperandError::NoOperands { operation: OPERATION }.into());
        }
        let depth = polynomials.iter().map(|c| sum_depth(c)).max().unwrap_or(0);
        let (needed, present) = (depth + 1, x.level());
        if needed > present {
            return Err(OperandError::LevelsUsedUp { operation: OPERATION, needed, present }.into());
        }
        let split = Split::new(kind, polynomials, depth);
        let mut basis = Basis { evaluator: self, kind, known: BTreeMap::from([(1, x.clone())]) };
        split.steps.iter().try_for_each(|&k| basis.make(k))?;
        let level = x.level() - depth;
        let scale = self.params.scale(level) * self.params.scale(level);
        split.nodes.iter().map(|node| basis.sum(node, level, scale)).collect()
    }
}
