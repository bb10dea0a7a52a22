//! Gaussian integers as constants of the ring.

use super::basis::Basis;

/// A Gaussian integer `re + im·i`, with `X^{N/2}` for `i`.
///
/// ```
/// # use he_core::ring::{Basis, Eval, GaussianInteger, Poly};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let basis = Basis::new(16, &[97])?;
/// let mut sum = Poly::<Eval>::zero(&basis);
/// sum.add_gaussian_assign(GaussianInteger { re: 1, im: 2 });
/// let sum = sum.into_coeff();
/// assert_eq!((sum.limb(0)[0], sum.limb(0)[8]), (1, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaussianInteger {
    /// Real part.
    pub re: i128,
    /// Imaginary part.
    pub im: i128,
}

impl GaussianInteger {
    /// Its values modulo prime `j` on the first and on the second half of the evaluation points: `re ± im·ψ^{N/2}`.
    pub(crate) fn on_halves(self, basis: &Basis, j: usize) -> [u64; 2] {
        let q = basis.modulus(j);
        let residue = |x: i128| {
            let magnitude = q.reduce_u128(x.unsigned_abs());
            if x < 0 { q.neg(magnitude) } else { magnitude }
        };
        let (re, im) = (residue(self.re), q.mul(residue(self.im), basis.ntt(j).imaginary_unit()));
        [q.add(re, im), q.sub(re, im)]
    }
}
