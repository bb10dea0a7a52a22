//! Arithmetic on ciphertexts.
//!
//! Levels look after themselves: before a product each operand is brought to the number of limbs that leaves the largest
//! budget (see [`crate::noise`]); operands of a sum meet at the smaller number. A result that would not decrypt is an
//! error, not a ciphertext.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use he_core::circuits::Arithmetic;
use he_core::rlwe;

use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::noise::Noise;
use crate::params::Parameters;
use crate::plaintext::{Operand, Plaintext};

/// Computes with ciphertexts; holds evaluation keys and nothing that decrypts.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192()?.build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_limbs()))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let [x, y] = [[2, 3], [5, -7]].map(|v| encoder.encode(&v).and_then(|p| encryptor.encrypt(&p)));
/// let (x, y) = (x?, y?);
/// // (x + y)·x − 1, slot by slot.
/// let product = evaluator.relinearize(&evaluator.mul(&evaluator.add(&x, &y)?, &x)?)?;
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
            return Err(Error::Foreign { operation: "new evaluator", object: "set of evaluation keys" });
        }
        Ok(Self { params: params.clone(), keys: Arc::new(keys) })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    pub(crate) fn check(&self, operation: &'static str, a: &Ciphertext) -> Result<(), Error> {
        if a.params.same(&self.params) {
            return Ok(());
        }
        Err(Error::Foreign { operation, object: "ciphertext" })
    }

    /// A result, if it can be decrypted.
    pub(crate) fn finish(
        &self,
        operation: &'static str,
        inner: rlwe::Ciphertext,
        factor: u64,
        noise: Noise,
    ) -> Result<Ciphertext, Error> {
        let budget = self.params.noise().budget(noise, inner.limbs());
        // Written so that a budget that is no number is refused too.
        if budget.is_nan() || budget < 0.0 {
            return Err(Error::NoiseExhausted { operation, excess: -budget });
        }
        Ok(Ciphertext { params: self.params.clone(), inner, factor, noise })
    }

    /// The ciphertext over `limbs` primes, with the least noise: cut while its noise is small, divided otherwise.
    ///
    /// # Errors
    /// If it has fewer limbs, or would not decrypt.
    pub fn reduce_to(&self, a: &Ciphertext, limbs: usize) -> Result<Ciphertext, Error> {
        self.check("reduce", a)?;
        if limbs == 0 || limbs > a.limbs() {
            return Err(Error::Limbs { operation: "reduce", wanted: limbs, present: a.limbs() });
        }
        let (steps, noise) = self.params.noise().reduce(a.noise, a.limbs(), limbs);
        let (mut inner, mut factor) = (Cow::Borrowed(&a.inner), a.factor);
        for (dropped, divide) in steps.into_iter().enumerate() {
            let last = a.limbs() - 1 - dropped;
            if divide {
                let whole =
                    if inner.limbs() > last + 1 { Cow::Owned(inner.truncated(last + 1)) } else { inner };
                inner = Cow::Owned(whole.drop_last());
                factor = self.params.t().mul(factor, self.params.drop_factor(last));
            }
        }
        let inner = if inner.limbs() > limbs { inner.truncated(limbs) } else { inner.into_owned() };
        self.finish("reduce", inner, factor, noise)
    }

    /// Modulus switching: the ciphertext with its last prime divided out, whatever its noise.
    ///
    /// # Errors
    /// If only one prime is left, or it would not decrypt.
    pub fn mod_switch(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check("mod_switch", a)?;
        let last = a.limbs() - 1;
        if last == 0 {
            return Err(Error::Limbs { operation: "mod_switch", wanted: 0, present: 1 });
        }
        let noise = self.params.noise().drop_last(a.noise, a.limbs());
        let factor = self.params.t().mul(a.factor, self.params.drop_factor(last));
        self.finish("mod_switch", a.inner.drop_last(), factor, noise)
    }

    /// Drops the primes whose loss costs a later product nothing: what should follow every product.
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    pub fn settle(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let limbs = self.params.noise().best_limbs(&[(a.noise, a.limbs()), (a.noise, a.limbs())], 0.0);
        self.reduce_to(a, limbs)
    }

    /// The fewest limbs that still leave `budget` bits: for a ciphertext that is sent away to be decrypted.
    ///
    /// # Errors
    /// Never for a ciphertext of these parameters that decrypts.
    pub fn shrink(&self, a: &Ciphertext, budget: f64) -> Result<Ciphertext, Error> {
        let noise = self.params.noise();
        let fits = |&limbs: &usize| noise.budget(noise.reduce(a.noise, a.limbs(), limbs).1, limbs) >= budget;
        self.reduce_to(a, (1..a.limbs()).find(fits).unwrap_or(a.limbs()))
    }

    /// `a + b`.
    ///
    /// # Errors
    /// If an operand is foreign or the sum would not decrypt.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(1, a), (1, b)])
    }

    /// `a − b`.
    ///
    /// # Errors
    /// If an operand is foreign or the difference would not decrypt.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(1, a), (-1, b)])
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

    /// `Σ c_i·a_i` for integers `c_i`, of which `c_i mod t` matters and small ones cost least noise. Operands of different
    /// factors modulo `t` are brought to that of the one with the fewest limbs, while dropping primes: the price is noise of
    /// the size of `t`, which the division takes away.
    ///
    /// # Errors
    /// If there is no operand, one is foreign, or the sum would not decrypt.
    pub fn linear_combination(&self, terms: &[(i64, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let operation = "linear combination";
        for (_, a) in terms {
            self.check(operation, a)?;
        }
        let lead = (terms.iter().map(|(_, a)| *a))
            .min_by(|a, b| a.limbs().cmp(&b.limbs()).then(b.noise.log2().total_cmp(&a.noise.log2())))
            .ok_or(Error::NoOperands { operation })?;
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
        let (inner, noise) = sum.ok_or(Error::NoOperands { operation })?;
        self.finish(operation, inner, lead.factor, noise)
    }

    /// `c·a` at the limbs and with the factor of `lead`.
    fn scaled_to<'a>(
        &self,
        c: i64,
        a: &'a Ciphertext,
        lead: &Ciphertext,
    ) -> (Cow<'a, rlwe::Ciphertext>, Noise) {
        let (t, estimator) = (self.params.t(), self.params.noise());
        let c = t.center(t.reduce_i64(c));
        // The constant that makes the factors agree, were the steps `divide` taken after it.
        let constant = |divide: &[bool]| {
            let natural = (divide.iter().enumerate().filter(|(_, divide)| **divide))
                .fold(a.factor, |f, (i, _)| t.mul(f, self.params.drop_factor(a.limbs() - 1 - i)));
            if natural == lead.factor {
                return c;
            }
            let ratio = t.mul(lead.factor, t.inv(natural).unwrap_or(1));
            t.center(t.mul(ratio, t.reduce_i64(c)))
        };
        let log = |c: i64| (c.unsigned_abs().max(1) as f64).log2();
        let (mut divide, _) = estimator.reduce(a.noise.scale(log(c)), a.limbs(), lead.limbs());
        if constant(&divide) != c {
            divide = estimator.reduce(a.noise.scale(estimator.log_t() - 1.0), a.limbs(), lead.limbs()).0;
        }
        let scale = constant(&divide);
        let mut noise = a.noise.scale(log(scale));
        let mut inner = Cow::Borrowed(&a.inner);
        if scale != 1 {
            inner.to_mut().mul_integer(scale);
        }
        for (i, divide) in divide.into_iter().enumerate() {
            let limbs = a.limbs() - i;
            if divide {
                noise = estimator.drop_last(noise, limbs);
                inner = Cow::Owned(inner.drop_last());
            } else {
                inner = Cow::Owned(inner.truncated(limbs - 1));
            }
        }
        (inner, noise)
    }

    /// `a + p`.
    ///
    /// # Errors
    /// If the operand is foreign or the sum would not decrypt.
    pub fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check("add_plain", a)?;
        p.check("add_plain", &self.params)?;
        let mut inner = a.inner.clone();
        inner.add_to_phase(&p.lift(&self.params, a.limbs(), a.factor));
        self.finish("add_plain", inner, a.factor, a.noise.add_related(self.params.noise().plaintext(p.slots)))
    }

    /// `a + c`, the constant in every slot (in the constant coefficient).
    ///
    /// # Errors
    /// If the operand is foreign or the sum would not decrypt.
    pub fn add_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("add_const", a)?;
        let t = self.params.t();
        let mut parts = a.inner.clone().into_parts();
        parts[0].add_integer_assign(t.center(t.mul(t.reduce_i64(c), a.factor)));
        let inner = rlwe::Ciphertext::new(self.params.rlwe(), parts);
        self.finish("add_const", inner, a.factor, a.noise.add_related(self.params.noise().plaintext(true)))
    }

    /// `c·a` for an integer; only `c mod t` matters.
    ///
    /// # Errors
    /// If the operand is foreign or the product would not decrypt.
    pub fn mul_const(&self, a: &Ciphertext, c: i64) -> Result<Ciphertext, Error> {
        self.check("mul_const", a)?;
        let t = self.params.t();
        let c = t.center(t.reduce_i64(c));
        let mut inner = a.inner.clone();
        inner.mul_integer(c);
        let noise = a.noise.scale((c.unsigned_abs().max(1) as f64).log2());
        self.finish("mul_const", inner, a.factor, noise)
    }

    /// `p·a`: slot by slot, or the product of polynomials for plaintexts in coefficients.
    ///
    /// # Errors
    /// If an operand is foreign or too short, or the product would not decrypt.
    pub fn mul_plain(&self, a: &Ciphertext, p: &Operand) -> Result<Ciphertext, Error> {
        self.dot_plain(&[(p, a)])
    }

    /// `Σ p_i·a_i` for unrelated ciphertexts `a_i` of one factor modulo `t`, in one pass.
    ///
    /// # Errors
    /// If there is no operand, one is foreign or too short, the factors differ, or the sum would not decrypt.
    pub fn dot_plain(&self, terms: &[(&Operand, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let ciphertexts: Vec<_> = terms.iter().map(|(_, a)| *a).collect();
        let operand = |i: usize, ratio| match ratio {
            1 => Ok(terms[i].0),
            _ => Err(Error::MixedFactors { operation: "mul_plain" }),
        };
        self.weighted_sum(&ciphertexts, operand, Noise::add_unrelated)
    }

    /// `Σ p_i·a_i` for ciphertexts `a_i`, related or not, of any factors modulo `t`: `operand(i, ratio)` gives `p_i` times the
    /// constant `ratio` modulo `t` that brings `a_i` to the factor of the first one.
    ///
    /// # Errors
    /// If there is no operand, one is foreign or too short, or the sum would not decrypt; whatever `operand` returns.
    pub fn dot_plain_with<P: Deref<Target = Operand>>(
        &self,
        ciphertexts: &[&Ciphertext],
        operand: impl FnMut(usize, u64) -> Result<P, Error>,
    ) -> Result<Ciphertext, Error> {
        self.weighted_sum(ciphertexts, operand, Noise::add_related)
    }

    fn weighted_sum<P: Deref<Target = Operand>>(
        &self,
        ciphertexts: &[&Ciphertext],
        mut operand: impl FnMut(usize, u64) -> Result<P, Error>,
        combine: impl Fn(Noise, Noise) -> Noise,
    ) -> Result<Ciphertext, Error> {
        let (operation, t) = ("mul_plain", self.params.t());
        let limbs = ciphertexts.iter().map(|a| a.limbs()).min().ok_or(Error::NoOperands { operation })?;
        let reduced = self.meet(operation, ciphertexts.iter().copied(), limbs)?;
        let first = &reduced[0];
        let (mut operands, mut noise) = (Vec::with_capacity(reduced.len()), None::<Noise>);
        for (i, a) in reduced.iter().enumerate() {
            let ratio =
                if a.factor == first.factor { 1 } else { t.mul(first.factor, t.inv(a.factor).unwrap_or(1)) };
            let p = operand(i, ratio)?;
            if !p.params.same(&self.params) {
                return Err(Error::Foreign { operation, object: "plaintext operand" });
            }
            if p.limbs() < limbs {
                return Err(Error::Limbs { operation, wanted: limbs, present: p.limbs() });
            }
            if a.degree() != first.degree() {
                return Err(Error::Degree { operation, degree: a.degree().max(first.degree()) });
            }
            let term = a.noise.mul_plain(p.log_norm);
            noise = Some(noise.map_or(term, |noise| combine(noise, term)));
            operands.push(p);
        }
        let pairs: Vec<_> = operands.iter().zip(&reduced).map(|(p, a)| (&p.poly, &a.inner)).collect();
        let inner = rlwe::Ciphertext::plain_sum(limbs, &pairs);
        self.finish(operation, inner, first.factor, noise.unwrap_or(first.noise))
    }

    /// Operands brought to `limbs` limbs, borrowed where a cut is all it takes.
    fn meet<'a>(
        &self,
        operation: &'static str,
        operands: impl Iterator<Item = &'a Ciphertext>,
        limbs: usize,
    ) -> Result<Vec<Cow<'a, Ciphertext>>, Error> {
        let estimator = self.params.noise();
        let mut out: Vec<Cow<'a, Ciphertext>> = Vec::new();
        for a in operands {
            self.check(operation, a)?;
            let divided = estimator.reduce(a.noise, a.limbs(), limbs).0.contains(&true);
            // Products read leading limbs only: a cut needs no copy.
            let a = if divided { Cow::Owned(self.reduce_to(a, limbs)?) } else { Cow::Borrowed(a) };
            out.push(a);
        }
        Ok(out)
    }

    /// As [`meet`](Self::meet), all of one factor.
    fn meet_alike<'a>(
        &self,
        operation: &'static str,
        operands: impl Iterator<Item = &'a Ciphertext>,
        limbs: usize,
    ) -> Result<Vec<Cow<'a, Ciphertext>>, Error> {
        let met = self.meet(operation, operands, limbs)?;
        if met.iter().any(|a| a.factor != met[0].factor) {
            return Err(Error::MixedFactors { operation });
        }
        Ok(met)
    }

    /// `a·b`, of degree 2: several may be summed before they are relinearized.
    ///
    /// # Errors
    /// If an operand is foreign or of degree 2, or the product would not decrypt.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.dot(&[(a, b)])
    }

    /// `a²`, of degree 2.
    ///
    /// # Errors
    /// As [`mul`](Self::mul).
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.dot(&[(a, a)])
    }

    /// `Σ a_i·b_i` for unrelated pairs, of degree 2. All `a_i` have one factor modulo `t`, and all `b_i`.
    ///
    /// # Errors
    /// If there is no pair, an operand is foreign or of degree 2, the factors differ, or the sum would not decrypt.
    pub fn dot(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let (a, b): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        Ok(self.matrix_product(pairs.len(), &a, &b, usize::MAX)?.swap_remove(0))
    }

    /// The matrix product `Σ_k a_ik·b_kj` of unrelated ciphertexts, of degree 2 and over at most `most` limbs: every operand
    /// is read from memory about once. `a` has `inner` columns, `b` as many rows; both, and the result, are given row after
    /// row. All of `a` have one factor modulo `t`, and all of `b`.
    ///
    /// # Errors
    /// If a matrix is empty or not whole, an operand is foreign or of degree 2, the factors differ, or a sum would not
    /// decrypt.
    pub fn matrix_product(
        &self,
        inner: usize,
        a: &[&Ciphertext],
        b: &[&Ciphertext],
        most: usize,
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = "product";
        let whole = |matrix: &[&Ciphertext]| !matrix.is_empty() && matrix.len().is_multiple_of(inner.max(1));
        if inner == 0 || !whole(a) || !whole(b) {
            return Err(Error::NoOperands { operation });
        }
        for c in a.iter().chain(b) {
            self.check(operation, c)?;
            if c.degree() != 1 {
                return Err(Error::Degree { operation, degree: c.degree() });
            }
        }
        let sides = [self.noisiest(a), self.noisiest(b)];
        let limbs = self.params.noise().best_limbs(&sides, 0.0).min(most.max(1));
        let a = self.meet_alike(operation, a.iter().copied(), limbs)?;
        let b = self.meet_alike(operation, b.iter().copied(), limbs)?;
        let factor = self.params.t().mul(a[0].factor, b[0].factor);
        let columns = b.len() / inner;
        let left: Vec<_> = a.iter().map(|c| &c.inner).collect();
        let right: Vec<_> = b.iter().map(|c| &c.inner).collect();
        let products = rlwe::Ciphertext::tensor_products(limbs, inner, &left, &right);
        (products.into_iter().enumerate())
            .map(|(at, product)| {
                let row = a[at / columns * inner..][..inner].iter();
                let pairs = row.zip(b[at % columns..].iter().step_by(columns));
                let noises = pairs.map(|(a, b)| self.params.noise().product(a.noise, b.noise));
                let noise = noises.reduce(Noise::add_unrelated).ok_or(Error::NoOperands { operation })?;
                self.finish(operation, product, factor, noise)
            })
            .collect()
    }

    /// The largest deviation among operands at the limbs they share, and the number of these.
    fn noisiest(&self, operands: &[&Ciphertext]) -> (Noise, usize) {
        let limbs = operands.iter().map(|c| c.limbs()).min().unwrap_or(1);
        let reduced = |c: &&Ciphertext| self.params.noise().reduce(c.noise, c.limbs(), limbs).1.log2();
        (Noise::from_log2(operands.iter().map(reduced).fold(0.0, f64::max)), limbs)
    }

    /// Brings a product back to degree 1.
    ///
    /// # Errors
    /// If there is no key for its limbs, or the result would not decrypt.
    pub fn relinearize(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "relinearize";
        self.check(operation, a)?;
        if a.degree() == 1 {
            return Ok(a.clone());
        }
        let inner = self.keys.inner.relinearize(&a.inner).ok_or_else(|| Error::MissingKey {
            operation,
            key: "relinearization key".into(),
            limbs: a.limbs(),
        })?;
        self.finish(operation, inner, a.factor, self.params.noise().key_switch(a.noise, a.limbs()))
    }
}

impl Arithmetic for Evaluator {
    type Ciphertext = Ciphertext;
    type Plaintext = Operand;
    type Scalar = i64;
    type Error = Error;

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        Evaluator::add(self, a, b)
    }

    fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.settle(&self.relinearize(&Evaluator::mul(self, a, b)?)?)
    }

    fn mul_plain(&self, a: &Ciphertext, b: &Operand) -> Result<Ciphertext, Error> {
        Evaluator::mul_plain(self, a, b)
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
