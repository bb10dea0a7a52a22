//! Galois automorphisms `σ_g : a(X) ↦ a(X^g)` of `Z[X]/(X^N + 1)`, `g` odd modulo `2N`.
//!
//! In coefficients, `X^i ↦ ±X^{ig mod N}`, the sign being negative where `ig mod 2N ≥ N`. On evaluations it is a
//! permutation: the value of `σ_g(a)` at `ψ^e` is the value of `a` at `ψ^{eg}`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::modulus::Modulus;

/// Permutation tables of one ring dimension, made when first asked for.
///
/// ```
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// let a = Poly::<Coeff>::from_signed(&basis, &(0..16).collect::<Vec<_>>()).into_eval();
/// let table = basis.automorphisms().table(5);
/// let turned: Vec<u64> = table.iter().map(|&place| a.limb(0)[place as usize]).collect();
/// assert_eq!(a.automorphism(5).limb(0), turned);
/// # Ok(())
/// # }
/// ```
pub struct Automorphisms {
    exponents: Vec<u32>,
    position_of_exponent: Vec<u32>,
    tables: Mutex<HashMap<usize, Arc<[u32]>>>,
}

impl Automorphisms {
    /// Tables for transforms whose output `i` is the value at `ψ^{exponents[i]}`.
    ///
    /// # Panics
    /// If an exponent is not below twice their number.
    pub fn new(exponents: &[u32]) -> Self {
        let mut position_of_exponent = vec![u32::MAX; 2 * exponents.len()];
        for (position, &e) in (0u32..).zip(exponents) {
            position_of_exponent[e as usize] = position;
        }
        Self { exponents: exponents.to_vec(), position_of_exponent, tables: Mutex::default() }
    }

    /// Position at which the transform puts the value at `ψ^exponent`, `exponent` odd and below `2N`.
    ///
    /// # Panics
    /// If the exponent is not below `2N`.
    pub fn position(&self, exponent: usize) -> usize {
        self.position_of_exponent[exponent] as usize
    }

    /// Table with `σ_g(a)[i] = a[table[i]]` on evaluations.
    ///
    /// # Panics
    /// If `g` is even.
    pub fn table(&self, g: usize) -> Arc<[u32]> {
        assert!(g % 2 == 1, "X -> X^{g} is no automorphism");
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(g).or_insert_with(|| {
            let mask = self.position_of_exponent.len() - 1;
            self.exponents
                .iter()
                .map(|&e| self.position_of_exponent[(e as usize).wrapping_mul(g) & mask])
                .collect()
        }))
    }
}

/// Applies `σ_g` to one limb in coefficients.
pub fn apply_coefficients(q: &Modulus, out: &mut [u64], a: &[u64], g: usize) {
    let n = a.len();
    let mut target = 0;
    for &value in a {
        let (position, negative) = if target < n { (target, false) } else { (target - n, true) };
        out[position] = if negative { q.neg(value) } else { value };
        target = target.wrapping_add(g) & (2 * n - 1);
    }
}

/// Inverse of the odd number `g` modulo the power of two `two_n`.
pub fn inverse_element(g: usize, two_n: usize) -> usize {
    // Newton: each step doubles the number of right bits, starting from g·g ≡ 1 (mod 8).
    let mut x = g;
    for _ in 0..6 {
        x = x.wrapping_mul(2usize.wrapping_sub(g.wrapping_mul(x)));
    }
    x & two_n.wrapping_sub(1)
}

/// `g^k mod 2n`: the element of an automorphism applied `k` times; 0 for an `n` that is 0 or above `2^62`, where there is no ring.
pub fn galois_power(g: usize, k: usize, n: usize) -> usize {
    if !(1..=1 << 62).contains(&n) {
        return 0;
    }
    let two_n = 2 * n;
    // Products of two words fit in two.
    let times = |a: usize, b: usize| (a as u128 * b as u128 % two_n as u128) as usize;
    let (mut power, mut base, mut e) = (1, g % two_n, k);
    while e > 0 {
        if e & 1 == 1 {
            power = times(power, base);
        }
        base = times(base, base);
        e >>= 1;
    }
    power
}

crate::brief_debug!(Automorphisms: |a| n = a.exponents.len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_elements_multiply_to_one() {
        for g in (1..256).step_by(2) {
            assert_eq!(g * inverse_element(g, 256) % 256, 1);
        }
    }

    #[test]
    fn powers_are_those_of_the_ring_and_there_are_rings() {
        assert_eq!((galois_power(3, 5, 64), galois_power(129, usize::MAX, 64)), (243 % 128, 1));
        assert_eq!((galois_power(3, 2, 1 << 62), galois_power(usize::MAX, 2, 1 << 62)), (9, 1));
        assert_eq!((galois_power(3, 5, 0), galois_power(3, 5, usize::MAX)), (0, 0));
    }

    #[test]
    fn coefficients_move_with_their_sign() {
        let q = Modulus::new(97).unwrap();
        let mut out = [0; 4];
        apply_coefficients(&q, &mut out, &[1, 2, 3, 4], 3);
        // X -> X^3, X^2 -> X^6 = -X^2, X^3 -> X^9 = X.
        assert_eq!(out, [1, 4, 97 - 3, 2]);
    }
}
