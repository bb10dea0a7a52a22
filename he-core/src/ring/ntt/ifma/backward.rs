//! From values to coefficients: runs of 64 words in registers, passes of two levels, and a last one of one or two with the
//! factors `psi^{-i}/n`.

use super::lanes::{Constant, Factor, Lanes, Row, Vector, broadcast, constant, vectors_mut};
use crate::modulus::Modulus;
use crate::ring::kernel::ifma::LANES;
use crate::ring::ntt::order::{RUN, SIDE};

/// Of this many passes the first reduces: from `14q` one more would pass `16q`, and after it three reach `14q` again.
const REDUCED: usize = 3;

/// As forward.
const CACHED: usize = 1 << 12;

/// One pass over blocks of `4 * stride` words, with the constants of each place of a quarter, two vectors at a time.
struct Pass {
    stride: usize,
    reduced: bool,
    twiddles: Vec<[[Row; 2]; 3]>,
}

/// The last level, or two, with the constants of each place.
enum Last {
    One(Vec<[[Row; 2]; 2]>),
    Two(Vec<[[Row; 2]; 5]>),
}

/// The tables of the inverse transform.
pub(super) struct Backward {
    /// Of the roots of unity of order 4 and 8: the first power, and the first and third.
    eighths: [Constant; 3],
    /// 1, 2 and 4 rows for the second three levels of every run.
    upper: [Row; SIDE - 1],
    /// By ascending stride.
    passes: Vec<Pass>,
    last: Last,
}

/// Powers of the inverse root, and rows of them.
struct Powers<'a> {
    modulus: &'a Modulus,
    /// `psi^{-t}` for `t < 2n`.
    powers: Vec<u64>,
}

impl Powers<'_> {
    fn n(&self) -> usize {
        self.powers.len() / 2
    }

    /// `omega^{-k}` for the root of order `2·half`.
    fn twiddle(&self, half: usize, k: usize) -> Constant {
        constant(self.modulus, self.powers[self.n() / half * k])
    }

    /// Twiddles of two vectors of places.
    fn twiddles(&self, half: usize, k: usize) -> [Row; 2] {
        [0, LANES].map(|at| Row::new(std::array::from_fn(|lane| self.twiddle(half, k + at + lane))))
    }

    /// `factor·psi^{-multiple·i}` of two vectors of places.
    fn scale(&self, factor: u64, multiple: usize, i: usize) -> [Row; 2] {
        let at = |i: usize| constant(self.modulus, self.modulus.mul(factor, self.powers[multiple * i]));
        [0, LANES].map(|vector| Row::new(std::array::from_fn(|lane| at(i + vector + lane))))
    }
}

impl Backward {
    pub(super) fn new(n: usize, modulus: &Modulus, root_inverse: u64, n_inverse: u64) -> Self {
        let powers = std::iter::successors(Some(1), |&power| Some(modulus.mul(power, root_inverse)));
        let table = Powers { modulus, powers: powers.take(2 * n).collect() };
        let upper = |row: usize| {
            let depth = (row + 1).ilog2();
            let k = SIDE * (row + 1 - (1 << depth));
            Row::new(std::array::from_fn(|lane| table.twiddle(SIDE << depth, k + lane)))
        };
        let levels = (n / RUN).trailing_zeros() as usize;
        let pass = |p: usize| {
            let stride = RUN << (2 * p);
            let three = |k| {
                let [low, high] = [k, k + stride].map(|k| table.twiddles(2 * stride, k));
                [table.twiddles(stride, k), low, high]
            };
            let twiddles = (0..stride).step_by(2 * LANES).map(three).collect();
            Pass { stride, reduced: p.is_multiple_of(REDUCED), twiddles }
        };
        let scales = |k| [table.scale(n_inverse, 1, k), table.scale(n_inverse, 3, k)];
        let last = if levels.is_multiple_of(2) {
            let five = |k| {
                let ([low, low3], [high, high3]) = (scales(k), scales(k + n / 4));
                [table.twiddles(n / 4, k), low, low3, high, high3]
            };
            Last::Two((0..n / 4).step_by(2 * LANES).map(five).collect())
        } else {
            Last::One((0..n / 2).step_by(2 * LANES).map(scales).collect())
        };
        Self {
            eighths: [table.twiddle(2, 1), table.twiddle(4, 1), table.twiddle(4, 3)],
            upper: std::array::from_fn(upper),
            passes: (0..(levels - 1) / 2).map(pass).collect(),
            last,
        }
    }

