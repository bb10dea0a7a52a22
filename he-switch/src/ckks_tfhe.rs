//! Between CKKS and TFHE, both ways.
//!
//! *Down*: slots-to-coefficients brings the values of the slots into the coefficients of a ciphertext over the first prime
//! `q_0`, with phase `Δ_1·v + e`; on the torus that is `v·Δ_1/q_0`, a small part of it. A product with the integer `2^k` makes it
//! `v·2^k·Δ_1/q_0` (the room in which the modular reduction of a bootstrap works is not needed by a table), and the ring
//! switch to TFHE's key follows (Boura, Gama, Georgieva, Jetchev 2020; Lu, Huang, Hong, Ma, Qu 2021).
//!
//! *Up*: values packed in TFHE's ring are switched to the secret of CKKS over `q_0`, as on the way to BGV, and bootstrapped:
//! coefficients-to-slots and modular reduction meet them again in the slots, with all levels of the user.
//!
//! Slot `j` of `n` slots has the coefficients `r` and `r + n` as real and imaginary part, `r` being `j` with its bits
//! reversed; of fewer slots than `N/2` these are coefficients of the powers of `X^{N/2n}`: [`coefficients_of`].

use he_ckks::bootstrap::{Bootstrapper, CoefficientCiphertext};
use he_tfhe::{GlweCiphertext, LweCiphertext};

use crate::error::Error;
use crate::params::Parameters;
use crate::ring_switch::{self, RingSwitch, SeededRingSwitch};
use crate::rings::mul_wide;
use crate::tfhe_to_bgv::TfheToBgv;

/// The key as it is made and sent: masks are the stream of a seed.
pub struct SeededKey(pub(crate) SeededRingSwitch);

impl SeededKey {
    /// Draws the key from CKKS's secret to TFHE's.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        ckks: &he_ckks::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        if !ckks.params().same(params.ckks()) || !tfhe.params().same(params.tfhe()) {
            let operation = "key of the bridge from CKKS to TFHE";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        Ok(Self(SeededRingSwitch::generate(params, params.joint(), ckks.inner(), tfhe)?))
    }

    /// The bridge; nothing secret goes in.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn expand(&self) -> Result<CkksToTfhe, Error> {
        Ok(CkksToTfhe(self.0.expand()?))
    }
}

/// The bridge from CKKS to TFHE.
pub struct CkksToTfhe(RingSwitch);

/// The coefficients in which slot `j` of `slots` has its real and its imaginary part, in a ring of dimension `n`.
pub fn coefficients_of(j: usize, slots: usize, n: usize) -> [usize; 2] {
    let (gap, bits) = (n / (2 * slots), slots.trailing_zeros());
    let reversed = if bits == 0 { 0 } else { j.reverse_bits() >> (usize::BITS - bits) };
    [reversed * gap, (reversed + slots) * gap]
}

/// The phase of the value 1 of a slot on the torus, before it is multiplied by a power of two.
pub fn unit(params: &Parameters) -> f64 {
    params.ckks().scale(0) / params.joint().spec().q[0] as f64
}

/// The factor with which [`TfheToBgv::to_slots`] puts values `v/2^log_t` of the torus into slots.
pub fn factor(params: &Parameters, log_t: u32) -> f64 {
    1.0 / unit(params) / f64::from(log_t).exp2()
}

/// Variance that the ring switch adds, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let joint = params.joint();
    ring_switch::noise(joint, params.ckks().rlwe().spec().secret.squared_norm(joint.n()))
}

