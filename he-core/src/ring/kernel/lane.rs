//! Exact arithmetic modulo `q < 2^50` on vectors of floats, one source for every vector width.
//!
//! A residue is an integer held in a float. With `M = 1.5 * 2^52` a product modulo `q` is
//!
//! ```text
//! h = fl(x*w)    c = fl(h/q + M) - M    l = x*w - h    d = h - c*q    t = d + l
//! ```
//!
//! where `/q` means a fused multiplication by the rounded inverse. Let `|x*w| <= 2^101` and `|x*w/q| < 2^51 -
//! 1`:
//!
//! * `h/q + M` lies in `[2^52, 2^53]`, where floats are the integers, so `c` is an integer. Rounding `h` and
//!   `1/q` moves `h/q` by at most `e = |x*w/q| * 2^-52`, rounding the sum by at most `1/2`, hence `|x*w -
//!   c*q| <= q * (1/2 + e)`.
//! * `l` is the rounding error of a product, always a float, and `|l| <= 2^47`.
//! * `d` is an integer with `|d| <= q * (1/2 + e) + 2^47 < 2^53`, so the fused operation returns it exactly.
//! * `t = x*w - c*q` is an integer below `2^53`, so the last sum is exact too.
//!
//! So `t ≡ x*w (mod q)` with `|t| <= q * (1/2 + e)`. For operands in `[0, q)` this is `e < 1/4`, and one
//! conditional addition of `q` makes `t` canonical.

use pulp::Simd;

use crate::modulus::Modulus;

/// `2^52`: the bits of `TWO_52 + x` are those of `TWO_52` with `x` in the low end, for integers `0 <= x <
/// 2^52`.
const TWO_52: f64 = (1_u64 << 52) as f64;

/// Adding and subtracting this rounds to the nearest integer, for magnitudes up to `2^51`.
const ROUND: f64 = 1.5 * TWO_52;