    #[inline(always)]
    pub(super) fn run(&self, lanes: &Lanes, data: &mut [u64]) {
        let size = data.len().min(CACHED);
        let split = self.passes.iter().position(|pass| 4 * pass.stride > size);
        let (cached, wide) = self.passes.split_at(split.unwrap_or(self.passes.len()));
        for chunk in data.chunks_exact_mut(size) {
            self.first_runs(lanes, chunk);
            for pass in cached {
                pass.run(lanes, chunk);
            }
        }
        for pass in wide {
            pass.run(lanes, data);
        }
        let i = broadcast(self.eighths[0]);
        match &self.last {
            Last::One(twiddles) => last2(lanes, data, twiddles, i),
            Last::Two(twiddles) => last4(lanes, data, twiddles, i),
        }
    }

    /// The first six levels of each run.
    #[inline(always)]
    fn first_runs(&self, lanes: &Lanes, data: &mut [u64]) {
        for run in vectors_mut(data).as_chunks_mut::<SIDE>().0 {
            let a = lanes.transpose(self.eight(lanes, super::load_run(lanes, run)));
            let a = self.three(lanes, a);
            for (row, x) in run.iter_mut().zip(a) {
                *row = lanes.store(x);
            }
        }
    }

    /// A transform of length eight in each lane, from canonical words: some constants are one.
    #[inline(always)]
    fn eight(&self, lanes: &Lanes, [a0, a1, a2, a3, a4, a5, a6, a7]: [Vector; SIDE]) -> [Vector; SIDE] {
        let [i, first, third] =
            [broadcast(self.eighths[0]), broadcast(self.eighths[1]), broadcast(self.eighths[2])];
        let ((a0, a1), (a2, a3)) = (lanes.plain::<0>(a0, a1), lanes.plain::<0>(a2, a3));
        let ((a4, a5), (a6, a7)) = (lanes.plain::<0>(a4, a5), lanes.plain::<0>(a6, a7));
        let ((a0, a2), (a4, a6)) = (lanes.plain::<1>(a0, a2), lanes.plain::<1>(a4, a6));
        let [u1, u5] = lanes.mul_add_all([a1, a5], [a3, a7], [i; 2]);
        let [a3, a7] = lanes.others([a1, a5], [u1, u5]);
        let (a0, a4) = lanes.plain::<2>(a0, a4);
        let x = [u1, a2, a3];
        let [a1, a2, a3] = lanes.mul_add_all(x, [u5, a6, a7], [first, i, third]);
        let [a5, a6, a7] = lanes.others(x, [a1, a2, a3]);
        [a0, a1, a2, a3, a4, a5, a6, a7]
    }

    /// Three levels on eight vectors, whose constants depend on the place in the run only.
    #[inline(always)]
    fn three(&self, lanes: &Lanes, [a0, a1, a2, a3, a4, a5, a6, a7]: [Vector; SIDE]) -> [Vector; SIDE] {
        let w = &self.upper;
        let [a0, a2, a4, a6, a1, a3, a5, a7] =
            lanes.butterflies([a0, a2, a4, a6], [a1, a3, a5, a7], [w[0].load(); 4]);
        let (even, odd) = (w[1].load(), w[2].load());
        let [a0, a1, a4, a5, a2, a3, a6, a7] =
            lanes.butterflies([a0, a1, a4, a5], [a2, a3, a6, a7], [even, odd, even, odd]);
        let w = [w[3].load(), w[4].load(), w[5].load(), w[6].load()];
        lanes.butterflies([a0, a1, a2, a3], [a4, a5, a6, a7], w)
    }
}

