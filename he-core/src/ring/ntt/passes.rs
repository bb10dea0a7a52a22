//! Passes of two levels over blocks of four slices, in place; the bounds are those of `fma`.

use pulp::Simd;

use crate::modulus::Modulus;
use crate::ring::kernel::lane::Lanes;

/// The four quarters of a block as pairs of vectors; their length is a multiple of the pair's.
#[inline(always)]
fn quarters<S: Simd>(block: &mut [u64], stride: usize) -> [&mut [[S::u64s; 2]]; 4] {
    let (low, high) = block.split_at_mut(2 * stride);
    let (x0, x1) = low.split_at_mut(stride);
    let (x2, x3) = high.split_at_mut(stride);
    [pairs::<S>(x0), pairs::<S>(x1), pairs::<S>(x2), pairs::<S>(x3)]
}

#[inline(always)]
fn pairs<S: Simd>(words: &mut [u64]) -> &mut [[S::u64s; 2]] {
    S::as_mut_simd_u64s(words).0.as_chunks_mut().0
}

// Array methods with closures are avoided in all loops: such a closure may stay a call, and loses the vector
// instructions.

#[inline(always)]
fn floats<S: Simd>(lanes: &Lanes<S>, x: [S::u64s; 2]) -> [S::f64s; 2] {
    [lanes.floats(x[0]), lanes.floats(x[1])]
}

#[inline(always)]
fn bits<S: Simd>(lanes: &Lanes<S>, x: [S::f64s; 2]) -> [S::u64s; 2] {
    [lanes.bits(x[0]), lanes.bits(x[1])]
}

#[inline(always)]
fn load<S: Simd>(lanes: &Lanes<S>, x: [S::u64s; 2]) -> [S::f64s; 2] {
    [lanes.load(x[0]), lanes.load(x[1])]
}

#[inline(always)]
fn centered<S: Simd>(from: &Lanes<S>, x: [S::u64s; 2]) -> [S::f64s; 2] {
    [from.center(from.load(x[0])), from.center(from.load(x[1]))]
}

#[inline(always)]
fn pair_add<S: Simd>(lanes: &Lanes<S>, a: [S::f64s; 2], b: [S::f64s; 2]) -> [S::f64s; 2] {
    [lanes.add(a[0], b[0]), lanes.add(a[1], b[1])]
}

#[inline(always)]
fn pair_sub<S: Simd>(lanes: &Lanes<S>, a: [S::f64s; 2], b: [S::f64s; 2]) -> [S::f64s; 2] {
    [lanes.sub(a[0], b[0]), lanes.sub(a[1], b[1])]
}

/// Two forward levels on four pairs of vectors: four independent products hide each other's latency.
///
/// Wide and not from canonical input, lane 0 is reduced. Then a bound of `2.34 Q` gives after the first level
/// at most `1.3 Q` in lanes 0, 2 and `3.14 Q` in lanes 1, 3, which are multiplied next, and after the second
/// `1.3 Q + 0.9 Q`. From canonical input it is `1.63 Q` and `2.33 Q` without a reduction. So the bound is
/// kept.
#[inline(always)]
fn two_forward<S: Simd, const REDUCE: bool>(
    lanes: &Lanes<S>,
    [x0, x1, x2, x3]: [[S::f64s; 2]; 4],
    w: [S::f64s; 3],
) -> [[S::f64s; 2]; 4] {
    let (add, sub) = (pair_add::<S>, pair_sub::<S>);
    let x0 = if REDUCE { [lanes.reduce(x0[0]), lanes.reduce(x0[1])] } else { x0 };
    let [t, u, v, z] = lanes.mul_all([x2[0], x2[1], x3[0], x3[1]], [w[0]; 4]);
    let (b0, b2) = (add(lanes, x0, [t, u]), sub(lanes, x0, [t, u]));
    let (b1, b3) = (add(lanes, x1, [v, z]), sub(lanes, x1, [v, z]));
    let [t, u, v, z] = lanes.mul_all([b1[0], b1[1], b3[0], b3[1]], [w[1], w[1], w[2], w[2]]);
    [add(lanes, b0, [t, u]), sub(lanes, b0, [t, u]), add(lanes, b2, [v, z]), sub(lanes, b2, [v, z])]
}

/// Two forward levels of all blocks; `FIRST` takes canonical words instead of floats.
#[inline(always)]
pub(super) fn forward4<S: Simd, const WIDE: bool, const FIRST: bool>(
    lanes: &Lanes<S>,
    data: &mut [u64],
    stride: usize,
    twiddles: &[[f64; 3]],
) {
    for (block, w) in data.chunks_exact_mut(4 * stride).zip(twiddles) {
        let w = [lanes.splat(w[0]), lanes.splat(w[1]), lanes.splat(w[2])];
        let [x0, x1, x2, x3] = quarters::<S>(block, stride);
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let [y0, y1, y2, y3] = if FIRST {
                let a = [load(lanes, *x0), load(lanes, *x1), load(lanes, *x2), load(lanes, *x3)];
                two_forward::<S, false>(lanes, a, w)
            } else {
                let a = [floats(lanes, *x0), floats(lanes, *x1), floats(lanes, *x2), floats(lanes, *x3)];
                two_forward::<S, WIDE>(lanes, a, w)
            };
            (*x0, *x1, *x2, *x3) = (bits(lanes, y0), bits(lanes, y1), bits(lanes, y2), bits(lanes, y3));
        }
    }
}

/// Words modulo `from`, of which the centred representatives are transformed; `from/2` is below the prime.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) words: &'a [u64],
    pub(super) from: &'a Modulus,
}

