//! One value that opens all bridges.

use std::sync::Arc;

use he_bgv::transform::SlotTransform;
use he_ckks::bootstrap::Bootstrapper;
use he_tfhe::{GlweCiphertext, LweCiphertext};

use crate::bgv_ckks::Refresher;
use crate::bgv_to_tfhe::BgvToTfhe;
use crate::ckks_to_tfhe::CkksToTfhe;
use crate::error::Error;
use crate::evaluation::EvaluationKeys;
use crate::expand::Expander;
use crate::params::Parameters;
use crate::request::KeyKind;
use crate::tfhe_to_bgv::TfheToBgv;
use crate::tfhe_to_ckks::TfheToCkks;

/// The server's part: the evaluators of the three schemes and the bridges between them. It holds nothing secret, is shared by
/// threads, and is cheap to clone.
///
/// Operations whose keys were not requested are refused with [`Error::NoKey`].
///
/// ```
/// # use he_switch::{Bridge, Error, KeyRequest, SecretKeys, Spec, Switcher, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let secret = SecretKeys::generate(&params)?;
/// let keys = secret.evaluation_keys(&KeyRequest::default().bridge(Bridge::BgvRefresh).slots(512))?;
/// let switcher = Switcher::new(keys)?;
/// let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[7])?;
/// let c = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&plaintext)?;
/// let last = switcher.bgv().mod_switch(&switcher.bgv().mod_switch(&c)?)?;
/// let fresh = switcher.refresh(&[last], (-46_f64).exp2())?;
/// assert_eq!(fresh[0].level(), params.bgv().max_level());
/// // No bridge to TFHE was requested.
/// assert!(matches!(switcher.bgv_to_tfhe(&c, &[0]), Err(Error::NoKey { .. })));
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret keys:
/// ```compile_fail,E0308
/// # fn f(secret: he_switch::SecretKeys) {
/// let switcher = he_switch::Switcher::new(secret);
/// # }
/// ```
#[derive(Clone)]
pub struct Switcher {
    params: Parameters,
    bgv: Arc<he_bgv::Evaluator>,
    tfhe: Option<Arc<he_tfhe::Evaluator>>,
    ckks: Option<Arc<Bootstrapper>>,
    bgv_to_tfhe: Option<Arc<BgvToTfhe>>,
    ckks_to_tfhe: Option<Arc<CkksToTfhe>>,
    tfhe_to_ckks: Option<Arc<TfheToCkks>>,
    tfhe_to_bgv: Option<Arc<TfheToBgv>>,
    refresher: Option<Arc<Refresher>>,
    expander: Option<Arc<Expander>>,
}

/// A part of the switcher, or the kind of keys that is missing.
fn part<'a, T>(part: &'a Option<Arc<T>>, operation: &'static str, key: KeyKind) -> Result<&'a Arc<T>, Error> {
    part.as_ref().ok_or(Error::NoKey { operation, key })
}

impl Switcher {
    /// Prepares keys for use: expands masks from their seeds, and the transforms of CKKS's bootstrap.
    ///
    /// # Errors
    /// Never for keys that were drawn; if keys that were read do not go together, as those of different clients do not.
    pub fn new(keys: EvaluationKeys) -> Result<Self, Error> {
        keys.check_secrets()?;
        let params = keys.params;
        let bgv = keys.bgv.unwrap_or_else(|| he_bgv::EvaluationKeys::none(params.bgv()));
        let tfhe = keys.tfhe.map(|keys| Arc::new(he_tfhe::Evaluator::new(keys.expand())));
        let ckks = keys.ckks.map(Bootstrapper::new).transpose()?.map(Arc::new);
        let bgv_to_tfhe = keys.bgv_to_tfhe.map(|key| BgvToTfhe::new(&key)).transpose()?;
        let ckks_to_tfhe =
            keys.ckks_to_tfhe.zip(ckks.clone()).map(|(key, ckks)| CkksToTfhe::new(&key, ckks)).transpose()?;
        let tfhe_to_ckks =
            keys.tfhe_to_ckks.zip(ckks.clone()).map(|(key, ckks)| TfheToCkks::new(key, ckks)).transpose()?;
        let tfhe_to_ckks = tfhe_to_ckks.map(Arc::new);
        let refresher =
            keys.bgv_ckks.zip(ckks.clone()).map(|(keys, ckks)| Refresher::new(keys, ckks)).transpose()?;
        let refresher = refresher.map(Arc::new);
        let ways = tfhe_to_ckks.clone().zip(refresher.clone());
        let tfhe_to_bgv = ways.map(|(ring, refresher)| TfheToBgv::new(ring, refresher)).transpose()?;
        Ok(Self {
            bgv: Arc::new(he_bgv::Evaluator::new(params.bgv(), bgv)?),
            tfhe,
            ckks,
            bgv_to_tfhe: bgv_to_tfhe.map(Arc::new),
            ckks_to_tfhe: ckks_to_tfhe.map(Arc::new),
            tfhe_to_ckks,
            tfhe_to_bgv: tfhe_to_bgv.map(Arc::new),
            refresher,
            expander: keys.expander.map(Arc::new),
            params,
        })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The evaluator of BGV; without keys if none were requested, which is enough for sums and plain products.
    pub fn bgv(&self) -> &Arc<he_bgv::Evaluator> {
        &self.bgv
    }

    /// The evaluator of TFHE, for tables and packing.
    ///
    /// # Errors
    /// If no bridge to or from TFHE was requested.
    pub fn tfhe(&self) -> Result<&Arc<he_tfhe::Evaluator>, Error> {
        part(&self.tfhe, "tables", KeyKind::Tfhe)
    }

    /// The bootstrapper of CKKS, which has its evaluator as well.
    ///
    /// # Errors
    /// If nothing was requested that takes a bootstrap of CKKS.
    pub fn ckks(&self) -> Result<&Arc<Bootstrapper>, Error> {
        part(&self.ckks, "bootstrap", KeyKind::Ckks)
    }

    /// Coefficients of a BGV ciphertext as LWE ciphertexts: see [`BgvToTfhe::extract`].
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn bgv_to_tfhe(
        &self,
        ciphertext: &he_bgv::Ciphertext,
        coefficients: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let bridge = part(&self.bgv_to_tfhe, "bridge from BGV to TFHE", KeyKind::BgvToTfhe)?;
        bridge.extract(ciphertext, coefficients)
    }

    /// Slots of a BGV ciphertext as LWE ciphertexts: see [`BgvToTfhe::extract_slots`]. The request must have had the keys of the
    /// transform.
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn bgv_slots_to_tfhe(
        &self,
        transform: &SlotTransform,
        ciphertext: &he_bgv::Ciphertext,
        slots: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let bridge = part(&self.bgv_to_tfhe, "bridge from BGV to TFHE", KeyKind::BgvToTfhe)?;
        bridge.extract_slots(&self.bgv, transform, ciphertext, slots)
    }

    /// Packed values `m/2^log_t` as BGV ciphertexts with an error of at most `error` in units of the integers: see
    /// [`TfheToBgv::convert`].
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn tfhe_to_bgv(
        &self,
        packed: &[GlweCiphertext],
        log_t: u32,
        error: f64,
    ) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        let key = if self.refresher.is_none() { KeyKind::BgvCkks } else { KeyKind::TfheToCkks };
        part(&self.tfhe_to_bgv, "bridge from TFHE to BGV", key)?.convert(packed, log_t, error)
    }

