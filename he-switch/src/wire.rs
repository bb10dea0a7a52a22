//! Keys as bytes: every one sealed with its kind and the hash of the parameters of all three schemes.
//!
//! Masks are never written: a key is the seed of its masks and its bodies. Parameters say how many words it has, so nothing in a
//! key is a length but the levels of an expansion; and every count, every Galois element and every word is checked against them.

mod expansion;

use std::io::Read;

use he_ckks::bootstrap::BootstrapKeys;
use he_core::ring::basis::Basis;
use he_core::rlwe::serial::{self, polynomial_bytes};
use he_core::rlwe::{self, KeySwitchKey, SecretId, sealed};
use he_core::wire::{self, Header, Reader, Source, Tag, WireError, Writer};
use zeroize::Zeroizing;

use crate::params::Parameters;
use crate::ring_switch::{LEVELS, SeededRingSwitch};
use crate::secret::SecretKeys;
use crate::{bgv, bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, shared, tfhe_to_ckks};

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(4);

/// Kinds of objects.
const BGV_TO_TFHE: u16 = 1;
const CKKS_TO_TFHE: u16 = 2;
const TFHE_TO_CKKS: u16 = 3;
const BGV_CKKS: u16 = 4;
const EXPANSION: u16 = 5;
const SECRET_KEYS: u16 = 6;
const BGV_BOOTSTRAP: u16 = 7;
pub(crate) const BGV_TABLES: u16 = 8;

pub(crate) fn header(params: &[u8; 32], kind: u16) -> Header {
    Header { tag: TAG, kind, params: *params }
}

/// Bytes of a body in its envelope.
pub(crate) fn enveloped(body: usize) -> usize {
    wire::HEADER_BYTES + body + wire::DIGEST_BYTES
}

/// A key switch key for exactly so many primes: one for fewer would not switch the ciphertexts of the bridge.
pub(crate) fn read_key(
    from: &mut impl Source,
    params: &rlwe::Parameters,
    limbs: usize,
) -> Result<KeySwitchKey, WireError> {
    let what = "limbs of a key of a bridge";
    serial::read_key_switch_key_if(from, params, |found| {
        if found == limbs {
            return Ok(());
        }
        Err(WireError::Invalid { what, why: format!("{found}, needed {limbs}") })
    })
}

impl SeededRingSwitch {
    fn body_bytes(basis: &Basis) -> usize {
        2 * SecretId::BYTES + 32 + LEVELS * polynomial_bytes(basis)
    }

    /// Bytes of a sealed key from a ring.
    pub(crate) fn sealed_bytes(from: &rlwe::Parameters) -> usize {
        enveloped(Self::body_bytes(from.basis(1)))
    }

    fn to_bytes(&self, kind: u16) -> Result<Vec<u8>, WireError> {
        let basis = self.from.basis(1);
        wire::seal_with(&header(self.params.hash(), kind), Self::body_bytes(basis), |out| {
            self.secrets.iter().for_each(|secret| secret.write(out));
            out.bytes(&self.seed);
            self.bodies.iter().try_for_each(|body| out.packed_u64(body, basis.modulus(0).bits()))
        })
    }

    fn from_bytes(
        params: &Parameters,
        from: &rlwe::Parameters,
        kind: u16,
        bytes: &[u8],
    ) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params.hash(), kind), Self::body_bytes(from.basis(1)))?;
        Self::read(&mut Reader::new(body), params, from)
    }

    fn read_from(
        params: &Parameters,
        from: &rlwe::Parameters,
        kind: u16,
        bytes: impl Read,
    ) -> Result<Self, WireError> {
        let (header, limit) = (header(params.hash(), kind), Self::body_bytes(from.basis(1)));
        wire::open_from(bytes, &header, limit, |body| Self::read(body, params, from))
    }

    /// Reads a whole body.
    fn read(body: &mut impl Source, params: &Parameters, from: &rlwe::Parameters) -> Result<Self, WireError> {
        let (what, basis) = ("key of a ring switch", from.basis(1));
        let secrets = [SecretId::read(body, what)?, SecretId::read(body, what)?];
        let (seed, q) = (body.array(what)?, basis.modulus(0));
        let mut polynomial = |_| {
            let mut words = Vec::new();
            body.packed_u64(basis.n(), q.bits(), q.value(), what, &mut words)?;
            Ok(words)
        };
        let bodies = (0..LEVELS).map(&mut polynomial).collect::<Result<_, WireError>>()?;
        body.ended(what)?;
        Ok(Self { params: params.clone(), from: from.clone(), secrets, seed, bodies })
    }
}

