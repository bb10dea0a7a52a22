//! Modular arithmetic on words: `Z_q` for `2 <= q < 2^62`, residues kept in `[0, q)`.
//!
//! Reduction is Barrett's. Let `k` be the bit length of `q` and `mu = floor((2^(2k+1) - 1) / q)`. For `x <
//! 2^(2k)` the estimate `e = floor(floor(x / 2^(k-2)) * mu / 2^(k+3))` satisfies `0 <= x/q - e < 2`: rounding
//! `mu` costs less than `1/2`, dropping the low bits of `x` at most `1/2`, the outer floor less than 1. So
//! one conditional subtraction ends it. The same argument with `floor(2^64 / q)` reduces any single word.

use std::hash::{Hash, Hasher};

use thiserror::Error;

/// The moduli below this bound (`2^50`) have exact floating-point kernels.
pub(crate) const FMA_LIMIT: u64 = 1 << 50;

/// A word that cannot serve as a modulus.
#[derive(Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModulusError {
    /// The value lies outside `[2, 2^62)`.
    #[error("modulus {0} is out of range, it must be at least 2 and less than 2^62")]
    OutOfRange(u64),
}

/// An integer `q` in `[2, 2^62)` with the constants that make reduction modulo `q` cheap.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::Modulus;
///
/// let q = Modulus::new(97)?;
/// let inverse = q.inv(5).expect("5 is a unit");
/// assert_eq!((q.mul(5, inverse), q.add(90, 10), q.center(96)), (1, 3, -1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Modulus {
    q: u64,
    bits: u32,
    /// `floor((2^(2 bits + 1) - 1) / q)`, a word also for the power of two `2^61`.
    mu: u64,
    /// `floor(2^64 / q)`.
    word_mu: u64,
    /// `2^64 mod q`.
    word: u64,
    /// `q` and `1/q` rounded; `q` is exact below `2^53`.
    float: f64,
    float_inverse: f64,
}

// The constants are functions of `q` alone, so identity is that of `q`.
impl PartialEq for Modulus {
    fn eq(&self, other: &Self) -> bool {
        self.q == other.q
    }
}

impl Eq for Modulus {}

impl Hash for Modulus {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.q.hash(state);
    }
}

impl Modulus {
    /// Precomputes the constants of `q`, which need not be prime.
    ///
    /// # Errors
    /// If `q` is not in `[2, 2^62)`.
    pub fn new(q: u64) -> Result<Self, ModulusError> {
        if !(2..1 << 62).contains(&q) {
            return Err(ModulusError::OutOfRange(q));
        }
        let bits = u64::BITS - q.leading_zeros();
        let wide = u128::from(q);
        Ok(Self {
            q,
            bits,
            mu: (((1_u128 << (2 * bits + 1)) - 1) / wide) as u64,
            word_mu: ((1_u128 << 64) / wide) as u64,
            word: ((1_u128 << 64) % wide) as u64,
            float: q as f64,
            float_inverse: 1.0 / q as f64,
        })
    }

    /// The modulus `q` itself.
    #[inline]
    pub fn value(&self) -> u64 {
        self.q
    }

    /// The bit length of `q`, in `2..=62`.
    #[inline]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// `q` as a float, exact below `2^53`.
    #[inline]
    pub(crate) fn float(&self) -> f64 {
        self.float
    }

    /// `1/q` rounded to nearest.
    #[inline]
    pub(crate) fn float_inverse(&self) -> f64 {
        self.float_inverse
    }

    /// Whether the exact floating-point kernels hold for this modulus, `q < 2^50`.
    #[inline]
    pub(crate) fn fits_fma(&self) -> bool {
        self.q < FMA_LIMIT
    }

    /// Brings a value in `[0, 2q)` to `[0, q)`.
    #[inline(always)]
    fn fold(&self, x: u64) -> u64 {
        x.min(x.wrapping_sub(self.q))
    }

