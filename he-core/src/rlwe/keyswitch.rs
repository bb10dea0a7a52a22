//! Hybrid key switching (Gentry, Halevi, Smart 2012; Han, Ki 2019; residue form: Kim, Polyakov, Zucca 2021, section 5).
//!
//! The chain is cut into digits `D_1, …, D_d`. A key from `s'` to `s` holds, for each digit, an encryption under `s` over
//! `Q·P` of `P·s'·g_i` where `g_i ≡ 1` modulo the primes of digit `i` and `0` modulo the others: in residue form, `P·s'`
//! is added to the limbs of that digit alone. To switch `c` from `s'` to `s`:
//!
//! 1. *decompose*: lift the residues of `c` modulo each digit to all primes of `Q_l·P` (mod-up);
//! 2. *accumulate* `Σ digit_i·key_i` over `Q_l·P`;
//! 3. divide by `P` (mod-down), rounding to multiples of the error factor.
//!
//! A key made for `l` limbs serves every smaller number. Step 1 does not depend on the key: several automorphisms of one
//! ciphertext share it (*hoisting*; Halevi, Shoup 2018).

use rayon::prelude::*;

use super::ciphertext::Ciphertext;
use super::encrypt::{fresh_seed, noisy};
use super::params::Parameters;
use super::secret::SecretKey;
use super::secret_id::{ForeignSecret, SecretId};
use crate::ring::kernel;
use crate::ring::parallel::{for_each_limb, for_each_limb_pair, in_parallel};
use crate::ring::poly::{Eval, Poly};
use crate::ring::rns::{BaseConverter, Prepared, group_size};
use crate::ring::sample::{Prng, Seed};

/// Digits of one limb that are lifted, transformed and multiplied before the next ones: they stay in the second-level cache,
/// and so few streams with strides of powers of two do not displace each other there.
const DIGITS_AT_ONCE: usize = 2;

/// A key-switching key, cut to the number of limbs where it is used.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let from = SecretKey::generate(&params)?;
/// let c = from.encrypt(2, &[7 << 20], &mut prng).expand();
/// let switch = key.switching_key_from(&from, 2, &mut prng);
/// assert_eq!(decrypt(&switch.switch_ciphertext(&c)?), 7);
/// // What is under another secret is refused.
/// assert!(switch.switch_ciphertext(&switch.switch_ciphertext(&c)?).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeySwitchKey {
    pub(crate) params: Parameters,
    /// The secret from which it switches, and that to which.
    pub(crate) secrets: [SecretId; 2],
    pub(crate) limbs: usize,
    pub(crate) seed: Seed,
    /// `b_i = −a_i·s + f·e_i + P·s'·g_i`.
    pub(crate) b: Vec<Poly<Eval>>,
    a: Vec<Poly<Eval>>,
}

impl KeySwitchKey {
    /// A key from the secret `from` (values over `Q_l·P`) to `to`.
    pub(crate) fn generate(
        secrets: [SecretId; 2],
        [from, to]: [&Poly<Eval>; 2],
        params: &Parameters,
        limbs: usize,
        prng: &mut Prng,
    ) -> Self {
        let seed = fresh_seed(prng);
        let basis = params.key_basis(limbs);
        let a = uniform_parts(params, limbs, &seed);
        let special: Vec<u64> = params.spec().p.clone();
        let b = (a.iter().enumerate())
            .map(|(digit, a)| {
                let mut b = a.clone();
                b.mul_assign(to);
                b.neg_assign();
                b.add_assign(&noisy(params, basis, &[], prng));
                for i in own_limbs(params, limbs, digit) {
                    let q = basis.modulus(i);
                    let p = special.iter().fold(1, |p, &w| q.mul(p, q.reduce(w)));
                    kernel::mul_scalar_add_assign(q, b.limb_mut(i), from.limb(i), p);
                }
                b
            })
            .collect();
        Self { params: params.clone(), secrets, limbs, seed, b, a }
    }

