//! Arithmetic on ciphertexts.
//!
//! Levels and scales look after themselves: operands of a sum or a product are brought to the lower of their levels, with
//! exactly the scale of that level, and a product is relinearized and rescaled in one division. The `_lazy` products, `relinearize`
//! and `rescale` are for those who would rather sum first.

use std::borrow::Cow;
use std::sync::Arc;

use he_core::circuits::Arithmetic;
use he_core::ring::GaussianInteger;
use he_core::rlwe::{self, OperandError, SecretId};
use num_complex::Complex64;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::keys::EvaluationKeys;
use crate::params::Parameters;
use crate::plaintext::{Plaintext, PreparedPlaintext};

/// Scales that agree to this are the same: what differs is below the error of a rescaling at any scale there is.
pub(crate) const SAME_SCALE: f64 = 1e-13;

/// Computes with ciphertexts; holds evaluation keys and nothing that decrypts.
///
/// An operand is *foreign*, and refused, if it has other parameters or belongs to another secret than the evaluation keys or
/// the other operands ([`SecretId`]).
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let encoder = encoder.with_bound(4.0);
/// let [x, y] = [[2.0, 3.5], [0.25, -1.0]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
/// let (x, y) = (x?, y?);
/// // (x + y)·x − 1, slot by slot; the sum has one level more than the product, which costs one.
/// let product = evaluator.mul(&evaluator.add(&x, &y)?, &x)?;
/// let result = evaluator.add_const(&product, -1.0)?;
/// let slots = decryptor.decrypt(&result)?;
/// assert!((slots[0] - 3.5).abs() < 1e-5 && (slots[1] - 7.75).abs() < 1e-5);
/// assert_eq!(result.level(), x.level() - 1);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail
/// # fn f(params: he_ckks::Parameters, secret: he_ckks::SecretKey) {
/// let evaluator = he_ckks::Evaluator::new(&params, secret);
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator {
    pub(crate) params: Parameters,
    pub(crate) keys: Arc<EvaluationKeys>,
}

impl Evaluator {
    /// An evaluator with the given keys.
    ///
    /// # Errors
    /// If the keys belong to other parameters.
    pub fn new(params: &Parameters, keys: EvaluationKeys) -> Result<Self, Error> {
        if !keys.params.same(params) {
            return Err(OperandError::Foreign {
                operation: "new evaluator",
                object: "set of evaluation keys",
            }
            .into());
        }
        Ok(Self { params: params.clone(), keys: Arc::new(keys) })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret of the keys; none without keys.
    pub fn secret_id(&self) -> Option<SecretId> {
        self.keys.secret_id()
    }

    pub(crate) fn check(&self, operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
        self.check_all(operation, [a])
    }

    /// Refuses ciphertexts of other parameters, and those of another secret than that of the keys, or of each other.
    pub(crate) fn check_all<'a>(
        &self,
        operation: &'static str,
        all: impl IntoIterator<Item = &'a Ciphertext> + Clone,
    ) -> Result<(), Error> {
        let object = "ciphertext";
        if all.clone().into_iter().any(|a| !a.params.same(&self.params)) {
            return Err(OperandError::Foreign { operation, object }.into());
        }
        let secrets = all.into_iter().map(Ciphertext::secret_id);
        Ok(SecretId::check_all(operation, object, self.secret_id(), secrets)?)
    }

    /// A result, if its values fit in its modulus.
    pub(crate) fn finish(
        &self,
        operation: &'static str,
        inner: rlwe::Ciphertext,
        scale: f64,
        slots: usize,
        estimate: Estimate,
    ) -> Result<Ciphertext, Error> {
        let level = inner.limbs() - 1;
        if !self.params.fits(estimate, scale, level) {
            return Err(self.params.overflow(operation, estimate, scale, level));
        }
        Ok(Ciphertext { params: self.params.clone(), inner, scale, slots, estimate })
    }

    /// Variance in a slot of the rounding of a division, at a scale.
    pub(crate) fn rounding(&self, slots: usize, scale: f64) -> f64 {
        self.params.slot_variance(slots, self.params.noise().rounding(), scale)
    }

    /// Variance in a slot of a key switch of the ciphertext.
    pub(crate) fn switching(&self, a: &Ciphertext) -> f64 {
        self.params.slot_variance(a.slots, self.params.noise().key_switch(a.level() + 1), a.scale)
    }

