//! Plaintexts: values in slots, as the coefficients of a polynomial that no scale has touched yet.

use std::fmt;

use he_core::ring::{Coeff, Eval, Poly};
use num_complex::Complex64;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use he_core::rlwe::OperandError;

use crate::error::Error;
use crate::estimate::Estimate;
use crate::params::Parameters;

/// Coefficients stay below this when they are scaled.
const LARGEST: f64 = (1u64 << 60) as f64;

/// Values in slots. It is scaled where it is used, so that it serves at every level; wiped when dropped, and printed
/// without its values.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// let plaintext = Encoder::new(&params).encode(&[0.5, -0.25])?;
/// assert_eq!((plaintext.slots(), plaintext.bound()), (params.slots(), 1.0));
/// // Weights of a server are no secret: products with them get the bound of the values that they have.
/// assert_eq!(plaintext.with_own_bound().bound(), 0.5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Plaintext {
    /// `2·slots` coefficients of a polynomial in `X^{N/(2·slots)}`.
    coefficients: Vec<f64>,
    #[zeroize(skip)]
    slots: usize,
    bound: f64,
    /// The largest magnitude there is.
    largest: f64,
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext")
            .field("slots", &self.slots)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

impl Plaintext {
    pub(crate) fn new(params: &Parameters, values: &[Complex64], bound: f64) -> Result<Self, Error> {
        let slots = values.len();
        let embedding = params.embedding(slots)?;
        // Magnitudes that were computed are rounded.
        let fits = |z: &Complex64| z.norm() <= bound * (1.0 + 1e-12) && z.norm() < f64::INFINITY;
        if let Some(index) = values.iter().position(|z| !fits(z)) {
            return Err(Error::ValueOutOfRange { index, most: bound });
        }
        let largest = values.iter().map(|z| z.norm()).fold(0.0, f64::max);
        let mut complex = values.to_vec();
        embedding.to_coefficients(&mut complex);
        let coefficients = complex.iter().map(|w| w.re).chain(complex.iter().map(|w| w.im)).collect();
        wipe(&mut complex);
        Ok(Self { coefficients, slots, bound, largest })
    }

    /// Number of slots; a plaintext of fewer than `N/2` stands for its values repeated.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The bound of the magnitude of the values, as the encoder stated it.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// The plaintext with another bound. A ciphertext carries its bound in the clear: it must not depend on the data.
    ///
    /// # Errors
    /// If a value is larger, or the bound is not finite.
    pub fn with_bound(mut self, bound: f64) -> Result<Self, Error> {
        if !(bound >= self.largest && bound.is_finite()) {
            return Err(Error::ValueOutOfRange { index: 0, most: bound });
        }
        self.bound = bound;
        Ok(self)
    }

    /// The plaintext bounded by the largest of its own values: for plaintexts that are no secret, such as the weights of a server.
    /// Encrypted, it would show that value.
    #[must_use]
    pub fn with_own_bound(mut self) -> Self {
        self.bound = self.largest;
        self
    }

    /// The integer polynomial at a scale, all `N` coefficients.
    ///
    /// # Errors
    /// If a coefficient would not fit in a word: none is larger than the largest value.
    pub(crate) fn scaled(&self, params: &Parameters, scale: f64) -> Result<Zeroizing<Vec<i64>>, Error> {
        let gap = params.n() / self.coefficients.len();
        let mut out = Zeroizing::new(vec![0i64; params.n()]);
        for (out, c) in out.iter_mut().step_by(gap).zip(&self.coefficients) {
            let value = c * scale;
            let fits = value.abs() < LARGEST;
            if !fits {
                let (bound, most) = (self.bound, LARGEST / scale);
                return Err(Error::BoundTooLarge { bound, scale: scale.log2(), most });
            }
            *out = round(value);
        }
        Ok(out)
    }

