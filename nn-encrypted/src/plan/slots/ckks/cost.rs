//! The cost of a step, in forward transforms of the ring and in bytes.
//!
//! A key switch of `l` primes with `k` special primes and digits of `α` takes `l + Σ(l + k − |digit|) + 2(k + l)` transforms,
//! `Σ|digit|·(l + k − |digit|) + 2kl` multiply-adds of base conversion and `2d(l + k)` of the product with the key, whose primes
//! are streamed from memory once.

use std::collections::BTreeSet;

use crate::engine::slots::ckks::{RealFormulas, Tally};
use crate::plan::parameters::ckks::Spec;

// In transforms, fitted to the operations of `cargo bench -p nn-encrypted --bench reals` at 4 to 13 primes.

/// A multiply-add of base conversion.
const CONVERSION: f64 = 0.35;
/// A prime of a key, streamed and multiplied.
const KEY_PRIME: f64 = 1.2;
/// A prime of a product of two polynomials that is added to a sum.
const PRODUCT: f64 = 0.38;
/// A prime of a polynomial times a mask that is added to a sum.
const MASKED: f64 = 0.75;
/// A prime of a sum of two polynomials.
const SUM: f64 = 0.65;
/// A prime of a polynomial that is rescaled.
const RESCALED: f64 = 2.2;
/// A prime drawn from its seed and read.
const SEED: f64 = 5.3;
/// A ciphertext that is encoded and encrypted, beside its primes.
const FRESH: f64 = 90.0;
/// A prime of it.
const FRESH_PRIME: f64 = 26.0;
/// As many bytes of sealed keys as a polynomial over a prime has.
const KEY: f64 = 105.0;
/// A bootstrap over 28 primes.
const BOOTSTRAP: f64 = 44_000.0;
/// The factor by which operations of large rings take longer in a step than alone: threads share the memory bus, and results are new memory.
const SHARED: f64 = 1.4;
/// Bytes of a polynomial over one prime from which on a ring is large: ciphertexts do not stay in the cache.
const LARGE: usize = 1 << 18;

/// Sizes that costs depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    special: usize,
    digit: usize,
    /// Primes of level 0.
    lowest: usize,
    /// Primes of the whole chain.
    whole: usize,
    bytes: usize,
}

impl Costs {
    /// The costs of an instance.
    pub(super) fn new(spec: &Spec) -> Self {
        let (below, above) = spec
            .bootstrap
            .as_ref()
            .map_or((0, 0), |b| (b.slots_to_coefficients, b.coefficients_to_slots + b.modular_levels()));
        let lowest = 1 + below;
        let whole = lowest + spec.levels + above;
        let bytes = 8 << spec.log_n;
        Self { special: spec.special_bits.len(), digit: spec.digit, lowest, whole, bytes }
    }

    fn digits(&self, primes: usize) -> impl Iterator<Item = usize> + use<> {
        let digit = self.digit;
        (0..primes.div_ceil(digit)).map(move |i| digit.min(primes - i * digit))
    }

    /// Decomposition; inner product with a key; division by the special primes.
    fn key_switch(&self, primes: usize) -> [f64; 3] {
        let (l, k) = (primes as f64, self.special as f64);
        let spread: f64 = self.digits(primes).map(|d| l + k - d as f64).sum();
        let converted: f64 = self.digits(primes).map(|d| d as f64 * (l + k - d as f64)).sum();
        let decompose = l + spread + converted * CONVERSION;
        let inner = 2.0 * self.digits(primes).count() as f64 * (l + k) * KEY_PRIME;
        let divide = 2.0 * (k + l) + 2.0 * k * l * CONVERSION;
        [decompose, inner, divide]
    }

    /// Transforms of a step whose highest level is `top`.
    pub(super) fn units(&self, tally: &Tally, top: usize) -> f64 {
        let bootstraps = tally.bootstraps as f64 * BOOTSTRAP * (self.whole as f64 / 28.0).powf(1.5);
        let mut sum = 0.0;
        for (&level, counts) in &tally.operations {
            let primes = self.primes(level, top);
            let (l, [decompose, inner, divide]) = (primes as f64, self.key_switch(primes));
            let of = |count: u64, units: f64| count as f64 * units;
            sum += of(counts.products, 4.0 * l * PRODUCT);
            sum += of(counts.relinearized + counts.rotations, decompose + inner + divide);
            sum += of(counts.hoisted, inner + divide);
            sum += of(counts.masked, 2.0 * l * MASKED);
            sum += of(counts.sums, 2.0 * l * SUM);
            sum += of(counts.rescaled, 2.0 * l * RESCALED);
            sum += of(counts.shared, 12.0 * (decompose + inner + divide));
            sum += of(counts.read, l * SEED);
        }
        bootstraps + if self.bytes >= LARGE { sum * SHARED } else { sum }
    }

