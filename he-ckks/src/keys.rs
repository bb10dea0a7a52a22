//! Keys, encryption and decryption.

use std::collections::BTreeMap;

use he_core::ring::rns::{to_floats, to_words};
use he_core::ring::sample::{Gaussian, Prng};
use he_core::ring::{Coeff, Poly};
use he_core::rlwe;
use he_core::wire::WireError;
use num_complex::Complex64;
use zeroize::Zeroizing;

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::elements::{conjugation_element, rotation_element};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::params::Parameters;
use crate::plaintext::Plaintext;

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
    /// If the request names a level above the whole chain, there are no special primes, or the operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        let operation = "evaluation keys";
        let limbs = request.galois.values().copied().chain([request.relinearization]).max().unwrap_or(0);
        if let Some(wanted) = limbs.checked_sub(1) {
            let present = self.params.raised_level();
            if self.params.rlwe().spec().p.is_empty() {
                return Err(Error::NoSpecialPrimes { operation });
            }
            if wanted > present {
                return Err(Error::Level { operation, wanted, present });
            }
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

    /// Encrypts at a level, in seeded form.
    ///
    /// # Errors
    /// If the level is above [`Parameters::max_level`], the plaintext does not fit, or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
        let params = &self.params;
        let message = prepare(params, plaintext, level)?;
        let inner = self.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let scale = params.scale(level);
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

/// Which evaluation keys to make, and up to which level: a key for lower levels is smaller.
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

    /// The Galois key of an element, for ciphertexts up to `level`.
    pub(crate) fn galois(mut self, g: usize, level: usize) -> Self {
        if g != 1 {
            let entry = self.galois.entry(g).or_insert(0);
            *entry = (*entry).max(level.saturating_add(1));
        }
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

    /// What either asks for.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.relinearization = self.relinearization.max(other.relinearization);
        for (&g, &limbs) in &other.galois {
            let entry = self.galois.entry(g).or_insert(0);
            *entry = (*entry).max(limbs);
        }
        self
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
        self.encrypt_at(plaintext, self.params().max_level())
    }

    /// Encrypts at a level, over the primes `q_0, …, q_level`.
    ///
    /// # Errors
    /// If the level is above [`Parameters::max_level`], the plaintext does not fit, or the operating system gives no randomness.
    pub fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        let key = match self.key {
            Key::Secret(key) => return Ok(key.encrypt_seeded(plaintext, level)?.expand()),
            Key::Public(key) => key,
        };
        let params = &key.params;
        let message = prepare(params, plaintext, level)?;
        let inner = key.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let scale = params.scale(level);
        let noise = params.slot_variance(plaintext.slots(), params.noise().fresh_public(), scale);
        let estimate = plaintext.estimate(params, scale).with_noise(noise);
        Ok(Ciphertext { params: params.clone(), inner, scale, slots: plaintext.slots(), estimate })
    }
}

