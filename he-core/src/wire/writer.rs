//! Writing fields and packed words.

use super::{NARROW, SLACK, WireError, check_width, mask};

/// Writes a body. Not `Debug`, since a body can be a secret key.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::wire::Writer;
///
/// let mut body = Writer::new();
/// body.u16(3);
/// body.packed_u64(&[1, 2, 31], 5)?;
/// assert_eq!(body.finish(), [3, 0, 0b010_00001, 0b0_11111_00]);
/// # Ok(())
/// # }
/// ```
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
    ///
    /// # Panics
    /// If there is not that much memory.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { out: Vec::with_capacity(bytes) }
    }

    /// The bytes written.
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

    /// Writes the eight bytes of a float; a [`Reader`](super::Reader) takes only finite ones.
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

    /// Writes how many numbers there are, and each in four bytes.
    pub fn list(&mut self, values: &[u32]) {
        self.length(values.len());
        values.iter().for_each(|&value| self.u32(value));
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

crate::brief_debug!(Writer: |a| bytes = a.out.len());
