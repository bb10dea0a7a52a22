//! Parameters: a chain of primes, and the scale at each level of it.
//!
//! The chain is, from the prime that stays longest: `q_0`; the primes of slots-to-coefficients, where there is
//! bootstrapping; one prime for every level of the user; and on top those of modular reduction and coefficients-to-slots.
//! Special primes `P` stand beside it. A fresh ciphertext has all levels of the user and lives below the top part.
//!
//! **One scale a level.** `Δ_L = 2^s` at the highest user level and `Δ_{l−1} = Δ_l²/q_{l−1}` below (Kim, Papadimitriou,
//! Polyakov 2022, section 3): the rescaled product of two ciphertexts of a level has exactly the scale of the next, so that
//! scales never drift apart. Each prime is the one nearest to `Δ_l²/2^s`, hence every `Δ_l` is `2^s` up to the distance of
//! primes.

use std::sync::{Arc, OnceLock};

use he_core::prime::{PrimeError, primes_around, primes_below};
use he_core::ring::Embedding;
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{self, ParametersError, SecretDistribution};

use crate::bootstrap::spec::{BootstrapSpec, Order};
use crate::error::Error;
use crate::estimate::{DEVIATIONS, Estimate};

/// Deviation of fresh errors.
const SIGMA: f64 = 3.19;

/// What an instance consists of.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec {
///     log_n: 14,
///     first_bits: 48,
///     scale_bits: 40,
///     levels: 7, // seven products in a row
///     special_bits: vec![49],
///     digit: 1,
///     secret: SecretDistribution::UniformTernary,
///     bootstrap: None,
///     congruence: 1,
/// };
/// let params = spec.build()?;
/// assert_eq!((params.n(), params.slots(), params.max_level()), (16384, 8192, 7));
/// // 457 bits would not give 128-bit security in this dimension.
/// assert!(Spec { levels: 9, ..spec }.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Base-two logarithm of the ring dimension `N`; there are `N/2` slots.
    pub log_n: u32,
    /// Bits of the prime that stays last, at most 50: `first_bits − scale_bits` bits are left for the whole part of a
    /// decrypted value and its sign.
    pub first_bits: u32,
    /// Bits of the scale, and of the prime of each level.
    pub scale_bits: u32,
    /// Levels of the user: products in a row, before bootstrapping if there is any.
    pub levels: usize,
    /// Bit sizes of the special primes of key switching. Together they should exceed a digit by 7 bits.
    pub special_bits: Vec<u32>,
    /// Primes of the chain in one key-switching digit.
    pub digit: usize,
    /// Distribution of the secret.
    pub secret: SecretDistribution,
    /// The circuit of bootstrapping, which adds primes to the chain.
    pub bootstrap: Option<BootstrapSpec>,
    /// The primes up to the user's are 1 modulo this power of two too: the plaintext modulus of an exact scheme that shares
    /// them; 1 where there is none.
    pub congruence: u64,
}

impl Spec {
    /// Preset: `N = 8192`, 4096 slots, 3 levels of 36 bits; 128 bits of security (`log2 QP = 203 ≤ 214`).
    pub fn n8192() -> Self {
        Self {
            log_n: 13,
            first_bits: 45,
            scale_bits: 36,
            levels: 3,
            special_bits: vec![50],
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            bootstrap: None,
            congruence: 1,
        }
    }

    /// Preset: `N = 16384`, 8192 slots, 7 levels of 40 bits; 128 bits of security (`log2 QP = 378 ≤ 430`).
    pub fn n16384() -> Self {
        Self { log_n: 14, first_bits: 48, scale_bits: 40, levels: 7, ..Self::n8192() }
    }

    /// Preset: `N = 32768`, 16384 slots, 16 levels of 40 bits; 128 bits of security (`log2 QP = 838 ≤ 868`).
    pub fn n32768() -> Self {
        Self {
            log_n: 15,
            first_bits: 48,
            scale_bits: 40,
            levels: 16,
            special_bits: vec![50; 3],
            digit: 3,
            ..Self::n8192()
        }
    }

    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, or `log2(Q·P)` is above the cap for 128 bits, also that of the ephemeral secret of
    /// bootstrapping.
    pub fn build(&self) -> Result<Parameters, Error> {
        let (rlwe, scales) = self.chain()?;
        let params = Parameters::new(self, rlwe.build()?, scales)?;
        if self.bootstrap.is_some() {
            params.ephemeral()?;
        }
        Ok(params)
    }

