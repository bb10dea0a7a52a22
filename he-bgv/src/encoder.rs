//! Two ways to put integers into a plaintext.
//!
//! *Slots*, for a prime `t ≡ 1 (mod 2N)`: `N` copies of `Z_t` in two rows of `N/2`, see [`he_core::ring::slots`]. Sums and products
//! act slot by slot, rows rotate, and can be swapped.
//!
//! *Coefficients*: any `t`; products are those of polynomials.
//!
//! Both are integers as long as no value passes `t/2`, which public bounds see to ([`Bound`]).

use he_core::Modulus;
use he_core::ring::slots::residues_within;
use he_core::rlwe::Bound;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// Encodes and decodes integers modulo `t`.
///
/// **Bounds are public.** Every plaintext, and every ciphertext made of it, carries a bound of the magnitude of its values in the
/// clear; it must not depend on the data, and it is sent with the ciphertext. It is `t/2`, all that there is room for, unless
/// [`with_bound`](Self::with_bound) states a smaller one; values above it are an error. The bound follows every operation, and one
/// whose result may pass `t/2` is an error: so a sum or a product takes smaller bounds than `t/2`. In coefficients the number of
/// values that are given is public too: a product of polynomials of `m` and `k` of them sums `min(m, k)` terms.
///
/// Whoever wants the arithmetic of `Z_t`, in which sums and products wrap around, asks for it by name: [`modular`](Self::modular).
/// Results are modulo `t` as soon as one operand is.
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
/// // The sum of two values of up to 50 is one of up to 100. Of values of up to t/2 there is no sum.
/// let small = encoder.clone().with_bound(50);
/// let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params))?;
/// let c = encryptor.encrypt(&small.encode(&[40])?)?;
/// assert_eq!(evaluator.add(&c, &c)?.bound(), Bound::Slots { most: 100 });
/// let c = encryptor.encrypt(&encoder.encode(&[40])?)?;
/// assert!(evaluator.add(&c, &c).is_err());
/// // But modulo t there is.
/// let c = encryptor.encrypt(&encoder.clone().modular().encode(&[500_000])?)?;
/// let sum = encoder.decode(&decryptor.decrypt(&evaluator.add(&c, &c)?)?)?;
/// assert_eq!(sum[0], 1_000_000 - 1_032_193);
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

    /// The encoder for values that need not be hidden, with the bound that they have themselves: at most the stated one.
    pub(crate) fn with_own_bound(&self, values: &[i64]) -> Self {
        let own = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        Self { params: self.params.clone(), most: self.most.map(|most| most.min(own)) }
    }

    /// Number of slots: `N`, in two rows of `N/2`.
    ///
    /// # Errors
    /// If `t` has none in this ring.
    pub fn slots(&self) -> Result<usize, Error> {
        self.params.slots().map(|_| self.params.n())
    }

    fn plaintext(&self, coefficients: Vec<u64>, slots: bool, bound: Bound) -> Plaintext {
        let t = self.params.t().value();
        Plaintext { coefficients, t, slots, bound }
    }

    /// Residues of values within a bound.
    fn residues(&self, values: &[i64], bound: Bound) -> Result<Zeroizing<Vec<u64>>, Error> {
        let t = self.params.t();
        bound.stated("encode", t.value())?;
        Ok(Zeroizing::new(residues_within(values, self.most, t, self.params.n())?))
    }

    /// Puts values, each of magnitude at most the stated bound, into slots; missing ones are 0.
    ///
    /// # Errors
    /// If there are no slots, too many values, a value is above the bound, or the bound above `t/2`.
    pub fn encode(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let slots = self.params.slots()?;
        let bound = Bound::of_slots(self.most, values.len());
        let residues = self.residues(values, bound)?;
        Ok(self.plaintext(slots.coefficients(&residues), true, bound))
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

    /// Puts values, each of magnitude at most the stated bound, into coefficients; missing ones are 0.
    ///
    /// # Errors
    /// If there are too many values, a value is above the bound, or the bound above `t/2`.
    pub fn encode_coefficients(&self, values: &[i64]) -> Result<Plaintext, Error> {
        let bound = Bound::of_coefficients(self.most, values.len());
        let mut residues = self.residues(values, bound)?;
        Ok(self.plaintext(std::mem::take(&mut *residues), false, bound))
    }

    /// The coefficients of a plaintext, centred modulo the `t` that it has, which may be another than that of the encoder.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Vec<i64> {
        let t = Modulus::new(plaintext.t).unwrap_or(*self.params.t());
        plaintext.coefficients.iter().map(|&c| t.center(c)).collect()
    }
}

he_core::brief_debug!(Encoder: |a| params = a.params);
