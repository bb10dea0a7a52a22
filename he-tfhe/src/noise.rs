//! Noise and failure probability.
//!
//! Variances relative to the torus, for binary keys; `B` and `l` of the blind rotation, `b` and `L` of the key switch, `u`
//! unrolled bits, `R = (k+1)·l` rows:
//!
//! ```text
//! blind rotation   n/u · [ (2^u − 1)·2·R·N·σ²·(4^B + 2)/12 + 2·(1 − 2^−u)·(1 + kN/2)·4^(−Bl)/12 ]
//! key switch       kN·L·σ_lwe²·(4^b + 2)/12 + kN/24·4^(−bL)
//! modulus switch   (n/48 + 1/12)/(2N)²
//! to 32 bits       (1 + kN/2)/12·2^(−64)
//! ```
//!
//! after Chillotti et al. 2020, theorem 4.5 and Chillotti, Joye and Paillier 2021; digits are uniform, rounding errors too,
//! half of the key bits are 1. A step of the blind rotation multiplies with `Σ_T (X^{a_T} − 1)·GGSW(s_T)` over the parts `T` of
//! its `u` bits, exactly one of which is the one that is 1: hence the factors. The modulus switch is the mean-compensated one
//! (Bernard et al. 2025). A bootstrap finds the box of `phase + noise` if the noise stays below half a box, `2^{−(p+2)}` for
//! `p` bits behind a padding bit, so it fails with probability `erfc(2^{−(p+2)}/(σ·√2))`.

use crate::spec::{Decomposition, Spec};

/// Variances of the stages, and the failure probability that follows.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// let spec = Spec::message_2_carry_2_failure_64();
/// let prediction = noise::predict(&spec);
/// assert!(prediction.failure <= spec.failure && prediction.bootstrap < prediction.total);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Of the output of a bootstrap, in 32 bits.
    pub bootstrap: f64,
    /// Added by a key switch.
    pub key_switch: f64,
    /// Added by the modulus switch to `2N`.
    pub modulus_switch: f64,
    /// Of the mod-switched phase, in the worst case of the specification.
    pub total: f64,
    /// `log2` of the probability that a bootstrap fails, in the worst case.
    pub failure: f64,
}

/// `4^(−B·l)` of a gadget: the square of the unit of its lowest digit.
fn unit(gadget: Decomposition) -> f64 {
    (-2.0 * f64::from(gadget.base_log) * gadget.levels as f64).exp2()
}

/// Variance of the output of a blind rotation by a gadget.
pub fn blind_rotation(spec: &Spec, gadget: Decomposition) -> f64 {
    let (n, u) = (spec.lwe_dimension as f64, spec.unroll as f64);
    let parts = u.exp2() - 1.0;
    let key = external_product(spec, gadget);
    n / u * (2.0 * parts * key + 2.0 * parts / (parts + 1.0) * rounding(spec, gadget))
}

/// Variance that the noise of a GGSW ciphertext of the key adds in an external product.
fn external_product(spec: &Spec, gadget: Decomposition) -> f64 {
    let rows = (spec.glwe_dimension as f64 + 1.0) * gadget.levels as f64;
    rows * spec.polynomial_size as f64 * glwe(spec) * digit(gadget.base_log)
}

/// Variance of a ciphertext made with the public key, modulo `q`: `σ²·(1 + kN/2 + 2kN/3)`.
pub fn public_key(spec: &Spec) -> f64 {
    glwe(spec) * (1.0 + spec.big_dimension() as f64 * 7.0 / 6.0)
}

/// Variance of the noise of a key modulo `q`.
fn glwe(spec: &Spec) -> f64 {
    (2.0 * spec.glwe_noise).exp2()
}

/// Variance that the rounding of a decomposition adds to a phase.
fn rounding(spec: &Spec, gadget: Decomposition) -> f64 {
    (1.0 + spec.big_dimension() as f64 / 2.0) / 12.0 * unit(gadget)
}

/// Variance that an automorphism with its key switch adds.
fn automorphism(spec: &Spec, packing: Decomposition) -> f64 {
    let dimension = spec.big_dimension() as f64;
    let key = dimension * packing.levels as f64 * glwe(spec) * digit(packing.base_log);
    key + dimension / 24.0 * unit(packing)
}

