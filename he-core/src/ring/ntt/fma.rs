//! The floating-point transform: tables, and the order of the passes.
//!
//! With `z(k) = psi^rev(k)`, level `s` of the forward transform applies to each of its `2^s` blocks `b` the
//! butterfly `(x, y) -> (x + z(2^s + b) y, x - z(2^s + b) y)`; the inverse undoes the levels in reverse. Two
//! levels make a pass over the data (`passes`), the last five or six work on runs of 64 words that fit the
//! registers and L1 (`runs`), so that the number of levels before them is even. Once a block fits [`CACHED`],
//! its remaining passes run before the next block.
//!
//! # Bounds
//!
//! A product with a balanced constant (`|w| < q/2`) satisfies `|t| <= tau(x) = q/2 + q|x| / 2^53` for `|x| <=
//! 2^52` (`kernel::lane`); sums must stay below `2^53`. Two regimes keep these conditions:
//!
//! * *Narrow*, `q < 2^48 =: Q`: multiplicands may reach `16 Q`, `tau(x) <= Q/2 + x/32`. A forward level takes
//!   a bound `B` to `B + Q/2 + B/32`; from `Q`, 17 levels reach `(17 * 1.03125^17 - 16) Q < 12.7 Q`: nothing
//!   is reduced. A backward level doubles sums, so each pass reduces the one lane that is never multiplied.
//! * *Wide*, `q < 2^50 =: Q`: multiplicands may reach `4 Q`, `tau(x) <= Q/2 + x/8`. The passes state which
//!   lanes they reduce and what bound they keep: forward passes `2.34 Q`, backward passes `Q`.

use pulp::{Arch, Simd, WithSimd};

use super::order::{RUN, reverse_bits};
use super::passes::{Source, backward4, forward4, forward4_from, last4};
use super::runs::{Finish, RunTwiddles, SubMul, Values, first_runs, last_runs};
use crate::modulus::Modulus;
use crate::ring::kernel::lane::{Lanes, balanced};

/// Below this (`2^48`) the narrow bounds hold.
const NARROW_LIMIT: u64 = 1 << 48;

/// Blocks of this many words are finished before the next: 32 KiB, half of a common L1 data cache with its
/// twiddles in L2.
const CACHED: usize = 1 << 12;

/// One pass over blocks of `4 * stride` words and its three constants for each block.
pub(super) struct Pass {
    stride: usize,
    twiddles: Vec<[f64; 3]>,
}

/// One direction's tables.
struct Direction {
    /// By descending stride.
    passes: Vec<Pass>,
    runs: Vec<RunTwiddles>,
}

/// The tables of one length and prime.
pub(super) struct Fma {
    modulus: Modulus,
    forward: Direction,
    backward: Direction,
    /// `1/n`, and `1/n` times the constant of the last backward level.
    scale: [f64; 2],
}

impl Direction {
    fn new(n: usize, modulus: &Modulus, root: u64) -> Self {
        let log_n = n.trailing_zeros();
        let mut powers = vec![0.0; n];
        let mut power = 1;
        for k in 0..n {
            powers[reverse_bits(k, log_n)] = balanced(modulus, power);
            power = modulus.mul(power, root);
        }
        let run_levels = if log_n.is_multiple_of(2) { 6 } else { 5 };
        let passes = (0..(log_n - run_levels) / 2)
            .map(|p| {
                let blocks = 1 << (2 * p);
                let twiddles =
                    (blocks..2 * blocks).map(|k| [powers[k], powers[2 * k], powers[2 * k + 1]]).collect();
                Pass { stride: n / (4 * blocks), twiddles }
            })
            .collect();
        let runs = (0..n / RUN).map(|run| RunTwiddles::new(&powers, run, run_levels)).collect();
        Self { passes, runs }
    }
}

