//! Parameters: a specification whose ranges, security and failure probability were checked, and its precomputed tables.

use std::fmt::Display;
use std::sync::Arc;

use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::external::{External, MAX_COLUMNS};
use he_core::ring::gadget::Gadget;
use he_core::ring::ntt::Ntt;
use he_core::ring::sample::Gaussian;
use he_core::rlwe::Margin;
use he_core::rlwe::security::MIN_SIGMA;

use crate::error::Error;
use crate::noise::{self, Prediction};
use crate::spec::{CircuitGadgets, Decomposition, Spec};

impl Spec {
    /// Parameters at 128-bit security.
    ///
    /// # Errors
    /// If a field is out of range, the whole is not known to give 128 bits, or bootstraps fail more often than promised.
    pub fn build(self) -> Result<Parameters, Error> {
        let keys = [("key-switching", 32), ("bootstrapping", self.modulus_bits)];
        for (Margin { dimension, found, cap, .. }, (which, bits)) in self.margins()?.into_iter().zip(keys) {
            let (found, needed) = (-found, (-cap).max(MIN_SIGMA.log2() - f64::from(bits)));
            if found < needed {
                return Err(Error::Insecure { which, found, needed, dimension });
            }
        }
        Parameters::freeze(self, Some(128))
    }

    /// How far the noise of the key-switching and of the bootstrapping key is from the least that gives 128 bits.
    ///
    /// ```
    /// # use he_tfhe::*;
    /// # fn main() -> Result<(), Error> {
    /// let margins = Spec::message_2_carry_2_failure_64().margins()?;
    /// assert!(margins.iter().all(|margin| margin.bits() >= 0.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a dimension is below that of any estimate.
    pub fn margins(&self) -> Result<[Margin; 2], Error> {
        let margin = |which, modulus, noise, dimension: usize| {
            Margin::binary(which, dimension, modulus, noise).ok_or_else(|| Error::Spec {
                field: "the dimension of a key",
                found: dimension.to_string(),
                needed: "450 or more, below which no security estimate was made".into(),
            })
        };
        let short = margin("tfhe, key switch", 32.0, self.lwe_noise, self.lwe_dimension)?;
        let bits = f64::from(self.modulus_bits);
        Ok([short, margin("tfhe, bootstrap", bits, self.glwe_noise, self.big_dimension())?])
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

    fn check(&self) -> Result<(), Error> {
        if let Some(bad) = self.fields().into_iter().chain(self.gadgets()).find(|field| !field.fits) {
            return Err(Error::Spec { field: bad.name, found: bad.found, needed: bad.needed.into() });
        }
        let predicted = noise::predict(self).failure;
        // Written so that what is no number does not pass.
        if predicted <= self.failure {
            return Ok(());
        }
        Err(Error::Unreliable { predicted, promised: self.failure })
    }

    /// Ranges of single fields.
    fn fields(&self) -> [Field; 8] {
        let (n, bits) = (self.polynomial_size, self.message_bits.saturating_add(self.carry_bits));
        let deviation = |log: &f64| (-60.0..0.0).contains(log);
        let (lwe, glwe) = (self.lwe_noise, self.glwe_noise);
        [
            Field::new("the GLWE dimension", self.glwe_dimension, "1 to 4", |&k| {
                (1..MAX_COLUMNS).contains(&k)
            }),
            Field::new("the polynomial size", n, "a power of two from 64 to 32768", |n| {
                n.is_power_of_two() && (64..=1 << 15).contains(n)
            }),
            Field::new("the bits of the modulus", self.modulus_bits, "20 to 48", |q| (20..=48).contains(q)),
            Field::new("the number of unrolled bits", self.unroll, "1 to 3", |u| (1..=3).contains(u)),
            Field::new(
                "the LWE dimension",
                self.lwe_dimension,
                "1 to 4096, and a multiple of the unrolled bits",
                |n| (1..=4096).contains(n) && n.is_multiple_of(self.unroll),
            ),
            Field::new(
                "the number of message and carry bits",
                bits,
                "1 to 8, and no more messages than N/2",
                |&bits| self.message_bits > 0 && bits <= 8 && 1 << bits <= n / 2,
            ),
            Field::new("the squared norm", self.squared_norm, "1 to 10^6", |norm| (1.0..1e6).contains(norm)),
            Field::new("the deviation of the noise", format!("2^{lwe} and 2^{glwe}"), "2^-60 to 1", |_| {
                deviation(&lwe) && deviation(&glwe)
            }),
        ]
    }

    /// Ranges of the gadgets, and the needs of the circuit part.
    fn gadgets(&self) -> Vec<Field> {
        let bits = |gadget: &Decomposition| (gadget.base_log as usize).saturating_mul(gadget.levels);
        let fits = |gadget: &Decomposition| (1..self.modulus_bits as usize).contains(&bits(gadget));
        let mut fields = vec![Field::new(
            "the gadget of the key switch",
            self.key_switch,
            "digits of 1 to 4 bits, 31 bits in all",
            |gadget| (1..=4).contains(&gadget.base_log) && (1..=31).contains(&bits(gadget)),
        )];
        for gadget in [Some(self.rotation)].into_iter().chain(self.optional_gadgets()).flatten() {
            let needed = "at least one level and bit, and fewer bits in all than q";
            fields.push(Field::new("a gadget modulo q", gadget, needed, fits));
        }
        if let Some(CircuitGadgets { ggsw, table_bits, .. }) = self.circuit {
            let (packing, needed) = (self.packing.is_some(), "one, where there is a circuit part");
            fields.extend([
                Field::new("the gadget of packing", "none", needed, |_| packing),
                Field::new("the number of levels of a GGSW ciphertext", ggsw.levels, "1, 2, 4 or 8", |l| {
                    l.is_power_of_two() && *l <= 8
                }),
                Field::new("the bits of the widest table", table_bits, "1 to 16", |b| (1..=16).contains(b)),
            ]);
        }
        fields
    }
}

/// A row of the table of ranges: a field, its value, the range written out, and whether it is kept.
struct Field {
    name: &'static str,
    found: String,
    needed: &'static str,
    fits: bool,
}

impl Field {
    fn new<T: Display>(
        name: &'static str,
        found: T,
        needed: &'static str,
        fits: impl Fn(&T) -> bool,
    ) -> Self {
        Self { name, fits: fits(&found), found: found.to_string(), needed }
    }
}

/// Checked parameters with the tables that follow from them; cheap to clone.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// let params = Spec::gate_failure_64().build()?;
/// assert_eq!(params.security_bits(), Some(128));
/// assert!(params.prediction().failure <= -64.0);
/// # Ok(())
/// # }
/// ```
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

/// Tables of a blind rotation.
pub(crate) struct RotationTables {
    pub(crate) gadget: Gadget,
    pub(crate) external: External,
}

/// Tables of packing.
pub(crate) struct PackingTables {
    pub(crate) gadget: Gadget,
    /// Products of the `k·l` digits of a mask with a key-switching key.
    pub(crate) switch: External,
}

/// Tables of circuit bootstrapping.
pub(crate) struct CircuitTables {
    pub(crate) rotation: RotationTables,
    pub(crate) ggsw: Gadget,
    /// Products of all digits of a ciphertext with a GGSW ciphertext of the packing gadget.
    pub(crate) scheme: External,
    /// Products of all digits of a ciphertext with a GGSW ciphertext of the GGSW gadget.
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
                found: d.to_string(),
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
        // LWE ciphertexts under the long key have 32 bits, and their noise is no less than the least of an integer.
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

he_core::brief_debug!(Parameters: |a| spec = a.0.spec, security_bits = a.0.security_bits);
