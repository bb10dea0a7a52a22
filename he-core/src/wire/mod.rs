//! `object = "HEW1" | version u16 | tag u8 | kind u16 | parameters [32] | length u64 | body | BLAKE3 [32]`
//!
//! Every serialized object is wrapped like this, all numbers little-endian; the digest is that of everything
//! before it. [`open`] checks all of it before it hands out the body, and takes no memory; [`open_from`] does so for an object that
//! is read piece by piece. The digest detects damage; it has no key and does not show who wrote the object.
//!
//! Inside a body, residues are packed to the width of their modulus: with `b` bits each, bit `j` of value `i`
//! is bit `i b + j` of the packed bytes, counted from the low end of the first one. Unused bits of the last byte
//! are zero, and a [`Reader`] insists on that as on every bound, so that an object has a single encoding.

mod error;
mod object;
#[cfg(feature = "serde")]
pub mod portable;
mod reader;
mod source;
mod spec;
mod stream;
mod writer;

use std::fmt;

pub use error::WireError;
pub use object::{Object, Sealed};
pub use reader::Reader;
pub use source::Source;
pub use spec::{SPEC, open_spec, seal_spec};
pub use stream::{Stream, open_from};
pub use writer::Writer;

/// The first four bytes of every object.
pub const MAGIC: [u8; 4] = *b"HEW1";
/// The version of the format that is written, and the only one that is read. Version 2 gave keys and ciphertexts the
/// identifier of their secret.
pub const VERSION: u16 = 2;
/// Bytes before the body.
pub const HEADER_BYTES: usize = 49;
/// Bytes after the body.
pub const DIGEST_BYTES: usize = 32;

const LENGTH_AT: usize = HEADER_BYTES - 8;
/// Values of at most this many bits span at most eight bytes wherever they start.
const NARROW: u32 = 57;
/// Bytes beyond a packed value that the widest load or store may touch.
const SLACK: usize = 16;

/// Which crate an object belongs to: each that writes objects has a tag of its own, and numbers its kinds itself.
///
/// ```
/// use he_core::wire::{Header, Tag, WireError, open, seal};
///
/// let ours = Header { tag: Tag(77), kind: 1, params: [0; 32] };
/// let bytes = seal(&Header { tag: Tag(78), ..ours }, b"body");
/// assert_eq!(open(&bytes, &ours, 4), Err(WireError::Tag { found: Tag(78), expected: Tag(77) }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub u8);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Crate, kind and parameters of an object.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::wire::{Header, Tag, open, peek, seal};
///
/// let header = Header { tag: Tag(77), kind: 1, params: [0; 32] };
/// let bytes = seal(&header, b"body");
/// assert_eq!(peek(&bytes)?, (header, 4));
/// assert_eq!(open(&bytes, &header, 4)?, b"body");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The crate it belongs to.
    pub tag: Tag,
    /// Its kind there: a key, a ciphertext, ...
    pub kind: u16,
    /// The hash of the parameters it was made under.
    pub params: [u8; 32],
}

/// The first four bytes of a parameter hash, for messages.
///
/// ```
/// # use he_core::wire::{Header, Tag, open, seal};
/// let header = Header { tag: Tag(77), kind: 1, params: [0xab; 32] };
/// let error = open(&seal(&header, b""), &Header { params: [0; 32], ..header }, 0).unwrap_err();
/// let text = "the object was made under parameters abababab.., expected 00000000..";
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 4]);

impl Fingerprint {
    fn new(hash: &[u8; 32]) -> Fingerprint {
        Fingerprint([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..")
    }
}

/// Wraps a body that is at hand.
///
/// The memory is taken once at its final size, so a caller who wipes the result has wiped all copies made here.
#[must_use]
pub fn seal(header: &Header, body: &[u8]) -> Vec<u8> {
    let mut writer = begin(header, body.len());
    writer.bytes(body);
    end(writer)
}

/// Wraps what `write` writes, without a copy; `capacity` is the expected length of the body in bytes.
///
/// For a secret body it should be the length or more: growth leaves copies behind that nobody wipes.
///
/// # Errors
/// Those of `write`.
///
/// # Panics
/// If there is not that much memory.
pub fn seal_with<E>(
    header: &Header,
    capacity: usize,
    write: impl FnOnce(&mut Writer) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut writer = begin(header, capacity);
    write(&mut writer)?;
    Ok(end(writer))
}

fn begin(header: &Header, capacity: usize) -> Writer {
    let mut writer = Writer::with_capacity(HEADER_BYTES + capacity + DIGEST_BYTES);
    writer.bytes(&MAGIC);
    writer.u16(VERSION);
    writer.u8(header.tag.0);
    writer.u16(header.kind);
    writer.bytes(&header.params);
    writer.u64(0);
    writer
}

fn end(writer: Writer) -> Vec<u8> {
    let mut out = writer.finish();
    let length = (out.len() - HEADER_BYTES) as u64;
    out[LENGTH_AT..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    let digest = digest(&out);
    out.extend_from_slice(digest.as_bytes());
    out
}

/// The body of the object that `bytes` are, if it is what `expected` says and not longer than `limit` bytes.
///
/// # Errors
/// In this order: [`WireError::Truncated`] below the length of an empty object, [`WireError::Magic`],
/// [`WireError::Version`], [`WireError::Tag`], [`WireError::Kind`], [`WireError::Parameters`],
/// [`WireError::TooLarge`], [`WireError::Truncated`], [`WireError::Trailing`], [`WireError::Digest`].
pub fn open<'a>(bytes: &'a [u8], expected: &Header, limit: usize) -> Result<&'a [u8], WireError> {
    let length = check_header(bytes, expected, limit)?;
    let extra = bytes.len() - (HEADER_BYTES + length + DIGEST_BYTES);
    if extra > 0 {
        return Err(WireError::Trailing { what: "the object", extra });
    }
    check_digest(bytes, length)
}

/// As [`open`] for the object that `bytes` start with: its body, and how many bytes the object takes.
///
/// # Errors
/// Those of [`open`] but [`WireError::Trailing`].
pub fn open_prefix<'a>(
    bytes: &'a [u8],
    expected: &Header,
    limit: usize,
) -> Result<(&'a [u8], usize), WireError> {
    let length = check_header(bytes, expected, limit)?;
    Ok((check_digest(bytes, length)?, HEADER_BYTES + length + DIGEST_BYTES))
}

