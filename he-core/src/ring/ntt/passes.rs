//! Passes of two levels over blocks of four slices, in place; the bounds are those of `fma`.

use pulp::Simd;

use crate::ring::kernel::lane::Lanes;

/// The four quarters of a block as vectors; their length is a multiple of the vector's.
#[inline(always)]
fn quarters<S: Simd>(block: &mut [u64], stride: usize) -> [&mut [S::u64s]; 4] {
    let (low, high) = block.split_at_mut(2 * stride);
    let (x0, x1) = low.split_at_mut(stride);
    let (x2, x3) = high.split_at_mut(stride);
    let whole = |x| S::as_mut_simd_u64s(x).0;
    [whole(x0), whole(x1), whole(x2), whole(x3)]
}

// Array methods with closures are avoided in all loops: such a closure may stay a call, and loses the vector instructions.

/// Four vectors of bits as floats.
#[inline(always)]
fn floats<S: Simd>(lanes: &Lanes<S>, [x0, x1, x2, x3]: [S::u64s; 4]) -> [S::f64s; 4] {
    [
        lanes.from_bits(x0),
        lanes.from_bits(x1),
        lanes.from_bits(x2),
        lanes.from_bits(x3),
    ]
}

/// Two forward levels on four vectors.
///
/// Wide and not from canonical input, `a[0]` is reduced. Then a bound of `2.34 Q` gives after the first level at most
/// `1.3 Q` in lanes 0, 2 and `3.14 Q` in lanes 1, 3, which are multiplied next, and after the second `1.3 Q + 0.9 Q`. From
/// canonical input it is `1.63 Q` and `2.33 Q` without a reduction. So the bound is kept.
#[inline(always)]
pub(super) fn two_forward<S: Simd, const REDUCE: bool>(
    lanes: &Lanes<S>,
    a: [S::f64s; 4],
    w: [S::f64s; 3],
) -> [S::f64s; 4] {
    let a0 = if REDUCE { lanes.reduce(a[0]) } else { a[0] };
    let [t2, t3] = lanes.mul_all([a[2], a[3]], [w[0], w[0]]);
    let (b0, b2) = (lanes.add(a0, t2), lanes.sub(a0, t2));
    let (b1, b3) = (lanes.add(a[1], t3), lanes.sub(a[1], t3));
    let [u1, u3] = lanes.mul_all([b1, b3], [w[1], w[2]]);
    [
        lanes.add(b0, u1),
        lanes.sub(b0, u1),
        lanes.add(b2, u3),
        lanes.sub(b2, u3),
    ]
}

/// Two backward levels on four vectors.
///
/// Wide, a bound of `Q` gives `4 Q` in lane 0, which is reduced, at most `1.5 Q` in lane 1, which is reduced,
/// `tau(4 Q) <= Q` in lane 2 and `tau(1.5 Q) < Q` in lane 3: the bound is kept. Narrow, `4 Q` gives `16 Q`, which is
/// reduced, and at most `1.5 Q` elsewhere.
#[inline(always)]
pub(super) fn two_backward<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    a: [S::f64s; 4],
    w: [S::f64s; 3],
) -> [S::f64s; 4] {
    let (s0, s1) = (lanes.add(a[0], a[1]), lanes.add(a[2], a[3]));
    let [d0, d1] = lanes.mul_all([lanes.sub(a[0], a[1]), lanes.sub(a[2], a[3])], [w[1], w[2]]);
    let [b2, b3] = lanes.mul_all([lanes.sub(s0, s1), lanes.sub(d0, d1)], [w[0], w[0]]);
    let b1 = lanes.add(d0, d1);
    [
        lanes.reduce(lanes.add(s0, s1)),
        if WIDE { lanes.reduce(b1) } else { b1 },
        b2,
        b3,
    ]
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
                let a = [lanes.load(*x0), lanes.load(*x1), lanes.load(*x2), lanes.load(*x3)];
                two_forward::<S, false>(lanes, a, w)
            } else {
                two_forward::<S, WIDE>(lanes, floats(lanes, [*x0, *x1, *x2, *x3]), w)
            };
            [*x0, *x1, *x2, *x3] = [lanes.bits(y0), lanes.bits(y1), lanes.bits(y2), lanes.bits(y3)];
        }
    }
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
            let a = floats(lanes, [*x0, *x1, *x2, *x3]);
            let [y0, y1, y2, y3] = two_backward::<S, WIDE>(lanes, a, w);
            [*x0, *x1, *x2, *x3] = [lanes.bits(y0), lanes.bits(y1), lanes.bits(y2), lanes.bits(y3)];
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
    let [x0, x1, x2, x3] = quarters::<S>(data, stride);
    for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
        let a = floats(lanes, [*x0, *x1, *x2, *x3]);
        let (s0, s1) = (lanes.add(a[0], a[1]), lanes.add(a[2], a[3]));
        let d0 = lanes.mul(lanes.sub(a[0], a[1]), even);
        let d1 = lanes.mul(lanes.sub(a[2], a[3]), odd);
        *x0 = lanes.store(lanes.mul(lanes.add(s0, s1), sum));
        *x1 = lanes.store(lanes.mul(lanes.add(d0, d1), sum));
        *x2 = lanes.store(lanes.mul(lanes.sub(s0, s1), difference));
        *x3 = lanes.store(lanes.mul(lanes.sub(d0, d1), difference));
    }
}
