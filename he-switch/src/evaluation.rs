//! The evaluation keys of all schemes and bridges in one bundle.

use std::io::Read;

use he_ckks::bootstrap::{BootstrapKeys, Order};
use he_core::rlwe::{ForeignSecret, SecretId};
use he_core::wire::WireError;

use crate::error::Error;
use crate::expand::Expander;
use crate::params::Parameters;
use crate::request::{Bridge, KeyKind, KeyRequest};
use crate::ring_switch::SeededRingSwitch;
use crate::secret::SecretKeys;
use crate::{bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, tfhe_to_ckks};

/// The evaluation keys of a request, as they are drawn and sent. They decrypt nothing; a
/// [`Switcher`](crate::Switcher) computes with them.
///
/// ```
/// # use he_switch::{Bridge, Error, EvaluationKeys, KeyRequest, SecretKeys, Spec, Switcher};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let request = KeyRequest::default().bridge(Bridge::BgvToTfhe).expansion(2);
/// // The client sends a message for each kind of keys ...
/// let messages = SecretKeys::generate(&params)?.evaluation_keys(&request)?.to_bytes()?;
/// // ... and the server, which knows the request, opens them.
/// let keys = EvaluationKeys::from_bytes(&params, &request, &messages)?;
/// let switcher = Switcher::new(keys)?;
/// # Ok(())
/// # }
/// ```
pub struct EvaluationKeys {
    pub(crate) params: Parameters,
    pub(crate) bgv: Option<he_bgv::EvaluationKeys>,
    pub(crate) tfhe: Option<he_tfhe::SeededEvaluationKeys>,
    pub(crate) ckks: Option<BootstrapKeys>,
    pub(crate) bgv_to_tfhe: Option<bgv_to_tfhe::SeededKey>,
    pub(crate) ckks_to_tfhe: Option<ckks_to_tfhe::SeededKey>,
    pub(crate) tfhe_to_ckks: Option<tfhe_to_ckks::Key>,
    pub(crate) bgv_ckks: Option<bgv_ckks::Keys>,
    pub(crate) expander: Option<Expander>,
}

impl SecretKeys {
    /// Draws the evaluation keys of a request.
    ///
    /// # Errors
    /// If a bridge needs the other order of the transforms in the bootstrap of CKKS, the request names levels, slots or Galois
    /// elements that are not there, or the operating system gives no randomness.
    pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
        let Self { params, bgv, ckks, tfhe } = self;
        request.bridges().try_for_each(|bridge| check_order(params, bridge))?;
        let (slots, further) = request.of_ckks(params.ckks());
        Ok(EvaluationKeys {
            params: params.clone(),
            bgv: request.bgv.as_ref().map(|request| bgv.evaluation_keys(request)).transpose()?,
            tfhe: request.wants(KeyKind::Tfhe).then(|| tfhe.seeded_evaluation_keys()).transpose()?,
            ckks: request.wants(KeyKind::Ckks).then(|| ckks.bootstrap_keys(slots, &further)).transpose()?,
            bgv_to_tfhe: request
                .wants(KeyKind::BgvToTfhe)
                .then(|| bgv_to_tfhe::SeededKey::generate(params, bgv, tfhe))
                .transpose()?,
            ckks_to_tfhe: request
                .wants(KeyKind::CkksToTfhe)
                .then(|| ckks_to_tfhe::SeededKey::generate(params, ckks, tfhe))
                .transpose()?,
            tfhe_to_ckks: request
                .wants(KeyKind::TfheToCkks)
                .then(|| tfhe_to_ckks::Key::generate(params, tfhe, ckks))
                .transpose()?,
            bgv_ckks: request
                .wants(KeyKind::BgvCkks)
                .then(|| bgv_ckks::Keys::generate(params.shared(), bgv, ckks))
                .transpose()?,
            expander: request.expansion.map(|levels| Expander::generate(params, bgv, levels)).transpose()?,
        })
    }
}

/// Refuses a bridge that needs the other order of the transforms in the bootstrap of CKKS.
fn check_order(params: &Parameters, bridge: Bridge) -> Result<(), Error> {
    let needed = match bridge {
        Bridge::BgvToTfhe => return Ok(()),
        Bridge::TfheToBgv | Bridge::BgvRefresh => Order::CoefficientsFirst,
        Bridge::CkksToTfhe | Bridge::TfheToCkks => Order::SlotsFirst,
    };
    let name = |order| match order {
        Some(Order::CoefficientsFirst) => "coefficients first",
        Some(Order::SlotsFirst) => "slots first",
        None => "none",
    };
    let found = params.order();
    if found == Some(needed) {
        return Ok(());
    }
    let (field, found) = ("the order of bootstrapping", name(found).to_owned());
    Err(Error::Mismatch { field, found, needed: format!("{} for {bridge:?}", name(Some(needed))) })
}

