//! `Spec`, written by a person, and `Parameters`, checked and frozen.
//!
//! The modulus chain is `Q = q_0·…·q_{L−1}` with special primes `P = p_0·…·p_{k−1}` for key switching. Dropping primes from
//! the end of the chain gives `Q_l`, "l limbs". Key switching cuts the chain into *digits* of `α` primes, so
//! `dnum = ⌈L/α⌉` (Han and Ki 2019).

use std::sync::Arc;

use super::distribution::SecretDistribution;
use super::margin::Margin;
use super::parameters_error::ParametersError;
use super::security::{MIN_SIGMA, max_log_qp};
use crate::prime::{PrimeError, is_prime, primes_below};
use crate::ring::basis::Basis;
use crate::ring::rns::{BaseConverter, ExactDivider};
use crate::ring::sample::Gaussian;

/// Coefficients of a message, and scaled errors, stay below this.
pub(super) const MESSAGE_LIMIT: u64 = 1 << 61;

/// The specification of an RLWE instance: ring, moduli, and distributions of secret and error.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::rlwe::{SecretDistribution, Spec, params::find_primes};
///
/// // Three primes of Q and one special prime, of 50 bits each.
/// let primes = find_primes(13, &[50; 4], &[])?;
/// let spec = Spec {
///     log_n: 13,
///     q: primes[..3].to_vec(),
///     p: primes[3..].to_vec(),
///     digit: 1,
///     secret: SecretDistribution::UniformTernary,
///     sigma: 3.19,
///     error_factor: 1,
/// };
/// assert_eq!(spec.build()?.security_bits(), Some(128));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Base-two logarithm of the ring dimension `N`, 3 to 17 (10 to 17 for secure parameters).
    pub log_n: u32,
    /// Primes of `Q`, each `≡ 1 (mod 2N)` and below `2^50`; the last is dropped first.
    pub q: Vec<u64>,
    /// Special primes `P` of key switching; may be empty where no key switching is needed.
    pub p: Vec<u64>,
    /// Primes of `Q` in one key-switching digit, `α ≥ 1`.
    pub digit: usize,
    /// Distribution of the secret.
    pub secret: SecretDistribution,
    /// Deviation of fresh errors.
    pub sigma: f64,
    /// The error factor `f`: 1, or the plaintext modulus of BGV.
    pub error_factor: u64,
}

/// The largest distinct primes `≡ 1 (mod 2N)` of the given bit sizes, skipping those in `avoid`.
///
/// # Errors
/// If there are not enough.
pub fn find_primes(log_n: u32, bits: &[u32], avoid: &[u64]) -> Result<Vec<u64>, ParametersError> {
    let mut chosen: Vec<u64> = Vec::with_capacity(bits.len());
    // There is no such ring for a logarithm of 63 or more, and no prime 1 modulo 0.
    let step = 2u64.checked_shl(log_n).unwrap_or(0);
    for &b in bits {
        let limit = 1u64.checked_shl(b).unwrap_or(0);
        let count = avoid.len() + chosen.len() + 1;
        let prime = (1..=count)
            .find_map(|k| match primes_below(limit, step, k) {
                Ok(found) => {
                    found.last().copied().filter(|p| !avoid.contains(p) && !chosen.contains(p)).map(Ok)
                }
                Err(error) => Some(Err(error)),
            })
            .unwrap_or(Err(PrimeError::NotEnough { limit, step, wanted: count, found: 0 }))?;
        chosen.push(prime);
    }
    Ok(chosen)
}

