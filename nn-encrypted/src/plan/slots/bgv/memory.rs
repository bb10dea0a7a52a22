//! Memory of a training: keys, and the tensors of a step, which are held until it ends.

use std::collections::BTreeMap;

use crate::engine::slots::bgv::Agreement;
use crate::plan::Result;
use crate::program::Tensor;

/// Memory of tensors with that of the allocator and of ciphertexts on their way, relative to the tensors.
const BESIDE: f64 = 1.25;

/// Bytes at the peak, with tensors computed over so many primes.
pub(super) fn peak(agreement: &Agreement, computed: &BTreeMap<Tensor, (usize, usize)>) -> Result<usize> {
    let (instance, sealed) = (&agreement.instances[0], agreement.key_bytes()?.iter().sum::<usize>());
    let (spec, n) = (&instance.spec, instance.params.n());
    let bits: u32 = spec.q_bits.iter().chain(&spec.p_bits).sum();
    let average = f64::from(bits) / (spec.q_bits.len() + spec.p_bits.len()) as f64;
    // Sealed keys are half as many words, each of as many bits as its prime has.
    let keys = sealed as f64 * (1.0 + 128.0 / average);
    let tiles = |tensor: &Tensor, primes: usize| agreement.pieces(*tensor) * 2 * 8 * n * primes;
    let made: usize = computed.iter().map(|(tensor, &(_, primes))| tiles(tensor, primes)).sum();
    let sent: usize = agreement.fresh.iter().map(|(tensor, &primes)| tiles(tensor, primes)).sum();
    Ok((keys + BESIDE * (made + sent) as f64) as usize)
}
