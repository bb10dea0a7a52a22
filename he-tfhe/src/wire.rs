//! Serialized objects: every one sealed with tag, kind and parameter hash, and with a digest.
//!
//! Ciphertexts and keys have the sizes that their parameters say, so nothing in them is a length but the number of ciphertexts
//! in a list. Evaluation keys are the seed of their masks and their bodies. All have the identifier of their secret.

use std::io::Read;

use he_core::rlwe::SecretId;
use he_core::wire::{self, Reader, Source, WireError, Writer};

use crate::keys::{CircuitKeys, SeededEvaluationKeys};
use crate::lwe::LweCiphertext;
use crate::object::{CIPHERTEXT, EVALUATION_KEYS, PUBLIC_KEY, SEEDED_CIPHERTEXTS, header};
use crate::params::Parameters;
use crate::public_key::PublicKey;
use crate::seeded::{Nonce, SeededCiphertexts};
use crate::spec::{CircuitGadgets, Decomposition, Spec};

/// Most ciphertexts of a sealed list.
const MOST: usize = 1 << 20;

impl LweCiphertext {
    /// Bytes that [`write`](Self::write) writes.
    pub fn wire_bytes(params: &Parameters) -> usize {
        SecretId::BYTES + 8 + 4 * (params.spec().big_dimension() + 1)
    }

    /// Writes the ciphertext without an envelope, to be sealed together with others.
    pub fn write(&self, out: &mut Writer) {
        SecretId::write_optional(self.secret, out);
        // Noise that fills the torus cannot grow.
        out.f64(self.variance.min(1.0));
        self.words.iter().for_each(|&word| out.u32(word));
    }

    /// A ciphertext that was written by [`write`](Self::write).
    ///
    /// # Errors
    /// If bytes are missing, the variance is no variance, or a ciphertext with a mask is under no secret.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let secret = SecretId::read_optional(from, "ciphertext")?;
        let variance = from.f64("variance of a ciphertext")?;
        // Written so that what is no number does not pass.
        if !(0.0..=1.0).contains(&variance) || (variance == 0.0 && variance.is_sign_negative()) {
            let why = format!("{variance:e}, needed 0 to 1");
            return Err(WireError::Invalid { what: "variance of a ciphertext", why });
        }
        let words = read_u32s(from, params.spec().big_dimension() + 1, "ciphertext")?;
        // A claim of less noise than a fresh ciphertext has would hide failures; only constants have none.
        let masked = words[..words.len() - 1].iter().any(|&word| word != 0);
        let least = if masked { params.fresh_variance() } else { 0.0 };
        if variance < least {
            let why = format!("{variance:e}, that of a fresh ciphertext is {least:e}");
            return Err(WireError::Invalid { what: "variance of a ciphertext", why });
        }
        if masked && secret.is_none() {
            let why = "a mask under a secret with the identifier zero, which is that of none".into();
            return Err(WireError::Invalid { what: "ciphertext", why });
        }
        Ok(Self { params: params.clone(), secret, words, variance })
    }

    /// A list of ciphertexts, sealed.
    ///
    /// # Errors
    /// If one belongs to other parameters, or there are more than 2^20.
    pub fn to_bytes(params: &Parameters, ciphertexts: &[Self]) -> Result<Vec<u8>, WireError> {
        if ciphertexts.len() > MOST {
            let why = format!("{} ciphertexts, at most {MOST} in one object", ciphertexts.len());
            return Err(WireError::Invalid { what: "list of ciphertexts", why });
        }
        if !ciphertexts.iter().all(|ciphertext| ciphertext.params.same(params)) {
            let why = "a ciphertext of other parameters".into();
            return Err(WireError::Invalid { what: "list of ciphertexts", why });
        }
        wire::seal_with(
            &header(params, CIPHERTEXT),
            ciphertexts.len() * Self::wire_bytes(params) + 8,
            |out| {
                out.length(ciphertexts.len());
                ciphertexts.iter().for_each(|ciphertext| ciphertext.write(out));
                Ok(())
            },
        )
    }

    /// Opens a sealed list.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Vec<Self>, WireError> {
        let limit = MOST.saturating_mul(Self::wire_bytes(params)) + 8;
        let mut reader = Reader::new(wire::open(bytes, &header(params, CIPHERTEXT), limit)?);
        let most = (reader.remaining() / Self::wire_bytes(params)).min(MOST);
        let count = reader.length(most, "list of ciphertexts")?;
        let ciphertexts = (0..count).map(|_| Self::read(&mut reader, params)).collect::<Result<_, _>>()?;
        reader.finish("list of ciphertexts")?;
        Ok(ciphertexts)
    }
}

