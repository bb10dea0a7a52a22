//! Public bounds of integers modulo `t`.
//!
//! An encryption modulo `t` computes in `Z_t`. It computes with *integers* as long as no value leaves `−t/2 … t/2`, and only a bound
//! of the values that is known without the secret can say so. A [`Bound`] is stated when values are encoded, does not depend on
//! them, and follows every operation:
//!
//! | operation | slots | coefficients, of polynomials with the first `m_a` and `m_b` of them |
//! |---|---|---|
//! | `a ± b` | `A + B` | `A + B`, the first `max(m_a, m_b)` |
//! | `c·a` | `\|c\|·A` | `\|c\|·A`, the first `m_a` |
//! | `a·b` | `A·B` | `min(m_a, m_b)·A·B`, the first `m_a + m_b − 1` |
//! | automorphism | `A` | `A`, all |
//! | key switch, modulus switch | `A` | `A`, the first `m_a` |
//!
//! A result that may pass `(t − 1)/2` is an error. Whoever wants the arithmetic of `Z_t` asks for it by name, [`Bound::Modulo`]; what
//! is computed with such an operand is modulo `t` as well.

use std::fmt;

use crate::wire::{Reader, WireError, Writer};

/// A bound of the magnitude of the integers in a plaintext or a ciphertext, or none: arithmetic modulo `t`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::rlwe::Bound;
///
/// let (a, b) = (Bound::Slots { most: 20 }, Bound::Slots { most: 30 });
/// assert_eq!(a.times("product", b, 8192)?.within("product", 65_537)?, Bound::Slots { most: 600 });
/// assert!(a.scaled(2_000).within("mul_const", 65_537).is_err());
/// assert_eq!(a.plus("add", Bound::Modulo, 8192)?, Bound::Modulo);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Nothing is known: values are residues modulo `t`, and sums and products wrap around.
    Modulo,
    /// No slot is above `most` in magnitude.
    Slots {
        /// The largest magnitude.
        most: u64,
    },
    /// No coefficient is above `most` in magnitude.
    Coefficients {
        /// The largest magnitude.
        most: u64,
        /// Coefficients that may be other than zero: so many, the first ones.
        count: u32,
    },
}

impl Bound {
    /// Bytes on the wire: kind, magnitude, number of coefficients.
    pub const BYTES: usize = 1 + 8 + 4;

    /// Of so many values in slots that are given, with the magnitude that was stated, or none; of no values it is 0.
    pub fn of_slots(stated: Option<u64>, given: usize) -> Self {
        stated.map_or(Self::Modulo, |most| Self::Slots { most: if given == 0 { 0 } else { most } })
    }

    /// Of so many values in coefficients that are given, with the magnitude that was stated, or none.
    pub fn of_coefficients(stated: Option<u64>, given: usize) -> Self {
        let count = u32::try_from(given).unwrap_or(u32::MAX);
        stated.map_or(Self::Modulo, |most| Self::Coefficients {
            most: if given == 0 { 0 } else { most },
            count,
        })
    }

    /// The largest magnitude; none modulo `t`.
    pub fn most(self) -> Option<u64> {
        match self {
            Self::Modulo => None,
            Self::Slots { most } | Self::Coefficients { most, .. } => Some(most),
        }
    }

    /// Whether values are residues modulo `t`.
    pub fn is_modulo(self) -> bool {
        self == Self::Modulo
    }

    /// Writes it.
    pub fn write(self, out: &mut Writer) {
        let (kind, most, count) = match self {
            Self::Modulo => (0, 0, 0),
            Self::Slots { most } => (1, most, 0),
            Self::Coefficients { most, count } => (2, most, count),
        };
        out.u8(kind);
        out.u64(most);
        out.u32(count);
    }

    /// Reads a bound of values modulo `t` in a ring of dimension `n`.
    ///
    /// # Errors
    /// If it is above `t/2`, has more coefficients than there are, or is none that is written.
    pub fn read(from: &mut Reader<'_>, t: u64, n: usize) -> Result<Self, WireError> {
        let what = "bound of the values of a ciphertext";
        let (kind, most, count) = (from.u8(what)?, from.u64(what)?, from.u32(what)?);
        if kind > 2 {
            return Err(WireError::Value { what, index: 0, found: kind.into(), bound: 3 });
        }
        let (top, last) = [(0, 0), (t / 2, 0), (t / 2, n as u64)][usize::from(kind)];
        if most > top {
            return Err(WireError::Value { what, index: 1, found: most, bound: top.saturating_add(1) });
        }
        if u64::from(count) > last {
            return Err(WireError::Value {
                what,
                index: 2,
                found: count.into(),
                bound: last.saturating_add(1),
            });
        }
        Ok([Self::Modulo, Self::Slots { most }, Self::Coefficients { most, count }][usize::from(kind)])
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Modulo => f.write_str("residues modulo t"),
            Self::Slots { most } => write!(f, "slots up to {most}"),
            Self::Coefficients { most, count } => write!(f, "{count} coefficients up to {most}"),
        }
    }
}