    /// Rebuilds a key from its seeded form.
    pub(crate) fn from_seeded(
        params: &Parameters,
        secrets: [SecretId; 2],
        limbs: usize,
        seed: Seed,
        b: Vec<Poly<Eval>>,
    ) -> Self {
        let a = uniform_parts(params, limbs, &seed);
        Self { params: params.clone(), secrets, limbs, seed, b, a }
    }

    /// The identifiers of the secret from which it switches and of that to which.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.secrets
    }

    /// Holds that what is switched is under the secret that it is for: schemes refuse others before.
    pub(crate) fn assert_from(&self, secret: SecretId) {
        assert_eq!(secret, self.secrets[0], "a key of the ciphertext's secret");
    }

    /// The largest number of limbs it can switch.
    pub fn limbs(&self) -> usize {
        self.limbs
    }

    /// Position in this key's polynomials of limb `i` of `Q_l·P`.
    fn position(&self, i: usize, limbs: usize) -> usize {
        if i < limbs { i } else { i + self.limbs - limbs }
    }

    /// `(Σ digit_i·b_i, Σ digit_i·a_i)` over `Q_l·P` for a decomposed polynomial.
    pub(crate) fn accumulate(&self, digits: &Digits) -> [Poly<Eval>; 2] {
        let basis = self.params.key_basis(digits.limbs);
        let (mut first, mut second) = (Poly::<Eval>::scratch(basis), Poly::<Eval>::scratch(basis));
        for_each_limb_pair(first.words_mut(), second.words_mut(), basis.n(), |i, out_b, out_a| {
            out_b.fill(0);
            out_a.fill(0);
            let position = self.position(i, digits.limbs);
            let left: Vec<&[u64]> = digits.lifted.iter().map(|d| d.limb(i)).collect();
            let [b, a] = [&self.b, &self.a]
                .map(|key| -> Vec<&[u64]> { key[..left.len()].iter().map(|k| k.limb(position)).collect() });
            kernel::dot_add_assign(basis.modulus(i), [out_b, out_a], &left, [&b, &a]);
        });
        [first, second]
    }

    /// Accumulates limb by limb without storing the digits: what one switch alone does.
    pub(crate) fn accumulate_streaming(&self, c: &Poly<Eval>) -> [Poly<Eval>; 2] {
        let limbs = c.basis().len();
        let basis = self.params.key_basis(limbs);
        let prepared = prepare(&self.params, c);
        let (mut first, mut second) = (Poly::<Eval>::scratch(basis), Poly::<Eval>::scratch(basis));
        let n = basis.n();
        let size = group_size(self.params.spec().digit, basis.len());
        for_each_limb_pair(first.words_mut(), second.words_mut(), n * size, |group, out_b, out_a| {
            let (count, start) = (out_b.len() / n, group * size);
            out_b.fill(0);
            out_a.fill(0);
            let mut lifted = basis.pool().take(n * prepared.len().min(DIGITS_AT_ONCE) * size);
            for digits in (0..prepared.len()).collect::<Vec<_>>().chunks(DIGITS_AT_ONCE) {
                for (&d, out) in digits.iter().zip(lifted.chunks_exact_mut(n * size)) {
                    lift_limbs(&self.params, limbs, &prepared, d, start, &mut out[..n * count]);
                }
                let outs = out_b.chunks_exact_mut(n).zip(out_a.chunks_exact_mut(n));
                for (k, (out_b, out_a)) in outs.enumerate() {
                    let i = start + k;
                    let made = lifted.chunks_exact_mut(n * size).map(|digit| &mut digit[k * n..(k + 1) * n]);
                    let left: Vec<&[u64]> = (digits.iter().zip(made))
                        .map(|(&d, out)| {
                            let own = own_limbs(&self.params, limbs, d).contains(&i);
                            if own { c.limb(i) } else { &*out }
                        })
                        .collect();
                    let position = self.position(i, limbs);
                    let [b, a] = [&self.b, &self.a].map(|key| -> Vec<&[u64]> {
                        digits.iter().map(|&d| key[d].limb(position)).collect()
                    });
                    kernel::dot_add_assign(basis.modulus(i), [out_b, out_a], &left, [&b, &a]);
                }
            }
        });
        [first, second]
    }

    /// Switches one polynomial: a pair `(k_0, k_1)` with `k_0 + k_1·s = c·s'` up to the switching error.
    ///
    /// # Panics
    /// If the polynomial has more limbs than the key.
    pub fn switch(&self, c: &Poly<Eval>) -> [Poly<Eval>; 2] {
        self.switch_onto(c, [None; 2])
    }

    /// Switches one polynomial, with a polynomial added to each of the pair.
    pub(crate) fn switch_onto(&self, c: &Poly<Eval>, onto: [Option<&Poly<Eval>>; 2]) -> [Poly<Eval>; 2] {
        assert!(c.basis().len() <= self.limbs, "the key was cut to fewer limbs");
        mod_down(&self.params, c.basis().len(), self.accumulate_streaming(c), onto)
    }

    /// Switches a ciphertext of degree 1, which becomes one of this key's parameters; they may differ from its own in
    /// the special primes and in the chain beyond its limbs.
    ///
    /// # Errors
    /// If it is under another secret than this key switches from.
    ///
    /// # Panics
    /// If it has degree 2, other primes, or more limbs than the key.
    pub fn switch_ciphertext(&self, c: &Ciphertext) -> Result<Ciphertext, ForeignSecret> {
        let [from, to] = self.secrets;
        c.secret_id().check("key switch", "ciphertext", from)?;
        let [c0, c1] = c.parts() else { panic!("only ciphertexts of degree 1 are switched") };
        Ok(Ciphertext::new(&self.params, to, self.switch_onto(c1, [Some(c0), None]).into()))
    }

    /// Switches a polynomial that was decomposed before, with a polynomial added to each of the pair.
    pub(crate) fn switch_hoisted_onto(
        &self,
        digits: &Digits,
        onto: [Option<&Poly<Eval>>; 2],
    ) -> [Poly<Eval>; 2] {
        assert!(digits.limbs <= self.limbs, "the key was cut to fewer limbs");
        mod_down(&self.params, digits.limbs, self.accumulate(digits), onto)
    }
}

