//! Ciphertexts `(c_0, …, c_d)` over the first `l` primes of the chain, with phase `Σ c_i·s^i`.

use super::params::Parameters;
use super::secret_id::SecretId;
use crate::ring::GaussianInteger;
use crate::ring::kernel;
use crate::ring::poly::{Eval, Poly};
use crate::ring::rns::ExactDivider;
use crate::ring::sample::Seed;

/// An RLWE ciphertext; its parts are in evaluation form.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let mut c = key.encrypt(2, &[5 << 20], &mut prng).expand();
/// c.add_assign(&key.encrypt(2, &[2 << 20], &mut prng).expand());
/// c.mul_integer(3);
/// assert_eq!(decrypt(&c), 21);
/// assert_eq!(decrypt(&c.truncated(1)), 21);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ciphertext {
    params: Parameters,
    secret: SecretId,
    parts: Vec<Poly<Eval>>,
}

impl Ciphertext {
    /// A ciphertext under a secret from its parts, all over the same leading primes of the chain.
    ///
    /// # Panics
    /// If there are fewer than two parts or their bases differ.
    pub fn new(params: &Parameters, secret: SecretId, parts: Vec<Poly<Eval>>) -> Self {
        assert!(parts.len() >= 2, "a ciphertext has at least two parts");
        let basis = params.basis(parts[0].basis().len());
        assert!(parts.iter().all(|part| part.basis().same(basis)), "a part lies outside the chain");
        Self { params: params.clone(), secret, parts }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// Ciphertexts with the parameters and the secret of this one.
    fn with_parts(&self, parts: Vec<Poly<Eval>>) -> Self {
        Self { params: self.params.clone(), secret: self.secret, parts }
    }

    /// Number of primes it lives over.
    pub fn limbs(&self) -> usize {
        self.parts[0].basis().len()
    }

    /// Degree in the secret: 1, or 2 for a product that is not relinearized.
    pub fn degree(&self) -> usize {
        self.parts.len() - 1
    }

    /// The parts `c_0, c_1, …`.
    pub fn parts(&self) -> &[Poly<Eval>] {
        &self.parts
    }

    /// The parts, given away.
    pub fn into_parts(self) -> Vec<Poly<Eval>> {
        self.parts
    }

    /// Whether every part but the first is zero: such a ciphertext hides nothing.
    pub fn is_transparent(&self) -> bool {
        self.parts[1..].iter().all(Poly::is_zero_vartime)
    }

    /// `self += other`; the degree becomes the larger one.
    ///
    /// # Panics
    /// If the numbers of limbs or the secrets differ; so for all operations on two ciphertexts.
    pub fn add_assign(&mut self, other: &Self) {
        assert_one_secret([&*self, other]);
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            mine.add_assign(theirs);
        }
        let common = self.parts.len();
        self.parts.extend(other.parts.iter().skip(common).cloned());
    }

