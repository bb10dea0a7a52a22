//! Memory that a training takes.

use super::cost::Costs;
use crate::engine::slots::ckks::{RealFormulas, Tally};
use crate::plan::parameters::ckks::Spec;

/// Bytes of the keys and transforms of bootstrapping over 28 primes.
const BOOTSTRAP_KEYS: usize = 3_600_000_000;
/// Bytes that a bootstrap works in.
const BOOTSTRAP_WORK: usize = 2_000_000_000;

/// Bytes of keys: those of bootstrapping, measured over 28 primes, and those of the step.
pub(super) fn key_bytes(costs: &Costs, tally: &Tally, spec: &Spec, levels: usize) -> usize {
    let rotations = tally.rotations.values();
    let own: usize = rotations.map(|&level| costs.key(costs.primes(level, levels))).sum();
    if spec.bootstrap.is_none() {
        return own + costs.key(costs.primes(0, levels));
    }
    own + BOOTSTRAP_KEYS / 28 * costs.whole()
}

/// Bytes of tensors that are alive at once, and of a mini-batch.
pub(super) fn working_bytes(costs: &Costs, formulas: &RealFormulas, spec: &Spec, top: usize) -> usize {
    let (cube, images) = (formulas.cube(), formulas.image_tiles());
    let at = |level: isize| costs.ciphertext(costs.primes(level, top));
    let mut bytes = formulas.geometry.compact.tiles * at(-1);
    let mut level = -2;
    for (place, layer) in formulas.geometry.layers.iter().enumerate() {
        let (inputs, outputs) = layer.counts(cube);
        // Derivatives and values; then errors before and after them.
        bytes += images * outputs * (at(level) + at(level - 1) + 2 * at(level - 3));
        if place == 0 {
            let (scale, sent) = (spec.scale_bits as usize, images * (inputs + 1));
            bytes += sent * at(-1) / 2 * scale / 64
                + inputs * at(-1)
                + inputs * outputs * at(4 - top as isize) * 3 / 2;
        }
        level -= 3;
    }
    let bytes = if spec.bootstrap.is_some() { bytes + BOOTSTRAP_WORK } else { bytes };
    // What the allocator keeps beside.
    bytes * 5 / 4
}