    /// BGV ciphertexts with all levels and an error of at most `error` in units of the integers: see [`Refresher::refresh`].
    ///
    /// # Errors
    /// As there, or if the refresh was not requested.
    pub fn refresh(
        &self,
        ciphertexts: &[he_bgv::Ciphertext],
        error: f64,
    ) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        part(&self.refresher, "refresh of BGV", KeyKind::BgvCkks)?.refresh(ciphertexts, error)
    }

    /// The first `count` slots of a CKKS ciphertext as LWE ciphertexts, and the phase of the value 1: see
    /// [`CkksToTfhe::extract`].
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn ckks_to_tfhe(
        &self,
        ciphertext: &he_ckks::Ciphertext,
        count: usize,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let bridge = part(&self.ckks_to_tfhe, "bridge from CKKS to TFHE", KeyKind::CkksToTfhe)?;
        bridge.extract(ciphertext, count)
    }

    /// Slots of a CKKS ciphertext, times `2^bits`, as LWE ciphertexts, and the phase of the value 1: see
    /// [`CkksToTfhe::extract_slots`].
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn ckks_slots_to_tfhe(
        &self,
        ciphertext: &he_ckks::Ciphertext,
        slots: &[usize],
        bits: u32,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let bridge = part(&self.ckks_to_tfhe, "bridge from CKKS to TFHE", KeyKind::CkksToTfhe)?;
        bridge.extract_slots(ciphertext, slots, bits)
    }

    /// Packed values `v/2^log_t` in slots of CKKS, and the factor with which they stand there: see [`TfheToCkks::convert`].
    ///
    /// # Errors
    /// As there, or if the bridge was not requested.
    pub fn tfhe_to_ckks(
        &self,
        packed: &[GlweCiphertext],
        log_t: u32,
    ) -> Result<(he_ckks::Ciphertext, f64), Error> {
        let bridge = part(&self.tfhe_to_ckks, "bridge from TFHE to CKKS", KeyKind::TfheToCkks)?;
        bridge.convert(packed, log_t)
    }

    /// The expander of BGV ciphertexts.
    ///
    /// # Errors
    /// If no expansion was requested.
    pub fn expander(&self) -> Result<&Arc<Expander>, Error> {
        part(&self.expander, "expansion", KeyKind::Expansion)
    }

    /// A BGV ciphertext over all primes as `2^levels`: see [`Expander::expand`].
    ///
    /// # Errors
    /// As there, or if no expansion was requested.
    pub fn expand(&self, c: &he_bgv::Ciphertext, levels: u32) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        self.expander()?.expand(c, levels)
    }
}

he_core::brief_debug!(Switcher: |a|
    params = a.params,
    tfhe = a.tfhe.is_some(),
    ckks = a.ckks.is_some(),
    bgv_to_tfhe = a.bgv_to_tfhe.is_some(),
    ckks_to_tfhe = a.ckks_to_tfhe.is_some(),
    tfhe_to_ckks = a.tfhe_to_ckks.is_some(),
    tfhe_to_bgv = a.tfhe_to_bgv.is_some(),
    refresher = a.refresher.is_some(),
    expander = a.expander.is_some(),
    secret_id = a.bgv.secret_id());
