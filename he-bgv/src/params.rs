//! Parameters: an RLWE instance and a plaintext modulus.

use std::sync::Arc;

use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::{RingError, Slots};
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{self, OperandError, ParametersError, SecretDistribution};

use crate::error::Error;
use crate::noise::NoiseEstimator;

/// The specification of an instance: sizes of its ring, primes and plaintext modulus.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec {
///     log_n: 13,
///     plaintext_modulus: 65_537, // ≡ 1 (mod 2·8192): slots
///     q_bits: vec![50, 40, 40],
///     p_bits: vec![50],
///     digit: 1,
/// };
/// let params = spec.build()?;
/// assert_eq!((params.n(), params.max_level()), (8192, 2));
/// // 230 bits would not give 128-bit security in this dimension.
/// let large = Spec { q_bits: vec![45; 4], ..spec };
/// assert!(large.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Base-two logarithm of the ring dimension `N`.
    pub log_n: u32,
    /// Plaintext modulus `t`, 2 to `2^49`. SIMD slots need a prime `≡ 1 (mod 2N)`; see [`Spec::slot_modulus`].
    pub plaintext_modulus: u64,
    /// Bit sizes of the primes of `Q`, at most 50; the last is dropped first.
    pub q_bits: Vec<u32>,
    /// Bit sizes of the special primes of key switching.
    pub p_bits: Vec<u32>,
    /// Primes of `Q` in one key-switching digit.
    pub digit: usize,
}

impl Spec {
    /// The largest prime of `bits` bits that gives SIMD slots in dimension `2^log_n`.
    ///
    /// # Errors
    /// If there is none.
    pub fn slot_modulus(log_n: u32, bits: u32) -> Result<u64, Error> {
        Self::slot_modulus_except(log_n, bits, &[])
    }

    /// As [`slot_modulus`](Self::slot_modulus), skipping the primes in `taken`.
    ///
    /// # Errors
    /// If there is none.
    pub fn slot_modulus_except(log_n: u32, bits: u32, taken: &[u64]) -> Result<u64, Error> {
        let step = Some(2_u64)
            .filter(|_| log_n <= 17)
            .map(|two| two << log_n)
            .ok_or(ParametersError::BadDimension(log_n))?;
        let found = primes_below(1 << bits.min(62), step, taken.len() + 1).map_err(ParametersError::from)?;
        found.into_iter().find(|p| !taken.contains(p)).ok_or(Error::PlaintextModulus(0))
    }

    /// Preset: `N = 8192`, 164 bits in 4 primes and a special prime of 50 bits, a plaintext prime of 20 bits with slots.
    /// 128 bits of security (`log2 QP ≤ 214`); two or three products.
    pub fn n8192() -> Self {
        Self { log_n: 13, plaintext_modulus: 1_032_193, q_bits: vec![41; 4], p_bits: vec![50], digit: 1 }
    }

    /// Preset: `N = 16384`, 376 bits in 8 primes and a special prime of 48 bits, a plaintext prime of 24 bits with slots.
    /// 128 bits of security (`log2 QP = 424 ≤ 430`); six or seven products.
    pub fn n16384() -> Self {
        Self { log_n: 14, plaintext_modulus: 16_580_609, q_bits: vec![47; 8], p_bits: vec![48], digit: 1 }
    }

    /// Preset: [`n8192`](Self::n8192) with a plaintext prime of 40 bits with slots, for integers that do not wrap: sums of millions of
    /// values of six digits, and one or two products at 128 bits of security.
    pub fn n8192_wide() -> Self {
        Self { plaintext_modulus: 1_099_511_480_321, ..Self::n8192() }
    }

    /// Preset: [`n16384`](Self::n16384) with a plaintext prime of 49 bits with slots, the most there are, for integers that do not
    /// wrap: four products at 128 bits of security.
    pub fn n16384_wide() -> Self {
        Self { plaintext_modulus: 562_949_952_798_721, ..Self::n16384() }
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, or `log2(Q·P)` is above the cap for 128 bits.
    pub fn build(&self) -> Result<Parameters, Error> {
        Parameters::with_plaintext(self.plaintext_modulus, self.rlwe()?.build()?)
    }

    /// Parameters without security, for fast tests and comparisons; `reason` says why that is right.
    ///
    /// # Errors
    /// If a field is out of range, or the reason is empty.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        Parameters::with_plaintext(self.plaintext_modulus, self.rlwe()?.build_insecure(reason)?)
    }

    fn rlwe(&self) -> Result<rlwe::Spec, Error> {
        let t = self.plaintext_modulus;
        if !(2..=1 << 49).contains(&t) {
            return Err(Error::PlaintextModulus(t));
        }
        if !(3..=17).contains(&self.log_n) {
            return Err(ParametersError::BadDimension(self.log_n).into());
        }
        let bits: Vec<u32> = self.q_bits.iter().chain(&self.p_bits).copied().collect();
        let primes = find_primes(self.log_n, &bits, &[t])?;
        let (q, p) = primes.split_at(self.q_bits.len());
        Ok(given(self.log_n, t, q, p, self.digit))
    }
}

