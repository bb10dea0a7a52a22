//! Evaluation keys of BGV with tables.

use he_ckks::bootstrap::BootstrapKeys;
use he_core::ring::sample::Prng;
use he_core::rlwe::{ForeignSecret, KeySwitchKey, SecretId};

use super::spec::Parameters;
use crate::bgv_ckks;
use crate::error::Error;
use crate::expand::Expander;

/// Names of the messages that keys are sent as, in their order.
pub const MESSAGES: [&str; 5] = [
    "evaluation keys of BGV",
    "keys of expansions",
    "bootstrapping keys of the lift",
    "bootstrapping keys of tables",
    "keys between BGV and CKKS",
];

/// Which evaluation keys to draw.
///
/// ```
/// use he_switch::tables::KeyRequest;
///
/// // Tables of 512 values at a time, and BGV ciphertexts taken apart in up to 8.
/// let request = KeyRequest { expansion: 3, slots: 512, refresh_slots: 512, ..KeyRequest::default() };
/// # let _ = request;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    /// Keys of BGV's own operations.
    pub bgv: he_bgv::KeyRequest,
    /// `log2` of the most ciphertexts into which one is taken apart.
    pub expansion: u32,
    /// Complex slots of the tables, a power of two: `p·n/2` for up to `p` BGV ciphertexts at once.
    pub slots: usize,
    /// Complex slots of lifts, not fewer: `p·n/2` to refresh up to `p` BGV ciphertexts at once.
    pub refresh_slots: usize,
}

/// The evaluation keys, as they are drawn and sent; they decrypt nothing, a [`Switcher`](super::Switcher) computes with them. At
/// `N = 65536` about 3 GB.
///
/// ```
/// # use he_switch::{Error, tables::{EvaluationKeys, KeyRequest, Spec}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// let request = KeyRequest { expansion: 2, slots: 512, refresh_slots: 512, ..KeyRequest::default() };
/// let messages = EvaluationKeys::generate(&params, &secret, &request)?.to_bytes()?;
/// // The server, which knows the request, opens them.
/// let keys = EvaluationKeys::from_bytes(&params, &request, &messages)?;
/// # assert_eq!(keys.to_bytes()?, messages);
/// // How long they are is known before.
/// let lengths: Vec<usize> = messages.iter().map(Vec::len).collect();
/// assert_eq!(EvaluationKeys::sealed_bytes(&params, &request)?, lengths);
/// # Ok(())
/// # }
/// ```
pub struct EvaluationKeys {
    pub(crate) params: Parameters,
    pub(crate) bgv: he_bgv::EvaluationKeys,
    pub(crate) expander: Expander,
    pub(crate) lift: BootstrapKeys,
    pub(crate) tables: BootstrapKeys,
    pub(crate) between: Between,
}

/// Keys between the secrets of the three instances.
pub(crate) struct Between {
    /// Between BGV and the CKKS instance that lifts.
    pub(crate) bgv: bgv_ckks::Keys,
    /// From BGV to the tables, over the first prime.
    pub(crate) up: KeySwitchKey,
    /// From the tables to the lift, over the first prime.
    pub(crate) across: KeySwitchKey,
}

impl EvaluationKeys {
    /// Draws the keys of a request; the secrets of both CKKS instances are drawn here and forgotten.
    ///
    /// # Errors
    /// If the secret belongs to other parameters, the request names levels, slots or Galois elements that are not there, or the operating
    /// system gives no randomness.
    pub fn generate(
        params: &Parameters,
        secret: &he_bgv::SecretKey,
        request: &KeyRequest,
    ) -> Result<Self, Error> {
        if !secret.params().same(params.bgv()) {
            return Err(Error::Foreign { operation: "keys of tables", object: "secret key" });
        }
        let lift = he_ckks::SecretKey::generate(params.ckks())?;
        let tables = he_ckks::SecretKey::generate(params.tables())?;
        let mut prng = Prng::from_os()?;
        let joint = params.shared().joint();
        let [own, of_lift, of_tables] =
            [secret.inner(), lift.inner(), tables.inner()].map(|key| key.interleaved(joint));
        let between = Between {
            bgv: bgv_ckks::Keys::generate(params.shared(), secret, &lift)?,
            up: of_tables.switching_key_from(&own, 1, &mut prng),
            across: of_lift.switching_key_from(&of_tables, 1, &mut prng),
        };
        let none = he_ckks::KeyRequest::default();
        Ok(Self {
            params: params.clone(),
            bgv: secret.evaluation_keys(&request.bgv)?,
            expander: Expander::generate_sealed(params.bgv(), params.hash(), secret, request.expansion)?,
            lift: lift.bootstrap_keys(request.refresh_slots, &none)?,
            tables: tables.bootstrap_keys(request.slots, &none)?,
            between,
        })
    }

    /// Whether all keys of BGV are of one secret, and those that lead to the lift and to the tables lead to theirs.
    pub(crate) fn check_secrets(&self) -> Result<(), ForeignSecret> {
        let [up, across] = [&self.between.up, &self.between.across].map(KeySwitchKey::secret_ids);
        let [own, to_lift] = self.between.bgv.secret_ids();
        let bgv = [self.bgv.secret_id(), self.expander.keys.secret_id(), Some(up[0]), Some(own)];
        let lift = [Some(self.lift.secret_id()), Some(to_lift), Some(across[1])];
        let tables = [Some(self.tables.secret_id()), Some(up[1]), Some(across[0])];
        for (object, ids) in
            [("key of BGV", &bgv[..]), ("key of the lift", &lift), ("key of the tables", &tables)]
        {
            SecretId::check_all("new switcher", object, None, ids.iter().copied().flatten())?;
        }
        Ok(())
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }
}

he_core::brief_debug!(EvaluationKeys: |a| params = a.params, bgv = a.bgv, expander = a.expander, lift = a.lift, tables = a.tables);