/// The first two forward levels, from a source: centred representatives are below the bound of canonical words.
#[inline(always)]
pub(super) fn forward4_from<S: Simd>(lanes: &Lanes<S>, data: &mut [u64], source: Source, w: [f64; 3]) {
    let w = [lanes.splat(w[0]), lanes.splat(w[1]), lanes.splat(w[2])];
    let stride = data.len() / 4;
    let from = Lanes::new(lanes.simd, source.from);
    let mut quarters_of =
        source.words.chunks_exact(stride).map(|words| S::as_simd_u64s(words).0.as_chunks().0);
    let [s0, s1, s2, s3] = std::array::from_fn(|_| quarters_of.next().unwrap_or_default());
    let [x0, x1, x2, x3] = quarters::<S>(data, stride);
    for ((((x0, x1), x2), x3), (((s0, s1), s2), s3)) in
        x0.iter_mut().zip(x1).zip(x2).zip(x3).zip(s0.iter().zip(s1).zip(s2).zip(s3))
    {
        let a = [centered(&from, *s0), centered(&from, *s1), centered(&from, *s2), centered(&from, *s3)];
        let [y0, y1, y2, y3] = two_forward::<S, false>(lanes, a, w);
        (*x0, *x1, *x2, *x3) = (bits(lanes, y0), bits(lanes, y1), bits(lanes, y2), bits(lanes, y3));
    }
}

/// Two backward levels on four pairs of vectors.
///
/// Wide, a bound of `Q` gives `4 Q` in lane 0, which is reduced, at most `1.5 Q` in lane 1, which is reduced,
/// `tau(4 Q) <= Q` in lane 2 and `tau(1.5 Q) < Q` in lane 3: the bound is kept. Narrow, `4 Q` gives `16 Q`,
/// which is reduced, and at most `1.5 Q` elsewhere.
#[inline(always)]
fn two_backward<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    [x0, x1, x2, x3]: [[S::f64s; 2]; 4],
    w: [S::f64s; 3],
) -> [[S::f64s; 2]; 4] {
    let (add, sub) = (pair_add::<S>, pair_sub::<S>);
    let (s0, s1, d0, d1) = (add(lanes, x0, x1), add(lanes, x2, x3), sub(lanes, x0, x1), sub(lanes, x2, x3));
    let [t, u, v, z] = lanes.mul_all([d0[0], d0[1], d1[0], d1[1]], [w[1], w[1], w[2], w[2]]);
    let (d0, d1) = ([t, u], [v, z]);
    let (s, d) = (sub(lanes, s0, s1), sub(lanes, d0, d1));
    let (y0, y1) = (add(lanes, s0, s1), add(lanes, d0, d1));
    let y0 = [lanes.reduce(y0[0]), lanes.reduce(y0[1])];
    let y1 = if WIDE { [lanes.reduce(y1[0]), lanes.reduce(y1[1])] } else { y1 };
    let [t, u, v, z] = lanes.mul_all([s[0], s[1], d[0], d[1]], [w[0]; 4]);
    [y0, y1, [t, u], [v, z]]
}

/// Two backward levels of all blocks.
#[inline(always)]
pub(super) fn backward4<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    data: &mut [u64],
    stride: usize,
    twiddles: &[[f64; 3]],
) {
    for (block, w) in data.chunks_exact_mut(4 * stride).zip(twiddles) {
        let w = [lanes.splat(w[0]), lanes.splat(w[1]), lanes.splat(w[2])];
        let [x0, x1, x2, x3] = quarters::<S>(block, stride);
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let a = [floats(lanes, *x0), floats(lanes, *x1), floats(lanes, *x2), floats(lanes, *x3)];
            let [y0, y1, y2, y3] = two_backward::<S, WIDE>(lanes, a, w);
            (*x0, *x1, *x2, *x3) = (bits(lanes, y0), bits(lanes, y1), bits(lanes, y2), bits(lanes, y3));
        }
    }
}

/// The last two backward levels with the factor `1/n`, from floats to canonical words.
///
/// Every lane ends in a product, and `tau(2^52) < q` because `|w| <= (q-1)/2`, so storing needs no reduction.
#[inline(always)]
pub(super) fn last4<S: Simd>(lanes: &Lanes<S>, data: &mut [u64], w: [f64; 2], scale: [f64; 2]) {
    let (even, odd) = (lanes.splat(w[0]), lanes.splat(w[1]));
    let (sum, difference) = (lanes.splat(scale[0]), lanes.splat(scale[1]));
    let stride = data.len() / 4;
    let (add, sub) = (pair_add::<S>, pair_sub::<S>);
    let [x0, x1, x2, x3] = quarters::<S>(data, stride);
    for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
        let a = [floats(lanes, *x0), floats(lanes, *x1), floats(lanes, *x2), floats(lanes, *x3)];
        let (s0, s1) = (add(lanes, a[0], a[1]), add(lanes, a[2], a[3]));
        let (d0, d1) = (sub(lanes, a[0], a[1]), sub(lanes, a[2], a[3]));
        let [t, u, v, z] = lanes.mul_all([d0[0], d0[1], d1[0], d1[1]], [even, even, odd, odd]);
        let (d0, d1) = ([t, u], [v, z]);
        let (y0, y1) = (add(lanes, s0, s1), add(lanes, d0, d1));
        let (y2, y3) = (sub(lanes, s0, s1), sub(lanes, d0, d1));
        let [t, u, v, z] = lanes.mul_all([y0[0], y0[1], y1[0], y1[1]], [sum; 4]);
        (*x0, *x1) = ([lanes.store(t), lanes.store(u)], [lanes.store(v), lanes.store(z)]);
        let [t, u, v, z] = lanes.mul_all([y2[0], y2[1], y3[0], y3[1]], [difference; 4]);
        (*x2, *x3) = ([lanes.store(t), lanes.store(u)], [lanes.store(v), lanes.store(z)]);
    }
}
