//! Signed gadget decomposition modulo one prime.
//!
//! With base `2^B` and `l` levels a residue `x` is rounded to the closest multiple of `q/2^{Bl}` and written
//! `x ≈ Σ_{j=1..l} d_j·q/2^{Bj}`, digits balanced in `[−2^{B−1}, 2^{B−1}]`. The error is at most `q/2^{Bl+1}` plus the
//! rounding of the gadget itself (Chillotti et al. 2020, section 2; here `q` is a prime, not a power of two).

use crate::modulus::Modulus;

/// Base and number of levels of a decomposition modulo one prime.
#[derive(Clone, Debug)]
pub struct Gadget {
    q: Modulus,
    base_log: u32,
    levels: usize,
}

impl Gadget {
    /// A gadget of `levels` digits in base `2^base_log`; `None` unless `1 ≤ base_log·levels ≤ bits of q`, both positive.
    pub fn new(q: Modulus, base_log: u32, levels: usize) -> Option<Self> {
        let total = base_log.checked_mul(u32::try_from(levels).ok()?)?;
        (total >= 1 && total <= q.bits()).then_some(Self { q, base_log, levels })
    }

    /// Number of digits.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// The gadget vector `⌊q/2^{Bj}⌉`, `j = 1 … l`, largest first.
    pub fn vector(&self) -> Vec<u64> {
        (1..=self.levels)
            .map(|j| {
                let shift = self.base_log as usize * j;
                ((u128::from(self.q.value()) + (1u128 << (shift - 1))) >> shift) as u64
            })
            .collect()
    }

    /// Writes the digits of `x`, most significant first, into `digits` (of length [`levels`](Self::levels)).
    pub fn decompose(&self, x: u64, digits: &mut [i64]) {
        let total = self.base_log as usize * self.levels;
        let q = u128::from(self.q.value());
        // x/q on the torus, rounded to `total` bits; the carry out of the top digit wraps, as the torus does.
        let mut rest = (((u128::from(x) << (total + 1)) / q + 1) >> 1) as i64;
        let base = 1i64 << self.base_log;
        for digit in digits.iter_mut().rev() {
            let low = rest & (base - 1);
            let carry = i64::from(low >= base / 2);
            *digit = low - carry * base;
            rest = (rest >> self.base_log) + carry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn impossible_gadgets_are_refused() {
        let q = Modulus::new(1_073_479_681).unwrap();
        assert!(Gadget::new(q, 0, 3).is_none());
        assert!(Gadget::new(q, 8, 0).is_none());
        assert!(Gadget::new(q, 8, 4).is_none());
        assert!(Gadget::new(q, u32::MAX, 2).is_none());
    }

    proptest! {
        #[test]
        fn digits_are_balanced_and_recompose(x in 0u64..1_125_899_906_826_241, base_log in 1u32..17, levels in 1usize..4) {
            let q = Modulus::new(1_125_899_906_826_241).unwrap();
            let gadget = Gadget::new(q, base_log, levels).unwrap();
            let mut digits = vec![0; levels];
            gadget.decompose(x, &mut digits);
            let mut sum = 0;
            for (&d, &g) in digits.iter().zip(&gadget.vector()) {
                prop_assert!(d.abs() <= 1 << (base_log - 1));
                sum = q.add(sum, q.mul(q.reduce_i64(d), g));
            }
            let error = q.center(q.sub(x, sum)).unsigned_abs();
            // Half a last step, and the rounding of each gadget entry times its digit.
            let bound = (q.value() >> (base_log as usize * levels + 1)) + 2 + levels as u64 * (1 << (base_log - 1));
            prop_assert!(error <= bound, "error {error} above {bound}");
        }
    }
}