impl bgv_to_tfhe::SeededKey {
    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        self.0.to_bytes(BGV_TO_TFHE)
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self(SeededRingSwitch::from_bytes(params, params.top(), BGV_TO_TFHE, bytes)?))
    }

    /// As [`from_bytes`](Self::from_bytes), of a key that is read piece by piece, to the end of `from`: hashed as it comes, so that its
    /// bytes are never in memory beside the key.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        Ok(Self(SeededRingSwitch::read_from(params, params.top(), BGV_TO_TFHE, from)?))
    }
}

impl ckks_to_tfhe::SeededKey {
    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        self.0.to_bytes(CKKS_TO_TFHE)
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self(SeededRingSwitch::from_bytes(params, params.joint(), CKKS_TO_TFHE, bytes)?))
    }

    /// As [`from_bytes`](Self::from_bytes), of a key that is read piece by piece, to the end of `from`: hashed as it comes, so that its
    /// bytes are never in memory beside the key.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        Ok(Self(SeededRingSwitch::read_from(params, params.joint(), CKKS_TO_TFHE, from)?))
    }
}

impl tfhe_to_ckks::Key {
    /// Bytes of a sealed key.
    pub(crate) fn sealed_bytes(params: &Parameters) -> usize {
        enveloped(sealed::key_switch_key_bytes(params.joint(), 1))
    }

    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let capacity = sealed::key_switch_key_bytes(self.params.joint(), 1);
        wire::seal_with(&header(self.params.hash(), TFHE_TO_CKKS), capacity, |out| {
            serial::write_key_switch_key(out, &self.inner)
        })
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let limit = sealed::key_switch_key_bytes(params.joint(), 1);
        let body = wire::open(bytes, &header(params.hash(), TFHE_TO_CKKS), limit)?;
        Self::read(&mut Reader::new(body), params)
    }

    /// As [`from_bytes`](Self::from_bytes), of a key that is read piece by piece, to the end of `from`: hashed as it comes, so that its
    /// bytes are never in memory beside the key.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        let limit = sealed::key_switch_key_bytes(params.joint(), 1);
        wire::open_from(from, &header(params.hash(), TFHE_TO_CKKS), limit, |body| Self::read(body, params))
    }

    /// Reads a whole body.
    fn read(body: &mut impl Source, params: &Parameters) -> Result<Self, WireError> {
        let inner = read_key(body, params.joint(), 1)?;
        body.ended("key from TFHE to CKKS")?;
        Ok(Self { params: params.clone(), inner })
    }
}

impl bgv_ckks::Keys {
    pub(crate) fn body_bytes(params: &shared::Parameters) -> usize {
        2 * sealed::key_switch_key_bytes(params.joint(), params.joint().max_limbs())
    }

    /// Bytes of sealed keys.
    pub(crate) fn sealed_bytes(params: &shared::Parameters) -> usize {
        enveloped(Self::body_bytes(params))
    }

    pub(crate) fn write(&self, out: &mut Writer) -> Result<(), WireError> {
        [&self.up, &self.down].into_iter().try_for_each(|key| serial::write_key_switch_key(out, key))
    }

    pub(crate) fn read(from: &mut impl Source, params: &shared::Parameters) -> Result<Self, WireError> {
        let (joint, limbs) = (params.joint(), params.joint().max_limbs());
        let (up, down) = (read_key(from, joint, limbs)?, read_key(from, joint, limbs)?);
        let ([bgv, ckks], [back, to]) = (up.secret_ids(), down.secret_ids());
        if [back, to] != [ckks, bgv] {
            let why = format!("from secret {bgv} to {ckks}, and from {back} to {to}: needed the way back");
            return Err(WireError::Invalid { what: "keys between BGV and CKKS", why });
        }
        Ok(Self { params: params.clone(), up, down })
    }

