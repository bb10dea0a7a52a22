//! From TFHE to BGV: values after their tables, packed, and given a large modulus in bulk.
//!
//! A table gives `m/t'` on the torus with a small `t'` and a small noise. It is
//!
//! 1. packed and *gathered* side by side in the ring of CKKS, over its first prime: see [`tfhe_to_ckks`](crate::tfhe_to_ckks);
//! 2. *widened* from `t'` to the `t` of BGV and *cleaned* until a product can follow: see [`bgv_ckks`](crate::bgv_ckks).
//!
//! The second step costs some seconds however few values there are: a training collects as many as it can.

use std::sync::Arc;

use he_tfhe::GlweCiphertext;

use crate::bgv_ckks::Refresher;
use crate::error::Error;
use crate::params::Parameters;
use crate::tfhe_to_ckks::TfheToCkks;

/// The bridge from TFHE to BGV, for parameters whose bootstrap refreshes coefficients.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, Spec, bgv_ckks, tfhe_to_bgv::TfheToBgv, tfhe_to_ckks, he_bgv, he_ckks, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// # let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// # let tfhe = he_tfhe::SecretKey::generate(params.tfhe())?;
/// # let tables = he_tfhe::Evaluator::new(tfhe.evaluation_keys()?);
/// # let keys = ckks.bootstrap_keys(params.ckks().slots(), &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// # let key = tfhe_to_ckks::Key::generate(&params, &tfhe, &ckks)?;
/// # let ring = tfhe_to_ckks::TfheToCkks::new(key, Arc::clone(&bootstrapper))?;
/// # let refresher = bgv_ckks::Refresher::new(bgv_ckks::Keys::generate(params.shared(), &bgv, &ckks)?, bootstrapper)?;
/// let bridge = TfheToBgv::new(Arc::new(ring), Arc::new(refresher))?;
/// let packed = tables.pack(&[he_tfhe::LweCiphertext::trivial(params.tfhe(), 5 << 20)])?;
/// let c = bridge.convert(&[packed], 12, (-46_f64).exp2())?;
/// let plaintext = he_bgv::Decryptor::new(&bgv).decrypt(&c[0])?;
/// assert_eq!(he_bgv::Encoder::new(params.bgv()).decode_coefficients(&plaintext)[0], 5);
/// # Ok(())
/// # }
/// ```
pub struct TfheToBgv {
    ring: Arc<TfheToCkks>,
    refresher: Arc<Refresher>,
}

impl TfheToBgv {
    /// The way into the ring of CKKS, and the way from there to BGV.
    ///
    /// # Errors
    /// If they belong to different parameters, or lead through different secrets of CKKS.
    pub fn new(ring: Arc<TfheToCkks>, refresher: Arc<Refresher>) -> Result<Self, Error> {
        if !refresher.params().same(ring.params().shared()) {
            return Err(Error::Foreign { operation: "bridge from TFHE to BGV", object: "refresher" });
        }
        let ([_, here], [_, there]) = (ring.secret_ids(), refresher.secret_ids());
        there.check("bridge from TFHE to BGV", "refresher", here)?;
        Ok(Self { ring, refresher })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.ring.params()
    }

    /// Packed values `m/2^log_t`, `|m|/2^log_t` within the interval that CKKS lifts, as BGV ciphertexts over all primes, with an
    /// error of at most `error` in units of the integers. Coefficient `i` of the `r`-th of `p` packed ciphertexts, `p` a power of
    /// two, is value `v = p·i + r` of `p·n'`, and coefficient `⌊v/l⌋` of the BGV ciphertext `v mod l` of `l = p·n'/n`; if that
    /// is less than 1 there is one BGV ciphertext, with `v` at coefficient `v/l`. Their values are bounded by half of `2^log_t`.
    ///
    /// # Errors
    /// As [`TfheToCkks::gather`] and [`Refresher::clean_to`].
    pub fn convert(
        &self,
        packed: &[GlweCiphertext],
        log_t: u32,
        error: f64,
    ) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        let wide = self.refresher.widen(&self.ring.gather(packed, log_t)?)?;
        self.refresher.scatter(&self.refresher.clean_to(wide, error)?)
    }
}

he_core::brief_debug!(TfheToBgv: |a| ring = a.ring, refresher = a.refresher);
