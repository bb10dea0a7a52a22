//! Programmable bootstraps whose accumulator lives in two primes, so that their outputs are clean enough for products of
//! another scheme.
//!
//! A blind rotation (Chillotti, Gama, Georgieva and Izabachène 2020, section 4) takes the phase `x` of an LWE ciphertext modulo
//! `2N` under a key of `n` bits to an RLWE encryption of `X^{−x}·table`; a step takes `u` bits `s_i` of that key,
//!
//! ```text
//! acc ← acc + (Σ_T (X^{−a_T} − 1)·GGSW(s_T)) ⊡ acc,    a_T = Σ_{i ∈ T} a_i,    s_T = Π_{i ∈ T} s_i·Π_{i ∉ T} (1 − s_i).
//! ```
//!
//! Here the accumulator is one of a ring of another scheme, modulo `Q = q_0·q_1` of up to 100 bits. Its digits are those of
//! the integers modulo `Q`, not of their residues: with `2^{b−1} ≤ Q < 2^b` a centred coefficient is rounded to a multiple of
//! `2^{b−Bl}` and written `Σ_{v=1..l} d_v·2^{b−Bv}`. Residue by residue the digits would have to be exact, as an error modulo
//! one prime is one of `Q/q_j` times as much modulo `Q`: `2l` digits of `B ≥ b/2l` bits, where `l` of the whole integers do.
//!
//! The many outputs are then packed into one ciphertext by automorphisms (Chen, Dai, Kim and Song 2021, algorithm 2), with key
//! switches by the same kind of gadget: there is no room for special primes.
//!
//! # Noise
//!
//! Variances in absolute units, `σ` that of fresh errors, `h` the expected squared norm of the ring's secret, `E = (4^B + 2)/12`
//! the mean square of a digit, `ρ = 4^{b−Bl}/12` that of a rounding error:
//!
//! ```text
//! blind rotation   ⌈n/u⌉ · [ (2^u − 1)·2·2l·N·σ²·E + 2·(1 − 2^−u)·(1 + h)·ρ ]
//! packing          (N² − 1)/3 · [ l·N·σ²·E + h·ρ ]
//! ```
//!
//! each with the `B` and `l` of its gadget. At `N = 4096`, 100 bits and `n = 786`, two digits of 32 bits leave `2^−55` of `Q` and
//! three of 25 bits `2^−62`; packing adds `2^−62` with four digits of 20 bits.
//!
//! # Encoding
//!
//! A table holds integers `m` modulo `t` as `⌊m·Q/t⌉`. Times `−t` that is `[m·Q]_t` and `t` times the noise modulo `Q`: a BGV
//! phase of the message `m` with the factor `Q mod t`, which is 1 for primes that are 1 modulo `t`.

mod gadget;
mod key;
mod packing;
mod rotation;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use he_core::ring::external::External;
use he_core::rlwe;
use he_tfhe::{Decomposition, noise};

use self::gadget::WideGadget;
use crate::error::Error;

pub use self::key::{AccumulatorKey, SeededAccumulatorKey};
pub use self::rotation::Accumulator;
pub use self::table::AccumulatorTable;

/// Primes of the accumulator.
const LIMBS: usize = 2;

/// Parts of an RLWE ciphertext.
const PARTS: usize = 2;

/// How accumulators are decomposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccumulatorSpec {
    /// Gadget of the blind rotation.
    pub rotation: Decomposition,
    /// Bits of the short key that one step takes, 1 to 3.
    pub unroll: usize,
    /// Gadget of the key switches of packing.
    pub packing: Decomposition,
}

impl AccumulatorSpec {
    /// Two digits of 32 bits: for `Q` of 100 bits a noise of `2^−55`.
    pub const COARSE: Self = Self {
        rotation: Decomposition { base_log: 32, levels: 2 },
        unroll: 2,
        packing: Decomposition { base_log: 20, levels: 4 },
    };

    /// Three digits of 25 bits: for `Q` of 100 bits a noise of `2^−62`.
    pub const FINE: Self = Self { rotation: Decomposition { base_log: 25, levels: 3 }, ..Self::COARSE };

    /// Polynomials `s_T` of a step that are encrypted.
    fn matrices(&self) -> usize {
        (1 << self.unroll) - 1
    }
}

/// A gadget and the products with its rows modulo each prime.
struct Tables {
    gadget: WideGadget,
    externals: Vec<External>,
}

impl Tables {
    /// For ciphertexts of which `parts` parts are decomposed.
    fn new(
        ring: &rlwe::Parameters,
        field: &'static str,
        shape: Decomposition,
        parts: usize,
    ) -> Result<Self, Error> {
        let basis = ring.basis(LIMBS);
        let gadget = WideGadget::new(basis, shape).ok_or_else(|| Error::Mismatch {
            field,
            found: format!("{} digits of {} bits", shape.levels, shape.base_log),
            needed: format!("at least one, fewer than {:.0} bits in all, each below a prime", basis.log2()),
        })?;
        let rows = parts * shape.levels;
        let externals = (0..LIMBS).map(|j| External::new(basis.shared_ntt(j), rows, PARTS)).collect();
        Ok(Self { gadget, externals })
    }