    fn pairwise(
        &self,
        operation: &'static str,
        a: Cow<'_, Ciphertext>,
        b: &Ciphertext,
        combine: impl FnOnce(&mut rlwe::Ciphertext, &rlwe::Ciphertext),
    ) -> Result<Ciphertext, Error> {
        self.check_all(operation, [&*a, b])?;
        // Products that are not rescaled yet are summed as they are.
        if a.level() != b.level() || (a.scale / b.scale - 1.0).abs() >= SAME_SCALE {
            let both = self.aligned(operation, [&*a, b])?;
            return self.pairwise(operation, Cow::Borrowed(&both[0]), &both[1], combine);
        }
        let slots = a.slots.max(b.slots);
        let estimate = a.estimate_in(slots).add(b.estimate_in(slots));
        let Ciphertext { mut inner, scale, .. } = a.into_owned();
        combine(&mut inner, &b.inner);
        self.finish(operation, inner, scale, slots, estimate)
    }

    /// `a + b` in the place of `a`.
    pub(crate) fn add_onto(&self, a: Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.pairwise("add", Cow::Owned(a), b, rlwe::Ciphertext::add_assign)
    }

    /// `a + b`.
    ///
    /// # Errors
    /// If an operand is foreign, the scales cannot be brought together, or the sum does not fit in the modulus.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.pairwise("add", Cow::Borrowed(a), b, rlwe::Ciphertext::add_assign)
    }

    /// `a − b`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.pairwise("sub", Cow::Borrowed(a), b, rlwe::Ciphertext::sub_assign)
    }

    /// `−a`.
    ///
    /// # Errors
    /// If the operand is foreign.
    pub fn negate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("negate", a)?;
        let mut out = a.clone();
        out.inner.neg_assign();
        Ok(out)
    }

    /// `i·a`; exact, and without a level.
    ///
    /// # Errors
    /// If the operand is foreign.
    pub fn mul_i(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("mul_i", a)?;
        let mut out = a.clone();
        out.inner.mul_i_assign();
        Ok(out)
    }

    /// `a + p`.
    ///
    /// # Errors
    /// If the operand is foreign, or a value does not fit.
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        let operation = "add_plain";
        self.check(operation, a)?;
        p.check(operation, &self.params)?;
        let a = self.rescaled_if_due(a)?;
        let mut inner = a.inner.clone();
        inner.add_to_phase(&p.lift(&self.params, a.level(), a.scale)?);
        let slots = a.slots.max(p.slots());
        let estimate = a.estimate_in(slots).add(p.estimate(&self.params, a.scale));
        self.finish(operation, inner, a.scale, slots, estimate)
    }

    /// `a + c`, the constant in every slot.
    ///
    /// # Errors
    /// If the operand is foreign, or the constant does not fit.
    pub fn add_const(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.add_complex(a, Complex64::new(c, 0.0))
    }

    /// `a + c` for a complex constant.
    ///
    /// # Errors
    /// As [`add_const`](Self::add_const).
    pub fn add_complex(&self, a: &Ciphertext, c: Complex64) -> Result<Ciphertext, Error> {
        self.add_complex_onto(a.clone(), c)
    }

    /// `a + c` in the place of `a`.
    pub(crate) fn add_complex_onto(&self, a: Ciphertext, c: Complex64) -> Result<Ciphertext, Error> {
        self.check("add_const", &a)?;
        let Ciphertext { mut inner, scale, slots, estimate, .. } = a;
        inner.add_gaussian_assign(gaussian(c * scale)?);
        let estimate = estimate.add(Estimate { bound: c.norm(), error: 1.0 / scale });
        self.finish("add_const", inner, scale, slots, estimate)
    }

    /// `c·a` for a small integer, without a level.
    ///
    /// # Errors
    /// If the operand is foreign or the product does not fit in the modulus.
    pub fn mul_integer(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.mul_integer_onto(a.clone(), c)
    }

    /// `c·a` in the place of `a`.
    pub(crate) fn mul_integer_onto(&self, a: Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("mul_integer", &a)?;
        let Ciphertext { mut inner, scale, slots, estimate, .. } = a;
        inner.mul_integer(c);
        self.finish("mul_integer", inner, scale, slots, estimate.times(c.unsigned_abs() as f64))
    }

    /// `c·a` for a real constant; takes a level.
    ///
    /// # Errors
    /// As [`linear_combination`](Self::linear_combination).
    pub fn mul_const(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(Complex64::new(c, 0.0), a)], Complex64::default())
    }

    /// `c·a` for a complex constant; takes a level.
    ///
    /// # Errors
    /// As [`linear_combination`](Self::linear_combination).
    pub fn mul_complex(&self, a: &Ciphertext, c: Complex64) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(c, a)], Complex64::default())
    }

    /// `constant + Σ c_i·a_i`, at the cost of one level below the lowest operand.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, no level is left, or a constant or the sum does not fit.
    pub fn linear_combination(
        &self,
        terms: &[(Complex64, &Ciphertext)],
        constant: Complex64,
    ) -> Result<Ciphertext, Error> {
        let operation = "linear combination";
        let mut rescaled = Vec::with_capacity(terms.len());
        self.check_all(operation, terms.iter().map(|(_, a)| *a))?;
        for (c, a) in terms {
            rescaled.push((*c, self.rescaled_if_due(a)?));
        }
        let lowest =
            rescaled.iter().min_by_key(|(_, a)| a.level()).ok_or(OperandError::NoOperands { operation })?;
        let level = self.product_level(operation, &lowest.1)?;
        let scale = self.params.product_scale(level);
        let terms: Vec<_> = rescaled.iter().map(|(c, a)| (*c, &**a)).collect();
        self.rescale(&self.weighted_sum(operation, &terms, constant, level, scale)?)
    }

    /// `constant + Σ c_i·a_i` at a level and a scale, not rescaled: the operands, of one degree and any scales, are at
    /// that level or above.
    pub(crate) fn weighted_sum(
        &self,
        operation: &'static str,
        terms: &[(Complex64, &Ciphertext)],
        constant: Complex64,
        level: usize,
        scale: f64,
    ) -> Result<Ciphertext, Error> {
        let degree = terms.first().ok_or(OperandError::NoOperands { operation })?.1.degree();
        let slots = terms.iter().map(|(_, a)| a.slots).max().unwrap_or(1);
        let mut integers = Vec::with_capacity(terms.len());
        let mut estimate = Estimate { bound: constant.norm(), error: 1.0 / scale };
        for (c, a) in terms {
            if a.degree() != degree {
                return Err(OperandError::Degree { operation, degree: a.degree().max(degree) }.into());
            }
            // Half a unit of the constant is an error of the values.
            let rounding = Estimate { bound: 0.0, error: a.estimate.bound * a.scale / scale };
            estimate = estimate.add(a.estimate_in(slots).times(c.norm())).add(rounding);
            integers.push((gaussian(c * (scale / a.scale))?, &a.inner));
        }
        let mut inner = rlwe::Ciphertext::gaussian_sum(level + 1, &integers);
        inner.add_gaussian_assign(gaussian(constant * scale)?);
        self.finish(operation, inner, scale, slots, estimate)
    }
}