impl Fma {
    /// The tables for a length of at least 128.
    pub(super) fn new(n: usize, modulus: Modulus, root: u64, root_inverse: u64, n_inverse: u64) -> Self {
        // z(1) of the inverse root is its (n/2)-th power.
        let last = modulus.mul(n_inverse, modulus.pow(root_inverse, n as u64 / 2));
        Self {
            modulus,
            forward: Direction::new(n, &modulus, root),
            backward: Direction::new(n, &modulus, root_inverse),
            scale: [balanced(&modulus, n_inverse), balanced(&modulus, last)],
        }
    }

    /// Coefficients to values in the canonical order.
    pub(super) fn forward(&self, data: &mut [u64]) {
        Arch::new().dispatch(Forward { tables: self, data, source: None, finish: Values });
    }

    /// Centred representatives of residues modulo `from` to values; `from/2` is below the prime, `from` below `2^50`.
    pub(super) fn forward_centered(&self, data: &mut [u64], words: &[u64], from: &Modulus) {
        let source = Some(Source { words, from });
        Arch::new().dispatch(Forward { tables: self, data, source, finish: Values });
    }

    /// Coefficients to `(value − subtrahend)·factor`.
    pub(super) fn forward_sub_mul(&self, data: &mut [u64], subtrahend: &[u64], factor: u64) {
        let finish = SubMul { subtrahend, factor: balanced(&self.modulus, factor) };
        Arch::new().dispatch(Forward { tables: self, data, source: None, finish });
    }

    /// Values in the canonical order to coefficients.
    pub(super) fn inverse(&self, data: &mut [u64]) {
        Arch::new().dispatch(Backward { tables: self, data });
    }

    fn is_wide(&self) -> bool {
        self.modulus.value() >= NARROW_LIMIT
    }
}

struct Forward<'a, F> {
    tables: &'a Fma,
    data: &'a mut [u64],
    source: Option<Source<'a>>,
    finish: F,
}

impl<F: Finish> WithSimd for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = Lanes::new(simd, &self.tables.modulus);
        let Self { tables, data, source, finish } = self;
        // The number of run levels has the parity of log2 n.
        match (tables.is_wide(), data.len().trailing_zeros().is_multiple_of(2)) {
            (false, false) => forward::<S, false, false>(&lanes, tables, data, source, finish),
            (false, true) => forward::<S, false, true>(&lanes, tables, data, source, finish),
            (true, false) => forward::<S, true, false>(&lanes, tables, data, source, finish),
            (true, true) => forward::<S, true, true>(&lanes, tables, data, source, finish),
        }
    }
}

#[inline(always)]
fn forward<S: Simd, const WIDE: bool, const SIX: bool>(
    lanes: &Lanes<S>,
    tables: &Fma,
    data: &mut [u64],
    source: Option<Source>,
    finish: impl Finish,
) {
    let Direction { passes, runs } = &tables.forward;
    let (first, rest) = passes.split_first().expect("a vector transform has a pass before its runs");
    match source {
        Some(source) => forward4_from(lanes, data, source, first.twiddles[0]),
        None => forward4::<S, WIDE, true>(lanes, data, first.stride, &first.twiddles),
    }
    let split = rest.iter().position(|pass| 4 * pass.stride <= CACHED).unwrap_or(rest.len());
    let (wide, cached) = rest.split_at(split);
    for pass in wide {
        forward4::<S, WIDE, false>(lanes, data, pass.stride, &pass.twiddles);
    }
    let size = cached.first().map_or(data.len(), |pass| 4 * pass.stride);
    for (block, (chunk, runs)) in data.chunks_exact_mut(size).zip(runs.chunks_exact(size / RUN)).enumerate() {
        for pass in cached {
            let count = size / (4 * pass.stride);
            let twiddles = &pass.twiddles[block * count..][..count];
            forward4::<S, WIDE, false>(lanes, chunk, pass.stride, twiddles);
        }
        last_runs::<S, WIDE, SIX>(lanes, chunk, runs, block * size, finish);
    }
}

