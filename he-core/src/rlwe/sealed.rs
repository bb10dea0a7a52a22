//! Ciphertexts and keys as sealed objects, of whichever scheme the header names.
//!
//! Evaluation keys take gigabytes: the memory for their bytes is taken once, at its final size.

use std::io::Read;

use super::ciphertext::{Ciphertext, SeededCiphertext};
use super::encrypt::PublicKey;
use super::galois::EvaluationKeys;
use super::params::Parameters;
use super::request::KeyRequest;
use super::secret_id::SecretId;
use super::serial::{
    body_limit, polynomial_bytes, read_evaluation_keys, read_public_key, write_evaluation_keys,
    write_public_key,
};
use crate::wire::{self, Header, Reader, Source, WireError};

/// Bytes of a ciphertext in the body of an object.
pub fn ciphertext_bytes(ciphertext: &Ciphertext) -> usize {
    written_bytes(ciphertext.params(), ciphertext.limbs(), ciphertext.parts().len())
}

/// Bytes of a seeded ciphertext in the body of an object.
pub fn seeded_bytes(ciphertext: &SeededCiphertext) -> usize {
    fresh_bytes(ciphertext.params(), ciphertext.limbs())
}

/// Bytes of a ciphertext of so many polynomials over `limbs` primes, at most all, in the body of an object.
pub fn written_bytes(params: &Parameters, limbs: usize, polynomials: usize) -> usize {
    let each = polynomial_bytes(params.basis(limbs.clamp(1, params.max_limbs())));
    polynomials.saturating_mul(each).saturating_add(1 + 2 + SecretId::BYTES)
}

/// Bytes of a seeded ciphertext over `limbs` primes, at most all, in the body of an object.
pub fn fresh_bytes(params: &Parameters, limbs: usize) -> usize {
    written_bytes(params, limbs, 1) + 32
}

/// Opens a sealed ciphertext of degree 1 or 2; `read` reads its body.
///
/// # Errors
/// If the bytes are truncated, altered, of another kind, or belong to other parameters; whatever `read` returns.
pub fn open_ciphertext<'a, C>(
    header: &Header,
    params: &Parameters,
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<C, WireError>,
) -> Result<C, WireError> {
    open_ciphertext_of_degree(header, params, 2, bytes, read)
}

/// As [`open_ciphertext`], of a degree of at most `most`.
///
/// # Errors
/// As [`open_ciphertext`].
pub fn open_ciphertext_of_degree<'a, C>(
    header: &Header,
    params: &Parameters,
    most: usize,
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<C, WireError>,
) -> Result<C, WireError> {
    let mut reader = Reader::new(wire::open(bytes, header, body_limit(params, most.saturating_add(1)))?);
    let ciphertext = read(&mut reader)?;
    reader.finish("ciphertext")?;
    Ok(ciphertext)
}

/// Bytes of a key-switching key over `limbs` primes, at most all: their number, the identifiers of both secrets, the seed, and half of its polynomials.
pub fn key_switch_key_bytes(params: &Parameters, limbs: usize) -> usize {
    2 * SecretId::BYTES + key_bytes(params, limbs)
}

/// Bytes of one of a set of evaluation keys: without identifiers.
fn key_bytes(params: &Parameters, limbs: usize) -> usize {
    let limbs = limbs.clamp(1, params.max_limbs());
    2 + 32 + params.digits(limbs) * polynomial_bytes(params.key_basis(limbs))
}

/// Bytes of the body of evaluation keys.
pub fn evaluation_keys_bytes(keys: &EvaluationKeys) -> usize {
    let bytes = |limbs| key_bytes(keys.params(), limbs);
    let galois = keys.galois_elements().filter_map(|g| keys.galois(g)).map(|key| 4 + bytes(key.limbs()));
    SecretId::BYTES
        + 1
        + keys.relinearization().map_or(0, |key| bytes(key.limbs()))
        + 4
        + galois.sum::<usize>()
}

/// Bytes of the body of the evaluation keys of a request.
pub fn requested_keys_bytes(params: &Parameters, request: &KeyRequest) -> usize {
    let bytes = |level: usize| key_bytes(params, level.saturating_add(1));
    let galois = request.galois_levels().map(|level| 4 + bytes(level));
    SecretId::BYTES + 1 + request.relinearization_level().map_or(0, bytes) + 4 + galois.sum::<usize>()
}

