//! LWE ciphertexts.

use he_core::rlwe::SecretId;

use crate::error::Error;
use crate::params::Parameters;

/// An LWE ciphertext `(a, b)` modulo `2^32` under the long key, of dimension `k·N`; phase `b + ⟨a, s⟩`.
///
/// It carries an estimate of the variance of its noise: a bootstrap that would fail too often is refused.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // 3·1 + 2, in place; sums take no bootstrap.
/// let mut c = encryptor.encrypt(1)?;
/// c.scale_assign(3);
/// c.add_scaled_assign(&encryptor.encrypt(2)?, 1)?;
/// let bytes = LweCiphertext::to_bytes(&params, &[c])?;
/// assert_eq!(decryptor.decrypt(&LweCiphertext::from_bytes(&params, &bytes)?[0])?, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LweCiphertext {
    pub(crate) params: Parameters,
    /// None for a constant, which has no mask.
    pub(crate) secret: Option<SecretId>,
    /// Mask, then body.
    pub(crate) words: Vec<u32>,
    /// Of the noise, relative to the torus.
    pub(crate) variance: f64,
}

impl LweCiphertext {
    /// The encryption of `phase` without mask and noise: a constant, under every secret and none.
    pub fn trivial(params: &Parameters, phase: u32) -> Self {
        let mut words = vec![0; params.spec().big_dimension() + 1];
        words[params.spec().big_dimension()] = phase;
        Self { params: params.clone(), secret: None, words, variance: 0.0 }
    }

    /// A ciphertext under a secret from mask and body, in that order, and the variance of its noise relative to the torus, for bridges
    /// from other schemes.
    ///
    /// # Errors
    /// If there are not `k·N + 1` values, or the variance is negative or not finite.
    #[doc(alias = "from_words")]
    pub fn from_mask_and_body(
        params: &Parameters,
        secret: SecretId,
        words: Vec<u32>,
        variance: f64,
    ) -> Result<Self, Error> {
        let needed = params.spec().big_dimension() + 1;
        if words.len() != needed {
            let (operation, found) = ("ciphertext", words.len());
            return Err(Error::Count { operation, found, needed: needed.to_string() });
        }
        if !(variance >= 0.0 && variance.is_finite()) {
            let (field, found) = ("the variance", variance.to_string());
            return Err(Error::Spec { field, found, needed: "0 or more".into() });
        }
        Ok(Self { params: params.clone(), secret: Some(secret), words, variance })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under; none for a [constant](Self::trivial).
    pub fn secret_id(&self) -> Option<SecretId> {
        self.secret
    }

    /// The mask.
    pub fn mask(&self) -> &[u32] {
        &self.words[..self.words.len() - 1]
    }

    /// The body.
    pub fn body(&self) -> u32 {
        self.words[self.words.len() - 1]
    }

    /// Estimated variance of the noise, relative to the torus.
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

he_core::brief_debug!(LweCiphertext: |a| dimension = a.words.len() - 1, variance = a.variance, secret_id = a.secret);
