//! Keys between BGV and CKKS, and what stands between the two.

use he_core::ring::sample::Prng;
use he_core::rlwe::{self, Bound, KeySwitchKey, SecretId};

use crate::error::Error;
use crate::shared::Parameters;

/// Keys between the secrets of BGV and CKKS; their masks are kept as seeds when they are sent.
///
/// ```
/// # use he_switch::{Error, bgv::BootstrapSpec, bgv_ckks::Keys, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// let bytes = Keys::generate(&params, &bgv, &ckks)?.to_bytes()?;
/// let keys = Keys::from_bytes(&params, &bytes)?;
/// # assert_eq!(keys.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
pub struct Keys {
    pub(crate) params: Parameters,
    pub(crate) up: KeySwitchKey,
    pub(crate) down: KeySwitchKey,
}

impl Keys {
    /// Draws the keys.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        ckks: &he_ckks::SecretKey,
    ) -> Result<Self, Error> {
        if !bgv.params().same(params.bgv()) || !ckks.params().same(params.ckks()) {
            let operation = "keys of the bridge between BGV and CKKS";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        let mut prng = Prng::from_os()?;
        let (joint, limbs) = (params.joint(), params.joint().max_limbs());
        let (small, large) = (bgv.inner().interleaved(joint), ckks.inner().interleaved(joint));
        let up = large.switching_key_from(&small, limbs, &mut prng);
        let down = small.switching_key_from(&large, limbs, &mut prng);
        Ok(Self { params: params.clone(), up, down })
    }

    /// The identifiers of the secrets of BGV and of CKKS.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.up.secret_ids()
    }
}

/// A ciphertext in the ring of CKKS with integers at the top of its modulus, one in each coefficient.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, bgv::BootstrapSpec, bgv_ckks::{Keys, Refresher}, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// # let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// # let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// # let keys = ckks.bootstrap_keys(512, &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// # let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[5, -3])?;
/// # let c = he_bgv::Encryptor::with_secret(&bgv).encrypt(&plaintext)?;
/// # let refresher = Refresher::new(Keys::generate(&params, &bgv, &ckks)?, bootstrapper)?;
/// # let bgv = he_bgv::Evaluator::new(params.bgv(), he_bgv::EvaluationKeys::none(params.bgv()))?;
/// // A ciphertext over its last prime; the error is in units of the distance of two integers.
/// let integers = refresher.gather(&[bgv.mod_switch(&bgv.mod_switch(&c)?)?])?;
/// assert!((1e-8..1e-4).contains(&integers.error()));
/// let cleaned = refresher.clean(&integers)?;
/// assert!(cleaned.error() < 1e-6 * integers.error());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Integers {
    pub(crate) inner: rlwe::Ciphertext,
    /// The modulus of the integers.
    pub(crate) t: u64,
    /// Root mean square of the error, in units of the integers.
    pub(crate) error: f64,
    /// Dimension of the subring that is in use, a power of two.
    pub(crate) dimension: usize,
    /// Correction factors of the BGV ciphertexts that lie side by side; those that are not named have none.
    pub(crate) factors: Vec<u64>,
    /// Bounds of their values; those that are not named may take the whole modulus.
    pub(crate) bounds: Vec<Bound>,
}

impl Integers {
    /// The identifier of the secret they are under, that of CKKS.
    pub fn secret_id(&self) -> SecretId {
        self.inner.secret_id()
    }

    /// Root mean square of the error, the distance of two integers being 1.
    pub fn error(&self) -> f64 {
        self.error
    }
}

he_core::brief_debug!(Keys: |a| params = a.params, secret_ids = a.secret_ids());
he_core::brief_debug!(Integers: |a| t = a.t, error = a.error, dimension = a.dimension, secret_id = a.secret_id());
