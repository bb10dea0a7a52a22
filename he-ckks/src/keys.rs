//! Keys.

use he_core::rlwe;
use he_core::wire::WireError;
use zeroize::Zeroizing;

use crate::elements::{conjugation_element, rotation_element};
use crate::error::Error;
use crate::params::Parameters;

/// A secret key. It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// let bytes = key.to_secret_bytes(); // wiped when dropped, too
/// let again = SecretKey::from_secret_bytes(&params, &bytes)?;
/// # let plaintext = Encoder::new(&params).encode(&[0.5])?;
/// # let c = Encryptor::with_secret(&key).encrypt(&plaintext)?;
/// assert!(Decryptor::new(&again).decrypt(&c)? == Decryptor::new(&key).decrypt(&c)?);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0277
/// fn print(key: &he_ckks::SecretKey) { println!("{key:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(key: &he_ckks::SecretKey) -> he_ckks::SecretKey { key.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_ckks::SecretKey, b: &he_ckks::SecretKey) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { key: he_ckks::SecretKey }
/// ```
pub struct SecretKey {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::SecretKey,
}

impl SecretKey {
    /// Draws a key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn generate(params: &Parameters) -> Result<Self, Error> {
        Ok(Self { params: params.clone(), inner: rlwe::SecretKey::generate(params.rlwe())? })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The RLWE key.
    pub fn inner(&self) -> &rlwe::SecretKey {
        &self.inner
    }

    /// A public key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        Ok(PublicKey { params: self.params.clone(), inner: self.inner.public_key()? })
    }

    /// Evaluation keys for the operations of a circuit.
    ///
    /// # Errors
    /// If the request names a level above [`Parameters::raised_level`], there are no special primes, or the
    /// operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        request.0.check(self.params.rlwe())?;
        Ok(EvaluationKeys { params: self.params.clone(), inner: request.0.make(&self.inner)? })
    }

    /// The key as bytes: the only way in which it leaves memory.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.inner.to_secret_bytes()
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// If the bytes are damaged or belong to other parameters.
    pub fn from_secret_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let inner = rlwe::SecretKey::from_secret_bytes(params.rlwe(), bytes)?;
        Ok(Self { params: params.clone(), inner })
    }
}

/// A public encryption key.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let encoder = Encoder::new(&params);
/// let public = key.public_key()?;
/// // Whoever gets these bytes can encrypt, and nothing else.
/// let theirs = PublicKey::from_bytes(&params, &public.to_bytes()?)?;
/// let c = Encryptor::with_public(&theirs).encrypt(&encoder.encode(&[0.5])?)?;
/// assert!((Decryptor::new(&key).decrypt(&c)?[0] - 0.5).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::PublicKey,
}

/// The keys that a server computes with; they decrypt nothing.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let keys = key.evaluation_keys(&KeyRequest::default().relinearization(params.max_level()))?;
/// // Sent in seeded form, half of their size in memory.
/// let keys = EvaluationKeys::from_bytes(&params, &keys.to_bytes()?)?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EvaluationKeys {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::EvaluationKeys,
}

impl EvaluationKeys {
    /// No keys: enough for sums and plain products.
    pub fn none(params: &Parameters) -> Self {
        Self { params: params.clone(), inner: rlwe::EvaluationKeys::none(params.rlwe()) }
    }
}

/// A request for evaluation keys, each up to a level: a key for lower levels is smaller.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// // Rotations happen after the first product.
/// let level = params.max_level();
/// let products = KeyRequest::default().relinearization(level);
/// let keys = key.evaluation_keys(&products.rotations(&params, &[1, 2, 4], level - 1))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest(rlwe::KeyRequest);

impl KeyRequest {
    /// A relinearization key for products up to `level`.
    #[must_use]
    pub fn relinearization(mut self, level: usize) -> Self {
        self.0.relinearization(level);
        self
    }

    fn galois(mut self, g: usize, level: usize) -> Self {
        self.0.galois(g, level);
        self
    }

    /// Keys that rotate slots left by each of `steps`, for ciphertexts up to `level`.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[usize], level: usize) -> Self {
        steps.iter().fold(self, |request, &k| request.galois(rotation_element(params, k), level))
    }

    /// The key that conjugates slots, for ciphertexts up to `level`.
    #[must_use]
    pub fn conjugation(self, params: &Parameters, level: usize) -> Self {
        self.galois(conjugation_element(params), level)
    }

    /// The keys of this request and those of another.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.extend(&other.0);
        self
    }
}
