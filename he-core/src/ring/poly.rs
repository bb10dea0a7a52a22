//! Polynomials of `R_Q = Z_Q[X]/(X^N + 1)` in residue form.
//!
//! `Poly<Coeff>` holds coefficients, `Poly<Eval>` the values at the odd powers of a `2N`-th root of unity modulo each
//! prime. Sums work in both, products only in `Eval`: a product in the wrong domain does not compile. Every word is
//! reduced: limb `i` holds integers in `[0, q_i)`.

use std::{marker::PhantomData, ops::Range};

use rayon::prelude::*;

use super::automorphism::apply_coefficients;
use super::basis::Basis;
use super::buffer::Buffer;
use super::gaussian_integer::GaussianInteger;
use super::kernel;
use super::parallel::{for_each_limb, in_parallel};
use super::sample::Prng;

/// Marker: coefficients.
///
/// ```
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// let constant: Vec<i64> = std::iter::once(5).chain([0; 15]).collect();
/// let coefficients: Poly<Coeff> = Poly::from_signed(&basis, &constant);
/// assert_eq!(coefficients.limb(0)[..2], [5, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Coeff {}
/// Marker: values at the odd powers of a `2N`-th root of unity.
///
/// ```
/// # use he_core::ring::{Basis, Eval, Poly};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// // A constant has the same value everywhere.
/// let mut values = Poly::<Eval>::zero(&basis);
/// values.add_integer_assign(5);
/// assert_eq!(values.limb(0), [5; 16]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Eval {}

/// Words of all operands of a matrix product that one thread works on at a time.
const TENSOR_WORDS: usize = 1 << 10;

/// Some words of pairs of polynomials.
fn section_of<'a>(matrix: &[[&'a Poly<Eval>; 2]], words: &Range<usize>) -> Vec<kernel::Pair<'a>> {
    matrix.iter().map(|pair| pair.map(|part| &part.data[words.clone()])).collect()
}

/// A polynomial modulo the product of the primes of its basis.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::ring::{Basis, Coeff, Poly};
///
/// // (1 + X)·(1 − X) = 1 − X^2, modulo 97·193.
/// let basis = Basis::new(16, &[97, 193])?;
/// let [mut a, b] = [1, -1].map(|x| {
///     let coefficients: Vec<i64> = [1, x].into_iter().chain([0; 14]).collect();
///     Poly::<Coeff>::from_signed(&basis, &coefficients).into_eval()
/// });
/// a.mul_assign(&b);
/// assert_eq!(a.into_coeff().limb(0)[..4], [1, 0, 96, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Poly<D> {
    basis: Basis,
    data: Buffer,
    domain: PhantomData<D>,
}

impl<D: Send + Sync> Poly<D> {
    /// The zero polynomial.
    pub fn zero(basis: &Basis) -> Self {
        let data = basis.pool().zeroed(basis.n() * basis.len());
        Self { basis: basis.clone(), data, domain: PhantomData }
    }

    /// A polynomial whose words are unspecified, to be overwritten.
    pub(crate) fn scratch(basis: &Basis) -> Self {
        let data = basis.pool().take(basis.n() * basis.len());
        Self { basis: basis.clone(), data, domain: PhantomData }
    }

    /// A polynomial from limbs, each of `N` reduced words.
    ///
    /// # Panics
    /// If the number of words is not `N` times the number of primes, or a word is not reduced.
    pub fn from_words(basis: &Basis, words: &[u64]) -> Self {
        assert_eq!(words.len(), basis.n() * basis.len(), "a polynomial has N words for each prime");
        for (limb, q) in words.chunks_exact(basis.n()).zip(basis.moduli()) {
            assert!(limb.iter().all(|&w| w < q.value()), "a word is not below its prime {}", q.value());
        }
        let mut poly = Self::scratch(basis);
        poly.data.copy_from_slice(words);
        poly
    }

