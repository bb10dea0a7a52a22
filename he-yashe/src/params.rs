//! Parameters: a ring, a chain of primes `≡ 1` modulo `2N` and modulo `t`, and a plaintext modulus.

use std::sync::Arc;

use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::rns::ExactDivider;
use he_core::ring::sample::Gaussian;
use he_core::ring::{Basis, RingError, Slots};
use he_core::rlwe::{Margin, OperandError};

use crate::error::Error;
use crate::noise::{NoiseEstimator, SIGMA};
use crate::security::{log_fatigue_point, max_log_ratio};

/// The specification of an instance of a broken scheme; [`build_legacy`](Self::build_legacy) says within which bounds.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::legacy_n32768();
/// let params = spec.build_legacy("an example")?;
/// assert_eq!((params.n(), params.t().value(), params.max_level()), (32_768, 521, 3));
/// // One bit of modulus more than the estimate allows is refused, and so is having no reason.
/// let large = Spec { q_bits: vec![33, 31, 36, 44], ..spec.clone() };
/// assert!(large.build_legacy("an example").is_err() && spec.build_legacy("").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Base-two logarithm of the ring dimension `N`.
    pub log_n: u32,
    /// Plaintext modulus `t`, 2 to `2^32`. SIMD slots need a prime `≡ 1 (mod 2N)`.
    pub plaintext_modulus: u64,
    /// Bit sizes of the primes of `q`, at most 50; the last is dropped first.
    pub q_bits: Vec<u32>,
    /// Bits of a digit of key switching.
    pub digit_bits: u32,
}

impl Spec {
    /// Preset: `N = 32768`, 143 bits in four primes, `t = 521` without slots; three products.
    pub fn legacy_n32768() -> Self {
        Self { log_n: 15, plaintext_modulus: 521, q_bits: vec![33, 31, 36, 43], digit_bits: 16 }
    }

    /// Preset: `N = 65536`, 216 bits in five primes, `t = 786433` with slots; two products.
    pub fn legacy_n65536() -> Self {
        Self { log_n: 16, plaintext_modulus: 786_433, q_bits: vec![43, 43, 43, 43, 44], digit_bits: 22 }
    }

    /// Parameters within the bound of [`security::max_log_ratio`](crate::security::max_log_ratio); `reason` says what for a broken scheme is needed.
    ///
    /// # Errors
    /// If the reason is empty, a field is out of range, or `q/t` is above the bound.
    pub fn build_legacy(&self, reason: &str) -> Result<Parameters, Error> {
        let bound = max_log_ratio(self.log_n).ok_or(Error::NoEstimate(self.log_n))?;
        let params = self.freeze(reason)?;
        let log_ratio = params.log_ratio();
        if log_ratio > bound {
            return Err(Error::TooLargeModulus { log_ratio, bound, log_n: self.log_n });
        }
        Ok(params)
    }

    /// Parameters in rings for which there is no bound at all, for fast tests; `reason` says why that is right.
    ///
    /// # Errors
    /// If the reason is empty, or a field is out of range.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        self.freeze(reason)
    }

    fn freeze(&self, reason: &str) -> Result<Parameters, Error> {
        if reason.trim().is_empty() {
            return Err(Error::NoReason);
        }
        if !(3..=17).contains(&self.log_n) {
            return Err(Error::BadDimension(self.log_n));
        }
        if !(2..=1 << 32).contains(&self.plaintext_modulus) {
            return Err(Error::PlaintextModulus(self.plaintext_modulus));
        }
        if !(1..=40).contains(&self.digit_bits) {
            return Err(Error::DigitBits(self.digit_bits));
        }
        Parameters::freeze(self.clone())
    }

    /// The largest distinct primes of the bit sizes asked for that are 1 modulo `2N` and modulo `t`: so that `(q − 1)/t` is
    /// whole for every product `q` of them.
    fn primes(&self) -> Result<Vec<u64>, Error> {
        let (two_n, t) = (2u64 << self.log_n, self.plaintext_modulus);
        // The least common multiple: what they share is a power of two.
        let step = two_n / (1 << two_n.trailing_zeros().min(t.trailing_zeros())) * t;
        let mut chosen: Vec<u64> = Vec::new();
        for &bits in &self.q_bits {
            let limit = 1u64 << bits.min(50);
            let found = primes_below(limit, step, chosen.len() + 1)?;
            chosen.extend(found.into_iter().find(|prime| !chosen.contains(prime)));
        }
        Ok(chosen)
    }
}

