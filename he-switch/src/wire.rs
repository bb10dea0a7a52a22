//! Keys as bytes: every one sealed with its kind and the hash of the parameters of all three schemes.
//!
//! Masks are never written: a key is the seed of its masks and its bodies. Parameters say how many words it has, so nothing in a
//! key is a length but the levels of an expansion; and every count, every Galois element and every word is checked against them.

use he_ckks::bootstrap::BootstrapKeys;
use he_core::ring::basis::Basis;
use he_core::rlwe::serial::{self, polynomial_bytes};
use he_core::rlwe::{self, KeySwitchKey, SecretId, sealed};
use he_core::wire::{self, Header, Reader, Tag, WireError, Writer};
use zeroize::Zeroizing;

use crate::expand::Expander;
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
    from: &mut Reader<'_>,
    params: &rlwe::Parameters,
    limbs: usize,
) -> Result<KeySwitchKey, WireError> {
    let what = "limbs of a key of a bridge";
    // Seen before the words are: no memory for a key of another size.
    let found = from.clone().u16(what)?;
    if usize::from(found) != limbs {
        return Err(WireError::Invalid { what, why: format!("{found}, needed {limbs}") });
    }
    serial::read_key_switch_key(from, params)
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
        let (what, basis) = ("key of a ring switch", from.basis(1));
        let mut reader =
            Reader::new(wire::open(bytes, &header(params.hash(), kind), Self::body_bytes(basis))?);
        let secrets = [SecretId::read(&mut reader, what)?, SecretId::read(&mut reader, what)?];
        let (seed, q) = (reader.array(what)?, basis.modulus(0));
        let body = |_| {
            let mut words = Vec::new();
            reader.packed_u64(basis.n(), q.bits(), q.value(), what, &mut words)?;
            Ok(words)
        };
        let bodies = (0..LEVELS).map(body).collect::<Result<_, WireError>>()?;
        reader.finish(what)?;
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
        let joint = params.joint();
        let body =
            wire::open(bytes, &header(params.hash(), TFHE_TO_CKKS), sealed::key_switch_key_bytes(joint, 1))?;
        let mut reader = Reader::new(body);
        let inner = read_key(&mut reader, joint, 1)?;
        reader.finish("key from TFHE to CKKS")?;
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

    pub(crate) fn read(from: &mut Reader<'_>, params: &shared::Parameters) -> Result<Self, WireError> {
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
        let mut reader = Reader::new(body);
        let keys = Self::read(&mut reader, params)?;
        reader.finish("keys between BGV and CKKS")?;
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
        Self::open_sealed(params.bgv(), params.hash(), bytes)
    }

    /// Opens keys that this hash seals.
    pub(crate) fn open_sealed(
        bgv: &he_bgv::Parameters,
        hash: &[u8; 32],
        bytes: &[u8],
    ) -> Result<Self, WireError> {
        let what = "keys of an expansion";
        let most = bgv.n().trailing_zeros() - 1;
        let body = wire::open(bytes, &header(hash, EXPANSION), expansion_bytes(bgv, most))?;
        let mut reader = Reader::new(body);
        let levels = reader.u32("levels of an expansion")?;
        if levels > most {
            let why = format!("{levels}, needed at most {most}");
            return Err(WireError::Invalid { what: "levels of an expansion", why });
        }
        let (found, needed) = (body.len(), expansion_bytes(bgv, levels));
        if found != needed {
            let why = format!("{found} bytes for {levels} levels, needed {needed}");
            return Err(WireError::Invalid { what, why });
        }
        let keys = serial::read_evaluation_keys(&mut reader, bgv.rlwe())?;
        reader.finish(what)?;
        Expander::request(bgv, levels).accept(&keys)?;
        Ok(Self::with_keys(bgv, hash, levels, keys))
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
