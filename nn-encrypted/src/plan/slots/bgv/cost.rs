//! Reckoned seconds of keys, mini-batches and steps.

use std::collections::BTreeMap;

use crate::engine::slots::bgv::{Cost, Rehearsal};
use crate::layout::Geometry;
use crate::program::Tensor;

/// The unit costs of a 2 GHz core with AVX2: on other machines the ranking of plans is what matters, and the time of a rotation.
#[derive(Clone, Copy)]
struct Unit {
    /// Seconds of a transform.
    transform: f64,
    /// Seconds of `N` words that are streamed.
    word: f64,
}

impl Unit {
    fn new(log_n: u32) -> Self {
        let n = f64::from(1u32 << log_n);
        Self { transform: 0.47e-9 * n * f64::from(log_n), word: 1.1e-9 * n }
    }

    /// An operation over so many primes.
    fn operation(self, cost: Cost, primes: usize) -> f64 {
        let (Self { transform, word }, l) = (self, primes as f64);
        let down = 2.0 * (1.0 + l) * transform + 4.0 * l * word;
        match cost {
            Cost::Product => 4.0 * l * word,
            Cost::Mask => 2.0 * l * word,
            Cost::KeySwitch => (l + l * l) * transform + 3.0 * l * (l + 1.0) * word + down,
            Cost::Decompose => (l + l * l) * (transform + word),
            Cost::Hoisted => 2.0 * l * (l + 1.0) * word + down,
            Cost::Drop => down,
            Cost::Linear => 2.0 * l * word,
        }
    }

    /// A ciphertext that is encrypted, written, read and expanded. Packing, digest and expansion of the residues of a prime take about
    /// 27 words' time on each side, an error and a plaintext 70.
    fn encrypt(self, primes: usize) -> f64 {
        let l = primes as f64;
        (l + 1.0) * self.transform + (70.0 + 55.0 * l) * self.word
    }

    /// A ciphertext that is written, read and decrypted.
    fn decrypt(self, primes: usize) -> f64 {
        let l = primes as f64;
        (l + 1.0) * self.transform + 20.0 * l * self.word
    }
}

/// Reckoned seconds of a training step on one core, the client's included, from the transforms that are made and the words that are
/// streamed. A mini-batch counts as encrypted by the client and read by the server for every step, as it is unless all mini-batches
/// fit in memory.
pub(super) fn seconds(
    log_n: u32,
    geometry: &Geometry,
    rehearsal: &Rehearsal,
    fresh: &BTreeMap<Tensor, usize>,
) -> f64 {
    steps(log_n, rehearsal) + batch(log_n, 1, geometry, &[Tensor::Features], fresh)
}

/// Seconds of steps, without those of the mini-batch.
pub(super) fn steps(log_n: u32, rehearsal: &Rehearsal) -> f64 {
    let unit = Unit::new(log_n);
    let counts = rehearsal.operations.counts.iter();
    let server: f64 =
        counts.map(|(&(cost, primes), &count)| unit.operation(cost, primes) * count as f64).sum();
    let decrypted: f64 = rehearsal.to_client.iter().map(|&l| unit.decrypt(l)).sum();
    let encrypted: f64 = rehearsal.to_server.iter().map(|&l| unit.encrypt(l)).sum();
    server + decrypted + encrypted
}

/// Seconds of tensors of a mini-batch for so many plaintext primes.
pub(super) fn batch(
    log_n: u32,
    instances: usize,
    geometry: &Geometry,
    tensors: &[Tensor],
    fresh: &BTreeMap<Tensor, usize>,
) -> f64 {
    let unit = Unit::new(log_n);
    let of = |tensor: &Tensor| {
        let primes = fresh.get(tensor).copied().unwrap_or(0);
        (geometry.ciphertexts(*tensor) * instances) as f64 * unit.encrypt(primes)
    };
    tensors.iter().map(of).sum()
}

/// Seconds of a rotation over so many primes.
pub(super) fn rotation(log_n: u32, primes: usize) -> f64 {
    Unit::new(log_n).operation(Cost::KeySwitch, primes)
}

/// Seconds of evaluation keys of so many bytes, made, written and read.
pub(super) fn keys(bytes: usize) -> f64 {
    KEY_BYTE * bytes as f64
}

/// Seconds of a byte of keys.
const KEY_BYTE: f64 = 5e-8;