    /// Parameters without security, for fast tests and comparisons; `reason` says why that is right.
    ///
    /// # Errors
    /// If a field is out of range, or the reason is empty.
    pub fn build_insecure(&self, reason: &str) -> Result<Parameters, Error> {
        let (rlwe, scales) = self.chain()?;
        Parameters::new(self, rlwe.build_insecure(reason)?, scales)
    }

    /// Level of a fresh ciphertext.
    fn max_level(&self) -> usize {
        self.bootstrap.as_ref().map_or(0, |b| b.slots_to_coefficients) + self.levels
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |field, found: String, needed: &str| Error::Spec { field, found, needed: needed.into() };
        if !(4..=17).contains(&self.log_n) {
            return Err(ParametersError::BadDimension(self.log_n).into());
        }
        if !(20..=48).contains(&self.scale_bits) {
            return Err(wrong("scale_bits", self.scale_bits.to_string(), "20 to 48"));
        }
        if self.first_bits < self.scale_bits + 2 || self.first_bits > 50 {
            return Err(wrong(
                "first_bits",
                self.first_bits.to_string(),
                "at least scale_bits + 2, at most 50",
            ));
        }
        if !self.congruence.is_power_of_two() || self.congruence > 1 << 36 {
            return Err(wrong("congruence", self.congruence.to_string(), "a power of two up to 2^36"));
        }
        if self.levels > 100 {
            return Err(wrong("levels", self.levels.to_string(), "0 to 100"));
        }
        let Some(bootstrap) = &self.bootstrap else { return Ok(()) };
        if self.special_bits.is_empty() {
            return Err(wrong("special_bits", "empty".into(), "special primes"));
        }
        bootstrap.check(self.log_n, self.scale_bits)
    }

    /// The primes, and the scale at each level.
    fn chain(&self) -> Result<(rlwe::Spec, Vec<f64>), Error> {
        self.check()?;
        let (two_n, max_level) = (2u64 << self.log_n, self.max_level());
        let mut taken: Vec<u64> = Vec::new();
        let near = |target: f64, step: u64, taken: &mut Vec<u64>| -> Result<u64, Error> {
            let prime = primes_around(target.round() as u64, step)
                .find(|p| *p < 1 << 50 && !taken.contains(p))
                .ok_or_else(|| Error::Spec {
                    field: "scale_bits",
                    found: self.scale_bits.to_string(),
                    needed: "a size with enough primes".into(),
                })?;
            taken.push(prime);
            Ok(prime)
        };
        let step = two_n.max(self.congruence);
        let unit = f64::from(self.scale_bits).exp2();
        // From the top down, then turned round.
        let (mut scales, mut levels) = (vec![unit], Vec::new());
        for _ in 0..max_level {
            let scale = scales[scales.len() - 1];
            let prime = near(scale * scale / unit, step, &mut taken)?;
            levels.push(prime);
            scales.push(scale * scale / prime as f64);
        }
        // Where primes are too few, their distances add up from level to level.
        if scales.iter().any(|scale| (scale / unit).log2().abs() > 0.01) {
            let (field, found) = ("scale_bits", self.scale_bits.to_string());
            let needed = format!("a size with {} primes close to it: a larger one", levels.len());
            return Err(Error::Spec { field, found, needed });
        }
        levels.reverse();
        scales.reverse();
        let mut upper = Vec::new();
        if let Some(b) = &self.bootstrap {
            let unit = f64::from(b.modular_bits).exp2();
            let (modular, all) = (b.modular_levels(), b.modular_levels() + b.coefficients_to_slots);
            for _ in 0..all {
                upper.push(near(unit, two_n, &mut taken)?);
            }
            // From where modular reduction begins down to its last product.
            let mut upper_scales = vec![unit; all - modular + 1];
            for &prime in upper[1..modular].iter().rev() {
                let scale = upper_scales[upper_scales.len() - 1];
                upper_scales.push(scale * scale / prime as f64);
            }
            scales.extend(upper_scales.iter().rev());
        }
        let first = primes_below(1 << self.first_bits, step, taken.len() + 1)
            .map_err(ParametersError::from)?
            .into_iter()
            .find(|p| !taken.contains(p))
            .ok_or_else(|| {
                ParametersError::from(PrimeError::NotEnough {
                    limit: 1 << self.first_bits,
                    step,
                    wanted: 1,
                    found: 0,
                })
            })?;
        taken.push(first);
        let special = find_primes(self.log_n, &self.special_bits, &taken)?;
        let q = [&[first][..], &levels, &upper].concat();
        let rlwe = rlwe::Spec {
            log_n: self.log_n,
            q,
            p: special,
            digit: self.digit,
            secret: self.secret,
            sigma: SIGMA,
            error_factor: 1,
        };
        Ok((rlwe, scales))
    }
}

