//! Serialized objects: every one sealed with tag, kind and parameter hash, and with a digest.

use std::collections::BTreeMap;
use std::io::Read;

use he_core::rlwe::object::{Kind, polynomial_bytes};
use he_core::rlwe::serial::{read_poly, write_poly};
use he_core::rlwe::{Bound, SecretId};
use he_core::wire::{self, Header, Reader, Source, Tag, WireError, Writer};
use zeroize::Zeroizing;

use crate::ciphertext::Ciphertext;
use crate::digits;
use crate::error::Error;
use crate::keys::{EvaluationKeys, KeyRequest, PRODUCTS, PublicKey, SecretKey};
use crate::noise::{BOTH, MOST_ORDERS, Noise};
use crate::params::Parameters;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(7);

/// Bytes of a ciphertext beside its polynomial and the parts of its noise: degree, level, identifier of the secret, orders, plain
/// products and sides of the noise, bound of the values.
const FIELD_BYTES: usize = 1 + 2 + SecretId::BYTES + 1 + 4 + 1 + Bound::BYTES;

impl Parameters {
    /// The header of an object of these parameters.
    fn header(&self, kind: Kind) -> Header {
        Header { tag: TAG, kind: kind as u16, params: *self.hash() }
    }

    fn poly_bytes(&self, level: usize) -> usize {
        polynomial_bytes(self.basis(level))
    }

    /// Polynomials of one evaluation key.
    fn key_length(&self) -> usize {
        self.basis(self.max_level()).moduli().map(|q| digits::count(q, self.spec().digit_bits)).sum()
    }
}

fn write_noise(out: &mut Writer, noise: &Noise) {
    let (parts, plain, sides) = noise.parts();
    out.u8(parts.len() as u8);
    out.u32(plain);
    out.u8(sides);
    parts.iter().for_each(|&part| out.f64(part));
}

fn read_noise(from: &mut Reader<'_>, params: &Parameters) -> Result<Noise, WireError> {
    let what = "noise of a ciphertext";
    let (orders, plain, sides) = (usize::from(from.u8(what)?), from.u32(what)?, from.u8(what)?);
    if orders == 0 || orders > MOST_ORDERS {
        let (found, bound) = (orders as u64, MOST_ORDERS as u64 + 1);
        return Err(WireError::Value { what, index: 0, found, bound });
    }
    if sides == 0 || sides > BOTH {
        return Err(WireError::Value { what, index: 2, found: sides.into(), bound: u64::from(BOTH) + 1 });
    }
    let mut parts = (0..orders).map(|_| from.f64(what)).collect::<Result<Vec<f64>, _>>()?;
    if let Some(negative) = parts.iter().find(|part| part.is_sign_negative()) {
        return Err(WireError::Invalid { what, why: format!("a variance of {negative}, needed 0 or more") });
    }
    // A claim of less noise than that of a rounding would let a later result wrap unseen.
    let claimed: f64 = parts.iter().sum();
    let least = params.noise().least();
    parts[0] += (least - claimed).max(0.0);
    Ok(Noise::from_parts(parts, plain, sides))
}

impl Ciphertext {
    /// Bytes that [`write`](Self::write) writes of a fresh ciphertext of a level, at most the highest.
    ///
    /// ```
    /// # use he_yashe::*;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let params = Spec { log_n: 4, ..Spec::legacy_n32768() }.build_insecure("an example")?;
    /// # let (key, encoder) = (SecretKey::generate(&params)?, Encoder::new(&params));
    /// let fresh = Encryptor::new(&key.public_key()).encrypt(&encoder.encode_coefficients(&[7])?)?;
    /// let mut out = he_core::wire::Writer::new();
    /// fresh.write(&mut out)?;
    /// assert_eq!(out.finish().len(), Ciphertext::wire_bytes(&params, fresh.level()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn wire_bytes(params: &Parameters, level: usize) -> usize {
        FIELD_BYTES + 8 + params.poly_bytes(level.min(params.max_level()))
    }

    /// Writes the ciphertext without an envelope, to be sealed together with others.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        out.u8(self.degree as u8);
        out.u16(self.level() as u16);
        self.secret.write(out);
        write_noise(out, &self.noise);
        self.bound.write(out);
        write_poly(out, &self.poly)
    }

    /// Reads a ciphertext written by [`write`](Self::write).
    ///
    /// # Errors
    /// If a field is out of range, or bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let what = "ciphertext";
        let (degree, level) = (from.u8(what)?, from.u16(what)?);
        if degree == 0 || degree > 2 {
            return Err(WireError::Value { what, index: 0, found: degree.into(), bound: 3 });
        }
        if usize::from(level) > params.max_level() {
            let bound = params.max_level() as u64 + 1;
            return Err(WireError::Value { what, index: 1, found: level.into(), bound });
        }
        let secret = SecretId::read(from, what)?;
        let noise = read_noise(from, params)?;
        let bound = Bound::read(from, params.t().value(), params.n())?;
        let poly = read_poly(from, params.basis(level.into()), what)?;
        Ok(Self { params: params.clone(), secret, poly, degree: degree.into(), noise, bound })
    }

    /// The ciphertext, sealed.
    ///
    /// # Errors
    /// Never for a ciphertext that was computed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = FIELD_BYTES + 8 * MOST_ORDERS + self.params.poly_bytes(self.level());
        wire::seal_with(&self.params.header(Kind::Ciphertext), body, |out| self.write(out))
    }

    /// Opens a sealed ciphertext.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let limit = FIELD_BYTES + 8 * MOST_ORDERS + params.poly_bytes(params.max_level());
        let mut reader = Reader::new(wire::open(bytes, &params.header(Kind::Ciphertext), limit)?);
        let ciphertext = Self::read(&mut reader, params)?;
        reader.finish("ciphertext")?;
        Ok(ciphertext)
    }
}

