//! Ciphertexts over `Q_l·P` whose phase carries a factor `P`: what key switching makes before it divides by `P`.
//!
//! Rotations and relinearizations that are multiplied with plaintexts or summed afterwards can stay there and share one
//! division (*double hoisting*; Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021, section 4); and where a prime of the
//! chain is dropped next, the division takes it along, in one rounding.

use super::ciphertext::Ciphertext;
use super::galois::EvaluationKeys;
use super::keyswitch::{Digits, KeySwitchKey};
use super::params::Parameters;
use super::secret_id::SecretId;
use crate::ring::kernel;
use crate::ring::ntt::order::{LEAST, RUN, exchange};
use crate::ring::poly::{Coeff, Eval, Poly};

/// A ciphertext of degree 1 over `Q_l·P`, with phase `P·(m + e)`.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let keys = key.evaluation_keys(0, &[(5, 2), (25, 2)].into())?;
/// let c = key.encrypt(2, &[7 << 20], &mut prng).expand();
/// // σ_5(c) + σ_25(c): both share the decomposition and the division by P.
/// let digits = Digits::decompose(&params, &c.parts()[1]);
/// let mut sum = keys.automorphism_extended(&c, &digits, 5).expect("a key for 5");
/// sum.add_assign(&keys.automorphism_extended(&c, &digits, 25).expect("a key for 25"));
/// assert_eq!(decrypt(&sum.mod_down()), 14);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Extended {
    params: Parameters,
    secret: SecretId,
    limbs: usize,
    pair: [Poly<Eval>; 2],
}

impl Extended {
    fn of(ciphertext: &Ciphertext, pair: [Poly<Eval>; 2]) -> Self {
        let (params, limbs) = (ciphertext.params().clone(), ciphertext.limbs());
        Self { params, secret: ciphertext.secret_id(), limbs, pair }
    }

    /// One with the parameters, limbs and secret of this one.
    fn with_pair(&self, pair: [Poly<Eval>; 2]) -> Self {
        Self { params: self.params.clone(), secret: self.secret, limbs: self.limbs, pair }
    }

    fn divided(&self, pair: [Poly<Eval>; 2]) -> Ciphertext {
        Ciphertext::new(&self.params, self.secret, pair.into())
    }

    /// `P·c`: zero modulo the special primes.
    ///
    /// # Panics
    /// If the ciphertext has degree 2, or the parameters no special primes.
    pub fn lift(ciphertext: &Ciphertext) -> Self {
        let (params, limbs) = (ciphertext.params(), ciphertext.limbs());
        let [c0, c1] = ciphertext.parts() else { panic!("only ciphertexts of degree 1 are lifted") };
        let pair = [c0, c1].map(|part| {
            let mut zero = Poly::zero(params.key_basis(limbs));
            add_lifted(params, &mut zero, part);
            zero
        });
        Self::of(ciphertext, pair)
    }

    /// Number of primes of the chain it lives over.
    pub fn limbs(&self) -> usize {
        self.limbs
    }

    /// `self += other`.
    ///
    /// # Panics
    /// If the numbers of limbs or the secrets differ.
    pub fn add_assign(&mut self, other: &Self) {
        assert_eq!(self.secret, other.secret, "operands are under one secret");
        for (mine, theirs) in self.pair.iter_mut().zip(&other.pair) {
            mine.add_assign(theirs);
        }
    }

    /// `self -= other`.
    ///
    /// # Panics
    /// If the numbers of limbs or the secrets differ.
    pub fn sub_assign(&mut self, other: &Self) {
        assert_eq!(self.secret, other.secret, "operands are under one secret");
        for (mine, theirs) in self.pair.iter_mut().zip(&other.pair) {
            mine.sub_assign(theirs);
        }
    }

    /// Multiplies the phase by `X^{N/2}`.
    pub fn mul_i_assign(&mut self) {
        self.pair.iter_mut().for_each(Poly::mul_i_assign);
    }

