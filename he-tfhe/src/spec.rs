//! The data of a specification, written by a person or derived.

use std::fmt;

/// A signed decomposition: digits of `base_log` bits, `levels` of them from the top.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// // A preset with the keys of packing besides.
/// let gadget = Decomposition { base_log: 9, levels: 5 };
/// assert_eq!(gadget.to_string(), "5 levels of 9 bits");
/// let params = Spec { packing: Some(gadget), ..Spec::message_2_carry_2_failure_64() }.build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decomposition {
    /// Bits of a digit.
    pub base_log: u32,
    /// Number of digits.
    pub levels: usize,
}

impl fmt::Display for Decomposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} levels of {} bits", self.levels, self.base_log)
    }
}

/// Gadgets of circuit bootstrapping and wide tables, besides that of packing.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::message_2_carry_2_wide_failure_64();
/// // Narrower tables have less noise.
/// let circuit = spec.circuit.map(|circuit| CircuitGadgets { table_bits: 8, ..circuit });
/// assert!(noise::selections(&spec, 8) < noise::selections(&spec, 12));
/// let params = Spec { circuit, ..spec }.build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitGadgets {
    /// Of the blind rotation in a circuit bootstrap, which must be finer than that of the others.
    pub rotation: Decomposition,
    /// Of the GGSW ciphertexts that come out of circuit bootstrapping; the number of levels is a power of two.
    pub ggsw: Decomposition,
    /// Bits of the input of the widest table, 1 to 16.
    pub table_bits: u32,
}

/// The fields of a TFHE instance. Deviations are base-two logarithms relative to the torus.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// // Presets say messages, carries and failure probability; a promise that is not kept is refused.
/// let spec = Spec::message_2_carry_2_failure_64();
/// assert_eq!(spec.messages(), 16);
/// assert!(spec.build().is_ok());
/// assert!(Spec { failure: -100.0, ..spec }.build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Dimension `n` of the short key, of the input of a blind rotation.
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
    pub circuit: Option<CircuitGadgets>,
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
    /// Dimension `k·N` of the long key, of ciphertexts between bootstraps.
    pub fn big_dimension(&self) -> usize {
        self.glwe_dimension.saturating_mul(self.polynomial_size)
    }

    /// Number of messages, carries included: `2^(message bits + carry bits)`.
    pub fn messages(&self) -> u64 {
        1_u64.checked_shl(self.message_bits.saturating_add(self.carry_bits)).unwrap_or(u64::MAX)
    }

    /// Matrices of one step of a blind rotation: one for each part of its bits that is not empty.
    pub fn matrices(&self) -> usize {
        u32::try_from(self.unroll)
            .ok()
            .and_then(|unroll| 1_usize.checked_shl(unroll))
            .map_or(usize::MAX, |parts| parts - 1)
    }

    /// Rows of a GGSW matrix of the blind rotation.
    pub fn rows(&self) -> usize {
        self.glwe_dimension.saturating_add(1).saturating_mul(self.rotation.levels)
    }

    /// The gadgets that not all have: of circuit bootstraps, packing, and GGSW ciphertexts.
    pub(crate) fn optional_gadgets(&self) -> [Option<Decomposition>; 3] {
        [self.circuit.map(|circuit| circuit.rotation), self.packing, self.circuit.map(|circuit| circuit.ggsw)]
    }
}
