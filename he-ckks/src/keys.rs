//! Keys, encryption and decryption.

use std::collections::BTreeMap;

use he_core::ring::rns::to_integers;
use he_core::ring::sample::{Gaussian, Prng};
use he_core::rlwe;
use he_core::rlwe::noise::log2_abs;
use he_core::wire::WireError;
use num_bigint::BigInt;
use num_complex::Complex64;
use zeroize::Zeroizing;

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::params::Parameters;
use crate::plaintext::Plaintext;
use crate::rotation::{conjugation_element, rotation_element};

/// A secret key. It cannot be printed, cloned, compared or serialized by derive, and is wiped when dropped.
///
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
    /// If the request names limbs that are not there, or the operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        let operation = "evaluation keys";
        let present = if self.params.spec().special_bits.is_empty() { 0 } else { self.params.max_limbs() };
        let wanted = request.galois.values().copied().chain([request.relinearization]).max().unwrap_or(0);
        let none = request.galois.values().any(|&limbs| limbs == 0);
        if wanted > present || none {
            return Err(Error::Limbs { operation, wanted: if none { 0 } else { wanted }, present });
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

    /// Encrypts over the first `limbs` primes, in seeded form.
    ///
    /// # Errors
    /// If there are fewer below the top, the plaintext does not fit, or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, limbs: usize) -> Result<SeededCiphertext, Error> {
        let params = &self.params;
        let message = prepare(params, plaintext, limbs)?;
        let inner = self.inner.encrypt(limbs, &message, &mut Prng::from_os()?);
        let scale = params.scale(limbs);
        let noise = params.slot_variance(plaintext.slots(), params.noise().fresh_secret(), scale);
        let estimate = plaintext.estimate(params, scale).with_noise(noise);
        Ok(SeededCiphertext { params: params.clone(), inner, slots: plaintext.slots(), estimate })
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

/// Which evaluation keys to make, and for how many limbs: keys are cut to where they are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    pub(crate) relinearization: usize,
    pub(crate) galois: BTreeMap<usize, usize>,
}

impl KeyRequest {
    /// A relinearization key for products of up to `limbs` limbs.
    #[must_use]
    pub fn relinearization(mut self, limbs: usize) -> Self {
        self.relinearization = self.relinearization.max(limbs);
        self
    }

    /// The Galois key of an element, for up to `limbs` limbs.
    pub(crate) fn galois(mut self, g: usize, limbs: usize) -> Self {
        if g != 1 {
            let entry = self.galois.entry(g).or_insert(0);
            *entry = (*entry).max(limbs);
        }
        self
    }

    /// Keys that rotate slots left by each of `steps`, for up to `limbs` limbs.
    #[must_use]
    pub fn rotations(self, params: &Parameters, steps: &[usize], limbs: usize) -> Self {
        steps.iter().fold(self, |request, &k| request.galois(rotation_element(params, k), limbs))
    }

    /// The key that conjugates slots, for up to `limbs` limbs.
    #[must_use]
    pub fn conjugation(self, params: &Parameters, limbs: usize) -> Self {
        self.galois(conjugation_element(params), limbs)
    }

    /// What either asks for.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let request = self.relinearization(other.relinearization);
        other.galois.iter().fold(request, |request, (&g, &limbs)| request.galois(g, limbs))
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

    /// Encrypts with all levels of the user.
    ///
    /// # Errors
    /// If the plaintext does not fit, or the operating system gives no randomness.
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext, Error> {
        self.encrypt_at(plaintext, self.params().top())
    }

    /// Encrypts over the first `limbs` primes.
    ///
    /// # Errors
    /// If there are fewer below the top, the plaintext does not fit, or the operating system gives no randomness.
    pub fn encrypt_at(&self, plaintext: &Plaintext, limbs: usize) -> Result<Ciphertext, Error> {
        let key = match self.key {
            Key::Secret(key) => return Ok(key.encrypt_seeded(plaintext, limbs)?.expand()),
            Key::Public(key) => key,
        };
        let params = &key.params;
        let message = prepare(params, plaintext, limbs)?;
        let inner = key.inner.encrypt(limbs, &message, &mut Prng::from_os()?);
        let scale = params.scale(limbs);
        let noise = params.slot_variance(plaintext.slots(), params.noise().fresh_public(), scale);
        let estimate = plaintext.estimate(params, scale).with_noise(noise);
        Ok(Ciphertext { params: params.clone(), inner, scale, slots: plaintext.slots(), estimate })
    }
}