/// The nearest Gaussian integer.
pub(crate) fn gaussian(c: Complex64) -> Result<GaussianInteger, Error> {
    let most = 120f64.exp2();
    let fits = c.norm() < most;
    if !fits {
        return Err(Error::ValueOutOfRange { index: 0, most });
    }
    Ok(GaussianInteger { re: c.re.round() as i128, im: c.im.round() as i128 })
}

impl Arithmetic for Evaluator {
    type Ciphertext = Ciphertext;
    type Plaintext = PreparedPlaintext;
    type Scalar = Complex64;
    type Error = Error;

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Self::add(self, a, b)
    }

    fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Self::mul(self, a, b)
    }

    fn mul_plain(&self, a: &Ciphertext, b: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.mul_prepared(a, b)
    }

    fn mul_scalar(&self, a: &Ciphertext, c: &Complex64) -> Result<Ciphertext, Error> {
        self.mul_complex(a, *c)
    }

    fn add_scalar(&self, a: &Ciphertext, c: &Complex64) -> Result<Ciphertext, Error> {
        self.add_complex(a, *c)
    }

    fn is_zero(&self, c: &Complex64) -> bool {
        *c == Complex64::default()
    }
}

he_core::brief_debug!(Evaluator: |a| params = a.params, secret_id = a.secret_id());