/// Variance that packing adds to each coefficient; zero for parameters that do not pack.
pub fn packing(spec: &Spec) -> f64 {
    let n = spec.polynomial_size as f64;
    spec.packing.map_or(0.0, |packing| (n * n - 1.0) / 3.0 * automorphism(spec, packing))
}

/// Variance of the output of `count` selections by circuit-bootstrapped bits, one after the other; zero without a
/// circuit part.
///
/// The row of the body has the noise `e` of the blind rotation as a constant and that of the trace, whose squares sum to
/// `N²` automorphisms'; the rows of the masks have its products with a polynomial of the key, half of whose coefficients are
/// 1, and that of the external product.
pub fn selections(spec: &Spec, count: u32) -> f64 {
    let Some((circuit, packing)) = spec.circuit.zip(spec.packing) else { return 0.0 };
    let n = spec.polynomial_size as f64;
    let body = blind_rotation(spec, circuit.rotation) + n * n * automorphism(spec, packing);
    let product = external_product(spec, packing) + rounding(spec, packing);
    let masks = spec.big_dimension() as f64 * (body / 2.0 + product);
    let key = circuit.ggsw.levels as f64 * digit(circuit.ggsw.base_log) * (body + masks);
    f64::from(count) * (key + rounding(spec, circuit.ggsw))
}

/// Mean square of a balanced digit.
fn digit(base_log: u32) -> f64 {
    ((2.0 * f64::from(base_log)).exp2() + 2.0) / 12.0
}

/// Variance that a key switch to the short key adds.
pub fn key_switch(spec: &Spec) -> f64 {
    let (dimension, levels, base_log) =
        (spec.big_dimension() as f64, spec.key_switch.levels, spec.key_switch.base_log);
    let key = dimension * levels as f64 * (2.0 * spec.lwe_noise).exp2() * digit(base_log);
    key + dimension / 24.0 * unit(spec.key_switch)
}

/// Variance that the modulus switch from `2^32` to `2N/2^spare` adds.
pub fn modulus_switch(spec: &Spec, spare: u32) -> f64 {
    let steps = 2.0 * spec.polynomial_size as f64 / f64::from(spare).exp2();
    (spec.lwe_dimension as f64 / 48.0 + 1.0 / 12.0) / (steps * steps)
}

/// Variance that the switch from `q` to `2^32` adds.
pub fn to_32_bits(spec: &Spec) -> f64 {
    (1.0 + spec.big_dimension() as f64 / 2.0) / 12.0 / 64_f64.exp2()
}

/// `log2` of the probability that noise of `variance` takes a phase out of a box of `messages` on the half torus.
pub fn failure(variance: f64, messages: u64) -> f64 {
    log2_erfc(0.25 / messages as f64 / (2.0 * variance).sqrt())
}

/// The largest variance with which a phase leaves a box of `boxes` on the half torus, and `tolerance` more, with a
/// probability of at most `2^failure`.
pub fn allowed_variance(failure: f64, boxes: u64, tolerance: f64) -> f64 {
    // erfc(z) falls: bisection.
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..80 {
        let z = (low + high) / 2.0;
        if log2_erfc(z) > failure { low = z } else { high = z }
    }
    let distance = (0.25 + 0.5 * tolerance) / boxes as f64;
    (distance / high).powi(2) / 2.0
}

/// Probabilities that a lookup in a table of `boxes` on the half torus is off by `0, ±1, …, ±(most − 1)` boxes, of at most
/// 65,536 and of no more than there are on the torus; the input is
/// uniform within its box and has noise of `variance`, that of the key switch and of the modulus switch included.
#[doc(alias = "reading_errors")]
pub fn lookup_errors(variance: f64, boxes: u64, most: usize) -> Vec<f64> {
    // With x uniform in [−1/2, 1/2] of a box and noise of deviation s boxes, P(round(x + noise) = d) is the integral of the
    // normal distribution over a triangle, in closed form by G(t) = E max(0, t − noise).
    let deviation = variance.sqrt() * 2.0 * boxes as f64;
    let g = |t: f64| {
        let z = t / deviation;
        let below = 1.0 - 0.5 * (log2_erfc_signed(z / std::f64::consts::SQRT_2)).exp2();
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        t * below + deviation * density
    };
    let at = |d: f64| g(d + 1.0) - 2.0 * g(d) + g(d - 1.0);
    let most = most.min(1 << 16).min(usize::try_from(boxes).map_or(1 << 16, |boxes| boxes.saturating_mul(2)));
    (0..most).map(|d| if d == 0 { at(0.0) } else { 2.0 * at(d as f64) }).collect()
}

