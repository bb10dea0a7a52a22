//! Ciphertexts: an RLWE ciphertext, its correction factor and its estimated noise.

use he_core::rlwe::{self, Bound, OperandError, SecretId};

use crate::error::Error;
use crate::noise::Noise;
use crate::params::Parameters;

/// The highest degree of a ciphertext: that of the square of a square.
pub const MOST_DEGREE: usize = 4;

/// An encryption of a plaintext `m`: the phase is `f·m (mod t)` for the correction factor `f` (Gentry, Halevi, Smart 2012).
///
/// It carries a public bound of its values in the clear, see [`Encoder`](crate::Encoder).
///
/// Dropping a prime `q` multiplies the phase by `q^{−1}` modulo `t`, and with it the correction factor.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let c = encryptor.encrypt(&encoder.encode(&[7])?)?;
/// // As bytes, sealed with its parameters; what was altered on the way is refused.
/// let mut bytes = c.to_bytes()?;
/// assert!(Ciphertext::from_bytes(&params, &bytes).is_ok());
/// bytes[100] ^= 1;
/// assert!(Ciphertext::from_bytes(&params, &bytes).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ciphertext {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::Ciphertext,
    pub(crate) factor: u64,
    pub(crate) noise: Noise,
    pub(crate) bound: Bound,
}

impl Ciphertext {
    /// A ciphertext of these parameters with phase `m (mod t)` for the message `m`, and noise of independent coefficients with
    /// a deviation of `2^log2_noise`, its values within `bound`: for bridges from other schemes. Nothing checks the claims.
    ///
    /// # Errors
    /// If the RLWE ciphertext belongs to other parameters, or the bound is above `t/2`.
    pub fn from_rlwe(
        params: &Parameters,
        inner: rlwe::Ciphertext,
        bound: Bound,
        log2_noise: f64,
    ) -> Result<Self, Error> {
        Self::from_rlwe_with_factor(params, inner, 1, bound, log2_noise)
    }

    /// As [`from_rlwe`](Self::from_rlwe), with phase `f·m (mod t)` for a correction factor `f`.
    ///
    /// # Errors
    /// If the RLWE ciphertext belongs to other parameters, the correction factor is not below `t` or has no inverse modulo it, or the
    /// bound is above `t/2`.
    pub fn from_rlwe_with_factor(
        params: &Parameters,
        inner: rlwe::Ciphertext,
        factor: u64,
        bound: Bound,
        log2_noise: f64,
    ) -> Result<Self, Error> {
        if !inner.params().same(params.rlwe()) {
            return Err(OperandError::Foreign { operation: "bridge", object: "ciphertext" }.into());
        }
        let t = params.t();
        if factor >= t.value() || t.inv(factor).is_none() {
            return Err(Error::CorrectionFactor { factor, t: t.value() });
        }
        let (bound, noise) = (bound.stated("bridge", t.value())?, Noise::from_log2(log2_noise));
        Ok(Self { params: params.clone(), inner, factor, noise, bound })
    }

    /// The ciphertext with another bound of its values: a smaller one, for whoever knows that sums of products stay below it, or
    /// [`Bound::Modulo`], for arithmetic modulo `t`. Nothing checks the claim.
    ///
    /// # Errors
    /// If the bound is above `t/2`.
    pub fn with_bound(mut self, bound: Bound) -> Result<Self, Error> {
        self.bound = bound.stated("with_bound", self.params.t().value())?;
        Ok(self)
    }

    /// The public bound of its values in the clear, as it was stated and followed from there.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The words times `scalars[i]` modulo prime `i`, with the noise and the correction factor of this ciphertext: for a scheme whose
    /// ciphertexts are multiples of these. Nothing checks that it is one. Scalars that are not given are 1.
    #[must_use]
    pub fn times(&self, scalars: &[u64]) -> Self {
        let mut out = self.clone();
        out.inner.mul_scalars(&self.params.residues(scalars));
        out
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.inner.secret_id()
    }

    /// The RLWE ciphertext.
    pub fn inner(&self) -> &rlwe::Ciphertext {
        &self.inner
    }

    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.inner.limbs() - 1
    }

    /// Degree in the secret: 1, or more for a product that is not relinearized, up to [`MOST_DEGREE`].
    pub fn degree(&self) -> usize {
        self.inner.degree()
    }

    /// Correction factor: the message is multiplied by it modulo `t`. It is 1 in a fresh ciphertext.
    #[doc(alias = "factor modulo t")]
    #[doc(alias = "plaintext scale")]
    pub fn correction_factor(&self) -> u64 {
        self.factor
    }

    /// The estimated noise.
    pub fn noise(&self) -> Noise {
        self.noise
    }

    /// Estimated bits left before it stops decrypting.
    pub fn noise_budget(&self) -> f64 {
        self.params.noise().budget(self.noise, self.level())
    }

    /// True if every part but the first is zero: such a ciphertext hides nothing, and servers refuse it.
    pub fn is_transparent(&self) -> bool {
        self.inner.is_transparent()
    }
}

/// A fresh ciphertext in half the space: the uniform part is kept as a seed.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 5, ..Spec::n8192() }.build_insecure("an example")?;
/// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
/// let seeded = key.encrypt_seeded(&encoder.encode(&[7])?, params.max_level())?;
/// let whole = seeded.clone().expand();
/// assert!(seeded.to_bytes()?.len() < whole.to_bytes()?.len() * 2 / 3);
/// // Either form is read by the same function.
/// let read = Ciphertext::from_bytes(&params, &seeded.to_bytes()?)?;
/// assert!(Decryptor::new(&key).decrypt(&read)? == Decryptor::new(&key).decrypt(&whole)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SeededCiphertext {
    pub(crate) params: Parameters,
    pub(crate) inner: rlwe::SeededCiphertext,
    pub(crate) noise: Noise,
    pub(crate) bound: Bound,
}

impl SeededCiphertext {
    /// Level `l`: it lives over the primes `q_0, …, q_l`.
    pub fn level(&self) -> usize {
        self.inner.limbs() - 1
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.inner.secret_id()
    }

    /// The public bound of its values.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The RLWE ciphertext.
    pub fn inner(&self) -> &rlwe::SeededCiphertext {
        &self.inner
    }

    /// The ciphertext with its uniform part expanded.
    pub fn expand(self) -> Ciphertext {
        let Self { params, inner, noise, bound } = self;
        Ciphertext { params, inner: inner.expand(), factor: 1, noise, bound }
    }
}

he_core::brief_debug!(Ciphertext: |a| level = a.level(), degree = a.degree(), log2_noise = a.noise.log2(), secret_id = a.secret_id());
he_core::brief_debug!(SeededCiphertext: |a| level = a.level(), log2_noise = a.noise.log2(), secret_id = a.secret_id());