fn prepare(params: &Parameters, plaintext: &Plaintext, limbs: usize) -> Result<Zeroizing<Vec<i64>>, Error> {
    let operation = "encrypt";
    plaintext.check(operation, params)?;
    if limbs == 0 || limbs > params.top() {
        return Err(Error::Limbs { operation, wanted: limbs, present: params.top() });
    }
    let (scale, modulus) = (params.scale(limbs), params.log_q(limbs));
    if plaintext.bound().log2() + scale.log2() > modulus - 1.0 {
        return Err(Error::Overflow { operation, bound: plaintext.bound(), scale: scale.log2(), modulus });
    }
    plaintext.scaled(params, scale)
}

/// Decrypts.
///
/// **Decrypted values carry the error of the ciphertext, which depends on the secret key.** Whoever sees them in full
/// precision next to the ciphertext can recover the key (Li, Micciancio 2021). What leaves the owner of the key goes through
/// [`decrypt_shared`](Self::decrypt_shared).
pub struct Decryptor<'k> {
    key: &'k SecretKey,
}

impl<'k> Decryptor<'k> {
    /// A decryptor.
    pub fn new(key: &'k SecretKey) -> Self {
        Self { key }
    }

    /// The coefficients of the phase, as centred integers. Three primes hold every message.
    fn phase(&self, ciphertext: &Ciphertext) -> Result<Vec<BigInt>, Error> {
        if !ciphertext.params.same(&self.key.params) {
            return Err(Error::Foreign { operation: "decrypt", object: "ciphertext" });
        }
        let few = ciphertext.inner.truncated(ciphertext.limbs().min(3));
        Ok(to_integers(&self.key.inner.phase(&few)))
    }

    fn slots(&self, ciphertext: &Ciphertext, phase: &[BigInt]) -> Result<Vec<Complex64>, Error> {
        let (params, slots) = (&self.key.params, ciphertext.slots);
        let gap = params.slots() / slots;
        let value = |i: usize| float(&phase[i * gap]) / ciphertext.scale;
        let mut values: Vec<Complex64> =
            (0..slots).map(|j| Complex64::new(value(j), value(j + slots))).collect();
        params.embedding(slots)?.to_slots(&mut values);
        Ok(values)
    }

    /// The values, for the owner of the key alone.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn decrypt_complex(&self, ciphertext: &Ciphertext) -> Result<Vec<Complex64>, Error> {
        let phase = self.phase(ciphertext)?;
        self.slots(ciphertext, &phase)
    }

    /// The real parts of the values, for the owner of the key alone.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Vec<f64>, Error> {
        Ok(self.decrypt_complex(ciphertext)?.iter().map(|z| z.re).collect())
    }

    /// The values with fresh noise added, which hides the error of the ciphertext: for results that are shown to others.
    ///
    /// Discrete Gaussian noise of `2^hiding_bits` times the estimated error is added to every coefficient, and so that many
    /// bits of precision are lost. 15 bits keep one decryption within `2^-15` of one that does not depend on the error (Li,
    /// Micciancio, Schultz, Sorrell 2022, section 4, take `12·σ·√queries` for differential privacy); every further query to the
    /// same key takes half a bit more for each doubling of their number. `SECURITY` in the README says when it is needed.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters, so much noise cannot be drawn, or it would not leave a bit of the
    /// values.
    pub fn decrypt_shared(&self, ciphertext: &Ciphertext, hiding_bits: u32) -> Result<Vec<Complex64>, Error> {
        let operation = "shared decryption";
        let mut phase = self.phase(ciphertext)?;
        let params = &self.key.params;
        // The estimate is of slots; a coefficient's deviation is smaller by √2n.
        let error = ciphertext.estimate.error * ciphertext.scale / (2.0 * ciphertext.slots as f64).sqrt();
        let sigma = error.max(1.0) * f64::from(hiding_bits).exp2();
        let flooded = sigma.log2() + 4.0 + 0.5 * (params.n() as f64).log2();
        let modulus = params.log_q(ciphertext.limbs().min(3));
        if flooded > modulus - 1.0 {
            let (bound, scale) = (ciphertext.estimate.bound, ciphertext.scale.log2());
            return Err(Error::Overflow { operation, bound, scale, modulus });
        }
        let mut noise = Zeroizing::new(vec![0i64; phase.len()]);
        Gaussian::new(sigma)?.sample(&mut Prng::from_os()?, &mut noise);
        phase.iter_mut().zip(noise.iter()).for_each(|(p, &e)| *p += e);
        self.slots(ciphertext, &phase)
    }
}

/// The nearest number; wide integers are cut first.
fn float(x: &BigInt) -> f64 {
    if log2_abs(x) < 100.0 { i128::try_from(x).map_or(0.0, |x| x as f64) } else { f64::INFINITY }
}
