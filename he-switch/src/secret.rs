//! The secret keys of the three schemes.

use zeroize::ZeroizeOnDrop;

use crate::error::Error;
use crate::params::Parameters;

/// The secret keys of BGV, CKKS and TFHE. Each is wiped when dropped; they cannot be printed, cloned, compared or serialized by
/// derive.
///
/// ```
/// # use he_switch::{Error, SecretKeys, Spec};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let keys = SecretKeys::generate(&params)?;
/// // The bytes are wiped as well; a client keeps them where nobody else reads.
/// let bytes = keys.to_secret_bytes();
/// let again = SecretKeys::from_secret_bytes(&params, &bytes)?;
/// # assert_eq!(again.to_secret_bytes(), bytes);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0277
/// fn print(keys: &he_switch::SecretKeys) { println!("{keys:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(keys: &he_switch::SecretKeys) -> he_switch::SecretKeys { keys.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_switch::SecretKeys, b: &he_switch::SecretKeys) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { keys: he_switch::SecretKeys }
/// ```
#[derive(ZeroizeOnDrop)]
pub struct SecretKeys {
    #[zeroize(skip)]
    pub(crate) params: Parameters,
    pub(crate) bgv: he_bgv::SecretKey,
    pub(crate) ckks: he_ckks::SecretKey,
    pub(crate) tfhe: he_tfhe::SecretKey,
}

impl SecretKeys {
    /// Draws a key of each scheme.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn generate(params: &Parameters) -> Result<Self, Error> {
        let bgv = he_bgv::SecretKey::generate(params.bgv())?;
        let ckks = he_ckks::SecretKey::generate(params.ckks())?;
        Ok(Self { params: params.clone(), bgv, ckks, tfhe: he_tfhe::SecretKey::generate(params.tfhe())? })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The key of BGV.
    pub fn bgv(&self) -> &he_bgv::SecretKey {
        &self.bgv
    }

    /// The key of CKKS.
    pub fn ckks(&self) -> &he_ckks::SecretKey {
        &self.ckks
    }

    /// The key of TFHE.
    pub fn tfhe(&self) -> &he_tfhe::SecretKey {
        &self.tfhe
    }
}
