//! `Spec`, written by a person or derived, and `Parameters`, checked and frozen.

use std::sync::Arc;

use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::external::{External, MAX_COLUMNS};
use he_core::ring::gadget::Gadget;
use he_core::ring::ntt::Ntt;
use he_core::ring::sample::Gaussian;
use he_core::rlwe::security::{MIN_SIGMA, min_binary_log_sigma};

use crate::error::Error;
use crate::noise::{self, Prediction};

/// A signed decomposition: digits of `base_log` bits, `levels` of them from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decomposition {
    /// Bits of a digit.
    pub base_log: u32,
    /// Number of digits.
    pub levels: usize,
}

/// What circuit bootstrapping and wide tables need besides packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Of the blind rotation in a circuit bootstrap, which must be finer than that of the others.
    pub rotation: Decomposition,
    /// Of the GGSW ciphertexts that come out of circuit bootstrapping; the number of levels is a power of two.
    pub ggsw: Decomposition,
    /// Bits of the input of the widest table, 1 to 16.
    pub table_bits: u32,
}

/// What a TFHE instance consists of. Deviations are base-two logarithms relative to the torus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Dimension `n` of the key under which blind rotations read.
    pub lwe_dimension: usize,
    /// `log2 σ` of the key-switching key, which lives modulo `2^32`.
    pub lwe_noise: f64,
    /// Number `k` of mask polynomials of a GLWE ciphertext, 1 to 4.
    pub glwe_dimension: usize,
    /// Ring dimension `N`.
    pub polynomial_size: usize,
    /// `log2 σ` of the bootstrapping key.
    pub glwe_noise: f64,
    /// Bits of the prime `q`, the largest of so many bits that is 1 modulo `2N`; 20 to 48.
    pub modulus_bits: u32,
    /// Bits of the key that one step of a blind rotation takes, 1 to 3; a divisor of `n`.
    pub unroll: usize,
    /// Gadget of the blind rotation.
    pub rotation: Decomposition,
    /// Gadget of the key switch, in base 2 to 16.
    pub key_switch: Decomposition,
    /// Gadget of packing, where that is wanted, and of the products with the encrypted key in circuit bootstraps.
    pub packing: Option<Decomposition>,
    /// Gadgets of circuit bootstrapping, where that is wanted; it needs packing.
    pub circuit: Option<Circuit>,
    /// Bits of a message and of the carries above it, behind one padding bit; 1 to 8 together.
    pub message_bits: u32,
    /// Bits for carries.
    pub carry_bits: u32,
    /// The largest `Σ w²` of a linear combination `Σ w·c` of bootstrapped ciphertexts that is bootstrapped again.
    pub squared_norm: f64,
    /// `log2` of the probability with which such a bootstrap may fail.
    pub failure: f64,
}

impl Spec {
    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, the whole is not known to give 128 bits, or bootstraps fail more often than promised.
    pub fn build(self) -> Result<Parameters, Error> {
        let glwe = self.glwe_dimension * self.polynomial_size;
        let fields = [
            ("key-switching", self.lwe_noise, self.lwe_dimension, 32),
            ("bootstrapping", self.glwe_noise, glwe, self.modulus_bits),
        ];
        for (which, found, dimension, bits) in fields {
            let none = || Error::Spec {
                field: "the dimension of a key",
                found: dimension.to_string(),
                needed: "450 or more, below which no security estimate was made".into(),
            };
            let needed =
                min_binary_log_sigma(dimension).ok_or_else(none)?.max(MIN_SIGMA.log2() - f64::from(bits));
            if found < needed {
                return Err(Error::Insecure { which, found, needed, dimension });
            }
        }
        Parameters::freeze(self, Some(128))
    }

    /// Parameters without any security, for fast tests and for comparisons; `reason` says why that is right.
    ///
    /// # Errors
    /// If a field is out of range, the reason is empty, or bootstraps fail more often than promised.
    pub fn build_insecure(self, reason: &str) -> Result<Parameters, Error> {
        if reason.trim().is_empty() {
            return Err(Error::NoReason);
        }
        Parameters::freeze(self, None)
    }

    /// Dimension `k·N` of the key under which ciphertexts are at rest.
    pub fn big_dimension(&self) -> usize {
        self.glwe_dimension * self.polynomial_size
    }

    /// Number of messages, carries included: `2^(message bits + carry bits)`.
    pub fn messages(&self) -> u64 {
        1 << (self.message_bits + self.carry_bits)
    }

    /// Matrices of one step of a blind rotation: one for each part of its bits that is not empty.
    pub fn matrices(&self) -> usize {
        (1 << self.unroll) - 1
    }

    /// Rows of a GGSW matrix of the blind rotation.
    pub fn rows(&self) -> usize {
        (self.glwe_dimension + 1) * self.rotation.levels
    }

    /// The gadgets that not all have: of circuit bootstraps, packing, and GGSW ciphertexts.
    fn optional_gadgets(&self) -> [Option<Decomposition>; 3] {
        [self.circuit.map(|circuit| circuit.rotation), self.packing, self.circuit.map(|circuit| circuit.ggsw)]
    }

