//! Passing between residue bases.
//!
//! For a basis with product `A = Π a_i` put `Â_i = A/a_i` and `y_i = [x·Â_i^{-1}]_{a_i}`. Then
//! `x = Σ y_i·Â_i − v·A` with `v = ⌊Σ y_i/a_i⌉` for the representative `|x| < A/2`
//! (Halevi, Polyakov, Shoup 2018, section 2.2). Without the term `v·A` the conversion is *approximate*: its result is
//! `x + u·A`, `0 ≤ u < k`, for the representative `x` in `[0, A)` (Bajard et al. 2016). `v` is computed in floating
//! point, hence right unless `|x|` lies within `A·k·2^{-50}` of `A/2`, where it may name `x ± A` instead: the error of a
//! rounding, never of a value that matters.
//!
//! *Dividing* `x` modulo `B·A` by `A` computes `(x − δ)/A` for the `δ ≡ x (mod A)` that is a multiple of a factor `f`:
//! `δ = f·[x·f^{-1}]_A`, so `|δ| ≤ f·A/2`. With `f = 1` it is a rounding division (CKKS's rescaling); with the plaintext
//! modulus `f = t` it keeps `x·A^{-1}` modulo `t` (BGV's modulus switching; Kim, Polyakov, Zucca 2021, section 4).

use num_bigint::{BigInt, BigUint};
use zeroize::Zeroizing;

use super::basis::Basis;
use super::buffer::Buffer;
use super::kernel;
use super::ntt::Ntt;
use super::poly::{Coeff, Eval, Poly, for_each_limb, for_each_limb_pair, in_parallel};
use crate::modulus::Modulus;

/// Coefficients whose quotients are computed at a time; a power of two.
const SECTION: usize = 1 << 12;

/// Most limbs made together by one task.
const GROUP: usize = 4;

/// Limbs made together, of so many targets of conversions from so many primes: of a single prime there is nothing to share, and a
/// limb at a time stays in the cache; and every thread should have two tasks at least.
pub(crate) fn group_size(sources: usize, targets: usize) -> usize {
    if sources == 1 { 1 } else { (targets / (2 * rayon::current_num_threads())).clamp(1, GROUP) }
}

/// Converts residues modulo the primes of one basis to those of another: `x ↦ f·[x·f^{-1}]_A`.
pub struct BaseConverter {
    from: Basis,
    to: Vec<Modulus>,
    factor: u64,
    /// `Â_i^{-1}·f^{-1} mod a_i`.
    hat_inverse: Vec<u64>,
    /// For each target prime `b`: `f·Â_i mod b` for all `i`, then `−f·A mod b`.
    hats: Vec<Vec<u64>>,
}

/// Product of the primes of a basis.
pub fn product(basis: &Basis) -> BigUint {
    basis.moduli().map(|q| BigUint::from(q.value())).product()
}

fn residue(value: &BigUint, q: &Modulus) -> u64 {
    (value % q.value()).to_u64_digits().first().copied().unwrap_or(0)
}

/// Inverse modulo a prime of the chain of a number that shares no factor with it.
fn inverse(value: u64, q: &Modulus) -> u64 {
    q.inv(q.reduce(value)).expect("primes of disjoint bases, and the plaintext modulus, are invertible")
}

impl BaseConverter {
    /// A converter from a basis to any moduli (those of another basis, or a plaintext modulus), with the factor `f` (1, or BGV's plaintext modulus).
    ///
    /// # Panics
    /// If `f` is a multiple of a prime of `from`.
    pub fn new(from: &Basis, to: &[Modulus], factor: u64) -> Self {
        let all = product(from);
        let hat = |i: usize| &all / from.modulus(i).value();
        let hat_inverse = (0..from.len())
            .map(|i| {
                let a = from.modulus(i);
                a.mul(inverse(residue(&hat(i), a), a), inverse(factor, a))
            })
            .collect();
        let hats = (to.iter())
            .map(|b| {
                let f = b.reduce(factor);
                let mut row: Vec<u64> = (0..from.len()).map(|i| b.mul(f, residue(&hat(i), b))).collect();
                row.push(b.neg(b.mul(f, residue(&all, b))));
                row
            })
            .collect();
        Self { from: from.clone(), to: to.to_vec(), factor, hat_inverse, hats }
    }