    /// `self -= other`.
    pub fn sub_assign(&mut self, other: &Self) {
        assert_one_secret([&*self, other]);
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            mine.sub_assign(theirs);
        }
        let common = self.parts.len();
        self.parts.extend(other.parts.iter().skip(common).cloned().map(|mut part| {
            part.neg_assign();
            part
        }));
    }

    /// `self = -self`.
    pub fn neg_assign(&mut self) {
        self.parts.iter_mut().for_each(Poly::neg_assign);
    }

    /// Adds a polynomial to the phase.
    pub fn add_to_phase(&mut self, m: &Poly<Eval>) {
        self.parts[0].add_assign(m);
    }

    /// Multiplies the phase by a polynomial.
    pub fn mul_phase(&mut self, m: &Poly<Eval>) {
        self.parts.iter_mut().for_each(|part| part.mul_assign(m));
    }

    /// `Σ m_i·c_i` over the first `limbs` primes, for polynomials `m_i` and ciphertexts `c_i` of one degree, all of at
    /// least so many limbs.
    ///
    /// # Panics
    /// If there is no pair, the degrees or secrets differ, or an operand is too short.
    pub fn plain_sum(limbs: usize, pairs: &[(&Poly<Eval>, &Self)]) -> Self {
        let first = pairs[0].1;
        assert_one_secret(pairs.iter().map(|(_, c)| *c));
        assert!(pairs.iter().all(|(_, c)| c.degree() == first.degree()), "operands of a sum have one degree");
        let basis = first.params.basis(limbs);
        let parts = (0..first.parts.len())
            .map(|i| Poly::dot(basis, &pairs.iter().map(|(m, c)| (&c.parts[i], *m)).collect::<Vec<_>>()))
            .collect();
        first.with_parts(parts)
    }

    /// Multiplies the phase by a signed integer.
    pub fn mul_integer(&mut self, scalar: i64) {
        self.parts.iter_mut().for_each(|part| part.mul_integer_assign(scalar));
    }

    /// Multiplies the phase by a number given by its residues, `scalars[i]` modulo prime `i`; there may be further ones.
    pub fn mul_scalars(&mut self, scalars: &[u64]) {
        let limbs = self.limbs();
        self.parts.iter_mut().for_each(|part| part.mul_scalars_assign(&scalars[..limbs]));
    }

    /// The matrix product `Σ_k a_ik·b_kj` over the first `limbs` primes of degree-1 ciphertexts of at least so many limbs,
    /// as ciphertexts of degree 2: the tensor products are summed before anything is relinearized. `a` has `inner` columns,
    /// `b` as many rows; both, and the result, are given row after row.
    ///
    /// # Panics
    /// If a matrix is empty or not whole, or an operand has another degree or secret or too few limbs.
    pub fn tensor_products(limbs: usize, inner: usize, a: &[&Self], b: &[&Self]) -> Vec<Self> {
        Self::scaled_tensor_products(limbs, inner, [a, b], None)
    }

    /// As [`tensor_products`](Self::tensor_products), the products multiplied by `times[i]` modulo prime `i` in the same pass.
    ///
    /// # Panics
    /// As [`tensor_products`](Self::tensor_products).
    pub fn scaled_tensor_products(
        limbs: usize,
        inner: usize,
        [a, b]: [&[&Self]; 2],
        times: Option<&[u64]>,
    ) -> Vec<Self> {
        assert!(inner > 0 && !a.is_empty() && !b.is_empty(), "a product has operands");
        assert!(a.iter().chain(b).all(|c| c.degree() == 1), "operands of a product have degree 1");
        assert_one_secret(a.iter().chain(b).copied());
        let products = Poly::tensor(a[0].params.basis(limbs), inner, [&pairs(a), &pairs(b)], times);
        products.into_iter().map(|parts| a[0].with_parts(parts.into())).collect()
    }

    /// Reduces the residues to a shorter chain: no division, so phase and error stay and the modulus is smaller.
    ///
    /// # Panics
    /// If `limbs` is 0 or above the present number.
    pub fn truncated(&self, limbs: usize) -> Self {
        let parts = self.parts.iter().map(|part| part.truncated(limbs)).collect();
        self.with_parts(parts)
    }

    /// Divides by the last prime, rounding to multiples of the error factor: the phase becomes
    /// `(m + f·e)/q_last` up to `f·(1 + s)/2`, and the message `m·q_last^{-1} (mod f)`.
    ///
    /// # Panics
    /// If only one limb is left.
    pub fn drop_last(&self) -> Self {
        let tables = self.params.tables(self.limbs());
        let divider: &ExactDivider = tables.drop_last.as_ref().expect("a last prime to drop");
        let (pair, rest) = self.parts.split_first_chunk::<2>().expect("a ciphertext has two parts or three");
        let mut parts = Vec::from(divider.divide_pair_onto(pair.each_ref(), [None; 2]));
        parts.extend(rest.iter().map(|part| divider.divide(part)));
        self.with_parts(parts)
    }
}

impl Ciphertext {
    /// Takes the residues as a ciphertext of other parameters, whose chain begins with the same primes.
    ///
    /// # Panics
    /// If it does not, or the ring dimensions differ.
    #[must_use]
    pub fn over(self, params: &Parameters) -> Self {
        Self::new(params, self.secret, self.parts)
    }

    /// Modulus raising: the centred residues modulo the first prime, over `limbs` primes. The phase gains a multiple of the
    /// first prime whose coefficients are below `(1 + ‖s‖_1)/2 + 1` in magnitude.
    ///
    /// # Panics
    /// If it has more than one limb.
    #[must_use]
    pub fn raised(&self, limbs: usize) -> Self {
        assert_eq!(self.limbs(), 1, "what is raised lives over one prime");
        let (basis, from) = (self.params.basis(limbs), *self.parts[0].basis().modulus(0));
        let parts = (self.parts.iter())
            .map(|part| {
                let coefficients = part.clone().into_coeff();
                let mut raised = Poly::<Eval>::scratch(basis);
                raised.for_each_limb_mut(|i, limb| match i {
                    0 => limb.copy_from_slice(part.limb(0)),
                    _ => {
                        kernel::center_reduce(basis.modulus(i), limb, coefficients.limb(0), &from);
                        basis.ntt(i).forward(limb);
                    }
                });
                raised
            })
            .collect();
        self.with_parts(parts)
    }

