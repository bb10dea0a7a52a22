//! Parameters of CKKS: chains of primes for the levels between two refreshes.

use he_ckks::BootstrapSpec;
pub(crate) use he_ckks::{Parameters, Spec};
use he_core::rlwe::security::max_log_qp;

use crate::plan::{PlanError, Result};
use crate::recipe::{Recipe, Secret};

/// Rings without bootstrapping, smallest first: the logarithm of the dimension, and levels of the deepest chain at 128 bits.
const LEVELED: [(u32, usize); 2] = [(14, 7), (15, 16)];
/// The ring of bootstrapping. Deeper chains would need scales at which a bootstrap is right to less than 22 bits: at 37 bits and a
/// uniform secret weights were wrong by 10^-4 after two steps.
const BOOTSTRAPPED: (u32, usize) = (16, 11);

/// Rings to try, with the levels of their deepest chains.
pub(crate) fn rings(recipe: &Recipe, bootstraps: bool) -> Result<Vec<(u32, usize)>> {
    let all: &[_] = if bootstraps { &[BOOTSTRAPPED] } else { &LEVELED };
    let Some(set) = recipe.parameters.ring_dimension.value() else { return Ok(all.to_vec()) };
    let found: Vec<_> = all.iter().copied().filter(|(log_n, _)| set == 1 << log_n).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let needed: Vec<String> = all.iter().map(|(log_n, _)| (1_u32 << log_n).to_string()).collect();
    let what = format!("{set}: needed {} of layers in ckks", needed.join(" or "));
    Err(PlanError::field("parameters.ring_dimension", what))
}

/// The chain of primes for so many levels, and as much precision as 128 bits of security leave.
pub(crate) fn chain(recipe: &Recipe, bootstraps: bool, log_n: u32, levels: usize) -> Spec {
    if !bootstraps {
        let spec = if log_n == LEVELED[0].0 { Spec::n16384() } else { Spec::n32768() };
        return Spec { levels, ..spec };
    }
    let spec = match recipe.parameters.secret {
        Secret::Uniform => Spec::bootstrap_uniform(),
        Secret::Sparse => Spec::bootstrap_sparse(),
    };
    // Primes are not exactly as large as their bits say: together they are off by less than one.
    let most = max_log_qp(log_n, spec.secret).unwrap_or(0.0) as u32 - 1;
    let fits = |spec: &Spec| {
        let Some(b) = &spec.bootstrap else { return true };
        let upper = b.modular_levels() + b.coefficients_to_slots;
        let user = (spec.levels + b.slots_to_coefficients) as u32 * spec.scale_bits;
        spec.first_bits + user + upper as u32 * b.modular_bits + spec.special_bits.iter().sum::<u32>() <= most
    };
    // Values far below the first prime need fewer terms of the sine series.
    let with = |scale_bits: u32| {
        let terms = if spec.first_bits - scale_bits >= 8 { 2 } else { 3 };
        let bootstrap = spec.bootstrap.clone().map(|b| BootstrapSpec { terms, ..b });
        Spec { levels, scale_bits, bootstrap, ..spec.clone() }
    };
    let least = spec.scale_bits - 5;
    (least..=spec.scale_bits).rev().map(with).find(fits).unwrap_or_else(|| with(least))
}

pub(crate) fn build(spec: &Spec) -> Result<Parameters> {
    Ok(spec.build()?)
}

/// The logarithms of the dimensions of small rings.
pub(crate) const SMALL_LOG_N: std::ops::RangeInclusive<u32> = 8..=11;

/// A chain in a small ring.
pub(crate) fn build_insecure(spec: &Spec, log_n: u32, reason: &str) -> Result<Parameters> {
    Ok(Spec { log_n, ..spec.clone() }.build_insecure(reason)?)
}
