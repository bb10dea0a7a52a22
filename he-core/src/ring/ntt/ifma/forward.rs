//! From coefficients to values: passes of two levels, then runs of 64 words in registers.

use super::lanes::{Constant, Factor, Lanes, Row, Vector, Words, broadcast, constant, vectors_mut};
use crate::modulus::Modulus;
use crate::ring::ntt::order::{RUN, SIDE, reverse_bits};

/// The pass that reduces: from `[0, q)` three passes reach `13q`, a fourth would pass `16q`.
const REDUCED: usize = 3;

/// Blocks of this many words are finished before the next: 32 KiB, part of a common L1 data cache.
const CACHED: usize = 1 << 12;

/// One pass over blocks of `4 * stride` words and its three constants for each block.
struct Pass {
    stride: usize,
    reduced: bool,
    twiddles: Vec<[Constant; 3]>,
}

/// The constants of one run: up to 7 of the levels of stride 8 and more, then 1, 2 and 4 rows for the last three levels.
#[repr(C, align(64))]
struct Run {
    upper: [Constant; SIDE],
    lower: [Row; SIDE - 1],
}

/// The tables of the forward transform.
pub(super) struct Forward {
    /// By descending stride.
    passes: Vec<Pass>,
    runs: Vec<Run>,
    /// Six levels in the runs, or five.
    six: bool,
}

impl Forward {
    pub(super) fn new(n: usize, modulus: &Modulus, root: u64) -> Self {
        let log_n = n.trailing_zeros();
        let mut powers = vec![[0, 0]; n];
        let mut power = 1;
        for k in 0..n {
            powers[reverse_bits(k, log_n)] = constant(modulus, power);
            power = modulus.mul(power, root);
        }
        let six = log_n.is_multiple_of(2);
        let pass = |p: usize| {
            let blocks = 1 << (2 * p);
            let twiddles =
                (blocks..2 * blocks).map(|k| [powers[k], powers[2 * k], powers[2 * k + 1]]).collect();
            Pass { stride: n / (4 * blocks), reduced: p == REDUCED, twiddles }
        };
        let passes = (0..(log_n as usize - if six { 6 } else { 5 }) / 2).map(pass).collect();
        let runs = (0..n / RUN).map(|run| Run::new(&powers, run, six)).collect();
        Self { passes, runs, six }
    }

    #[inline(always)]
    pub(super) fn run(&self, lanes: &Lanes, data: &mut [u64], source: Option<Source>, finish: impl Finish) {
        let (first, rest) = self.passes.split_first().expect("a vector transform has a pass before its runs");
        match source {
            Some(source) => forward4_from(lanes, data, source, first.twiddles[0]),
            None => forward4::<false>(lanes, data, first.stride, &first.twiddles),
        }
        if self.six {
            self.levels::<true>(lanes, data, rest, finish);
        } else {
            self.levels::<false>(lanes, data, rest, finish);
        }
    }

    /// All but the first pass.
    #[inline(always)]
    fn levels<const SIX: bool>(&self, lanes: &Lanes, data: &mut [u64], passes: &[Pass], finish: impl Finish) {
        let split = passes.iter().position(|pass| 4 * pass.stride <= CACHED);
        let (wide, cached) = passes.split_at(split.unwrap_or(passes.len()));
        for pass in wide {
            pass.run(lanes, data, &pass.twiddles);
        }
        let size = data.len().min(CACHED);
        for (block, chunk) in data.chunks_exact_mut(size).enumerate() {
            for pass in cached {
                let count = size / (4 * pass.stride);
                pass.run(lanes, chunk, &pass.twiddles[block * count..][..count]);
            }
            let runs = &self.runs[block * (size / RUN)..][..size / RUN];
            last_runs::<SIX>(lanes, chunk, runs, block * size, finish);
        }
    }
}

