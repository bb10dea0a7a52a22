//! Reading fields and packed words: nothing is taken on trust, and no memory before its bytes are there.

use super::{NARROW, SLACK, WireError, check_width, mask, packed_bytes};

/// Reads a body; `what` names what is read in errors. Not `Debug`, as [`Writer`](super::Writer).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::wire::Reader;
///
/// let mut body = Reader::new(&[3, 0, 0b010_00001, 0b0_11111_00]);
/// let count = body.u16("number of residues")?;
/// let mut residues = Vec::new();
/// body.packed_u64(count.into(), 5, 32, "residues", &mut residues)?;
/// body.finish("residues")?;
/// assert_eq!(residues, [1, 2, 31]);
/// # Ok(())
/// # }
/// ```
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

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// [`WireError::Truncated`] and [`WireError::Value`].
    pub fn flag(&mut self, what: &'static str) -> Result<bool, WireError> {
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(WireError::Value { what, index: 0, found: found.into(), bound: 2 }),
        }
    }

    /// Numbers written by [`Writer::list`](super::Writer::list).
    ///
    /// # Errors
    /// [`WireError::Truncated`] and [`WireError::TooLarge`].
    pub fn list(&mut self, what: &'static str) -> Result<Vec<u32>, WireError> {
        let count = self.length(self.remaining().saturating_sub(8) / 4, what)?;
        (0..count).map(|_| self.u32(what)).collect()
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
pub(super) fn unpack(packed: &[u8], bits: u32, out: &mut [u64]) {
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

crate::brief_debug!(['a] Reader<'a>: |a| remaining = a.remaining());