    /// The keys, sealed.
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let capacity = Self::body_bytes(&self.params);
        wire::seal_with(&header(self.params.hash(), BGV_CKKS), capacity, |out| self.write(out))
    }

    /// Opens sealed keys.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &shared::Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params.hash(), BGV_CKKS), Self::body_bytes(params))?;
        Self::read_whole(&mut Reader::new(body), params)
    }

    /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed as they come, so that their
    /// bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &shared::Parameters, from: impl Read) -> Result<Self, WireError> {
        let (header, limit) = (header(params.hash(), BGV_CKKS), Self::body_bytes(params));
        wire::open_from(from, &header, limit, |body| Self::read_whole(body, params))
    }

    fn read_whole(body: &mut impl Source, params: &shared::Parameters) -> Result<Self, WireError> {
        let keys = Self::read(body, params)?;
        body.ended("keys between BGV and CKKS")?;
        Ok(keys)
    }
}

impl bgv::BootstrapKeys {
    /// The keys, sealed: those between BGV and CKKS, and the sealed keys of CKKS's bootstrap.
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let (params, ckks) = (self.params(), self.ckks.to_bytes()?);
        let capacity = bgv_ckks::Keys::body_bytes(params) + ckks.len();
        wire::seal_with(&header(params.hash(), BGV_BOOTSTRAP), capacity, |out| {
            self.between.write(out)?;
            out.bytes(&ckks);
            Ok(())
        })
    }

    /// Opens sealed keys, which must be all that a bootstrap takes and no others.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters, or a key is missing or not needed.
    pub fn from_bytes(params: &shared::Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let what = "keys of BGV bootstrapping";
        // How long those of CKKS may be is checked when they are opened; no memory is taken before.
        let body = wire::open(bytes, &header(params.hash(), BGV_BOOTSTRAP), bytes.len())?;
        let mut reader = Reader::new(body);
        let between = bgv_ckks::Keys::read(&mut reader, params)?;
        let sealed = reader.bytes(reader.remaining(), what)?;
        let none = he_ckks::KeyRequest::default();
        let ckks = BootstrapKeys::requested(params.ckks(), params.ckks().slots(), &none, sealed)?;
        let (found, [_, needed]) = (ckks.secret_id(), between.secret_ids());
        if found != needed {
            let why = format!("CKKS has the secret {found}, and the keys from BGV lead to secret {needed}");
            return Err(WireError::Invalid { what, why });
        }
        Ok(Self { between, ckks })
    }
}

impl SecretKeys {
    /// Bytes of the key of each scheme, sealed.
    fn sizes(params: &Parameters) -> [usize; 3] {
        let tfhe = params.tfhe().spec();
        [params.bgv().n(), params.ckks().n(), tfhe.lwe_dimension + tfhe.big_dimension()]
            .map(|body| wire::HEADER_BYTES + SecretId::BYTES + body + wire::DIGEST_BYTES)
    }

    /// The keys as bytes, sealed: the only way in which they leave memory.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let keys = [self.bgv.to_secret_bytes(), self.ckks.to_secret_bytes(), self.tfhe.to_secret_bytes()];
        // One allocation of the final size: nothing is left behind that is not wiped.
        let mut body = Zeroizing::new(Vec::with_capacity(keys.iter().map(|key| key.len()).sum()));
        keys.iter().for_each(|key| body.extend_from_slice(key));
        Zeroizing::new(wire::seal(&header(self.params.hash(), SECRET_KEYS), &body))
    }

    /// Reads the keys back.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, or belong to other parameters.
    pub fn from_secret_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (what, [bgv, ckks, tfhe]) = ("secret keys", Self::sizes(params));
        let mut reader =
            Reader::new(wire::open(bytes, &header(params.hash(), SECRET_KEYS), bgv + ckks + tfhe)?);
        let bgv = he_bgv::SecretKey::from_secret_bytes(params.bgv(), reader.bytes(bgv, what)?)?;
        let ckks = he_ckks::SecretKey::from_secret_bytes(params.ckks(), reader.bytes(ckks, what)?)?;
        let tfhe = he_tfhe::SecretKey::from_secret_bytes(params.tfhe(), reader.bytes(tfhe, what)?)?;
        reader.finish(what)?;
        Ok(Self { params: params.clone(), bgv, ckks, tfhe })
    }
}