impl Spec {
    /// A ring for examples and tests, which protects nothing: `N = 16`, three primes of 40 bits, one special prime of 41 bits,
    /// a uniform ternary secret, errors of deviation 3.19 with factor 1.
    pub fn insecure_small() -> Self {
        Self {
            log_n: 4,
            q: vec![1_099_511_627_297, 1_099_511_626_049, 1_099_511_625_409],
            p: vec![2_199_023_255_521],
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            sigma: 3.19,
            error_factor: 1,
        }
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, or the whole is not known to give 128 bits.
    pub fn build(self) -> Result<Parameters, ParametersError> {
        let secret = self.secret;
        let cap = max_log_qp(self.log_n, secret)
            .ok_or(ParametersError::NoEstimate { log_n: self.log_n, secret })?;
        if self.sigma < MIN_SIGMA {
            return Err(ParametersError::NarrowError { sigma: self.sigma });
        }
        let log_qp = self.q.iter().chain(&self.p).map(|&q| (q as f64).log2()).sum::<f64>();
        if log_qp > cap {
            return Err(ParametersError::TooLargeModulus { log_qp, cap, log_n: self.log_n });
        }
        Parameters::freeze(self, Some(128))
    }

    /// Parameters without any security, for fast tests and for comparisons; `reason` says why that is right.
    ///
    /// # Errors
    /// If a field is out of range, or the reason is empty.
    pub fn build_insecure(self, reason: &str) -> Result<Parameters, ParametersError> {
        if reason.trim().is_empty() {
            return Err(ParametersError::NoReason);
        }
        Parameters::freeze(self, None)
    }

    fn check(&self) -> Result<(), ParametersError> {
        if !(3..=17).contains(&self.log_n) {
            return Err(ParametersError::BadDimension(self.log_n));
        }
        if self.q.is_empty() {
            return Err(ParametersError::NoPrimes);
        }
        let two_n = 2u64 << self.log_n;
        if let Some(&value) =
            (self.q.iter().chain(&self.p)).find(|&&q| q >= 1 << 50 || q % two_n != 1 || !is_prime(q))
        {
            return Err(ParametersError::BadPrime { value, two_n });
        }
        if self.digit == 0 || self.digit > self.q.len() {
            return Err(ParametersError::BadDigit { digit: self.digit, limbs: self.q.len() });
        }
        let bits = |primes: &[u64]| primes.iter().map(|&q| (q as f64).log2()).sum::<f64>();
        let digit = self.q.chunks(self.digit).map(bits).fold(0.0, f64::max);
        // Primes of one size differ by less than this; the noise grows with the ratio, half a bit at most.
        if !self.p.is_empty() && bits(&self.p) + 0.5 < digit {
            return Err(ParametersError::SmallSpecial { special: bits(&self.p), digit });
        }
        let f = self.error_factor;
        if f == 0 || self.q.iter().chain(&self.p).any(|&q| f.is_multiple_of(q)) {
            return Err(ParametersError::BadErrorFactor(f));
        }
        match self.secret {
            SecretDistribution::SparseTernary { weight } if weight == 0 || weight > 1 << self.log_n => {
                Err(ParametersError::BadWeight { weight, n: 1 << self.log_n })
            }
            _ => Ok(()),
        }
    }
}

/// Checked parameters with the tables that follow from them; cheap to clone.
///
/// ```
/// # use he_core::rlwe::Spec;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let params = Spec::insecure_small().build_insecure("an example")?;
/// assert_eq!((params.n(), params.max_limbs(), params.digits(2)), (16, 3, 2));
/// // Q_2 and Q_2·P.
/// assert_eq!((params.basis(2).len(), params.key_basis(2).len()), (2, 3));
/// assert_eq!(params.security_bits(), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    spec: Spec,
    hash: [u8; 32],
    security_bits: Option<u32>,
    all: Basis,
    errors: Gaussian,
    tables: Vec<LimbTables>,
}

/// Tables that depend on the number of limbs.
pub(crate) struct LimbTables {
    pub(crate) q: Basis,
    pub(crate) qp: Basis,
    /// For each digit: from its primes to all others of `Q_l·P`.
    pub(crate) mod_up: Vec<BaseConverter>,
    /// From `Q_l·P` to `Q_l`.
    pub(crate) mod_down: Option<ExactDivider>,
    /// From `Q_l` to `Q_{l−1}`.
    pub(crate) drop_last: Option<ExactDivider>,
    /// From `Q_l·P` to `Q_{l−1}`: both in one rounding.
    pub(crate) mod_down_and_drop: Option<ExactDivider>,
}

impl Parameters {
    fn freeze(spec: Spec, security_bits: Option<u32>) -> Result<Self, ParametersError> {
        spec.check()?;
        let primes: Vec<u64> = spec.q.iter().chain(&spec.p).copied().collect();
        let all = Basis::new(1 << spec.log_n, &primes)?;
        let tables = (1..=spec.q.len()).map(|limbs| LimbTables::new(&spec, &all, limbs)).collect();
        let hash = fingerprint(&spec);
        let errors = Gaussian::new(spec.sigma)?;
        let (factor, error) = (spec.error_factor, errors.bound());
        if factor.checked_mul(error).is_none_or(|most| most >= MESSAGE_LIMIT) {
            return Err(ParametersError::WideError { factor, error });
        }
        Ok(Self(Arc::new(Inner { spec, hash, security_bits, all, errors, tables })))
    }

