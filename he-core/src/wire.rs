//! `object = "HEW1" | version u16 | scheme u8 | kind u16 | parameters [32] | length u64 | body | BLAKE3 [32]`
//!
//! Every serialized object is wrapped like this, all numbers little-endian; the digest is that of everything
//! before it. [`open`] checks all of it before it hands out the body, and takes no memory. The digest detects
//! damage; it has no key and does not show who wrote the object.
//!
//! Inside a body, residues are packed to the width of their modulus: with `b` bits each, bit `j` of value `i`
//! is bit `i b + j` of the packed bytes, counted from the low end of the first one. Unused bits of the last byte
//! are zero, and a [`Reader`] insists on that as on every bound, so that an object has a single encoding.

use std::fmt;

/// The first four bytes of every object.
pub const MAGIC: [u8; 4] = *b"HEW1";
/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// Bytes before the body.
pub const HEADER_BYTES: usize = 49;
/// Bytes after the body.
pub const DIGEST_BYTES: usize = 32;

const LENGTH_AT: usize = HEADER_BYTES - 8;
/// Values of at most this many bits span at most eight bytes wherever they start.
const NARROW: u32 = 57;
/// Bytes beyond a packed value that the widest load or store may touch.
const SLACK: usize = 16;

/// The scheme an object belongs to, by its tag on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Scheme {
    /// Ring and RLWE objects common to all schemes.
    Core = 0,
    /// BGV.
    Bgv = 1,
    /// CKKS.
    Ckks = 2,
    /// TFHE.
    Tfhe = 3,
    /// Switching between schemes.
    Switch = 4,
    /// Neural networks.
    Nn = 5,
}

impl Scheme {
    const ALL: [Scheme; 6] =
        [Scheme::Core, Scheme::Bgv, Scheme::Ckks, Scheme::Tfhe, Scheme::Switch, Scheme::Nn];

    /// The scheme of a tag, if there is one.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|&scheme| scheme as u8 == tag)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The scheme it belongs to.
    pub scheme: Scheme,
    /// What it is within the scheme: a key, a ciphertext, ...; each scheme numbers its own.
    pub kind: u16,
    /// The hash of the parameters it was made under.
    pub params: [u8; 32],
}

/// The first four bytes of a parameter hash, for messages.
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

/// Why bytes are not the object they were taken for, or a value cannot be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Bytes are missing.
    #[error("{what} is truncated: {need} bytes needed, {have} there")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// How many bytes there are.
        have: usize,
        /// How many bytes are needed.
        need: u64,
    },
    /// The bytes are something else altogether.
    #[error("the bytes do not start with {MAGIC:02x?} but with {found:02x?}")]
    Magic {
        /// What was there.
        found: [u8; 4],
    },
    /// The object is of another version of the format.
    #[error("the object is of format version {found}, this reads version {VERSION}")]
    Version {
        /// What was there.
        found: u16,
    },
    /// The object belongs to another scheme.
    #[error("the object has scheme tag {found}, expected {} ({expected:?})", *expected as u8)]
    Scheme {
        /// What was there.
        found: u8,
        /// What was expected.
        expected: Scheme,
    },
    /// The object is of another kind.
    #[error("the object is of kind {found}, expected kind {expected}")]
    Kind {
        /// What was there.
        found: u16,
        /// What was expected.
        expected: u16,
    },
    /// The object was made under other parameters.
    #[error("the object was made under parameters {found}, expected {expected}")]
    Parameters {
        /// What was there.
        found: Fingerprint,
        /// What was expected.
        expected: Fingerprint,
    },
    /// More is announced than is allowed.
    #[error("{what} has a length of {found}, at most {limit} is allowed")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// What was there.
        found: u64,
        /// The most that is allowed.
        limit: usize,
    },
    /// Something follows where nothing should.
    #[error("{what} is followed by {extra} more bytes, none were expected")]
    Trailing {
        /// What was read.
        what: &'static str,
        /// How many bytes follow.
        extra: usize,
    },
    /// The object was damaged.
    #[error("the object is damaged: its BLAKE3 digest does not match its {bytes} bytes")]
    Digest {
        /// How many bytes the digest covers.
        bytes: usize,
    },
    /// A value is out of range.
    #[error("value {index} of {what} is {found}, it must be below {bound}")]
    Value {
        /// What was read.
        what: &'static str,
        /// The position of the value.
        index: usize,
        /// What was there.
        found: u64,
        /// The value must be below this.
        bound: u64,
    },
    /// A float is not a number or infinite.
    #[error("{what} is {found}, a finite number is needed")]
    NotFinite {
        /// What was read.
        what: &'static str,
        /// What was there.
        found: f64,
    },
    /// A value was to be packed that does not fit its width.
    #[error("value {index} is {found}, which does not fit in {bits} bits")]
    TooWide {
        /// The position of the value.
        index: usize,
        /// What was there.
        found: u64,
        /// The bits of a value.
        bits: u32,
    },
    /// Values cannot be packed at this width.
    #[error("values of {bits} bits cannot be packed, 1 to 64 can")]
    Width {
        /// The bits of a value.
        bits: u32,
    },
    /// A body says something that its object cannot be; for the readers of the schemes.
    #[error("{what} is not valid: {why}")]
    Invalid {
        /// What was read.
        what: &'static str,
        /// What was there and what was needed.
        why: String,
    },
    /// The bits that fill up the last byte are used.
    #[error("the last byte of {what} has unused bits that are not zero")]
    Padding {
        /// What was read.
        what: &'static str,
    },
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
    writer.u8(header.scheme as u8);
    writer.u16(header.kind);
    writer.bytes(&header.params);
    writer.u64(0);
    writer
}

