//! Serialized objects: every one sealed with tag, kind and parameter hash, and with a digest.
//!
//! The body of a ciphertext is that of BGV, with the words at the top. A seeded one keeps the words of BGV: what its seed expands
//! to are those.

use he_core::rlwe::object::Kind;
use he_core::rlwe::sealed;
use he_core::wire::{self, Header, Reader, Tag, WireError, Writer};

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::params::Parameters;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(6);

/// The number of polynomials that stands for one and a seed.
const SEEDED: u8 = 1;

impl Parameters {
    /// The header of an object of these parameters.
    pub(crate) fn header(&self, kind: Kind) -> Header {
        Header { tag: TAG, kind: kind as u16, params: *self.rlwe().hash() }
    }
}

impl Ciphertext {
    /// Writes the ciphertext without an envelope, to be sealed together with others.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        self.top.write(out)
    }

    /// Reads a ciphertext written by [`write`](Self::write) or [`SeededCiphertext::write`].
    ///
    /// # Errors
    /// If a field is out of range, or bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let (mut ahead, what) = (from.clone(), "ciphertext");
        ahead.bytes(he_bgv::FIELD_BYTES, what)?;
        let seeded = ahead.u8(what)? == SEEDED;
        let read = he_bgv::Ciphertext::read(from, params)?;
        let top = if seeded { read.times(params.up()) } else { read };
        Ok(Self { params: params.clone(), top })
    }

    /// The ciphertext, sealed.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::ciphertext_bytes(self.inner()) + he_bgv::FIELD_BYTES;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }

    /// Opens a sealed ciphertext, in either form.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        sealed::open_ciphertext(&params.header(Kind::Ciphertext), params.rlwe(), bytes, |from| {
            Self::read(from, params)
        })
    }
}

impl SeededCiphertext {
    /// Writes the ciphertext without an envelope; [`Ciphertext::read`] reads it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        self.below.write(out)
    }

    /// The ciphertext, sealed; [`Ciphertext::from_bytes`] opens it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = sealed::seeded_bytes(self.below.inner()) + he_bgv::FIELD_BYTES;
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }
}
