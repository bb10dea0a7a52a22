//! Keys of an expansion as bytes.

use std::io::Read;

use he_core::rlwe::{sealed, serial};
use he_core::wire::{self, Reader, Source, WireError, Writer};

use super::{EXPANSION, enveloped, header};
use crate::expand::Expander;
use crate::params::Parameters;

/// Bytes of the keys of an expansion, and of the number of its levels before them.
fn expansion_bytes(bgv: &he_bgv::Parameters, levels: u32) -> usize {
    4 + sealed::requested_keys_bytes(bgv.rlwe(), &Expander::request(bgv, levels))
}

impl Expander {
    /// Bytes of sealed keys for so many levels.
    pub(crate) fn sealed_bytes(bgv: &he_bgv::Parameters, levels: u32) -> usize {
        enveloped(expansion_bytes(bgv, levels))
    }

    /// The keys, sealed.
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let capacity = expansion_bytes(&self.bgv, self.levels);
        wire::seal_with(&header(&self.hash, EXPANSION), capacity, |out: &mut Writer| {
            out.u32(self.levels);
            serial::write_evaluation_keys(out, &self.keys)
        })
    }

    /// Opens sealed keys.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters, or are not those of an expansion.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (bgv, hash) = (params.bgv(), params.hash());
        let body = wire::open(bytes, &header(hash, EXPANSION), Self::limit(bgv))?;
        Self::read(&mut Reader::new(body), bgv, hash)
    }

    /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed as they come, so that their
    /// bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        Self::open_sealed(params.bgv(), params.hash(), from)
    }

    /// Bytes of a body, at most.
    fn limit(bgv: &he_bgv::Parameters) -> usize {
        expansion_bytes(bgv, bgv.n().trailing_zeros() - 1)
    }

    /// Opens keys that this hash seals, piece by piece.
    pub(crate) fn open_sealed(
        bgv: &he_bgv::Parameters,
        hash: &[u8; 32],
        from: impl Read,
    ) -> Result<Self, WireError> {
        wire::open_from(from, &header(hash, EXPANSION), Self::limit(bgv), |body| Self::read(body, bgv, hash))
    }

    /// Reads a whole body.
    fn read(body: &mut impl Source, bgv: &he_bgv::Parameters, hash: &[u8; 32]) -> Result<Self, WireError> {
        let what = "keys of an expansion";
        let most = bgv.n().trailing_zeros() - 1;
        let length = body.remaining();
        let levels = body.u32("levels of an expansion")?;
        if levels > most {
            let why = format!("{levels}, needed at most {most}");
            return Err(WireError::Invalid { what: "levels of an expansion", why });
        }
        let (found, needed) = (length, expansion_bytes(bgv, levels));
        if found != needed {
            let why = format!("{found} bytes for {levels} levels, needed {needed}");
            return Err(WireError::Invalid { what, why });
        }
        let keys = serial::read_evaluation_keys(body, bgv.rlwe())?;
        body.ended(what)?;
        Expander::request(bgv, levels).accept(&keys)?;
        Ok(Self::with_keys(bgv, hash, levels, keys))
    }
}