/// A polynomial decomposed for key switching: each digit over `Q_l·P`.
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
/// let digits = Digits::decompose(&params, &c.parts()[1]);
/// for g in [5, 25] {
///     let turned = keys.automorphism_hoisted(&c, &digits, g).expect("a key for g");
///     assert_eq!(decrypt(&turned), 7);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Digits {
    pub(crate) limbs: usize,
    lifted: Vec<Poly<Eval>>,
}

impl Digits {
    /// Decomposes `c`; costs all the forward transforms of a key switch.
    pub fn decompose(params: &Parameters, c: &Poly<Eval>) -> Self {
        let limbs = c.basis().len();
        let prepared = prepare(params, c);
        let lifted = (0..prepared.len())
            .map(|digit| {
                let basis = params.key_basis(limbs);
                let mut poly = Poly::<Eval>::scratch(basis);
                let size = group_size(params.spec().digit, basis.len());
                for_each_limb(poly.words_mut(), basis.n() * size, |group, out| {
                    lift_limbs(params, limbs, &prepared, digit, group * size, out);
                    for (i, out) in (group * size..).zip(out.chunks_exact_mut(basis.n())) {
                        if own_limbs(params, limbs, digit).contains(&i) {
                            out.copy_from_slice(c.limb(i));
                        }
                    }
                });
                poly
            })
            .collect();
        Self { limbs, lifted }
    }
}

/// Relinearizes a ciphertext of degree 2 with a key from `s²` to `s`.
pub(crate) fn relinearize(ciphertext: &Ciphertext, key: &KeySwitchKey) -> Ciphertext {
    let [c0, c1, c2] = ciphertext.parts() else {
        return ciphertext.clone();
    };
    key.assert_from(ciphertext.secret_id());
    Ciphertext::new(
        ciphertext.params(),
        ciphertext.secret_id(),
        key.switch_onto(c2, [Some(c0), Some(c1)]).into(),
    )
}

/// Limbs of digit `digit` among the first `limbs` primes.
fn own_limbs(params: &Parameters, limbs: usize, digit: usize) -> std::ops::Range<usize> {
    let size = params.spec().digit;
    digit * size..((digit + 1) * size).min(limbs)
}

