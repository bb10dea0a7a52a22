//! Keys, encryption and decryption.

use std::collections::BTreeMap;

use he_core::ring::rns::{BaseConverter, to_integers};
use he_core::ring::sample::Prng;
use he_core::rlwe;
use he_core::wire::WireError;
use zeroize::Zeroizing;

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// A secret key. It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
/// ```compile_fail,E0277
/// fn print(key: &he_bgv::SecretKey) { println!("{key:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(key: &he_bgv::SecretKey) -> he_bgv::SecretKey { key.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_bgv::SecretKey, b: &he_bgv::SecretKey) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { key: he_bgv::SecretKey }
/// ```
pub struct SecretKey {
    params: Parameters,
    inner: rlwe::SecretKey,
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

    /// Evaluation keys for what a circuit needs.
    ///
    /// # Errors
    /// If the request names a level above the highest or an element that is no automorphism, there are no special primes, or the operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        let operation = "evaluation keys";
        let limbs = request.galois.values().copied().chain([request.relinearization]).max().unwrap_or(0);
        if let Some(level) = limbs.checked_sub(1) {
            if self.params.rlwe().spec().p.is_empty() {
                return Err(Error::NoSpecialPrimes { operation });
            }
            self.params.check_level(operation, level)?;
        }
        let two_n = 2 * self.params.n();
        if let Some(&g) = request.galois.keys().find(|&&g| g % 2 == 0 || g >= two_n) {
            return Err(Error::GaloisElement { g, two_n });
        }
        let inner = self.inner.evaluation_keys(request.relinearization, &request.galois)?;
        Ok(EvaluationKeys { params: self.params.clone(), inner })
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
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::PublicKey,
}

/// What a server computes with; it decrypts nothing.
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

/// Which evaluation keys to make, and up to which level: a key for lower levels is smaller.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// // Rotations happen after the first prime is gone, products before: keys for rotations are smaller.
/// let level = params.max_level();
/// let request = KeyRequest::default().relinearization(level).rotations(&params, &[1, 2, 4], level - 1);
/// let keys = key.evaluation_keys(&request)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    /// One more than the highest level, 0 for no key; so for the Galois keys.
    pub(crate) relinearization: usize,
    pub(crate) galois: BTreeMap<usize, usize>,
}

impl KeyRequest {
    /// A relinearization key for products up to `level`.
    #[must_use]
    pub fn relinearization(mut self, level: usize) -> Self {
        self.relinearization = self.relinearization.max(level.saturating_add(1));
        self
    }

    /// The Galois key of `X ↦ X^g`, `g` odd and below `2N`, for ciphertexts up to `level`.
    #[must_use]
    pub fn galois(mut self, g: usize, level: usize) -> Self {
        let entry = self.galois.entry(g).or_insert(0);
        *entry = (*entry).max(level.saturating_add(1));
        self
    }

    /// Keys that rotate rows left by each of `steps` slots, for ciphertexts up to `level`.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[usize], level: usize) -> Self {
        steps.iter().fold(self, |request, &k| match crate::elements::row_element(params, k) {
            1 => request,
            g => request.galois(g, level),
        })
    }

    /// The key that swaps the two rows, for ciphertexts up to `level`.
    #[must_use]
    pub fn row_swap(self, params: &Parameters, level: usize) -> Self {
        self.galois(2 * params.n() - 1, level)
    }
}

enum Key<'k> {
    Secret(&'k SecretKey),
    Public(&'k PublicKey),
}

/// Encrypts plaintexts.
pub struct Encryptor<'k> {
    key: Key<'k>,
}

impl<'k> Encryptor<'k> {
    /// Under a secret key: less noise, and ciphertexts that can be sent in seeded form.
    pub fn with_secret(key: &'k SecretKey) -> Self {
        Self { key: Key::Secret(key) }
    }

    /// Under a public key.
    pub fn with_public(key: &'k PublicKey) -> Self {
        Self { key: Key::Public(key) }
    }

    fn params(&self) -> &Parameters {
        match self.key {
            Key::Secret(key) => &key.params,
            Key::Public(key) => &key.params,
        }
    }