/// The constants of one modulus in every lane of a vector.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<S: Simd> {
    pub(crate) simd: S,
    q: S::f64s,
    q_inverse: S::f64s,
    round: S::f64s,
    two_52: S::f64s,
    two_52_bits: S::u64s,
    two_52_and_q: S::f64s,
    zero: S::f64s,
    half_q: S::f64s,
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, modulus: &Modulus) -> Self {
        debug_assert!(modulus.fits_fma());
        Self {
            simd,
            q: simd.splat_f64s(modulus.float()),
            q_inverse: simd.splat_f64s(modulus.float_inverse()),
            round: simd.splat_f64s(ROUND),
            two_52: simd.splat_f64s(TWO_52),
            two_52_bits: simd.splat_u64s(TWO_52.to_bits()),
            two_52_and_q: simd.splat_f64s(TWO_52 + modulus.float()),
            zero: simd.splat_f64s(0.0),
            half_q: simd.splat_f64s(modulus.float() / 2.0),
        }
    }

    /// The float with the value of a word below `2^52`.
    #[inline(always)]
    pub(crate) fn load(&self, x: S::u64s) -> S::f64s {
        let shifted = self.simd.or_u64s(x, self.two_52_bits);
        self.simd.sub_f64s(self.simd.transmute_f64s_u64s(shifted), self.two_52)
    }

    /// The word in `[0, q)` congruent to an integer in `(-q, q)`.
    #[inline(always)]
    pub(crate) fn store(&self, t: S::f64s) -> S::u64s {
        let negative = self.simd.less_than_f64s(t, self.zero);
        let shift = self.simd.select_f64s(negative, self.two_52_and_q, self.two_52);
        let shifted = self.simd.add_f64s(t, shift);
        self.simd.xor_u64s(self.simd.transmute_u64s_f64s(shifted), self.two_52_bits)
    }

    /// A float kept as its bits between passes.
    #[inline(always)]
    pub(crate) fn bits(&self, x: S::f64s) -> S::u64s {
        self.simd.transmute_u64s_f64s(x)
    }

    /// The float with these bits.
    #[inline(always)]
    pub(crate) fn floats(&self, x: S::u64s) -> S::f64s {
        self.simd.transmute_f64s_u64s(x)
    }

    #[inline(always)]
    pub(crate) fn add(&self, a: S::f64s, b: S::f64s) -> S::f64s {
        self.simd.add_f64s(a, b)
    }

    #[inline(always)]
    pub(crate) fn sub(&self, a: S::f64s, b: S::f64s) -> S::f64s {
        self.simd.sub_f64s(a, b)
    }

    #[inline(always)]
    pub(crate) fn splat(&self, x: f64) -> S::f64s {
        self.simd.splat_f64s(x)
    }

    /// `x / q` rounded to an integer, off by at most `1/2 + |x/q| * 2^-52`.
    #[inline(always)]
    fn quotient(&self, x: S::f64s) -> S::f64s {
        self.simd.sub_f64s(self.simd.mul_add_f64s(x, self.q_inverse, self.round), self.round)
    }

    /// `x` modulo `q`, of magnitude at most `q/2 + |x| * 2^-52`.
    #[inline(always)]
    pub(crate) fn reduce(&self, x: S::f64s) -> S::f64s {
        self.simd.negate_mul_add_f64s(self.quotient(x), self.q, x)
    }

    /// The balanced representative in `[−q/2, q/2]` of a residue in `[0, q)`.
    #[inline(always)]
    pub(crate) fn center(&self, x: S::f64s) -> S::f64s {
        let shifted = self.simd.sub_f64s(x, self.q);
        let upper = self.simd.less_than_f64s(self.half_q, x);
        self.simd.select_f64s(upper, shifted, x)
    }

    /// `x` rounded to the nearest integer, halves to even, for magnitudes up to `2^51`.
    #[inline(always)]
    pub(crate) fn round(&self, x: S::f64s) -> S::f64s {
        self.simd.sub_f64s(self.simd.add_f64s(x, self.round), self.round)
    }

    /// [`Lanes::load`] of several vectors.
    #[inline(always)]
    pub(crate) fn load_all<const K: usize>(&self, words: [S::u64s; K]) -> [S::f64s; K] {
        let mut floats = [self.zero; K];
        for (x, word) in floats.iter_mut().zip(words) {
            *x = self.load(word);
        }
        floats
    }

    /// [`Lanes::store`] of several vectors.
    #[inline(always)]
    pub(crate) fn store_all<const K: usize>(&self, floats: [S::f64s; K]) -> [S::u64s; K] {
        let mut words = [self.two_52_bits; K];
        for (word, x) in words.iter_mut().zip(floats) {
            *word = self.store(x);
        }
        words
    }

    /// [`Lanes::reduce`] of several vectors; of integers up to `2^53` in magnitude, ready to be stored.
    #[inline(always)]
    pub(crate) fn reduce_all<const K: usize>(&self, mut x: [S::f64s; K]) -> [S::f64s; K] {
        for x in &mut x {
            *x = self.reduce(*x);
        }
        x
    }

    /// Sums of several pairs.
    #[inline(always)]
    pub(crate) fn add_all<const K: usize>(&self, mut a: [S::f64s; K], b: [S::f64s; K]) -> [S::f64s; K] {
        for (a, b) in a.iter_mut().zip(b) {
            *a = self.add(*a, b);
        }
        a
    }

    /// Differences of several pairs.
    #[inline(always)]
    pub(crate) fn sub_all<const K: usize>(&self, mut a: [S::f64s; K], b: [S::f64s; K]) -> [S::f64s; K] {
        for (a, b) in a.iter_mut().zip(b) {
            *a = self.sub(*a, b);
        }
        a
    }

    /// `x * w` modulo `q`, of magnitude at most `q * (1/2 + |x*w/q| * 2^-52)`, of several pairs.
    ///
    /// Each step is taken in all of them, so that small out-of-order windows see independent work.
    #[inline(always)]
    pub(crate) fn mul_all<const K: usize>(&self, x: [S::f64s; K], w: [S::f64s; K]) -> [S::f64s; K] {
        // Plain loops: closures of array methods may stay calls, and a call loses the vector instructions.
        let simd = self.simd;
        let (mut high, mut low, mut quotient) = (x, x, x);
        for (h, w) in high.iter_mut().zip(w) {
            *h = simd.mul_f64s(*h, w);
        }
        for (c, h) in quotient.iter_mut().zip(high) {
            *c = simd.mul_add_f64s(h, self.q_inverse, self.round);
        }
        for ((l, w), h) in low.iter_mut().zip(w).zip(high) {
            *l = simd.negate_mul_add_f64s(*l, w, h);
        }
        for c in &mut quotient {
            *c = simd.sub_f64s(*c, self.round);
        }
        for (h, c) in high.iter_mut().zip(quotient) {
            *h = simd.negate_mul_add_f64s(c, self.q, *h);
        }
        for (h, l) in high.iter_mut().zip(low) {
            *h = simd.sub_f64s(*h, l);
        }
        high
    }
}

/// The balanced representative of a residue, as the float kernels take constants.
pub(crate) fn balanced(modulus: &Modulus, w: u64) -> f64 {
    modulus.center(w) as f64
}

/// Whether this machine runs the float kernels in vectors with a hardware fused multiply-add.
pub(crate) fn has_fma() -> bool {
    struct Probe;
    impl pulp::WithSimd for Probe {
        type Output = bool;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> bool {
            !S::IS_SCALAR
        }
    }
    pulp::Arch::new().dispatch(Probe)
}
