//! The pointwise loops in floating point, for moduli below `2^50`.
//!
//! Each operation is a formula on vectors and the same formula on words, which finishes a length that is no
//! multiple of the vector's. Operands in `[0, q)` satisfy the conditions of `lane`, and a product is below
//! `3q/4 + 1` in magnitude.

use pulp::{Arch, Simd, WithSimd};

use super::lane::{Lanes, balanced};
use crate::modulus::Modulus;

/// Vectors computed side by side, to hide the latency of the products.
const UNROLL: usize = 4;

/// A pointwise formula with `K` sources besides the destination's old value.
pub(super) trait Formula<const K: usize>: Copy {
    /// The formula on `U` vectors of canonical words side by side.
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        sources: [[S::u64s; U]; K],
    ) -> [S::u64s; U];
    /// The formula on words.
    fn word(self, m: &Modulus, dst: u64, sources: [u64; K]) -> u64;
}

/// Applies a formula to slices of one length.
pub(super) fn apply<const K: usize>(
    modulus: &Modulus,
    formula: impl Formula<K>,
    dst: &mut [u64],
    sources: [&[u64]; K],
) {
    Arch::new().dispatch(Apply { modulus, formula, dst, sources });
}

struct Apply<'a, F, const K: usize> {
    modulus: &'a Modulus,
    formula: F,
    dst: &'a mut [u64],
    sources: [&'a [u64]; K],
}

impl<F: Formula<K>, const K: usize> WithSimd for Apply<'_, F, K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { modulus, formula, dst, sources } = self;
        let lanes = Lanes::new(simd, modulus);
        let (vectors, rest) = S::as_mut_simd_u64s(dst);
        // Plain loops: closures of array methods may stay calls, and a call loses the vector instructions.
        let (mut heads, mut tails) = ([&[] as &[S::u64s]; K], [&[] as &[u64]; K]);
        for ((source, head), tail) in sources.iter().zip(&mut heads).zip(&mut tails) {
            (*head, *tail) = S::as_simd_u64s(source);
        }
        let count = vectors.len();
        let (chunks, singles) = vectors.as_chunks_mut::<UNROLL>();
        for (i, x) in chunks.iter_mut().enumerate() {
            let mut operands = [*x; K];
            for (operand, head) in operands.iter_mut().zip(&heads) {
                operand.copy_from_slice(&head[i * UNROLL..][..UNROLL]);
            }
            *x = formula.lanes(&lanes, *x, operands);
        }
        for (i, x) in (count - singles.len()..).zip(singles) {
            let mut operands = [[*x]; K];
            for (operand, head) in operands.iter_mut().zip(&heads) {
                *operand = [head[i]];
            }
            [*x] = formula.lanes(&lanes, [*x], operands);
        }
        for (i, x) in rest.iter_mut().enumerate() {
            *x = formula.word(modulus, *x, tails.map(|tail| tail[i]));
        }
    }
}

/// `dst * a`.
#[derive(Clone, Copy)]
pub(super) struct Mul;

impl Formula<1> for Mul {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        [a]: [[S::u64s; U]; 1],
    ) -> [S::u64s; U] {
        lanes.store_all(lanes.mul_all(lanes.load_all(dst), lanes.load_all(a)))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, dst: u64, [a]: [u64; 1]) -> u64 {
        m.mul(dst, a)
    }
}

/// `dst + a * b`.
#[derive(Clone, Copy)]
pub(super) struct MulAdd;

impl Formula<2> for MulAdd {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        [a, b]: [[S::u64s; U]; 2],
    ) -> [S::u64s; U] {
        let product = lanes.mul_all(lanes.load_all(a), lanes.load_all(b));
        lanes.store_all(lanes.reduce_all(lanes.add_all(lanes.load_all(dst), product)))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, dst: u64, [a, b]: [u64; 2]) -> u64 {
        m.add(dst, m.mul(a, b))
    }
}

/// A constant in both forms.
#[derive(Clone, Copy)]
struct Scalar {
    word: u64,
    float: f64,
}

impl Scalar {
    fn new(m: &Modulus, word: u64) -> Self {
        Self { word, float: balanced(m, word) }
    }
}

/// `dst * s`.
#[derive(Clone, Copy)]
pub(super) struct MulScalar(Scalar);

impl MulScalar {
    pub(super) fn new(m: &Modulus, s: u64) -> Self {
        Self(Scalar::new(m, s))
    }
}

impl Formula<0> for MulScalar {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        []: [[S::u64s; U]; 0],
    ) -> [S::u64s; U] {
        lanes.store_all(lanes.mul_all(lanes.load_all(dst), [lanes.splat(self.0.float); U]))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, dst: u64, []: [u64; 0]) -> u64 {
        m.mul(dst, self.0.word)
    }
}

/// `dst + s * a`.
#[derive(Clone, Copy)]
pub(super) struct MulScalarAdd(Scalar);

impl MulScalarAdd {
    pub(super) fn new(m: &Modulus, s: u64) -> Self {
        Self(Scalar::new(m, s))
    }
}

impl Formula<1> for MulScalarAdd {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        [a]: [[S::u64s; U]; 1],
    ) -> [S::u64s; U] {
        let product = lanes.mul_all(lanes.load_all(a), [lanes.splat(self.0.float); U]);
        lanes.store_all(lanes.reduce_all(lanes.add_all(lanes.load_all(dst), product)))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, dst: u64, [a]: [u64; 1]) -> u64 {
        m.add(dst, m.mul(a, self.0.word))
    }
}

/// `(dst - a) * s`.
#[derive(Clone, Copy)]
pub(super) struct SubMulScalar(Scalar);

impl SubMulScalar {
    pub(super) fn new(m: &Modulus, s: u64) -> Self {
        Self(Scalar::new(m, s))
    }
}

impl Formula<1> for SubMulScalar {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        dst: [S::u64s; U],
        [a]: [[S::u64s; U]; 1],
    ) -> [S::u64s; U] {
        let difference = lanes.sub_all(lanes.load_all(dst), lanes.load_all(a));
        lanes.store_all(lanes.mul_all(difference, [lanes.splat(self.0.float); U]))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, dst: u64, [a]: [u64; 1]) -> u64 {
        m.mul(m.sub(dst, a), self.0.word)
    }
}

/// The centred representative of `a` modulo another modulus below `2^50`.
#[derive(Clone, Copy)]
pub(super) struct CenterReduce {
    from: Modulus,
    half: f64,
}

impl CenterReduce {
    pub(super) fn new(from: &Modulus) -> Self {
        Self { from: *from, half: (from.value() / 2) as f64 }
    }
}

impl Formula<1> for CenterReduce {
    #[inline(always)]
    fn lanes<S: Simd, const U: usize>(
        self,
        lanes: &Lanes<S>,
        _: [S::u64s; U],
        [a]: [[S::u64s; U]; 1],
    ) -> [S::u64s; U] {
        let mut x = lanes.load_all(a);
        for x in &mut x {
            let lowered = lanes.sub(*x, lanes.splat(self.from.float()));
            let large = lanes.simd.less_than_f64s(lanes.splat(self.half), *x);
            *x = lanes.simd.select_f64s(large, lowered, *x);
        }
        lanes.store_all(lanes.reduce_all(x))
    }

    #[inline(always)]
    fn word(self, m: &Modulus, _: u64, [a]: [u64; 1]) -> u64 {
        m.reduce_i64(self.from.center(a))
    }
}
