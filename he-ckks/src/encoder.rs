//! From values to plaintexts and back.

use num_complex::Complex64;

use he_core::rlwe::OperandError;

use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::{Plaintext, wipe};

/// Encodes values into slots.
///
/// A plaintext has a power of two of slots, all `N/2` unless told otherwise. Fewer (*sparse packing*) stand for the values
/// repeated; they rotate among themselves and bootstrap faster.
///
/// **Bounds are public.** Every plaintext, and every ciphertext made of it, carries a bound of the magnitude of its values in the
/// clear; it must not depend on the data. It is 1 unless [`with_bound`](Self::with_bound) states another, and larger values are
/// an error.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// // Values of up to 8 in magnitude, in four slots that stand for all.
/// let encoder = Encoder::new(&params).with_bound(8.0);
/// let plaintext = encoder.encode_in(&[1.5, -7.0], 4)?;
/// assert_eq!((plaintext.slots(), plaintext.bound()), (4, 8.0));
/// assert!(encoder.encode(&[9.0]).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Encoder {
    params: Parameters,
    bound: f64,
}

impl Encoder {
    /// An encoder.
    pub fn new(params: &Parameters) -> Self {
        Self { params: params.clone(), bound: 1.0 }
    }

    /// The encoder for values of up to `bound` in magnitude.
    #[must_use]
    pub fn with_bound(self, bound: f64) -> Self {
        Self { bound, ..self }
    }

    /// Number of slots of a plaintext, `N/2`.
    pub fn slots(&self) -> usize {
        self.params.slots()
    }

    /// Puts real numbers into all `N/2` slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, or one is above the bound or not finite.
    pub fn encode(&self, values: &[f64]) -> Result<Plaintext, Error> {
        self.encode_in(values, self.params.slots())
    }

    /// Puts real numbers into `slots` slots, a power of two; missing ones are 0.
    ///
    /// # Errors
    /// If there are no such plaintexts, there are too many values, or one is above the bound or not finite.
    pub fn encode_in(&self, values: &[f64], slots: usize) -> Result<Plaintext, Error> {
        let mut complex: Vec<Complex64> = values.iter().map(|&x| Complex64::new(x, 0.0)).collect();
        let plaintext = self.encode_complex_in(&complex, slots);
        wipe(&mut complex);
        plaintext
    }

    /// Puts complex numbers into all `N/2` slots; missing ones are 0.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_complex(&self, values: &[Complex64]) -> Result<Plaintext, Error> {
        self.encode_complex_in(values, self.params.slots())
    }

    /// Puts complex numbers into `slots` slots, a power of two; missing ones are 0.
    ///
    /// # Errors
    /// As [`encode_in`](Self::encode_in).
    pub fn encode_complex_in(&self, values: &[Complex64], slots: usize) -> Result<Plaintext, Error> {
        self.params.embedding(slots)?;
        if values.len() > slots {
            return Err(OperandError::TooManyValues { given: values.len(), capacity: slots }.into());
        }
        let mut all = values.to_vec();
        all.resize(slots, Complex64::default());
        let plaintext = Plaintext::new(&self.params, &all, self.bound);
        wipe(&mut all);
        plaintext
    }
}

he_core::brief_debug!(Encoder: |a| params = a.params, bound = a.bound);
