//! Keys: `f = t·f' + 1` and `h = t·g·f^{−1}` with ternary `f'` and `g`.
//!
//! An evaluation key from `x` to `f` is, for each prime `q_j` and each digit `w^k`, `P_j·w^k·x·f^{−1} + e + h·s` with fresh errors `e` and
//! ternary masks `s`, where `P_j ≡ δ_ij (mod q_i)`: a vector of encryptions under the same modulus as ciphertexts (Bos, Lauter, Loftus,
//! Naehrig 2013, section 4). There are no special primes: a key modulo `q·P` would be an NTRU instance modulo `q·P`.

use std::collections::BTreeMap;

use he_core::ring::sample::Prng;
use he_core::ring::{Basis, Coeff, Eval, Poly, Steps, galois_power};
use he_core::rlwe::{OperandError, SecretId};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::digits;
use crate::error::Error;
use crate::params::Parameters;

/// A secret key. It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// let bytes = key.to_secret_bytes(); // wiped when dropped, too
/// let again = SecretKey::from_secret_bytes(&params, &bytes)?;
/// # let plaintext = Encoder::new(&params).encode_coefficients(&[7])?;
/// let c = Encryptor::new(&key.public_key()).encrypt(&plaintext)?;
/// assert!(Decryptor::new(&again).decrypt(&c)? == plaintext);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0277
/// fn print(key: &he_yashe::SecretKey) { println!("{key:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(key: &he_yashe::SecretKey) -> he_yashe::SecretKey { key.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_yashe::SecretKey, b: &he_yashe::SecretKey) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { key: he_yashe::SecretKey }
/// ```
pub struct SecretKey {
    pub(crate) params: Parameters,
    id: SecretId,
    /// `f'` and `g`.
    pub(crate) ternary: Zeroizing<[Vec<i8>; 2]>,
    pub(crate) f: Poly<Eval>,
    inverse: Poly<Eval>,
    h: Poly<Eval>,
}

// The coefficients wipe themselves, and so do polynomials that are marked as secret.
impl ZeroizeOnDrop for SecretKey {}

/// A public encryption key, `h`.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// // Whoever gets these bytes can encrypt.
/// let theirs = PublicKey::from_bytes(&params, &key.public_key().to_bytes()?)?;
/// let c = Encryptor::new(&theirs).encrypt(&encoder.encode_coefficients(&[7])?)?;
/// assert_eq!(encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&c)?)[0], 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    pub(crate) h: Poly<Eval>,
}

/// The keys that a server computes with.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let keys = key.evaluation_keys(&KeyRequest::default().products())?;
/// let evaluator = Evaluator::new(&params, EvaluationKeys::from_bytes(&params, &keys.to_bytes()?)?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EvaluationKeys {
    pub(crate) params: Parameters,
    /// None where there are no keys.
    pub(crate) secret: Option<SecretId>,
    /// From `σ_g(f)` for each `g`, and from `f²` for 0: for each digit of each prime a polynomial.
    pub(crate) keys: BTreeMap<usize, Vec<Poly<Eval>>>,
}

/// The place of the key for products among evaluation keys, where no automorphism is.
pub(crate) const PRODUCTS: usize = 0;

/// A request for evaluation keys.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
/// let request = KeyRequest::default().products().rotations(&params, &[1, 2]).row_swap(&params);
/// let keys = SecretKey::generate(&params)?.evaluation_keys(&request)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    elements: Vec<usize>,
}

impl KeyRequest {
    /// The key for products.
    #[must_use]
    pub fn products(self) -> Self {
        self.with(PRODUCTS)
    }

    /// Keys that rotate rows left by each of `steps` slots, right by those that are negative.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[impl Steps]) -> Self {
        steps.iter().map(|&k| row_element(params, k)).filter(|&g| g != 1).fold(self, Self::with)
    }

    /// The key that swaps the two rows.
    #[must_use]
    pub fn row_swap(self, params: &Parameters) -> Self {
        self.with(2 * params.n() - 1)
    }

    /// Different keys.
    pub(crate) fn count(&self) -> usize {
        self.elements.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    fn with(mut self, element: usize) -> Self {
        self.elements.push(element);
        self
    }
}

/// Galois element `3^k mod 2N` of a rotation of both rows left by `k`.
pub(crate) fn row_element(params: &Parameters, k: impl Steps) -> usize {
    galois_power(3, k.modulo(params.n() / 2), params.n())
}

/// A ternary polynomial, given by its coefficients.
fn from_ternary(basis: &Basis, coefficients: &[i8]) -> Poly<Eval> {
    let wide = Zeroizing::new(coefficients.iter().map(|&c| i64::from(c)).collect::<Vec<_>>());
    let mut poly = Poly::<Coeff>::from_signed(basis, &wide);
    poly.mark_secret();
    poly.into_eval()
}

/// An encryption of zero, `e + h·s`, over the primes of a level.
pub(crate) fn zero(params: &Parameters, level: usize, h: &Poly<Eval>, prng: &mut Prng) -> Poly<Eval> {
    let mut mask = Zeroizing::new(vec![0i8; params.n()]);
    prng.ternary(&mut mask);
    let mut out = from_ternary(params.basis(level), &mask);
    out.mul_assign(h);
    let mut errors = Zeroizing::new(vec![0i64; params.n()]);
    params.errors().sample(prng, &mut errors);
    let mut errors = Poly::<Coeff>::from_signed(params.basis(level), &errors);
    errors.mark_secret();
    out.add_assign(&errors.into_eval());
    out
}

