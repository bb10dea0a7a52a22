//! The levels of stride up to 32, on runs of 64 words.
//!
//! Forward, the two or three levels of stride 8 and more write floats to a buffer of one run; the buffer is
//! read as an 8 x 8 matrix by columns, so that the last three levels also act on whole vectors. Their results
//! are stored by rows: this is the exchange of `order`. Backward is the mirror image.
//!
//! # Bounds, wide (`Q = 2^50`, multiplicands up to `4 Q`, `tau(x) <= Q/2 + x/8`)
//!
//! * Forward, three levels before the buffer, from `2.34 Q`: lanes 0 and 1 are reduced. After the levels the
//!   multiplicands are at most `2.34`, `3.14` and `2.19 Q`, the results at most `2.97 Q`.
//! * Forward, three levels after the buffer, from `2.97 Q`: lane 1 is reduced. The multiplicands are at most
//!   `2.97`, `3.85` and `2.36 Q`; lane 0 ends below `5.7 Q < 2^53` and is reduced to be stored.
//! * Backward, three levels before the buffer, from `[0, q)`: differences of the pure sums are at most `Q`,
//!   `2 Q` and `4 Q`, so the products are at most `Q`. The sums are at most `8, 2.5, 1.5, 1.5 Q` in lanes 0
//!   to 3: these are reduced.
//! * Backward, three levels after the buffer, from `Q`: after two levels the lanes are at most `4, 1.5, 1,
//!   0.7 Q`, of which the first is reduced. Then the sums are at most `q + 2, 3, 2, 1.4 Q`, of which the last
//!   three are reduced.
//!
//! Narrow, only the lane that is never multiplied is reduced, and only backward: before the buffer the lanes
//! are then at most `2.2 Q`, after it `2.6 Q`, with multiplicands up to `8.8 Q < 16 Q`.

use pulp::Simd;

use super::levels::{halves_backward, halves_forward, three_backward, three_forward};
use super::order::{RUN, SIDE};
use crate::ring::kernel::lane::Lanes;
use crate::ring::kernel::transpose::transpose;

/// The constants of one run: up to 8 of the levels of stride 8 and more, then 1, 2 and 4 rows for the last
/// three levels.
#[repr(C, align(64))]
pub(super) struct RunTwiddles {
    upper: [f64; SIDE],
    lower: [[f64; SIDE]; SIDE - 1],
}

impl RunTwiddles {
    /// Picks the constants of a run from all powers in bit-reversed order.
    ///
    /// With six levels, `upper` is the tree `z(k), z(2k), z(2k+1), z(4k), …` of the run's node `k`; with
    /// five, those of its two halves one after the other.
    pub(super) fn new(powers: &[f64], run: usize, levels: u32) -> Self {
        let node = powers.len() / RUN + run;
        let tree = |k: usize| [powers[k], powers[2 * k], powers[2 * k + 1]];
        let mut upper = [0.0; SIDE];
        if levels == 6 {
            upper[..3].copy_from_slice(&tree(node));
            upper[3..7].copy_from_slice(&powers[4 * node..4 * node + 4]);
        } else {
            upper[..3].copy_from_slice(&tree(2 * node));
            upper[3..6].copy_from_slice(&tree(2 * node + 1));
        }
        // Column c of the matrix is the block of 8 words with node 8 * node + c.
        let leaf = |row: usize, c: usize| {
            let depth = (row + 1).ilog2() as usize;
            powers[((SIDE * node + c) << depth) + (row + 1 - (1 << depth))]
        };
        Self { upper, lower: std::array::from_fn(|row| std::array::from_fn(|c| leaf(row, c))) }
    }
}

type Run = [u64; RUN];

/// Vector `index` of a run.
#[inline(always)]
fn get<S: Simd>(lanes: &Lanes<S>, run: &[u64], index: usize) -> S::f64s {
    lanes.floats(S::as_simd_u64s(run).0[index])
}

#[inline(always)]
fn put<S: Simd>(lanes: &Lanes<S>, run: &mut [u64], index: usize, value: S::f64s) {
    S::as_mut_simd_u64s(run).0[index] = lanes.bits(value);
}

/// Vector `part` of a row of constants.
#[inline(always)]
fn constants<S: Simd>(row: &[f64; SIDE], part: usize) -> S::f64s {
    S::as_simd_f64s(row).0[part]
}

