//! Signed gadget decomposition modulo one prime.
//!
//! With base `2^B`, `l` levels and a prime of `b` bits a residue `x`, balanced, is rounded to the closest multiple of
//! `2^{b−Bl}` and written `x ≈ Σ_{j=1..l} d_j·2^{b−Bj}`, digits balanced in `[−2^{B−1}, 2^{B−1}]`. The error is at most
//! `2^{b−Bl−1}` (Chillotti et al. 2020, section 2). The gadget needs no division by the prime, and for a prime just below
//! `2^b` it is the torus's but for `q/2^b`.

use pulp::{Arch, Simd, WithSimd};

use super::kernel::lane::Lanes;
use crate::modulus::Modulus;

/// Adding and subtracting it rounds a float of magnitude up to `2^51` to the nearest integer, halves to even.
const ROUND: f64 = 1.5 * (1_u64 << 52) as f64;

/// Base and number of levels of a decomposition modulo one prime below `2^50`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::Modulus;
/// use he_core::ring::gadget::Gadget;
///
/// // 97 has 7 bits: steps of 32, 8 and 2.
/// let gadget = Gadget::new(Modulus::new(97)?, 2, 3).expect("6 bits of 7");
/// assert_eq!(gadget.vector(), [32, 8, 2]);
/// let mut digits = [0; 3];
/// gadget.decompose(45, &mut digits);
/// let sum: i64 = digits.iter().zip(gadget.vector()).map(|(d, step)| d * step as i64).sum();
/// assert!((sum - 45).abs() <= 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gadget {
    q: Modulus,
    base_log: u32,
    levels: usize,
}

impl Gadget {
    /// A gadget of `levels` digits in base `2^base_log`; `None` unless `1 ≤ base_log·levels < bits of q ≤ 50`, both positive.
    pub fn new(q: Modulus, base_log: u32, levels: usize) -> Option<Self> {
        let total = base_log.checked_mul(u32::try_from(levels).ok()?)?;
        (total >= 1 && total < q.bits() && q.fits_fma()).then_some(Self { q, base_log, levels })
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
        // What fits the registers of a machine is done in floats; here the same operations, one residue at a time.
        let mut rest = self.q.center(x) as f64;
        for (digit, step) in digits.iter_mut().zip(self.vector()) {
            let rounded = (rest * (1.0 / step as f64) + ROUND) - ROUND;
            rest -= rounded * step as f64;
            *digit = rounded as i64;
        }
    }

    /// The digits of each residue of `x` as residues, `digits` being polynomial by polynomial, most significant first.
    ///
    /// # Panics
    /// If `digits` is not [`levels`](Self::levels) times as long as `x`.
    pub fn decompose_residues(&self, x: &[u64], digits: &mut [u64]) {
        assert_eq!(digits.len(), self.levels * x.len(), "a residue has as many digits as the gadget");
        let (whole, rest) = x.as_chunks::<WIDTH>();
        Arch::new().dispatch(Decompose { gadget: self, x: whole, digits, length: x.len() });
        let (length, mut single) = (x.len(), vec![0; self.levels]);
        for (at, &x) in (length - rest.len()..).zip(rest) {
            self.decompose(x, &mut single);
            for (level, &digit) in single.iter().enumerate() {
                digits[level * length + at] = self.q.reduce_i64(digit);
            }
        }
    }
}

/// Words in the widest vector.
const WIDTH: usize = 8;

/// Whole vectors: every step is exact in floats, since residues have less than 50 bits.
struct Decompose<'a> {
    gadget: &'a Gadget,
    x: &'a [[u64; WIDTH]],
    digits: &'a mut [u64],
    /// Of a polynomial.
    length: usize,
}

impl WithSimd for Decompose<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { gadget, x, digits, length } = self;
        let lanes = Lanes::new(simd, &gadget.q);
        let bits = gadget.q.bits();
        let vectors = S::as_simd_u64s(x.as_flattened()).0;
        let step = |level: usize| (1_u64 << (bits - gadget.base_log * (level as u32 + 1))) as f64;
        if gadget.levels == 1 {
            // One digit: nothing is left to decompose.
            let inverse = lanes.splat(1.0 / step(0));
            for (out, &x) in S::as_mut_simd_u64s(digits).0.iter_mut().zip(vectors) {
                *out = lanes.store(lanes.round(simd.mul_f64s(lanes.center(lanes.load(x)), inverse)));
            }
            return;
        }
        let per = S::U64_LANES;
        for (at, &x) in vectors.iter().enumerate() {
            let mut rest = lanes.center(lanes.load(x));
            for level in 0..gadget.levels {
                let step = step(level);
                let digit = lanes.round(simd.mul_f64s(rest, lanes.splat(1.0 / step)));
                rest = simd.negate_mul_add_f64s(digit, lanes.splat(step), rest);
                let out = &mut digits[level * length + at * per..][..per];
                S::as_mut_simd_u64s(out).0[0] = lanes.store(digit);
            }
        }
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
