//! Parameters of BGV: plaintext primes that hold the values, and chains of primes that hold the noise.

pub(in crate::plan) use he_bgv::Spec;
use he_core::rlwe::SecretDistribution;
use he_core::rlwe::security::max_log_qp;

use crate::engine::integers::IntegerForm;
use crate::engine::slots::bgv::Instance;
use crate::plan::{PlanError, Result, Security};
use crate::recipe::{Recipe, Scheme};

/// Bits of a plaintext prime, at most.
pub(crate) const MOST_PLAINTEXT_BITS: u32 = 40;
/// Plaintext primes, at most.
pub(crate) const MOST_PLAINTEXT_PRIMES: u32 = 3;

/// Bits of an integer of magnitude `bound`, with its sign.
pub(crate) fn bits(bound: i128) -> f64 {
    (2.0 * bound as f64 + 1.0).log2()
}

/// Bits of each of the plaintext primes to try, fewest first, for integers of magnitude `bound`: as few primes as hold them. None
/// if more would be needed than there may be; with how many bits there are then.
pub(crate) fn plaintext_bits(recipe: &Recipe, bound: i128) -> Result<Result<Vec<Vec<u32>>, f64>> {
    let needed = bits(bound).ceil() as u32;
    if let Some(set) = recipe.numbers.plaintext_bits.value() {
        if !(20..=MOST_PLAINTEXT_BITS as usize).contains(&set) {
            let what = format!(
                "{set}: needed 20 to {MOST_PLAINTEXT_BITS}; left at \"auto\", several primes are used where one is too small"
            );
            return Err(PlanError::field("numbers.plaintext_bits", what));
        }
        return Ok(if (set as u64) < u64::from(needed) {
            Err(set as f64)
        } else {
            Ok(vec![vec![set as u32]])
        });
    }
    let primes = needed.div_ceil(MOST_PLAINTEXT_BITS).max(1);
    if primes > MOST_PLAINTEXT_PRIMES {
        return Ok(Err(f64::from(MOST_PLAINTEXT_PRIMES * MOST_PLAINTEXT_BITS)));
    }
    // The largest prime of so many bits may lie well below the power of two: then one bit more.
    let each = needed.div_ceil(primes).max(20);
    Ok(Ok((each..=each + 1).map(|bits| vec![bits; primes as usize]).collect()))
}

/// The logarithm of the dimension of a small ring.
const SMALL_LOG_N: u32 = 8;

/// The logarithm of the dimension of the smallest ring at 128 bits.
const SMALLEST_LOG_N: u32 = 13;

/// Logarithms of the ring dimensions to try.
pub(crate) fn dimensions(recipe: &Recipe, security: Security<'_>) -> Result<Vec<u32>> {
    if security != Security::Standard {
        return Ok(vec![SMALL_LOG_N]);
    }
    match recipe.parameters.ring_dimension.value() {
        None => Ok(vec![13, 14, 15]),
        Some(n @ (8192 | 16384 | 32768)) => Ok(vec![n.ilog2()]),
        Some(value) => Err(PlanError::field(
            "parameters.ring_dimension",
            format!("{value}: needed 8192, 16384 or 32768"),
        )),
    }
}

/// Chains of a ring dimension, fewest primes first: bits of the primes of `Q`, the first of which may be larger, and of
/// the special prime, which is larger than any by what key-switching noise needs.
pub(crate) fn chains(log_n: u32) -> Vec<(Vec<u32>, u32)> {
    // Small rings, which protect nothing, take the chains of the smallest ring that does.
    let cap = max_log_qp(log_n.max(SMALLEST_LOG_N), SecretDistribution::UniformTernary).unwrap_or(0.0) as u32;
    let mut chains = Vec::new();
    for primes in 2..=16u32 {
        for (above, margin) in (0..=6).flat_map(|above| (1..=5).rev().map(move |margin| (above, margin))) {
            // The largest primes of a shape: fewer bits of the same number of primes cost as much.
            let fits = |q: &u32| primes * q + above + (q + above + margin) <= cap && q + above + margin <= 50;
            if let Some(q) = (30..=49).rev().find(fits) {
                let mut chain = vec![q; primes as usize];
                chain[0] += above;
                chains.push((chain, q + above + margin));
            }
        }
    }
    chains
}

/// The instances of a chain, with the first plaintext primes that hold integers of magnitude `bound`.
pub(crate) fn instances(
    log_n: u32,
    bits: &[Vec<u32>],
    (q_bits, special): (&[u32], u32),
    bound: i128,
    security: Security<'_>,
    scheme: Scheme,
) -> Result<Vec<Instance>> {
    for bits in bits {
        let mut out: Vec<Instance> = Vec::new();
        for &bits in bits {
            let taken: Vec<u64> = out.iter().map(|instance| instance.spec.plaintext_modulus).collect();
            let spec = Spec {
                log_n,
                plaintext_modulus: Spec::slot_modulus_except(log_n, bits, &taken)?,
                q_bits: q_bits.to_vec(),
                p_bits: vec![special],
                digit: 1,
            };
            let params = match security {
                Security::Standard => spec.build()?,
                Security::InsecureSmall(reason) => spec.build_insecure(reason)?,
            };
            let form = IntegerForm::new(scheme, &params);
            out.push(Instance { spec, params, form });
        }
        let product: i128 = out.iter().map(|instance| i128::from(instance.spec.plaintext_modulus)).product();
        if bound < product / 2 {
            return Ok(out);
        }
    }
    let bits = bits.first().and_then(|bits| bits.first()).copied().unwrap_or(0);
    let what =
        format!("{bits}: the largest prime of so many bits is too small for the values: needed one bit more");
    Err(PlanError::field("numbers.plaintext_bits", what))
}
