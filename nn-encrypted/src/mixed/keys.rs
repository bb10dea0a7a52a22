//! The evaluation keys of a training: those of the schemes, and of the bridges between them.

use std::sync::Arc;

use he_bgv::KeyRequest;
use he_core::wire::WireError;
use he_switch::{bgv_ckks, bgv_to_tfhe, ckks_tfhe, expand::Expander, tfhe_to_bgv};

use super::arrangement::Arrangement;
use super::client::Secrets;
use super::layout::Layout;
use super::packing::Packing;
use super::{MixedError, MixedPlan};

/// Kinds of keys where layers are in BGV, in the order in which they are sent.
const BGV: [&str; 7] = [
    "evaluation keys of BGV",
    "evaluation keys of TFHE",
    "bootstrapping keys of CKKS",
    "key from BGV to TFHE",
    "key from TFHE to BGV",
    "keys between BGV and CKKS",
    "keys of expansions",
];

/// The same where layers are in CKKS.
const CKKS: [&str; 4] = [
    "evaluation keys of TFHE",
    "evaluation and bootstrapping keys of CKKS",
    "key from CKKS to TFHE",
    "key from TFHE to CKKS",
];

impl Arrangement {
    /// Kinds of keys, in the order in which they are sent.
    #[must_use]
    pub fn key_names(&self) -> &'static [&'static str] {
        match self {
            Self::Bgv(_) => &BGV,
            Self::Ckks(_) => &CKKS,
        }
    }
}

/// New evaluation keys, as they are sent.
pub(super) fn generate(plan: &MixedPlan, secrets: &Secrets) -> Result<Vec<Vec<u8>>, MixedError> {
    let message = |source| MixedError::Message { what: "evaluation keys", source };
    match &plan.arrangement {
        Arrangement::Bgv(layout) => BgvKeys::generate(plan, layout, secrets)?.to_bytes().map_err(message),
        Arrangement::Ckks(packing) => CkksKeys::generate(plan, packing, secrets)?.to_bytes().map_err(message),
    }
}

/// All evaluation keys where layers are in CKKS, as they are made.
pub(super) struct CkksKeys {
    pub(super) tfhe: he_tfhe::SeededEvaluationKeys,
    pub(super) ckks: he_ckks::bootstrap::BootstrapKeys,
    pub(super) down: ckks_tfhe::SeededKey,
    pub(super) up: tfhe_to_bgv::Key,
}

impl CkksKeys {
    fn generate(plan: &MixedPlan, packing: &Packing, secrets: &Secrets) -> Result<Self, MixedError> {
        let Secrets { ckks, tfhe, .. } = secrets;
        let (parameters, level) = (&plan.parameters, plan.parameters.ckks().max_level());
        let steps: Vec<usize> = (0..packing.slots.trailing_zeros()).map(|bits| 1 << bits).collect();
        let request = he_ckks::KeyRequest::default().relinearization(level);
        let request = request.rotations(parameters.ckks(), &steps, level);
        Ok(Self {
            tfhe: tfhe.evaluation_keys()?,
            ckks: ckks.bootstrap_keys(packing.slots, &request)?,
            down: ckks_tfhe::SeededKey::generate(parameters, ckks, tfhe)?,
            up: tfhe_to_bgv::Key::generate(parameters, tfhe, ckks)?,
        })
    }

    fn to_bytes(&self) -> Result<Vec<Vec<u8>>, WireError> {
        Ok(vec![self.tfhe.to_bytes()?, self.ckks.to_bytes()?, self.down.to_bytes()?, self.up.to_bytes()?])
    }

