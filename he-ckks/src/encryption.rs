//! Encryption and decryption.

use he_core::ring::rns::{to_floats, to_words};
use he_core::ring::sample::{Gaussian, Prng};
use he_core::ring::{Coeff, Poly};
use he_core::rlwe::OperandError;
use num_complex::Complex64;
use zeroize::Zeroizing;

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::keys::{PublicKey, SecretKey};
use crate::params::Parameters;
use crate::plaintext::Plaintext;

/// The integer polynomial to be encrypted at a level.
fn message(params: &Parameters, plaintext: &Plaintext, level: usize) -> Result<Zeroizing<Vec<i64>>, Error> {
    let operation = "encrypt";
    plaintext.check(operation, params)?;
    params.check_level(operation, level)?;
    let (scale, estimate) = (params.scale(level), Estimate { bound: plaintext.bound(), error: 0.0 });
    if !params.fits(estimate, scale, level) {
        return Err(params.overflow(operation, estimate, scale, level));
    }
    plaintext.scaled(params, scale)
}

impl SecretKey {
    /// Encrypts at a level, in seeded form.
    ///
    /// # Errors
    /// If the level is above [`Parameters::max_level`], the plaintext belongs to another ring or does not fit, or the operating
    /// system gives no randomness.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, level: usize) -> Result<SeededCiphertext, Error> {
        let (params, message) = (&self.params, message(&self.params, plaintext, level)?);
        let inner = self.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let estimate = fresh(params, plaintext, level, params.noise().fresh_secret());
        Ok(SeededCiphertext { params: params.clone(), inner, slots: plaintext.slots(), estimate })
    }
}

impl PublicKey {
    pub(crate) fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
        let (params, message) = (&self.params, message(&self.params, plaintext, level)?);
        let inner = self.inner.encrypt(level + 1, &message, &mut Prng::from_os()?);
        let estimate = fresh(params, plaintext, level, params.noise().fresh_public());
        let scale = params.scale(level);
        Ok(Ciphertext { params: params.clone(), inner, scale, slots: plaintext.slots(), estimate })
    }
}

/// Bound and error of a fresh ciphertext whose coefficients have an error of the given variance.
fn fresh(params: &Parameters, plaintext: &Plaintext, level: usize, variance: f64) -> Estimate {
    let scale = params.scale(level);
    let noise = params.slot_variance(plaintext.slots(), variance, scale);
    plaintext.estimate(params, scale).with_noise(noise)
}

/// Decrypts.
///
/// **Decrypted values carry the error of the ciphertext, which depends on the secret key.** Whoever sees them in full
/// precision next to the ciphertext can recover the key (Li, Micciancio 2021). What leaves the owner of the key goes through
/// [`decrypt_shared`](Self::decrypt_shared).
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[0.5])?)?;
/// let decryptor = Decryptor::new(&key);
/// // For the owner of the key.
/// assert!((decryptor.decrypt(&c)?[0] - 0.5).abs() < 1e-6);
/// // For others: noise hides the error of the ciphertext, at the price of precision.
/// let shown = decryptor.decrypt_shared(&c, 8)?;
/// assert!((shown[0].re - 0.5).abs() < 1e-3);
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
            return Err(OperandError::Foreign { operation, object: "ciphertext" }.into());
        }
        ciphertext.secret_id().check(operation, "ciphertext", self.key.secret_id())?;
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
    /// If the ciphertext belongs to other parameters or another secret, or nothing is left of its values: their estimated error (root mean square)
    /// reaches their bound. Of values that are bounded by 0 there is nothing to lose.
    pub fn decrypt_complex(&self, ciphertext: &Ciphertext) -> Result<Vec<Complex64>, Error> {
        let Estimate { bound, error } = ciphertext.estimate;
        if bound > 0.0 && error >= bound {
            return Err(Error::Drowned { operation: "decrypt", bound, noise: error });
        }
        let phase = to_floats(&self.phase("decrypt", ciphertext, ciphertext.estimate, usize::MAX)?);
        self.slots(ciphertext, |i| phase[i])
    }

    /// The real parts of the values, for the owner of the key alone.
    ///
    /// # Errors
    /// As [`decrypt_complex`](Self::decrypt_complex).
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
    /// If the ciphertext belongs to other parameters or another secret, nothing would be left of the values, values and noise do not fit in
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

he_core::brief_debug!(['k] Decryptor<'k>: |a| secret_id = a.key.secret_id());