    /// `Σ m_i·c_i` for plaintexts of at least as many limbs, in one pass.
    ///
    /// # Panics
    /// If there is no pair, the ciphertexts differ in limbs or secrets, or a plaintext is too short.
    pub fn dot(pairs: &[(&PreparedPlaintext, &Self)]) -> Self {
        let (first, limbs) = (pairs[0].1, pairs[0].1.limbs);
        let basis = first.params.key_basis(limbs);
        assert!(pairs.iter().all(|(_, c)| c.secret == first.secret), "operands are under one secret");
        assert!(pairs.iter().all(|(m, c)| c.limbs == limbs && m.limbs >= limbs), "plaintexts cover the sum");
        let pair = [0, 1].map(|part| {
            let mut sum = Poly::<Eval>::scratch(basis);
            sum.for_each_limb_mut(|i, out| {
                let mut room = basis.pool().take(basis.n() * pairs.len());
                let left: Vec<&[u64]> = (pairs.iter().zip(room.chunks_exact_mut(basis.n())))
                    .map(|((m, _), room)| m.limb(i, limbs, room))
                    .collect();
                let right: Vec<&[u64]> = pairs.iter().map(|(_, c)| c.pair[part].limb(i)).collect();
                kernel::dot(basis.modulus(i), out, &left, &right);
            });
            sum
        });
        first.with_pair(pair)
    }

    /// Divides by `P`.
    pub fn mod_down(&self) -> Ciphertext {
        let tables = self.params.tables(self.limbs);
        let divider = tables.mod_down.as_ref().expect("there are special primes");
        self.divided(divider.divide_pair_onto(self.pair.each_ref(), [None; 2]))
    }

    /// Divides by `P` and by the last prime of the chain, in one rounding.
    ///
    /// # Panics
    /// If only one prime is left.
    pub fn mod_down_and_drop(&self) -> Ciphertext {
        let tables = self.params.tables(self.limbs);
        let divider = tables.mod_down_and_drop.as_ref().expect("a last prime to drop");
        self.divided(divider.divide_pair_onto(self.pair.each_ref(), [None; 2]))
    }
}

/// `sum += P·part` for a polynomial over the chain and a sum over `Q_l·P`.
fn add_lifted(params: &Parameters, sum: &mut Poly<Eval>, part: &Poly<Eval>) {
    let limbs = part.basis().len();
    sum.for_each_limb_mut(|i, limb| {
        if i < limbs {
            let q = part.basis().modulus(i);
            let p = params.spec().p.iter().fold(1, |p, &w| q.mul(p, q.reduce(w)));
            kernel::mul_scalar_add_assign(q, limb, part.limb(i), p);
        }
    });
}

impl EvaluationKeys {
    /// The Galois key of `g` if it covers so many limbs.
    fn galois_for(&self, g: usize, limbs: usize, secret: SecretId) -> Option<&KeySwitchKey> {
        self.galois(g).filter(|key| key.limbs() >= limbs).inspect(|key| key.assert_from(secret))
    }

    /// `P·σ_g(c)`, for a decomposition of the second part of `c`; `None` for other degrees or without the key.
    pub fn automorphism_extended(&self, c: &Ciphertext, digits: &Digits, g: usize) -> Option<Extended> {
        if g == 1 && c.degree() == 1 {
            return Some(Extended::lift(c));
        }
        let [c0, _] = c.parts() else { return None };
        let mut pair = self.galois_for(g, c.limbs(), c.secret_id())?.accumulate(digits);
        add_lifted(c.params(), &mut pair[0], c0);
        Some(Extended::of(c, pair.map(|part| part.automorphism(g))))
    }

    /// `σ_g` of an extended ciphertext: only its second part is divided by `P`, to be switched. `None` without the key.
    pub fn turn_extended(&self, c: &Extended, g: usize) -> Option<Extended> {
        if g == 1 {
            return Some(c.clone());
        }
        let key = self.galois_for(g, c.limbs, c.secret)?;
        let divider = c.params.tables(c.limbs).mod_down.as_ref()?;
        let mut pair = key.accumulate_streaming(&divider.divide(&c.pair[1]));
        pair[0].add_assign(&c.pair[0]);
        Some(c.with_pair(pair.map(|part| part.automorphism(g))))
    }

    /// `P` times a ciphertext of degree 2, relinearized; `None` for other degrees or without a key for its limbs.
    pub fn relinearize_extended(&self, c: &Ciphertext) -> Option<Extended> {
        let [c0, c1, c2] = c.parts() else { return None };
        let key = self.relinearization().filter(|key| key.limbs() >= c.limbs())?;
        key.assert_from(c.secret_id());
        let mut pair = key.accumulate_streaming(c2);
        for (part, addend) in pair.iter_mut().zip([c0, c1]) {
            add_lifted(c.params(), part, addend);
        }
        Some(Extended::of(c, pair))
    }
}

