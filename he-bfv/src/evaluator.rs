//! Arithmetic on ciphertexts.
//!
//! What is linear and divides nothing is done to the words at the top: it commutes with the product by `−t^{−1}`. The rest takes
//! the way through BGV: two products with a number, beside transforms that cost far more. Levels look after themselves, as in BGV.

use he_bgv::{Error, Plaintext, PreparedPlaintext};
use he_core::circuits::Arithmetic;
use he_core::rlwe::SecretId;

use crate::ciphertext::Ciphertext;
use crate::keys::EvaluationKeys;
use crate::params::Parameters;

/// Computes with ciphertexts; holds evaluation keys and nothing that decrypts.
///
/// An operand is *foreign*, and refused, if it has other parameters or belongs to another secret than the evaluation keys or
/// the other operands ([`SecretId`]).
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor) = (Encoder::new(&params), Encryptor::with_secret(&key));
/// let encoder = encoder.with_bound(10);
/// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let [x, y] = [[2, 3], [5, -7]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
/// let (x, y) = (x?, y?);
/// // (x + y)·x − 1, slot by slot.
/// let product = evaluator.mul(&evaluator.add(&x, &y)?, &x)?;
/// let result = evaluator.add_const(&product, -1)?;
/// assert_eq!(encoder.decode(&Decryptor::new(&key)?.decrypt(&result)?)?[..2], [13, -13]);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail
/// # fn f(params: he_bfv::Parameters, secret: he_bfv::SecretKey) {
/// let evaluator = he_bfv::Evaluator::new(&params, secret);
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator {
    pub(crate) params: Parameters,
    pub(crate) bgv: he_bgv::Evaluator,
}

/// Whether all have one level: sums of them divide nothing.
fn of_one_level<'a>(mut all: impl Iterator<Item = &'a Ciphertext>) -> bool {
    let first = all.next().map(Ciphertext::level);
    all.all(|a| Some(a.level()) == first)
}

impl Evaluator {
    /// An evaluator with the given keys.
    ///
    /// # Errors
    /// If the keys belong to other parameters.
    pub fn new(params: &Parameters, keys: EvaluationKeys) -> Result<Self, Error> {
        let keys = he_bgv::EvaluationKeys::from_rlwe(params, keys.inner)?;
        Ok(Self { params: params.clone(), bgv: he_bgv::Evaluator::new(params, keys)? })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret of the keys; none without keys.
    pub fn secret_id(&self) -> Option<SecretId> {
        self.bgv.secret_id()
    }

    /// The evaluator of BGV with the same keys, for ciphertexts that come from [`Ciphertext::to_bgv`].
    pub fn bgv(&self) -> &he_bgv::Evaluator {
        &self.bgv
    }

    /// A ciphertext whose words are at the top.
    pub(crate) fn at_the_top(&self, top: he_bgv::Ciphertext) -> Ciphertext {
        Ciphertext { params: self.params.clone(), top }
    }

    /// A ciphertext of BGV, brought to the top.
    pub(crate) fn raise(&self, below: &he_bgv::Ciphertext) -> Ciphertext {
        self.at_the_top(below.times(self.params.up()))
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
        Ok(self.at_the_top(self.bgv.negate(&a.top)?))
    }

    /// `Σ c_i·a_i` for integers `c_i`; small ones cost least noise, and modulo `t` only `c_i mod t` matters. Operands of different
    /// correction factors are brought to that of the one of lowest level, as [`he_bgv::Evaluator::linear_combination`] does.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn linear_combination(&self, terms: &[(i64, &Ciphertext)]) -> Result<Ciphertext, Error> {
        if of_one_level(terms.iter().map(|(_, a)| *a)) {
            let tops: Vec<_> = terms.iter().map(|(c, a)| (*c, &a.top)).collect();
            return Ok(self.at_the_top(self.bgv.linear_combination(&tops)?));
        }
        let below: Vec<_> = terms.iter().map(|(c, a)| (*c, a.to_bgv())).collect();
        let terms: Vec<_> = below.iter().map(|(c, a)| (*c, a)).collect();
        Ok(self.raise(&self.bgv.linear_combination(&terms)?))
    }

    /// `a + p`.
    ///
    /// # Errors
    /// If the operand is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.add_plain(&a.to_bgv(), p)?))
    }

    /// `a + c`, the constant in every slot (in the constant coefficient).
    ///
    /// # Errors
    /// If the operand is foreign, or the sum would not decrypt or may pass `t/2`.
    pub fn add_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.add_const(&a.to_bgv(), c)?))
    }

    /// `c·a` for an integer; modulo `t` only `c mod t` matters.
    ///
    /// # Errors
    /// If the operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        Ok(self.at_the_top(self.bgv.mul_const(&a.top, c)?))
    }

    /// `p·a`: slot by slot, or the product of polynomials for plaintexts in coefficients. For a plaintext that is used many
    /// times see [`PreparedPlaintext`].
    ///
    /// # Errors
    /// If an operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        Ok(self.at_the_top(self.bgv.mul_plain(&a.top, p)?))
    }

    /// `p·a` for a prepared plaintext.
    ///
    /// # Errors
    /// If an operand is foreign, the plaintext was prepared for lower levels, or the product would not decrypt or may pass `t/2`.
    pub fn mul_prepared(&self, a: &Ciphertext, p: &PreparedPlaintext) -> Result<Ciphertext, Error> {
        self.dot_prepared(&[(p, a)])
    }

    /// `Σ p_i·a_i` for unrelated ciphertexts `a_i` of one correction factor, in one pass.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, a plaintext was prepared for lower levels, the correction factors differ, or the sum
    /// would not decrypt.
    pub fn dot_prepared(&self, terms: &[(&PreparedPlaintext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        if of_one_level(terms.iter().map(|(_, a)| *a)) {
            let tops: Vec<_> = terms.iter().map(|(p, a)| (*p, &a.top)).collect();
            return Ok(self.at_the_top(self.bgv.dot_prepared(&tops)?));
        }
        let below: Vec<_> = terms.iter().map(|(p, a)| (*p, a.to_bgv())).collect();
        let terms: Vec<_> = below.iter().map(|(p, a)| (*p, a)).collect();
        Ok(self.raise(&self.bgv.dot_prepared(&terms)?))
    }

    /// The ciphertext at a level, with the least noise: residues are dropped while its noise is small, and it is rounded to the
    /// shorter modulus otherwise.
    ///
    /// # Errors
    /// If its level is lower, or it would not decrypt there.
    pub fn mod_switch_to(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.mod_switch_to(&a.to_bgv(), level)?))
    }

    /// Modulus switching: the ciphertext with its last prime divided out, whatever its noise.
    ///
    /// # Errors
    /// At level 0, or if the result would not decrypt.
    pub fn mod_switch(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.mod_switch(&a.to_bgv())?))
    }

    /// The ciphertext at the lowest level that costs a later product nothing: what follows every [`mul`](Self::mul).
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    pub fn mod_switch_for_product(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.mod_switch_for_product(&a.to_bgv())?))
    }

    /// The ciphertext at the lowest level that still leaves `budget` bits of noise budget: for one that is sent away to be
    /// decrypted.
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    pub fn mod_switch_for_decryption(&self, a: &Ciphertext, budget: f64) -> Result<Ciphertext, Error> {
        Ok(self.raise(&self.bgv.mod_switch_for_decryption(&a.to_bgv(), budget)?))
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