    /// A uniform polynomial: limb `i` is read from stream `first_stream + i` of the seed, so that limbs are
    /// independent and a shorter basis gives the same leading limbs.
    pub fn uniform(basis: &Basis, seed: &[u8; 32], streams: &[u64]) -> Self {
        assert_eq!(streams.len(), basis.len(), "one stream for each prime");
        let mut poly = Self::scratch(basis);
        for_each_limb(&mut poly.data, basis.n(), |i, limb| {
            Prng::from_seed_stream(seed, streams[i]).uniform(basis.modulus(i), limb);
        });
        poly
    }

    /// The basis.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// All words, limb after limb.
    pub fn words(&self) -> &[u64] {
        &self.data
    }

    /// Words of limb `i`, which must be there.
    pub fn limb(&self, i: usize) -> &[u64] {
        let n = self.basis.n();
        &self.data[i * n..(i + 1) * n]
    }

    /// Words of limb `i`; they must stay below the prime.
    pub(crate) fn limb_mut(&mut self, i: usize) -> &mut [u64] {
        let n = self.basis.n();
        &mut self.data[i * n..(i + 1) * n]
    }

    /// All words; each must stay below its prime.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.data
    }

    /// Marks the words as secret: they are wiped when the polynomial is dropped.
    pub fn mark_secret(&mut self) {
        self.data.mark_secret();
    }

    pub(crate) fn for_each_limb_mut(&mut self, work: impl Fn(usize, &mut [u64]) + Sync + Send) {
        for_each_limb(&mut self.data, self.basis.n(), work);
    }

    /// Whether every coefficient (or value) is zero. Time depends on the data.
    pub fn is_zero_vartime(&self) -> bool {
        self.data.iter().all(|&w| w == 0)
    }

    fn check(&self, other: &Self) {
        assert!(self.basis.same(&other.basis), "operands live over different bases");
    }

    /// A factor may carry further primes, which are ignored: a constant is kept once, at the longest chain.
    pub(super) fn check_factor(&self, factor: &Self) {
        let prefix = factor.basis.moduli().zip(self.basis.moduli()).all(|(a, b)| a.value() == b.value());
        assert!(
            prefix && factor.basis.len() >= self.basis.len() && factor.basis.n() == self.basis.n(),
            "a factor does not cover the basis"
        );
    }

    /// `self += other`.
    ///
    /// # Panics
    /// If the bases differ; so for all operations on two polynomials.
    pub fn add_assign(&mut self, other: &Self) {
        self.check(other);
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| kernel::add_assign(basis.modulus(i), limb, other.limb(i)));
    }

    /// `self -= other`.
    pub fn sub_assign(&mut self, other: &Self) {
        self.check(other);
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| kernel::sub_assign(basis.modulus(i), limb, other.limb(i)));
    }

    /// `self = -self`.
    pub fn neg_assign(&mut self) {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| kernel::neg_assign(basis.modulus(i), limb));
    }

    /// `self *= scalars[i]` modulo prime `i`, each scalar reduced.
    pub fn mul_scalars_assign(&mut self, scalars: &[u64]) {
        assert_eq!(scalars.len(), self.basis.len(), "one scalar for each prime");
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| kernel::mul_scalar_assign(basis.modulus(i), limb, scalars[i]));
    }

    /// `self *= scalar` for a signed integer.
    pub fn mul_integer_assign(&mut self, scalar: i64) {
        let scalars: Vec<u64> = self.basis.moduli().map(|q| q.reduce_i64(scalar)).collect();
        self.mul_scalars_assign(&scalars);
    }

    /// Adds an integer to every word: to every value, that is to the constant coefficient, in evaluation form.
    fn add_words_assign(&mut self, scalars: &[u64]) {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| {
            let q = basis.modulus(i);
            limb.iter_mut().for_each(|w| *w = q.add(*w, scalars[i]));
        });
    }

    /// The residues modulo the first `limbs` primes.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn truncated(&self, limbs: usize) -> Self {
        let basis = self.basis.select(0..limbs);
        let mut out = Self::scratch(&basis);
        out.data.copy_from_slice(&self.data[..limbs * basis.n()]);
        out
    }
}