impl CkksToTfhe {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.0.params()
    }

    /// The real parts of the first `count` slots as LWE ciphertexts, and the phase of the value 1 on the torus. The phase is a
    /// power of two times the scale over `q_0`, the largest with which values of the ciphertext's bound stay below a
    /// quarter of the torus: `|v| ≤ 1` takes a padding bit and a sign.
    ///
    /// # Errors
    /// If the ciphertext or the bootstrapper belongs to other parameters, the ciphertext has too few levels, or there are not so
    /// many slots.
    pub fn extract(
        &self,
        bootstrapper: &Bootstrapper,
        ciphertext: &he_ckks::Ciphertext,
        count: usize,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let slots = bootstrapper.slots();
        if count > slots {
            let (found, needed) = (count.to_string(), format!("at most {slots}"));
            return Err(Error::Mismatch { field: "the number of values", found, needed });
        }
        let low = self.lower(bootstrapper, ciphertext)?;
        let q = self.params().joint().spec().q[0] as f64;
        let bound = ciphertext.estimate().bound.max(f64::MIN_POSITIVE);
        let bits = (q / 4.0 / (low.scale * bound)).log2().floor().clamp(0.0, 40.0) as u32;
        self.read(&low, slots, &(0..count).collect::<Vec<_>>(), bits)
    }

    /// The real parts of some slots, as [`extract`](Self::extract), with the phase of the value 1 on the torus: the scale over `q_0`
    /// ([`unit()`]) times `2^bits`. What leaves the torus wraps around.
    ///
    /// # Errors
    /// As [`extract`](Self::extract), or for more than 40 bits.
    pub fn extract_slots(
        &self,
        bootstrapper: &Bootstrapper,
        ciphertext: &he_ckks::Ciphertext,
        slots: &[usize],
        bits: u32,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let all = bootstrapper.slots();
        if let Some(slot) = slots.iter().find(|&&slot| slot >= all) {
            let (found, needed) = (slot.to_string(), format!("less than {all}"));
            return Err(Error::Mismatch { field: "a slot", found, needed });
        }
        if bits > 40 {
            let (found, needed) = (format!("2^{bits}"), "at most 2^40".into());
            return Err(Error::Mismatch { field: "the factor of values", found, needed });
        }
        self.read(&self.lower(bootstrapper, ciphertext)?, all, slots, bits)
    }

    fn lower(
        &self,
        bootstrapper: &Bootstrapper,
        ciphertext: &he_ckks::Ciphertext,
    ) -> Result<CoefficientCiphertext, Error> {
        let params = self.params();
        if !ciphertext.params().same(params.ckks()) {
            return Err(Error::Foreign { operation: "bridge from CKKS to TFHE", object: "ciphertext" });
        }
        if !bootstrapper.evaluator().params().same(params.ckks()) {
            return Err(Error::Foreign { operation: "bridge from CKKS to TFHE", object: "bootstrapper" });
        }
        Ok(bootstrapper.to_first_prime(ciphertext)?)
    }

    fn read(
        &self,
        low: &CoefficientCiphertext,
        all: usize,
        slots: &[usize],
        bits: u32,
    ) -> Result<(Vec<LweCiphertext>, f64), Error> {
        let joint = self.params().joint();
        let unit = low.scale / joint.spec().q[0] as f64 * f64::from(bits).exp2();
        let amplified = mul_wide(&low.inner.clone().over(joint), 1 << bits);
        let places: Vec<usize> = slots.iter().map(|&j| coefficients_of(j, all, joint.n())[0]).collect();
        let variance = (low.error * unit).powi(2) + noise(self.params());
        Ok((self.0.extract(&amplified, &places, variance)?, unit))
    }
}

impl TfheToBgv {
    /// Packed values `v/2^log_t` as a CKKS ciphertext with all levels of the user, and the factor `f` with which `f·v` stands in
    /// its slots; `f·v` must be at most 1 in magnitude. Coefficient `i` of the `r`-th of `p` packed ciphertexts, `p` a power of two, is
    /// coefficient `(p·i + r)·N/(p·n')` of the large ring, whose slot [`coefficients_of`] tells.
    ///
    /// # Errors
    /// As [`gather`](Self::gather), or if the bootstrapper belongs to other parameters.
    pub fn to_slots(
        &self,
        bootstrapper: &Bootstrapper,
        packed: &[GlweCiphertext],
        log_t: u32,
    ) -> Result<(he_ckks::Ciphertext, f64), Error> {
        if !bootstrapper.evaluator().params().same(self.params().ckks()) {
            return Err(Error::Foreign { operation: "bridge from TFHE to CKKS", object: "bootstrapper" });
        }
        let gathered = self.gather(packed, log_t)?;
        let factor = factor(self.params(), log_t);
        let inner = gathered.inner.over(self.params().ckks().rlwe());
        Ok((bootstrapper.from_first_prime(inner, gathered.error * factor)?, factor))
    }
}
