//! Coefficients as numbers of other kinds.

use num_bigint::{BigInt, BigUint};
use zeroize::Zeroizing;

use super::{inverse, product, residue};
use crate::modulus::Modulus;
use crate::ring::basis::Basis;
use crate::ring::poly::{Coeff, Poly};

/// All coefficients as centred integers in `(−Q/2, Q/2]`. For decryption of wide values, measurements and tests.
pub fn to_integers(x: &Poly<Coeff>) -> Vec<BigInt> {
    let basis = x.basis();
    let all = product(basis);
    let half = &all >> 1;
    let weights: Vec<BigUint> = basis
        .moduli()
        .map(|q| {
            let hat = &all / q.value();
            let inverse = inverse(residue(&hat, q), q);
            hat * inverse
        })
        .collect();
    (0..basis.n())
        .map(|c| {
            let sum: BigUint = weights.iter().enumerate().map(|(i, w)| w * x.limb(i)[c]).sum();
            let value = sum % &all;
            if value > half { BigInt::from(value) - BigInt::from(all.clone()) } else { BigInt::from(value) }
        })
        .collect()
}

/// Mixed-radix digits of residues: `x = d_0 + d_1·q_0 + d_2·q_0·q_1 + …` (Garner).
struct MixedRadix {
    moduli: Vec<Modulus>,
    /// `q_0⋯q_{j−1} mod q_i`, row by row of `i`.
    weights: Vec<Vec<u64>>,
    /// `(q_0⋯q_{i−1})^{−1} mod q_i`.
    inverses: Vec<u64>,
}

impl MixedRadix {
    fn new(basis: &Basis) -> Self {
        let moduli: Vec<Modulus> = basis.moduli().copied().collect();
        let row = |(i, q): (usize, &Modulus)| -> Vec<u64> {
            let before = moduli[..i].iter().scan(1, |product, p| {
                let weight = *product;
                *product = q.mul(weight, q.reduce(p.value()));
                Some(weight)
            });
            before.collect()
        };
        let weights: Vec<Vec<u64>> = moduli.iter().enumerate().map(row).collect();
        let product =
            |i: usize, q: &Modulus| moduli[..i].iter().fold(1, |w, p| q.mul(w, q.reduce(p.value())));
        let inverses = moduli.iter().enumerate().map(|(i, q)| inverse(product(i, q), q)).collect();
        Self { moduli, weights, inverses }
    }

    fn digits(&self, residue: impl Fn(usize) -> u64, digits: &mut [u64]) {
        for (i, q) in self.moduli.iter().enumerate() {
            let known = (digits.iter().zip(&self.weights[i]))
                .fold(0, |sum, (&d, &w)| q.add(sum, q.mul(q.reduce(d), w)));
            digits[i] = q.mul(q.sub(residue(i), known), self.inverses[i]);
        }
    }
}

/// All coefficients as centred numbers, as close as floats are: of `x` and `−x` the smaller. Wiped when dropped.
pub fn to_floats(x: &Poly<Coeff>) -> Zeroizing<Vec<f64>> {
    let (basis, radix) = (x.basis(), MixedRadix::new(x.basis()));
    let mut digits = Zeroizing::new(vec![0u64; basis.len()]);
    let mut out = Zeroizing::new(Vec::with_capacity(basis.n()));
    let value = |digits: &[u64]| {
        let terms = digits.iter().zip(&radix.moduli).rev();
        terms.fold(0.0, |sum, (&d, q)| sum * q.value() as f64 + d as f64)
    };
    for c in 0..basis.n() {
        radix.digits(|i| x.limb(i)[c], &mut digits);
        let positive = value(&digits);
        radix.digits(|i| radix.moduli[i].neg(x.limb(i)[c]), &mut digits);
        let negative = value(&digits);
        // The smaller one with its sign, without a branch.
        out.push(positive.min(negative).copysign(negative - positive));
    }
    out
}

/// All coefficients as centred integers, for at most two primes. Wiped when dropped.
///
/// # Panics
/// If there are more.
pub fn to_words(x: &Poly<Coeff>) -> Zeroizing<Vec<i128>> {
    let (basis, radix) = (x.basis(), MixedRadix::new(x.basis()));
    assert!(basis.len() <= 2, "more than two primes do not fit");
    let all: i128 = basis.moduli().map(|q| i128::from(q.value())).product();
    let mut digits = Zeroizing::new(vec![0u64; basis.len()]);
    let mut out = Zeroizing::new(Vec::with_capacity(basis.n()));
    for c in 0..basis.n() {
        radix.digits(|i| x.limb(i)[c], &mut digits);
        let terms = digits.iter().zip(&radix.moduli).rev();
        let value = terms.fold(0, |sum, (&d, q)| sum * i128::from(q.value()) + i128::from(d));
        // All ones above Q/2, without a branch.
        let above = (all / 2 - value) >> 127;
        out.push(value - (all & above));
    }
    out
}

/// `⌊p·x/Q⌉ mod p` for every coefficient (ties away from zero towards larger values): scaling to another modulus.
///
/// With `y_i = [x·Q̂_i^{-1}]_{q_i}` the quotient is `Σ y_i·p/q_i (mod p)`; whole parts are summed exactly, fractions
/// with 64 bits each.
pub fn scale_and_round(x: &Poly<Coeff>, p: &Modulus) -> Vec<u64> {
    let basis = x.basis();
    let all = product(basis);
    let scale: Vec<u64> = (basis.moduli()).map(|q| inverse(residue(&(&all / q.value()), q), q)).collect();
    (0..basis.n())
        .map(|c| {
            let (mut whole, mut fraction) = (0u64, 1u128 << 63);
            for (i, q) in basis.moduli().enumerate() {
                let y = u128::from(q.mul(x.limb(i)[c], scale[i])) * u128::from(p.value());
                let q = u128::from(q.value());
                whole = p.add(whole, p.reduce_u128(y / q));
                fraction += ((y % q) << 64) / q;
            }
            p.add(whole, p.reduce_u128(fraction >> 64))
        })
        .collect()
}
