//! Requests for evaluation keys.

use std::collections::BTreeMap;

use super::error::OperandError;
use super::galois::EvaluationKeys;
use super::keyswitch::KeySwitchKey;
use super::params::Parameters;
use super::secret::SecretKey;
use crate::ring::sample::SampleError;
use crate::wire::WireError;

/// A request for evaluation keys, each up to a level: a key for lower levels is smaller. A ciphertext of level `l` lives over the
/// primes `q_0, …, q_l`.
///
/// ```
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = SecretDistribution::UniformTernary;
/// # let spec =
/// #     Spec { log_n: 4, q: vec![97, 193], p: vec![257], digit: 1, secret, sigma: 3.19, error_factor: 1 };
/// # let params = spec.build_insecure("an example")?;
/// let mut request = KeyRequest::default();
/// request.relinearization(1);
/// request.galois(3, 0);
/// request.check(&params)?;
/// let keys = request.make(&SecretKey::generate(&params)?)?;
/// assert_eq!(keys.galois_elements().collect::<Vec<_>>(), [3]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    relinearization: Option<usize>,
    galois: BTreeMap<usize, usize>,
}

impl KeyRequest {
    /// Asks for a relinearization key for products up to `level`.
    pub fn relinearization(&mut self, level: usize) {
        self.relinearization = self.relinearization.max(Some(level));
    }

    /// Asks for the Galois key of `X ↦ X^g`, `g` odd and below `2N`, for ciphertexts up to `level`; nothing for `g = 1`.
    pub fn galois(&mut self, g: usize, level: usize) {
        if g != 1 {
            let entry = self.galois.entry(g).or_insert(level);
            *entry = (*entry).max(level);
        }
    }

    /// Asks for everything that another request asks for.
    pub fn extend(&mut self, other: &Self) {
        self.relinearization = self.relinearization.max(other.relinearization);
        other.galois.iter().for_each(|(&g, &level)| self.galois(g, level));
    }

    /// Whether a key of these parameters can make the keys.
    ///
    /// # Errors
    /// If a level is above the chain, an element is no automorphism, or there are no special primes but keys are asked for.
    pub fn check(&self, params: &Parameters) -> Result<(), OperandError> {
        let operation = "evaluation keys";
        if let Some(wanted) = self.galois.values().copied().chain(self.relinearization).max() {
            let present = params.max_limbs() - 1;
            if params.spec().p.is_empty() {
                return Err(OperandError::NoSpecialPrimes { operation });
            }
            if wanted > present {
                return Err(OperandError::Level { operation, wanted, present });
            }
        }
        let two_n = 2 * params.n();
        match self.galois.keys().find(|&&g| g % 2 == 0 || g >= two_n) {
            Some(&g) => Err(OperandError::GaloisElement { g, two_n }),
            None => Ok(()),
        }
    }

    /// The level of the relinearization key that is asked for.
    pub(super) fn relinearization_level(&self) -> Option<usize> {
        self.relinearization
    }

    /// The levels of the Galois keys that are asked for.
    pub(super) fn galois_levels(&self) -> impl Iterator<Item = usize> {
        self.galois.values().copied()
    }

    /// Whether keys are those that are asked for, each up to its level: no others, and none for higher levels.
    ///
    /// # Errors
    /// If a key is missing, is not asked for, or has another level: the first of them is named.
    pub fn accept(&self, keys: &EvaluationKeys) -> Result<(), WireError> {
        let refused = |key: String, found: Option<usize>, needed: Option<usize>| {
            let level =
                |level: Option<usize>| level.map_or("none".into(), |level| format!("one of level {level}"));
            let why = format!("{key}: {}, asked for {}", level(found), level(needed));
            Err(WireError::Invalid { what: "evaluation keys", why })
        };
        let level = |key: &KeySwitchKey| key.limbs() - 1;
        let found = keys.relinearization().map(level);
        if found != self.relinearization {
            return refused("relinearization key".into(), found, self.relinearization);
        }
        for g in keys.galois_elements().chain(self.galois.keys().copied()) {
            let (found, needed) = (keys.galois(g).map(level), self.galois.get(&g).copied());
            if found != needed {
                return refused(format!("Galois key of {g}"), found, needed);
            }
        }
        Ok(())
    }

