//! From TFHE to CKKS: packed values side by side in the ring of CKKS, and into its slots.
//!
//! A table gives `m/t'` on the torus with a small noise. Values go up in three steps, of which TFHE does the first:
//!
//! 1. a *packing key switch* (Chen, Dai, Kim, Song 2021) into ciphertexts of TFHE's ring, modulo TFHE's prime, then switched to
//!    the first prime `q_0` of CKKS: variance `(1 + n'/2)/12/q_0²`;
//! 2. *side by side* in the ring of CKKS, or in a subring of it: coefficient `i` of the `r`-th of `p` becomes coefficient
//!    `p·i + r` of a ring of dimension `p·n'`, and one key switch takes all of them from TFHE's secret `z(X^{N/n'})` to that of
//!    CKKS: [`TfheToCkks::gather`];
//! 3. a *bootstrap*: coefficients-to-slots and modular reduction meet them in the slots, with all levels of the user:
//!    [`TfheToCkks::convert`]. On the way to BGV another third step follows, see [`tfhe_to_bgv`](crate::tfhe_to_bgv).

use std::sync::Arc;

use he_ckks::bootstrap::Bootstrapper;
use he_core::Modulus;
use he_core::ring::poly::{Coeff, Poly};
use he_core::ring::sample::Prng;
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self, KeySwitchKey, SecretId};
use he_tfhe::GlweCiphertext;

use crate::bgv_ckks::Integers;
use crate::ckks_to_tfhe::unit;
use crate::error::Error;
use crate::params::Parameters;
use crate::rings::join;

/// The key from TFHE's secret to that of CKKS; its masks are kept as a seed when it is sent.
///
/// ```
/// # use he_switch::{Error, Spec, tfhe_to_ckks::Key, he_ckks, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let tfhe = he_tfhe::SecretKey::generate(params.tfhe())?;
/// let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// let bytes = Key::generate(&params, &tfhe, &ckks)?.to_bytes()?;
/// let key = Key::from_bytes(&params, &bytes)?;
/// # assert_eq!(key.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
pub struct Key {
    pub(crate) params: Parameters,
    pub(crate) inner: KeySwitchKey,
}

impl Key {
    /// Draws the key.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        tfhe: &he_tfhe::SecretKey,
        ckks: &he_ckks::SecretKey,
    ) -> Result<Self, Error> {
        if !tfhe.params().same(params.tfhe()) || !ckks.params().same(params.ckks()) {
            let operation = "key of the bridge from TFHE to CKKS";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        let joint = params.joint();
        let small = tfhe.ring_keys(params.ring())?.swap_remove(0).interleaved(joint);
        let inner = ckks.inner().interleaved(joint).switching_key_from(&small, 1, &mut Prng::from_os()?);
        Ok(Self { params: params.clone(), inner })
    }
}

/// Variance that the switches of prime and of ring add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let q = params.joint().spec().q[0] as f64;
    let rounding = (1.0 + params.tfhe().n() as f64 / 2.0) / 12.0;
    (rounding + NoiseModel::new(params.joint()).key_switch(1)) / (q * q)
}

/// The factor with which [`TfheToCkks::convert`] puts values `v/2^log_t` of the torus into slots.
pub fn factor(params: &Parameters, log_t: u32) -> f64 {
    1.0 / unit(params) / f64::from(log_t).exp2()
}

/// The bridge from TFHE to CKKS.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, Spec, tfhe_to_ckks::{Key, TfheToCkks}, he_ckks, he_tfhe};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().for_slots().build_insecure("an example")?;
/// # let (ckks, tfhe) =
/// #     (he_ckks::SecretKey::generate(params.ckks())?, he_tfhe::SecretKey::generate(params.tfhe())?);
/// # let keys = ckks.bootstrap_keys(256, &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// # let tables = he_tfhe::Evaluator::new(tfhe.evaluation_keys()?);
/// let bridge = TfheToCkks::new(Key::generate(&params, &tfhe, &ckks)?, bootstrapper)?;
/// // 5/2^12 of the torus, in the first coefficient of TFHE's ring: the real part of slot 0.
/// let packed = tables.pack(&[he_tfhe::LweCiphertext::trivial(params.tfhe(), 5 << 20)])?;
/// let (c, factor) = bridge.convert(&[packed], 12)?;
/// let slots = he_ckks::Decryptor::new(&ckks).decrypt(&c)?;
/// assert!((slots[0] / factor - 5.0).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
pub struct TfheToCkks {
    key: Key,
    bootstrapper: Arc<Bootstrapper>,
}

