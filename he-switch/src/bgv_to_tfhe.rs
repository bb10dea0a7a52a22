//! From BGV to TFHE: a whole ciphertext at once, by one ring switch.
//!
//! The phase `m + t·e (mod Q)` times `(Q − 1)/t = −t^{−1}` is `m·(Q − 1)/t − e`: on the torus `m/t`, a multiple of `1/t`
//! and what TFHE calls a message (Lou, Feng, Fox, Jiang 2020, section 4.2; Boura, Gama, Georgieva, Jetchev 2020). Then
//!
//! 1. *modulus switch* to the first prime `q`, of 50 bits: variance `(1 + h)/12/q²` with `h = 2n/3`;
//! 2. *ring switch* to TFHE's key and *extraction* of coefficients (see `ring_switch`): with gadget digits of `B` bits, `l` of
//!    them, and `b` the bits of `q`, variance `[n·l·σ²·(4^B + 2)/12 + (2n/3)·4^{b − Bl}/12]/q²`, and `(1 + n'/2)/12/2^64` for the
//!    switch to 32 bits.
//!
//! No step but the second has a key, and its cost is shared by `n` values. The low bits of `m` are below the noise of what reads
//! it, the modulus switch to `2N'` of a blind rotation: a table drops them for free.

use he_core::rlwe;
use he_tfhe::LweCiphertext;

use crate::error::Error;
use crate::params::Parameters;
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch};
use crate::rings::{div_exact, mul_wide, to_one_limb};

/// The key as it is made and sent: masks are the stream of a seed.
pub struct SeededKey(pub(crate) SeededRingSwitch);

impl SeededKey {
    /// Draws the key from BGV's secret to TFHE's.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        if !bgv.params().same(params.bgv()) || !tfhe.params().same(params.tfhe()) {
            let operation = "key of the bridge from BGV to TFHE";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        Ok(Self(SeededRingSwitch::generate(params, params.top(), bgv.inner(), tfhe)?))
    }

    /// The bridge; nothing secret goes in.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn expand(&self) -> Result<BgvToTfhe, Error> {
        Ok(BgvToTfhe(self.0.expand()?))
    }
}

/// The bridge from BGV to TFHE.
pub struct BgvToTfhe(RingSwitch);

/// Variance that the modulus switch and the ring switch add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let (q, h) = (params.top().spec().q[0] as f64, 2.0 * params.top().n() as f64 / 3.0);
    (1.0 + h) / 12.0 / (q * q) + ring_switch::noise(params.top(), h)
}

impl BgvToTfhe {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.0.params()
    }

    /// The LWE ciphertexts of the named coefficients: phase `m/t` for a coefficient `m`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or is not relinearized, or there is no such coefficient.
    pub fn extract(
        &self,
        ciphertext: &he_bgv::Ciphertext,
        coefficients: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let params = self.params();
        if !ciphertext.params().same(params.bgv()) {
            return Err(Error::Foreign { operation: "bridge from BGV to TFHE", object: "ciphertext" });
        }
        if ciphertext.degree() != 1 || ciphertext.factor() != 1 {
            let found = format!("degree {}, factor {}", ciphertext.degree(), ciphertext.factor());
            let needed = "degree 1, factor 1".into();
            return Err(Error::Mismatch { field: "the ciphertext", found, needed });
        }
        let t = 1_u64 << params.log_t();
        let relative = ciphertext.noise().log2() - params.bgv().noise().log_q(ciphertext.limbs());
        let variance = (2.0 * (relative - f64::from(params.log_t()))).exp2() + noise(params);
        let top = at_the_top(ciphertext.inner().clone().over(params.top()), t);
        self.0.extract(&to_one_limb(&top), coefficients, variance)
    }
}

/// The message from the lower to the upper end of the modulus.
pub(crate) fn at_the_top(c: rlwe::Ciphertext, t: u64) -> rlwe::Ciphertext {
    mul_wide(&div_exact(&c, t), -1)
}
