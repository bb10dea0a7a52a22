//! Digits of integers modulo a product of two primes.

use he_core::Modulus;
use he_core::ring::Basis;
use he_core::ring::kernel::mul_scalar_assign;
use he_tfhe::Decomposition;

use super::LIMBS;

/// Signed digits `d_v` of `B` bits with `x ≈ Σ_{v=1..l} d_v·2^{b−Bv}` for centred integers `x` modulo `Q < 2^b`.
pub(super) struct WideGadget {
    moduli: [Modulus; LIMBS],
    /// `(Q/q_j)^{-1} mod q_j`.
    inverses: [u64; LIMBS],
    modulus: u128,
    shape: Decomposition,
    /// `b − Bl`, the bits that are rounded away.
    dropped: u32,
}

impl WideGadget {
    /// `None` unless there is a digit, their bits are fewer than those of `Q`, and a digit is below each prime.
    pub(super) fn new(basis: &Basis, shape: Decomposition) -> Option<Self> {
        let moduli = [*basis.modulus(0), *basis.modulus(1)];
        let [first, second] = moduli.map(|q| q.value());
        let modulus = u128::from(first) * u128::from(second);
        let bits = u128::BITS - modulus.leading_zeros();
        let total = shape.base_log.checked_mul(u32::try_from(shape.levels).ok()?)?;
        let fits = total >= 1 && total < bits && moduli.iter().all(|q| shape.base_log < q.bits());
        let inverses = [moduli[0].inv(moduli[0].reduce(second))?, moduli[1].inv(moduli[1].reduce(first))?];
        fits.then(|| Self { moduli, inverses, modulus, shape, dropped: bits - total })
    }

    pub(super) fn levels(&self) -> usize {
        self.shape.levels
    }

    /// `Q`.
    pub(super) fn modulus(&self) -> u128 {
        self.modulus
    }

    /// `2^{b−Bv}` modulo each prime, for `v = level + 1`.
    pub(super) fn entry(&self, level: usize) -> [u64; LIMBS] {
        let below = (self.shape.levels - 1 - level) as u32;
        self.moduli.map(|q| q.reduce_u128(1 << (self.dropped + below * self.shape.base_log)))
    }

    /// Mean square of a digit.
    pub(super) fn mean_square(&self) -> f64 {
        (f64::from(2 * self.shape.base_log).exp2() + 2.0) / 12.0
    }

    /// Variance of what is rounded away.
    pub(super) fn rounding_variance(&self) -> f64 {
        f64::from(2 * self.dropped).exp2() / 12.0
    }

    /// The digits of a polynomial in coefficients, limb after limb, modulo each prime: polynomial by polynomial, most
    /// significant first. `scratch` has the length of the polynomial.
    pub(super) fn decompose(&self, poly: &[u64], digits: [&mut [u64]; LIMBS], scratch: &mut [u64]) {
        let n = poly.len() / LIMBS;
        scratch.copy_from_slice(poly);
        let (x, y) = scratch.split_at_mut(n);
        mul_scalar_assign(&self.moduli[0], x, self.inverses[0]);
        mul_scalar_assign(&self.moduli[1], y, self.inverses[1]);
        let [p, q] = self.moduli.map(|q| q.value());
        let [first, second] = digits;
        let base = self.shape.base_log;
        let (half_digit, mask) = (1_i128 << (base - 1), (1_i128 << base) - 1);
        let half = (1_u128 << self.dropped) / 2;
        for (i, (&x, &y)) in x.iter().zip(y.iter()).enumerate() {
            let mut rest = self.centre(u128::from(x) * u128::from(q) + u128::from(y) * u128::from(p));
            rest = (rest + half as i128) >> self.dropped;
            for level in (1..self.shape.levels).rev() {
                let digit = ((rest + half_digit) & mask) - half_digit;
                rest = (rest - digit) >> base;
                first[level * n + i] = residue(digit as i64, p);
                second[level * n + i] = residue(digit as i64, q);
            }
            // What is left is at most 2^{B−1} in magnitude, as the integer was below 2^{b−1}.
            first[i] = residue(rest as i64, p);
            second[i] = residue(rest as i64, q);
        }
    }

    /// The centred representative of an integer below `2Q`.
    fn centre(&self, x: u128) -> i128 {
        let x = if x >= self.modulus { x - self.modulus } else { x };
        if x > self.modulus / 2 { x as i128 - self.modulus as i128 } else { x as i128 }
    }
}

/// A digit of less than `q` in magnitude modulo `q`.
#[inline(always)]
fn residue(digit: i64, q: u64) -> u64 {
    (digit as u64).wrapping_add(q & ((digit >> 63) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use he_core::ring::sample::Prng;
    use he_core::rlwe::params::find_primes;

    #[test]
    fn digits_are_balanced_and_recompose_to_the_rounded_integer() {
        let basis = Basis::new(16, &find_primes(4, &[50, 49], &[]).unwrap()).unwrap();
        let mut prng = Prng::from_seed(&[1; 32]);
        for (base_log, levels) in [(33, 2), (25, 3), (20, 1), (24, 4)] {
            let gadget = WideGadget::new(&basis, Decomposition { base_log, levels }).unwrap();
            let mut poly = vec![0; 32];
            (0..2).for_each(|j| prng.uniform(basis.modulus(j), &mut poly[16 * j..16 * (j + 1)]));
            poly[0] = 0;
            poly[16] = basis.modulus(1).value() - 1;
            let (mut first, mut second) = (vec![0; 16 * levels], vec![0; 16 * levels]);
            gadget.decompose(&poly, [&mut first, &mut second], &mut [0; 32]);
            for i in 0..16 {
                let mut rest = [poly[i], poly[16 + i]];
                for level in 0..levels {
                    let at = level * 16 + i;
                    let digit = basis.modulus(0).center(first[at]);
                    assert_eq!(digit, basis.modulus(1).center(second[at]));
                    assert!(digit.abs() <= 1 << (base_log - 1));
                    for (j, digits) in [&first, &second].into_iter().enumerate() {
                        let q = basis.modulus(j);
                        rest[j] = q.sub(rest[j], q.mul(digits[at], gadget.entry(level)[j]));
                    }
                }
                let [p, q] = gadget.moduli;
                let terms = [(rest[0], p, q), (rest[1], q, p)].map(|(x, own, other)| {
                    let inverse = own.inv(own.reduce(other.value())).unwrap();
                    u128::from(own.mul(x, inverse)) * u128::from(other.value())
                });
                let error = gadget.centre(terms[0] + terms[1]);
                assert!(error.unsigned_abs() <= 1 << (gadget.dropped - 1), "{base_log} {levels}: {error}");
            }
        }
    }

    #[test]
    fn impossible_gadgets_are_refused() {
        let basis = Basis::new(16, &find_primes(4, &[50, 49], &[]).unwrap()).unwrap();
        for (base_log, levels) in [(0, 2), (25, 0), (49, 1), (33, 3), (25, 4), (u32::MAX, 2)] {
            assert!(WideGadget::new(&basis, Decomposition { base_log, levels }).is_none());
        }
    }
}
