//! Reckoned seconds of a training step.

use std::collections::BTreeMap;

use crate::engine::slots::bgv::{Cost, Rehearsal};
use crate::layout::Geometry;
use crate::program::Tensor;

/// Reckoned seconds of a step on one core, the client's included, from the transforms that are made and the words that are
/// streamed. The unit costs are those of a 2 GHz core with AVX2; on other machines the ranking of plans is what matters.
///
/// A mini-batch counts as encrypted by the client and read by the server for every step, as it is unless all mini-batches fit in
/// memory.
pub(super) fn seconds(
    log_n: u32,
    geometry: &Geometry,
    rehearsal: &Rehearsal,
    fresh: &BTreeMap<Tensor, usize>,
) -> f64 {
    let n = f64::from(1u32 << log_n);
    let transform = 0.47e-9 * n * f64::from(log_n);
    let word = 1.1e-9 * n;
    let one = |cost: Cost, primes: usize| {
        let l = primes as f64;
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
    };
    let counts = rehearsal.operations.counts.iter();
    let server: f64 = counts.map(|(&(cost, primes), &count)| one(cost, primes) * count as f64).sum();
    // Packing, digest and expansion of the residues of a prime take about 27 words' time on each side, an error and a
    // plaintext 70.
    let decrypt = |&l: &usize| (l as f64 + 1.0) * transform + 20.0 * l as f64 * word;
    let decrypted: f64 = rehearsal.to_client.iter().map(decrypt).sum();
    let encrypt = |l: f64| (l + 1.0) * transform + (70.0 + 55.0 * l) * word;
    let encrypted: f64 = rehearsal.to_server.iter().map(|&l| encrypt(l as f64)).sum();
    let features = Tensor::Features;
    let (tiles, primes) = (geometry.ciphertexts(features), fresh.get(&features).copied().unwrap_or(0));
    server + decrypted + encrypted + tiles as f64 * encrypt(primes as f64)
}