impl SeededCiphertexts {
    /// Bytes that [`write`](Self::write) writes of so many ciphertexts.
    pub fn wire_bytes(count: usize) -> usize {
        count.saturating_mul(4).saturating_add(SecretId::BYTES + size_of::<Nonce>() + 8)
    }

    /// Writes the ciphertexts without an envelope, to be sealed together with others.
    pub fn write(&self, out: &mut Writer) {
        self.secret.write(out);
        out.bytes(&self.nonce);
        out.length(self.bodies.len());
        self.bodies.iter().for_each(|&body| out.u32(body));
    }

    /// Ciphertexts that were written by [`write`](Self::write).
    ///
    /// # Errors
    /// If bytes are missing.
    pub fn read(from: &mut Reader<'_>, params: &Parameters) -> Result<Self, WireError> {
        let what = "seeded ciphertexts";
        let (secret, nonce) = (SecretId::read(from, what)?, from.array(what)?);
        let count = from.length(from.remaining().saturating_sub(8) / 4, what)?;
        Ok(Self { params: params.clone(), secret, nonce, bodies: read_u32s(from, count, what)? })
    }

    /// The ciphertexts, sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Writer::with_capacity(Self::wire_bytes(self.len()));
        self.write(&mut body);
        wire::seal(&header(&self.params, SEEDED_CIPHERTEXTS), &body.finish())
    }

    /// Opens sealed ciphertexts, at most 2^20.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let header = header(params, SEEDED_CIPHERTEXTS);
        let mut reader = Reader::new(wire::open(bytes, &header, Self::wire_bytes(MOST))?);
        let ciphertexts = Self::read(&mut reader, params)?;
        reader.finish("seeded ciphertexts")?;
        Ok(ciphertexts)
    }
}

impl PublicKey {
    /// Bytes of a sealed key, before it is made.
    pub fn sealed_bytes(params: &Parameters) -> usize {
        wire::HEADER_BYTES + Self::body_bytes(params) + wire::DIGEST_BYTES
    }

    /// Bytes of the body of a sealed key.
    fn body_bytes(params: &Parameters) -> usize {
        SecretId::BYTES + 32 + (params.spec().big_dimension() * params.modulus().bits() as usize).div_ceil(8)
    }

    /// The key, sealed.
    ///
    /// # Errors
    /// Never for a key that was drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let params = &self.params;
        wire::seal_with(&header(params, PUBLIC_KEY), Self::body_bytes(params), |out| {
            self.secret.write(out);
            out.bytes(&self.seed);
            out.packed_u64(&self.bodies, params.modulus().bits())
        })
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let (what, q) = ("public key", params.modulus());
        let mut reader =
            Reader::new(wire::open(bytes, &header(params, PUBLIC_KEY), Self::body_bytes(params))?);
        let secret = SecretId::read(&mut reader, what)?;
        let (seed, mut bodies) = (reader.array(what)?, Vec::new());
        reader.packed_u64(params.spec().big_dimension(), q.bits(), q.value(), what, &mut bodies)?;
        reader.finish(what)?;
        Ok(Self { params: params.clone(), secret, seed, bodies })
    }
}

fn read_u32s(from: &mut Reader<'_>, count: usize, what: &'static str) -> Result<Vec<u32>, WireError> {
    let bytes = from.bytes(4 * count, what)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect())
}

/// Number of keys of one kind, and of residues in each.
#[derive(Clone, Copy)]
struct Shape {
    keys: usize,
    residues: usize,
}

/// Shapes of the parts of evaluation keys modulo `q`.
struct Shapes {
    rotation: Shape,
    /// The blind rotation of circuit bootstraps.
    circuit: Option<Shape>,
    /// The automorphisms of packing.
    packing: Option<Shape>,
    /// The encrypted key.
    scheme: Option<Shape>,
}

