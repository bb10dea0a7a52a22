//! The keys of bootstrapping.

use std::sync::Arc;

use he_core::ring::sample::Prng;
use he_core::rlwe::{self, KeySwitchKey, SecretId};

use super::layout::Layout;
use crate::error::Error;
use crate::keys::{EvaluationKeys, KeyRequest, SecretKey};
use crate::params::Parameters;

/// Everything a server needs to bootstrap ciphertexts of up to so many slots, and to compute in between; cheap to clone.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 9, ..Spec::bootstrap_sparse() }.build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// // For ciphertexts of four slots; between two bootstraps the server multiplies, too.
/// let further = KeyRequest::default().relinearization(params.max_level());
/// let keys = key.bootstrap_keys(4, &further)?;
/// let bootstrapper = Bootstrapper::new(BootstrapKeys::from_bytes(&params, &keys.to_bytes()?)?)?;
/// assert_eq!(bootstrapper.slots(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BootstrapKeys {
    evaluation: Arc<EvaluationKeys>,
    to_ephemeral: Arc<KeySwitchKey>,
    from_ephemeral: Arc<KeySwitchKey>,
    slots: usize,
}

impl BootstrapKeys {
    pub(crate) fn from_parts(
        evaluation: EvaluationKeys,
        to_ephemeral: KeySwitchKey,
        from_ephemeral: KeySwitchKey,
        slots: usize,
    ) -> Self {
        let (to_ephemeral, from_ephemeral) = (Arc::new(to_ephemeral), Arc::new(from_ephemeral));
        Self { evaluation: Arc::new(evaluation), to_ephemeral, from_ephemeral, slots }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.evaluation.params
    }

    /// The evaluation keys.
    pub fn evaluation(&self) -> &Arc<EvaluationKeys> {
        &self.evaluation
    }

    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.from_ephemeral.secret_ids()[1]
    }

    /// Whether all keys are of one secret, and the ephemeral one is the same on the way there and back.
    pub(crate) fn are_of_one_secret(&self) -> bool {
        let [secret, ephemeral] = self.to_ephemeral.secret_ids();
        let evaluation = self.evaluation.secret_id();
        self.from_ephemeral.secret_ids() == [ephemeral, secret] && evaluation == Some(secret)
    }

    /// Slots of the ciphertexts they are for.
    pub fn slots(&self) -> usize {
        self.slots
    }

    pub(crate) fn encapsulation_key(&self) -> &KeySwitchKey {
        &self.to_ephemeral
    }

    pub(crate) fn decapsulation_key(&self) -> &KeySwitchKey {
        &self.from_ephemeral
    }
}

/// The evaluation keys that bootstrapping takes.
pub(crate) fn request(params: &Parameters, slots: usize) -> Result<KeyRequest, Error> {
    let layout = Layout::new(params, slots)?;
    let level = params.raised_level() - layout.to_slots.len();
    let trace: Vec<usize> =
        std::iter::successors(Some(slots), |k| Some(2 * k)).take_while(|&k| k < params.slots()).collect();
    let all = KeyRequest::default().relinearization(level).conjugation(params, level + 1);
    let all = all.rotations(params, &trace, params.raised_level());
    Ok(layout.rotations().fold(all, |all, (steps, level)| all.rotations(params, &steps, level)))
}

impl SecretKey {
    /// Keys to bootstrap ciphertexts of `slots` slots, and those of a further request. The ephemeral secret is drawn here and
    /// forgotten.
    ///
    /// # Errors
    /// If the parameters have no bootstrapping, there are no plaintexts of so many slots, the request names a level above
    /// the whole chain, or the operating system gives no randomness.
    pub fn bootstrap_keys(&self, slots: usize, further: &KeyRequest) -> Result<BootstrapKeys, Error> {
        let params = self.params();
        let evaluation = self.evaluation_keys(&request(params, slots)?.and(further))?;
        let thin = rlwe::SecretKey::generate(&params.ephemeral()?)?;
        let mut prng = Prng::from_os()?;
        let to_ephemeral = thin.switching_key_from(self.inner(), 1, &mut prng);
        let from_ephemeral = self.inner().switching_key_from(&thin, params.rlwe().max_limbs(), &mut prng);
        Ok(BootstrapKeys::from_parts(evaluation, to_ephemeral, from_ephemeral, slots))
    }
}

he_core::brief_debug!(BootstrapKeys: |a| slots = a.slots, secret_id = a.secret_id());