    /// Opens what was sent.
    pub(super) fn from_bytes(plan: &Arc<MixedPlan>, all: &[Vec<u8>]) -> Result<Self, MixedError> {
        let parameters = &plan.parameters;
        let [tfhe, ckks, down, up] = all else {
            return Err(MixedError::KeyCount { found: all.len(), needed: CKKS.len() });
        };
        let wrong = |at: usize| move |source| MixedError::Message { what: CKKS[at], source };
        Ok(Self {
            tfhe: he_tfhe::SeededEvaluationKeys::from_bytes(parameters.tfhe(), tfhe).map_err(wrong(0))?,
            ckks: he_ckks::bootstrap::BootstrapKeys::from_bytes(parameters.ckks(), ckks).map_err(wrong(1))?,
            down: ckks_tfhe::SeededKey::from_bytes(parameters, down).map_err(wrong(2))?,
            up: tfhe_to_bgv::Key::from_bytes(parameters, up).map_err(wrong(3))?,
        })
    }
}

/// All evaluation keys where layers are in BGV, as they are made.
pub(super) struct BgvKeys {
    pub(super) bgv: he_bgv::EvaluationKeys,
    pub(super) tfhe: he_tfhe::SeededEvaluationKeys,
    pub(super) ckks: he_ckks::bootstrap::BootstrapKeys,
    pub(super) down: bgv_to_tfhe::SeededKey,
    pub(super) up: tfhe_to_bgv::Key,
    pub(super) refresh: bgv_ckks::Keys,
    pub(super) expander: Expander,
}

impl BgvKeys {
    fn generate(plan: &MixedPlan, layout: &Layout, secrets: &Secrets) -> Result<Self, MixedError> {
        let Secrets { bgv: Some(bgv), ckks, tfhe } = secrets else {
            return Err(MixedError::KeyCount { found: 2, needed: 3 });
        };
        let parameters = &plan.parameters;
        let level = parameters.bgv().max_level();
        let request =
            KeyRequest::default().relinearization(level).galois(2 * parameters.bgv().n() - 1, level);
        Ok(Self {
            bgv: bgv.evaluation_keys(&request)?,
            tfhe: tfhe.evaluation_keys()?,
            ckks: ckks.bootstrap_keys(plan.slots(), &he_ckks::KeyRequest::default())?,
            down: bgv_to_tfhe::SeededKey::generate(parameters, bgv, tfhe)?,
            up: tfhe_to_bgv::Key::generate(parameters, tfhe, ckks)?,
            refresh: bgv_ckks::Keys::generate(parameters, bgv, ckks)?,
            expander: Expander::generate(parameters, bgv, layout.levels())?,
        })
    }

    /// As they are sent, one message a kind.
    fn to_bytes(&self) -> Result<Vec<Vec<u8>>, WireError> {
        Ok(vec![
            self.bgv.to_bytes()?,
            self.tfhe.to_bytes()?,
            self.ckks.to_bytes()?,
            self.down.to_bytes()?,
            self.up.to_bytes()?,
            self.refresh.to_bytes()?,
            self.expander.to_bytes()?,
        ])
    }

    /// Opens what was sent.
    pub(super) fn from_bytes(plan: &Arc<MixedPlan>, all: &[Vec<u8>]) -> Result<Self, MixedError> {
        let parameters = &plan.parameters;
        let [bgv, tfhe, ckks, down, up, refresh, expander] = all else {
            return Err(MixedError::KeyCount { found: all.len(), needed: BGV.len() });
        };
        let wrong = |at: usize| move |source| MixedError::Message { what: BGV[at], source };
        Ok(Self {
            bgv: he_bgv::EvaluationKeys::from_bytes(parameters.bgv(), bgv).map_err(wrong(0))?,
            tfhe: he_tfhe::SeededEvaluationKeys::from_bytes(parameters.tfhe(), tfhe).map_err(wrong(1))?,
            ckks: he_ckks::bootstrap::BootstrapKeys::from_bytes(parameters.ckks(), ckks).map_err(wrong(2))?,
            down: bgv_to_tfhe::SeededKey::from_bytes(parameters, down).map_err(wrong(3))?,
            up: tfhe_to_bgv::Key::from_bytes(parameters, up).map_err(wrong(4))?,
            refresh: bgv_ckks::Keys::from_bytes(parameters, refresh).map_err(wrong(5))?,
            expander: Expander::from_bytes(parameters, expander).map_err(wrong(6))?,
        })
    }
}