    /// The polynomial at a scale and a level.
    pub(crate) fn lift(&self, params: &Parameters, level: usize, scale: f64) -> Result<Poly<Eval>, Error> {
        let scaled = self.scaled(params, scale)?;
        let mut poly = Poly::<Coeff>::from_signed(params.rlwe().basis(level + 1), &scaled);
        poly.mark_secret();
        Ok(poly.into_eval())
    }

    /// Bound, and the error of rounding to integers at a scale.
    pub(crate) fn estimate(&self, params: &Parameters, scale: f64) -> Estimate {
        let rounding = params.slot_variance(self.slots, 1.0 / 12.0, scale);
        Estimate { bound: self.bound, error: rounding.sqrt() }
    }

    /// Refuses plaintexts of a larger ring.
    pub(crate) fn check(&self, operation: &'static str, params: &Parameters) -> Result<(), Error> {
        if self.slots <= params.slots() {
            return Ok(());
        }
        Err(OperandError::Foreign { operation, object: "plaintext" }.into())
    }
}

/// The nearest integer, halves away from zero, of a number below 2^60 in magnitude; without a branch, which a library's `round` may
/// have.
fn round(x: f64) -> i64 {
    let whole = x as i64;
    // Exact: they agree in all bits but those behind the point.
    let rest = x - whole as f64;
    whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5)
}

/// Overwrites numbers that may be secret.
pub(crate) fn wipe(values: &mut [Complex64]) {
    for z in values {
        z.re.zeroize();
        z.im.zeroize();
    }
}

/// A plaintext transformed once, to be multiplied with many ciphertexts at one level.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let weights = PreparedPlaintext::new(&params, &encoder.encode(&[0.5, -0.25])?, params.max_level())?;
/// let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params))?;
/// for x in [0.5, -1.0] {
///     let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[x, x])?)?;
///     let product = Decryptor::new(&key).decrypt(&evaluator.mul_prepared(&c, &weights)?)?;
///     assert!((product[0] - 0.5 * x).abs() < 1e-5 && (product[1] + 0.25 * x).abs() < 1e-5);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PreparedPlaintext {
    pub(crate) params: Parameters,
    pub(crate) poly: Poly<Eval>,
    pub(crate) scale: f64,
    pub(crate) slots: usize,
    pub(crate) estimate: Estimate,
}

impl PreparedPlaintext {
    /// Prepares a plaintext for ciphertexts at `level`, at the scale that makes the rescaled product one of the next lower
    /// level.
    ///
    /// # Errors
    /// If the plaintext belongs to another ring, the level is 0 or above the highest, or a coefficient does not fit in a word.
    pub fn new(params: &Parameters, plaintext: &Plaintext, level: usize) -> Result<Self, Error> {
        let operation = "prepare a plaintext";
        plaintext.check(operation, params)?;
        params.check_product_level(operation, level)?;
        let scale = params.product_scale(level) / params.scale(level);
        let poly = plaintext.lift(params, level, scale)?;
        let estimate = plaintext.estimate(params, scale);
        Ok(Self { params: params.clone(), poly, scale, slots: plaintext.slots, estimate })
    }

    /// Level of the ciphertexts it is for.
    pub fn level(&self) -> usize {
        self.poly.basis().len() - 1
    }
}

he_core::brief_debug!(PreparedPlaintext: |a| level = a.level(), slots = a.slots, estimate = a.estimate);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rounding_is_that_of_the_library(x in -LARGEST..LARGEST, small in -100_000_i64..100_000, shift in 0..20) {
            for x in [x, small as f64 / f64::from(1 << shift), small as f64 + 0.5] {
                prop_assert_eq!(round(x), x.round() as i64, "{}", x);
            }
        }
    }

    #[test]
    fn rounding_at_the_edges() {
        // The largest number below a half, where adding a half would round up.
        for x in [0.5_f64.next_down(), 0.5, 1.5, 2.5, 4_503_599_627_370_495.5, LARGEST.next_down(), 0.0, -0.0]
        {
            for x in [x, -x] {
                assert_eq!(round(x), x.round() as i64, "{x}");
            }
        }
    }
}
