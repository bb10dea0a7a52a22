//! Residues in digits of a base `w = 2^b`, exactly.
//!
//! A residue modulo a prime is taken balanced and written `Σ_k d_k·w^k` with `|d_k| ≤ w/2`. With the elements `P_j ≡ δ_ij (mod q_i)`
//! of the chain, `Σ_j P_j·Σ_k d_jk·w^k` is the polynomial again, modulo every prime.

use he_core::Modulus;

/// Number of digits of a residue.
pub(crate) fn count(q: &Modulus, bits: u32) -> usize {
    q.bits().div_ceil(bits) as usize
}

/// The variance of digit `k` of a uniform residue.
pub(crate) fn variance(q: &Modulus, bits: u32, k: usize) -> f64 {
    let (base, rest) = (f64::from(bits).exp2(), q.value() as f64 / (f64::from(bits) * k as f64).exp2());
    base.min(rest).powi(2) / 12.0
}

/// Digit `k` of every residue in turn, lowest first: each call of `next` takes one digit off.
pub(crate) struct Digits {
    rest: Vec<i64>,
    bits: u32,
    left: usize,
}

impl Digits {
    pub(crate) fn new(q: &Modulus, residues: &[u64], bits: u32) -> Self {
        Self { rest: residues.iter().map(|&r| q.center(r)).collect(), bits, left: count(q, bits) }
    }
}

impl Iterator for Digits {
    type Item = Vec<i64>;

    fn next(&mut self) -> Option<Vec<i64>> {
        self.left = self.left.checked_sub(1)?;
        if self.left == 0 {
            return Some(std::mem::take(&mut self.rest));
        }
        let (half, mask) = (1i64 << (self.bits - 1), (1i64 << self.bits) - 1);
        let digit = |rest: &mut i64| {
            let digit = ((*rest + half) & mask) - half;
            *rest = (*rest - digit) >> self.bits;
            digit
        };
        Some(self.rest.iter_mut().map(digit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_balanced_and_recompose() {
        for (prime, bits) in
            [(97u64, 2), (97, 3), (97, 7), (97, 40), (1_125_899_906_826_241, 22), (1_125_899_906_826_241, 1)]
        {
            let q = Modulus::new(prime).unwrap();
            let residues: Vec<u64> =
                (0..97).map(|i| prime / 97 * i).chain([prime - 1, prime / 2, prime / 2 + 1]).collect();
            let digits: Vec<Vec<i64>> = Digits::new(&q, &residues, bits).collect();
            assert_eq!(digits.len(), count(&q, bits));
            for (i, &residue) in residues.iter().enumerate() {
                let sum: i128 =
                    digits.iter().rev().fold(0, |sum, digit| (sum << bits) + i128::from(digit[i]));
                assert_eq!(sum, i128::from(q.center(residue)), "{residue} in base 2^{bits}");
                assert!(digits.iter().all(|digit| digit[i].unsigned_abs() <= 1 << (bits - 1)), "{bits}");
            }
        }
    }
}