/// Checked parameters; cheap to clone.
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    spec: Spec,
    rlwe: rlwe::Parameters,
    scales: Vec<f64>,
    hash: [u8; 32],
    noise: NoiseModel,
    /// By the logarithm of the number of slots, made when first asked for.
    embeddings: Vec<OnceLock<Embedding>>,
}

impl Parameters {
    fn new(spec: &Spec, rlwe: rlwe::Parameters, scales: Vec<f64>) -> Result<Self, Error> {
        let noise = NoiseModel::new(&rlwe);
        let embeddings = (0..spec.log_n).map(|_| OnceLock::new()).collect();
        let hash = fingerprint(spec, &rlwe, &scales);
        Ok(Self(Arc::new(Inner { spec: spec.clone(), rlwe, scales, hash, noise, embeddings })))
    }

    /// What they were built from.
    pub fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// The RLWE instance below.
    pub fn rlwe(&self) -> &rlwe::Parameters {
        &self.0.rlwe
    }

    /// BLAKE3 digest of the RLWE instance, the scales and the circuit of bootstrapping; objects of other parameters are told
    /// apart by it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0.hash
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.0.rlwe.n()
    }

    /// The most slots of a plaintext, `N/2`.
    pub fn slots(&self) -> usize {
        self.n() / 2
    }

    /// The highest level of the user, that of a fresh ciphertext: the levels of the specification above those that
    /// bootstrapping reserves.
    #[doc(alias = "top")]
    pub fn max_level(&self) -> usize {
        self.spec().max_level()
    }

    /// The circuit of bootstrapping.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn bootstrap(&self) -> Result<&BootstrapSpec, Error> {
        self.spec().bootstrap.as_ref().ok_or_else(|| Error::Spec {
            field: "bootstrap",
            found: "none".into(),
            needed: "a BootstrapSpec".into(),
        })
    }

    /// Levels that a bootstrap takes itself, below those of the user: slots-to-coefficients.
    pub fn reserved_levels(&self) -> usize {
        self.max_level() - self.spec().levels
    }

    /// Level of a ciphertext that bootstrapping has raised to the whole chain; [`max_level`](Self::max_level) without
    /// bootstrapping.
    #[doc(alias = "max_limbs")]
    pub fn raised_level(&self) -> usize {
        self.0.rlwe.max_limbs() - 1
    }

    /// The scale of ciphertexts at a level; above [`max_level`](Self::max_level) those of modular reduction.
    ///
    /// # Panics
    /// If the level is above that where modular reduction begins.
    pub fn scale(&self, level: usize) -> f64 {
        self.0.scales[level]
    }

    /// The scale of a product at a level, before it is rescaled to exactly the scale of the next lower one.
    pub(crate) fn product_scale(&self, level: usize) -> f64 {
        self.scale(level - 1) * self.prime(level)
    }

    /// That there are such ciphertexts.
    pub(crate) fn check_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        let present = self.max_level();
        if level <= present { Ok(()) } else { Err(Error::Level { operation, wanted: level, present }) }
    }

    /// That there are such ciphertexts, and that they can be multiplied.
    pub(crate) fn check_product_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        if level == 0 {
            return Err(Error::LevelsUsedUp { operation, needed: 1, present: 0 });
        }
        self.check_level(operation, level)
    }

    /// Prime at position `i` of the chain, as a number.
    pub(crate) fn prime(&self, i: usize) -> f64 {
        self.0.rlwe.spec().q[i] as f64
    }

    /// `log2` of the modulus of a level.
    pub(crate) fn log_q(&self, level: usize) -> f64 {
        self.0.rlwe.basis(level + 1).log2()
    }

    /// Whether such values and their errors fit in the modulus of a level; what is no number does not.
    pub(crate) fn fits(&self, estimate: Estimate, scale: f64, level: usize) -> bool {
        let most = estimate.bound + DEVIATIONS * estimate.error;
        most.log2() + scale.log2() <= self.log_q(level) - 1.0
    }

    /// That they do not.
    pub(crate) fn overflow(
        &self,
        operation: &'static str,
        estimate: Estimate,
        scale: f64,
        level: usize,
    ) -> Error {
        let bound = estimate.bound + DEVIATIONS * estimate.error;
        Error::Overflow { operation, bound, scale: scale.log2(), modulus: self.log_q(level) }
    }

    /// The instance of the ephemeral secret of bootstrapping: the first prime, and one special prime.
    pub(crate) fn ephemeral(&self) -> Result<rlwe::Parameters, Error> {
        let spec = self.rlwe().spec();
        let weight = self.bootstrap()?.ephemeral_weight;
        let short = rlwe::Spec {
            q: vec![spec.q[0]],
            p: vec![spec.p[0]],
            digit: 1,
            secret: SecretDistribution::SparseTernary { weight },
            ..spec.clone()
        };
        Ok(match self.rlwe().security_bits() {
            Some(_) => short.build()?,
            None => short.build_insecure("part of parameters that are insecure themselves")?,
        })
    }

    /// Noise by formula.
    pub fn noise(&self) -> &NoiseModel {
        &self.0.noise
    }

    /// Variance of one of `slots` slots, in units of the values, for a variance of the coefficients: those that fewer slots do
    /// not use have no part in it.
    pub(crate) fn slot_variance(&self, slots: usize, coefficient: f64, scale: f64) -> f64 {
        2.0 * slots as f64 * coefficient / (scale * scale)
    }

    /// The embedding for a number of slots.
    ///
    /// # Errors
    /// If it is no power of two up to `N/2`.
    pub fn embedding(&self, slots: usize) -> Result<&Embedding, Error> {
        if !slots.is_power_of_two() || slots > self.slots() {
            return Err(Error::Slots { slots, most: self.slots() });
        }
        Ok(self.0.embeddings[slots.trailing_zeros() as usize].get_or_init(|| Embedding::new(slots)))
    }

    /// Whether both are the same instance.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }
}

