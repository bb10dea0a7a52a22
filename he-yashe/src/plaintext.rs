//! Plaintexts: polynomials modulo `t`, by coefficients or in slots.

use std::fmt;

use he_core::Modulus;
use he_core::ring::slots::residues_within;
use he_core::ring::{Coeff, Poly};
use he_core::rlwe::{Bound, OperandError};
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
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Plaintext {
    coefficients: Vec<u64>,
    #[zeroize(skip)]
    t: u64,
    #[zeroize(skip)]
    bound: Bound,
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext")
            .field("n", &self.coefficients.len())
            .field("t", &self.t)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

/// Equal polynomials are equal plaintexts, however they were encoded.
impl PartialEq for Plaintext {
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.coefficients == other.coefficients
    }
}

impl Eq for Plaintext {}

impl Plaintext {
    pub(crate) fn new(coefficients: Vec<u64>, params: &Parameters, bound: Bound) -> Self {
        Self { coefficients, t: params.t().value(), bound }
    }

    /// The public bound of its values, as it was stated.
    pub fn bound(&self) -> Bound {
        self.bound
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
/// **Bounds are public.** Every plaintext, and every ciphertext made of it, carries a bound of the magnitude of its values in the
/// clear; it must not depend on the data, and it is sent with the ciphertext. It is `t/2`, all that there is room for, unless
/// [`with_bound`](Self::with_bound) states a smaller one; values above it are an error. The bound follows every operation, and one
/// whose result may pass `t/2` is an error. In coefficients the number of values that are given is public too: a product of
/// polynomials of `m` and `k` of them sums `min(m, k)` terms. Whoever wants arithmetic modulo `t` asks for it by name:
/// [`modular`](Self::modular).
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
#[derive(Clone)]
pub struct Encoder {
    params: Parameters,
    /// None: values are residues modulo `t`.
    most: Option<u64>,
}

impl Encoder {
    /// An encoder of values of up to `t/2` in magnitude; slots are available if `t` is a prime `≡ 1 (mod 2N)`.
    pub fn new(params: &Parameters) -> Self {
        Self { params: params.clone(), most: Some(params.t().value() / 2) }
    }

    /// The encoder for values of up to `most` in magnitude.
    #[must_use]
    pub fn with_bound(self, most: u64) -> Self {
        Self { most: Some(most), ..self }
    }

    /// The encoder for residues modulo `t`: what is computed with them wraps around.
    #[must_use]
    pub fn modular(self) -> Self {
        Self { most: None, ..self }
    }

    /// Residues of values within a bound.
    fn residues(&self, values: &[i64], bound: Bound) -> Result<Zeroizing<Vec<u64>>, Error> {
        let t = self.params.t();
        bound.stated("encode", t.value())?;
        Ok(Zeroizing::new(residues_within(values, self.most, t, self.params.n())?))
    }

    /// Number of slots: `N`, in two rows of `N/2`.
    ///
    /// # Errors
    /// If `t` has none in this ring.
    pub fn slots(&self) -> Result<usize, Error> {
        self.params.slots().map(|_| self.params.n())
    }

    /// Puts values, each of magnitude at most the stated bound, into slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are no slots, too many values, a value is above the bound, or the bound above `t/2`.
    pub fn encode(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let slots = self.params.slots()?;
        let bound = Bound::of_slots(self.most, values.len());
        let residues = self.residues(values, bound)?;
        Ok(Plaintext::new(slots.coefficients(&residues), &self.params, bound))
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

    /// Puts values, each of magnitude at most the stated bound, into coefficients; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, a value is above the bound, or the bound above `t/2`.
    pub fn encode_coefficients(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let bound = Bound::of_coefficients(self.most, values.len());
        let mut residues = self.residues(values, bound)?;
        Ok(Plaintext::new(std::mem::take(&mut *residues), &self.params, bound))
    }

    /// The coefficients of a plaintext, centred modulo the `t` that it has, which may be another than that of the encoder.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Vec<i64> {
        let t = Modulus::new(plaintext.t).unwrap_or(*self.params.t());
        plaintext.coefficients.iter().map(|&c| t.center(c)).collect()
    }
}

he_core::brief_debug!(Encoder: |a| params = a.params);
