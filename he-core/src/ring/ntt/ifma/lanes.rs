//! Lazy arithmetic modulo `q < 2^48` on vectors of words, with products by constants as Shoup has them.
//!
//! A residue is any integer in `[0, 16q)`, a multiplicand any in `[0, 2^52)`. The multiply-add reads the low 52 bits of what
//! it multiplies, and a lane is known modulo `2^52` only: its upper twelve bits are not kept clean. With `w' = floor(w·2^52
//! / q)` and `e = w·2^52 − w'·q` the product of `y` and `w` is
//!
//! ```text
//! h = floor(y·w' / 2^52)    r = y·w − h·q = y·e/2^52 + f·q    0 <= f < 1
//! ```
//!
//! hence `0 <= r < 2q`, and `r` is the sum of the low halves of `y·w` and of `h·(2^52 − q)` modulo `2^52`.

#[cfg(all(feature = "avx512", target_arch = "x86"))]
use std::arch::x86::__m512i;
#[cfg(all(feature = "avx512", target_arch = "x86_64"))]
use std::arch::x86_64::__m512i;

use pulp::bytemuck::cast;

use crate::modulus::Modulus;
use crate::ring::kernel::ifma::{Ifma, LANES};
use crate::ring::kernel::transpose::shuffled;

/// A vector of residues.
pub(super) type Vector = __m512i;

/// The words of a vector.
pub(super) type Words = [u64; LANES];

/// A constant in `[0, q)` and its companion `floor(w·2^52 / q)`.
pub(super) type Constant = [u64; 2];

/// A constant for each lane, and the companions.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Row([Words; 2]);

/// A [`Row`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    w: Vector,
    companion: Vector,
}

/// A constant with its companion.
pub(super) fn constant(modulus: &Modulus, w: u64) -> Constant {
    // The floor of a floor.
    [w, modulus.shoup(w) >> 12]
}

impl Row {
    pub(super) fn new(w: [Constant; LANES]) -> Self {
        Self([w.map(|[w, _]| w), w.map(|[_, companion]| companion)])
    }

    #[inline(always)]
    pub(super) fn load(&self) -> Factor {
        Factor { w: cast(self.0[0]), companion: cast(self.0[1]) }
    }
}

/// `w` in every lane.
#[inline(always)]
pub(super) fn broadcast(w: Constant) -> Factor {
    Factor { w: splat(w[0]), companion: splat(w[1]) }
}

#[inline(always)]
fn splat(x: u64) -> Vector {
    cast([x; LANES])
}

/// Words as vectors.
#[inline(always)]
pub(super) fn vectors_mut(words: &mut [u64]) -> &mut [Words] {
    words.as_chunks_mut().0
}

/// The constants of one modulus in every lane.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    simd: Ifma,
    zero: Vector,
    /// Two as a multiplicand.
    two: Vector,
    q: Vector,
    two_q: Vector,
    /// `2^52 − q`.
    minus_q: Vector,
    /// `floor(2^52 / q)`, the companion of one.
    inverse: Vector,
    mask: Vector,
}

// Plain loops throughout: closures of array methods may stay calls, and a call loses the vector instructions.
impl Lanes {
    #[inline(always)]
    pub(super) fn new(simd: Ifma, modulus: &Modulus) -> Self {
        let q = modulus.value();
        Self {
            simd,
            zero: splat(0),
            two: splat(2),
            q: splat(q),
            two_q: splat(2 * q),
            minus_q: splat((1 << 52) - q),
            inverse: splat((1 << 52) / q),
            mask: splat((1 << 52) - 1),
        }
    }

    #[inline(always)]
    pub(super) fn load(&self, x: Words) -> Vector {
        cast(x)
    }

    #[inline(always)]
    pub(super) fn store(&self, x: Vector) -> Words {
        cast(x)
    }

    #[inline(always)]
    pub(super) fn add(&self, a: Vector, b: Vector) -> Vector {
        self.simd.avx512f._mm512_add_epi64(a, b)
    }

    #[inline(always)]
    fn sub(&self, a: Vector, b: Vector) -> Vector {
        self.simd.avx512f._mm512_sub_epi64(a, b)
    }

    #[inline(always)]
    fn low(&self, sum: Vector, a: Vector, b: Vector) -> Vector {
        self.simd.avx512ifma._mm512_madd52lo_epu64(sum, a, b)
    }

    #[inline(always)]
    fn high(&self, a: Vector, b: Vector) -> Vector {
        self.simd.avx512ifma._mm512_madd52hi_epu64(self.zero, a, b)
    }

