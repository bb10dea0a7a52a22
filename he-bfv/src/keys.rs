//! Keys, and encryption under them. They are those of BGV in a type and under a tag of their own.

use he_bgv::{Error, Plaintext};
use he_core::ring::Steps;
use he_core::rlwe;
use zeroize::ZeroizeOnDrop;

use crate::ciphertext::Ciphertext;
use crate::params::Parameters;

/// A secret key. It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// let bytes = key.to_secret_bytes(); // wiped when dropped, too
/// // A key of BGV is a key of BFV.
/// let again = he_bgv::SecretKey::from_secret_bytes(params.bgv(), &bytes)?;
/// # let plaintext = Encoder::new(&params).encode(&[7])?;
/// # let c = Encryptor::with_secret(&key).encrypt(&plaintext)?;
/// assert!(he_bgv::Decryptor::new(&again).decrypt(&c.to_bgv())? == Decryptor::new(&key)?.decrypt(&c)?);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0277
/// fn print(key: &he_bfv::SecretKey) { println!("{key:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(key: &he_bfv::SecretKey) -> he_bfv::SecretKey { key.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_bfv::SecretKey, b: &he_bfv::SecretKey) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { key: he_bfv::SecretKey }
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
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let encoder = Encoder::new(&params);
/// let public = key.public_key()?;
/// // Whoever gets these bytes can encrypt, and nothing else.
/// let theirs = PublicKey::from_bytes(&params, &public.to_bytes()?)?;
/// let c = Encryptor::with_public(&theirs).encrypt(&encoder.encode(&[7])?)?;
/// assert_eq!(encoder.decode(&Decryptor::new(&key)?.decrypt(&c)?)?[0], 7);
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
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
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
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let level = params.max_level();
/// let request = KeyRequest::default().relinearization(level).rotations(&params, &[1, 2, 4], level - 1);
/// let keys = key.evaluation_keys(&request)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest(rlwe::KeyRequest);

/// Encrypts plaintexts.
///
/// ```
/// # use he_bfv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec(he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() }).build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let plaintext = encoder.encode(&[1, 2, 3])?;
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
    /// The Galois key of `X ↦ X^g`, `g` odd and below `2N`, for ciphertexts up to `level`.
    #[must_use]
    pub fn galois(mut self, g: usize, level: usize) -> Self {
        self.0.galois(g, level);
        self
    }

    /// Keys that rotate rows left by each of `steps` slots, right by those that are negative, for ciphertexts up to `level`.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[impl Steps], level: usize) -> Self {
        let element = |&k| he_bgv::rotation::row_element(params, k);
        steps.iter().map(element).fold(self, |request, g| request.galois(g, level))
    }

    /// The key that swaps the two rows, for ciphertexts up to `level`.
    #[must_use]
    pub fn row_swap(self, params: &Parameters, level: usize) -> Self {
        self.galois(2 * params.n() - 1, level)
    }
}