/// `log2 erfc(z)` for any `z`.
fn log2_erfc_signed(z: f64) -> f64 {
    if z >= 0.0 { log2_erfc(z) } else { (2.0 - log2_erfc(-z).exp2()).log2() }
}

/// Variances and failure probability of a specification.
pub fn predict(spec: &Spec) -> Prediction {
    let bootstrap = blind_rotation(spec, spec.rotation) + to_32_bits(spec);
    let (key_switch, modulus_switch) = (key_switch(spec), modulus_switch(spec, 0));
    let wide = spec.circuit.map_or(0.0, |circuit| selections(spec, circuit.table_bits) + to_32_bits(spec));
    let total = wide.max(spec.squared_norm * bootstrap) + key_switch + modulus_switch;
    let failure = failure(total, spec.messages().min(1 << 32));
    Prediction { bootstrap, key_switch, modulus_switch, total, failure }
}

/// `log2 erfc(z)` for `z ≥ 0`, to six digits: the series below 2, the continued fraction above.
pub fn log2_erfc(z: f64) -> f64 {
    let root = std::f64::consts::PI.sqrt();
    if z < 2.0 {
        let (mut term, mut sum) = (z, z);
        for i in 1..80 {
            let i = f64::from(i);
            term *= -z * z / i;
            sum += term / (2.0 * i + 1.0);
        }
        return (1.0 - 2.0 / root * sum).log2();
    }
    // Lentz's fraction from its end: z + (1/2)/(z + 1/(z + (3/2)/(z + …))).
    let tail = (1..120).rev().fold(z, |tail, i| z + f64::from(i) / 2.0 / tail);
    -z * z * std::f64::consts::LOG2_E - (root * tail).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowed_variance_is_the_inverse_of_the_failure() {
        for (bits, boxes) in [(-40.0, 16), (-128.0, 16), (-6.0, 2), (-10.0, 256)] {
            let variance = allowed_variance(bits, boxes, 0.0);
            assert!((failure(variance, boxes) - bits).abs() < 1e-6);
            assert!(allowed_variance(bits, boxes, 1.0) > 8.99 * variance);
        }
    }

    #[test]
    fn lookup_errors_are_distributed_as_drawn_ones() {
        // Uniform points and normal noise by quantiles, on a grid.
        let (boxes, variance) = (64_u64, 2_f64.powf(-9.72 * 2.0));
        let predicted = lookup_errors(variance, boxes, 4);
        let deviation = variance.sqrt() * 128.0;
        let (mut counts, steps) = ([0.0; 4], 2000);
        for i in 0..steps {
            let x = (f64::from(i) + 0.5) / f64::from(steps) - 0.5;
            for j in -600..=600 {
                let z = f64::from(j) / 100.0;
                let weight =
                    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / 100.0 / f64::from(steps);
                counts[(x + z * deviation).round().abs() as usize] += weight;
            }
        }
        for (predicted, count) in predicted.iter().zip(counts) {
            assert!((predicted - count).abs() < 2e-3, "{predicted} {count}");
        }
        assert!((predicted.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_error_function_has_its_known_values() {
        for (z, value) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122),
            (1.0, 0.157_299_207),
            (2.0, 0.004_677_734_98),
            (3.0, 2.209_049_7e-5),
        ] {
            assert!((log2_erfc(z) - f64::log2(value)).abs() < 1e-5, "erfc({z})");
        }
        // erfc(9.2) = 1.06e-38 or 2^-126.1.
        assert!((log2_erfc(9.2) + 126.15).abs() < 0.1);
        assert!((log2_erfc(1.999_999) - log2_erfc(2.000_001)).abs() < 1e-4);
    }
}