/// Coefficients of every digit, scaled for the base conversions.
fn prepare(params: &Parameters, c: &Poly<Eval>) -> Vec<Prepared> {
    let (basis, limbs) = (c.basis(), c.basis().len());
    let digit = |(digit, converter): (usize, &BaseConverter)| {
        let first = own_limbs(params, limbs, digit).start;
        converter.prepare_with(|i, limb| {
            limb.copy_from_slice(c.limb(first + i));
            basis.ntt(first + i).inverse(limb);
        })
    };
    let converters = &params.tables(limbs).mod_up;
    if in_parallel(basis.n() * limbs) {
        converters.par_iter().enumerate().map(digit).collect()
    } else {
        converters.iter().enumerate().map(digit).collect()
    }
}

/// Limbs `start, start + 1, …` over `Q_l·P` of a lifted digit; those of the digit's own primes are left.
fn lift_limbs(
    params: &Parameters,
    limbs: usize,
    prepared: &[Prepared],
    digit: usize,
    start: usize,
    out: &mut [u64],
) {
    let (own, basis) = (own_limbs(params, limbs, digit), params.key_basis(limbs));
    let mut targets: Vec<_> = ((start..).zip(out.chunks_exact_mut(params.n())))
        .filter(|(i, _)| !own.contains(i))
        .map(|(i, out)| (if i < own.start { i } else { i - own.len() }, basis.ntt(i), out))
        .collect();
    params.tables(limbs).mod_up[digit].values(&prepared[digit], &mut targets);
}

/// Divides both by `P`, and adds what they are added to.
fn mod_down(
    params: &Parameters,
    limbs: usize,
    sums: [Poly<Eval>; 2],
    onto: [Option<&Poly<Eval>>; 2],
) -> [Poly<Eval>; 2] {
    let divider =
        params.tables(limbs).mod_down.as_ref().expect("keys exist only where there are special primes");
    divider.divide_pair_onto(sums.each_ref(), onto)
}

/// The uniform parts of a key: digit `d`, prime number `j` of the whole `Q·P`, from stream `2^16·(d + 1) + j`.
fn uniform_parts(params: &Parameters, limbs: usize, seed: &Seed) -> Vec<Poly<Eval>> {
    let (max, special) = (params.max_limbs() as u64, params.spec().p.len() as u64);
    (0..params.digits(limbs) as u64)
        .map(|d| {
            let streams: Vec<u64> =
                (0..limbs as u64).chain(max..max + special).map(|j| ((d + 1) << 16) + j).collect();
            Poly::uniform(params.key_basis(limbs), seed, &streams)
        })
        .collect()
}

impl SecretKey {
    /// The key that switches from `from`, a secret of other parameters over the same ring, to this one.
    ///
    /// # Panics
    /// If the ring dimensions differ, or the parameters have no special primes or fewer limbs.
    pub fn switching_key_from(&self, from: &Self, limbs: usize, prng: &mut Prng) -> KeySwitchKey {
        assert!(!self.params().spec().p.is_empty(), "key switching needs special primes");
        let source = from.over(self.params());
        let values = [source.key_values(limbs), self.key_values(limbs)];
        let secrets = [from.secret_id(), self.secret_id()];
        KeySwitchKey::generate(secrets, values.each_ref(), self.params(), limbs, prng)
    }

    /// The relinearization key, from `s²` to `s`, for up to `limbs` limbs.
    ///
    /// # Panics
    /// If the parameters have no special primes or fewer limbs.
    pub fn relinearization_key(&self, limbs: usize, prng: &mut Prng) -> KeySwitchKey {
        assert!(!self.params().spec().p.is_empty(), "key switching needs special primes");
        let s = self.key_values(limbs);
        let mut square = s.clone();
        square.mul_assign(&s);
        let secrets = [self.secret_id(); 2];
        KeySwitchKey::generate(secrets, [&square, &s], self.params(), limbs, prng)
    }
}

crate::brief_debug!(KeySwitchKey: |a| limbs = a.limbs, secret_ids = a.secrets);
crate::brief_debug!(Digits: |a| limbs = a.limbs, digits = a.lifted.len());
