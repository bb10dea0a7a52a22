//! `ternary: floor(3 u / 2^64) - 1`, `binary: one bit`, `fixed weight: Algorithm S with random signs`.
//!
//! Algorithm S (Fan, Muller and Rezucha 1962; Knuth, TAOCP 2, 3.4.2) walks over the `n` positions once and
//! takes position `i` with probability `w' / (n - i)`, where `w'` of the `w` are still to be placed. Every
//! subset of `w` positions has the same probability `1 / C(n, w)`. The walk is the same whatever is taken.

use zeroize::Zeroizing;

use super::{Prng, SampleError};

/// Bytes drawn at a time.
const BUFFER: usize = 4096;

impl Prng {
    /// Fills `out` with independent uniform values in {-1, 0, 1}, constant time.
    ///
    /// Of the 2^64 values of a word each digit gets `2^64 / 3` rounded, so its probability is off by less than
    /// `2^-64`, and `n` values are within `n 2^-64` of uniform in statistical distance. In the measure that
    /// counts for a search problem no vector is more likely than `(1 + 2^-62)^n 3^-n`.
    pub fn ternary(&mut self, out: &mut [i8]) {
        let mut buffer = Zeroizing::new([0u8; BUFFER]);
        for block in out.chunks_mut(BUFFER / 8) {
            let bytes = &mut buffer[..block.len() * 8];
            self.fill_bytes(bytes);
            for (x, word) in block.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *x = ((u128::from(u64::from_le_bytes(*word)) * 3) >> 64) as i8 - 1;
            }
        }
    }

    /// Fills `out` with independent uniform values in {0, 1}, constant time and exact.
    pub fn binary(&mut self, out: &mut [i8]) {
        let mut buffer = Zeroizing::new([0u8; BUFFER]);
        for block in out.chunks_mut(BUFFER * 8) {
            let bytes = &mut buffer[..block.len().div_ceil(8)];
            self.fill_bytes(bytes);
            for (octet, byte) in block.chunks_mut(8).zip(bytes.iter()) {
                for (i, x) in octet.iter_mut().enumerate() {
                    *x = ((byte >> i) & 1) as i8;
                }
            }
        }
    }

    /// Fills `out` with a uniform vector of {-1, 0, 1} that has exactly `weight` nonzero entries, constant time.
    ///
    /// Each position takes 16 bytes for its place and one bit for its sign, used or not. Each of the
    /// probabilities of Algorithm S is met to `2^-128`, so the vector is within `n 2^-128` of uniform.
    ///
    /// # Errors
    /// [`SampleError::Weight`] if `weight` exceeds the length of `out`, which is left as it was.
    pub fn fixed_weight(&mut self, out: &mut [i8], weight: usize) -> Result<(), SampleError> {
        let len = out.len();
        if weight > len {
            return Err(SampleError::Weight { weight, len });
        }
        self.binary(out);
        let mut buffer = Zeroizing::new([0u8; BUFFER]);
        let mut left = len as u64;
        let mut wanted = Zeroizing::new(weight as u64);
        for block in out.chunks_mut(BUFFER / 16) {
            let bytes = &mut buffer[..block.len() * 16];
            self.fill_bytes(bytes);
            for (x, word) in block.iter_mut().zip(bytes.as_chunks::<16>().0) {
                let take = below(scale(u128::from_le_bytes(*word), left), *wanted);
                *wanted -= take;
                left -= 1;
                // 1 - 2 bit is the sign; the product is 0 where nothing is placed.
                *x = take as i8 * (1 - 2 * *x);
            }
        }
        Ok(())
    }
}

/// `floor(u m / 2^128)`: uniform on `[0, m)` up to `2^-128` for each comparison with it.
fn scale(u: u128, m: u64) -> u64 {
    let low = (u & u128::from(u64::MAX)) * u128::from(m);
    let high = (u >> 64) * u128::from(m);
    ((high + (low >> 64)) >> 64) as u64
}

/// 1 if `a < b`, else 0, for numbers below `2^63`, as the sign of the difference.
fn below(a: u64, b: u64) -> u64 {
    a.wrapping_sub(b) >> 63
}
