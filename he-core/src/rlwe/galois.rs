//! Automorphisms of ciphertexts, and the set of keys a server holds.
//!
//! `σ_g` turns a ciphertext under `s` into one under `σ_g(s)`. A Galois key for `g` switches from `s` to `σ_g^{-1}(s)`
//! *before* `σ_g` is applied, which brings it back under `s`: the digits of a decomposition are never permuted, so that
//! any number of automorphisms of one ciphertext share them as they are.

use std::collections::BTreeMap;

use super::ciphertext::Ciphertext;
use super::keyswitch::{self, Digits, KeySwitchKey};
use super::params::Parameters;
use super::secret::SecretKey;
use super::secret_id::SecretId;
use crate::ring::automorphism::inverse_element;
use crate::ring::poly::{Eval, Poly};
use crate::ring::sample::{Prng, SampleError};

/// Everything a server needs to compute, and nothing that decrypts.
///
/// It cannot be made from a secret key without naming what to make, nor hold one:
/// ```compile_fail,E0277
/// fn leak(key: he_core::rlwe::SecretKey) -> he_core::rlwe::EvaluationKeys { key.into() }
/// ```
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// // A relinearization key and the Galois key of X -> X^5, both for two limbs.
/// let keys = key.evaluation_keys(2, &[(5, 2)].into())?;
/// let c = key.encrypt(2, &[0, 7 << 20], &mut prng).expand();
/// let turned = keys.automorphism(&c, 5).expect("a key for 5");
/// assert_eq!((to_words(&key.phase(&turned))[5] + (1 << 19)) >> 20, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EvaluationKeys {
    pub(crate) params: Parameters,
    /// None where there are no keys.
    pub(crate) secret: Option<SecretId>,
    pub(crate) relinearization: Option<KeySwitchKey>,
    pub(crate) galois: BTreeMap<usize, KeySwitchKey>,
}

impl EvaluationKeys {
    /// No keys, of no secret: enough for sums and plain products.
    pub fn none(params: &Parameters) -> Self {
        Self { params: params.clone(), secret: None, relinearization: None, galois: BTreeMap::new() }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret; none if there are [no keys](Self::none).
    pub fn secret_id(&self) -> Option<SecretId> {
        self.secret
    }

    /// The relinearization key.
    pub fn relinearization(&self) -> Option<&KeySwitchKey> {
        self.relinearization.as_ref()
    }

    /// The Galois key of the automorphism `X ↦ X^g`.
    pub fn galois(&self, g: usize) -> Option<&KeySwitchKey> {
        self.galois.get(&g)
    }

    /// The elements for which there are Galois keys.
    pub fn galois_elements(&self) -> impl Iterator<Item = usize> + '_ {
        self.galois.keys().copied()
    }

    /// Relinearizes a ciphertext of degree 2; `None` without a key for its number of limbs.
    ///
    /// # Panics
    /// If the ciphertext belongs to another secret; so for all operations with keys.
    pub fn relinearize(&self, ciphertext: &Ciphertext) -> Option<Ciphertext> {
        let key = self.relinearization.as_ref().filter(|key| key.limbs() >= ciphertext.limbs())?;
        Some(keyswitch::relinearize(ciphertext, key))
    }

    /// `σ_g` of a ciphertext of degree 1; `None` for other degrees, or without a key for its number of limbs.
    pub fn automorphism(&self, ciphertext: &Ciphertext, g: usize) -> Option<Ciphertext> {
        let key = self.galois.get(&g).filter(|key| key.limbs() >= ciphertext.limbs())?;
        let [c0, c1] = ciphertext.parts() else { return None };
        key.assert_from(ciphertext.secret_id());
        Some(turn(ciphertext, key.switch_onto(c1, [Some(c0), None]), g))
    }

    /// As [`automorphism`](Self::automorphism), with the decomposition of the second part done before.
    pub fn automorphism_hoisted(
        &self,
        ciphertext: &Ciphertext,
        digits: &Digits,
        g: usize,
    ) -> Option<Ciphertext> {
        let key = self.galois.get(&g).filter(|key| key.limbs() >= ciphertext.limbs())?;
        let [c0, _] = ciphertext.parts() else { return None };
        key.assert_from(ciphertext.secret_id());
        Some(turn(ciphertext, key.switch_hoisted_onto(digits, [Some(c0), None]), g))
    }
}

fn turn(ciphertext: &Ciphertext, parts: [Poly<Eval>; 2], g: usize) -> Ciphertext {
    let secret = ciphertext.secret_id();
    Ciphertext::new(ciphertext.params(), secret, parts.map(|part| part.automorphism(g)).into())
}

impl SecretKey {
    /// The Galois key of `X ↦ X^g`, `g` odd, for up to `limbs` limbs.
    ///
    /// # Panics
    /// If `g` is even or not below `2N`, or the parameters have no special primes or fewer limbs.
    pub fn galois_key(&self, g: usize, limbs: usize, prng: &mut Prng) -> KeySwitchKey {
        assert!(!self.params().spec().p.is_empty(), "key switching needs special primes");
        // An even exponent would publish the secret: its "automorphism" is a constant.
        assert!(g % 2 == 1 && g < 2 * self.params().n(), "X -> X^{g} is no automorphism");
        let s = self.key_values(limbs);
        let mut to = s.automorphism(inverse_element(g, 2 * self.params().n()));
        to.mark_secret();
        let secrets = [self.secret_id(); 2];
        KeySwitchKey::generate(secrets, [&s, &to], self.params(), limbs, prng)
    }

    /// A relinearization key for `relinearize` limbs (none for 0) and Galois keys for the given elements, each for the
    /// number of limbs named with it. Made in parallel.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    ///
    /// # Panics
    /// As [`galois_key`](Self::galois_key).
    pub fn evaluation_keys(
        &self,
        relinearize: usize,
        galois: &BTreeMap<usize, usize>,
    ) -> Result<EvaluationKeys, SampleError> {
        use rayon::prelude::*;
        let relinearization = match relinearize {
            0 => None,
            limbs => Some(self.relinearization_key(limbs, &mut Prng::from_os()?)),
        };
        let galois = galois
            .par_iter()
            .map(|(&g, &limbs)| Ok((g, self.galois_key(g, limbs, &mut Prng::from_os()?))))
            .collect::<Result<_, SampleError>>()?;
        let secret = Some(self.secret_id());
        Ok(EvaluationKeys { params: self.params().clone(), secret, relinearization, galois })
    }
}

crate::brief_debug!(EvaluationKeys: |a| relinearization = a.relinearization.is_some(), galois = a.galois.len(), secret_id = a.secret);
