//! Parameters: a checked RLWE instance, with the scale at each level of its chain.

use std::sync::{Arc, OnceLock};

use he_core::ring::Embedding;
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self, OperandError, SecretDistribution};

use crate::error::Error;
use crate::estimate::{DEVIATIONS, Estimate};
use crate::spec::{BootstrapSpec, Order, Spec};

impl Spec {
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
}

/// Checked parameters; cheap to clone.
///
/// ```
/// # use he_ckks::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::n8192().build()?;
/// assert_eq!((params.n(), params.slots(), params.max_level()), (8192, 4096, 3));
/// // One scale a level, all of them close to 2^36.
/// assert!((0..=3).all(|level| (params.scale(level).log2() - 36.0).abs() < 0.01));
/// // Weaker parameters are an error, unless they are called insecure and a reason is given.
/// let small = Spec { log_n: 5, ..Spec::n8192() };
/// assert!(small.build().is_err() && small.build_insecure("an example")?.n() == 32);
/// # Ok(())
/// # }
/// ```
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

    /// The specification they were built from.
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
    /// Higher still there is none: it is `NaN`, at which every operation is refused.
    pub fn scale(&self, level: usize) -> f64 {
        self.0.scales.get(level).copied().unwrap_or(f64::NAN)
    }

    /// The scale of a product at a level, before it is rescaled to exactly the scale of the next lower one.
    pub(crate) fn product_scale(&self, level: usize) -> f64 {
        self.scale(level - 1) * self.prime(level)
    }

    /// Refuses levels above the highest of the user.
    pub(crate) fn check_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        let present = self.max_level();
        if level <= present {
            Ok(())
        } else {
            Err(OperandError::Level { operation, wanted: level, present }.into())
        }
    }

    /// Refuses levels at which there are no products.
    pub(crate) fn check_product_level(&self, operation: &'static str, level: usize) -> Result<(), Error> {
        if level == 0 {
            return Err(OperandError::LevelsUsedUp { operation, needed: 1, present: 0 }.into());
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

    /// True if such values and their errors fit in the modulus of a level; what is no number does not.
    pub(crate) fn fits(&self, estimate: Estimate, scale: f64, level: usize) -> bool {
        let most = estimate.bound + DEVIATIONS * estimate.error;
        most.log2() + scale.log2() <= self.log_q(level) - 1.0
    }

    /// The error for values that do not fit.
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

    /// How far the moduli are from the largest that give 128 bits: of all keys, and of those of the ephemeral secret where there
    /// is bootstrapping.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// let margins = Spec::n8192().build()?.margins();
    /// assert!(margins.len() == 1 && margins[0].bits() >= 0.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn margins(&self) -> Vec<rlwe::Margin> {
        let main = self.rlwe().margin("ckks");
        let ephemeral = self.ephemeral().ok().and_then(|ephemeral| ephemeral.margin("ckks, ephemeral"));
        main.into_iter().chain(ephemeral).collect()
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

    /// True if both are one instance.
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

he_core::brief_debug!(Parameters: |a| max_level = a.max_level(), rlwe = a.0.rlwe);
