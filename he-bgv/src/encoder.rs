//! Two ways to put integers into a plaintext.
//!
//! *Slots*, for a prime `t ≡ 1 (mod 2N)`: `N` copies of `Z_t` in two rows of `N/2`, see [`he_core::ring::slots`]. Sums and products
//! act slot by slot, rows rotate, and can be swapped.
//!
//! *Coefficients*: any `t`; products are those of polynomials.

use he_core::Modulus;
use he_core::ring::slots::residues;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// Encodes and decodes integers modulo `t`.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let plaintext = encoder.encode(&[1, -2, 3])?;
/// assert_eq!(encoder.decode(&plaintext)?[..4], [1, -2, 3, 0]);
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

    fn plaintext(&self, coefficients: Vec<u64>, slots: bool) -> Plaintext {
        let t = self.params.t().value();
        Plaintext { coefficients, t, slots }
    }

    fn residues(&self, values: &[i64]) -> Result<Vec<u64>, Error> {
        Ok(residues(values, self.params.t(), self.params.n())?)
    }

    /// Puts values, each of magnitude at most `t/2`, into slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are no slots, too many values, or a value out of range.
    pub fn encode(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let slots = self.params.slots()?;
        let residues = Zeroizing::new(self.residues(values)?);
        Ok(self.plaintext(slots.coefficients(&residues), true))
    }

    /// The slots of a plaintext, centred: in `(−t/2, t/2]`.
    ///
    /// # Errors
    /// If there are no slots, or the plaintext belongs to other parameters.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<i64>, Error> {
        let (slots, t) = (self.params.slots()?, self.params.t());
        plaintext.check("decode", &self.params)?;
        Ok(slots.values(&plaintext.coefficients).iter().map(|&value| t.center(value)).collect())
    }

    /// Puts values, each of magnitude at most `t/2`, into coefficients; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, or a value is out of range.
    pub fn encode_coefficients(&self, values: &[i64]) -> Result<Plaintext, Error> {
        Ok(self.plaintext(self.residues(values)?, false))
    }

    /// The coefficients of a plaintext, centred modulo the `t` that it has, which may be another than that of the encoder.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Vec<i64> {
        let t = Modulus::new(plaintext.t).unwrap_or(*self.params.t());
        plaintext.coefficients.iter().map(|&c| t.center(c)).collect()
    }
}

he_core::brief_debug!(Encoder: |a| params = a.params);
