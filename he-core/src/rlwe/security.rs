//! Largest moduli at 128 bits of classical security.
//!
//! The bounds are on `log2(Q·P)`, the modulus of the key-switching keys, for errors of deviation 3.19 or more.
//!
//! * Uniform ternary secrets: Bossuat et al., *Security Guidelines for Implementing Homomorphic Encryption*
//!   (ePrint 2024/463), table for classical security, the stricter of its two cost models (MATZOV). 1 to 13
//!   bits below the table of the 2018 standard.
//! * Sparse ternary secrets: the hybrid attack with meet-in-the-middle decides. The caps for weight 192 and more, and the
//!   estimates they follow from, are in `docs/security/sparse-secrets.md`; dimensions below `2^15` are refused.
//! * Thin ternary secrets, of weight 32 to 191, are for the short-lived keys of bootstrapping alone, whose modulus is two
//!   primes (sparse-secret encapsulation; Bossuat, Troncoso-Pastoriza, Hubaux 2022): the cap leaves room for nothing else.

use super::distribution::SecretDistribution;

/// `(log2 N, log2 of the largest Q·P)` for uniform ternary secrets.
const UNIFORM_TERNARY: [(u32, f64); 8] =
    [(10, 26.0), (11, 53.0), (12, 106.0), (13, 214.0), (14, 430.0), (15, 868.0), (16, 1747.0), (17, 3523.0)];

/// `(log2 N, log2 of the largest Q·P)` for ternary secrets of Hamming weight at least 192.
const SPARSE_192: [(u32, f64); 3] = [(15, 785.0), (16, 1590.0), (17, 3200.0)];

/// `(log2 N, log2 of the largest Q·P)` for ternary secrets of Hamming weight at least 32.
const SPARSE_32: [(u32, f64); 2] = [(15, 105.0), (16, 121.0)];

/// The least deviation for which the tables hold.
pub const MIN_SIGMA: f64 = 3.19;

/// `(a, b)` of the line `log2(σ/q) = a·dimension + b` for binary secrets.
const BINARY: (f64, f64) = (-0.0249, 2.66);

/// The least dimension on that line.
const LEAST_BINARY: usize = 450;

/// The least `log2(σ/q)` of an error at 128 bits for a binary secret of the given dimension, or `None` below dimension 450.
///
/// The line lies 0.1 to 1.4 bits above what the lattice estimator gives for 128 bits (`docs/security/binary-secrets.md`). It
/// holds together with [`MIN_SIGMA`] and for moduli of at most 52 bits.
pub fn min_binary_log_sigma(dimension: usize) -> Option<f64> {
    let (a, b) = BINARY;
    (dimension >= LEAST_BINARY).then_some(a * dimension as f64 + b)
}

/// Largest `log2(Q·P)` at 128 bits, or `None` where no value is known to be secure.
pub fn max_log_qp(log_n: u32, secret: SecretDistribution) -> Option<f64> {
    let table: &[(u32, f64)] = match secret {
        SecretDistribution::UniformTernary => &UNIFORM_TERNARY,
        SecretDistribution::SparseTernary { weight } if weight >= 192 => &SPARSE_192,
        SecretDistribution::SparseTernary { weight } if weight >= 32 => &SPARSE_32,
        SecretDistribution::SparseTernary { .. } => return None,
    };
    table.iter().find(|(n, _)| *n == log_n).map(|(_, cap)| *cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_binary_secrets_lies_above_the_estimates() {
        // Dimension and log2(σ/q) at 128 bits: the lattice estimator, classical, the better of usvp and dual hybrid attack.
        let estimates = [
            (500, -10.5),
            (550, -11.8),
            (600, -13.0),
            (750, -16.9),
            (900, -20.9),
            (1000, -23.4),
            (2048, -48.3),
        ];
        for (dimension, estimate) in estimates {
            let least = min_binary_log_sigma(dimension).unwrap();
            assert!(least >= estimate - 0.1, "{dimension}: 2^{least}");
        }
        assert_eq!(min_binary_log_sigma(449), None);
    }

    #[test]
    fn sparse_caps_lie_below_the_uniform_ones_and_thinner_secrets_have_none() {
        for (log_n, cap) in SPARSE_192 {
            let uniform = max_log_qp(log_n, SecretDistribution::UniformTernary).unwrap();
            assert!(cap < uniform);
        }
        assert_eq!(max_log_qp(16, SecretDistribution::SparseTernary { weight: 191 }), Some(121.0));
        assert_eq!(max_log_qp(17, SecretDistribution::SparseTernary { weight: 191 }), None);
        assert_eq!(max_log_qp(16, SecretDistribution::SparseTernary { weight: 31 }), None);
        assert_eq!(max_log_qp(14, SecretDistribution::SparseTernary { weight: 192 }), None);
        assert_eq!(max_log_qp(9, SecretDistribution::UniformTernary), None);
    }
}