impl TfheToCkks {
    /// The bridge of a key and the bootstrapper of CKKS; nothing secret goes in.
    ///
    /// # Errors
    /// If the bootstrapper belongs to other parameters or another secret than the key leads to.
    pub fn new(key: Key, bootstrapper: Arc<Bootstrapper>) -> Result<Self, Error> {
        if !bootstrapper.evaluator().params().same(key.params.ckks()) {
            return Err(Error::Foreign { operation: "bridge from TFHE to CKKS", object: "bootstrapper" });
        }
        let (operation, [_, to]) = ("bridge from TFHE to CKKS", key.inner.secret_ids());
        bootstrapper.secret_id().check(operation, "bootstrapper", to)?;
        Ok(Self { key, bootstrapper })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.key.params
    }

    /// The identifiers of the secrets of TFHE and of CKKS.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.key.inner.secret_ids()
    }

    /// Packed values `m/2^log_t` side by side, in the ring of CKKS over one prime; at most [`Parameters::tfhe_capacity`]
    /// ciphertexts. Missing ones, up to a power of two, are zero.
    ///
    /// # Errors
    /// If there are none or too many, one belongs to other parameters or another secret, or `log_t` is not in 1 to 32.
    pub fn gather(&self, packed: &[GlweCiphertext], log_t: u32) -> Result<Integers, Error> {
        let params = &self.key.params;
        if !(1..=32).contains(&log_t) {
            let (found, needed) = (format!("2^{log_t}"), "2^1 to 2^32".into());
            return Err(Error::Mismatch { field: "the modulus of packed values", found, needed });
        }
        let most = params.tfhe_capacity();
        if packed.is_empty() || packed.len() > most {
            let (found, needed) = (packed.len().to_string(), format!("1 to {most}"));
            return Err(Error::Mismatch { field: "the number of packed ciphertexts", found, needed });
        }
        if packed.iter().any(|c| !c.params().same(params.tfhe())) {
            return Err(Error::Foreign { operation: "bridge from TFHE to CKKS", object: "ciphertext" });
        }
        let ([secret, _], operation) = (self.secret_ids(), "bridge from TFHE to CKKS");
        packed.iter().try_for_each(|c| c.secret_id().check(operation, "ciphertext", secret))?;
        let (from, ring) = (params.tfhe().modulus(), params.ring());
        let basis = ring.basis(1);
        let piece = |c: &GlweCiphertext| {
            let part = |words: &[u64]| {
                let words: Vec<u64> = words.iter().map(|&x| rescale(x, from, basis.modulus(0))).collect();
                Poly::<Coeff>::from_words(basis, &words).into_eval()
            };
            rlwe::Ciphertext::new(ring, secret, c.polynomials().map(part).collect())
        };
        let pieces: Vec<rlwe::Ciphertext> = packed.iter().map(piece).collect();
        let variance = packed.iter().map(GlweCiphertext::variance).fold(0.0, f64::max) + noise(params);
        let inner = self.key.inner.switch_ciphertext(&join(&pieces, params.joint()))?;
        let dimension = packed.len().next_power_of_two() * ring.n();
        let error = variance.sqrt() * f64::from(log_t).exp2();
        Ok(Integers { inner, t: 1 << log_t, error, dimension, factors: vec![], bounds: vec![] })
    }

    /// Packed values `v/2^log_t` as a CKKS ciphertext with all levels of the user, and the factor `f` with which `f·v` stands in
    /// its slots; `f·v` must be at most 1 in magnitude. Coefficient `i` of the `r`-th of `p` packed ciphertexts, `p` a power of
    /// two, is coefficient `(p·i + r)·N/(p·n')` of the large ring; the slot of a coefficient is the inverse of
    /// [`coefficients_of`](crate::ckks_to_tfhe::coefficients_of).
    ///
    /// # Errors
    /// As [`gather`](Self::gather), or if the parameters are not those of [`Spec::for_slots`](crate::Spec::for_slots).
    pub fn convert(
        &self,
        packed: &[GlweCiphertext],
        log_t: u32,
    ) -> Result<(he_ckks::Ciphertext, f64), Error> {
        let gathered = self.gather(packed, log_t)?;
        let factor = factor(self.params(), log_t);
        let inner = gathered.inner.over(self.params().ckks().rlwe());
        Ok((self.bootstrapper.from_first_prime(inner, gathered.error * factor)?, factor))
    }
}

/// `⌊x·to/from⌉ mod to`.
fn rescale(x: u64, from: &Modulus, to: &Modulus) -> u64 {
    let (p, q) = (u128::from(from.value()), u128::from(to.value()));
    let rounded = (u128::from(x) * q + p / 2) / p;
    if rounded == q { 0 } else { rounded as u64 }
}

he_core::brief_debug!(Key: |a| params = a.params, secret_ids = a.inner.secret_ids());
he_core::brief_debug!(TfheToCkks: |a| key = a.key);