/// Largest body of evaluation keys: one for every element there is, and one for products.
pub fn evaluation_keys_limit(params: &Parameters) -> usize {
    SecretId::BYTES + 1 + 4 + (params.n() + 1) * (4 + key_bytes(params, params.max_limbs()))
}

/// Bytes of the body of a public key.
pub fn public_key_bytes(params: &Parameters) -> usize {
    SecretId::BYTES + polynomial_bytes(params.basis(params.max_limbs())) + 32
}

/// Seals a public key.
///
/// # Errors
/// Never for a key that was made.
pub fn seal_public_key(header: &Header, key: &PublicKey) -> Result<Vec<u8>, WireError> {
    wire::seal_with(header, public_key_bytes(key.zero().params()), |out| write_public_key(out, key))
}

/// Opens a sealed public key.
///
/// # Errors
/// If the bytes are truncated, altered, of another kind, or belong to other parameters.
pub fn open_public_key(header: &Header, params: &Parameters, bytes: &[u8]) -> Result<PublicKey, WireError> {
    let mut reader = Reader::new(wire::open(bytes, header, body_limit(params, 1))?);
    let key = read_public_key(&mut reader, params)?;
    reader.finish("public key")?;
    Ok(key)
}

/// Seals evaluation keys, in seeded form.
///
/// # Errors
/// Never for keys that were made.
pub fn seal_evaluation_keys(header: &Header, keys: &EvaluationKeys) -> Result<Vec<u8>, WireError> {
    wire::seal_with(header, evaluation_keys_bytes(keys), |out| write_evaluation_keys(out, keys))
}

/// Opens sealed evaluation keys.
///
/// # Errors
/// If the bytes are truncated, altered, of another kind, or belong to other parameters.
pub fn open_evaluation_keys(
    header: &Header,
    params: &Parameters,
    bytes: &[u8],
) -> Result<EvaluationKeys, WireError> {
    let body = wire::open(bytes, header, evaluation_keys_limit(params))?;
    whole_keys(&mut Reader::new(body), params)
}

/// As [`open_evaluation_keys`], of keys that are read piece by piece: their bytes are never in memory beside the keys.
///
/// # Errors
/// As [`open_evaluation_keys`], and [`WireError::Read`].
pub fn open_evaluation_keys_from(
    header: &Header,
    params: &Parameters,
    from: impl Read,
) -> Result<EvaluationKeys, WireError> {
    wire::open_from(from, header, evaluation_keys_limit(params), |body| whole_keys(body, params))
}

/// Keys and nothing behind them.
fn whole_keys(from: &mut impl Source, params: &Parameters) -> Result<EvaluationKeys, WireError> {
    let keys = read_evaluation_keys(from, params)?;
    from.ended("evaluation keys")?;
    Ok(keys)
}

/// Opens sealed evaluation keys that must be those of a request: no more memory is taken than these need.
///
/// # Errors
/// As [`open_evaluation_keys`]; also if the request names a level above the whole chain or an element that is no automorphism, or a
/// key is missing, or is not asked for.
pub fn open_requested_keys(
    header: &Header,
    params: &Parameters,
    request: &KeyRequest,
    bytes: &[u8],
) -> Result<EvaluationKeys, WireError> {
    let body = wire::open(bytes, header, requested_limit(params, request)?)?;
    requested_keys(&mut Reader::new(body), params, request)
}

/// As [`open_requested_keys`], of keys that are read piece by piece: their bytes are never in memory beside the keys.
///
/// # Errors
/// As [`open_requested_keys`], and [`WireError::Read`].
pub fn open_requested_keys_from(
    header: &Header,
    params: &Parameters,
    request: &KeyRequest,
    from: impl Read,
) -> Result<EvaluationKeys, WireError> {
    let limit = requested_limit(params, request)?;
    wire::open_from(from, header, limit, |body| requested_keys(body, params, request))
}

/// Bytes of the body of the keys of a request that can be met.
fn requested_limit(params: &Parameters, request: &KeyRequest) -> Result<usize, WireError> {
    request
        .check(params)
        .map_err(|error| WireError::Invalid { what: "evaluation keys", why: error.to_string() })?;
    Ok(requested_keys_bytes(params, request))
}

fn requested_keys(
    from: &mut impl Source,
    params: &Parameters,
    request: &KeyRequest,
) -> Result<EvaluationKeys, WireError> {
    let keys = whole_keys(from, params)?;
    request.accept(&keys)?;
    Ok(keys)
}