impl EvaluationKeys {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// Whether the keys of each scheme, and those that lead to it and from it, are of one secret.
    pub(crate) fn check_secrets(&self) -> Result<(), ForeignSecret> {
        let bgv_to_tfhe = self.bgv_to_tfhe.as_ref().map(|key| key.0.secrets);
        let ckks_to_tfhe = self.ckks_to_tfhe.as_ref().map(|key| key.0.secrets);
        let tfhe_to_ckks = self.tfhe_to_ckks.as_ref().map(|key| key.inner.secret_ids());
        let bgv_ckks = self.bgv_ckks.as_ref().map(bgv_ckks::Keys::secret_ids);
        let (from, to) = (|ids: [SecretId; 2]| ids[0], |ids: [SecretId; 2]| ids[1]);
        let bgv = [
            self.bgv.as_ref().and_then(he_bgv::EvaluationKeys::secret_id),
            self.expander.as_ref().and_then(|expander| expander.keys.secret_id()),
            bgv_to_tfhe.map(from),
            bgv_ckks.map(from),
        ];
        let ckks = [
            self.ckks.as_ref().map(BootstrapKeys::secret_id),
            ckks_to_tfhe.map(from),
            tfhe_to_ckks.map(to),
            bgv_ckks.map(to),
        ];
        let tfhe = [
            self.tfhe.as_ref().map(he_tfhe::SeededEvaluationKeys::secret_id),
            tfhe_to_ckks.map(from),
            bgv_to_tfhe.map(to),
            ckks_to_tfhe.map(to),
        ];
        for (object, ids) in [("key of BGV", bgv), ("key of CKKS", ckks), ("key of TFHE", tfhe)] {
            SecretId::check_all("new switcher", object, None, ids.into_iter().flatten())?;
        }
        Ok(())
    }

    /// The kinds of keys that are there, in the order of [`to_bytes`](Self::to_bytes).
    pub fn kinds(&self) -> Vec<KeyKind> {
        KeyKind::ALL.into_iter().filter(|&kind| self.has(kind)).collect()
    }

    fn has(&self, kind: KeyKind) -> bool {
        match kind {
            KeyKind::Bgv => self.bgv.is_some(),
            KeyKind::Tfhe => self.tfhe.is_some(),
            KeyKind::Ckks => self.ckks.is_some(),
            KeyKind::BgvToTfhe => self.bgv_to_tfhe.is_some(),
            KeyKind::CkksToTfhe => self.ckks_to_tfhe.is_some(),
            KeyKind::TfheToCkks => self.tfhe_to_ckks.is_some(),
            KeyKind::BgvCkks => self.bgv_ckks.is_some(),
            KeyKind::Expansion => self.expander.is_some(),
        }
    }

    /// A sealed message for each of [`kinds`](Self::kinds).
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<Vec<u8>>, Error> {
        let message = |kind| self.message(kind).map_err(|source| Error::Key { kind, source });
        KeyKind::ALL.into_iter().filter_map(|kind| message(kind).transpose()).collect()
    }

    fn message(&self, kind: KeyKind) -> Result<Option<Vec<u8>>, WireError> {
        match kind {
            KeyKind::Bgv => self.bgv.as_ref().map(he_bgv::EvaluationKeys::to_bytes),
            KeyKind::Tfhe => self.tfhe.as_ref().map(he_tfhe::SeededEvaluationKeys::to_bytes),
            KeyKind::Ckks => self.ckks.as_ref().map(BootstrapKeys::to_bytes),
            KeyKind::BgvToTfhe => self.bgv_to_tfhe.as_ref().map(bgv_to_tfhe::SeededKey::to_bytes),
            KeyKind::CkksToTfhe => self.ckks_to_tfhe.as_ref().map(ckks_to_tfhe::SeededKey::to_bytes),
            KeyKind::TfheToCkks => self.tfhe_to_ckks.as_ref().map(tfhe_to_ckks::Key::to_bytes),
            KeyKind::BgvCkks => self.bgv_ckks.as_ref().map(bgv_ckks::Keys::to_bytes),
            KeyKind::Expansion => self.expander.as_ref().map(Expander::to_bytes),
        }
        .transpose()
    }