/// Vector `part` of each row of a run.
#[inline(always)]
fn rows<S: Simd>(lanes: &Lanes<S>, run: &Run, part: usize) -> [S::f64s; SIDE] {
    let mut rows = [lanes.splat(0.0); SIDE];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = get(lanes, run, r * (SIDE / S::F64_LANES) + part);
    }
    rows
}

/// Columns `4 part..` and rows `4 half..` of a run, transposed in registers of four words.
#[inline(always)]
fn quad<S: Simd>(lanes: &Lanes<S>, run: &Run, part: usize, half: usize) -> [S::f64s; 4] {
    let at = 8 * part + half;
    let rows =
        [get(lanes, run, at), get(lanes, run, at + 2), get(lanes, run, at + 4), get(lanes, run, at + 6)];
    lanes.simd.deinterleave_shfl_f64s(rows)
}

/// Columns `part * LANES..` of a run as eight vectors, one for each row of the transposed matrix.
#[inline(always)]
fn columns<S: Simd>(lanes: &Lanes<S>, run: &Run, part: usize) -> [S::f64s; SIDE] {
    if S::F64_LANES == 4 {
        let ([a, b, c, d], [e, f, g, h]) = (quad(lanes, run, part, 0), quad(lanes, run, part, 1));
        return [a, b, c, d, e, f, g, h];
    }
    if S::F64_LANES == SIDE {
        return transpose(lanes.simd, rows(lanes, run, part));
    }
    let mut rows = [lanes.splat(0.0); SIDE];
    for (r, row) in rows.iter_mut().enumerate() {
        let mut words = [0_u64; SIDE];
        for (lane, word) in words[..S::F64_LANES].iter_mut().enumerate() {
            *word = run[(part * S::F64_LANES + lane) * SIDE + r];
        }
        *row = get(lanes, &words, 0);
    }
    rows
}

/// The inverse of [`quad`].
#[inline(always)]
fn put_quad<S: Simd>(lanes: &Lanes<S>, run: &mut Run, part: usize, half: usize, x: [S::f64s; 4]) {
    let [a, b, c, d] = lanes.simd.interleave_shfl_f64s(x);
    let at = 8 * part + half;
    put(lanes, run, at, a);
    put(lanes, run, at + 2, b);
    put(lanes, run, at + 4, c);
    put(lanes, run, at + 6, d);
}

/// The inverse of [`columns`].
#[inline(always)]
fn put_columns<S: Simd>(lanes: &Lanes<S>, run: &mut Run, part: usize, x: [S::f64s; SIDE]) {
    if S::F64_LANES == 4 {
        let [a, b, c, d, e, f, g, h] = x;
        put_quad(lanes, run, part, 0, [a, b, c, d]);
        put_quad(lanes, run, part, 1, [e, f, g, h]);
        return;
    }
    if S::F64_LANES == SIDE {
        let rows = transpose(lanes.simd, x);
        for (r, row) in rows.into_iter().enumerate() {
            put(lanes, run, r, row);
        }
        return;
    }
    let mut words = [0_u64; SIDE];
    for (r, x) in x.into_iter().enumerate() {
        S::as_mut_simd_u64s(&mut words).0[0] = lanes.bits(x);
        for (lane, &word) in words[..S::F64_LANES].iter().enumerate() {
            run[(part * S::F64_LANES + lane) * SIDE + r] = word;
        }
    }
}

/// The last step of a forward transform, on values in registers.
pub(super) trait Finish: Copy {
    /// Canonical words for the values of one vector, which are reduced; `at` is its first place.
    fn store<S: Simd>(self, lanes: &Lanes<S>, value: S::f64s, at: usize) -> S::u64s;
}

/// The values themselves.
#[derive(Clone, Copy)]
pub(super) struct Values;

impl Finish for Values {
    #[inline(always)]
    fn store<S: Simd>(self, lanes: &Lanes<S>, value: S::f64s, _: usize) -> S::u64s {
        lanes.store(value)
    }
}

/// `(value − subtrahend)·factor`, with a balanced factor: `|value| <= q/2 + 1` and a word below `q` differ by at most
/// `3q/2 + 1`.
#[derive(Clone, Copy)]
pub(super) struct SubMul<'a> {
    pub(super) subtrahend: &'a [u64],
    pub(super) factor: f64,
}

