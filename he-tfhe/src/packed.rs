//! Integers below `2^48` in six bytes each.

use pulp::Arch;

/// Integers, their low 32 and their high 16 bits apart, so that vectors are widened without shuffles.
pub(crate) struct Packed {
    low: Vec<u32>,
    high: Vec<u16>,
}

impl Packed {
    /// Packs integers, all below `2^48`.
    pub(crate) fn new(words: &[u64]) -> Self {
        debug_assert!(words.iter().all(|&x| x >> 48 == 0), "words have at most 48 bits");
        Self {
            low: words.iter().map(|&x| x as u32).collect(),
            high: words.iter().map(|&x| (x >> 32) as u16).collect(),
        }
    }

    /// Writes the integers to `out`, of their number.
    pub(crate) fn unpack(&self, out: &mut [u64]) {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((x, &low), &high) in out.iter_mut().zip(&self.low).zip(&self.high) {
                    *x = u64::from(low) | u64::from(high) << 32;
                }
            },
        );
    }

    /// The integers.
    pub(crate) fn words(&self) -> Vec<u64> {
        let mut out = vec![0; self.len()];
        self.unpack(&mut out);
        out
    }

    /// Number of integers.
    pub(crate) fn len(&self) -> usize {
        self.low.len()
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        6 * self.low.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        let words: Vec<u64> =
            (0..77).map(|i| (i * 0x0123_4567_89ab_cdef_u64) >> 16).chain([(1 << 48) - 1]).collect();
        let packed = Packed::new(&words);
        let mut out = vec![0; packed.len()];
        packed.unpack(&mut out);
        assert_eq!(out, words);
        assert_eq!(packed.bytes(), 6 * words.len());
    }
}