    /// Does once what all target primes share: the scaled residues `y_i`, then the quotients `v`.
    ///
    /// `x` are coefficient limbs, one for each prime of `from`.
    pub fn prepare(&self, x: &[&[u64]]) -> Prepared {
        self.prepare_with(|i, limb| limb.copy_from_slice(x[i]))
    }

    /// As [`prepare`](Self::prepare), for limbs that `write` puts where they are needed.
    pub fn prepare_with(&self, write: impl Fn(usize, &mut [u64]) + Sync + Send) -> Prepared {
        let (n, k) = (self.from.n(), self.from.len());
        let mut words = self.from.pool().take(if k > 1 { n * (k + 1) } else { n });
        let (y, v) = words.split_at_mut(n * k);
        for_each_limb(y, n, |i, limb| {
            write(i, limb);
            if self.hat_inverse[i] != 1 {
                kernel::mul_scalar_assign(self.from.modulus(i), limb, self.hat_inverse[i]);
            }
        });
        if k > 1 {
            self.quotients(y, v);
        }
        Prepared { words, n }
    }

    /// `v = ⌊Σ y_i/a_i⌉` for every coefficient; the sums are floats in the words of `v` first, so that a secret leaves no
    /// other trace.
    fn quotients(&self, y: &[u64], v: &mut [u64]) {
        let n = v.len();
        // Sections stay in the cache from one prime to the next.
        for_each_limb(v, n.min(SECTION), |section, v| {
            v.fill(0.5_f64.to_bits());
            for (limb, a) in y.chunks_exact(n).zip(self.from.moduli()) {
                let inverse = 1.0 / a.value() as f64;
                for (sum, &word) in v.iter_mut().zip(&limb[section * SECTION..]) {
                    *sum = (f64::from_bits(*sum) + word as f64 * inverse).to_bits();
                }
            }
            for word in v {
                *word = f64::from_bits(*word) as u64;
            }
        });
    }

    /// The limb of target prime `j`: the centred representative, times nothing but `f·f^{-1}`.
    pub fn limb(&self, prepared: &Prepared, j: usize, out: &mut [u64]) {
        let b = &self.to[j];
        if self.from.len() > 1 {
            return kernel::dot_scalars(b, out, &prepared.terms(), &self.hats[j]);
        }
        kernel::center_reduce(b, out, &prepared.words[..prepared.n], self.from.modulus(0));
        if self.factor != 1 {
            kernel::mul_scalar_assign(b, out, b.reduce(self.factor));
        }
    }

    /// Limbs of several target primes, section by section: what they share is read from memory once.
    pub fn limbs(&self, prepared: &Prepared, targets: &mut [(usize, &mut [u64])]) {
        let n = prepared.n;
        if self.from.len() == 1 || n <= SECTION {
            return targets.iter_mut().for_each(|(j, out)| self.limb(prepared, *j, out));
        }
        let terms = prepared.terms();
        for at in (0..n).step_by(SECTION) {
            let section: Vec<&[u64]> = terms.iter().map(|term| &term[at..at + SECTION]).collect();
            for (j, out) in targets.iter_mut() {
                kernel::dot_scalars(&self.to[*j], &mut out[at..at + SECTION], &section, &self.hats[*j]);
            }
        }
    }

    /// As [`limbs`](Self::limbs), as values of the transform of each target.
    pub fn values(&self, prepared: &Prepared, targets: &mut [(usize, &Ntt, &mut [u64])]) {
        if self.from.len() == 1 && self.factor == 1 {
            let transform = |(_, ntt, out): &mut (usize, &Ntt, &mut [u64])| {
                ntt.forward_centered(out, &prepared.words[..prepared.n], self.from.modulus(0));
            };
            return targets.iter_mut().for_each(transform);
        }
        let mut limbs: Vec<_> = targets.iter_mut().map(|(j, _, out)| (*j, &mut **out)).collect();
        self.limbs(prepared, &mut limbs);
        targets.iter_mut().for_each(|(_, ntt, out)| ntt.forward(out));
    }

    /// As [`limb`](Self::limb) without the quotient: the result may be off by a multiple `0 ≤ u < k` of `f·A`.
    pub fn limb_approximate(&self, prepared: &Prepared, j: usize, out: &mut [u64]) {
        let k = self.from.len();
        kernel::dot_scalars(&self.to[j], out, &prepared.terms()[..k], &self.hats[j][..k]);
    }
}

