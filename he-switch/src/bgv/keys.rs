//! The keys of bootstrapping.

use crate::bgv_ckks::Keys;
use crate::error::Error;
use crate::shared::Parameters;

/// Everything a server needs to bootstrap BGV ciphertexts: the keys between the secrets of BGV and CKKS, and those of CKKS's
/// bootstrap. They decrypt nothing. They are sent with seeds in place of the uniform halves; at `N = 65536` that is about a
/// gigabyte.
///
/// ```
/// # use he_switch::{Error, bgv::{BootstrapKeys, BootstrapSpec}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// let bytes = BootstrapKeys::generate(&params, &secret)?.to_bytes()?;
/// let keys = BootstrapKeys::from_bytes(&params, &bytes)?;
/// # assert_eq!(keys.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
pub struct BootstrapKeys {
    pub(crate) between: Keys,
    pub(crate) ckks: he_ckks::BootstrapKeys,
}

impl BootstrapKeys {
    /// Draws the keys. CKKS holds no values of its own: its secret is drawn here and forgotten.
    ///
    /// # Errors
    /// If the secret belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(params: &Parameters, bgv: &he_bgv::SecretKey) -> Result<Self, Error> {
        Self::generate_with(params, bgv, &he_ckks::SecretKey::generate(params.ckks())?)
    }

    /// Draws the keys over a secret of CKKS that is used elsewhere as well.
    ///
    /// # Errors
    /// If a secret belongs to other parameters, or the operating system gives no randomness.
    pub fn generate_with(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        ckks: &he_ckks::SecretKey,
    ) -> Result<Self, Error> {
        let between = Keys::generate(params, bgv, ckks)?;
        let ckks = ckks.bootstrap_keys(params.ckks().slots(), &he_ckks::KeyRequest::default())?;
        Ok(Self { between, ckks })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.between.params
    }
}

he_core::brief_debug!(BootstrapKeys: |a| between = a.between, ckks = a.ckks);