impl Pass {
    #[inline(always)]
    fn run(&self, lanes: &Lanes, data: &mut [u64]) {
        if self.reduced {
            backward4::<true>(lanes, data, self.stride, &self.twiddles);
        } else {
            backward4::<false>(lanes, data, self.stride, &self.twiddles);
        }
    }
}

/// Two levels of all blocks.
#[inline(always)]
fn backward4<const REDUCE: bool>(lanes: &Lanes, data: &mut [u64], stride: usize, twiddles: &[[[Row; 2]; 3]]) {
    for block in data.chunks_exact_mut(4 * stride) {
        let [x0, x1, x2, x3] = super::quarters(block, stride);
        for ((((x0, x1), x2), x3), [w, low, high]) in x0.iter_mut().zip(x1).zip(x2).zip(x3).zip(twiddles) {
            let (mut a, b) = (super::load_two(lanes, x0, x2), super::load_two(lanes, x1, x3));
            if REDUCE {
                for x in &mut a {
                    *x = lanes.reduce(*x);
                }
            }
            let w = [w[0].load(), w[1].load()];
            let [a0, a1, c0, c1, b0, b1, d0, d1] = lanes.butterflies(a, b, [w[0], w[1], w[0], w[1]]);
            let w = [low[0].load(), low[1].load(), high[0].load(), high[1].load()];
            let y = lanes.butterflies([a0, a1, b0, b1], [c0, c1, d0, d1], w);
            super::store_two(lanes, x0, x1, [y[0], y[1], y[2], y[3]]);
            super::store_two(lanes, x2, x3, [y[4], y[5], y[6], y[7]]);
        }
    }
}

/// `x·s + y·z` and `(x·s − y·z)·i` as canonical words, of two pairs of vectors; `i` is what `n/2` more places come to.
#[inline(always)]
fn scaled(lanes: &Lanes, x: [Vector; 2], y: [Vector; 2], [s, z]: [&[Row; 2]; 2], i: Factor) -> [Vector; 4] {
    let x = lanes.mul_all(x, [s[0].load(), s[1].load()]);
    let u = lanes.mul_add_all(x, y, [z[0].load(), z[1].load()]);
    let v = lanes.mul_all(lanes.others(x, u), [i; 2]);
    [lanes.canonical4(u[0]), lanes.canonical4(u[1]), lanes.canonical(v[0]), lanes.canonical(v[1])]
}

/// The last level with the factors.
#[inline(always)]
fn last2(lanes: &Lanes, data: &mut [u64], twiddles: &[[[Row; 2]; 2]], i: Factor) {
    let (low, high) = data.split_at_mut(data.len() / 2);
    let (low, high) = (super::pairs(low), super::pairs(high));
    for ((low, high), [s, z]) in low.iter_mut().zip(high).zip(twiddles) {
        let [x0, x1, y0, y1] = super::load_two(lanes, low, high);
        super::store_two(lanes, low, high, scaled(lanes, [x0, x1], [y0, y1], [s, z], i));
    }
}

/// The last two levels with the factors.
#[inline(always)]
fn last4(lanes: &Lanes, data: &mut [u64], twiddles: &[[[Row; 2]; 5]], i: Factor) {
    let stride = data.len() / 4;
    let [x0, x1, x2, x3] = super::quarters(data, stride);
    for ((((x0, x1), x2), x3), [w, s, z, s1, z1]) in x0.iter_mut().zip(x1).zip(x2).zip(x3).zip(twiddles) {
        let (a, b) = (super::load_two(lanes, x0, x2), super::load_two(lanes, x1, x3));
        let w = [w[0].load(), w[1].load()];
        let [a0, a1, c0, c1, b0, b1, d0, d1] = lanes.butterflies(a, b, [w[0], w[1], w[0], w[1]]);
        super::store_two(lanes, x0, x2, scaled(lanes, [a0, a1], [c0, c1], [s, z], i));
        super::store_two(lanes, x1, x3, scaled(lanes, [b0, b1], [d0, d1], [s1, z1], i));
    }
}
