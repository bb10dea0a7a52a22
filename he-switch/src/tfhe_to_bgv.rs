//! From TFHE to BGV: values after their tables, packed, and given a large modulus in bulk.
//!
//! What a table gives is `m/t'` on the torus with a small `t'` and a small noise. It is gathered
//!
//! 1. by a *packing key switch* (Chen, Dai, Kim, Song 2021) into ciphertexts of TFHE's ring, modulo TFHE's prime, then switched to
//!    the first prime `q_0` of BGV: variance `(1 + n'/2)/12/q_0²`;
//! 2. *side by side* in the ring of CKKS, or in a subring of it: coefficient `i` of the `r`-th of `p` becomes coefficient
//!    `p·i + r` of a ring of dimension `p·n'`. It is switched from TFHE's secret `z(X^{N/n'})` to that of CKKS: no key is streamed
//!    for more than one ciphertext;
//! 3. *widened* from `t'` to the `t` of BGV and *cleaned* until a product can follow: see [`bgv_ckks`](crate::bgv_ckks).
//!
//! The third step costs some seconds however few values there are: a training collects as many as it can.

use he_core::Modulus;
use he_core::ring::poly::{Coeff, Poly};
use he_core::ring::sample::Prng;
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self, KeySwitchKey};
use he_tfhe::GlweCiphertext;

use crate::bgv_ckks::{Integers, Refresher};
use crate::error::Error;
use crate::params::Parameters;
use crate::rings::join;

/// The key from TFHE's secret to that of CKKS; its masks are kept as a seed when it is sent.
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
            let operation = "key of the bridge from TFHE to BGV";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        let joint = params.joint();
        let small = tfhe.ring_keys(params.ring())?.swap_remove(0).interleaved(joint);
        let inner = ckks.inner().interleaved(joint).switching_key_from(&small, 1, &mut Prng::from_os()?);
        Ok(Self { params: params.clone(), inner })
    }
}

/// The first half of the bridge; [`Refresher`] is the other.
pub struct TfheToBgv {
    key: Key,
}

/// Variance that the switches of prime and of ring add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let q = params.joint().spec().q[0] as f64;
    let rounding = (1.0 + params.tfhe().n() as f64 / 2.0) / 12.0;
    (rounding + NoiseModel::new(params.joint()).key_switch(1)) / (q * q)
}

impl TfheToBgv {
    /// From its key.
    pub fn new(key: Key) -> Self {
        Self { key }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.key.params
    }

    /// Packed values `m/2^log_t` side by side, in the ring of CKKS over one prime; at most [`Parameters::tfhe_pieces`]. Missing ones, up
    /// to a power of two, are zero.
    ///
    /// # Errors
    /// If there are none or too many, one belongs to other parameters, or `log_t` is not in 1 to 32.
    pub fn gather(&self, packed: &[GlweCiphertext], log_t: u32) -> Result<Integers, Error> {
        let params = &self.key.params;
        if !(1..=32).contains(&log_t) {
            let (found, needed) = (format!("2^{log_t}"), "2^1 to 2^32".into());
            return Err(Error::Mismatch { field: "the modulus of packed values", found, needed });
        }
        let most = params.tfhe_pieces();
        if packed.is_empty() || packed.len() > most {
            let (found, needed) = (packed.len().to_string(), format!("1 to {most}"));
            return Err(Error::Mismatch { field: "the number of packed ciphertexts", found, needed });
        }
        if packed.iter().any(|c| !c.params().same(params.tfhe())) {
            return Err(Error::Foreign { operation: "bridge from TFHE to BGV", object: "ciphertext" });
        }
        let (from, ring) = (params.tfhe().modulus(), params.ring());
        let basis = ring.basis(1);
        let piece = |c: &GlweCiphertext| {
            let part = |words: &[u64]| {
                let words: Vec<u64> = words.iter().map(|&x| rescale(x, from, basis.modulus(0))).collect();
                Poly::<Coeff>::from_words(basis, &words).into_eval()
            };
            rlwe::Ciphertext::new(ring, c.polynomials().map(part).collect())
        };
        let pieces: Vec<rlwe::Ciphertext> = packed.iter().map(piece).collect();
        let variance = packed.iter().map(GlweCiphertext::variance).fold(0.0, f64::max) + noise(params);
        let inner = self.key.inner.switch_ciphertext(&join(&pieces, params.joint()));
        let dimension = packed.len().next_power_of_two() * ring.n();
        Ok(Integers { inner, t: 1 << log_t, error: variance.sqrt() * f64::from(log_t).exp2(), dimension })
    }

    /// Packed values `m/2^log_t`, `|m|/2^log_t` within the interval that CKKS lifts, as BGV ciphertexts over all primes, with an
    /// error of at most `error` in units of the integers. Coefficient `i` of the `r`-th of `p` packed ciphertexts, `p` a power of
    /// two, is value `v = p·i + r` of `p·n'`, and coefficient `⌊v/l⌋` of the BGV ciphertext `v mod l` of `l = p·n'/n`; if that
    /// is less than 1 there is one BGV ciphertext, with `v` at coefficient `v/l`.
    ///
    /// # Errors
    /// As [`gather`](Self::gather) and [`Refresher::clean_to`], or if the refresher belongs to other parameters.
    pub fn convert(
        &self,
        refresher: &Refresher,
        packed: &[GlweCiphertext],
        log_t: u32,
        error: f64,
    ) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        if !refresher.params().same(self.params()) {
            return Err(Error::Foreign { operation: "bridge from TFHE to BGV", object: "refresher" });
        }
        let wide = refresher.widen(&self.gather(packed, log_t)?)?;
        refresher.scatter(&refresher.clean_to(wide, error)?)
    }
}

/// `⌊x·to/from⌉ mod to`.
fn rescale(x: u64, from: &Modulus, to: &Modulus) -> u64 {
    let (p, q) = (u128::from(from.value()), u128::from(to.value()));
    let rounded = (u128::from(x) * q + p / 2) / p;
    if rounded == q { 0 } else { rounded as u64 }
}