/// Checked parameters; cheap to clone.
///
/// ```
/// # use he_yashe::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::legacy_n65536().build_legacy("an example")?;
/// // Beyond the fatigue point, as all parameters that can multiply are, and one bit below the attack of 2^128.
/// assert!(params.is_overstretched());
/// assert!(params.log_ratio() < 197.0 && params.margin().is_some_and(|margin| margin.bits() > 0.0));
/// assert_eq!(Encoder::new(&params).slots()?, 65_536);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    spec: Spec,
    hash: [u8; 32],
    t: Modulus,
    slots: Option<Slots>,
    /// The first `l + 1` primes, for each level `l`.
    bases: Vec<Basis>,
    /// Division by the last prime of each level but 0.
    dividers: Vec<ExactDivider>,
    /// `−t^{−1} = (q − 1)/t` and `−t` modulo every prime.
    up: Vec<u64>,
    down: Vec<u64>,
    errors: Gaussian,
    noise: NoiseEstimator,
}

impl Parameters {
    fn freeze(spec: Spec) -> Result<Self, Error> {
        let t = Modulus::new(spec.plaintext_modulus).map_err(RingError::from)?;
        let all = Basis::new(1 << spec.log_n, &spec.primes()?)?;
        let bases: Vec<Basis> = (1..=all.len()).map(|limbs| all.select(0..limbs)).collect();
        let dividers =
            (1..all.len()).map(|last| ExactDivider::new(&bases[last - 1], &all.select([last]), 1)).collect();
        // The primes are 1 modulo t, so that t is a unit modulo each.
        let up = all.moduli().map(|q| q.neg(q.inv(q.reduce(t.value())).unwrap_or(1))).collect();
        let down = all.moduli().map(|q| q.neg(q.reduce(t.value()))).collect();
        let noise = NoiseEstimator::new(&all, &t, spec.digit_bits);
        let (hash, slots) = (fingerprint(&spec, &all), Slots::new(all.n(), t).map_err(RingError::from)?);
        let errors = Gaussian::new(SIGMA)?;
        Ok(Self(Arc::new(Inner { spec, hash, t, slots, bases, dividers, up, down, errors, noise })))
    }

    /// The specification they were built from.
    pub fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.basis(0).n()
    }

    /// Plaintext modulus `t`.
    pub fn t(&self) -> &Modulus {
        &self.0.t
    }

    /// The highest level, that of a fresh ciphertext: one less than the number of primes in `q`.
    pub fn max_level(&self) -> usize {
        self.0.bases.len() - 1
    }

    /// The primes `q_0, …, q_level`.
    ///
    /// # Panics
    /// If the level is above the highest.
    pub fn basis(&self, level: usize) -> &Basis {
        &self.0.bases[level]
    }

    /// BLAKE3 digest of the specification; objects of other parameters are told apart by it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0.hash
    }

    /// Whether both were built from the same specification.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }

    /// Noise by formula.
    pub fn noise(&self) -> &NoiseEstimator {
        &self.0.noise
    }

    /// `log2(q/t)`, the size that decides about security.
    pub fn log_ratio(&self) -> f64 {
        self.basis(self.max_level()).log2() - (self.t().value() as f64).log2()
    }

    /// Whether `q/t` is beyond the fatigue point, where attacks on the dense sublattice are the cheapest: so for all parameters with
    /// which a ciphertext can be multiplied.
    pub fn is_overstretched(&self) -> bool {
        self.log_ratio() > log_fatigue_point(self.0.spec.log_n)
    }

    /// The distance of `log2(q/t)` from the bound that is held; none where there is none. It is no margin of a scheme that is sound.
    pub fn margin(&self) -> Option<Margin> {
        let cap = max_log_ratio(self.0.spec.log_n)?;
        let (log_modulus, found) = (self.basis(self.max_level()).log2(), self.log_ratio());
        Some(Margin {
            what: "yashe (log2 q/t)",
            dimension: self.n(),
            secret: "ternary NTRU, overstretched".into(),
            log_modulus,
            sigma: SIGMA,
            found,
            cap,
        })
    }

    pub(crate) fn slots(&self) -> Result<&Slots, Error> {
        self.0.slots.as_ref().ok_or(Error::NoSlots { t: self.t().value(), n: self.n() })
    }

    pub(crate) fn divider(&self, level: usize) -> &ExactDivider {
        &self.0.dividers[level - 1]
    }

    pub(crate) fn up(&self, level: usize) -> &[u64] {
        &self.0.up[..=level]
    }

    pub(crate) fn down(&self, level: usize) -> &[u64] {
        &self.0.down[..=level]
    }

    pub(crate) fn errors(&self) -> &Gaussian {
        &self.0.errors
    }

    pub(crate) fn check_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        let present = self.max_level();
        if level <= present {
            return Ok(());
        }
        Err(OperandError::Level { operation, wanted: level, present }.into())
    }
}

fn fingerprint(spec: &Spec, basis: &Basis) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("he-yashe parameters v1");
    let head = [u64::from(spec.log_n), spec.plaintext_modulus, u64::from(spec.digit_bits)];
    for word in head.into_iter().chain(basis.moduli().map(Modulus::value)) {
        hasher.update(&word.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

he_core::brief_debug!(Parameters: |a| spec = a.0.spec);
