//! Signed gadget decomposition modulo one prime.
//!
//! With base `2^B`, `l` levels and a prime of `b` bits a residue `x`, balanced, is rounded to the closest multiple of
//! `2^{b−Bl}` and written `x ≈ Σ_{j=1..l} d_j·2^{b−Bj}`, digits balanced in `[−2^{B−1}, 2^{B−1}]`. The error is at most
//! `2^{b−Bl−1}` (Chillotti et al. 2020, section 2). The gadget needs no division by the prime, and for a prime just below
//! `2^b` it is the torus's but for `q/2^b`.

use pulp::Arch;

use crate::modulus::Modulus;

/// Base and number of levels of a decomposition modulo one prime.
#[derive(Clone, Debug)]
pub struct Gadget {
    q: Modulus,
    base_log: u32,
    levels: usize,
}

impl Gadget {
    /// A gadget of `levels` digits in base `2^base_log`; `None` unless `1 ≤ base_log·levels < bits of q`, both positive.
    pub fn new(q: Modulus, base_log: u32, levels: usize) -> Option<Self> {
        let total = base_log.checked_mul(u32::try_from(levels).ok()?)?;
        (total >= 1 && total < q.bits()).then_some(Self { q, base_log, levels })
    }

    /// Number of digits.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Bits of a digit.
    pub fn base_log(&self) -> u32 {
        self.base_log
    }

    /// The gadget vector `2^{b−Bj}`, `j = 1 … l`, largest first.
    pub fn vector(&self) -> Vec<u64> {
        (1..=self.levels as u32).map(|j| 1 << (self.q.bits() - self.base_log * j)).collect()
    }

    /// Writes the digits of `x`, most significant first, into `digits` (of length [`levels`](Self::levels)).
    ///
    /// # Panics
    /// If there is another number of digits.
    pub fn decompose(&self, x: u64, digits: &mut [i64]) {
        assert_eq!(digits.len(), self.levels, "a residue has as many digits as the gadget");
        let mut rest = self.round(x);
        for digit in digits.iter_mut().skip(1).rev() {
            (*digit, rest) = self.split(rest);
        }
        digits[0] = rest;
    }

    /// The digits of each residue of `x` as residues, `digits` being polynomial by polynomial, most significant first.
    ///
    /// # Panics
    /// If `digits` is not [`levels`](Self::levels) times as long as `x`.
    pub fn decompose_residues(&self, x: &[u64], digits: &mut [u64]) {
        assert_eq!(digits.len(), self.levels * x.len(), "a residue has as many digits as the gadget");
        Arch::new().dispatch(
            #[inline(always)]
            || {
                // The last polynomial holds what is left to split.
                let (upper, rest) = digits.split_at_mut((self.levels - 1) * x.len());
                for (rest, &x) in rest.iter_mut().zip(x) {
                    *rest = self.round(x) as u64;
                }
                // Split from the least significant level; what remains moves up one polynomial.
                let mut upper = upper;
                let mut low = rest;
                while !upper.is_empty() {
                    let (head, next) = upper.split_at_mut(upper.len() - x.len());
                    for (low, next) in low.iter_mut().zip(next.iter_mut()) {
                        let (digit, rest) = self.split(*low as i64);
                        (*low, *next) = (self.residue(digit), rest as u64);
                    }
                    (upper, low) = (head, next);
                }
                for low in low {
                    *low = self.residue(*low as i64);
                }
            },
        );
    }

    /// `x`, balanced, in units of the last level.
    #[inline(always)]
    fn round(&self, x: u64) -> i64 {
        let shift = self.q.bits() - self.base_log * self.levels as u32;
        let q = self.q.value();
        let balanced = x.wrapping_sub(if x > q / 2 { q } else { 0 }) as i64;
        (balanced + (1 << (shift - 1))) >> shift
    }

    /// The last digit and what is above it.
    #[inline(always)]
    fn split(&self, x: i64) -> (i64, i64) {
        let half = 1_i64 << (self.base_log - 1);
        let digit = ((x + half) & (2 * half - 1)) - half;
        (digit, (x - digit) >> self.base_log)
    }

    #[inline(always)]
    fn residue(&self, digit: i64) -> u64 {
        (digit as u64).wrapping_add(if digit < 0 { self.q.value() } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIME: u64 = 1_125_899_906_826_241;

    #[test]
    fn impossible_gadgets_are_refused() {
        let q = Modulus::new(1_073_479_681).unwrap();
        assert!(Gadget::new(q, 0, 3).is_none());
        assert!(Gadget::new(q, 8, 0).is_none());
        assert!(Gadget::new(q, 8, 4).is_none());
        assert!(Gadget::new(q, 10, 3).is_none());
        assert!(Gadget::new(q, u32::MAX, 2).is_none());
    }

    proptest! {
        #[test]
        fn digits_are_balanced_and_recompose(x in 0..PRIME, base_log in 1u32..17, levels in 1usize..4) {
            let q = Modulus::new(PRIME).unwrap();
            let gadget = Gadget::new(q, base_log, levels).unwrap();
            let mut digits = vec![0; levels];
            gadget.decompose(x, &mut digits);
            let mut sum = 0;
            for (&d, &g) in digits.iter().zip(&gadget.vector()) {
                prop_assert!(d.abs() <= 1 << (base_log - 1));
                sum = q.add(sum, q.mul(q.reduce_i64(d), g));
            }
            let error = q.center(q.sub(x, sum)).unsigned_abs();
            prop_assert!(error <= 1 << (q.bits() - base_log * levels as u32 - 1));
        }

        #[test]
        fn polynomials_are_decomposed_residue_by_residue(
            x in proptest::collection::vec(0..PRIME, 1..40), base_log in 1u32..17, levels in 1usize..4,
        ) {
            let q = Modulus::new(PRIME).unwrap();
            let gadget = Gadget::new(q, base_log, levels).unwrap();
            let mut all = vec![0; levels * x.len()];
            gadget.decompose_residues(&x, &mut all);
            let mut digits = vec![0; levels];
            for (i, &word) in x.iter().enumerate() {
                gadget.decompose(word, &mut digits);
                for (level, &digit) in digits.iter().enumerate() {
                    prop_assert_eq!(all[level * x.len() + i], q.reduce_i64(digit));
                }
            }
        }
    }
}
