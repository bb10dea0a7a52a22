//! Parameters of YASHE: within the bound that the attack on the dense sublattice leaves, and beyond the fatigue point all the same.

pub(crate) use he_yashe::Parameters;
use he_yashe::Spec;
use he_yashe::security::{log_fatigue_point, max_log_ratio};

use crate::engine::columns::Channel;
use crate::plan::{SchemeUse, Security};

/// Why a broken scheme is built.
const REASON: &str = "the recipe rebuilds a published system, and its report says that the scheme is broken";
/// Bits of a digit of key switching.
const DIGIT_BITS: u32 = 22;
/// Logarithms of the dimensions that are tried.
pub(crate) const DIMENSIONS: [u32; 2] = [15, 16];
/// That of a small ring.
const SMALL_LOG_N: u32 = 8;
/// Plaintext primes, at most.
const MOST_PRIMES: u32 = 4;
/// Bits of a plaintext prime, at least.
const LEAST_BITS: u32 = 20;
/// Bits of a plaintext prime, at most.
const MOST_BITS: u32 = 30;

/// `log2(q/t)`, at most, of any dimension that is tried.
pub(crate) fn most_log_ratio() -> f64 {
    DIMENSIONS.iter().filter_map(|&log_n| max_log_ratio(log_n)).fold(0.0, f64::max)
}

/// Levels that are possible at all: products with a plaintext, which are the cheapest, of plaintext primes of the fewest bits, from a
/// fresh ciphertext on.
pub(crate) fn most_levels() -> usize {
    let [n, t] = [f64::from(1u32 << DIMENSIONS[1]), f64::from(LEAST_BITS)];
    let fresh = t + (11.05 * 2.0 * n / 3.0).log2() / 2.0;
    let plaintext = t + (n / 12.0).log2() / 2.0;
    ((most_log_ratio() - fresh) / plaintext) as usize
}

/// Logarithms of the dimensions to try.
pub(crate) fn dimensions(security: Security<'_>) -> Vec<u32> {
    if security == Security::Standard { DIMENSIONS.to_vec() } else { vec![SMALL_LOG_N] }
}

/// Numbers of plaintext primes to try for integers of so many bits, with the bits of each.
pub(crate) fn plaintext_bits(needed: u32) -> impl Iterator<Item = (usize, u32)> {
    let each = move |primes: u32| (primes as usize, needed.div_ceil(primes).max(LEAST_BITS));
    (1..=MOST_PRIMES).map(each).filter(|(_, bits)| *bits <= MOST_BITS)
}

/// Bits that plaintext primes hold, at most.
pub(crate) fn most_plaintext_bits() -> u32 {
    MOST_PRIMES * MOST_BITS
}

/// Parameters of a dimension and a plaintext prime, fewest primes first.
pub(crate) fn chains(log_n: u32, t: u64, security: Security<'_>) -> Vec<Parameters> {
    let log_t = (t as f64).log2();
    let most = max_log_ratio(log_n).unwrap_or_else(most_log_ratio) + log_t;
    let with = |primes: u32| {
        let bits = (most as u32 / primes).min(50);
        let spec =
            Spec { log_n, plaintext_modulus: t, q_bits: vec![bits; primes as usize], digit_bits: DIGIT_BITS };
        match security {
            Security::Standard => spec.build_legacy(REASON).ok(),
            Security::InsecureSmall(reason) => spec.build_insecure(reason).ok(),
        }
    };
    (2..=6).filter_map(with).collect()
}

/// The scheme of a plaintext prime, as a report says it.
pub(crate) fn scheme_use(channel: &Channel) -> SchemeUse {
    match channel {
        Channel::Integers(form) => {
            let (rlwe, name) = (form.params().rlwe(), form.scheme().name());
            let plaintext = format!("integers modulo {}", form.params().t().value());
            SchemeUse::of_rlwe(name, rlwe, plaintext, rlwe.margin(name).into_iter().collect())
        }
        Channel::Yashe(params) => {
            let (t, ratio, log_n) = (params.t().value(), params.log_ratio(), params.spec().log_n);
            let yes = if params.is_overstretched() { "yes" } else { "no" };
            let fatigue = log_fatigue_point(log_n);
            SchemeUse {
                name: "yashe".into(),
                ring_dimension: params.n(),
                log_qp: ratio + (t as f64).log2(),
                plaintext: format!(
                    "integers modulo {t}, log2 q/t = {ratio:.1}, overstretched: {yes} (beyond 2^{fatigue:.1})"
                ),
                // By the block size of the attack on the dense sublattice; none where there is no bound.
                security_bits: params.margin().map(|_| 128),
                margins: params.margin().into_iter().collect(),
            }
        }
    }
}
