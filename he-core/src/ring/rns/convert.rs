//! Conversion between bases.

use super::{inverse, product, residue};
use crate::modulus::Modulus;
use crate::ring::basis::Basis;
use crate::ring::buffer::Buffer;
use crate::ring::kernel;
use crate::ring::ntt::Ntt;
use crate::ring::parallel::for_each_limb;

/// Coefficients whose quotients are computed at a time; a power of two.
const SECTION: usize = 1 << 12;

/// Converts residues modulo the primes of one basis to those of another: `x ↦ f·[x·f^{-1}]_A`.
///
/// ```
/// # use he_core::Modulus;
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # use he_core::ring::rns::BaseConverter;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97, 193])?;
/// // −5 modulo 97·193, as a residue modulo 7.
/// let x = Poly::<Coeff>::from_signed(&basis, &[-5; 16]);
/// let converter = BaseConverter::new(&basis, &[Modulus::new(7)?], 1);
/// let mut out = [0; 16];
/// converter.limb(&converter.prepare(&[x.limb(0), x.limb(1)]), 0, &mut out);
/// assert_eq!(out, [2; 16]);
/// # Ok(())
/// # }
/// ```
pub struct BaseConverter {
    pub(super) from: Basis,
    to: Vec<Modulus>,
    factor: u64,
    /// `Â_i^{-1}·f^{-1} mod a_i`.
    hat_inverse: Vec<u64>,
    /// For each target prime `b`: `f·Â_i mod b` for all `i`, then `−f·A mod b`.
    hats: Vec<Vec<u64>>,
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
    ///
    /// # Panics
    /// If there is none for a prime, or one has another length than the ring's dimension.
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
///
/// ```
/// # use he_core::Modulus;
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # use he_core::ring::rns::BaseConverter;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97, 193])?;
/// # let x = Poly::<Coeff>::from_signed(&basis, &[-5; 16]);
/// let targets = [Modulus::new(7)?, Modulus::new(11)?];
/// let converter = BaseConverter::new(&basis, &targets, 1);
/// let prepared = converter.prepare(&[x.limb(0), x.limb(1)]);
/// let mut limbs = [[0; 16]; 2];
/// limbs.iter_mut().enumerate().for_each(|(j, limb)| converter.limb(&prepared, j, limb));
/// assert_eq!(limbs, [[2; 16], [6; 16]]);
/// # Ok(())
/// # }
/// ```
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

crate::brief_debug!(BaseConverter: |a| from = a.from.len(), to = a.to.len());
crate::brief_debug!(Prepared: |a| n = a.n);
