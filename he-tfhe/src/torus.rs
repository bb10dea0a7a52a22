//! The torus `R/Z` in 32 bits, and rescaling between moduli.
//!
//! `x ↦ ⌊x·2^32/q⌉` brings residues modulo a prime `q < 2^50` to 32 bits; where the result is 32 bits again, it wraps.

use he_core::Modulus;

/// From residues modulo `q` to 32 bits.
pub(crate) struct Rescale {
    /// `⌊2^96/q⌉`.
    factor: u128,
}

impl Rescale {
    pub(crate) fn new(q: &Modulus) -> Self {
        let q = u128::from(q.value());
        Self { factor: ((1 << 96) + q / 2) / q }
    }

    /// `x·2^32/q mod 2^32`, rounded; the factor puts it off by less than `2^-14` before.
    #[inline(always)]
    pub(crate) fn to_32_bits(&self, x: u64) -> u32 {
        ((u128::from(x) * self.factor + (1 << 63)) >> 64) as u32
    }
}

/// `⌊x·q/2^32⌉ mod q`.
#[inline]
pub(crate) fn to_residue(x: u32, q: u64) -> u64 {
    let rounded = (u128::from(x) * u128::from(q) + (1 << 31)) >> 32;
    if rounded == u128::from(q) { 0 } else { rounded as u64 }
}

/// `⌊x·2^bits/2^32⌉`, not reduced: at most `2^bits`.
#[inline(always)]
pub(crate) fn round_to_bits(x: u32, bits: u32) -> u32 {
    ((u64::from(x) + (1 << (31 - bits))) >> (32 - bits)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescaling_rounds_and_wraps() {
        for q in [(1 << 20) - 3, (1 << 48) - 59, (1 << 50) - 27] {
            let rescale = Rescale::new(&Modulus::new(q).unwrap());
            assert_eq!(rescale.to_32_bits(0), 0);
            let exact = |x: u64| (((u128::from(x) << 32) + u128::from(q / 2)) / u128::from(q)) as u32;
            for x in (0..q).step_by(q as usize / 10_007).chain([q - 1]) {
                assert_eq!(rescale.to_32_bits(x), exact(x));
            }
        }
        let q = (1 << 48) - 59;
        let rescale = Rescale::new(&Modulus::new(q).unwrap());
        assert_eq!(rescale.to_32_bits(q - 1), 0);
        for x in [0, 1, 12345, u32::MAX, 1 << 31] {
            assert_eq!(rescale.to_32_bits(to_residue(x, q)), x);
        }
        assert_eq!(to_residue(u32::MAX, 97), 0);
        assert_eq!(round_to_bits(u32::MAX, 12), 1 << 12);
        assert_eq!(round_to_bits(1 << 19, 12), 1);
        assert_eq!(round_to_bits((1 << 19) - 1, 12), 0);
    }
}