/// Bits of primes are not among it: the primes are, in the hash of the RLWE instance.
fn fingerprint(spec: &Spec, rlwe: &rlwe::Parameters, scales: &[f64]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("he-ckks parameters v1");
    hasher.update(rlwe.hash());
    let mut word = |w: u64| {
        hasher.update(&w.to_le_bytes());
    };
    word(u64::from(spec.scale_bits));
    word(spec.levels as u64);
    word(scales.len() as u64);
    scales.iter().for_each(|scale| word(scale.to_bits()));
    word(u64::from(spec.bootstrap.is_some()));
    if let Some(b) = &spec.bootstrap {
        let BootstrapSpec {
            slots_to_coefficients,
            coefficients_to_slots,
            modular_bits,
            range,
            degree,
            doublings,
            terms,
            ephemeral_weight,
            order,
        } = *b;
        word(slots_to_coefficients as u64);
        word(coefficients_to_slots as u64);
        word(u64::from(modular_bits));
        word(u64::from(range));
        word(degree as u64);
        word(u64::from(doublings));
        word(terms as u64);
        word(ephemeral_weight as u64);
        // Younger than the format: what it does not concern keeps its digest.
        if order == Order::CoefficientsFirst {
            word(1);
        }
    }
    *hasher.finalize().as_bytes()
}
