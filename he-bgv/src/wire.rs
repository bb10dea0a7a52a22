//! Serialized objects: every one sealed with scheme, kind and parameter hash, and with a digest.

use he_core::rlwe::serial;
use he_core::wire::{self, Header, Reader, Scheme, WireError, Writer};

use crate::chaos::Chaos;
use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::keys::{EvaluationKeys, PublicKey};
use crate::noise::{BOTH, Noise};
use crate::params::Parameters;

/// Kinds of objects.
const PUBLIC_KEY: u16 = 2;
const EVALUATION_KEYS: u16 = 3;
const CIPHERTEXT: u16 = 4;

fn header(params: &Parameters, kind: u16) -> Header {
    Header { scheme: Scheme::Bgv, kind, params: *params.rlwe().hash() }
}

fn sealed(
    header: &Header,
    write: impl FnOnce(&mut Writer) -> Result<(), WireError>,
) -> Result<Vec<u8>, WireError> {
    let mut body = Writer::new();
    write(&mut body)?;
    Ok(wire::seal(header, &body.finish()))
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
    /// Writes the ciphertext without an envelope, to be sealed together with others.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        out.u64(self.factor);
        write_noise(out, self.noise);
        serial::write_ciphertext(out, &self.inner)
    }

    /// Reads a ciphertext written by [`write`](Self::write) or [`SeededCiphertext::write`].
    ///
    /// # Errors
    /// If a field is out of range, or bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let (what, t) = ("correction factor of a ciphertext", params.t());
        let factor = from.u64(what)?;
        if factor >= t.value() || t.inv(factor).is_none() {
            return Err(WireError::Value { what, index: 0, found: factor, bound: t.value() });
        }
        let noise = read_noise(from, params)?;
        let inner = serial::read_ciphertext(from, params.rlwe())?;
        Ok(Self { params: params.clone(), inner, factor, noise })
    }

    /// The ciphertext, sealed.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        sealed(&header(&self.params, CIPHERTEXT), |out| self.write(out))
    }

    /// Opens a sealed ciphertext, in either form.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params, CIPHERTEXT), serial::body_limit(params.rlwe(), 3))?;
        let mut reader = Reader::new(body);
        let ciphertext = Self::read(&mut reader, params)?;
        reader.finish("ciphertext")?;
        Ok(ciphertext)
    }
}

impl SeededCiphertext {
    /// Writes the ciphertext without an envelope; [`Ciphertext::read`] reads it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        out.u64(1);
        write_noise(out, self.noise);
        serial::write_seeded(out, &self.inner)
    }

    /// The ciphertext, sealed; [`Ciphertext::from_bytes`] opens it.
    ///
    /// # Errors
    /// Never for a ciphertext that was encrypted.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        sealed(&header(&self.params, CIPHERTEXT), |out| self.write(out))
    }
}

impl PublicKey {
    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        sealed(&header(&self.params, PUBLIC_KEY), |out| serial::write_public_key(out, &self.inner))
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params, PUBLIC_KEY), serial::body_limit(params.rlwe(), 1))?;
        let mut reader = Reader::new(body);
        let inner = serial::read_public_key(&mut reader, params.rlwe())?;
        reader.finish("public key")?;
        Ok(Self { params: params.clone(), inner })
    }
}

impl EvaluationKeys {
    /// The keys, sealed, in seeded form.
    ///
    /// # Errors
    /// Never for keys that were made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        sealed(&header(&self.params, EVALUATION_KEYS), |out| serial::write_evaluation_keys(out, &self.inner))
    }

    /// Opens sealed keys.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let most = params.rlwe().digits(params.rlwe().max_limbs()) * (params.n() + 1);
        let body =
            wire::open(bytes, &header(params, EVALUATION_KEYS), serial::body_limit(params.rlwe(), most))?;
        let mut reader = Reader::new(body);
        let inner = serial::read_evaluation_keys(&mut reader, params.rlwe())?;
        reader.finish("evaluation keys")?;
        Ok(Self { params: params.clone(), inner })
    }
}
