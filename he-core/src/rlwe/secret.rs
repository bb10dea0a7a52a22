//! Secret keys: ternary polynomials.
//!
//! A secret key cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped:
//! ```compile_fail,E0277
//! fn print(key: &he_core::rlwe::SecretKey) { println!("{key:?}"); }
//! ```
//! ```compile_fail,E0308
//! fn copy(key: &he_core::rlwe::SecretKey) -> he_core::rlwe::SecretKey { key.clone() }
//! ```
//! ```compile_fail,E0369
//! fn compare(a: &he_core::rlwe::SecretKey, b: &he_core::rlwe::SecretKey) -> bool { a == b }
//! ```
//! ```compile_fail,E0277
//! #[derive(serde::Serialize)]
//! struct Backup { key: he_core::rlwe::SecretKey }
//! ```

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::distribution::SecretDistribution;
use super::object::{Kind, header};
use super::params::Parameters;
use super::secret_id::SecretId;
use crate::ring::poly::{Coeff, Eval, Poly};
use crate::ring::sample::{Prng, SampleError};
use crate::wire::{self, Reader, WireError};

/// A secret key `s`, kept as coefficients and as values modulo `Q·P`.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// // A message stands above the error: here multiplied by 2^20.
/// let c = key.encrypt(2, &[7 << 20], &mut prng).expand();
/// let phase = to_words(&key.phase(&c));
/// assert_eq!((phase[0] + (1 << 19)) >> 20, 7);
/// let again = SecretKey::from_secret_bytes(&params, &key.to_secret_bytes())?;
/// assert_eq!(to_words(&again.phase(&c)), phase);
/// # Ok(())
/// # }
/// ```
pub struct SecretKey {
    params: Parameters,
    id: SecretId,
    coefficients: Zeroizing<Vec<i8>>,
    values: Poly<Eval>,
}

// The coefficients wipe themselves, and so do values that are marked as secret.
impl ZeroizeOnDrop for SecretKey {}

impl SecretKey {
    /// Draws a key from the distribution of the parameters.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn generate(params: &Parameters) -> Result<Self, SampleError> {
        let mut prng = Prng::from_os()?;
        let mut coefficients = Zeroizing::new(vec![0i8; params.n()]);
        match params.spec().secret {
            SecretDistribution::UniformTernary => prng.ternary(&mut coefficients),
            SecretDistribution::SparseTernary { weight } => prng.fixed_weight(&mut coefficients, weight)?,
        }
        Ok(Self::from_coefficients(params, SecretId::draw()?, coefficients))
    }

    /// The key with the given coefficients and identifier: for bridges from schemes that draw their own.
    ///
    /// # Panics
    /// If there are not `N`, or one is not −1, 0 or 1.
    pub fn from_ternary(params: &Parameters, id: SecretId, coefficients: Zeroizing<Vec<i8>>) -> Self {
        assert_eq!(coefficients.len(), params.n(), "a secret has N coefficients");
        assert!(coefficients.iter().all(|c| (-1..=1).contains(c)), "coefficients of secrets are −1, 0 or 1");
        Self::from_coefficients(params, id, coefficients)
    }

    /// `s(X^k)` in a ring of `k` times the dimension: a ciphertext under it is `k` interleaved ciphertexts under `s`. It
    /// protects as much as `s` does in its own ring, and has its identifier.
    ///
    /// # Panics
    /// If the dimension of `params` is no multiple of this key's.
    pub fn interleaved(&self, params: &Parameters) -> Self {
        let (n, large) = (self.params.n(), params.n());
        assert!(large.is_multiple_of(n), "dimensions of rings one of which contains the other");
        let mut coefficients = Zeroizing::new(vec![0i8; large]);
        for (place, &c) in coefficients.iter_mut().step_by(large / n).zip(self.coefficients.iter()) {
            *place = c;
        }
        Self::from_coefficients(params, self.id, coefficients)
    }

    fn from_coefficients(params: &Parameters, id: SecretId, coefficients: Zeroizing<Vec<i8>>) -> Self {
        let wide = Zeroizing::new(coefficients.iter().map(|&c| i64::from(c)).collect::<Vec<_>>());
        let mut poly = Poly::<Coeff>::from_signed(params.key_basis(params.max_limbs()), &wide);
        poly.mark_secret();
        Self { params: params.clone(), id, coefficients, values: poly.into_eval() }
    }

    /// This secret modulo the primes of other parameters over the same ring.
    ///
    /// # Panics
    /// If the ring dimensions differ.
    pub(crate) fn over(&self, params: &Parameters) -> Self {
        assert_eq!(self.params.n(), params.n(), "secrets of one ring");
        Self::from_coefficients(params, self.id, self.coefficients.clone())
    }

    /// The parameters of the key.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret, which is public.
    pub fn secret_id(&self) -> SecretId {
        self.id
    }

    /// `s` over the first `limbs` primes of `Q`, wiped when dropped: what keys of other schemes are made from.
    ///
    /// # Panics
    /// If `limbs` is 0 or more than there are.
    pub fn values(&self, limbs: usize) -> Poly<Eval> {
        let mut values = self.values.truncated(limbs);
        values.mark_secret();
        values
    }

    /// `s` over the first `limbs` primes of `Q` and the special primes.
    pub(crate) fn key_values(&self, limbs: usize) -> Poly<Eval> {
        let mut out = Poly::<Eval>::scratch(self.params.key_basis(limbs));
        out.mark_secret();
        let skipped = self.params.max_limbs() - limbs;
        out.for_each_limb_mut(|i, limb| {
            limb.copy_from_slice(self.values.limb(if i < limbs { i } else { i + skipped }));
        });
        out
    }

    /// The key as bytes: the only way in which it leaves memory. Its identifier, then one byte a coefficient, sealed with its
    /// parameters' hash.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let id = self.id.to_bytes();
        let bytes = id.into_iter().chain(self.coefficients.iter().map(|&c| (c + 1) as u8));
        // Taken once at its size: growth would leave copies that nobody wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(id.len() + self.coefficients.len()));
        body.extend(bytes);
        Zeroizing::new(wire::seal(&header(&self.params, Kind::SecretKey), &body))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// If the bytes are damaged, belong to other parameters, lack an identifier, or a coefficient is not −1, 0 or 1.
    pub fn from_secret_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let what = "secret key";
        let limit = SecretId::BYTES + params.n();
        let mut reader = Reader::new(wire::open(bytes, &header(params, Kind::SecretKey), limit)?);
        let id = SecretId::read(&mut reader, what)?;
        let body = reader.bytes(params.n(), what)?;
        reader.finish(what)?;
        if let Some((index, &found)) = body.iter().enumerate().find(|(_, c)| **c > 2) {
            return Err(WireError::Value { what, index, found: u64::from(found), bound: 3 });
        }
        let coefficients = Zeroizing::new(body.iter().map(|&b| b as i8 - 1).collect::<Vec<_>>());
        Ok(Self::from_coefficients(params, id, coefficients))
    }
}
