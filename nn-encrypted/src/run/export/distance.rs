//! How much a shown model can tell of the key.
//!
//! Decrypted numbers `x + e` carry errors `e` that are a function of the key (Li, Micciancio, Eurocrypt 2021). Shown is
//! `x + e + g`, rounded, with Gaussian noise `g` of deviation `σ` for each number. Against `x + g`, which does not depend on the
//! errors, its Rényi divergence of order `α` is `α·‖e‖²/2σ²`: for `W` numbers with errors of root mean square `ε`
//!
//! ```text
//! R_α = α·D,    D = W·ε²/2σ²    (in nats; order 1 is the Kullback-Leibler divergence)
//! ```
//!
//! Rounding, and whatever else is done with what is shown, only lessens it. Publications of one key add their `D`. From `D` follow
//!
//! * a statistical distance of at most `√(D/2)` (Pinsker): nobody who has the file, and everything that the server saw, decides
//!   anything with an advantage that is larger by more than that;
//! * for a search, such as for the whole key, that succeeds with probability `2^−κ` otherwise: at most
//!   `2^{−(1−1/α)·(κ − α·D·log2 e)}` for every `α > 1` (Bai, Langlois, Lepoint, Stehlé, Steinfeld, Asiacrypt 2015); best is
//!   `α = √(κ/(D·log2 e))`, which costs `2·√(κ·D·log2 e) − D·log2 e` bits.
//!
//! Li, Micciancio, Schultz and Sorrell (Crypto 2022) have the same noise, chosen for `κ` bits of a game in which everything is
//! decided by advantages: `D ≤ 2^−κ`, far more noise than weights can bear. What is promised here is a distance.

use std::f64::consts::LOG2_E;
use std::fmt;
use std::str::FromStr;

/// A statistical distance, by its logarithm.
///
/// ```
/// # use nn_encrypted::run::Distance;
/// let distance: Distance = "2^-10".parse().unwrap();
/// assert_eq!(distance, "0.0009765625".parse().unwrap());
/// assert_eq!(distance.to_string(), "2^-10");
/// assert!("2".parse::<Distance>().is_err() && "2^1".parse::<Distance>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Distance {
    log2: f64,
}

impl Distance {
    /// The largest distance that needs no word of the owner: 2^-10.
    pub(crate) const UNASKED: Self = Self { log2: -10.0 };
    /// None at all.
    pub(crate) const ZERO: Self = Self { log2: f64::NEG_INFINITY };

    /// The distance `2^log2`; at most 1.
    pub(super) fn from_log2(log2: f64) -> Self {
        Self { log2: log2.min(0.0) }
    }

    /// `√(D/2)` of a divergence in nats.
    pub(super) fn of_divergence(divergence: f64) -> Self {
        Self::from_log2((divergence / 2.0).log2() / 2.0)
    }

    /// Its logarithm to base 2.
    #[must_use]
    pub(crate) fn log2(self) -> f64 {
        self.log2
    }
}

impl fmt::Display for Distance {
    /// As a power of two, rounded up to a tenth: never smaller than it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.log2 == f64::NEG_INFINITY {
            return f.write_str("0");
        }
        write!(f, "2^{}", (self.log2 * 10.0 - 1e-9).ceil() / 10.0)
    }
}

impl FromStr for Distance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let log2 = match text.trim().strip_prefix("2^") {
            Some(exponent) => exponent.parse::<f64>().ok(),
            None => text.trim().parse::<f64>().ok().filter(|value| *value > 0.0).map(f64::log2),
        };
        match log2 {
            Some(log2) if log2.is_finite() && log2 <= 0.0 => Ok(Self { log2 }),
            _ => Err("a distance such as 2^-6, more than 0 and at most 1, is needed".to_owned()),
        }
    }
}

/// `D` of `count` numbers whose errors have a root mean square, behind noise of a deviation.
pub(super) fn divergence(count: usize, error: f64, deviation: f64) -> f64 {
    count as f64 * (error / deviation).powi(2) / 2.0
}

/// Fractional bits at which noise of deviation `2^-bits` keeps a distance: as many as possible.
pub(super) fn bits_for(count: usize, error: f64, distance: Distance) -> f64 {
    // 2^{log2 distance} = √count·ε·2^bits/2.
    (distance.log2 + 1.0 - error.log2() - (count as f64).log2() / 2.0).floor()
}

/// Of so many bits of security against finding the key: how many are left with the file at hand.
pub(super) fn search_bits(bits: f64, divergence: f64) -> f64 {
    let each = divergence * LOG2_E;
    if each >= bits {
        return 0.0;
    }
    (bits - 2.0 * (bits * each).sqrt() + each).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The distance of two Gaussians whose means are `shift` deviations apart: `2·Φ(shift/2) − 1`, by a sum over small steps.
    fn naive(shift: f64) -> f64 {
        let step = shift / 2000.0;
        let density = |i: u32| (-((f64::from(i) + 0.5) * step).powi(2) / 2.0).exp();
        2.0 * (0..1000).map(density).sum::<f64>() * step / (2.0 * std::f64::consts::PI).sqrt()
    }

    #[test]
    fn the_bound_is_above_the_true_distance_of_two_gaussians_and_close_to_it() {
        for log2 in [-12, -8, -4, -2] {
            // In any number of dimensions.
            let shift = f64::from(log2).exp2();
            let exact = naive(shift);
            let bound = Distance::of_divergence(divergence(100, shift / 10.0, 1.0)).log2().exp2();
            assert!(exact < bound && bound < 1.3 * exact, "{exact} {bound}");
        }
    }

    #[test]
    fn a_divergence_is_that_of_gaussians() {
        // ∫ p·ln(p/q) for p around 0 and q around 0.5, deviation 2.
        let (step, deviation, shift) = (1e-3, 2.0_f64, 0.5);
        let log = |x: f64, mean: f64| -(x - mean).powi(2) / (2.0 * deviation * deviation);
        let unit = step / (deviation * (2.0 * std::f64::consts::PI).sqrt());
        let points = (-20_000..20_000).map(|i| f64::from(i) * step);
        let sum: f64 = points.map(|x| log(x, 0.0).exp() * (log(x, 0.0) - log(x, shift)) * unit).sum();
        assert!((sum - divergence(1, shift, deviation)).abs() < 1e-6, "{sum}");
    }

    proptest! {
        #[test]
        fn as_many_bits_as_the_distance_allows(count in 1_usize..1_000_000, error in -40.0_f64..-5.0, log2 in -40.0_f64..-1.0) {
            let (error, most) = (error.exp2(), Distance::from_log2(log2));
            let bits = bits_for(count, error, most);
            let at = |bits: f64| Distance::of_divergence(divergence(count, error, (-bits).exp2()));
            prop_assert!(at(bits).log2() <= log2 + 1e-9 && at(bits + 1.0).log2() > log2 - 1e-9);
        }

        #[test]
        fn no_order_gives_more_than_the_best(bits in 40.0_f64..256.0, log2 in -60.0_f64..-2.0, order in 1.001_f64..1e6) {
            let divergence = log2.exp2();
            let of_order = (1.0 - 1.0 / order) * (bits - order * divergence * LOG2_E);
            prop_assert!(of_order <= search_bits(bits, divergence) + 1e-6);
        }

        #[test]
        fn what_is_printed_is_read_again_and_not_smaller(log2 in -200.0_f64..0.0) {
            let distance = Distance::from_log2(log2);
            let read: Distance = distance.to_string().parse().unwrap();
            prop_assert!(read.log2() >= log2 - 1e-8 && read.log2() < log2 + 0.11);
        }
    }
}