struct Backward<'a> {
    tables: &'a Fma,
    data: &'a mut [u64],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = Lanes::new(simd, &self.tables.modulus);
        match (self.tables.is_wide(), self.data.len().trailing_zeros().is_multiple_of(2)) {
            (false, false) => backward::<S, false, false>(&lanes, self.tables, self.data),
            (false, true) => backward::<S, false, true>(&lanes, self.tables, self.data),
            (true, false) => backward::<S, true, false>(&lanes, self.tables, self.data),
            (true, true) => backward::<S, true, true>(&lanes, self.tables, self.data),
        }
    }
}

#[inline(always)]
fn backward<S: Simd, const WIDE: bool, const SIX: bool>(lanes: &Lanes<S>, tables: &Fma, data: &mut [u64]) {
    let Direction { passes, runs } = &tables.backward;
    let (last, rest) = passes.split_first().expect("a vector transform has a pass after its runs");
    let split = rest.iter().position(|pass| 4 * pass.stride <= CACHED).unwrap_or(rest.len());
    let (wide, cached) = rest.split_at(split);
    let size = cached.first().map_or(data.len(), |pass| 4 * pass.stride);
    for (block, (chunk, runs)) in data.chunks_exact_mut(size).zip(runs.chunks_exact(size / RUN)).enumerate() {
        first_runs::<S, WIDE, SIX>(lanes, chunk, runs);
        for pass in cached.iter().rev() {
            let count = size / (4 * pass.stride);
            let twiddles = &pass.twiddles[block * count..][..count];
            backward4::<S, WIDE>(lanes, chunk, pass.stride, twiddles);
        }
    }
    for pass in wide.iter().rev() {
        backward4::<S, WIDE>(lanes, data, pass.stride, &pass.twiddles);
    }
    let [_, even, odd] = last.twiddles[0];
    last4(lanes, data, [even, odd], tables.scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prime::{primes_below, primitive_root_2n};

    fn on<S: Simd>(simd: S, tables: &Fma, input: &[u64]) -> [Vec<u64>; 2] {
        let (mut forward, mut backward, mut finished) = (input.to_vec(), input.to_vec(), input.to_vec());
        Forward { tables, data: &mut forward, source: None, finish: Values }.with_simd(simd);
        Backward { tables, data: &mut backward }.with_simd(simd);
        // The largest factors, and every word as what is subtracted.
        let q = tables.modulus;
        for factor in [1, q.value() / 2, q.value() / 2 + 1, q.value() - 1] {
            finished.copy_from_slice(input);
            let finish = SubMul { subtrahend: input, factor: balanced(&q, factor) };
            Forward { tables, data: &mut finished, source: None, finish }.with_simd(simd);
            let expected = |(&v, &x): (&u64, &u64)| q.mul(q.sub(v, x), factor);
            assert!(finished.iter().copied().eq(forward.iter().zip(input).map(expected)));
        }
        [forward, backward]
    }

    #[test]
    fn every_vector_width_gives_the_same_words() {
        for (n, bits) in [(128, 50), (256, 50), (1024, 47), (2048, 47)] {
            let q = Modulus::new(primes_below(1 << bits, 2 * n as u64, 1).unwrap()[0]).unwrap();
            let root = primitive_root_2n(&q, n).unwrap();
            let (root_inverse, n_inverse) = (q.inv(root).unwrap(), q.inv(n as u64).unwrap());
            let tables = Fma::new(n, q, root, root_inverse, n_inverse);
            let input: Vec<u64> = (0..n as u64).map(|i| q.pow(3, i * i + 7)).collect();
            let one = on(pulp::Scalar, &tables, &input);
            assert!(one == on(pulp::Scalar128b, &tables, &input));
            assert!(one == on(pulp::Scalar256b, &tables, &input));
            assert!(one == on(pulp::Scalar512b, &tables, &input));
            let (mut forward, mut backward) = (input.clone(), input);
            tables.forward(&mut forward);
            tables.inverse(&mut backward);
            assert!(one == [forward, backward]);
        }
    }
}
