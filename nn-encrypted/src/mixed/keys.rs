//! The evaluation keys of a training: those of three schemes, and of the bridges between them.

use std::sync::Arc;

use he_bgv::KeyRequest;
use he_core::wire::WireError;
use he_switch::{bgv_ckks, bgv_to_tfhe, expand::Expander, tfhe_to_bgv};

use super::client::Secrets;
use super::{MixedError, MixedPlan};

/// Kinds of keys, in the order in which they are sent.
pub const NAMES: [&str; 7] = [
    "evaluation keys of BGV",
    "evaluation keys of TFHE",
    "bootstrapping keys of CKKS",
    "key from BGV to TFHE",
    "key from TFHE to BGV",
    "keys between BGV and CKKS",
    "keys of expansions",
];

/// All evaluation keys, as they are made.
pub(super) struct Keys {
    pub(super) bgv: he_bgv::EvaluationKeys,
    pub(super) tfhe: he_tfhe::SeededEvaluationKeys,
    pub(super) ckks: he_ckks::bootstrap::BootstrapKeys,
    pub(super) down: bgv_to_tfhe::SeededKey,
    pub(super) up: tfhe_to_bgv::Key,
    pub(super) refresh: bgv_ckks::Keys,
    pub(super) expander: Expander,
}

impl Keys {
    /// New keys.
    pub(super) fn generate(plan: &MixedPlan, secrets: &Secrets) -> Result<Self, MixedError> {
        let Secrets { bgv, ckks, tfhe } = secrets;
        let parameters = &plan.parameters;
        let limbs = parameters.bgv().max_limbs();
        let request =
            KeyRequest::default().relinearization(limbs).galois(2 * parameters.bgv().n() - 1, limbs);
        Ok(Self {
            bgv: bgv.evaluation_keys(&request)?,
            tfhe: tfhe.evaluation_keys()?,
            ckks: ckks.bootstrap_keys(plan.slots(), &he_ckks::KeyRequest::default())?,
            down: bgv_to_tfhe::SeededKey::generate(parameters, bgv, tfhe)?,
            up: tfhe_to_bgv::Key::generate(parameters, tfhe, ckks)?,
            refresh: bgv_ckks::Keys::generate(parameters, bgv, ckks)?,
            expander: Expander::generate(parameters, bgv, plan.layout.levels())?,
        })
    }

    /// As they are sent, one message a kind.
    pub(super) fn to_bytes(&self) -> Result<Vec<Vec<u8>>, WireError> {
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
            return Err(MixedError::KeyCount { found: all.len(), needed: NAMES.len() });
        };
        let wrong = |at: usize| move |source| MixedError::Message { what: NAMES[at], source };
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