fn end(writer: Writer) -> Vec<u8> {
    let mut out = writer.finish();
    let length = (out.len() - HEADER_BYTES) as u64;
    out[LENGTH_AT..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    let digest = blake3::hash(&out);
    out.extend_from_slice(digest.as_bytes());
    out
}

/// The body of the object that `bytes` are, if it is what `expected` says and not longer than `limit` bytes.
///
/// # Errors
/// In this order: [`WireError::Truncated`] below the length of an empty object, [`WireError::Magic`],
/// [`WireError::Version`], [`WireError::Scheme`], [`WireError::Kind`], [`WireError::Parameters`],
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

/// What the object that `bytes` start with claims to be and how long a body it claims, neither verified.
///
/// # Errors
/// [`WireError::Truncated`], [`WireError::Magic`], [`WireError::Version`], or [`WireError::Value`] for a tag of
/// no scheme.
pub fn peek(bytes: &[u8]) -> Result<(Header, u64), WireError> {
    let raw = RawHeader::read(bytes)?;
    let tag = WireError::Value { what: "scheme tag", index: 0, found: raw.scheme.into(), bound: 6 };
    let scheme = Scheme::from_tag(raw.scheme).ok_or(tag)?;
    Ok((Header { scheme, kind: raw.kind, params: raw.params }, raw.length))
}

/// A header with the right magic and version.
struct RawHeader {
    scheme: u8,
    kind: u16,
    params: [u8; 32],
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
        Ok(RawHeader {
            scheme: reader.u8(WHAT)?,
            kind: reader.u16(WHAT)?,
            params: reader.array(WHAT)?,
            length: reader.u64(WHAT)?,
        })
    }
}

/// The length of the body, after all checks but the digest; the whole object is then within `bytes`.
fn check_header(bytes: &[u8], expected: &Header, limit: usize) -> Result<usize, WireError> {
    let raw = RawHeader::read(bytes)?;
    if raw.scheme != expected.scheme as u8 {
        return Err(WireError::Scheme { found: raw.scheme, expected: expected.scheme });
    }
    if raw.kind != expected.kind {
        return Err(WireError::Kind { found: raw.kind, expected: expected.kind });
    }
    if raw.params != expected.params {
        let [found, expected] = [&raw.params, &expected.params].map(Fingerprint::new);
        return Err(WireError::Parameters { found, expected });
    }
    if raw.length > limit as u64 {
        return Err(WireError::TooLarge { what: "the body", found: raw.length, limit });
    }
    let have = bytes.len() - HEADER_BYTES - DIGEST_BYTES;
    if raw.length > have as u64 {
        return Err(WireError::Truncated { what: "the body", have, need: raw.length });
    }
    Ok(raw.length as usize)
}

