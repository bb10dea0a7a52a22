//! Division by primes of a basis.

use super::{BaseConverter, Prepared, group_size, inverse, product, residue};
use crate::modulus::Modulus;
use crate::ring::basis::Basis;
use crate::ring::kernel;
use crate::ring::parallel::{for_each_limb, for_each_limb_pair, in_parallel};
use crate::ring::poly::{Eval, Poly};

/// Division by the product `A` of the last primes of a basis, rounding to a multiple of the factor `f`.
///
/// ```
/// # use he_core::ring::{Basis, Coeff, Poly};
/// # use he_core::ring::rns::ExactDivider;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97, 193])?;
/// // 580/193 = 3.005…, rounded.
/// let divider = ExactDivider::new(&basis.select([0]), &basis.select([1]), 1);
/// let x = Poly::<Coeff>::from_signed(&basis, &[580; 16]).into_eval();
/// assert_eq!(divider.divide(&x).into_coeff().limb(0), [3; 16]);
/// # Ok(())
/// # }
/// ```
pub struct ExactDivider {
    keep: Basis,
    converter: BaseConverter,
    /// `A^{-1}` modulo each prime that stays.
    inverse: Vec<u64>,
}

impl ExactDivider {
    /// Divides polynomials over `keep ∪ drop` (in this order) by the product of `drop`.
    ///
    /// # Panics
    /// If a prime is in both, or `factor` is a multiple of one of `drop`.
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

crate::brief_debug!(ExactDivider: |a| keep = a.keep.len());