/// The header of the object that `bytes` start with and the claimed length of its body, neither verified.
///
/// # Errors
/// [`WireError::Truncated`], [`WireError::Magic`] or [`WireError::Version`].
pub fn peek(bytes: &[u8]) -> Result<(Header, u64), WireError> {
    let raw = RawHeader::read(bytes)?;
    Ok((raw.header, raw.length))
}

/// A header with the right magic and version.
struct RawHeader {
    header: Header,
    length: u64,
}

impl RawHeader {
    fn read(bytes: &[u8]) -> Result<RawHeader, WireError> {
        const WHAT: &str = "the object";
        let need = (HEADER_BYTES + DIGEST_BYTES) as u64;
        if (bytes.len() as u64) < need {
            return Err(WireError::Truncated { what: WHAT, have: bytes.len(), need });
        }
        let mut reader = Reader::new(bytes);
        let found = reader.array(WHAT)?;
        if found != MAGIC {
            return Err(WireError::Magic { found });
        }
        let found = reader.u16(WHAT)?;
        if found != VERSION {
            return Err(WireError::Version { found });
        }
        let tag = Tag(reader.u8(WHAT)?);
        let header = Header { tag, kind: reader.u16(WHAT)?, params: reader.array(WHAT)? };
        Ok(RawHeader { header, length: reader.u64(WHAT)? })
    }
}

/// The length of the body, after all checks but the digest; the whole object is then within `bytes`.
fn check_header(bytes: &[u8], expected: &Header, limit: usize) -> Result<usize, WireError> {
    let length = check_expected(&RawHeader::read(bytes)?, expected, limit)?;
    let have = bytes.len() - HEADER_BYTES - DIGEST_BYTES;
    if length > have {
        return Err(WireError::Truncated { what: "the body", have, need: length as u64 });
    }
    Ok(length)
}

/// The claimed length of the body of the object that is expected, at most `limit`.
fn check_expected(raw: &RawHeader, expected: &Header, limit: usize) -> Result<usize, WireError> {
    let found = &raw.header;
    if found.tag != expected.tag {
        return Err(WireError::Tag { found: found.tag, expected: expected.tag });
    }
    if found.kind != expected.kind {
        return Err(WireError::Kind { found: found.kind, expected: expected.kind });
    }
    if found.params != expected.params {
        let [found, expected] = [&found.params, &expected.params].map(Fingerprint::new);
        return Err(WireError::Parameters { found, expected });
    }
    if raw.length > limit as u64 {
        return Err(WireError::TooLarge { what: "the body", found: raw.length, limit });
    }
    Ok(raw.length as usize)
}

/// The digest of all bytes before it. Key sets are long: both halves of every stretch can be hashed at once.
fn digest(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    update_digest(&mut hasher, bytes);
    hasher.finalize()
}

fn update_digest(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update_rayon(bytes);
}

fn check_digest(bytes: &[u8], length: usize) -> Result<&[u8], WireError> {
    let (signed, rest) = bytes.split_at(HEADER_BYTES + length);
    // Not constant time: the digest has no key, so there is nothing to find out by timing.
    if !rest.starts_with(digest(signed).as_bytes()) {
        return Err(WireError::Digest { bytes: signed.len() });
    }
    Ok(&signed[HEADER_BYTES..])
}

/// The bytes that `count` values of `bits` bits take, if that is a number at all.
fn packed_bytes(count: usize, bits: u32) -> Option<usize> {
    Some(count.checked_mul(bits as usize)?.div_ceil(8))
}

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

fn check_width(bits: u32) -> Result<(), WireError> {
    if (1..=64).contains(&bits) { Ok(()) } else { Err(WireError::Width { bits }) }
}

#[cfg(test)]
mod tests;
