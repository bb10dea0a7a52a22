//! Serialized objects: every one sealed with tag, kind and parameter hash, and with a digest.

use he_core::rlwe::object::Kind;
use he_core::rlwe::{Bound, sealed, serial};
use he_core::wire::{self, Header, Reader, Tag, WireError, Writer};

use crate::chaos::Chaos;
use crate::ciphertext::{Ciphertext, MOST_DEGREE, SeededCiphertext};
use crate::noise::{BOTH, Noise};
use crate::params::Parameters;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(1);

/// Bytes of a ciphertext beside its polynomials: correction factor, deviation, moment order and sides of the noise, bound of the
/// values.
pub const FIELD_BYTES: usize = 8 + 8 + 8 + 1 + Bound::BYTES;

impl Parameters {
    /// The header of an object of these parameters.
    pub(crate) fn header(&self, kind: Kind) -> Header {
        Header { tag: TAG, kind: kind as u16, params: *self.rlwe().hash() }
    }
}

fn write_noise(out: &mut Writer, noise: Noise) {
    out.f64(noise.log2());
    out.f64(noise.chaos().value());
    out.u8(noise.sides());
}

fn read_noise(from: &mut Reader<'_>, params: &Parameters) -> Result<Noise, WireError> {
    let what = "noise of a ciphertext";
    let (log2, chaos, sides) = (from.f64(what)?, from.f64(what)?, from.u8(what)?);
    if sides == 0 || sides > BOTH {
        return Err(WireError::Value { what, index: 2, found: sides.into(), bound: u64::from(BOTH) + 1 });
    }
    let chaos = Chaos::new(chaos).ok_or_else(|| WireError::Invalid {
        what,
        why: format!("a chaos of order {chaos}, needed 1 to {}", Chaos::MOST),
    })?;
    // More noise than the whole modulus is no ciphertext's.
    let most = params.noise().log_q(params.max_level());
    if log2 > most {
        return Err(WireError::Value { what, index: 0, found: log2 as u64, bound: most as u64 });
    }
    // A claim of less noise than a fresh ciphertext has would let a later result wrap unseen.
    let least = params.noise().fresh_secret();
    Ok(Noise::from_parts(log2.max(least.log2()), chaos, sides))
}

impl Ciphertext {
    /// Bytes that [`write`](Self::write) writes of a ciphertext of degree 1 and a level, at most the highest.
    pub fn wire_bytes(params: &Parameters, level: usize) -> usize {
        sealed::written_bytes(params.rlwe(), level.saturating_add(1), 2) + FIELD_BYTES
    }

    /// Writes the ciphertext without an envelope, to be sealed together with others.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        out.u64(self.factor);
        write_noise(out, self.noise);
        self.bound.write(out);
        serial::write_ciphertext(out, &self.inner)
    }

    /// Reads a ciphertext written by [`write`](Self::write) or [`SeededCiphertext::write`].
    ///
    /// # Errors
    /// If a field is out of range, or bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        Self::read_of_degree(from, params, 2)
    }

    fn read_of_degree(from: &mut Reader<'_>, params: &Parameters, most: usize) -> Result<Self, WireError> {
        let (what, t) = ("correction factor of a ciphertext", params.t());
        let factor = from.u64(what)?;
        if factor >= t.value() || t.inv(factor).is_none() {
            return Err(WireError::Value { what, index: 0, found: factor, bound: t.value() });
        }
        let noise = read_noise(from, params)?;
        let bound = Bound::read(from, t.value(), params.n())?;
        let inner = serial::read_ciphertext_of_degree(from, params.rlwe(), most)?;
        Ok(Self { params: params.clone(), inner, factor, noise, bound })
    }

    /// The ciphertext, sealed.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::ciphertext_bytes(&self.inner) + FIELD_BYTES;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }

    /// Opens a sealed ciphertext of degree 1 or 2, in either form.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        sealed::open_ciphertext(&params.header(Kind::Ciphertext), params.rlwe(), bytes, |from| {
            Self::read(from, params)
        })
    }

    /// Opens a sealed ciphertext of any degree, such as the result of
    /// [`mul_unrelinearized`](crate::Evaluator::mul_unrelinearized).
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_of_any_degree(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (header, most) = (params.header(Kind::Ciphertext), MOST_DEGREE);
        sealed::open_ciphertext_of_degree(&header, params.rlwe(), most, bytes, |from| {
            Self::read_of_degree(from, params, most)
        })
    }
}

impl SeededCiphertext {
    /// Bytes that [`write`](Self::write) writes of a ciphertext of a level, at most the highest.
    pub fn wire_bytes(params: &Parameters, level: usize) -> usize {
        sealed::fresh_bytes(params.rlwe(), level.saturating_add(1)) + FIELD_BYTES
    }

    /// Writes the ciphertext without an envelope; [`Ciphertext::read`] reads it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        out.u64(1);
        write_noise(out, self.noise);
        self.bound.write(out);
        serial::write_seeded(out, &self.inner)
    }

    /// The ciphertext, sealed; [`Ciphertext::from_bytes`] opens it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::seeded_bytes(&self.inner) + FIELD_BYTES;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }
}
