//! Objects that are read piece by piece: hashed as they come, so that a long one never lies in memory beside what is made of it.

use std::io::{ErrorKind, Read};

use super::{
    DIGEST_BYTES, HEADER_BYTES, Header, RawHeader, Source, WireError, check_expected, update_digest,
};

/// Bytes that are read and hashed at a time.
const PIECE: usize = 1 << 20;

/// The body of an object that is being read: see [`open_from`].
///
/// ```
/// use std::fs::File;
/// use he_core::wire::{Source, Stream, WireError};
///
/// fn numbers(body: &mut Stream<File>) -> Result<Vec<u32>, WireError> {
///     let numbers = body.u32s(3, "numbers")?;
///     body.ended("numbers")?;
///     Ok(numbers)
/// }
/// ```
pub struct Stream<R> {
    from: R,
    hasher: blake3::Hasher,
    piece: Vec<u8>,
    /// Bytes of the piece that were handed out.
    at: usize,
    /// Bytes of the body.
    length: usize,
    /// Bytes of the body behind the piece.
    unread: usize,
    /// Bytes that came, the envelope included.
    came: usize,
    /// The digest as far as it came with the header.
    digest: Vec<u8>,
    /// Why no more can be read.
    broken: Option<WireError>,
}

/// As [`open`](super::open) of bytes that are read to their end: `body` reads the body from a [`Stream`].
///
/// The body is read before its digest is known, and nothing is given out unless the digest is right: what `body` returns, be it an
/// error, counts only if the envelope is as it should be. `body` must take no more memory than it has read bytes for, or than its
/// parameters say.
///
/// ```
/// use he_core::wire::{Header, Source, Tag, WireError, open_from, seal};
///
/// let header = Header { tag: Tag(77), kind: 1, params: [0; 32] };
/// let mut bytes = seal(&header, &7u32.to_le_bytes());
/// let read = |bytes: &[u8]| open_from(bytes, &header, 4, |body| body.u32("number"));
/// assert_eq!(read(&bytes), Ok(7));
/// bytes[50] ^= 1;
/// assert!(matches!(read(&bytes), Err(WireError::Digest { .. })));
/// ```
///
/// # Errors
/// Those of [`open`](super::open), in its order; [`WireError::Read`] if reading fails, before all of them; those of `body` after them.
pub fn open_from<R: Read, T>(
    from: R,
    expected: &Header,
    limit: usize,
    body: impl FnOnce(&mut Stream<R>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut stream = Stream::begin(from, expected, limit)?;
    let read = body(&mut stream);
    stream.end()?;
    read
}

/// Reads until `out` is full or nothing more comes; how much came.
fn read_full(from: &mut impl Read, out: &mut [u8]) -> Result<usize, WireError> {
    let mut count = 0;
    while count < out.len() {
        match from.read(&mut out[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(WireError::Read { why: error.to_string() }),
        }
    }
    Ok(count)
}

impl<R: Read> Stream<R> {
    fn begin(mut from: R, expected: &Header, limit: usize) -> Result<Self, WireError> {
        let mut first = [0; HEADER_BYTES + DIGEST_BYTES];
        let came = read_full(&mut from, &mut first)?;
        let raw = RawHeader::read(&first[..came])?;
        let length = check_expected(&raw, expected, limit)?;
        // What stands behind the header is the body, and behind a short one the digest.
        let (header, rest) = first.split_at(HEADER_BYTES);
        let (body, digest) = rest.split_at(length.min(DIGEST_BYTES));
        let mut hasher = blake3::Hasher::new();
        hasher.update(header).update(body);
        let (piece, digest, unread) = (body.to_vec(), digest.to_vec(), length - body.len());
        Ok(Self { from, hasher, piece, at: 0, length, unread, came, digest, broken: None })
    }

    /// The next piece of the body; what is missing is known from then on.
    fn refill(&mut self) -> Result<(), WireError> {
        let wanted = self.unread.min(PIECE);
        self.piece.resize(wanted, 0);
        self.at = 0;
        match read_full(&mut self.from, &mut self.piece) {
            Ok(count) => {
                self.came += count;
                self.unread -= wanted;
                update_digest(&mut self.hasher, &self.piece);
                if count < wanted {
                    self.broken = Some(self.truncated());
                }
            }
            Err(error) => self.broken = Some(error),
        }
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn truncated(&self) -> WireError {
        let have = self.came - HEADER_BYTES - DIGEST_BYTES;
        WireError::Truncated { what: "the body", have, need: self.length as u64 }
    }

    /// Reads to the end, and checks the envelope.
    fn end(mut self) -> Result<(), WireError> {
        while self.unread > 0 && self.broken.is_none() {
            let _ = self.refill();
        }
        if let Some(error) = self.broken {
            return Err(error);
        }
        let mut rest = [0; DIGEST_BYTES];
        let wanted = DIGEST_BYTES - self.digest.len();
        let count = read_full(&mut self.from, &mut rest[..wanted])?;
        self.came += count;
        if count < wanted {
            return Err(self.truncated());
        }
        self.digest.extend_from_slice(&rest[..wanted]);
        self.piece.resize(PIECE, 0);
        let mut extra = 0;
        loop {
            match read_full(&mut self.from, &mut self.piece)? {
                0 => break,
                count => extra += count,
            }
        }
        if extra > 0 {
            return Err(WireError::Trailing { what: "the object", extra });
        }
        // Not constant time: the digest has no key, so there is nothing to find out by timing.
        if self.digest != self.hasher.finalize().as_bytes() {
            return Err(WireError::Digest { bytes: HEADER_BYTES + self.length });
        }
        Ok(())
    }
}

impl<R: Read> Source for Stream<R> {
    fn remaining(&self) -> usize {
        self.unread + self.piece.len() - self.at
    }

    fn fill(&mut self, out: &mut [u8], what: &'static str) -> Result<(), WireError> {
        let (have, need) = (self.remaining(), out.len() as u64);
        if (have as u64) < need {
            return Err(WireError::Truncated { what, have, need });
        }
        let mut out = out;
        while !out.is_empty() {
            if let Some(error) = &self.broken {
                return Err(error.clone());
            }
            if self.at == self.piece.len() {
                self.refill()?;
            }
            let count = out.len().min(self.piece.len() - self.at);
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&self.piece[self.at..self.at + count]);
            self.at += count;
            out = later;
        }
        Ok(())
    }
}

crate::brief_debug!([R] Stream<R>: |a| length = a.length, unread = a.unread);