impl Poly<Coeff> {
    /// The polynomial of signed coefficients.
    ///
    /// # Panics
    /// If there are not `N` of them.
    pub fn from_signed(basis: &Basis, coefficients: &[i64]) -> Self {
        assert_eq!(coefficients.len(), basis.n(), "a polynomial has N coefficients");
        let mut poly = Self::scratch(basis);
        let moduli = basis.clone();
        poly.for_each_limb_mut(|i, limb| {
            let q = moduli.modulus(i);
            for (word, &c) in limb.iter_mut().zip(coefficients) {
                *word = q.reduce_i64(c);
            }
        });
        poly
    }

    /// Forward transform of every limb.
    pub fn into_eval(mut self) -> Poly<Eval> {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| basis.ntt(i).forward(limb));
        Poly { basis: self.basis, data: self.data, domain: PhantomData }
    }

    /// `σ_g(self)` for odd `g`.
    pub fn automorphism(&self, g: usize) -> Self {
        let mut out = Self::scratch(&self.basis);
        out.for_each_limb_mut(|i, limb| apply_coefficients(self.basis.modulus(i), limb, self.limb(i), g));
        out
    }
}

impl Poly<Eval> {
    /// Inverse transform of every limb.
    pub fn into_coeff(mut self) -> Poly<Coeff> {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| basis.ntt(i).inverse(limb));
        Poly { basis: self.basis, data: self.data, domain: PhantomData }
    }

    /// Adds a signed integer constant.
    pub fn add_integer_assign(&mut self, constant: i64) {
        let scalars: Vec<u64> = self.basis.moduli().map(|q| q.reduce_i64(constant)).collect();
        self.add_words_assign(&scalars);
    }

    /// `self *= other`; `other` may have further limbs, which are ignored.
    pub fn mul_assign(&mut self, other: &Self) {
        self.check_factor(other);
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| kernel::mul_assign(basis.modulus(i), limb, other.limb(i)));
    }

    /// `self += a·b`; both may have further limbs, which are ignored.
    pub fn mul_add_assign(&mut self, a: &Self, b: &Self) {
        self.check_factor(a);
        self.check_factor(b);
        let basis = self.basis.clone();
        self.for_each_limb_mut(|i, limb| {
            kernel::mul_add_assign(basis.modulus(i), limb, a.limb(i), b.limb(i));
        });
    }

    /// `Σ a_i·b_i` over the given basis; the polynomials may have further limbs, which are ignored.
    pub fn dot(basis: &Basis, pairs: &[(&Self, &Self)]) -> Self {
        let mut out = Self::scratch(basis);
        for (a, b) in pairs {
            out.check_factor(a);
            out.check_factor(b);
        }
        out.for_each_limb_mut(|i, limb| {
            let a: Vec<&[u64]> = pairs.iter().map(|(a, _)| a.limb(i)).collect();
            let b: Vec<&[u64]> = pairs.iter().map(|(_, b)| b.limb(i)).collect();
            kernel::dot(basis.modulus(i), limb, &a, &b);
        });
        out
    }

    /// `self *= X^{N/2}`, the square root of −1 that complex slots see as `i`: one constant on each half of the values.
    pub fn mul_i_assign(&mut self) {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|j, limb| {
            let (q, i) = (basis.modulus(j), basis.ntt(j).imaginary_unit());
            let (first, second) = limb.split_at_mut(basis.n() / 2);
            kernel::mul_scalar_assign(q, first, i);
            kernel::mul_scalar_assign(q, second, q.neg(i));
        });
    }

    /// Adds the Gaussian integer `re + im·X^{N/2}`.
    pub fn add_gaussian_assign(&mut self, constant: GaussianInteger) {
        let basis = self.basis.clone();
        self.for_each_limb_mut(|j, limb| {
            let q = basis.modulus(j);
            let (first, second) = limb.split_at_mut(basis.n() / 2);
            for (half, scalar) in [first, second].into_iter().zip(constant.on_halves(&basis, j)) {
                half.iter_mut().for_each(|w| *w = q.add(*w, scalar));
            }
        });
    }

    /// `Σ c_i·a_i` over the given basis for Gaussian integers `c_i = re + im·X^{N/2}`; the polynomials may have further
    /// limbs, which are ignored.
    pub fn gaussian_sum(basis: &Basis, terms: &[(GaussianInteger, &Self)]) -> Self {
        let mut out = Self::scratch(basis);
        terms.iter().for_each(|(_, a)| out.check_factor(a));
        let half = basis.n() / 2;
        out.for_each_limb_mut(|j, limb| {
            let scalars: Vec<[u64; 2]> = terms.iter().map(|(c, _)| c.on_halves(basis, j)).collect();
            for (side, out) in limb.chunks_exact_mut(half).enumerate() {
                let a: Vec<&[u64]> = terms.iter().map(|(_, a)| &a.limb(j)[side * half..][..half]).collect();
                let c: Vec<u64> = scalars.iter().map(|pair| pair[side]).collect();
                kernel::dot_scalars(basis.modulus(j), out, &a, &c);
            }
        });
        out
    }

    /// The matrix product `Σ_k a_ik ⊗ b_kj` over the given basis of pairs of polynomials, with
    /// `(a, a') ⊗ (b, b') = (ab, ab' + a'b, a'b')`: `a` has `inner` columns, `b` as many rows, all row after row. The
    /// operands may have further limbs, which are ignored. With `times` products are multiplied by `times[i]` modulo prime `i`.
    ///
    /// # Panics
    /// If the matrices are not whole.
    pub fn tensor(
        basis: &Basis,
        inner: usize,
        [a, b]: [&[[&Self; 2]]; 2],
        times: Option<&[u64]>,
    ) -> Vec<[Self; 3]> {
        let count = a.len() / inner * (b.len() / inner);
        let mut out: Vec<[Self; 3]> = (0..count).map(|_| [(); 3].map(|()| Self::scratch(basis))).collect();
        if let Some([zero, ..]) = out.first() {
            a.iter().chain(b).flatten().for_each(|factor| zero.check_factor(factor));
        }
        let length = basis.n().min(TENSOR_WORDS);
        let mut sections: Vec<Vec<kernel::Triple<'_>>> = Vec::new();
        sections.resize_with(basis.n() * basis.len() / length, || Vec::with_capacity(count));
        for parts in &mut out {
            let [x, y, z] = parts.each_mut().map(|part| part.data.chunks_exact_mut(length));
            for (section, ((x, y), z)) in sections.iter_mut().zip(x.zip(y).zip(z)) {
                section.push([x, y, z]);
            }
        }
        let run = |(i, section): (usize, &mut Vec<kernel::Triple<'_>>)| {
            let words = i * length..(i + 1) * length;
            let prime = words.start / basis.n();
            let m = basis.modulus(prime);
            kernel::tensor(m, section, &section_of(a, &words), &section_of(b, &words), inner);
            if let Some(times) = times {
                section.iter_mut().flatten().for_each(|out| kernel::mul_scalar_assign(m, out, times[prime]));
            }
        };
        if in_parallel(count * inner * basis.n()) {
            sections.par_iter_mut().enumerate().for_each(run);
        } else {
            sections.iter_mut().enumerate().for_each(run);
        }
        out
    }

    /// `σ_g(self)` for odd `g`: a permutation of the values.
    pub fn automorphism(&self, g: usize) -> Self {
        let table = self.basis.automorphisms().table(g);
        let mut out = Self::scratch(&self.basis);
        out.for_each_limb_mut(|i, limb| kernel::gather(limb, self.limb(i), &table));
        out
    }
}
crate::brief_debug!([D] Poly<D>: |a| n = a.basis.n(), limbs = a.basis.len());
