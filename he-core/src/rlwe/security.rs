//! Largest moduli at 128 bits of classical security.
//!
//! The bounds are on `log2(Q·P)`, the modulus of the key-switching keys, for errors of deviation 3.19 or more.
//!
//! * Uniform ternary secrets: Bossuat et al., *Security Guidelines for Implementing Homomorphic Encryption*
//!   (ePrint 2024/463), table for classical security, the stricter of its two cost models (MATZOV). 1 to 13
//!   bits below the table of the 2018 standard; at `2^16` and `2^17` another 1 and 4 bits lower.
//! * Sparse ternary secrets: the rotated hybrid attack (ePrint 2026/279) decides. The caps by weight, and the estimates
//!   they follow from, are in `docs/security/sparse-secrets.md`; dimensions other than `2^15` and `2^16` are refused.
//! * Ternary secrets of weight 32 are for the short-lived keys of bootstrapping alone, whose modulus is two
//!   primes (sparse-secret encapsulation; Bossuat, Troncoso-Pastoriza, Hubaux 2022): the cap leaves room for nothing else.
//!   Other weights below 192 are refused.

use super::distribution::SecretDistribution;

/// `(log2 N, log2 of the largest Q·P)` for uniform ternary secrets.
const UNIFORM_TERNARY: [(u32, f64); 8] =
    [(10, 26.0), (11, 53.0), (12, 106.0), (13, 214.0), (14, 430.0), (15, 868.0), (16, 1746.0), (17, 3519.0)];

/// The least Hamming weight, and `(log2 N, log2 of the largest Q·P)` for ternary secrets of that weight and more, heaviest first.
const SPARSE: [(usize, [(u32, f64); 2]); 3] = [
    (1024, [(15, 850.0), (16, 1705.0)]),
    (512, [(15, 825.0), (16, 1650.0)]),
    (192, [(15, 735.0), (16, 1475.0)]),
];

/// Hamming weight of the secrets of encapsulation.
const EPHEMERAL_WEIGHT: usize = 32;

/// `(log2 N, log2 of the largest Q·P)` for ternary secrets of exactly that weight.
const EPHEMERAL: [(u32, f64); 2] = [(15, 105.0), (16, 121.0)];

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
        SecretDistribution::SparseTernary { weight: EPHEMERAL_WEIGHT } => &EPHEMERAL,
        SecretDistribution::SparseTernary { weight } => {
            SPARSE.iter().find(|(least, _)| weight >= *least).map(|(_, table)| table)?
        }
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

    /// Weight, `log2 N`, and the largest modulus that the published tables of the rotated hybrid attack give 128 bits.
    const ROTATED_HYBRID: [(usize, u32, f64); 10] = [
        (192, 16, 1481.0),
        (256, 16, 1553.0),
        (512, 16, 1659.0),
        (1024, 16, 1714.0),
        (192, 15, 739.0),
        (256, 15, 774.0),
        (512, 15, 829.0),
        (1024, 15, 854.0),
        (32, 16, 349.0),
        (32, 15, 164.0),
    ];

    #[test]
    fn sparse_caps_lie_below_the_estimates_and_the_uniform_caps() {
        for (weight, log_n, estimate) in ROTATED_HYBRID {
            let cap = max_log_qp(log_n, SecretDistribution::SparseTernary { weight }).unwrap();
            assert!(cap < estimate, "weight {weight} at 2^{log_n}: {cap}");
            assert!(cap < max_log_qp(log_n, SecretDistribution::UniformTernary).unwrap());
        }
    }

    #[test]
    fn a_weight_has_the_cap_of_the_next_lighter_one_of_the_table() {
        let cap = |log_n, weight| max_log_qp(log_n, SecretDistribution::SparseTernary { weight });
        let caps = |weight| [cap(15, weight), cap(16, weight)];
        for (weights, expected) in [
            ([192, 511], [735.0, 1475.0]),
            ([512, 1023], [825.0, 1650.0]),
            ([1024, 1 << 15], [850.0, 1705.0]),
            ([32, 32], [105.0, 121.0]),
        ] {
            for weight in weights {
                assert_eq!(caps(weight), expected.map(Some), "weight {weight}");
            }
        }
        for weight in [0, 1, 31, 33, 64, 191] {
            assert_eq!(caps(weight), [None, None], "weight {weight}");
        }
        for (log_n, weight) in [(14, 192), (17, 192), (17, 1024), (17, 32), (14, 32)] {
            assert_eq!(cap(log_n, weight), None, "weight {weight} at 2^{log_n}");
        }
        assert_eq!(max_log_qp(9, SecretDistribution::UniformTernary), None);
        assert_eq!(max_log_qp(18, SecretDistribution::UniformTernary), None);
    }
}