fn prepare(params: &Parameters, plaintext: &Plaintext, level: usize) -> Result<Zeroizing<Vec<i64>>, Error> {
    let operation = "encrypt";
    plaintext.check(operation, params)?;
    params.check_level(operation, level)?;
    let (scale, estimate) = (params.scale(level), Estimate { bound: plaintext.bound(), error: 0.0 });
    if !params.fits(estimate, scale, level) {
        return Err(params.overflow(operation, estimate, scale, level));
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

    /// The phase at the lowest level that holds the values and their errors, at most `most`.
    fn phase(
        &self,
        operation: &'static str,
        ciphertext: &Ciphertext,
        estimate: Estimate,
        most: usize,
    ) -> Result<Poly<Coeff>, Error> {
        let Ciphertext { params, inner, scale, .. } = ciphertext;
        if !params.same(&self.key.params) {
            return Err(Error::Foreign { operation, object: "ciphertext" });
        }
        let most = most.min(ciphertext.level());
        let level = (0..most).find(|&level| params.fits(estimate, *scale, level)).unwrap_or(most);
        Ok(self.key.inner.phase(&inner.truncated(level + 1)))
    }

    /// The slots of a phase.
    fn slots(&self, ciphertext: &Ciphertext, phase: impl Fn(usize) -> f64) -> Result<Vec<Complex64>, Error> {
        let (params, slots) = (&self.key.params, ciphertext.slots);
        let gap = params.slots() / slots;
        let value = |i: usize| phase(i * gap) / ciphertext.scale;
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
        let phase = to_floats(&self.phase("decrypt", ciphertext, ciphertext.estimate, usize::MAX)?);
        self.slots(ciphertext, |i| phase[i])
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
    /// Every coefficient gets discrete Gaussian noise of deviation `σ = 2^b·‖e‖`, where `‖e‖` is the estimated Euclidean norm of
    /// the error over all coefficients and `b` the `hiding_bits`. What is shown then differs from what does not depend on the
    /// error by a Kullback-Leibler divergence of `‖e‖²/2σ² = 2^{−2b−1}`, hence by a statistical distance below `2^{−b}`; over
    /// `k` decryptions under one key divergences add up, and the distance stays below `2^{−b}·√k`. By the analysis of Li,
    /// Micciancio, Schultz and Sorrell (Crypto 2022) `κ` bits of security take about `κ/2 + log2 √(12k)` hiding bits. Each
    /// costs a bit of precision, on top of `log2 √2n` for `n` slots: a product that is relinearized and not yet rescaled has
    /// the most to spare.
    ///
    /// The estimate is what the ciphertext says of itself; see [`Ciphertext::with_error_at_least`] where that is not trusted.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters, nothing would be left of the values, values and noise do not fit in
    /// two primes of its modulus, or so much noise cannot be drawn (`σ` above `2^77`).
    pub fn decrypt_shared(&self, ciphertext: &Ciphertext, hiding_bits: u32) -> Result<Vec<Complex64>, Error> {
        let operation = "shared decryption";
        let (Estimate { bound, error }, scale) = (ciphertext.estimate, ciphertext.scale);
        // The error of a slot is that of the sum of squares over all coefficients.
        let sigma = (error * scale).max(1.0) * f64::from(hiding_bits).exp2();
        let noise = sigma * (2.0 * ciphertext.slots as f64).sqrt() / scale;
        if noise >= bound {
            return Err(Error::Drowned { operation, bound, noise });
        }
        let params = &self.key.params;
        let level = ciphertext.level().min(1);
        let flooded = Estimate { bound, error: sigma / scale };
        if !params.fits(flooded, scale, level) {
            return Err(params.overflow(operation, flooded, scale, level));
        }
        let mut phase = to_words(&self.phase(operation, ciphertext, flooded, level)?);
        let noise = wide_noise(sigma, phase.len())?;
        phase.iter_mut().zip(noise.iter()).for_each(|(p, e)| *p += e);
        self.slots(ciphertext, |i| phase[i] as f64)
    }
}

/// Discrete Gaussian integers. Wide ones are `2^k·x + y` for `x` and `y` of the sampler, the deviation of `y` being
/// `8·2^k`, far above what makes the sum a Gaussian (Micciancio, Walter 2017; see `he_core::ring::sample`).
fn wide_noise(sigma: f64, count: usize) -> Result<Zeroizing<Vec<i128>>, Error> {
    let mut prng = Prng::from_os()?;
    let mut draw = |sigma: f64| -> Result<Zeroizing<Vec<i64>>, Error> {
        let mut out = Zeroizing::new(vec![0i64; count]);
        Gaussian::new(sigma)?.sample(&mut prng, &mut out);
        Ok(out)
    };
    let shift = (sigma.log2() - 39.0).ceil().max(0.0);
    if shift == 0.0 {
        return Ok(Zeroizing::new(draw(sigma)?.iter().map(|&x| i128::from(x)).collect()));
    }
    let (unit, low) = (shift.exp2(), 8.0 * shift.exp2());
    let (high, low) = (draw((sigma * sigma - low * low).sqrt() / unit)?, draw(low)?);
    let sum = |(&x, &y): (&i64, &i64)| (i128::from(x) << shift as u32) + i128::from(y);
    Ok(Zeroizing::new(high.iter().zip(low.iter()).map(sum).collect()))
}