impl Pass {
    #[inline(always)]
    fn run(&self, lanes: &Lanes, data: &mut [u64], twiddles: &[[Constant; 3]]) {
        if self.reduced {
            forward4::<true>(lanes, data, self.stride, twiddles);
        } else {
            forward4::<false>(lanes, data, self.stride, twiddles);
        }
    }
}

/// Two levels of all blocks.
#[inline(always)]
fn forward4<const REDUCE: bool>(lanes: &Lanes, data: &mut [u64], stride: usize, twiddles: &[[Constant; 3]]) {
    for (block, w) in data.chunks_exact_mut(4 * stride).zip(twiddles) {
        let w = [broadcast(w[0]), broadcast(w[1]), broadcast(w[2])];
        let [x0, x1, x2, x3] = super::quarters(block, stride);
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let (mut a, b) = (super::load_two(lanes, x0, x1), super::load_two(lanes, x2, x3));
            if REDUCE {
                for x in &mut a {
                    *x = lanes.reduce(*x);
                }
            }
            let [y0, y1] = two_levels(lanes, a, b, w);
            super::store_two(lanes, x0, x2, y0);
            super::store_two(lanes, x1, x3, y1);
        }
    }
}

/// Two levels on pairs of vectors of the lower quarters and of the upper ones: what goes to the first and third, and to the
/// second and fourth.
#[inline(always)]
fn two_levels(lanes: &Lanes, a: [Vector; 4], b: [Vector; 4], w: [Factor; 3]) -> [[Vector; 4]; 2] {
    let [a0, a1, b0, b1, c0, c1, d0, d1] = lanes.butterflies(a, b, [w[0]; 4]);
    let y = lanes.butterflies([a0, a1, c0, c1], [b0, b1, d0, d1], [w[1], w[1], w[2], w[2]]);
    [[y[0], y[1], y[2], y[3]], [y[4], y[5], y[6], y[7]]]
}

/// Words modulo `from`, of which the centred representatives are transformed; `from/2` is below the prime.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) words: &'a [u64],
    pub(super) from: u64,
}

/// The first two levels, from a source.
#[inline(always)]
fn forward4_from(lanes: &Lanes, data: &mut [u64], source: Source, w: [Constant; 3]) {
    let w = [broadcast(w[0]), broadcast(w[1]), broadcast(w[2])];
    let center = lanes.center(source.from);
    let stride = data.len() / 4;
    let [x0, x1, x2, x3] = super::quarters(data, stride);
    let mut quarters = source.words.chunks_exact(stride).map(super::pairs_of);
    let [s0, s1, s2, s3] = std::array::from_fn(|_| quarters.next().unwrap_or_default());
    for ((((x0, x1), x2), x3), (((s0, s1), s2), s3)) in
        x0.iter_mut().zip(x1).zip(x2).zip(x3).zip(s0.iter().zip(s1).zip(s2).zip(s3))
    {
        let (mut a, mut b) = (super::load_two(lanes, s0, s1), super::load_two(lanes, s2, s3));
        for x in a.iter_mut().chain(&mut b) {
            *x = lanes.centered(*x, center);
        }
        let [y0, y1] = two_levels(lanes, a, b, w);
        super::store_two(lanes, x0, x2, y0);
        super::store_two(lanes, x1, x3, y1);
    }
}

impl Run {
    /// Picks the constants of a run from all powers in bit-reversed order, as in the floating-point transform.
    fn new(powers: &[Constant], run: usize, six: bool) -> Self {
        let node = powers.len() / RUN + run;
        let tree = |k: usize| [powers[k], powers[2 * k], powers[2 * k + 1]];
        let mut upper = [[0, 0]; SIDE];
        if six {
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
        Self { upper, lower: std::array::from_fn(|row| Row::new(std::array::from_fn(|c| leaf(row, c)))) }
    }
}

/// The last step of a transform, on values in registers.
pub(super) trait Finish: Copy {
    /// Canonical words for values below `14q`; `at` is the first place.
    fn finish(self, lanes: &Lanes, value: Vector, at: usize) -> Vector;
}

/// The values themselves.
#[derive(Clone, Copy)]
pub(super) struct Values;

impl Finish for Values {
    #[inline(always)]
    fn finish(self, lanes: &Lanes, value: Vector, _: usize) -> Vector {
        lanes.canonical(lanes.reduce(value))
    }
}

/// `(value − subtrahend)·factor`.
#[derive(Clone, Copy)]
pub(super) struct SubMul<'a> {
    pub(super) subtrahend: &'a [Words],
    pub(super) factor: Constant,
}

