//! Pointwise operations on residues: every slice holds words in `[0, q)`, and so does every result.
//!
//! Products modulo `q < 2^50` are computed exactly in floating point with fused multiply-adds, `x*w -
//! round(x*w/q)*q` (see `lane`), sums of products with the 52-bit multiply-add of AVX-512 where the machine has it (`ifma`);
//! larger moduli, and machines without the instructions, use Barrett reduction on words (`word`). The choice is made once per call, at run time, and never changes a result. All
//! functions panic if slices differ in length.

use pulp::Arch;

use self::float::{CenterReduce, Mul, MulAdd, MulScalar, MulScalarAdd, SubMulScalar};
pub(crate) use self::lane::has_fma;
use crate::modulus::Modulus;

mod dot;
mod float;
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
pub(crate) mod ifma;
pub(crate) mod lane;
mod matrix;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod pairs;
mod tensor;
pub(crate) mod transpose;
mod word;

#[cfg(test)]
mod tests;

pub use self::dot::{dot, dot_add_assign, dot_scalars};
pub use self::matrix::matrix_product;
pub use self::tensor::{Pair, Triple, tensor};

/// Whether the float kernels are right and fast for a modulus on this machine.
fn use_float(m: &Modulus) -> bool {
    m.fits_fma() && has_fma()
}

#[track_caller]
fn check(a: usize, b: usize) {
    assert_eq!(a, b, "pointwise operands have one length");
}

/// `a += b`.
pub fn add_assign(m: &Modulus, a: &mut [u64], b: &[u64]) {
    check(a.len(), b.len());
    Arch::new().dispatch(|| word::add_assign(m, a, b));
}

/// `a -= b`.
pub fn sub_assign(m: &Modulus, a: &mut [u64], b: &[u64]) {
    check(a.len(), b.len());
    Arch::new().dispatch(|| word::sub_assign(m, a, b));
}

/// `a = -a`.
pub fn neg_assign(m: &Modulus, a: &mut [u64]) {
    Arch::new().dispatch(|| word::neg_assign(m, a));
}

/// `a *= b`.
pub fn mul_assign(m: &Modulus, a: &mut [u64], b: &[u64]) {
    check(a.len(), b.len());
    if use_float(m) {
        float::apply(m, Mul, a, [b]);
    } else {
        word::apply(a, [b], |a, [b]| m.mul(a, b));
    }
}

/// `acc += a * b`.
pub fn mul_add_assign(m: &Modulus, acc: &mut [u64], a: &[u64], b: &[u64]) {
    check(acc.len(), a.len());
    check(acc.len(), b.len());
    if use_float(m) {
        float::apply(m, MulAdd, acc, [a, b]);
    } else {
        word::apply(acc, [a, b], |acc, [a, b]| m.add(acc, m.mul(a, b)));
    }
}

/// `a *= s` for a scalar in `[0, q)`.
pub fn mul_scalar_assign(m: &Modulus, a: &mut [u64], s: u64) {
    if use_float(m) {
        float::apply(m, MulScalar::new(m, s), a, []);
    } else {
        let companion = m.shoup(s);
        word::apply(a, [], |a, []| m.mul_shoup(a, s, companion));
    }
}

/// `acc += s * a` for a scalar in `[0, q)`.
pub fn mul_scalar_add_assign(m: &Modulus, acc: &mut [u64], a: &[u64], s: u64) {
    check(acc.len(), a.len());
    if use_float(m) {
        float::apply(m, MulScalarAdd::new(m, s), acc, [a]);
    } else {
        let companion = m.shoup(s);
        word::apply(acc, [a], |acc, [a]| m.add(acc, m.mul_shoup(a, s, companion)));
    }
}

/// `a = (a - b) * s` for a scalar in `[0, q)`.
pub fn sub_mul_scalar_assign(m: &Modulus, a: &mut [u64], b: &[u64], s: u64) {
    check(a.len(), b.len());
    if use_float(m) {
        float::apply(m, SubMulScalar::new(m, s), a, [b]);
    } else {
        let companion = m.shoup(s);
        word::apply(a, [b], |a, [b]| m.mul_shoup(m.sub(a, b), s, companion));
    }
}

/// `dst` is the representative of `src` modulo `from` in `(-from/2, from/2]`, reduced modulo `q`.
pub fn center_reduce(m: &Modulus, dst: &mut [u64], src: &[u64], from: &Modulus) {
    check(dst.len(), src.len());
    let half = from.value() / 2;
    if half < m.value() {
        // Primes of about one size, as those of a chain: the representative is reduced but for its sign.
        let lift = m.value().wrapping_sub(from.value());
        Arch::new().dispatch(
            #[inline(always)]
            || word::apply(dst, [src], |_, [x]| x.wrapping_add(if x > half { lift } else { 0 })),
        );
    } else if use_float(m) && from.fits_fma() {
        float::apply(m, CenterReduce::new(from), dst, [src]);
    } else {
        word::apply(dst, [src], |_, [x]| m.reduce_i64(from.center(x)));
    }
}

/// `dst[i] = src[index[i]]`.
///
/// # Panics
/// If `dst` and `index` differ in length or an index is out of range.
pub fn gather(dst: &mut [u64], src: &[u64], index: &[u32]) {
    check(dst.len(), index.len());
    for (x, &i) in dst.iter_mut().zip(index) {
        *x = src[i as usize];
    }
}