    /// Transforms of a rotation at the highest level `top` of steps.
    pub(super) fn rotation(&self, top: usize) -> f64 {
        self.key_switch(self.primes(0, top)).iter().sum()
    }

    /// Transforms of so many ciphertexts over so many primes, encrypted.
    pub(super) fn encrypt(&self, ciphertexts: usize, primes: usize) -> f64 {
        ciphertexts as f64 * (FRESH + primes as f64 * FRESH_PRIME)
    }

    /// Transforms of so many bytes of keys, made, written and read.
    pub(super) fn keys(&self, bytes: usize) -> f64 {
        bytes as f64 / self.bytes as f64 * KEY
    }

    /// Primes of a level, counted from the top down.
    pub(super) fn primes(&self, level: isize, top: usize) -> usize {
        usize::try_from(self.lowest as isize + top as isize + level).unwrap_or(1).max(1)
    }

    /// Bytes of a ciphertext over so many primes.
    pub(super) fn ciphertext(&self, primes: usize) -> usize {
        2 * primes * self.bytes
    }

    /// Bytes of a key for so many primes, in memory.
    pub(super) fn key(&self, primes: usize) -> usize {
        2 * self.digits(primes).count() * (primes + self.special) * self.bytes
    }
}

/// Bytes of the keys and transforms of bootstrapping over 28 primes.
const BOOTSTRAP_KEYS: usize = 3_600_000_000;
/// Bytes that a bootstrap works in.
const BOOTSTRAP_WORK: usize = 2_000_000_000;

/// The sum over the entries of one weight: its diagonals, and rotations of baby and giant steps as `LinearTransform` takes them.
struct SharedSum {
    diagonals: usize,
    baby: usize,
    giants: usize,
}

impl SharedSum {
    fn new(diagonals: &BTreeSet<usize>, slots: usize) -> Self {
        let of = |&k: &usize| if k == 0 { slots } else { 1 << k.trailing_zeros() };
        let unit = diagonals.iter().map(of).min().unwrap_or(slots).min(slots);
        let period = ((2.0 * diagonals.len() as f64).sqrt() as usize).next_power_of_two() * unit;
        let baby: BTreeSet<usize> = diagonals.iter().map(|k| k % period).collect();
        let giants: BTreeSet<usize> = diagonals.iter().map(|k| k - k % period).collect();
        let distances: BTreeSet<usize> =
            giants.iter().zip(giants.iter().skip(1)).map(|(a, b)| b - a).collect();
        Self { diagonals: diagonals.len(), baby: baby.len(), giants: distances.len() }
    }
}

/// Bytes of the sum over the entries of weights that stand several times: its keys, and its diagonals with rotated operands.
pub(super) fn shared_bytes(costs: &Costs, formulas: &RealFormulas, tally: &Tally, top: usize) -> [usize; 2] {
    let Some(level) = tally.shared else { return [0; 2] };
    let primes = costs.primes(level, top);
    let sum = SharedSum::new(&formulas.shared_diagonals(), formulas.cube().slots());
    let extended = (primes + costs.special) * costs.bytes;
    [(sum.baby + sum.giants) * costs.key(primes), sum.diagonals * extended + sum.baby * 2 * extended]
}

/// Bytes of keys: those of bootstrapping, measured over 28 primes, and those of the step.
pub(super) fn key_bytes(costs: &Costs, tally: &Tally, spec: &Spec, levels: usize) -> usize {
    let rotations = tally.rotations.values();
    let own: usize = rotations.map(|&level| costs.key(costs.primes(level, levels))).sum();
    if spec.bootstrap.is_none() {
        return own + costs.key(costs.primes(0, levels));
    }
    own + BOOTSTRAP_KEYS / 28 * costs.whole
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
