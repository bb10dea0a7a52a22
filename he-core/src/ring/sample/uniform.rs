//! `x = c mod 2^b`, kept if `x < q`, with `b` the bits of `q - 1` and `c` the next `ceil(b / 8)` bytes.
//!
//! A kept candidate is exactly uniform on `[0, q)`. Candidates are kept with probability above 1/2. A rejection
//! depends only on the rejected candidate, so it reveals nothing, even in its timing, of what is kept; for a
//! public polynomial there is nothing to reveal anyway.

use zeroize::Zeroizing;

use super::Prng;
use crate::modulus::Modulus;

/// Bytes drawn at a time.
const BUFFER: usize = 4096;
/// A candidate is loaded as eight bytes, whatever its width: room after the last one, of a byte at least.
const SLACK: usize = 7;

impl Prng {
    /// Fills `out` with independent uniform residues in `[0, q)`, exactly uniform.
    ///
    /// The result is what taking one candidate after another from the stream gives, and the stream is left
    /// right after the last candidate kept: no candidate is ever drawn in vain.
    pub fn uniform(&mut self, q: &Modulus, out: &mut [u64]) {
        self.uniform_below(q.value(), out);
    }

    /// As [`Prng::uniform`], for a bound of 1 to 64 bits; a bound of 0 is taken as 2^64.
    pub(super) fn uniform_below(&mut self, bound: u64, out: &mut [u64]) {
        let max = bound.wrapping_sub(1);
        let mask = u64::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        let width = (64 - max.leading_zeros()).div_ceil(8).max(1) as usize;
        let mut buffer = Zeroizing::new([0u8; BUFFER + SLACK]);
        let mut done = 0;
        while done < out.len() {
            // At most as many candidates as are still wanted, so that all that pass have a place.
            let count = (out.len() - done).min(BUFFER / width);
            self.fill_bytes(&mut buffer[..count * width]);
            done += keep_below(&buffer[..count * width + SLACK], width, mask, max, &mut out[done..]);
        }
    }
}

/// Writes the candidates of at most `max` to the front of `out` and returns how many there were.
fn keep_below(bytes: &[u8], width: usize, mask: u64, max: u64, out: &mut [u64]) -> usize {
    let mut kept = 0;
    for window in bytes.windows(8).step_by(width) {
        let Some(chunk) = window.first_chunk::<8>() else {
            break;
        };
        let Some(place) = out.get_mut(kept) else { break };
        let x = u64::from_le_bytes(*chunk) & mask;
        // Written in any case and overwritten by the next one if it is too large: no branch to mispredict.
        *place = x;
        kept += usize::from(x <= max);
    }
    kept
}