fn check_digest(bytes: &[u8], length: usize) -> Result<&[u8], WireError> {
    let (signed, rest) = bytes.split_at(HEADER_BYTES + length);
    // Not constant time: the digest has no key, so there is nothing to find out by timing.
    if !rest.starts_with(blake3::hash(signed).as_bytes()) {
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

/// Writes a body. Not `Debug`, since a body can be a secret key.
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty body.
    #[must_use]
    pub fn new() -> Writer {
        Writer::default()
    }

    /// An empty body with room for `bytes` bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { out: Vec::with_capacity(bytes) }
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Writes two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes eight bytes, in two's complement.
    pub fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes the eight bytes of a float; a [`Reader`] takes only finite ones.
    pub fn f64(&mut self, value: f64) {
        self.bytes(&value.to_bits().to_le_bytes());
    }

    /// Writes a length or count as eight bytes.
    pub fn length(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes the length of the bytes in eight bytes and then the bytes.
    pub fn len_bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes(bytes);
    }

    /// Writes each value in exactly `bits` bits, 1 to 64, then zero bits up to a whole byte.
    ///
    /// # Errors
    /// [`WireError::Width`] and [`WireError::TooWide`], with nothing written.
    pub fn packed_u64(&mut self, values: &[u64], bits: u32) -> Result<(), WireError> {
        check_width(bits)?;
        if values.iter().fold(0, |all, x| all | x) > mask(bits) {
            let index = values.iter().position(|&x| x > mask(bits)).unwrap_or(0);
            return Err(WireError::TooWide { index, found: values[index], bits });
        }
        let start = self.out.len();
        let len = (values.len() as u128 * u128::from(bits)).div_ceil(8) as usize;
        self.out.resize(start + len + SLACK, 0);
        if bits <= NARROW {
            pack_narrow(values, bits, &mut self.out[start..]);
        } else {
            pack_wide(values, bits, &mut self.out[start..]);
        }
        self.out.truncate(start + len);
        Ok(())
    }
}

/// Eight bytes are stored for each value, of which those that are complete are kept.
fn pack_narrow(values: &[u64], bits: u32, out: &mut [u8]) {
    let (mut pending, mut fill, mut at) = (0u64, 0u32, 0usize);
    for &value in values {
        // fill <= 7, so that the sum of the widths is at most 64.
        pending |= value << fill;
        if let Some(place) = out.get_mut(at..at + 8) {
            place.copy_from_slice(&pending.to_le_bytes());
        }
        fill += bits;
        at += (fill / 8) as usize;
        // A shift by 64 only for 57 bits after 7; in two steps.
        pending = pending >> (fill & !7).min(63) >> u32::from(fill & !7 == 64);
        fill &= 7;
    }
}

/// As [`pack_narrow`], for values of up to 64 bits.
fn pack_wide(values: &[u64], bits: u32, out: &mut [u8]) {
    let (mut pending, mut fill, mut at) = (0u128, 0u32, 0usize);
    for &value in values {
        pending |= u128::from(value) << fill;
        if let Some(place) = out.get_mut(at..at + SLACK) {
            place.copy_from_slice(&pending.to_le_bytes());
        }
        fill += bits;
        at += (fill / 8) as usize;
        pending >>= fill & !7;
        fill &= 7;
    }
}

/// Reads a body; `what` names what is read in errors. Not `Debug`, as [`Writer`].
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads `count` bytes as they are.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if fewer are left, as for all that follow.
    pub fn bytes(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let have = self.rest.len();
        let split = self.rest.split_at_checked(count);
        let (head, rest) = split.ok_or(WireError::Truncated { what, have, need: count as u64 })?;
        self.rest = rest;
        Ok(head)
    }

    /// Reads `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N, what)?);
        Ok(out)
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    /// Reads two bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    /// Reads four bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// Reads eight bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u64(&mut self, what: &'static str) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Reads eight bytes in two's complement.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn i64(&mut self, what: &'static str) -> Result<i64, WireError> {
        Ok(i64::from_le_bytes(self.array(what)?))
    }

    /// Reads a finite float.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::NotFinite`].
    pub fn f64(&mut self, what: &'static str) -> Result<f64, WireError> {
        let found = f64::from_bits(self.u64(what)?);
        if found.is_finite() { Ok(found) } else { Err(WireError::NotFinite { what, found }) }
    }

    /// Reads a length or count of at most `limit` in eight bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::TooLarge`].
    pub fn length(&mut self, limit: usize, what: &'static str) -> Result<usize, WireError> {
        let found = self.u64(what)?;
        if found > limit as u64 {
            return Err(WireError::TooLarge { what, found, limit });
        }
        Ok(found as usize)
    }

    /// Reads a length of at most `limit` in eight bytes and then that many bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::TooLarge`].
    pub fn len_bytes(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let count = self.length(limit, what)?;
        self.bytes(count, what)
    }

    /// Reads `count` values of `bits` bits each, all to be below `bound`, and appends them to `out`.
    ///
    /// Memory is taken only when the bytes are known to be there: at most eight bytes for each packed value.
    ///
    /// # Errors
    /// [`WireError::Width`]; [`WireError::Truncated`]; [`WireError::Value`]; [`WireError::Padding`]; `out` is
    /// then as it was.
    pub fn packed_u64(
        &mut self,
        count: usize,
        bits: u32,
        bound: u64,
        what: &'static str,
        out: &mut Vec<u64>,
    ) -> Result<(), WireError> {
        check_width(bits)?;
        let have = self.rest.len();
        let need = packed_bytes(count, bits).unwrap_or(usize::MAX);
        let too_short = WireError::Truncated { what, have, need: need as u64 };
        let packed = self.rest.get(..need).ok_or(too_short)?;
        let used = (count * bits as usize) % 8;
        if used > 0 && packed.last().is_some_and(|last| last >> used != 0) {
            return Err(WireError::Padding { what });
        }
        let start = out.len();
        out.resize(start + count, 0);
        let values = &mut out[start..];
        unpack(packed, bits, values);
        // All together first, which vectorizes; the place of a failure only if there is one.
        if values.iter().fold(0, |bad, &x| bad | u8::from(x >= bound)) != 0 {
            let index = values.iter().position(|&x| x >= bound).unwrap_or(0);
            let found = values[index];
            out.truncate(start);
            return Err(WireError::Value { what, index, found, bound });
        }
        self.rest = &self.rest[need..];
        Ok(())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::Trailing`] if bytes are left.
    pub fn finish(self, what: &'static str) -> Result<(), WireError> {
        let extra = self.rest.len();
        if extra > 0 { Err(WireError::Trailing { what, extra }) } else { Ok(()) }
    }
}

/// Reads all of `out` from `packed`, which has the bytes for it.
fn unpack(packed: &[u8], bits: u32, out: &mut [u64]) {
    let width = bits as usize;
    // Values whose widest load stays within the bytes are read in place, the few others from a padded copy.
    let safe = (packed.len().saturating_sub(SLACK) * 8 / width).min(out.len()) & !7;
    let (direct, rest) = out.split_at_mut(safe);
    unpack_with_slack(packed, bits, direct);
    // At most 16 bytes and eight values were left over, of at most 64 bits.
    let mut tail = [0; 3 * SLACK + 64];
    let left = &packed[safe / 8 * width..];
    if let Some(place) = tail.get_mut(..left.len()) {
        place.copy_from_slice(left);
    }
    unpack_with_slack(&tail, bits, rest);
}

/// Reads all of `out` from `packed`, which has 16 bytes more than it takes.
fn unpack_with_slack(packed: &[u8], bits: u32, out: &mut [u64]) {
    let mask = mask(bits);
    for (octet, place) in out.chunks_mut(8).enumerate() {
        // Eight values take a whole number of bytes: their shifts are the same in every octet.
        let bytes = packed.get(octet * bits as usize..).unwrap_or_default();
        for (i, x) in place.iter_mut().enumerate() {
            let at = i * bits as usize;
            *x = if bits <= NARROW { load_narrow(bytes, at) } else { load_wide(bytes, at) } & mask;
        }
    }
}

/// The 57 bits from bit `at` on, or more.
fn load_narrow(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at / 8..).and_then(|rest| rest.first_chunk::<8>());
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk) >> (at % 8))
}

/// The 64 bits from bit `at` on.
fn load_wide(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at / 8..).and_then(|rest| rest.first_chunk::<16>());
    chunk.map_or(0, |chunk| (u128::from_le_bytes(*chunk) >> (at % 8)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header { scheme: Scheme::Bgv, kind: 0x1234, params: [0xab; 32] };
    const LIMIT: usize = 1 << 20;

    #[test]
    fn layout_is_as_documented() {
        let sealed = seal(&HEADER, b"abc");
        let mut want = b"HEW1\x01\x00\x01\x34\x12".to_vec();
        want.extend([0xab; 32]);
        want.extend([3, 0, 0, 0, 0, 0, 0, 0]);
        want.extend(b"abc");
        let digest = blake3::hash(&want);
        want.extend(digest.as_bytes());
        assert_eq!(sealed, want);
        assert_eq!(open(&sealed, &HEADER, 3).unwrap(), b"abc");
        assert_eq!(peek(&sealed).unwrap(), (HEADER, 3));
    }

    #[test]
    fn objects_are_read_one_after_another() {
        let mut bytes = seal(&HEADER, b"first");
        bytes.extend(seal(&HEADER, b""));
        let (body, used) = open_prefix(&bytes, &HEADER, LIMIT).unwrap();
        assert_eq!((body, used), (&b"first"[..], 86));
        assert_eq!(open_prefix(&bytes[used..], &HEADER, LIMIT).unwrap(), (&b""[..], 81));
        let extra = WireError::Trailing { what: "the object", extra: 81 };
        assert_eq!(open(&bytes, &HEADER, LIMIT), Err(extra));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let sealed = seal(&HEADER, b"some body");
        for len in 0..sealed.len() {
            assert!(
                matches!(open(&sealed[..len], &HEADER, LIMIT), Err(WireError::Truncated { .. })),
                "{len}"
            );
            assert!(open_prefix(&sealed[..len], &HEADER, LIMIT).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        let sealed = seal(&HEADER, b"some body");
        for bit in 0..8 * sealed.len() {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&bad, &HEADER, LIMIT).is_err(), "{bit}");
            assert!(open_prefix(&bad, &HEADER, LIMIT).is_err(), "{bit}");
        }
    }

    #[test]
    fn errors_name_both_sides() {
        let sealed = seal(&HEADER, b"body");
        let error = |header| open(&sealed, &header, LIMIT).unwrap_err().to_string();
        assert_eq!(
            error(Header { scheme: Scheme::Nn, ..HEADER }),
            "the object has scheme tag 1, expected 5 (Nn)"
        );
        assert_eq!(error(Header { kind: 7, ..HEADER }), "the object is of kind 4660, expected kind 7");
        assert_eq!(
            error(Header { params: [0; 32], ..HEADER }),
            "the object was made under parameters abababab.., expected 00000000.."
        );
        let magic = open(&[b'x'; 100], &HEADER, LIMIT).unwrap_err().to_string();
        assert_eq!(magic, "the bytes do not start with [48, 45, 57, 31] but with [78, 78, 78, 78]");
        let mut other = sealed.clone();
        other[4] = 9;
        assert_eq!(open(&other, &HEADER, LIMIT), Err(WireError::Version { found: 9 }));
        let mut damaged = sealed.clone();
        damaged[50] ^= 1;
        assert_eq!(open(&damaged, &HEADER, LIMIT), Err(WireError::Digest { bytes: 53 }));
        assert_eq!(
            open(&sealed[..84], &HEADER, LIMIT).unwrap_err().to_string(),
            "the body is truncated: 4 bytes needed, 3 there"
        );
    }

    #[test]
    fn announced_lengths_are_not_believed() {
        let mut sealed = seal(&HEADER, b"body");
        let limit = WireError::TooLarge { what: "the body", found: 4, limit: 3 };
        assert_eq!(open(&sealed, &HEADER, 3), Err(limit));
        sealed[LENGTH_AT..HEADER_BYTES].fill(0xff);
        let huge = WireError::Truncated { what: "the body", have: 4, need: u64::MAX };
        assert_eq!(open(&sealed, &HEADER, usize::MAX), Err(huge));
        let mut out = Vec::new();
        for (count, bits) in [(usize::MAX, 64), (1 << 61, 8), (1 << 40, 41), (17, 1), (3, 6)] {
            let got = Reader::new(&[0; 2]).packed_u64(count, bits, 1, "limb", &mut out);
            assert!(matches!(got, Err(WireError::Truncated { have: 2, .. })), "{count} {bits}");
            assert_eq!(out.capacity(), 0);
        }
    }

    #[test]
    fn scheme_tags_are_stable() {
        for (tag, scheme) in (0..).zip(Scheme::ALL) {
            assert_eq!(Scheme::from_tag(tag), Some(scheme));
        }
        assert_eq!(Scheme::from_tag(6), None);
    }

    #[test]
    fn numbers_round_trip() {
        let sealed = seal_with::<WireError>(&HEADER, 0, |w| {
            w.u8(1);
            w.u16(2);
            w.u32(3);
            w.u64(u64::MAX);
            w.i64(-5);
            w.f64(-0.1);
            w.len_bytes(b"text");
            w.packed_u64(&[1, 2, 3], 3)
        })
        .unwrap();
        let mut r = Reader::new(open(&sealed, &HEADER, LIMIT).unwrap());
        assert_eq!((r.u8("a").unwrap(), r.u16("b").unwrap(), r.u32("c").unwrap()), (1, 2, 3));
        assert_eq!((r.u64("d").unwrap(), r.i64("e").unwrap(), r.f64("f").unwrap()), (u64::MAX, -5, -0.1));
        assert_eq!(r.len_bytes(4, "g").unwrap(), b"text");
        let mut out = vec![9];
        r.packed_u64(3, 3, 4, "h", &mut out).unwrap();
        assert_eq!(out, [9, 1, 2, 3]);
        let spare = r.clone().u16("i").unwrap_err();
        assert_eq!(spare, WireError::Truncated { what: "i", have: 0, need: 2 });
        r.finish("body").unwrap();
    }

    #[test]
    fn readers_refuse() {
        assert_eq!(Reader::new(&[0; 3]).finish("x"), Err(WireError::Trailing { what: "x", extra: 3 }));
        let nan = Reader::new(&f64::NAN.to_le_bytes()).f64("scale");
        assert!(matches!(nan, Err(WireError::NotFinite { what: "scale", .. })));
        let mut out = vec![7];
        let mut r = Reader::new(&[0b0001_1011]);
        let value = WireError::Value { what: "limb", index: 0, found: 3, bound: 3 };
        assert_eq!(r.packed_u64(2, 3, 3, "limb", &mut out), Err(value));
        assert_eq!(
            Reader::new(&[64]).packed_u64(2, 3, 3, "x", &mut out),
            Err(WireError::Padding { what: "x" })
        );
        for bits in [0, 65, u32::MAX] {
            assert_eq!(r.packed_u64(0, bits, 3, "x", &mut out), Err(WireError::Width { bits }));
            assert_eq!(Writer::new().packed_u64(&[], bits), Err(WireError::Width { bits }));
        }
        assert_eq!((out, r.remaining()), (vec![7], 1));
        let wide = Writer::new().packed_u64(&[7, 8], 3);
        assert_eq!(wide, Err(WireError::TooWide { index: 1, found: 8, bits: 3 }));
    }

    /// The definition, bit by bit.
    fn pack_by_definition(values: &[u64], bits: u32) -> Vec<u8> {
        let mut out = vec![0; (values.len() * bits as usize).div_ceil(8)];
        for (at, bit) in values.iter().flat_map(|x| (0..bits).map(move |j| x >> j & 1)).enumerate() {
            out[at / 8] |= (bit as u8) << (at % 8);
        }
        out
    }

    #[test]
    fn packing_meets_its_definition() {
        for bits in 1..=64 {
            for len in [0, 1, 2, 7, 8, 9, 15, 16, 17, 40, 100, 257] {
                let values: Vec<u64> = (1..=len)
                    .map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7) & mask(bits))
                    .collect();
                let mut writer = Writer::new();
                writer.u8(0xff);
                writer.packed_u64(&values, bits).unwrap();
                let bytes = writer.finish();
                assert_eq!(bytes[1..], pack_by_definition(&values, bits), "{bits} {len}");
                let mut out = Vec::new();
                let mut reader = Reader::new(&bytes[1..]);
                let bound = mask(bits).saturating_add(1);
                reader.packed_u64(values.len(), bits, bound, "x", &mut out).unwrap();
                assert_eq!(out, values, "{bits} {len}");
                reader.finish("x").unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), limit: usize) {
            prop_assert!(open(&bytes, &HEADER, limit).is_err());
            prop_assert!(open_prefix(&bytes, &HEADER, limit).is_err());
            let _ = peek(&bytes);
        }

        #[test]
        fn random_readings_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            count: usize,
            bits: u32,
            bound: u64,
            small in 0usize..100,
        ) {
            let mut reader = Reader::new(&bytes);
            let mut out = Vec::new();
            let _ = reader.packed_u64(count, bits % 70, bound, "x", &mut out);
            let _ = reader.packed_u64(small, bits % 70, bound, "x", &mut out);
            let _ = (reader.len_bytes(count, "x"), reader.f64("x"), reader.u16("x"), reader.bytes(count, "x"));
            let _ = reader.finish("x");
        }

        #[test]
        fn bodies_round_trip(body in prop::collection::vec(any::<u8>(), 0..1000), kind: u16, params: [u8; 32]) {
            let header = Header { scheme: Scheme::Nn, kind, params };
            let sealed = seal(&header, &body);
            prop_assert_eq!(open(&sealed, &header, body.len()).unwrap(), &body[..]);
        }
    }
}
