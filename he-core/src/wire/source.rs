//! Where the fields of a body come from.

use super::reader::unpack;
use super::{Reader, WireError, check_width, packed_bytes};

/// Values that are unpacked at a time: a multiple of eight, so that they are whole bytes.
const VALUES: usize = 1024;

/// A body that is read field by field: bytes that are there, a [`Reader`], or that come piece by piece, a [`Stream`](super::Stream).
///
/// ```
/// use he_core::wire::{Reader, Source, WireError};
///
/// fn pair(from: &mut impl Source) -> Result<[u16; 2], WireError> {
///     Ok([from.u16("first")?, from.u16("second")?])
/// }
/// let mut body = Reader::new(&[1, 0, 2, 0]);
/// assert_eq!(pair(&mut body), Ok([1, 2]));
/// assert_eq!(body.ended("pair"), Ok(()));
/// ```
pub trait Source {
    /// How many bytes of the body are left; those of a stream may yet turn out to be missing.
    fn remaining(&self) -> usize;

    /// Reads as many bytes as `out` has.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if fewer are left, as for all that follow; [`WireError::Read`] of a stream.
    fn fill(&mut self, out: &mut [u8], what: &'static str) -> Result<(), WireError>;

    /// As [`Reader::packed_u64`]: of a stream, memory is taken for the values that were asked for before all of them have come.
    ///
    /// # Errors
    /// [`WireError::Width`]; [`WireError::Truncated`]; [`WireError::Value`]; [`WireError::Padding`]; `out` is then as it was.
    fn packed_u64(
        &mut self,
        count: usize,
        bits: u32,
        bound: u64,
        what: &'static str,
        out: &mut Vec<u64>,
    ) -> Result<(), WireError> {
        check_width(bits)?;
        let (have, start) = (self.remaining(), out.len());
        let need = packed_bytes(count, bits).unwrap_or(usize::MAX);
        if need > have {
            return Err(WireError::Truncated { what, have, need: need as u64 });
        }
        out.reserve_exact(count);
        let read = unpack_all(self, (count, bits, bound), what, out);
        if read.is_err() {
            out.truncate(start);
        }
        read
    }

    /// Reads `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let mut out = [0; N];
        self.fill(&mut out, what)?;
        Ok(out)
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    /// Reads two bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    /// Reads four bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// Reads `count` numbers of four bytes each.
    ///
    /// # Errors
    /// [`WireError::Truncated`], before memory is taken.
    fn u32s(&mut self, count: usize, what: &'static str) -> Result<Vec<u32>, WireError> {
        let (have, need) = (self.remaining(), count.saturating_mul(4));
        if need > have {
            return Err(WireError::Truncated { what, have, need: need as u64 });
        }
        (0..count).map(|_| self.u32(what)).collect()
    }

    /// That the whole body was read.
    ///
    /// # Errors
    /// [`WireError::Trailing`] if bytes are left.
    fn ended(&self, what: &'static str) -> Result<(), WireError> {
        match self.remaining() {
            0 => Ok(()),
            extra => Err(WireError::Trailing { what, extra }),
        }
    }
}

/// Unpacks values, some at a time. Padding is found before a value out of range, as by a [`Reader`].
fn unpack_all<S: Source + ?Sized>(
    from: &mut S,
    (count, bits, bound): (usize, u32, u64),
    what: &'static str,
    out: &mut Vec<u64>,
) -> Result<(), WireError> {
    let (mut bytes, mut wrong) = ([0; 8 * VALUES], None);
    for index in (0..count).step_by(VALUES) {
        let now = VALUES.min(count - index);
        let packed = &mut bytes[..packed_bytes(now, bits).unwrap_or(0)];
        from.fill(packed, what)?;
        let used = (now * bits as usize) % 8;
        if used > 0 && packed.last().is_some_and(|last| last >> used != 0) {
            return Err(WireError::Padding { what });
        }
        let start = out.len();
        out.resize(start + now, 0);
        unpack(packed, bits, &mut out[start..]);
        if wrong.is_none() {
            let values = out[start..].iter().enumerate();
            wrong = values.map(|(i, &found)| (index + i, found)).find(|(_, found)| *found >= bound);
        }
    }
    match wrong {
        None => Ok(()),
        Some((index, found)) => Err(WireError::Value { what, index, found, bound }),
    }
}

impl Source for Reader<'_> {
    fn remaining(&self) -> usize {
        Reader::remaining(self)
    }

    fn fill(&mut self, out: &mut [u8], what: &'static str) -> Result<(), WireError> {
        out.copy_from_slice(self.bytes(out.len(), what)?);
        Ok(())
    }

    fn packed_u64(
        &mut self,
        count: usize,
        bits: u32,
        bound: u64,
        what: &'static str,
        out: &mut Vec<u64>,
    ) -> Result<(), WireError> {
        Reader::packed_u64(self, count, bits, bound, what, out)
    }
}
