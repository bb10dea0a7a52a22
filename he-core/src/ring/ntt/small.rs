//! The textbook transform on words, for lengths below the vector kernels: radix 2, `mul_shoup`, canonical at
//! every level.

use super::order::reverse_bits;
use crate::modulus::Modulus;

/// A constant factor with its companion.
#[derive(Clone, Copy)]
struct Factor {
    value: u64,
    companion: u64,
}

/// Tables of powers of `psi` and its inverse in bit-reversed order.
pub(super) struct Small {
    modulus: Modulus,
    forward: Vec<Factor>,
    inverse: Vec<Factor>,
    n_inverse: Factor,
}

impl Small {
    /// The tables for length `n`; `n` and `root` are units modulo the modulus.
    pub(super) fn new(n: usize, modulus: Modulus, root: u64, root_inverse: u64, n_inverse: u64) -> Self {
        let log_n = n.trailing_zeros();
        let factor = |value| Factor { value, companion: modulus.shoup(value) };
        let powers = |base: u64| -> Vec<Factor> {
            (0..n).map(|k| factor(modulus.pow(base, reverse_bits(k, log_n) as u64))).collect()
        };
        Self { modulus, forward: powers(root), inverse: powers(root_inverse), n_inverse: factor(n_inverse) }
    }

    /// Coefficients to values in bit-reversed order.
    pub(super) fn forward(&self, data: &mut [u64]) {
        let m = &self.modulus;
        let mut blocks = 1;
        while blocks < data.len() {
            let size = data.len() / blocks;
            for (block, w) in data.chunks_exact_mut(size).zip(&self.forward[blocks..]) {
                let (low, high) = block.split_at_mut(size / 2);
                for (a, b) in low.iter_mut().zip(high) {
                    let t = m.mul_shoup(*b, w.value, w.companion);
                    (*a, *b) = (m.add(*a, t), m.sub(*a, t));
                }
            }
            blocks *= 2;
        }
    }

    /// Values in bit-reversed order to coefficients.
    pub(super) fn inverse(&self, data: &mut [u64]) {
        let m = &self.modulus;
        let mut blocks = data.len() / 2;
        while blocks > 0 {
            let size = data.len() / blocks;
            for (block, w) in data.chunks_exact_mut(size).zip(&self.inverse[blocks..]) {
                let (low, high) = block.split_at_mut(size / 2);
                for (a, b) in low.iter_mut().zip(high) {
                    let t = m.mul_shoup(m.sub(*a, *b), w.value, w.companion);
                    (*a, *b) = (m.add(*a, *b), t);
                }
            }
            blocks /= 2;
        }
        for x in data {
            *x = m.mul_shoup(*x, self.n_inverse.value, self.n_inverse.companion);
        }
    }
}