fn shapes(spec: &Spec) -> Shapes {
    let (n, k) = (spec.polynomial_size, spec.glwe_dimension);
    let rotation = |levels: usize| Shape {
        keys: spec.lwe_dimension / spec.unroll,
        residues: spec.matrices() * (k + 1) * levels * n,
    };
    let log = n.trailing_zeros() as usize;
    let scheme = |(_, packing): (CircuitGadgets, Decomposition)| Shape {
        keys: k,
        residues: (k + 1) * packing.levels * n,
    };
    Shapes {
        rotation: rotation(spec.rotation.levels),
        circuit: spec.circuit.map(|circuit| rotation(circuit.rotation.levels)),
        packing: spec.packing.map(|packing| Shape { keys: log, residues: k * packing.levels * n }),
        scheme: spec.circuit.zip(spec.packing).map(scheme),
    }
}

fn write_keys(out: &mut Writer, keys: &[Vec<u64>], bits: u32) -> Result<(), WireError> {
    keys.iter().try_for_each(|key| out.packed_u64(key, bits))
}

fn read_keys(from: &mut impl Source, params: &Parameters, shape: Shape) -> Result<Vec<Vec<u64>>, WireError> {
    let q = params.modulus();
    let read = |_| {
        let mut words = Vec::new();
        from.packed_u64(shape.residues, q.bits(), q.value(), "evaluation keys", &mut words)?;
        Ok(words)
    };
    (0..shape.keys).map(read).collect()
}

/// Bytes of the body of evaluation keys.
fn body_bytes(params: &Parameters) -> usize {
    let spec = params.spec();
    let Shapes { rotation, circuit, packing, scheme } = shapes(spec);
    let bits = params.modulus().bits() as usize;
    let packed = |shape: Shape| shape.keys * (shape.residues * bits).div_ceil(8);
    let switch = 4 * spec.big_dimension() * spec.key_switch.levels;
    let optional = [circuit, packing, scheme].into_iter().flatten();
    SecretId::BYTES + 32 + switch + packed(rotation) + optional.map(packed).sum::<usize>()
}

impl SeededEvaluationKeys {
    /// Bytes of sealed keys, before they are made.
    pub fn sealed_bytes(params: &Parameters) -> usize {
        wire::HEADER_BYTES + body_bytes(params) + wire::DIGEST_BYTES
    }

    /// The keys, sealed.
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let (params, bits) = (&self.params, self.params.modulus().bits());
        wire::seal_with(&header(params, EVALUATION_KEYS), body_bytes(params), |out| {
            self.secret.write(out);
            out.bytes(&self.seed);
            self.switch.iter().for_each(|&word| out.u32(word));
            write_keys(out, &self.rotation, bits)?;
            // The order is that of version 1: the rotation of circuit bootstraps goes before the automorphisms.
            let circuit = self.circuit.as_ref();
            circuit.map_or(Ok(()), |keys| write_keys(out, &keys.rotation, bits))?;
            write_keys(out, &self.automorphisms, bits)?;
            circuit.map_or(Ok(()), |keys| write_keys(out, &keys.scheme, bits))
        })
    }

    /// Opens sealed keys.
    ///
    /// # Errors
    /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
    pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let body = wire::open(bytes, &header(params, EVALUATION_KEYS), body_bytes(params))?;
        Self::read(&mut Reader::new(body), params)
    }

    /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed as they come, so that their
    /// bytes are never in memory beside the keys.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn read_from(params: &Parameters, from: impl Read) -> Result<Self, WireError> {
        let (header, limit) = (header(params, EVALUATION_KEYS), body_bytes(params));
        wire::open_from(from, &header, limit, |body| Self::read(body, params))
    }

    /// Reads a whole body.
    fn read<S: Source>(from: &mut S, params: &Parameters) -> Result<Self, WireError> {
        let (what, spec) = ("evaluation keys", params.spec());
        let (secret, seed) = (SecretId::read(from, what)?, from.array(what)?);
        let switch = from.u32s(spec.big_dimension() * spec.key_switch.levels, what)?;
        let shapes = shapes(spec);
        let rotation = read_keys(from, params, shapes.rotation)?;
        let mut optional =
            |shape: Option<Shape>| shape.map(|shape| read_keys(from, params, shape)).transpose();
        let (circuit, automorphisms) = (optional(shapes.circuit)?, optional(shapes.packing)?);
        let scheme = optional(shapes.scheme)?;
        from.ended(what)?;
        let circuit = circuit.zip(scheme).map(|(rotation, scheme)| CircuitKeys { rotation, scheme });
        let automorphisms = automorphisms.unwrap_or_default();
        Ok(Self { params: params.clone(), secret, seed, switch, rotation, automorphisms, circuit })
    }
}
