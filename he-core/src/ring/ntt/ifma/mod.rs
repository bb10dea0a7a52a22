//! The integer transform with the 52-bit multiply-add of AVX-512 IFMA, for primes below `2^48`: bounds, and what both
//! directions share.
//!
//! A butterfly takes five operations, three for `u = x + y·w` and two for `v = 2x + 2q − u` (`lanes`); the floating-point
//! transform takes eight. The order of the values is that of all engines.
//!
//! # Bounds
//!
//! A level takes a bound `B·q` of what is not multiplied to `(B + 2)·q` for both outputs, whatever the multiplicand below
//! `2^52`; as `q < 2^48`, all values below `16q` are multiplicands. Subtracting `2q` is never needed: `x + 2q − r > 0`. What
//! is reduced costs two operations and is below `2q` then; only the lanes that are not multiplied in a level need it.
//!
//! * *Forward* is the transform of `fma` with the same passes of two levels: from canonical words `q` to `5, 9, 13q`. The
//!   first level of the fourth pass is reduced, after it `6q`, then `10, 14q`: there are six passes at most. The first level
//!   of each run is reduced, so that five or six levels end at `12q` or `14q`.
//! * *Backward* is the cyclic transform that takes bit-reversed order to natural order with the same butterflies, the
//!   multiplied operand last, and a factor `psi^{-i}/n` for each coefficient: its constants depend on the place in a block
//!   alone, so that all runs share theirs, and of the first three levels many are one. Butterflies with one are `x + y` and
//!   `x − y + B·q`, from `q` to `2, 4, 8q`; with others to `4, 6q`. The next three levels of a run end at `14q`. Of each
//!   three passes the first is reduced, so that they end at `6, 10, 14q`. The last pass has one level with the factors, or
//!   two: the first of these ends at `16q`. With factors a sum is one of two products below `2q`, canonical after two
//!   subtractions; a difference is multiplied once more, by `psi^{-n/2}`, and canonical after one.

use pulp::NullaryFnOnce;
use pulp::bytemuck::cast;

use self::backward::Backward;
use self::forward::{Finish, Forward, Source, SubMul, Values};
use self::lanes::{Lanes, Vector, Words, constant, vectors_mut};
use super::order::SIDE;
use crate::modulus::Modulus;
use crate::ring::kernel::ifma;

mod backward;
mod forward;
mod lanes;

/// Whether the machine has the instructions.
pub(super) fn available() -> bool {
    ifma::Ifma::try_new().is_some()
}

/// The tables of one length and prime.
pub(super) struct Ifma {
    simd: ifma::Ifma,
    modulus: Modulus,
    forward: Forward,
    backward: Backward,
}

impl Ifma {
    /// The tables for a length of at least 128 and a prime below `2^48`, on a machine that has the instructions.
    pub(super) fn new(
        n: usize,
        modulus: Modulus,
        root: u64,
        root_inverse: u64,
        n_inverse: u64,
    ) -> Option<Self> {
        Some(Self {
            simd: ifma::Ifma::try_new()?,
            modulus,
            forward: Forward::new(n, &modulus, root),
            backward: Backward::new(n, &modulus, root_inverse, n_inverse),
        })
    }

    /// Coefficients to values in the canonical order.
    pub(super) fn forward(&self, data: &mut [u64]) {
        self.forward_to(data, None, Values);
    }

    /// Centred representatives of residues modulo `from` to values; `from/2` is below the prime.
    pub(super) fn forward_centered(&self, data: &mut [u64], words: &[u64], from: u64) {
        self.forward_to(data, Some(Source { words, from }), Values);
    }

    /// Coefficients to `(value − subtrahend)·factor`.
    pub(super) fn forward_sub_mul(&self, data: &mut [u64], subtrahend: &[u64], factor: u64) {
        let factor = constant(&self.modulus, factor);
        self.forward_to(data, None, SubMul { subtrahend: subtrahend.as_chunks().0, factor });
    }

    fn forward_to(&self, data: &mut [u64], source: Option<Source>, finish: impl Finish) {
        self.simd.vectorize(To { tables: self, data, source, finish });
    }

    /// Values in the canonical order to coefficients.
    pub(super) fn inverse(&self, data: &mut [u64]) {
        self.simd.vectorize(From { tables: self, data });
    }
}

// Types where a closure would do: the call of a closure through its trait is a function of its own, without the vector
// instructions, once what it holds is too large to be inlined.
struct To<'a, F> {
    tables: &'a Ifma,
    data: &'a mut [u64],
    source: Option<Source<'a>>,
    finish: F,
}

impl<F: Finish> NullaryFnOnce for To<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = Lanes::new(self.tables.simd, &self.tables.modulus);
        self.tables.forward.run(&lanes, self.data, self.source, self.finish);
    }
}

struct From<'a> {
    tables: &'a Ifma,
    data: &'a mut [u64],
}

impl NullaryFnOnce for From<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = Lanes::new(self.tables.simd, &self.tables.modulus);
        self.tables.backward.run(&lanes, self.data);
    }
}

/// Two vectors next to each other: what a pass works on at a time.
type Pair = [Words; 2];

#[inline(always)]
fn pairs(words: &mut [u64]) -> &mut [Pair] {
    vectors_mut(words).as_chunks_mut().0
}

#[inline(always)]
fn pairs_of(words: &[u64]) -> &[Pair] {
    words.as_chunks().0.as_chunks().0
}

/// The four quarters of a block.
#[inline(always)]
fn quarters(block: &mut [u64], stride: usize) -> [&mut [Pair]; 4] {
    let (low, high) = block.split_at_mut(2 * stride);
    let (x0, x1) = low.split_at_mut(stride);
    let (x2, x3) = high.split_at_mut(stride);
    [pairs(x0), pairs(x1), pairs(x2), pairs(x3)]
}

#[inline(always)]
fn load_two(lanes: &Lanes, a: &Pair, b: &Pair) -> [Vector; 4] {
    [lanes.load(a[0]), lanes.load(a[1]), lanes.load(b[0]), lanes.load(b[1])]
}

#[inline(always)]
fn store_two(lanes: &Lanes, a: &mut Pair, b: &mut Pair, x: [Vector; 4]) {
    (*a, *b) = ([lanes.store(x[0]), lanes.store(x[1])], [lanes.store(x[2]), lanes.store(x[3])]);
}

#[inline(always)]
fn load_run(lanes: &Lanes, run: &[Words; SIDE]) -> [Vector; SIDE] {
    let mut rows: [Vector; SIDE] = cast([[0_u64; SIDE]; SIDE]);
    for (x, row) in rows.iter_mut().zip(run) {
        *x = lanes.load(*row);
    }
    rows
}
