//! The evaluator: operations on ciphertexts, by the server.

use std::sync::atomic::{AtomicU64, Ordering};

use he_core::rlwe::SecretId;

use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;

/// Computes with ciphertexts; it holds evaluation keys and nothing secret.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// let server = Evaluator::new(key.evaluation_keys()?);
/// let (a, b) = (encryptor.encrypt(2)?, encryptor.encrypt(3)?);
/// // Sums are free; a bootstrap applies a table and takes the noise away.
/// let sum = server.linear_combination(&[(1, &a), (3, &b)])?;
/// let quarter = server.bootstrap(&sum, &LookupTable::new(&params, |m| m / 4)?)?;
/// assert_eq!((decryptor.decrypt(&quarter)?, server.bootstraps()), (2, 1));
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail,E0308
/// # fn f(secret: he_tfhe::SecretKey) {
/// let evaluator = he_tfhe::Evaluator::new(secret);
/// # }
/// ```
pub struct Evaluator {
    keys: EvaluationKeys,
    bootstraps: AtomicU64,
}

impl Evaluator {
    /// With evaluation keys.
    pub fn new(keys: EvaluationKeys) -> Self {
        Self { keys, bootstraps: AtomicU64::new(0) }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.keys.params()
    }

    /// The identifier of the secret of the keys.
    pub fn secret_id(&self) -> SecretId {
        self.keys.secret_id()
    }

    /// Refuses ciphertexts of other parameters than the keys', and those under another secret. A constant is under every secret.
    pub(crate) fn check(
        &self,
        operation: &'static str,
        object: &'static str,
        ciphertext: &LweCiphertext,
    ) -> Result<(), Error> {
        if !ciphertext.params.same(self.params()) {
            return Err(Error::Foreign { operation, object });
        }
        Ok(ciphertext.secret.map_or(Ok(()), |id| id.check(operation, object, self.secret_id()))?)
    }

    pub(crate) fn keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// Blind rotations done so far.
    pub fn bootstraps(&self) -> u64 {
        self.bootstraps.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, bootstraps: usize) {
        self.bootstraps.fetch_add(bootstraps as u64, Ordering::Relaxed);
    }
}

he_core::brief_debug!(Evaluator: |a| keys = a.keys);