    /// Encrypts at the highest level.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext, Error> {
        self.encrypt_at(plaintext, self.params().max_level())
    }

    /// Encrypts at a level, over the primes `q_0, …, q_level`.
    ///
    /// # Errors
    /// If the level is above the highest, the plaintext belongs to other parameters, or the operating system gives no randomness.
    pub fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        let key = match self.key {
            Key::Secret(key) => return Ok(encrypt_seeded(key, plaintext, level)?.expand()),
            Key::Public(key) => key,
        };
        let params = check(&key.params, plaintext, level)?;
        let message = Zeroizing::new(plaintext.centred(params, 1));
        let inner = key.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
        Ok(Ciphertext {
            params: params.clone(),
            inner,
            factor: 1,
            noise: params.noise().fresh_public_of(plaintext.slots),
        })
    }
}

fn check<'p>(params: &'p Parameters, plaintext: &Plaintext, level: usize) -> Result<&'p Parameters, Error> {
    plaintext.check("encrypt", params)?;
    params.check_level("encrypt", level)?;
    Ok(params)
}

fn encrypt_seeded(key: &SecretKey, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
    let params = check(&key.params, plaintext, level)?;
    let message = Zeroizing::new(plaintext.centred(params, 1));
    let inner = key.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
    Ok(SeededCiphertext {
        params: params.clone(),
        inner,
        noise: params.noise().fresh_secret_of(plaintext.slots),
    })
}

impl SecretKey {
    /// Encrypts at a level, in seeded form.
    ///
    /// # Errors
    /// If the level is above the highest, the plaintext belongs to other parameters, or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
        encrypt_seeded(self, plaintext, level)
    }
}

/// Decrypts, and measures noise.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let c = encryptor.encrypt(&encoder.encode(&[7])?)?;
/// assert_eq!(encoder.decode(&decryptor.decrypt(&c)?)?[0], 7);
/// // The budget estimated without the key is never above the measured one.
/// assert!(c.noise_budget() <= decryptor.noise_budget(&c)?);
/// # Ok(())
/// # }
/// ```
pub struct Decryptor<'k> {
    key: &'k SecretKey,
}

impl<'k> Decryptor<'k> {
    /// A decryptor.
    pub fn new(key: &'k SecretKey) -> Self {
        Self { key }
    }

    fn check(&self, ciphertext: &Ciphertext) -> Result<(), Error> {
        if ciphertext.params.same(&self.key.params) {
            return Ok(());
        }
        Err(Error::Foreign { operation: "decrypt", object: "ciphertext" })
    }

    /// The plaintext. It is right while the noise budget is positive; there is no check that it was.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        self.check(ciphertext)?;
        let (params, t) = (&self.key.params, self.key.params.t());
        let phase = self.key.inner.phase(&ciphertext.inner);
        let converter = BaseConverter::new(phase.basis(), &[*t], 1);
        let limbs: Vec<&[u64]> = (0..=ciphertext.level()).map(|i| phase.limb(i)).collect();
        let mut coefficients = vec![0; params.n()];
        let mut prepared = converter.prepare(&limbs);
        prepared.mark_secret();
        converter.limb(&prepared, 0, &mut coefficients);
        let inverse = t.inv(ciphertext.factor).unwrap_or(1);
        if inverse != 1 {
            he_core::ring::kernel::mul_scalar_assign(t, &mut coefficients, inverse);
        }
        Ok(Plaintext { coefficients, t: t.value(), slots: false })
    }

    /// Measured bits left before the ciphertext stops decrypting: `log2(Q/2) − log2 max|v|` for its phase `v`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn noise_budget(&self, ciphertext: &Ciphertext) -> Result<f64, Error> {
        self.check(ciphertext)?;
        let phase = to_integers(&self.key.inner.phase(&ciphertext.inner));
        let largest = phase.iter().map(rlwe::noise::log2_abs).fold(0.0, f64::max);
        Ok(self.key.params.noise().log_q(ciphertext.level()) - 1.0 - largest)
    }
}