/// The part of a conversion that all target primes share.
pub struct Prepared {
    words: Buffer,
    n: usize,
}

impl Prepared {
    /// Marks the words as secret: they are wiped when dropped.
    pub fn mark_secret(&mut self) {
        self.words.mark_secret();
    }

    fn terms(&self) -> Vec<&[u64]> {
        self.words.chunks_exact(self.n).collect()
    }
}

/// Division by the product `A` of the last primes of a basis, rounding to a multiple of the factor `f`.
pub struct ExactDivider {
    keep: Basis,
    converter: BaseConverter,
    /// `A^{-1}` modulo each prime that stays.
    inverse: Vec<u64>,
}

impl ExactDivider {
    /// Divides polynomials over `keep ∪ drop` (in this order) by the product of `drop`.
    pub fn new(keep: &Basis, drop: &Basis, factor: u64) -> Self {
        let all = product(drop);
        let inverse = keep.moduli().map(|q| inverse(residue(&all, q), q)).collect();
        let targets: Vec<Modulus> = keep.moduli().copied().collect();
        Self { keep: keep.clone(), converter: BaseConverter::new(drop, &targets, factor), inverse }
    }

    /// `(x − f·[x·f^{-1}]_A)/A` over the basis that stays.
    pub fn divide(&self, x: &Poly<Eval>) -> Poly<Eval> {
        self.divide_onto(x, None)
    }

    /// As [`divide`](Self::divide), plus a polynomial.
    pub fn divide_onto(&self, x: &Poly<Eval>, addend: Option<&Poly<Eval>>) -> Poly<Eval> {
        let prepared = self.prepare(x);
        let mut out = Poly::<Eval>::scratch(&self.keep);
        let size = group_size(self.converter.from.len(), self.keep.len());
        for_each_limb(out.words_mut(), self.keep.n() * size, |group, out| {
            let mut limbs: Vec<_> = (group * size..).zip(out.chunks_exact_mut(self.keep.n())).collect();
            self.converter.limbs(&prepared, &mut limbs);
            limbs.into_iter().for_each(|(j, limb)| self.finish(x, addend, j, limb));
        });
        out
    }

    /// Divides both of a pair, in one pass over the limbs.
    pub fn divide_pair_onto(
        &self,
        [first, second]: [&Poly<Eval>; 2],
        onto: [Option<&Poly<Eval>>; 2],
    ) -> [Poly<Eval>; 2] {
        let n = self.keep.n();
        let (a, b) = if in_parallel(first.words().len()) {
            rayon::join(|| self.prepare(first), || self.prepare(second))
        } else {
            (self.prepare(first), self.prepare(second))
        };
        let (mut left, mut right) = (Poly::<Eval>::scratch(&self.keep), Poly::<Eval>::scratch(&self.keep));
        let size = group_size(self.converter.from.len(), self.keep.len());
        for_each_limb_pair(left.words_mut(), right.words_mut(), n * size, |group, x, y| {
            for (prepared, dividend, addend, out) in [(&a, first, onto[0], x), (&b, second, onto[1], y)] {
                let mut limbs: Vec<_> = (group * size..).zip(out.chunks_exact_mut(n)).collect();
                self.converter.limbs(prepared, &mut limbs);
                limbs.into_iter().for_each(|(j, limb)| self.finish(dividend, addend, j, limb));
            }
        });
        [left, right]
    }

    fn prepare(&self, x: &Poly<Eval>) -> Prepared {
        let (kept, drop) = (self.keep.len(), &self.converter.from);
        self.converter.prepare_with(|i, limb| {
            limb.copy_from_slice(x.limb(kept + i));
            drop.ntt(i).inverse(limb);
        })
    }

    /// Limb `j` of the quotient, from that of `δ`.
    fn finish(&self, x: &Poly<Eval>, addend: Option<&Poly<Eval>>, j: usize, out: &mut [u64]) {
        let q = self.keep.modulus(j);
        // (δ − x)·(−A^{-1}): what is overwritten comes first.
        self.keep.ntt(j).forward_sub_mul(out, x.limb(j), q.neg(self.inverse[j]));
        if let Some(addend) = addend {
            kernel::add_assign(q, out, addend.limb(j));
        }
    }
}

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
        out.push(if positive <= negative { positive } else { -negative });
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
        out.push(if value > all / 2 { value - all } else { value });
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
