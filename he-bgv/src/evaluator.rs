//! Arithmetic on ciphertexts.
//!
//! Levels look after themselves: before a product each operand is brought to the level that leaves the largest budget (see
//! [`NoiseEstimator`](crate::NoiseEstimator)), and the result to the lowest one that costs nothing; operands of a sum are
//! brought to the lowest level among them. A result that would not decrypt is an error, not a ciphertext, and so is one that may be
//! above `t/2` ([`Bound`]), unless an operand is modulo `t` by name.

use std::sync::Arc;

use he_core::circuits::Arithmetic;
use he_core::rlwe::{self, Bound, OperandError, SecretId};

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::noise::Noise;
use crate::params::Parameters;
use crate::plaintext::{Plaintext, PreparedPlaintext};

/// Computes with ciphertexts; holds evaluation keys and nothing that decrypts.
///
/// An operand is *foreign*, and refused, if it has other parameters or belongs to another secret than the evaluation keys or
/// the other operands ([`SecretId`]).
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let encoder = Encoder::new(&params).with_bound(10);
/// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let [x, y] = [[2, 3], [5, -7]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
/// let (x, y) = (x?, y?);
/// // (x + y)·x − 1, slot by slot.
/// let product = evaluator.mul(&evaluator.add(&x, &y)?, &x)?;
/// let result = evaluator.add_const(&product, -1)?;
/// assert_eq!(encoder.decode(&decryptor.decrypt(&result)?)?[..2], [13, -13]);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail
/// # fn f(params: he_bgv::Parameters, secret: he_bgv::SecretKey) {
/// let evaluator = he_bgv::Evaluator::new(&params, secret);
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

    /// A bound of a result, if it is below `t/2`.
    pub(crate) fn within(&self, operation: &'static str, bound: Bound) -> Result<Bound, Error> {
        Ok(bound.within(operation, self.params.t().value())?)
    }

    /// The bound of `Σ c_i·a_i`, if it is below `t/2`.
    fn bound_of_sum(&self, operation: &'static str, terms: &[(i64, &Ciphertext)]) -> Result<Bound, Error> {
        let mut bounds = terms.iter().map(|(c, a)| a.bound.scaled(c.unsigned_abs()));
        let first = bounds.next().ok_or(OperandError::NoOperands { operation })?;
        self.within(
            operation,
            bounds.try_fold(first, |sum, term| sum.plus(operation, term, self.params.n()))?,
        )
    }

    /// A result, if it can be decrypted.
    pub(crate) fn finish(
        &self,
        operation: &'static str,
        inner: rlwe::Ciphertext,
        factor: u64,
        noise: Noise,
        bound: Bound,
    ) -> Result<Ciphertext, Error> {
        let budget = self.params.noise().budget(noise, inner.limbs() - 1);
        // Written so that a budget that is no number is refused too.
        if budget.is_nan() || budget < 0.0 {
            return Err(Error::NoiseExhausted { operation, excess: -budget });
        }
        Ok(Ciphertext { params: self.params.clone(), inner, factor, noise, bound })
    }

    /// `a + b`.
    ///
    /// # Errors
    /// If an operand is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(1, a), (1, b)])
    }

    /// `a − b`.
    ///
    /// # Errors
    /// If an operand is foreign, or the difference would not decrypt or may pass `t/2`.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(1, a), (-1, b)])
    }

    /// `−a`.
    ///
    /// # Errors
    /// If the operand is foreign, or `t` is even and a value may be `t/2`, which is its own negative.
    pub fn negate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("negate", a)?;
        self.within("negate", a.bound)?;
        let mut out = a.clone();
        out.inner.neg_assign();
        Ok(out)
    }

    /// `Σ c_i·a_i` for integers `c_i`; small ones cost least noise, and modulo `t` only `c_i mod t` matters. Operands of different
    /// correction factors are brought to that of the one of lowest level, while dropping primes: the price is noise of the
    /// size of `t`, which the division takes away.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn linear_combination(&self, terms: &[(i64, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let operation = "linear combination";
        self.check_all(operation, terms.iter().map(|(_, a)| *a))?;
        let bound = self.bound_of_sum(operation, terms)?;
        let lead = (terms.iter().map(|(_, a)| *a))
            .min_by(|a, b| a.level().cmp(&b.level()).then(b.noise.log2().total_cmp(&a.noise.log2())))
            .ok_or(OperandError::NoOperands { operation })?;
        let mut sum: Option<(rlwe::Ciphertext, Noise)> = None;
        for (c, a) in terms {
            let (term, noise) = self.scaled_to(*c, a, lead);
            sum = Some(match sum {
                None => (term.into_owned(), noise),
                Some((mut sum, total)) => {
                    sum.add_assign(&term);
                    (sum, total.add_related(noise))
                }
            });
        }
        let (inner, noise) = sum.ok_or(OperandError::NoOperands { operation })?;
        self.finish(operation, inner, lead.factor, noise, bound)
    }

    /// `a + p`.
    ///
    /// # Errors
    /// If the operand is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check("add_plain", a)?;
        p.check("add_plain", &self.params)?;
        let bound = self.within("add_plain", a.bound.plus("add_plain", p.bound, self.params.n())?)?;
        let mut inner = a.inner.clone();
        inner.add_to_phase(&p.lift(&self.params, a.level(), a.factor));
        let noise = a.noise.add_related(self.params.noise().plaintext(p.slots));
        self.finish("add_plain", inner, a.factor, noise, bound)
    }

    /// `a + c`, the constant in every slot (in the constant coefficient).
    ///
    /// # Errors
    /// If the operand is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("add_const", a)?;
        let bound = self.within("add_const", a.bound.plus_constant(c.unsigned_abs()))?;
        let t = self.params.t();
        let mut inner = a.inner.clone();
        inner.add_integer_assign(t.center(t.mul(t.reduce_i64(c), a.factor)));
        let noise = a.noise.add_related(self.params.noise().plaintext(true));
        self.finish("add_const", inner, a.factor, noise, bound)
    }

    /// `c·a` for an integer; modulo `t` only `c mod t` matters.
    ///
    /// # Errors
    /// If the operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("mul_const", a)?;
        let bound = self.within("mul_const", a.bound.scaled(c.unsigned_abs()))?;
        let t = self.params.t();
        let c = t.center(t.reduce_i64(c));
        let mut inner = a.inner.clone();
        inner.mul_integer(c);
        let noise = a.noise.scale((c.unsigned_abs().max(1) as f64).log2());
        self.finish("mul_const", inner, a.factor, noise, bound)
    }
}

impl Arithmetic for Evaluator {
    type Ciphertext = Ciphertext;
    type Plaintext = PreparedPlaintext;
    type Scalar = i64;
    type Error = Error;

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Evaluator::add(self, a, b)
    }

    fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Evaluator::mul(self, a, b)
    }

    fn mul_plain(&self, a: &Ciphertext, b: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.mul_prepared(a, b)
    }

    fn mul_scalar(&self, a: &Ciphertext, c: &i64) -> Result<Ciphertext, Error> {
        self.mul_const(a, *c)
    }

    fn add_scalar(&self, a: &Ciphertext, c: &i64) -> Result<Ciphertext, Error> {
        self.add_const(a, *c)
    }

    fn is_zero(&self, c: &i64) -> bool {
        self.params.t().reduce_i64(*c) == 0
    }
}

he_core::brief_debug!(Evaluator: |a| params = a.params, secret_id = a.secret_id());