    fn check(&self) -> Result<(), Error> {
        let bad =
            |field, found: String, needed: &str| Err(Error::Spec { field, found, needed: needed.into() });
        if !(1..MAX_COLUMNS).contains(&self.glwe_dimension) {
            return bad("the GLWE dimension", self.glwe_dimension.to_string(), "1 to 4");
        }
        if !self.polynomial_size.is_power_of_two() || !(64..=1 << 15).contains(&self.polynomial_size) {
            return bad(
                "the polynomial size",
                self.polynomial_size.to_string(),
                "a power of two from 64 to 32768",
            );
        }
        if !(20..=48).contains(&self.modulus_bits) {
            return bad("the bits of the modulus", self.modulus_bits.to_string(), "20 to 48");
        }
        if !(1..=3).contains(&self.unroll) {
            return bad("the number of unrolled bits", self.unroll.to_string(), "1 to 3");
        }
        if !(1..=4096).contains(&self.lwe_dimension) || !self.lwe_dimension.is_multiple_of(self.unroll) {
            let needed = "1 to 4096, and a multiple of the unrolled bits";
            return bad("the LWE dimension", self.lwe_dimension.to_string(), needed);
        }
        let bits = self.message_bits.saturating_add(self.carry_bits);
        if self.message_bits == 0 || bits > 8 || self.messages() > self.polynomial_size as u64 / 2 {
            return bad(
                "the number of message and carry bits",
                bits.to_string(),
                "1 to 8, and no more messages than N/2",
            );
        }
        let key_switch = &self.key_switch;
        if !(1..=4).contains(&key_switch.base_log)
            || key_switch.levels == 0
            || key_switch.base_log as usize * key_switch.levels > 31
        {
            let found = format!("{} levels of {} bits", key_switch.levels, key_switch.base_log);
            return bad("the gadget of the key switch", found, "digits of 1 to 4 bits, 31 bits in all");
        }
        for gadget in [Some(self.rotation)].into_iter().chain(self.optional_gadgets()).flatten() {
            let bits = (gadget.base_log as usize).checked_mul(gadget.levels);
            if !bits.is_some_and(|bits| (1..self.modulus_bits as usize).contains(&bits)) {
                let found = format!("{} levels of {} bits", gadget.levels, gadget.base_log);
                return bad(
                    "a gadget modulo q",
                    found,
                    "at least one level and bit, and fewer bits in all than q",
                );
            }
        }
        if let Some(circuit) = &self.circuit {
            if self.packing.is_none() {
                return bad("the gadget of packing", "none".into(), "one, where there is a circuit part");
            }
            if !circuit.ggsw.levels.is_power_of_two() || circuit.ggsw.levels > 8 {
                return bad(
                    "the number of levels of a GGSW ciphertext",
                    circuit.ggsw.levels.to_string(),
                    "1, 2, 4 or 8",
                );
            }
            if !(1..=16).contains(&circuit.table_bits) {
                return bad("the bits of the widest table", circuit.table_bits.to_string(), "1 to 16");
            }
        }
        if !(self.squared_norm >= 1.0 && self.squared_norm < 1e6) {
            return bad("the squared norm", self.squared_norm.to_string(), "1 to 10^6");
        }
        let (lwe, glwe) = (self.lwe_noise, self.glwe_noise);
        if !(-60.0..0.0).contains(&lwe) || !(-60.0..0.0).contains(&glwe) {
            return bad("the deviation of the noise", format!("2^{lwe} and 2^{glwe}"), "2^-60 to 1");
        }
        let predicted = noise::predict(self).failure;
        if predicted.is_nan() || predicted > self.failure {
            return Err(Error::Unreliable { predicted, promised: self.failure });
        }
        Ok(())
    }
}

/// Checked parameters with the tables that follow from them; cheap to clone.
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    spec: Spec,
    hash: [u8; 32],
    security_bits: Option<u32>,
    modulus: Modulus,
    rotation: RotationTables,
    packing: Option<PackingTables>,
    circuit: Option<CircuitTables>,
    prediction: Prediction,
    fresh: Gaussian,
    lwe: Gaussian,
    glwe: Gaussian,
}

/// What a blind rotation computes with.
pub(crate) struct RotationTables {
    pub(crate) gadget: Gadget,
    pub(crate) external: External,
}

/// What packing computes with.
pub(crate) struct PackingTables {
    pub(crate) gadget: Gadget,
    /// Products of the `k·l` digits of a mask with a key-switching key.
    pub(crate) switch: External,
}

/// What circuit bootstrapping computes with.
pub(crate) struct CircuitTables {
    pub(crate) rotation: RotationTables,
    pub(crate) ggsw: Gadget,
    /// Products of all digits of a ciphertext with a GGSW ciphertext of the packing gadget.
    pub(crate) scheme: External,
    /// The same with the GGSW gadget.
    pub(crate) select: External,
}

