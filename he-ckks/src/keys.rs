//! Keys, and encryption under them.

use he_core::ring::Steps;
use he_core::rlwe;
use zeroize::ZeroizeOnDrop;

use crate::ciphertext::Ciphertext;
use crate::elements::{conjugation_element, rotation_element};
use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

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
#[derive(ZeroizeOnDrop)]
pub struct SecretKey {
    #[zeroize(skip)]
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::SecretKey,
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
pub struct KeyRequest(pub(crate) rlwe::KeyRequest);

/// Encrypts plaintexts.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let plaintext = encoder.encode(&[0.5, -0.25])?;
/// let own = Encryptor::with_secret(&key).encrypt(&plaintext)?;
/// // For one that is only decrypted, the lowest level is enough.
/// let theirs = Encryptor::with_public(&key.public_key()?).encrypt_at(&plaintext, 0)?;
/// assert_eq!((own.level(), theirs.level()), (params.max_level(), 0));
/// # Ok(())
/// # }
/// ```
pub struct Encryptor<'k> {
    key: EncryptionKey<'k>,
}

he_core::scheme_keys!();

impl KeyRequest {
    fn galois(mut self, g: usize, level: usize) -> Self {
        self.0.galois(g, level);
        self
    }

    /// Keys that rotate slots left by each of `steps`, right by those that are negative, for ciphertexts up to `level`.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[impl Steps], level: usize) -> Self {
        steps.iter().fold(self, |request, &k| request.galois(rotation_element(params, k), level))
    }

    /// The key that conjugates slots, for ciphertexts up to `level`.
    #[must_use]
    pub fn conjugation(self, params: &Parameters, level: usize) -> Self {
        self.galois(conjugation_element(params), level)
    }
}
