//! Arithmetic on ciphertexts.
//!
//! With `a' = −t·a` and `b' = −t·b` the product `a'·b'` has the phase `m_a·m_b + t·E` under `f²`, and `−t·a·b` is that at the top: one pointwise
//! product, at the level that leaves the largest budget, in place of `⌊t·a·b/q⌉` over the integers. A key switch leads back to `f`. There
//! is no refresh: a result that would not decrypt is an error, and so is one that may be above `t/2` ([`Bound`]), unless an operand is
//! modulo `t` by name.

use std::sync::Arc;

use he_core::ring::{Coeff, Eval, Poly, Steps};
use he_core::rlwe::{Bound, OperandError, SecretId};

use crate::ciphertext::Ciphertext;
use crate::digits::Digits;
use crate::error::Error;
use crate::keys::{EvaluationKeys, PRODUCTS, row_element};
use crate::noise::Noise;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// Computes with ciphertexts; holds evaluation keys and nothing that decrypts.
///
/// An operand is *foreign*, and refused, if it has other parameters or belongs to another secret than the evaluation keys or
/// the other operands ([`SecretId`]).
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let evaluator = Evaluator::new(&params, key.evaluation_keys(&KeyRequest::default().products())?)?;
/// let public = key.public_key();
/// let encoder = encoder.with_bound(7);
/// let [x, y] = [[2, 3], [5, -7]]
///     .map(|v| encoder.encode_coefficients(&v).and_then(|p| Encryptor::new(&public).encrypt(&p)));
/// // (2 + 3X)·(5 − 7X) = 10 + X − 21X²
/// let product = evaluator.mul(&x?, &y?)?;
/// assert_eq!(encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&product)?)[..3], [10, 1, -21]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator {
    params: Parameters,
    keys: Arc<EvaluationKeys>,
}

impl Evaluator {
    /// An evaluator with the given keys.
    ///
    /// # Errors
    /// If the keys belong to other parameters.
    pub fn new(params: &Parameters, keys: EvaluationKeys) -> Result<Self, Error> {
        if !keys.params.same(params) {
            let (operation, object) = ("new evaluator", "set of evaluation keys");
            return Err(OperandError::Foreign { operation, object }.into());
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

    fn check(&self, operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
        self.check_all(operation, &[a])
    }

    /// Refuses ciphertexts of other parameters, and those of another secret than that of the keys, or of each other.
    fn check_all(&self, operation: &'static str, all: &[&Ciphertext]) -> Result<(), Error> {
        let object = "ciphertext";
        if all.iter().any(|a| !a.params.same(&self.params)) {
            return Err(OperandError::Foreign { operation, object }.into());
        }
        Ok(SecretId::check_all(operation, object, self.secret_id(), all.iter().map(|a| a.secret))?)
    }

    fn check_degree_one(&self, operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
        self.check(operation, a)?;
        if a.degree != 1 {
            return Err(OperandError::Degree { operation, degree: a.degree }.into());
        }
        Ok(())
    }

    /// A bound of a result, if it is below `t/2`.
    fn within(&self, operation: &'static str, bound: Bound) -> Result<Bound, Error> {
        Ok(bound.within(operation, self.params.t().value())?)
    }

    /// A result, if it can be decrypted.
    fn finish(
        &self,
        operation: &'static str,
        secret: SecretId,
        poly: Poly<Eval>,
        degree: usize,
        (noise, bound): (Noise, Bound),
    ) -> Result<Ciphertext, Error> {
        let budget = self.params.noise().budget(&noise, poly.basis().len() - 1);
        // Written so that a budget that is no number is refused too.
        if budget.is_nan() || budget < 0.0 {
            return Err(Error::NoiseExhausted { operation, excess: -budget });
        }
        Ok(Ciphertext { params: self.params.clone(), secret, poly, degree, noise, bound })
    }

    /// `a + b`, at the lower of both levels.
    ///
    /// # Errors
    /// If an operand is foreign, the degrees differ, or the sum would not decrypt or may pass `t/2`.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.sum("add", a, b, Poly::add_assign)
    }

    /// `a − b`, at the lower of both levels.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.sum("sub", a, b, Poly::sub_assign)
    }

