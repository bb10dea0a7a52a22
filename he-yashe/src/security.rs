//! Bounds on the modulus.
//!
//! The lattice of `h = t·g/f` with `f = t·f' + 1` is, divided by `t`, that of the ternary pair `(f', g)` modulo `q/t`: `q/t` is the
//! modulus that counts. Beyond the *fatigue point* `0.004·n^2.484` (Ducas, van Woerden 2021) the attack that finds the dense
//! sublattice (Albrecht, Bai, Ducas 2016; Kirchner, Fouque 2017) is the cheapest one: parameters there are *overstretched*. All
//! parameters of this crate are. The table has the largest `log2(q/t)` at which that attack needs blocks of 438 or more, `2^128`
//! by the core-SVP count, with the formulas of Ducas and van Woerden; less one bit.

/// `(log2 n, log2(q/t) at block size 438)`.
const DENSE_SUBLATTICE: [(u32, f64); 5] = [(13, 62.0), (14, 91.0), (15, 135.0), (16, 198.0), (17, 291.0)];

/// The largest `log2(q/t)` that is taken in dimension `2^log_n`, or `None` where there is no estimate.
pub fn max_log_ratio(log_n: u32) -> Option<f64> {
    DENSE_SUBLATTICE.iter().find(|(n, _)| *n == log_n).map(|(_, ratio)| ratio - 1.0)
}

/// `log2` of the fatigue point in dimension `2^log_n`: a larger `q/t` is overstretched.
pub fn log_fatigue_point(log_n: u32) -> f64 {
    0.004f64.log2() + 2.484 * f64::from(log_n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_beyond_the_fatigue_point() {
        let expected =
            [(13, 61.0, 24.3), (14, 90.0, 26.8), (15, 134.0, 29.3), (16, 197.0, 31.8), (17, 290.0, 34.3)];
        for (log_n, bound, fatigue) in expected {
            assert_eq!(max_log_ratio(log_n), Some(bound));
            assert!((log_fatigue_point(log_n) - fatigue).abs() < 0.05, "{log_n}");
        }
        assert_eq!((max_log_ratio(12), max_log_ratio(18)), (None, None));
        // The published parameters, n = 4096 and log q from 127 on, have no bound here that they could keep.
        assert!(log_fatigue_point(12) < 22.0);
    }
}
