//! Magnitude and error of the values in a ciphertext, estimated without the key.
//!
//! Both are of slots, in the units of the values. A polynomial error of variance `V` a coefficient is, at scale `Δ`, a
//! complex error of variance `2n·V/Δ²` in each of `n` slots. With bounds `B` and errors `ε`,
//!
//! * `x + y` has `B_x + B_y` and `ε_x + ε_y`, whether or not the errors are related;
//! * `x·y` has `B_x·B_y` and `B_x·ε_y + B_y·ε_x + ε_x·ε_y`;
//! * rescaling adds the rounding error `(1 + h)/12` and key switching its own (see `he_core::rlwe::noise`), independent
//!   of what is there: variances add.

/// No error of a slot is so many times the estimated root mean square.
pub(crate) const DEVIATIONS: f64 = 16.0;

/// Bound and estimated error of the values in a ciphertext.
///
/// The bound is public: it travels with the ciphertext. [`Plaintext::with_bound`](crate::Plaintext::with_bound) sets one
/// that does not depend on the data.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let encryptor = Encryptor::with_secret(&key);
/// let [x, y] = [[0.5], [0.25]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
/// let (x, y) = (x?, y?);
/// let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params))?;
/// let sum = evaluator.add(&x, &y)?;
/// // Bounds add, and so do errors.
/// assert_eq!(sum.estimate().bound, 2.0);
/// assert!(sum.estimate().bits() < x.estimate().bits());
/// let found = Decryptor::new(&key).decrypt(&sum)?[0];
/// assert!((found - 0.75).abs() < sum.estimate().worst_error());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// No value is larger in magnitude.
    pub bound: f64,
    /// Root mean square of the errors of the slots, as complex numbers.
    pub error: f64,
}

impl Estimate {
    /// Bits of precision after the binary point: `−log2` of the error.
    pub fn bits(&self) -> f64 {
        -self.error.log2()
    }

    /// Bound of the error of a single slot: 16 times the root mean square. Among 1,000 bootstraps of 2,048 slots none came to half
    /// of it.
    pub fn worst_error(&self) -> f64 {
        DEVIATIONS * self.error
    }

    pub(crate) fn add(self, other: Self) -> Self {
        Self { bound: self.bound + other.bound, error: self.error + other.error }
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Self { bound: self.bound * factor, error: self.error * factor }
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        let error = self.bound * other.error + other.bound * self.error + self.error * other.error;
        Self { bound: self.bound * other.bound, error }
    }

    /// With a further, independent error of the given variance.
    pub(crate) fn with_noise(self, variance: f64) -> Self {
        Self { error: (self.error * self.error + variance).sqrt(), ..self }
    }
}
