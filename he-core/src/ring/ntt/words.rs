//! The transform on words, for any prime below `2^62` and any length: what runs everywhere.
//!
//! Products with a constant are Shoup's and not reduced: `t ≡ y·w` with `0 <= t < 2q` for any word `y` (Harvey 2014). So only one
//! operand of a butterfly is ever reduced, by one conditional subtraction of `2q`:
//!
//! * *Forward*, `(x, y) -> (x + y·w, x − y·w)`: values stay below `4q < 2^64`. Of `x` there is `2q` subtracted where it can be, and
//!   both `x + t` and `x − t + 2q` are below `4q` again. Two subtractions end it.
//! * *Backward*, `(x, y) -> (x + y, (x − y)·w)`: values stay below `2q`. The sum is below `4q` and loses `2q` where it can, the
//!   product is below `2q` whatever `x − y + 2q` is. The factor `1/n` comes last, reduced.

use pulp::Arch;

use super::order::{RUN, exchange, reverse_bits};
use crate::modulus::Modulus;

/// A constant factor with its companion.
#[derive(Clone, Copy)]
struct Factor {
    value: u64,
    companion: u64,
}

impl Factor {
    fn new(modulus: &Modulus, value: u64) -> Self {
        Self { value, companion: modulus.shoup(value) }
    }

    /// `x·w` below `2q`, for any word.
    #[inline(always)]
    fn times(self, x: u64, q: u64) -> u64 {
        let estimate = ((u128::from(x) * u128::from(self.companion)) >> 64) as u64;
        x.wrapping_mul(self.value).wrapping_sub(estimate.wrapping_mul(q))
    }
}

/// `x` below `2·least`, brought below `least`.
#[inline(always)]
fn fold(x: u64, least: u64) -> u64 {
    x.min(x.wrapping_sub(least))
}

/// Tables of powers of `psi` and its inverse in bit-reversed order.
pub(super) struct Words {
    modulus: Modulus,
    forward: Vec<Factor>,
    inverse: Vec<Factor>,
    n_inverse: Factor,
}

impl Words {
    /// The tables for length `n`; `n` and `root` are units modulo the modulus.
    pub(super) fn new(n: usize, modulus: Modulus, root: u64, root_inverse: u64, n_inverse: u64) -> Self {
        let log_n = n.trailing_zeros();
        let powers = |base: u64| {
            let mut table = vec![Factor::new(&modulus, 1); n];
            let mut power = 1;
            for k in 0..n {
                table[reverse_bits(k, log_n)] = Factor::new(&modulus, power);
                power = modulus.mul(power, base);
            }
            table
        };
        let n_inverse = Factor::new(&modulus, n_inverse);
        Self { modulus, forward: powers(root), inverse: powers(root_inverse), n_inverse }
    }

    /// Coefficients to values in the canonical order.
    pub(super) fn forward(&self, data: &mut [u64]) {
        let q = self.modulus.value();
        Arch::new().dispatch(
            #[inline(always)]
            || {
                forward(data, &self.forward, q);
                data.iter_mut().for_each(|x| *x = fold(fold(*x, 2 * q), q));
            },
        );
        transpose_runs(data);
    }

    /// Values in the canonical order to coefficients.
    pub(super) fn inverse(&self, data: &mut [u64]) {
        transpose_runs(data);
        let q = self.modulus.value();
        Arch::new().dispatch(
            #[inline(always)]
            || {
                backward(data, &self.inverse, q);
                data.iter_mut().for_each(|x| *x = fold(self.n_inverse.times(*x, q), q));
            },
        );
    }
}

#[inline(always)]
fn forward(data: &mut [u64], powers: &[Factor], q: u64) {
    let mut blocks = 1;
    while blocks < data.len() {
        let size = data.len() / blocks;
        for (block, &w) in data.chunks_exact_mut(size).zip(&powers[blocks..]) {
            let (low, high) = block.split_at_mut(size / 2);
            for (a, b) in low.iter_mut().zip(high) {
                let (x, t) = (fold(*a, 2 * q), w.times(*b, q));
                (*a, *b) = (x + t, x + 2 * q - t);
            }
        }
        blocks *= 2;
    }
}

#[inline(always)]
fn backward(data: &mut [u64], powers: &[Factor], q: u64) {
    let mut blocks = data.len() / 2;
    while blocks > 0 {
        let size = data.len() / blocks;
        for (block, &w) in data.chunks_exact_mut(size).zip(&powers[blocks..]) {
            let (low, high) = block.split_at_mut(size / 2);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (fold(*a + *b, 2 * q), w.times(*a + 2 * q - *b, q));
            }
        }
        blocks /= 2;
    }
}

/// Bit-reversed order to the canonical one, or back.
fn transpose_runs(data: &mut [u64]) {
    let n = data.len();
    for run in data.chunks_exact_mut(RUN) {
        for i in 0..RUN {
            let j = exchange(i, n);
            if i < j {
                run.swap(i, j);
            }
        }
    }
}