impl Parameters {
    fn freeze(spec: Spec, security_bits: Option<u32>) -> Result<Self, Error> {
        spec.check()?;
        let (n, k) = (spec.polynomial_size, spec.glwe_dimension);
        let prime = primes_below(1 << spec.modulus_bits, 2 * n as u64, 1)?[0];
        let modulus = Modulus::new(prime)?;
        let ntt = Arc::new(Ntt::new(n, modulus)?);
        let gadget = |d: Decomposition| {
            Gadget::new(modulus, d.base_log, d.levels).ok_or_else(|| Error::Spec {
                field: "a gadget modulo q",
                found: format!("{} levels of {} bits", d.levels, d.base_log),
                needed: format!("fewer bits in all than the {} of q", modulus.bits()),
            })
        };
        let external = |rows| External::new(ntt.clone(), rows, k + 1);
        let rotation = |d| {
            let gadget = gadget(d)?;
            let external = external((k + 1) * gadget.levels());
            Ok::<_, Error>(RotationTables { gadget, external })
        };
        let packing = spec.packing.map(|packing| {
            let gadget = gadget(packing)?;
            Ok::<_, Error>(PackingTables { switch: external(k * gadget.levels()), gadget })
        });
        let circuit = spec.circuit.zip(spec.packing).map(|(circuit, packing)| {
            let ggsw = gadget(circuit.ggsw)?;
            Ok::<_, Error>(CircuitTables {
                rotation: rotation(circuit.rotation)?,
                scheme: external((k + 1) * packing.levels),
                select: external((k + 1) * ggsw.levels()),
                ggsw,
            })
        });
        // Ciphertexts at rest have 32 bits, and their noise is no less than the least of an integer.
        let least = MIN_SIGMA.log2() - 32.0;
        Ok(Self(Arc::new(Inner {
            spec,
            hash: fingerprint(&spec),
            security_bits,
            modulus,
            rotation: rotation(spec.rotation)?,
            packing: packing.transpose()?,
            circuit: circuit.transpose()?,
            prediction: noise::predict(&spec),
            fresh: Gaussian::new((spec.glwe_noise.max(least) + 32.0).exp2())?,
            lwe: Gaussian::new((spec.lwe_noise + 32.0).exp2())?,
            glwe: Gaussian::new((spec.glwe_noise + f64::from(spec.modulus_bits)).exp2())?,
        })))
    }

    /// The specification they were built from.
    pub fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// The prime `q` of the ring.
    pub fn modulus(&self) -> &Modulus {
        &self.0.modulus
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.0.spec.polynomial_size
    }

    /// Bits of security, or `None` for parameters built as insecure.
    pub fn security_bits(&self) -> Option<u32> {
        self.0.security_bits
    }

    /// Noise and failure probability, as the formulas have them.
    pub fn prediction(&self) -> &Prediction {
        &self.0.prediction
    }

    /// BLAKE3 digest of the specification; objects of other parameters are told apart by it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0.hash
    }

    /// Whether both were built from the same specification.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }

    pub(crate) fn ntt(&self) -> &Ntt {
        self.0.rotation.external.ntt()
    }

    pub(crate) fn rotation(&self) -> &RotationTables {
        &self.0.rotation
    }

    pub(crate) fn packing(&self) -> Option<&PackingTables> {
        self.0.packing.as_ref()
    }

    pub(crate) fn circuit(&self) -> Option<&CircuitTables> {
        self.0.circuit.as_ref()
    }

    /// Noise of fresh ciphertexts, modulo `2^32`.
    pub(crate) fn fresh_noise(&self) -> &Gaussian {
        &self.0.fresh
    }

    /// Noise of the key-switching key, modulo `2^32`.
    pub(crate) fn lwe_noise(&self) -> &Gaussian {
        &self.0.lwe
    }

    /// Noise modulo `q`.
    pub(crate) fn glwe_noise(&self) -> &Gaussian {
        &self.0.glwe
    }

    /// Variance of a fresh ciphertext.
    pub(crate) fn fresh_variance(&self) -> f64 {
        (self.0.fresh.sigma() / 2_f64.powi(32)).powi(2)
    }
}

fn fingerprint(spec: &Spec) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("he-tfhe parameters v1");
    let mut word = |w: u64| {
        hasher.update(&w.to_le_bytes());
    };
    word(spec.lwe_dimension as u64);
    word(spec.lwe_noise.to_bits());
    word(spec.glwe_dimension as u64);
    word(spec.polynomial_size as u64);
    word(spec.glwe_noise.to_bits());
    word(u64::from(spec.modulus_bits));
    word(spec.unroll as u64);
    // Without packing there are two gadgets, with it three, with a circuit part five: the lengths tell them apart.
    word(spec.circuit.map_or(0, |circuit| u64::from(circuit.table_bits)));
    let optional = spec.optional_gadgets().into_iter().flatten();
    for gadget in [spec.rotation, spec.key_switch].into_iter().chain(optional) {
        word(u64::from(gadget.base_log));
        word(gadget.levels as u64);
    }
    word(u64::from(spec.message_bits));
    word(u64::from(spec.carry_bits));
    word(spec.squared_norm.to_bits());
    word(spec.failure.to_bits());
    *hasher.finalize().as_bytes()
}