    /// Makes the keys, in parallel.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    ///
    /// # Panics
    /// If the request does not pass its [`check`](Self::check).
    pub fn make(&self, key: &SecretKey) -> Result<EvaluationKeys, SampleError> {
        let limbs = |level: usize| level + 1;
        let galois = self.galois.iter().map(|(&g, &level)| (g, limbs(level))).collect();
        key.evaluation_keys(self.relinearization.map_or(0, limbs), &galois)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rlwe::{KeySwitchKey, SecretDistribution, Spec};

    fn params(p: Vec<u64>) -> Parameters {
        let spec = Spec {
            log_n: 4,
            q: vec![97, 193],
            p,
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            sigma: 3.19,
            error_factor: 1,
        };
        spec.build_insecure("a test of key requests").unwrap()
    }

    #[test]
    fn the_highest_level_counts_and_the_identity_needs_no_key() {
        let (mut request, mut other) = (KeyRequest::default(), KeyRequest::default());
        request.galois(3, 0);
        request.galois(1, 1);
        other.galois(3, 1);
        other.relinearization(0);
        request.extend(&other);
        request.galois(3, 0);
        let keys = request.make(&SecretKey::generate(&params(vec![257])).unwrap()).unwrap();
        assert_eq!(keys.relinearization().map(KeySwitchKey::limbs), Some(1));
        assert_eq!(keys.galois_elements().collect::<Vec<_>>(), [3]);
        assert_eq!(keys.galois(3).map(KeySwitchKey::limbs), Some(2));
    }

    #[test]
    fn only_what_is_asked_for_is_accepted() {
        let params = params(vec![257]);
        let key = SecretKey::generate(&params).unwrap();
        let mut asked = KeyRequest::default();
        asked.relinearization(0);
        asked.galois(3, 1);
        let keys = asked.make(&key).unwrap();
        assert!(asked.accept(&keys).is_ok());
        let header = super::super::object::header(&params, super::super::object::Kind::EvaluationKeys);
        let sealed = super::super::sealed::seal_evaluation_keys(&header, &keys).unwrap();
        let open = |request: &KeyRequest| {
            super::super::sealed::open_requested_keys(&header, &params, request, &sealed)
        };
        assert!(open(&asked).is_ok());
        let none = KeyRequest::default();
        let with = |change: fn(&mut KeyRequest)| {
            let mut other = none.clone();
            other.relinearization(0);
            change(&mut other);
            other
        };
        let others = [
            with(|_| ()),
            with(|r| r.galois(3, 0)),
            with(|r| r.galois(5, 1)),
            with(|r| {
                r.galois(3, 1);
                r.galois(5, 1);
            }),
            with(|r| {
                r.galois(3, 1);
                r.relinearization(1);
            }),
            none.clone(),
        ];
        for other in others {
            assert!(matches!(other.accept(&keys), Err(WireError::Invalid { .. })), "{other:?}");
            assert!(open(&other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn impossible_keys_are_named() {
        let (whole, bare) = (params(vec![257]), params(vec![]));
        let operation = "evaluation keys";
        let mut request = KeyRequest::default();
        assert_eq!(request.check(&bare), Ok(()));
        request.relinearization(1);
        assert_eq!(request.check(&whole), Ok(()));
        assert_eq!(request.check(&bare), Err(OperandError::NoSpecialPrimes { operation }));
        request.galois(3, 2);
        assert_eq!(request.check(&whole), Err(OperandError::Level { operation, wanted: 2, present: 1 }));
        for g in [0, 2, 32, 33, usize::MAX] {
            let mut request = KeyRequest::default();
            request.galois(g, 0);
            assert_eq!(request.check(&whole), Err(OperandError::GaloisElement { g, two_n: 32 }));
        }
    }
}