    /// `x + r` for the product `r < 2q` of `y` with a constant, of several.
    ///
    /// Each step is taken in all of them, so that small out-of-order windows see independent work.
    #[inline(always)]
    pub(super) fn mul_add_all<const K: usize>(
        &self,
        mut x: [Vector; K],
        y: [Vector; K],
        w: [Factor; K],
    ) -> [Vector; K] {
        let mut high = y;
        for (h, w) in high.iter_mut().zip(w) {
            *h = self.high(*h, w.companion);
        }
        for ((x, y), w) in x.iter_mut().zip(y).zip(w) {
            *x = self.low(*x, y, w.w);
        }
        for (x, h) in x.iter_mut().zip(high) {
            *x = self.low(*x, h, self.minus_q);
        }
        x
    }

    /// `2x + 2q − u` of several: the other output of a butterfly. The product by two saves an addition.
    #[inline(always)]
    pub(super) fn others<const K: usize>(&self, mut x: [Vector; K], u: [Vector; K]) -> [Vector; K] {
        for (x, u) in x.iter_mut().zip(u) {
            *x = self.sub(self.low(self.two_q, *x, self.two), u);
        }
        x
    }

    /// `(x + y·w, x − y·w)` of four pairs: sums, then differences. A bound `B·q` of `x` becomes `(B + 2)·q`.
    #[inline(always)]
    pub(super) fn butterflies(&self, x: [Vector; 4], y: [Vector; 4], w: [Factor; 4]) -> [Vector; 8] {
        let [u0, u1, u2, u3] = self.mul_add_all(x, y, w);
        let [v0, v1, v2, v3] = self.others(x, [u0, u1, u2, u3]);
        [u0, u1, u2, u3, v0, v1, v2, v3]
    }

    /// `(x + y, x − y + factor·q)` for `x`, `y` below `factor·q` with clean upper bits, `factor` a power of two.
    #[inline(always)]
    pub(super) fn plain<const LOG_FACTOR: u32>(&self, x: Vector, y: Vector) -> (Vector, Vector) {
        let shift = self.simd.avx512f._mm512_slli_epi64::<LOG_FACTOR>(self.q);
        (self.add(x, y), self.add(self.sub(x, y), shift))
    }

    /// From `[0, 2^52)` to `[0, 2q)`: the product by one, of which one half is the word itself.
    #[inline(always)]
    pub(super) fn reduce(&self, x: Vector) -> Vector {
        self.low(x, self.high(x, self.inverse), self.minus_q)
    }

    /// From `[0, 2q)` to canonical words.
    #[inline(always)]
    pub(super) fn canonical(&self, x: Vector) -> Vector {
        self.fold(self.simd.avx512f._mm512_and_si512(x, self.mask), self.q)
    }

    /// From `[0, 4q)` to canonical words.
    #[inline(always)]
    pub(super) fn canonical4(&self, x: Vector) -> Vector {
        self.fold(self.fold(self.simd.avx512f._mm512_and_si512(x, self.mask), self.two_q), self.q)
    }

    /// Arguments of [`centered`](Self::centered) for a modulus of which half is below `q`: the half, and `q` less the modulus.
    #[inline(always)]
    pub(super) fn center(&self, from: u64) -> [Vector; 2] {
        [splat(from / 2), self.sub(self.q, splat(from))]
    }

    /// The word in `[0, q)` congruent to the centred representative of a residue.
    #[inline(always)]
    pub(super) fn centered(&self, x: Vector, [half, shift]: [Vector; 2]) -> Vector {
        let upper = self.simd.avx512f._mm512_cmpgt_epu64_mask(x, half);
        self.simd.avx512f._mm512_mask_add_epi64(x, upper, x, shift)
    }

    #[inline(always)]
    fn fold(&self, x: Vector, by: Vector) -> Vector {
        self.simd.avx512f._mm512_min_epu64(x, self.sub(x, by))
    }

    /// `(x − y)·w` in `[0, 2q)`, for `x` below `15q` and a word `y` below `q`.
    #[inline(always)]
    pub(super) fn sub_mul(&self, x: Vector, y: Vector, w: Factor) -> Vector {
        let difference = self.sub(self.add(x, self.q), y);
        let [product] = self.mul_add_all([self.zero], [difference], [w]);
        product
    }

    /// The products in `[0, 2q)` of several.
    #[inline(always)]
    pub(super) fn mul_all<const K: usize>(&self, y: [Vector; K], w: [Factor; K]) -> [Vector; K] {
        self.mul_add_all([self.zero; K], y, w)
    }

    /// Lane `j` of vector `i` as lane `i` of vector `j`.
    #[inline(always)]
    pub(super) fn transpose(&self, rows: [Vector; 8]) -> [Vector; 8] {
        cast(shuffled(self.simd.avx512f, cast(rows)))
    }
}