impl Finish for SubMul<'_> {
    #[inline(always)]
    fn finish(self, lanes: &Lanes, value: Vector, at: usize) -> Vector {
        let subtrahend = lanes.load(self.subtrahend[at / SIDE]);
        lanes.canonical(lanes.sub_mul(value, subtrahend, broadcast(self.factor)))
    }
}

/// The last five or six levels of each run; the data start at `offset` of the whole.
#[inline(always)]
fn last_runs<const SIX: bool>(
    lanes: &Lanes,
    data: &mut [u64],
    runs: &[Run],
    offset: usize,
    finish: impl Finish,
) {
    for (i, (run, w)) in vectors_mut(data).as_chunks_mut::<SIDE>().0.iter_mut().zip(runs).enumerate() {
        let mut a = super::load_run(lanes, run);
        if SIX {
            for x in &mut a[..4] {
                *x = lanes.reduce(*x);
            }
            a = three(
                lanes,
                a,
                #[inline(always)]
                |i| broadcast(w.upper[i]),
            );
        } else {
            a = halves(lanes, a, &w.upper);
        }
        a = three(
            lanes,
            lanes.transpose(a),
            #[inline(always)]
            |i| w.lower[i].load(),
        );
        for (r, (row, x)) in run.iter_mut().zip(a).enumerate() {
            *row = lanes.store(finish.finish(lanes, x, offset + i * RUN + r * SIDE));
        }
    }
}

/// Three levels on eight vectors.
#[inline(always)]
fn three(
    lanes: &Lanes,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [Vector; SIDE],
    w: impl Fn(usize) -> Factor,
) -> [Vector; SIDE] {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = lanes.butterflies([a0, a1, a2, a3], [a4, a5, a6, a7], [w(0); 4]);
    let (left, right) = (w(1), w(2));
    let [a0, a1, a4, a5, a2, a3, a6, a7] =
        lanes.butterflies([a0, a1, a4, a5], [a2, a3, a6, a7], [left, left, right, right]);
    let [a0, a2, a4, a6, a1, a3, a5, a7] =
        lanes.butterflies([a0, a2, a4, a6], [a1, a3, a5, a7], [w(3), w(4), w(5), w(6)]);
    [a0, a1, a2, a3, a4, a5, a6, a7]
}

/// Two levels on both halves of eight vectors, of which the first is reduced.
#[inline(always)]
fn halves(
    lanes: &Lanes,
    [a0, a1, a2, a3, a4, a5, a6, a7]: [Vector; SIDE],
    w: &[Constant; SIDE],
) -> [Vector; SIDE] {
    let mut x = [a0, a1, a4, a5];
    for x in &mut x {
        *x = lanes.reduce(*x);
    }
    let (left, right) = (broadcast(w[0]), broadcast(w[3]));
    let [a0, a1, a4, a5, a2, a3, a6, a7] = lanes.butterflies(x, [a2, a3, a6, a7], [left, left, right, right]);
    let w = [broadcast(w[1]), broadcast(w[2]), broadcast(w[4]), broadcast(w[5])];
    let [a0, a2, a4, a6, a1, a3, a5, a7] = lanes.butterflies([a0, a2, a4, a6], [a1, a3, a5, a7], w);
    [a0, a1, a2, a3, a4, a5, a6, a7]
}