    /// `Σ c_i·a_i` over the first `limbs` primes, for Gaussian integers `c_i` and ciphertexts `a_i` of one degree, all of
    /// at least so many limbs.
    ///
    /// # Panics
    /// If there is no pair, the degrees or secrets differ, or an operand is too short.
    pub fn gaussian_sum(limbs: usize, terms: &[(GaussianInteger, &Self)]) -> Self {
        let first = terms[0].1;
        assert_one_secret(terms.iter().map(|(_, a)| *a));
        assert!(terms.iter().all(|(_, a)| a.degree() == first.degree()), "operands of a sum have one degree");
        let basis = first.params.basis(limbs);
        let parts = (0..first.parts.len())
            .map(|i| {
                let terms: Vec<_> = terms.iter().map(|(c, a)| (*c, &a.parts[i])).collect();
                Poly::gaussian_sum(basis, &terms)
            })
            .collect();
        first.with_parts(parts)
    }

    /// Multiplies the phase by `X^{N/2}`.
    pub fn mul_i_assign(&mut self) {
        self.parts.iter_mut().for_each(Poly::mul_i_assign);
    }

    /// Adds an integer to the phase.
    pub fn add_integer_assign(&mut self, constant: i64) {
        self.parts[0].add_integer_assign(constant);
    }

    /// Adds a Gaussian integer to the phase.
    pub fn add_gaussian_assign(&mut self, constant: GaussianInteger) {
        self.parts[0].add_gaussian_assign(constant);
    }
}

/// Holds that ciphertexts are under one secret: schemes refuse others before, by [`SecretId::check`].
fn assert_one_secret<'a>(all: impl IntoIterator<Item = &'a Ciphertext>) {
    let mut all = all.into_iter().map(|c| c.secret);
    let first = all.next();
    assert!(all.all(|secret| Some(secret) == first), "operands are under one secret");
}

/// The parts of ciphertexts of degree 1.
fn pairs<'a>(matrix: &[&'a Ciphertext]) -> Vec<[&'a Poly<Eval>; 2]> {
    matrix.iter().map(|c| [&c.parts[0], &c.parts[1]]).collect()
}

/// A fresh ciphertext whose uniform part is kept as the seed it was expanded from: half the size.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let c = key.encrypt(2, &[7 << 20], &mut prng);
/// let (c0, seed) = c.parts();
/// assert_eq!((c0.words().len(), seed.len()), (2 * 16, 32));
/// assert_eq!(decrypt(&c.expand()), 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SeededCiphertext {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    pub(crate) c0: Poly<Eval>,
    pub(crate) seed: Seed,
}

impl SeededCiphertext {
    /// Number of primes it lives over.
    pub fn limbs(&self) -> usize {
        self.c0.basis().len()
    }

    /// Adds a polynomial to the phase.
    pub fn add_to_phase(&mut self, m: &Poly<Eval>) {
        self.c0.add_assign(m);
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// The first part and the seed of the second.
    pub fn parts(&self) -> (&Poly<Eval>, &Seed) {
        (&self.c0, &self.seed)
    }

    /// The ciphertext with its uniform part expanded.
    pub fn expand(self) -> Ciphertext {
        let c1 = uniform_part(&self.params, self.limbs(), &self.seed);
        Ciphertext { params: self.params, secret: self.secret, parts: vec![self.c0, c1] }
    }
}

/// The uniform part of a seeded ciphertext: limb `i` from stream `i`.
pub(crate) fn uniform_part(params: &Parameters, limbs: usize, seed: &Seed) -> Poly<Eval> {
    let streams: Vec<u64> = (0..limbs as u64).collect();
    Poly::uniform(params.basis(limbs), seed, &streams)
}

crate::brief_debug!(Ciphertext: |a| degree = a.parts.len() - 1, limbs = a.limbs(), secret_id = a.secret);
crate::brief_debug!(SeededCiphertext: |a| limbs = a.limbs(), secret_id = a.secret);