    /// `a + b mod q` of operands in `[0, q)`.
    #[inline(always)]
    pub fn add(&self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.q && b < self.q);
        self.fold(a + b)
    }

    /// `a - b mod q` of operands in `[0, q)`.
    #[inline(always)]
    pub fn sub(&self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.q && b < self.q);
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.q))
    }

    /// `-a mod q` of an operand in `[0, q)`.
    #[inline(always)]
    pub fn neg(&self, a: u64) -> u64 {
        self.sub(0, a)
    }

    /// `a * b mod q` of operands in `[0, q)`.
    #[inline(always)]
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.q && b < self.q);
        let x = u128::from(a) * u128::from(b);
        let top = (x >> (self.bits - 2)) as u64;
        let estimate = ((u128::from(top) * u128::from(self.mu)) >> (self.bits + 3)) as u64;
        self.fold((x as u64).wrapping_sub(estimate.wrapping_mul(self.q)))
    }

    /// `x mod q` of any word.
    #[inline(always)]
    pub fn reduce(&self, x: u64) -> u64 {
        let estimate = ((u128::from(x) * u128::from(self.word_mu)) >> 64) as u64;
        self.fold(x.wrapping_sub(estimate.wrapping_mul(self.q)))
    }

    /// `x mod q` of any double word.
    #[inline(always)]
    pub fn reduce_u128(&self, x: u128) -> u64 {
        let high = self.mul(self.reduce((x >> 64) as u64), self.word);
        self.add(high, self.reduce(x as u64))
    }

    /// `x mod q` in `[0, q)` of any signed word, without a branch on its sign: coefficients of secrets come this way.
    #[inline]
    pub fn reduce_i64(&self, x: i64) -> u64 {
        let sign = (x >> 63) as u64; // all ones below zero
        let magnitude = self.reduce((x as u64 ^ sign).wrapping_sub(sign));
        // Below zero q - magnitude, which is q at most, and the fold makes it 0; otherwise it changes nothing.
        self.fold((magnitude ^ sign).wrapping_sub(sign).wrapping_add(self.q & sign))
    }

    /// The representative of `a` in `(-q/2, q/2]`, for `a` in `[0, q)`, without a branch on which half it is in: decoders take
    /// decrypted values this way.
    #[inline(always)]
    pub fn center(&self, a: u64) -> i64 {
        debug_assert!(a < self.q);
        // All ones above q/2. Both values are below 2^62, so the casts keep them.
        let above = (self.q / 2).wrapping_sub(a) as i64 >> 63;
        a as i64 - (self.q as i64 & above)
    }

    /// `a^e mod q` of `a` in `[0, q)`; `a^0` is 1, also for `a = 0`.
    pub fn pow(&self, a: u64, e: u64) -> u64 {
        let (mut base, mut rest, mut result) = (a, e, 1);
        while rest > 0 {
            if rest & 1 == 1 {
                result = self.mul(result, base);
            }
            base = self.mul(base, base);
            rest >>= 1;
        }
        result
    }

    /// The inverse of `a` modulo `q`, or `None` if `gcd(a, q)` is not 1.
    pub fn inv(&self, a: u64) -> Option<u64> {
        // Extended Euclid; every coefficient stays below q in magnitude.
        let (mut r0, mut r1) = (self.q as i64, self.reduce(a) as i64);
        let (mut t0, mut t1) = (0_i64, 1_i64);
        while r1 != 0 {
            let quotient = r0 / r1;
            (r0, r1) = (r1, r0 - quotient * r1);
            (t0, t1) = (t1, t0 - quotient * t1);
        }
        (r0 == 1).then(|| self.reduce_i64(t0))
    }

    /// The companion `floor(w * 2^64 / q)` of a constant `w` in `[0, q)`, for [`Modulus::mul_shoup`].
    #[inline]
    pub fn shoup(&self, w: u64) -> u64 {
        debug_assert!(w < self.q);
        ((u128::from(w) << 64) / u128::from(self.q)) as u64
    }

    /// `a * w mod q` of any word `a` and a constant `w` in `[0, q)` with its companion.
    #[inline(always)]
    pub fn mul_shoup(&self, a: u64, w: u64, w_shoup: u64) -> u64 {
        let estimate = ((u128::from(a) * u128::from(w_shoup)) >> 64) as u64;
        self.fold(a.wrapping_mul(w).wrapping_sub(estimate.wrapping_mul(self.q)))
    }
}

