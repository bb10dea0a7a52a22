//! Requests for evaluation keys.

use std::collections::BTreeMap;

use super::error::OperandError;
use super::galois::EvaluationKeys;
use super::params::Parameters;
use super::secret::SecretKey;
use crate::ring::sample::SampleError;

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
