//! Kinds, headers and sizes of serialized objects.

use super::params::Parameters;
use crate::ring::basis::Basis;
use crate::wire::{Header, Tag};

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(0);

/// Kinds of objects, by their number on the wire.
///
/// ```
/// # use he_core::rlwe::Spec;
/// # use he_core::rlwe::object::{Kind, TAG, header};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let header = header(&params, Kind::Ciphertext);
/// assert_eq!((header.tag, header.kind, &header.params), (TAG, 4, params.hash()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// A secret key.
    SecretKey = 1,
    /// A public key.
    PublicKey = 2,
    /// Evaluation keys.
    EvaluationKeys = 3,
    /// A ciphertext.
    Ciphertext = 4,
}

/// The header of an RLWE object of the given parameters.
pub fn header(params: &Parameters, kind: Kind) -> Header {
    Header { tag: TAG, kind: kind as u16, params: *params.hash() }
}

/// Bytes of a polynomial over a basis, as it is written.
pub fn polynomial_bytes(basis: &Basis) -> usize {
    basis.moduli().map(|q| (basis.n() * q.bits() as usize).div_ceil(8)).sum()
}

/// Largest body, in bytes, of an object made of `polynomials` polynomials over `Q·P`: a limit for reading.
pub fn body_limit(params: &Parameters, polynomials: usize) -> usize {
    let basis = params.key_basis(params.max_limbs());
    let bits: usize = basis.moduli().map(|q| q.bits() as usize).sum();
    polynomials.saturating_mul(params.n() * bits / 8 + 8 * basis.len()).saturating_add(80)
}