crate::debug_as_displayed!(ModulusError);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_modulus() -> impl Strategy<Value = Modulus> {
        (2_u32..=62, any::<u64>()).prop_map(|(bits, noise)| {
            let low = 1_u64 << (bits - 1);
            Modulus::new(low + noise % low).unwrap()
        })
    }

    #[test]
    fn refuses_values_out_of_range() {
        for q in [0, 1, 1 << 62, u64::MAX] {
            assert_eq!(Modulus::new(q), Err(ModulusError::OutOfRange(q)));
        }
        assert!(Modulus::new(2).is_ok() && Modulus::new((1 << 62) - 1).is_ok());
    }

    #[test]
    fn extreme_moduli_and_operands() {
        for q in [2, 3, 4, 5, 7, (1 << 31) - 1, 1 << 31, (1 << 50) - 27, 1 << 61, (1 << 62) - 1] {
            let m = Modulus::new(q).unwrap();
            for a in [0, 1, q / 2, q - 1] {
                for b in [0, 1, q / 2, q - 1] {
                    assert_eq!(u128::from(m.mul(a, b)), u128::from(a) * u128::from(b) % u128::from(q));
                }
            }
            assert_eq!(m.reduce(u64::MAX), u64::MAX % q);
            assert_eq!(u128::from(m.reduce_u128(u128::MAX)), u128::MAX % u128::from(q));
            let signed = q as i64;
            for x in [i64::MIN, -signed - 1, -signed, 1 - signed, -1, 0, 1, signed - 1, signed, i64::MAX] {
                let expected = i128::from(x).rem_euclid(i128::from(q));
                assert_eq!(i128::from(m.reduce_i64(x)), expected, "{x} modulo {q}");
            }
            let half = q / 2;
            for (a, centred) in [(0, 0), (half, half as i64), (q - 1, if q == 2 { 1 } else { -1 })] {
                assert_eq!(m.center(a), centred, "{a} modulo {q}");
            }
            if half + 1 < q {
                assert_eq!(m.center(half + 1), (half + 1) as i64 - signed, "modulo {q}");
            }
        }
    }

    proptest! {
        #[test]
        fn matches_wide_arithmetic(m in any_modulus(), x: u64, y: u64, z: u128, e in 0_u64..50) {
            let q = u128::from(m.value());
            let (a, b) = (x % m.value(), y % m.value());
            let (wide_a, wide_b) = (u128::from(a), u128::from(b));
            prop_assert_eq!(u128::from(m.add(a, b)), (wide_a + wide_b) % q);
            prop_assert_eq!(u128::from(m.sub(a, b)), (wide_a + q - wide_b) % q);
            prop_assert_eq!(u128::from(m.neg(a)), (q - wide_a) % q);
            prop_assert_eq!(u128::from(m.mul(a, b)), wide_a * wide_b % q);
            prop_assert_eq!(m.reduce(x), x % m.value());
            prop_assert_eq!(u128::from(m.reduce_u128(z)), z % q);
            prop_assert_eq!(i128::from(m.reduce_i64(x as i64)), i128::from(x as i64).rem_euclid(q as i128));
            prop_assert_eq!(u128::from(m.mul_shoup(x, b, m.shoup(b))), u128::from(x) * wide_b % q);
            prop_assert_eq!(m.pow(a, e), (0..e).fold(1, |power, _| m.mul(power, a)));
        }

        #[test]
        fn center_is_the_least_representative(m in any_modulus(), x: u64) {
            let a = x % m.value();
            let (centred, q) = (i128::from(m.center(a)), i128::from(m.value()));
            prop_assert!(-q < 2 * centred && 2 * centred <= q);
            prop_assert_eq!(m.reduce_i64(m.center(a)), a);
        }

        #[test]
        fn inverse_exists_exactly_for_units(m in any_modulus(), x: u64) {
            let a = x % m.value();
            let (mut g, mut r) = (m.value(), a);
            while r != 0 {
                (g, r) = (r, g % r);
            }
            match m.inv(a) {
                Some(inverse) => prop_assert!(inverse < m.value() && m.mul(a, inverse) == 1),
                None => prop_assert_ne!(g, 1),
            }
        }
    }
}
