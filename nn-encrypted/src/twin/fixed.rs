//! Rounding and saturation.

/// `n / 2^shift`, rounded half away from zero; 0 for shifts above 63.
#[must_use]
pub fn round_shift(n: i64, shift: u32) -> i64 {
    if shift == 0 {
        return n;
    }
    if shift > 63 {
        return 0;
    }
    let magnitude = n.unsigned_abs();
    let rounded = ((magnitude >> shift) + ((magnitude >> (shift - 1)) & 1)) as i64;
    if n < 0 { -rounded } else { rounded }
}

/// `n` clamped to ±`bound`.
#[must_use]
pub fn saturate(n: i64, bound: i64) -> i64 {
    n.clamp(-bound, bound)
}

/// 2^bits, if it is an `i64`.
pub(super) fn power(bits: u32) -> Option<i64> {
    (bits < 63).then(|| 1 << bits)
}

/// `n · 2^(to - from)`, rounded if bits are lost; `None` on overflow.
pub(super) fn rescale(n: i64, from: u32, to: u32) -> Option<i64> {
    if to <= from { Some(round_shift(n, from - to)) } else { n.checked_mul(power(to - from)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_away_from_zero() {
        let table =
            [(5, 1, 3), (-5, 1, -3), (4, 1, 2), (-4, 1, -2), (7, 2, 2), (-7, 2, -2), (6, 2, 2), (-6, 2, -2)];
        for (n, shift, expected) in table {
            assert_eq!(round_shift(n, shift), expected, "{n} / 2^{shift}");
        }
        assert_eq!((round_shift(127, 8), round_shift(128, 8), round_shift(-128, 8)), (0, 1, -1));
        assert_eq!((round_shift(-9, 0), round_shift(i64::MAX, 63), round_shift(i64::MIN, 63)), (-9, 1, -1));
        assert_eq!((round_shift(i64::MIN, 64), round_shift(i64::MIN, 1)), (0, i64::MIN / 2));
        for n in -1000..1000 {
            let exact = n as f64 / 16.0;
            assert_eq!(round_shift(n, 4), exact.round() as i64, "{n}"); // f64::round is half away from zero
        }
    }

    #[test]
    fn saturation_and_scales() {
        assert_eq!((saturate(41, 40), saturate(-41, 40), saturate(-40, 40)), (40, -40, -40));
        assert_eq!(
            (rescale(5, 1, 0), rescale(5, 0, 3), rescale(1, 0, 63), rescale(1, 0, 64)),
            (Some(3), Some(40), None, None)
        );
    }
}
