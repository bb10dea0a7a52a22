//! Plaintexts: polynomials modulo `t`, by coefficients or in slots.

use std::fmt;

use he_core::Modulus;
use he_core::ring::slots::residues;
use he_core::ring::{Coeff, Poly};
use he_core::rlwe::OperandError;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::Error;
use crate::params::Parameters;

/// A polynomial modulo `t`, by coefficients in `[0, t)`; wiped when dropped, and printed without its coefficients.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// let plaintext = Encoder::new(&params).encode_coefficients(&[1, -2])?;
/// assert_eq!(plaintext.coefficients()[..3], [1, 519, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Plaintext {
    coefficients: Vec<u64>,
    #[zeroize(skip)]
    t: u64,
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext")
            .field("n", &self.coefficients.len())
            .field("t", &self.t)
            .finish_non_exhaustive()
    }
}

impl Plaintext {
    pub(crate) fn new(coefficients: Vec<u64>, params: &Parameters) -> Self {
        Self { coefficients, t: params.t().value() }
    }

    /// Coefficients in `[0, t)`.
    pub fn coefficients(&self) -> &[u64] {
        &self.coefficients
    }

    /// The centred representatives; plaintexts of other parameters are refused.
    pub(crate) fn centred(
        &self,
        operation: &'static str,
        params: &Parameters,
    ) -> Result<Zeroizing<Vec<i64>>, Error> {
        if self.t != params.t().value() || self.coefficients.len() != params.n() {
            return Err(OperandError::Foreign { operation, object: "plaintext" }.into());
        }
        Ok(Zeroizing::new(self.coefficients.iter().map(|&c| params.t().center(c)).collect()))
    }

    /// The polynomial over the primes of a level.
    pub(crate) fn lift(
        &self,
        operation: &'static str,
        params: &Parameters,
        level: usize,
    ) -> Result<Poly<Coeff>, Error> {
        let mut poly = Poly::<Coeff>::from_signed(params.basis(level), &self.centred(operation, params)?);
        poly.mark_secret();
        Ok(poly)
    }
}

/// Encodes and decodes integers modulo `t`.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::legacy_n65536().build_legacy("an example")?;
/// let encoder = Encoder::new(&params);
/// assert_eq!(encoder.decode(&encoder.encode(&[1, -2, 3])?)?[..4], [1, -2, 3, 0]);
/// // By coefficients: the polynomial 1 − 2X.
/// let polynomial = encoder.encode_coefficients(&[1, -2])?;
/// assert_eq!(encoder.decode_coefficients(&polynomial)[..3], [1, -2, 0]);
/// # Ok(())
/// # }
/// ```
pub struct Encoder {
    params: Parameters,
}

impl Encoder {
    /// An encoder; slots are available if `t` is a prime `≡ 1 (mod 2N)`.
    pub fn new(params: &Parameters) -> Self {
        Self { params: params.clone() }
    }

    /// Number of slots: `N`, in two rows of `N/2`.
    ///
    /// # Errors
    /// If `t` has none in this ring.
    pub fn slots(&self) -> Result<usize, Error> {
        self.params.slots().map(|_| self.params.n())
    }

    /// Puts values, each of magnitude at most `t/2`, into slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are no slots, too many values, or a value out of range.
    pub fn encode(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let slots = self.params.slots()?;
        let residues = Zeroizing::new(residues(values, self.params.t(), self.params.n())?);
        Ok(Plaintext::new(slots.coefficients(&residues), &self.params))
    }

    /// The slots of a plaintext, centred: in `(−t/2, t/2]`.
    ///
    /// # Errors
    /// If there are no slots, or the plaintext belongs to other parameters.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<i64>, Error> {
        let (slots, t) = (self.params.slots()?, self.params.t());
        plaintext.centred("decode", &self.params)?;
        Ok(slots.values(&plaintext.coefficients).iter().map(|&value| t.center(value)).collect())
    }

    /// Puts values, each of magnitude at most `t/2`, into coefficients; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, or a value is out of range.
    pub fn encode_coefficients(&self, values: &[i64]) -> Result<Plaintext, Error> {
        Ok(Plaintext::new(residues(values, self.params.t(), self.params.n())?, &self.params))
    }

    /// The coefficients of a plaintext, centred modulo the `t` that it has, which may be another than that of the encoder.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Vec<i64> {
        let t = Modulus::new(plaintext.t).unwrap_or(*self.params.t());
        plaintext.coefficients.iter().map(|&c| t.center(c)).collect()
    }
}

he_core::brief_debug!(Encoder: |a| params = a.params);