    /// Bytes of each sealed message of a request, in the order of [`KeyRequest::kinds`], before keys are drawn.
    ///
    /// # Errors
    /// If the request names levels, slots or Galois elements that are not there.
    pub fn sealed_bytes(params: &Parameters, request: &KeyRequest) -> Result<Vec<usize>, Error> {
        let size = |kind: KeyKind| -> Result<usize, Error> {
            Ok(match kind {
                KeyKind::Bgv => request.bgv.clone().unwrap_or_default().sealed_bytes(params.bgv())?,
                KeyKind::Tfhe => he_tfhe::SeededEvaluationKeys::sealed_bytes(params.tfhe()),
                KeyKind::Ckks => {
                    let (slots, further) = request.of_ckks(params.ckks());
                    BootstrapKeys::sealed_bytes(params.ckks(), slots, &further)?
                }
                KeyKind::BgvToTfhe => SeededRingSwitch::sealed_bytes(params.top()),
                KeyKind::CkksToTfhe => SeededRingSwitch::sealed_bytes(params.joint()),
                KeyKind::TfheToCkks => tfhe_to_ckks::Key::sealed_bytes(params),
                KeyKind::BgvCkks => bgv_ckks::Keys::sealed_bytes(params.shared()),
                KeyKind::Expansion => Expander::sealed_bytes(params.bgv(), request.expansion.unwrap_or(0)),
            })
        };
        request.kinds().into_iter().map(size).collect()
    }

    /// Opens the messages of a request, in the order of [`KeyRequest::kinds`].
    ///
    /// # Errors
    /// [`Error::Key`] with the kind of keys if a message is truncated, altered, of another kind, belongs to other parameters, or holds
    /// other keys than the request asks for; [`Error::Mismatch`] for another number of messages.
    pub fn from_bytes<B: AsRef<[u8]>>(
        params: &Parameters,
        request: &KeyRequest,
        messages: &[B],
    ) -> Result<Self, Error> {
        Self::read_from(params, request, messages.iter().map(AsRef::as_ref).collect())
    }

    /// As [`from_bytes`](Self::from_bytes), of messages that are read piece by piece, each to its end: hashed and opened as they come, so
    /// that their bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from<R: Read>(
        params: &Parameters,
        request: &KeyRequest,
        messages: Vec<R>,
    ) -> Result<Self, Error> {
        let kinds = request.kinds();
        if messages.len() != kinds.len() {
            let (found, needed) = (messages.len().to_string(), kinds.len().to_string());
            return Err(Error::Mismatch {
                field: "the number of messages with evaluation keys",
                found,
                needed,
            });
        }
        let mut keys = Self {
            params: params.clone(),
            bgv: None,
            tfhe: None,
            ckks: None,
            bgv_to_tfhe: None,
            ckks_to_tfhe: None,
            tfhe_to_ckks: None,
            bgv_ckks: None,
            expander: None,
        };
        for (kind, message) in kinds.into_iter().zip(messages) {
            keys.open(kind, request, message).map_err(|source| Error::Key { kind, source })?;
        }
        Ok(keys)
    }

    fn open(&mut self, kind: KeyKind, request: &KeyRequest, from: impl Read) -> Result<(), WireError> {
        let params = &self.params;
        match kind {
            KeyKind::Bgv => {
                let request = request.bgv.clone().unwrap_or_default();
                self.bgv = Some(he_bgv::EvaluationKeys::requested_from(params.bgv(), &request, from)?);
            }
            KeyKind::Tfhe => {
                self.tfhe = Some(he_tfhe::SeededEvaluationKeys::read_from(params.tfhe(), from)?);
            }
            KeyKind::Ckks => {
                let ckks = params.ckks();
                let (slots, further) = request.of_ckks(ckks);
                self.ckks = Some(BootstrapKeys::requested_from(ckks, slots, &further, from)?);
            }
            KeyKind::BgvToTfhe => {
                self.bgv_to_tfhe = Some(bgv_to_tfhe::SeededKey::read_from(params, from)?);
            }
            KeyKind::CkksToTfhe => {
                self.ckks_to_tfhe = Some(ckks_to_tfhe::SeededKey::read_from(params, from)?);
            }
            KeyKind::TfheToCkks => self.tfhe_to_ckks = Some(tfhe_to_ckks::Key::read_from(params, from)?),
            KeyKind::BgvCkks => self.bgv_ckks = Some(bgv_ckks::Keys::read_from(params.shared(), from)?),
            KeyKind::Expansion => {
                let expander = Expander::read_from(params, from)?;
                let needed = request.expansion.unwrap_or(0);
                if expander.levels != needed {
                    let why = format!("{}, asked for {needed}", expander.levels);
                    return Err(WireError::Invalid { what: "levels of an expansion", why });
                }
                self.expander = Some(expander);
            }
        }
        Ok(())
    }
}

he_core::brief_debug!(EvaluationKeys: |a|
    params = a.params,
    bgv = a.bgv,
    tfhe = a.tfhe,
    ckks = a.ckks,
    bgv_to_tfhe = a.bgv_to_tfhe,
    ckks_to_tfhe = a.ckks_to_tfhe,
    tfhe_to_ckks = a.tfhe_to_ckks,
    bgv_ckks = a.bgv_ckks,
    expander = a.expander);
