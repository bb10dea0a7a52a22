//! Sums of products with the 52-bit multiply-add of AVX-512 IFMA, reduced as Montgomery does.
//!
//! `T` products of words below `q` are summed as low and high halves of 52 bits, `v = h·2^52 + l`. With `t = −l·q^{-1} mod
//! 2^52` the sum `v + t·q` is a multiple of `2^52`, and its quotient `r ≡ v·2^{-52} (mod q)` satisfies `r < q + T·q²/2^52 +
//! T`, which is below `2q` if [`fits`]; one conditional subtraction ends it. One operand of each product is kept multiplied
//! by `2^52`, so that the factor goes away.

use pulp::bytemuck::cast;
use pulp::u64x8;

use crate::modulus::Modulus;

pulp::simd_type! {
    /// AVX-512 with the 52-bit multiply-add.
    pub(crate) struct Ifma {
        pub(crate) avx512f: "avx512f",
        pub(crate) avx512ifma: "avx512ifma",
    }
}

/// Words in a vector.
pub(crate) const LANES: usize = 8;

/// Whether sums of `terms` products of words below `q` can be reduced by one subtraction: `T·q + 2^12 ≤ 2^52`.
pub(crate) fn fits(modulus: &Modulus, terms: usize) -> bool {
    terms < 16 && terms as u128 * u128::from(modulus.value()) + (1 << 12) <= 1 << 52
}

/// The constants of one modulus in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Montgomery {
    simd: Ifma,
    q: u64x8,
    /// `−q^{-1} mod 2^52`.
    minus_inverse: u64x8,
    zero: u64x8,
    /// `2^52 − q`.
    minus_q: u64x8,
}

/// A sum of products: its low and its high halves.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    low: u64x8,
    high: u64x8,
}

impl Montgomery {
    #[inline(always)]
    pub(crate) fn new(simd: Ifma, modulus: &Modulus) -> Self {
        let q = modulus.value();
        // Newton: the number of right bits doubles, from three.
        let mut inverse = q;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(q.wrapping_mul(inverse)));
        }
        let minus_inverse = inverse.wrapping_neg() & ((1 << 52) - 1);
        Self {
            simd,
            q: splat(q),
            minus_inverse: splat(minus_inverse),
            zero: splat(0),
            minus_q: splat((1 << 52) - q),
        }
    }

    /// The empty sum.
    #[inline(always)]
    pub(crate) fn empty(&self) -> Sum {
        Sum { low: self.zero, high: self.zero }
    }

    /// `sum + a·b`.
    #[inline(always)]
    pub(crate) fn add_product(&self, sum: Sum, a: u64x8, b: u64x8) -> Sum {
        let ifma = self.simd.avx512ifma;
        Sum {
            low: cast(ifma._mm512_madd52lo_epu64(cast(sum.low), cast(a), cast(b))),
            high: cast(ifma._mm512_madd52hi_epu64(cast(sum.high), cast(a), cast(b))),
        }
    }

    /// `sum·2^{-52} mod q`.
    #[inline(always)]
    pub(crate) fn reduce(&self, sum: Sum) -> u64x8 {
        let (avx, ifma) = (self.simd.avx512f, self.simd.avx512ifma);
        let t = ifma._mm512_madd52lo_epu64(cast(self.zero), cast(sum.low), cast(self.minus_inverse));
        let low = ifma._mm512_madd52lo_epu64(cast(sum.low), t, cast(self.q));
        let high = ifma._mm512_madd52hi_epu64(cast(sum.high), t, cast(self.q));
        self.fold(cast(avx._mm512_add_epi64(high, avx._mm512_srli_epi64::<52>(low))))
    }

    /// `x·w mod q` up to a multiple of `q`, below `2q`, in the low 52 bits, for any `x < 2^52` and `companion = ⌊2^52·w/q⌋`; the
    /// high bits are not cleared. Multiply-adds do not read them.
    #[inline(always)]
    pub(crate) fn mul_shoup_lazy(&self, x: u64x8, w: u64x8, companion: u64x8) -> u64x8 {
        let ifma = self.simd.avx512ifma;
        let quotient = ifma._mm512_madd52hi_epu64(cast(self.zero), cast(x), cast(companion));
        let low = ifma._mm512_madd52lo_epu64(cast(self.zero), cast(x), cast(w));
        cast(ifma._mm512_madd52lo_epu64(low, quotient, cast(self.minus_q)))
    }

    /// `a + b`, not reduced.
    #[inline(always)]
    pub(crate) fn add_lazy(&self, a: u64x8, b: u64x8) -> u64x8 {
        cast(self.simd.avx512f._mm512_add_epi64(cast(a), cast(b)))
    }

    /// Zero in every lane.
    #[inline(always)]
    pub(crate) fn zero(&self) -> u64x8 {
        self.zero
    }

    /// `a + b mod q`.
    #[inline(always)]
    pub(crate) fn add(&self, a: u64x8, b: u64x8) -> u64x8 {
        self.fold(cast(self.simd.avx512f._mm512_add_epi64(cast(a), cast(b))))
    }

    /// From `[0, 2q)` to `[0, q)`.
    #[inline(always)]
    fn fold(&self, x: u64x8) -> u64x8 {
        let avx = self.simd.avx512f;
        cast(avx._mm512_min_epu64(cast(x), avx._mm512_sub_epi64(cast(x), cast(self.q))))
    }
}

/// `x` in every lane.
#[inline(always)]
pub(crate) fn splat(x: u64) -> u64x8 {
    cast([x; LANES])
}

/// Words as vectors; what is left over is not seen.
#[inline(always)]
pub(crate) fn vectors(words: &[u64]) -> &[u64x8] {
    pulp::bytemuck::cast_slice(words.as_chunks::<LANES>().0)
}

/// The same, to be written.
#[inline(always)]
pub(crate) fn vectors_mut(words: &mut [u64]) -> &mut [u64x8] {
    pulp::bytemuck::cast_slice_mut(words.as_chunks_mut::<LANES>().0)
}