    /// The specification they were built from.
    pub fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.0.all.n()
    }

    /// Number of primes of the whole chain `Q`.
    pub fn max_limbs(&self) -> usize {
        self.0.spec.q.len()
    }

    /// `log2(Q·P)`.
    pub fn log_qp(&self) -> f64 {
        self.0.all.log2()
    }

    /// Bits of security, or `None` for parameters built as insecure.
    pub fn security_bits(&self) -> Option<u32> {
        self.0.security_bits
    }

    /// The distance from the bound for 128 bits, of what the secret hides; none where no bound is known.
    pub fn margin(&self, what: &'static str) -> Option<Margin> {
        let &Spec { log_n, secret, sigma, .. } = self.spec();
        Margin::ternary(what, log_n, secret, self.log_qp(), sigma)
    }

    /// BLAKE3 digest of the specification; objects of other parameters are told apart by it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0.hash
    }

    /// The first `limbs` primes of `Q`.
    ///
    /// # Panics
    /// If `limbs` is 0 or above [`max_limbs`](Self::max_limbs).
    pub fn basis(&self, limbs: usize) -> &Basis {
        &self.tables(limbs).q
    }

    /// The first `limbs` primes of `Q`, then the special primes.
    ///
    /// # Panics
    /// As [`basis`](Self::basis).
    pub fn key_basis(&self, limbs: usize) -> &Basis {
        &self.tables(limbs).qp
    }

    /// The sampler of fresh errors.
    pub(crate) fn errors(&self) -> &Gaussian {
        &self.0.errors
    }

    pub(crate) fn tables(&self, limbs: usize) -> &LimbTables {
        &self.0.tables[limbs - 1]
    }

    /// Number of key-switching digits of a polynomial of `limbs` limbs.
    pub fn digits(&self, limbs: usize) -> usize {
        limbs.div_ceil(self.0.spec.digit)
    }

    /// Whether both were built from the same specification.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }
}

impl LimbTables {
    fn new(spec: &Spec, all: &Basis, limbs: usize) -> Self {
        let special = spec.q.len()..all.len();
        let q = all.select(0..limbs);
        let p = all.select(special.clone());
        let qp = all.select((0..limbs).chain(special));
        let mod_up = (0..limbs)
            .step_by(spec.digit)
            .filter(|_| !p.is_empty())
            .map(|start| {
                let own = start..(start + spec.digit).min(limbs);
                let others: Vec<_> =
                    (0..qp.len()).filter(|i| !own.contains(i)).map(|i| *qp.modulus(i)).collect();
                BaseConverter::new(&qp.select(own), &others, 1)
            })
            .collect();
        let mod_down = (!p.is_empty()).then(|| ExactDivider::new(&q, &p, spec.error_factor));
        let drop_last = (limbs > 1).then(|| {
            ExactDivider::new(&all.select(0..limbs - 1), &all.select([limbs - 1]), spec.error_factor)
        });
        let mod_down_and_drop = (limbs > 1 && !p.is_empty()).then(|| {
            let drop = all.select((limbs - 1..limbs).chain(spec.q.len()..all.len()));
            ExactDivider::new(&all.select(0..limbs - 1), &drop, spec.error_factor)
        });
        Self { q, qp, mod_up, mod_down, drop_last, mod_down_and_drop }
    }
}

fn fingerprint(spec: &Spec) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("he-core rlwe parameters v1");
    let mut word = |w: u64| {
        hasher.update(&w.to_le_bytes());
    };
    word(u64::from(spec.log_n));
    for list in [&spec.q, &spec.p] {
        word(list.len() as u64);
        list.iter().for_each(|&q| word(q));
    }
    word(spec.digit as u64);
    word(match spec.secret {
        SecretDistribution::UniformTernary => 0,
        SecretDistribution::SparseTernary { weight } => weight as u64,
    });
    word(spec.sigma.to_bits());
    word(spec.error_factor);
    *hasher.finalize().as_bytes()
}

crate::brief_debug!(Parameters: |a| log_n = a.spec().log_n, q = a.spec().q.len(), p = a.spec().p.len(), security_bits = a.0.security_bits);
