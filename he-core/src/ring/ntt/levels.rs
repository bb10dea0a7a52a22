//! Two and three levels on eight vectors in registers, four independent products at a time.

use pulp::Simd;

use super::order::SIDE;
use crate::ring::kernel::lane::Lanes;

/// Four forward butterflies: sums, then differences.
#[inline(always)]
fn butterflies<S: Simd>(
    lanes: &Lanes<S>,
    a: [S::f64s; 4],
    b: [S::f64s; 4],
    w: [S::f64s; 4],
) -> [S::f64s; SIDE] {
    let [t0, t1, t2, t3] = lanes.mul_all(b, w);
    [
        lanes.add(a[0], t0),
        lanes.add(a[1], t1),
        lanes.add(a[2], t2),
        lanes.add(a[3], t3),
        lanes.sub(a[0], t0),
        lanes.sub(a[1], t1),
        lanes.sub(a[2], t2),
        lanes.sub(a[3], t3),
    ]
}

/// Four backward butterflies: sums, then products.
#[inline(always)]
fn unbutterflies<S: Simd>(
    lanes: &Lanes<S>,
    a: [S::f64s; 4],
    b: [S::f64s; 4],
    w: [S::f64s; 4],
) -> [S::f64s; SIDE] {
    let differences =
        [lanes.sub(a[0], b[0]), lanes.sub(a[1], b[1]), lanes.sub(a[2], b[2]), lanes.sub(a[3], b[3])];
    let [t0, t1, t2, t3] = lanes.mul_all(differences, w);
    [
        lanes.add(a[0], b[0]),
        lanes.add(a[1], b[1]),
        lanes.add(a[2], b[2]),
        lanes.add(a[3], b[3]),
        t0,
        t1,
        t2,
        t3,
    ]
}

/// Three forward levels on eight vectors; `w` is the tree of their constants, and lane 1 is reduced if wide.
#[inline(always)]
pub(super) fn three_forward<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [S::f64s; SIDE],
    w: impl Fn(usize) -> S::f64s,
) -> [S::f64s; SIDE] {
    let a1 = if WIDE { lanes.reduce(a1) } else { a1 };
    let [a0, a1, a2, a3, a4, a5, a6, a7] = butterflies(lanes, [a0, a1, a2, a3], [a4, a5, a6, a7], [w(0); 4]);
    let (left, right) = (w(1), w(2));
    let [a0, a1, a4, a5, a2, a3, a6, a7] =
        butterflies(lanes, [a0, a1, a4, a5], [a2, a3, a6, a7], [left, left, right, right]);
    let [a0, a2, a4, a6, a1, a3, a5, a7] =
        butterflies(lanes, [a0, a2, a4, a6], [a1, a3, a5, a7], [w(3), w(4), w(5), w(6)]);
    [a0, a1, a2, a3, a4, a5, a6, a7]
}

/// Two forward levels on both halves of eight vectors, with the bounds of a pass of two levels.
#[inline(always)]
pub(super) fn halves_forward<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [S::f64s; SIDE],
    w: &[f64; SIDE],
) -> [S::f64s; SIDE] {
    let (a0, a4) = if WIDE { (lanes.reduce(a0), lanes.reduce(a4)) } else { (a0, a4) };
    let (left, right) = (lanes.splat(w[0]), lanes.splat(w[3]));
    let [a0, a1, a4, a5, a2, a3, a6, a7] =
        butterflies(lanes, [a0, a1, a4, a5], [a2, a3, a6, a7], [left, left, right, right]);
    let w = [lanes.splat(w[1]), lanes.splat(w[2]), lanes.splat(w[4]), lanes.splat(w[5])];
    let [a0, a2, a4, a6, a1, a3, a5, a7] = butterflies(lanes, [a0, a2, a4, a6], [a1, a3, a5, a7], w);
    [a0, a1, a2, a3, a4, a5, a6, a7]
}

/// Two backward levels on both halves of eight vectors, with the bounds of a pass of two levels.
#[inline(always)]
pub(super) fn halves_backward<S: Simd, const WIDE: bool>(
    lanes: &Lanes<S>,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [S::f64s; SIDE],
    w: &[f64; SIDE],
) -> [S::f64s; SIDE] {
    let (left, right) = (lanes.splat(w[0]), lanes.splat(w[3]));
    let w = [lanes.splat(w[1]), lanes.splat(w[2]), lanes.splat(w[4]), lanes.splat(w[5])];
    let [a0, a2, a4, a6, a1, a3, a5, a7] = unbutterflies(lanes, [a0, a2, a4, a6], [a1, a3, a5, a7], w);
    let [a0, a1, a4, a5, a2, a3, a6, a7] =
        unbutterflies(lanes, [a0, a1, a4, a5], [a2, a3, a6, a7], [left, left, right, right]);
    let (a0, a4) = (lanes.reduce(a0), lanes.reduce(a4));
    let (a1, a5) = if WIDE { (lanes.reduce(a1), lanes.reduce(a5)) } else { (a1, a5) };
    [a0, a1, a2, a3, a4, a5, a6, a7]
}

/// Three backward levels on eight vectors; `middle` is applied to the lanes 0 and 4 before the third.
#[inline(always)]
pub(super) fn three_backward<S: Simd>(
    lanes: &Lanes<S>,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [S::f64s; SIDE],
    w: impl Fn(usize) -> S::f64s,
    middle: impl Fn(S::f64s) -> S::f64s,
) -> [S::f64s; SIDE] {
    let [a0, a2, a4, a6, a1, a3, a5, a7] =
        unbutterflies(lanes, [a0, a2, a4, a6], [a1, a3, a5, a7], [w(3), w(4), w(5), w(6)]);
    let (left, right) = (w(1), w(2));
    let [a0, a1, a4, a5, a2, a3, a6, a7] =
        unbutterflies(lanes, [a0, a1, a4, a5], [a2, a3, a6, a7], [left, left, right, right]);
    let (a0, a4) = (middle(a0), middle(a4));
    unbutterflies(lanes, [a0, a1, a2, a3], [a4, a5, a6, a7], [w(0); 4])
}