    fn rows(&self, parts: usize) -> usize {
        parts * self.gadget.levels()
    }
}

/// Where accumulators come from and where they go, with the tables that follow; cheap to clone.
#[derive(Clone)]
pub struct AccumulatorParameters(Arc<Inner>);

struct Inner {
    spec: AccumulatorSpec,
    lwe: he_tfhe::Parameters,
    target: rlwe::Parameters,
    /// The first two primes of the target, with plain errors.
    ring: rlwe::Parameters,
    rotation: Tables,
    packing: Tables,
}

impl AccumulatorParameters {
    /// From ciphertexts of `lwe` to the first two primes of `target`.
    ///
    /// # Errors
    /// If the target has fewer primes, the number of unrolled bits is not 1 to 3, or a gadget does not fit.
    pub fn new(
        spec: AccumulatorSpec,
        lwe: &he_tfhe::Parameters,
        target: &rlwe::Parameters,
    ) -> Result<Self, Error> {
        if target.max_limbs() < LIMBS {
            let (field, found) = ("the number of primes of the target", target.max_limbs().to_string());
            return Err(Error::Mismatch { field, found, needed: "two or more".into() });
        }
        if !(1..=3).contains(&spec.unroll) {
            let (field, found) = ("the number of unrolled bits", spec.unroll.to_string());
            return Err(Error::Mismatch { field, found, needed: "1 to 3".into() });
        }
        let mut plain = target.spec().clone();
        plain.q.truncate(LIMBS);
        (plain.p, plain.digit, plain.error_factor) = (Vec::new(), 1, 1);
        let ring = match target.security_bits() {
            Some(_) => plain.build()?,
            None => plain.build_insecure("the target has no security either")?,
        };
        let rotation = Tables::new(&ring, "the gadget of the blind rotation", spec.rotation, PARTS)?;
        let packing = Tables::new(&ring, "the gadget of packing", spec.packing, 1)?;
        let (lwe, target) = (lwe.clone(), target.clone());
        Ok(Self(Arc::new(Inner { spec, lwe, target, ring, rotation, packing })))
    }

    /// Whether both were made from the same.
    pub fn same(&self, other: &Self) -> bool {
        let equal = self.spec() == other.spec();
        Arc::ptr_eq(&self.0, &other.0)
            || equal && self.lwe().same(other.lwe()) && self.target().same(other.target())
    }

    /// The specification.
    pub fn spec(&self) -> &AccumulatorSpec {
        &self.0.spec
    }

    /// The parameters of what is bootstrapped.
    pub fn lwe(&self) -> &he_tfhe::Parameters {
        &self.0.lwe
    }

    /// The parameters of what comes out.
    pub fn target(&self) -> &rlwe::Parameters {
        &self.0.target
    }

    /// `Q`.
    pub fn modulus(&self) -> u128 {
        self.0.rotation.gadget.modulus()
    }

    /// `Q mod t`: the factor of the message in the phase of a BGV ciphertext made from packed outputs.
    ///
    /// # Panics
    /// If `t` is zero.
    pub fn factor(&self, t: u64) -> u64 {
        (self.modulus() % u128::from(t)) as u64
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.0.ring.n()
    }

    /// `log2(2N)`: bits of the phases that are read.
    pub fn reading_bits(&self) -> u32 {
        self.n().trailing_zeros() + 1
    }

    /// Steps of a blind rotation.
    pub fn steps(&self) -> usize {
        self.lwe().spec().lwe_dimension.div_ceil(self.spec().unroll)
    }

    /// Variance, relative to the torus, that the key switch and the modulus switch to `2N` add before a table is read.
    pub fn reading_variance(&self) -> f64 {
        let (spec, steps) = (self.lwe().spec(), 2.0 * self.n() as f64);
        noise::key_switch(spec) + (spec.lwe_dimension as f64 / 48.0 + 1.0 / 12.0) / (steps * steps)
    }

    /// Variance of the noise of a blind rotation, in absolute units.
    pub fn rotation_variance(&self) -> f64 {
        let parts = self.spec().matrices() as f64;
        let (key, rounding) = self.product_variances(&self.0.rotation, PARTS);
        let secret = 1.0 + self.squared_norm();
        let steps = self.steps() as f64;
        steps * (2.0 * parts * key + 2.0 * parts / (parts + 1.0) * secret * rounding)
    }

    /// Variance of the noise that packing adds, in absolute units.
    pub fn packing_variance(&self) -> f64 {
        let n = self.n() as f64;
        let (key, rounding) = self.product_variances(&self.0.packing, 1);
        (n * n - 1.0) / 3.0 * (key + self.squared_norm() * rounding)
    }

    /// Variances that the noise of the key and a rounding error have in a product of digits.
    fn product_variances(&self, tables: &Tables, parts: usize) -> (f64, f64) {
        let rows = (tables.rows(parts) * self.n()) as f64;
        let sigma = self.0.ring.spec().sigma;
        (rows * sigma * sigma * tables.gadget.mean_square(), tables.gadget.rounding_variance())
    }

    fn squared_norm(&self) -> f64 {
        self.0.ring.spec().secret.squared_norm(self.n())
    }
}