fn given(log_n: u32, t: u64, q: &[u64], p: &[u64], digit: usize) -> rlwe::Spec {
    rlwe::Spec {
        log_n,
        q: q.to_vec(),
        p: p.to_vec(),
        digit,
        secret: SecretDistribution::UniformTernary,
        sigma: 3.19,
        error_factor: t,
    }
}

/// Checked parameters; cheap to clone.
///
/// ```
/// # use he_bgv::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::n8192().build()?;
/// assert_eq!((params.n(), params.t().value(), params.max_level()), (8192, 1_032_193, 3));
/// assert_eq!(params.rlwe().security_bits(), Some(128));
/// // Weaker parameters are an error, unless they are called insecure and a reason is given.
/// let small = Spec { log_n: 5, ..Spec::n8192() };
/// assert!(small.build().is_err() && small.build_insecure("an example")?.n() == 32);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    rlwe: rlwe::Parameters,
    t: Modulus,
    slots: Option<Slots>,
    noise: NoiseEstimator,
}

impl Parameters {
    fn with_plaintext(t: u64, rlwe: rlwe::Parameters) -> Result<Self, Error> {
        let t = Modulus::new(t).map_err(|_| Error::PlaintextModulus(t))?;
        let slots = Slots::new(rlwe.n(), t).map_err(RingError::from)?;
        let noise = NoiseEstimator::new(&rlwe);
        Ok(Self(Arc::new(Inner { rlwe, t, slots, noise })))
    }

    /// Parameters at 128-bit security over given primes of `Q` and of key switching: for bridges to schemes with the same
    /// primes.
    ///
    /// # Errors
    /// As [`Spec::build`].
    pub fn over_primes(log_n: u32, t: u64, q: &[u64], p: &[u64], digit: usize) -> Result<Self, Error> {
        Self::with_plaintext(t, given(log_n, t, q, p, digit).build()?)
    }

    /// Parameters without security over given primes; `reason` says why that is right.
    ///
    /// # Errors
    /// As [`Spec::build_insecure`].
    pub fn over_primes_insecure(
        log_n: u32,
        t: u64,
        q: &[u64],
        p: &[u64],
        digit: usize,
        reason: &str,
    ) -> Result<Self, Error> {
        Self::with_plaintext(t, given(log_n, t, q, p, digit).build_insecure(reason)?)
    }

    /// Parameters with these primes, plaintext modulus and noise estimates over a ring of dimension 16: a circuit rehearsed there
    /// takes the levels and correction factors of the real one, and a thousandth of the time. It protects nothing.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn insecure_rehearsal(&self) -> Result<Self, Error> {
        let spec = rlwe::Spec { log_n: 4, ..self.rlwe().spec().clone() };
        let rlwe = spec.build_insecure("a rehearsal that no secret enters")?;
        let slots = None;
        Ok(Self(Arc::new(Inner {
            rlwe,
            t: *self.t(),
            slots,
            noise: match self.slots() {
                Ok(_) => self.noise().for_slots(),
                Err(_) => self.noise().clone(),
            },
        })))
    }

    /// The RLWE instance below.
    pub fn rlwe(&self) -> &rlwe::Parameters {
        &self.0.rlwe
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.0.rlwe.n()
    }

    /// Plaintext modulus `t`.
    pub fn t(&self) -> &Modulus {
        &self.0.t
    }

    /// The highest level, that of a fresh ciphertext: one less than the number of primes in `Q`.
    pub fn max_level(&self) -> usize {
        self.0.rlwe.max_limbs() - 1
    }

    pub(crate) fn check_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        let present = self.max_level();
        if level <= present {
            Ok(())
        } else {
            Err(OperandError::Level { operation, wanted: level, present }.into())
        }
    }

    /// The slots modulo `t`, where it has some.
    pub(crate) fn slots(&self) -> Result<&Slots, Error> {
        self.0.slots.as_ref().ok_or(Error::NoSlots { t: self.t().value(), n: self.n() })
    }

    /// Noise by formula.
    pub fn noise(&self) -> &NoiseEstimator {
        &self.0.noise
    }

    /// True if both are one instance.
    pub fn same(&self, other: &Self) -> bool {
        self.rlwe().same(other.rlwe())
    }

    /// Scalars modulo each prime of the chain; 1 for those that are missing.
    pub(crate) fn residues(&self, scalars: &[u64]) -> Vec<u64> {
        let primes = self.rlwe().spec().q.iter().enumerate();
        primes.map(|(i, &q)| scalars.get(i).map_or(1, |scalar| scalar % q)).collect()
    }

    /// Inverse modulo `t` of the prime at position `i` of the chain, by which dropping it multiplies the message.
    pub(crate) fn drop_factor(&self, i: usize) -> u64 {
        let q = self.rlwe().spec().q[i];
        self.t().inv(self.t().reduce(q)).unwrap_or(1)
    }
}

he_core::brief_debug!(Parameters: |a| t = a.0.t.value(), rlwe = a.0.rlwe);