impl Finish for SubMul<'_> {
    #[inline(always)]
    fn store<S: Simd>(self, lanes: &Lanes<S>, value: S::f64s, at: usize) -> S::u64s {
        let words = S::as_simd_u64s(&self.subtrahend[at..at + S::U64_LANES]).0[0];
        let difference = lanes.sub(value, lanes.load(words));
        let [product] = lanes.mul_all([difference], [lanes.splat(self.factor)]);
        lanes.store(product)
    }
}

/// The last five or six forward levels of each run, from floats to canonical words; the data start at `offset` of the whole.
#[inline(always)]
pub(super) fn last_runs<S: Simd, const WIDE: bool, const SIX: bool>(
    lanes: &Lanes<S>,
    data: &mut [u64],
    twiddles: &[RunTwiddles],
    offset: usize,
    finish: impl Finish,
) {
    let per_row = SIDE / S::F64_LANES;
    let mut buffer: Run = [0; RUN];
    let starts = (offset..).step_by(RUN);
    for ((run, w), start) in data.as_chunks_mut::<RUN>().0.iter_mut().zip(twiddles).zip(starts) {
        for part in 0..per_row {
            upper_forward::<S, WIDE, SIX>(lanes, run, &mut buffer, &w.upper, part);
        }
        for part in 0..per_row {
            let a = columns(lanes, &buffer, part);
            let rows = three_forward::<S, WIDE>(lanes, a, |i| constants::<S>(&w.lower[i], part));
            for (r, x) in rows.into_iter().enumerate() {
                let vector = r * per_row + part;
                let at = start + vector * S::U64_LANES;
                S::as_mut_simd_u64s(run).0[vector] = finish.store(lanes, lanes.reduce(x), at);
            }
        }
    }
}

/// The levels of stride 8 and more on column vector `part` of a run.
#[inline(always)]
fn upper_forward<S: Simd, const WIDE: bool, const SIX: bool>(
    lanes: &Lanes<S>,
    run: &Run,
    buffer: &mut Run,
    w: &[f64; SIDE],
    part: usize,
) {
    let per_row = SIDE / S::F64_LANES;
    let mut a = rows(lanes, run, part);
    if SIX {
        if WIDE {
            a[0] = lanes.reduce(a[0]);
        }
        a = three_forward::<S, WIDE>(lanes, a, |i| lanes.splat(w[i]));
    } else {
        a = halves_forward::<S, WIDE>(lanes, a, w);
    }
    for (r, x) in a.into_iter().enumerate() {
        put(lanes, buffer, r * per_row + part, x);
    }
}

/// The first five or six backward levels of each run, from canonical words to floats.
#[inline(always)]
pub(super) fn first_runs<S: Simd, const WIDE: bool, const SIX: bool>(
    lanes: &Lanes<S>,
    data: &mut [u64],
    twiddles: &[RunTwiddles],
) {
    let per_row = SIDE / S::F64_LANES;
    let mut buffer: Run = [0; RUN];
    for (run, w) in data.as_chunks_mut::<RUN>().0.iter_mut().zip(twiddles) {
        for part in 0..per_row {
            let words = S::as_simd_u64s(run.as_slice()).0;
            let mut a = [lanes.splat(0.0); SIDE];
            for (r, x) in a.iter_mut().enumerate() {
                *x = lanes.load(words[r * per_row + part]);
            }
            a = three_backward(lanes, a, |i| constants::<S>(&w.lower[i], part), |x| x);
            a[0] = lanes.reduce(a[0]);
            if WIDE {
                for x in &mut a[1..4] {
                    *x = lanes.reduce(*x);
                }
            }
            put_columns(lanes, &mut buffer, part, a);
        }
        for part in 0..per_row {
            upper_backward::<S, WIDE, SIX>(lanes, &buffer, run, &w.upper, part);
        }
    }
}

/// The mirror image of [`upper_forward`].
#[inline(always)]
fn upper_backward<S: Simd, const WIDE: bool, const SIX: bool>(
    lanes: &Lanes<S>,
    buffer: &Run,
    run: &mut Run,
    w: &[f64; SIDE],
    part: usize,
) {
    let per_row = SIDE / S::F64_LANES;
    let mut a = rows(lanes, buffer, part);
    if SIX {
        a = three_backward(lanes, a, |i| lanes.splat(w[i]), |x| lanes.reduce(x));
        if WIDE {
            for x in &mut a[1..4] {
                *x = lanes.reduce(*x);
            }
        }
    } else {
        a = halves_backward::<S, WIDE>(lanes, a, w);
    }
    for (r, x) in a.into_iter().enumerate() {
        put(lanes, run, r * per_row + part, x);
    }
}