/// The inverse at every root, by Fermat's exponent: the time is the same for all values but none where one is zero.
fn inverse(f: &Poly<Eval>) -> Option<Poly<Eval>> {
    if f.words().contains(&0) {
        return None;
    }
    let power = |i: usize| {
        let q = f.basis().modulus(i);
        f.limb(i).iter().map(move |&value| q.pow(value, q.value() - 2))
    };
    let words = Zeroizing::new((0..f.basis().len()).flat_map(power).collect::<Vec<u64>>());
    let mut inverse = Poly::<Eval>::from_words(f.basis(), &words);
    inverse.mark_secret();
    Some(inverse)
}

impl SecretKey {
    /// Draws a key, and again while `f` is zero at a root modulo one of the primes.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn generate(params: &Parameters) -> Result<Self, Error> {
        let (id, mut prng) = (SecretId::draw()?, Prng::from_os()?);
        loop {
            let mut ternary = Zeroizing::new([(); 2].map(|()| vec![0i8; params.n()]));
            ternary.iter_mut().for_each(|part| prng.ternary(part));
            match Self::from_ternary(params, id, ternary) {
                Err(Error::NotInvertible) => {}
                made => return made,
            }
        }
    }

    /// The key of given `f'` and `g`, with an identifier.
    ///
    /// # Errors
    /// If `f` has no inverse.
    ///
    /// # Panics
    /// If there are not `N` coefficients of each, or one is not −1, 0 or 1.
    pub fn from_ternary(
        params: &Parameters,
        id: SecretId,
        ternary: Zeroizing<[Vec<i8>; 2]>,
    ) -> Result<Self, Error> {
        let fits = |part: &Vec<i8>| part.len() == params.n() && part.iter().all(|c| (-1..=1).contains(c));
        assert!(ternary.iter().all(fits), "a secret has N coefficients −1, 0 or 1");
        let (basis, t) = (params.basis(params.max_level()), params.t().value() as i64);
        let [mut f, mut h] = [0, 1].map(|i| from_ternary(basis, &ternary[i]));
        f.mul_integer_assign(t);
        f.add_integer_assign(1);
        let inverse = inverse(&f).ok_or(Error::NotInvertible)?;
        h.mul_integer_assign(t);
        h.mul_assign(&inverse);
        Ok(Self { params: params.clone(), id, ternary, f, inverse, h })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret, which is public: all keys made from it and all ciphertexts under it carry it.
    pub fn secret_id(&self) -> SecretId {
        self.id
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        let (params, words) = (self.params.clone(), self.h.words());
        let h = Poly::from_words(self.h.basis(), words);
        PublicKey { params, secret: self.id, h }
    }

    /// Evaluation keys for the operations of a circuit.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        let mut prng = Prng::from_os()?;
        let mut keys = BTreeMap::new();
        for &g in &request.elements {
            keys.entry(g).or_insert_with(|| self.key_from(g, &mut prng));
        }
        Ok(EvaluationKeys { params: self.params.clone(), secret: Some(self.id), keys })
    }

    /// The key from `σ_g(f)`, or from `f²` for [`PRODUCTS`].
    fn key_from(&self, g: usize, prng: &mut Prng) -> Vec<Poly<Eval>> {
        let (params, bits) = (&self.params, self.params.spec().digit_bits);
        let mut ratio = match g {
            PRODUCTS => self.f.clone(),
            _ => self.f.automorphism(g),
        };
        ratio.mark_secret();
        if g != PRODUCTS {
            ratio.mul_assign(&self.inverse);
        }
        let mut out = Vec::new();
        for (j, q) in ratio.basis().moduli().enumerate() {
            for k in 0..digits::count(q, bits) {
                let mut scalars = vec![0; ratio.basis().len()];
                scalars[j] = q.pow(q.reduce(2), u64::from(bits) * k as u64);
                let mut element = ratio.clone();
                element.mark_secret();
                element.mul_scalars_assign(&scalars);
                element.add_assign(&zero(params, params.max_level(), &self.h, prng));
                // It is published: what `clone` marked as secret is not wiped for it.
                out.push(Poly::from_words(ratio.basis(), element.words()));
            }
        }
        out
    }
}

impl PublicKey {
    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }
}

impl EvaluationKeys {
    /// No keys, of no secret: enough for sums and plain products.
    pub fn none(params: &Parameters) -> Self {
        Self { params: params.clone(), secret: None, keys: BTreeMap::new() }
    }

    /// The identifier of the secret; none if there are [no keys](Self::none).
    pub fn secret_id(&self) -> Option<SecretId> {
        self.secret
    }

    /// The key from `σ_g(f)`, or from `f²`.
    pub(crate) fn key(
        &self,
        operation: &'static str,
        g: usize,
        level: usize,
    ) -> Result<&[Poly<Eval>], Error> {
        let name = || if g == PRODUCTS { "key for products".into() } else { format!("key of X -> X^{g}") };
        let missing = || OperandError::MissingKey { operation, key: name(), level };
        Ok(self.keys.get(&g).ok_or_else(missing)?)
    }
}

he_core::brief_debug!(PublicKey: |a| secret_id = a.secret);
he_core::brief_debug!(EvaluationKeys: |a| keys = a.keys.len(), secret_id = a.secret);