impl SecretKey {
    /// The key as bytes, its identifier and the coefficients of `f'` and `g`: the only way in which it leaves memory.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bytes = self.ternary.iter().flatten().map(|&c| (c + 1) as u8);
        // Taken once at its size: growth would leave copies that nobody wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(SecretId::BYTES + 2 * self.params.n()));
        body.extend(self.secret_id().to_bytes().into_iter().chain(bytes));
        Zeroizing::new(wire::seal(&self.params.header(Kind::SecretKey), &body))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// If the bytes are damaged or belong to other parameters, or the key has no inverse.
    pub fn from_secret_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let (what, n) = ("secret key", params.n());
        let limit = SecretId::BYTES + 2 * n;
        let mut reader = Reader::new(wire::open(bytes, &params.header(Kind::SecretKey), limit)?);
        let id = SecretId::read(&mut reader, what)?;
        let mut ternary = Zeroizing::new([vec![], vec![]]);
        for part in ternary.iter_mut() {
            let body = reader.bytes(n, what)?;
            if let Some((index, &found)) = body.iter().enumerate().find(|(_, c)| **c > 2) {
                return Err(WireError::Value { what, index, found: found.into(), bound: 3 }.into());
            }
            *part = body.iter().map(|&byte| byte as i8 - 1).collect();
        }
        reader.finish(what)?;
        Self::from_ternary(params, id, ternary)
    }
}

impl PublicKey {
    /// Bytes of a public key as it is sent, [`to_bytes`](Self::to_bytes), before it is made.
    pub fn sealed_bytes(params: &Parameters) -> usize {
        wire::HEADER_BYTES + SecretId::BYTES + params.poly_bytes(params.max_level()) + wire::DIGEST_BYTES
    }

    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let body = SecretId::BYTES + self.params.poly_bytes(self.params.max_level());
        wire::seal_with(&self.params.header(Kind::PublicKey), body, |out| {
            self.secret.write(out);
            write_poly(out, &self.h)
        })
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (what, top) = ("public key", params.max_level());
        let limit = SecretId::BYTES + params.poly_bytes(top);
        let mut reader = Reader::new(wire::open(bytes, &params.header(Kind::PublicKey), limit)?);
        let secret = SecretId::read(&mut reader, what)?;
        let h = read_poly(&mut reader, params.basis(top), what)?;
        reader.finish(what)?;
        Ok(Self { params: params.clone(), secret, h })
    }
}

impl KeyRequest {
    /// Bytes of the keys that are asked for as they are sent, [`EvaluationKeys::to_bytes`], before any is made.
    pub fn sealed_bytes(&self, params: &Parameters) -> usize {
        let each = 4 + params.key_length() * params.poly_bytes(params.max_level());
        wire::HEADER_BYTES + SecretId::BYTES + 4 + self.count() * each + wire::DIGEST_BYTES
    }
}

impl EvaluationKeys {
    /// The keys, sealed.
    ///
    /// # Errors
    /// Never for keys that were made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let params = &self.params;
        let each = 4 + params.key_length() * params.poly_bytes(params.max_level());
        wire::seal_with(
            &params.header(Kind::EvaluationKeys),
            SecretId::BYTES + 4 + self.keys.len() * each,
            |out| {
                SecretId::write_optional(self.secret, out);
                out.u32(self.keys.len() as u32);
                self.keys.iter().try_for_each(|(&g, key)| {
                    out.u32(g as u32);
                    key.iter().try_for_each(|poly| write_poly(out, poly))
                })
            },
        )
    }

    /// Opens sealed keys.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &params.header(Kind::EvaluationKeys), Self::limit(params))?;
        Self::read(&mut Reader::new(body), params)
    }

    /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed as they come, so that their
    /// bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        let header = params.header(Kind::EvaluationKeys);
        wire::open_from(from, &header, Self::limit(params), |body| Self::read(body, params))
    }

    /// Bytes of a body, at most: of a key for every element there is, and one for products.
    fn limit(params: &Parameters) -> usize {
        let each = 4 + params.key_length() * params.poly_bytes(params.max_level());
        SecretId::BYTES + 4 + (params.n() + 1) * each
    }

    /// Reads a whole body.
    fn read(from: &mut impl Source, params: &Parameters) -> Result<Self, WireError> {
        let (what, top, two_n) = ("evaluation keys", params.max_level(), 2 * params.n());
        let secret = SecretId::read_optional(from, what)?;
        let count = from.u32(what)? as usize;
        if secret.is_none() && count > 0 {
            let why = "keys with an identifier of zero, which is that of no secret".into();
            return Err(WireError::Invalid { what, why });
        }
        if count > params.n() + 1 {
            let bound = params.n() as u64 + 2;
            return Err(WireError::Value { what, index: 0, found: count as u64, bound });
        }
        let mut keys = BTreeMap::new();
        for index in 0..count {
            let g = from.u32("Galois element")? as usize;
            let ascends = keys.last_key_value().is_none_or(|(&last, _)| last < g);
            if !(g == PRODUCTS || g % 2 == 1 && g < two_n) || !ascends {
                let (found, bound) = (g as u64, two_n as u64);
                return Err(WireError::Value { what: "Galois element", index, found, bound });
            }
            let polys = (0..params.key_length()).map(|_| read_poly(from, params.basis(top), what));
            keys.insert(g, polys.collect::<Result<Vec<_>, _>>()?);
        }
        from.ended(what)?;
        Ok(Self { params: params.clone(), secret, keys })
    }
}