/// A plaintext over `Q_l·P`, to be multiplied with extended ciphertexts. One in `X^g` alone, `g` a power of two, has
/// `N/g` different values and keeps no more.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let mut three = vec![0; params.n()];
/// three[0] = 3;
/// let three = PreparedPlaintext::new(&params, 2, &three);
/// let c = Extended::lift(&key.encrypt(2, &[7 << 20], &mut prng).expand());
/// assert_eq!(decrypt(&Extended::dot(&[(&three, &c)]).mod_down()), 21);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "Operand")]
pub struct PreparedPlaintext {
    limbs: usize,
    /// Words kept of each limb: all of them in their order, or those that differ in bit-reversed order.
    kept: usize,
    words: Vec<u64>,
}

impl PreparedPlaintext {
    /// Prepares a polynomial for ciphertexts of up to `limbs` limbs.
    ///
    /// # Panics
    /// If there are not `N` coefficients, or the chain has fewer limbs.
    pub fn new(params: &Parameters, limbs: usize, coefficients: &[i64]) -> Self {
        let n = params.n();
        let poly = Poly::<Coeff>::from_signed(params.key_basis(limbs), coefficients).into_eval();
        let used = coefficients.iter().enumerate().skip(1).filter(|(_, c)| **c != 0);
        let gap = used.map(|(i, _)| 1 << i.trailing_zeros()).min().unwrap_or(n);
        if gap == 1 {
            return Self { limbs, kept: n, words: poly.words().to_vec() };
        }
        let places: Vec<usize> = (0..n).step_by(gap).map(|i| exchange(i, n)).collect();
        let words = (0..poly.basis().len()).flat_map(|i| places.iter().map(move |&p| (i, p)));
        let words = words.map(|(i, place)| poly.limb(i)[place]).collect();
        Self { limbs, kept: n / gap, words }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        8 * self.words.len()
    }

    /// Limb `i` over `Q_l·P`, in `room` if it has to be spread out.
    fn limb<'a>(&'a self, i: usize, limbs: usize, room: &'a mut [u64]) -> &'a [u64] {
        let at = if i < limbs { i } else { i + self.limbs - limbs };
        let words = &self.words[at * self.kept..][..self.kept];
        if self.kept == room.len() {
            return words;
        }
        spread(words, room);
        room
    }
}

/// Writes each word of a polynomial in `X^gap`, in bit-reversed order, to all places that have its value.
fn spread(words: &[u64], out: &mut [u64]) {
    let (n, gap) = (out.len(), out.len() / words.len());
    if gap >= RUN || n < LEAST {
        // Runs are permuted within themselves.
        out.chunks_exact_mut(gap).zip(words).for_each(|(block, &word)| block.fill(word));
        return;
    }
    let pattern: [usize; RUN] = std::array::from_fn(|place| exchange(place, n) / gap);
    for (run, words) in out.chunks_exact_mut(RUN).zip(words.chunks_exact(RUN / gap)) {
        run.iter_mut().zip(&pattern).for_each(|(out, &i)| *out = words[i]);
    }
}

crate::brief_debug!(Extended: |a| limbs = a.limbs, secret_id = a.secret);
crate::brief_debug!(PreparedPlaintext: |a| limbs = a.limbs);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_words_are_the_values_of_the_polynomial() {
        for log_n in [3u32, 5, 7, 9] {
            let n = 1usize << log_n;
            for log_gap in 1..=log_n {
                let gap = 1usize << log_gap;
                // A polynomial's value depends on the root to the power of the gap.
                let exponents = crate::ring::ntt::order::evaluation_exponents(n);
                let values: Vec<u64> =
                    exponents.iter().map(|&e| (e as usize * gap % (2 * n)) as u64).collect();
                let words: Vec<u64> = (0..n).step_by(gap).map(|i| values[exchange(i, n)]).collect();
                let mut out = vec![0; n];
                spread(&words, &mut out);
                assert_eq!(out, values, "N = {n}, X^{gap}");
            }
        }
    }
}