    fn sum(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        b: &Ciphertext,
        combine: impl Fn(&mut Poly<Eval>, &Poly<Eval>),
    ) -> Result<Ciphertext, Error> {
        self.check_all(operation, &[a, b])?;
        if a.degree != b.degree {
            return Err(OperandError::Degree { operation, degree: a.degree.max(b.degree) }.into());
        }
        let bound = self.within(operation, a.bound.plus(operation, b.bound, self.params.n())?)?;
        let level = a.level().min(b.level());
        let (mut a, b) = (self.mod_switch_to(a, level)?, self.mod_switch_to(b, level)?);
        combine(&mut a.poly, &b.poly);
        self.finish(operation, a.secret, a.poly, a.degree, (a.noise.add_related(&b.noise), bound))
    }

    /// `−a`.
    ///
    /// # Errors
    /// If the operand is foreign, or `t` is even and a value may be `t/2`, which is its own negative.
    pub fn negate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("negate", a)?;
        self.within("negate", a.bound)?;
        let mut out = a.clone();
        out.poly.neg_assign();
        Ok(out)
    }

    /// `a + p`.
    ///
    /// # Errors
    /// If an operand is foreign, `a` has degree 2, or the sum would not decrypt or may pass `t/2`.
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        // Under f² the message stands as it does under f, since both are 1 modulo t, but with other noise.
        self.check_degree_one("add_plain", a)?;
        let mut message = p.lift("add_plain", &self.params, a.level())?;
        let bound = self.within("add_plain", a.bound.plus("add_plain", p.bound(), self.params.n())?)?;
        message.mul_scalars_assign(self.params.up(a.level()));
        let mut poly = a.poly.clone();
        poly.add_assign(&message.into_eval());
        let noise = a.noise.add_related(&self.params.noise().plaintext());
        self.finish("add_plain", a.secret, poly, 1, (noise, bound))
    }

    /// `c·a` for an integer; modulo `t` only `c mod t` matters.
    ///
    /// # Errors
    /// If the operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("mul_const", a)?;
        let bound = self.within("mul_const", a.bound.scaled(c.unsigned_abs()))?;
        let c = self.params.t().center(self.params.t().reduce_i64(c));
        let mut poly = a.poly.clone();
        poly.mul_integer_assign(c);
        let noise = a.noise.scale(c.unsigned_abs().max(1) as f64);
        self.finish("mul_const", a.secret, poly, a.degree, (noise, bound))
    }

    /// `p·a`: slot by slot, or the product of polynomials for plaintexts in coefficients.
    ///
    /// # Errors
    /// If an operand is foreign, or the product would not decrypt or may pass `t/2`.
    pub fn mul_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check("mul_plain", a)?;
        let centred = p.centred("mul_plain", &self.params)?;
        let bound = self.within("mul_plain", a.bound.times("mul_plain", p.bound(), self.params.n())?)?;
        let square: f64 = centred.iter().map(|&c| (c as f64).powi(2)).sum();
        // No value at a root of X^N + 1 is above the sum of magnitudes; three deviations pass for random.
        let sum: f64 = centred.iter().map(|&c| (c as f64).abs()).sum();
        let norm = square.sqrt().max(sum / 3.0 / (self.params.n() as f64).sqrt()).max(1.0);
        let mut poly = a.poly.clone();
        poly.mul_assign(&p.lift("mul_plain", &self.params, a.level())?.into_eval());
        self.finish("mul_plain", a.secret, poly, a.degree, (a.noise.mul_plain(norm), bound))
    }

    /// The ciphertext at a level, rounded to the shorter modulus.
    ///
    /// # Errors
    /// If its level is lower, it has degree 2 and another level, or it would not decrypt there.
    pub fn mod_switch_to(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        let operation = "mod_switch_to";
        self.check(operation, a)?;
        if level == a.level() {
            return Ok(a.clone());
        }
        self.check_degree_one(operation, a)?;
        if level > a.level() {
            return Err(OperandError::Level { operation, wanted: level, present: a.level() }.into());
        }
        let poly = (level + 1..=a.level())
            .rev()
            .fold(a.poly.clone(), |poly, l| self.params.divider(l).divide(&poly));
        let noise = self.params.noise().reduce(&a.noise, a.level(), level);
        self.finish(operation, a.secret, poly, 1, (noise, a.bound))
    }

    /// `a·b`, under `f` again.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, there is no key for products, or the product would not decrypt or may pass `t/2`.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.relinearize(&self.mul_lazy(a, b)?)
    }

    /// `a·b`, of degree 2: such products of one level are summed before they are relinearized once for all.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, or the product would not decrypt or may pass `t/2`.
    pub fn mul_lazy(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "product";
        self.check_all(operation, &[a, b])?;
        self.check_degree_one(operation, a)?;
        self.check_degree_one(operation, b)?;
        let bound = self.within(operation, a.bound.times(operation, b.bound, self.params.n())?)?;
        let level = self.params.noise().best_level([(&a.noise, a.level()), (&b.noise, b.level())]);
        let (a, b) = (self.mod_switch_to(a, level)?, self.mod_switch_to(b, level)?);
        let mut poly = a.poly;
        poly.mul_assign(&b.poly);
        poly.mul_scalars_assign(self.params.down(level));
        self.finish(operation, a.secret, poly, 2, (self.params.noise().product(&a.noise, &b.noise), bound))
    }

    /// A product of degree 2 brought back to degree 1.
    ///
    /// # Errors
    /// If the operand is foreign, there is no key for products, or the result would not decrypt.
    pub fn relinearize(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("relinearize", a)?;
        if a.degree == 1 {
            return Ok(a.clone());
        }
        let poly = self.key_switch("relinearize", PRODUCTS, a.poly.clone())?;
        let noise = self.params.noise().key_switch(&a.noise, a.level());
        self.finish("relinearize", a.secret, poly, 1, (noise, a.bound))
    }

    /// The automorphism `X ↦ X^g`, `g` odd.
    ///
    /// # Errors
    /// If the operand is foreign or of degree 2, there is no key, or the result would not decrypt.
    pub fn automorphism(&self, a: &Ciphertext, g: usize) -> Result<Ciphertext, Error> {
        self.check_degree_one("rotate", a)?;
        if g == 1 {
            return Ok(a.clone());
        }
        self.keys.key("rotate", g.max(1), a.level())?;
        let poly = self.key_switch("rotate", g, a.poly.automorphism(g))?;
        let noise = self.params.noise().key_switch(&a.noise.after_automorphism(g), a.level());
        self.finish("rotate", a.secret, poly, 1, (noise, a.bound.after_automorphism(self.params.n())))
    }

    /// Both rows rotated left by `k`, right where it is negative: slot `c` of the result is slot `c + k` of the operand.
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn rotate_rows(&self, a: &Ciphertext, k: impl Steps) -> Result<Ciphertext, Error> {
        self.automorphism(a, row_element(&self.params, k))
    }

    /// The two rows swapped.
    ///
    /// # Errors
    /// As [`automorphism`](Self::automorphism).
    pub fn swap_rows(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.automorphism(a, 2 * self.params.n() - 1)
    }

    /// `Σ_j Σ_k d_jk·key_jk` for the digits of a polynomial.
    fn key_switch(&self, operation: &'static str, g: usize, poly: Poly<Eval>) -> Result<Poly<Eval>, Error> {
        let (basis, bits) = (poly.basis().clone(), self.params.spec().digit_bits);
        let mut key = self.keys.key(operation, g, basis.len() - 1)?.iter();
        let (poly, mut sum) = (poly.into_coeff(), Poly::<Eval>::zero(&basis));
        for (j, q) in basis.moduli().enumerate() {
            // Keys stand in the order of digits; those of primes that are gone come last.
            for (digit, key) in Digits::new(q, poly.limb(j), bits).zip(key.by_ref()) {
                sum.mul_add_assign(&Poly::<Coeff>::from_signed(&basis, &digit).into_eval(), key);
            }
        }
        Ok(sum)
    }
}

he_core::brief_debug!(Evaluator: |a| params = a.params, secret_id = a.secret_id());
