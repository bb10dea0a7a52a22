//! Sums of products with the 52-bit multiply-add of AVX-512 IFMA.
//!
//! # As Montgomery does ([`Montgomery`])
//!
//! `T` products of words below `q` are summed as low and high halves of 52 bits, `v = h·2^52 + l`. With `t = −l·q^{-1} mod
//! 2^52` the sum `v + t·q` is a multiple of `2^52`, and its quotient `r ≡ v·2^{-52} (mod q)` satisfies `r < q + T·q²/2^52 +
//! T`, which is below `2q` if [`fits`]; one conditional subtraction ends it. One operand of each product is kept multiplied
//! by `2^52`, so that the factor goes away.
//!
//! # As Shoup does ([`Plain`])
//!
//! For `q < 2^50` a residue and [`TERMS`] products of factors below `2^50` are a sum `v < 2^104`, hence `v = h·2^52 + l` with
//! `h, l < 2^52`. With `c = 2^52 mod q` both `h·c` and `l·1` are products of a word below `2^52` and a constant, each brought
//! below `2q` by one product with the constant's companion; the two together are below `4q` and need two conditional
//! subtractions.

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
    simd: Ifma,
    low: u64x8,
    high: u64x8,
}

impl Sum {
    /// With `a·b`.
    #[inline(always)]
    pub(crate) fn add_product(self, a: u64x8, b: u64x8) -> Self {
        let ifma = self.simd.avx512ifma;
        Self {
            simd: self.simd,
            low: cast(ifma._mm512_madd52lo_epu64(cast(self.low), cast(a), cast(b))),
            high: cast(ifma._mm512_madd52hi_epu64(cast(self.high), cast(a), cast(b))),
        }
    }
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
        Sum { simd: self.simd, low: self.zero, high: self.zero }
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

/// Products that a residue and a sum modulo `q < 2^50` may hold.
pub(crate) const TERMS: usize = 16;

/// The constants of one modulus below `2^50` in every lane, for sums that keep no factor.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    simd: Ifma,
    zero: u64x8,
    q: u64x8,
    two_q: u64x8,
    /// `2^52 − q`.
    minus_q: u64x8,
    /// `2^52 − 1`.
    mask: u64x8,
    /// `2^52 mod q` and its companion.
    carry: [u64x8; 2],
    /// The companion of one, `⌊2^52/q⌋`.
    inverse: u64x8,
}

impl Plain {
    #[inline(always)]
    pub(crate) fn new(simd: Ifma, modulus: &Modulus) -> Self {
        let (q, carry) = (modulus.value(), modulus.reduce(1 << 52));
        Self {
            simd,
            zero: splat(0),
            q: splat(q),
            two_q: splat(2 * q),
            minus_q: splat((1 << 52) - q),
            mask: splat((1 << 52) - 1),
            // The floor of a floor.
            carry: [splat(carry), splat(modulus.shoup(carry) >> 12)],
            inverse: splat((1 << 52) / q),
        }
    }

    /// The sum that holds a residue.
    #[inline(always)]
    pub(crate) fn sum(&self, residue: u64x8) -> Sum {
        Sum { simd: self.simd, low: residue, high: self.zero }
    }

    /// `sum + a·b` for a product below `2^52`, of words below `2^52`: a word, not reduced.
    #[inline(always)]
    pub(crate) fn add_low_product(&self, sum: u64x8, a: u64x8, b: u64x8) -> u64x8 {
        cast(self.simd.avx512ifma._mm512_madd52lo_epu64(cast(sum), cast(a), cast(b)))
    }

    /// `sum mod q`.
    #[inline(always)]
    pub(crate) fn reduce(&self, sum: Sum) -> u64x8 {
        let (avx, ifma) = (self.simd.avx512f, self.simd.avx512ifma);
        let (low, zero, minus_q) = (cast(sum.low), cast(self.zero), cast(self.minus_q));
        let high = avx._mm512_add_epi64(cast(sum.high), avx._mm512_srli_epi64::<52>(low));
        let quotient = ifma._mm512_madd52hi_epu64(zero, high, cast(self.carry[1]));
        let rest = ifma._mm512_madd52hi_epu64(zero, low, cast(self.inverse));
        let high = ifma._mm512_madd52lo_epu64(low, high, cast(self.carry[0]));
        let low = ifma._mm512_madd52lo_epu64(zero, quotient, minus_q);
        let x = avx._mm512_add_epi64(high, ifma._mm512_madd52lo_epu64(low, rest, minus_q));
        let x = avx._mm512_and_si512(x, cast(self.mask));
        let x = avx._mm512_min_epu64(x, avx._mm512_sub_epi64(x, cast(self.two_q)));
        cast(avx._mm512_min_epu64(x, avx._mm512_sub_epi64(x, cast(self.q))))
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

/// The words as vectors to be written.
#[inline(always)]
pub(crate) fn vectors_mut(words: &mut [u64]) -> &mut [u64x8] {
    pulp::bytemuck::cast_slice_mut(words.as_chunks_mut::<LANES>().0)
}
