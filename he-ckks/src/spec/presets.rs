//! Presets at 128 bits of security.

use he_core::rlwe::SecretDistribution;

use super::Spec;
use super::bootstrap::{BootstrapSpec, Order};

impl Spec {
    /// Preset: `N = 8192`, 4096 slots, 3 levels of 36 bits; 128 bits of security (`log2 QP = 203 ≤ 214`).
    pub fn n8192() -> Self {
        Self {
            log_n: 13,
            first_bits: 45,
            scale_bits: 36,
            levels: 3,
            special_bits: vec![50],
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            bootstrap: None,
            congruence: 1,
        }
    }

    /// Preset: `N = 16384`, 8192 slots, 7 levels of 40 bits; 128 bits of security (`log2 QP = 378 ≤ 430`).
    pub fn n16384() -> Self {
        Self { log_n: 14, first_bits: 48, scale_bits: 40, levels: 7, ..Self::n8192() }
    }

    /// Preset: `N = 32768`, 16384 slots, 16 levels of 40 bits; 128 bits of security (`log2 QP = 838 ≤ 868`).
    pub fn n32768() -> Self {
        Self {
            log_n: 15,
            first_bits: 48,
            scale_bits: 40,
            levels: 16,
            special_bits: vec![50; 3],
            digit: 3,
            ..Self::n8192()
        }
    }

    /// Preset A: bootstrapping at `N = 65536`, 32,768 slots, with a sparse secret of weight 512; 9 levels of 41 bits.
    ///
    /// 128 bits of security (`log2 QP = 1577 ≤ 1650`, see `docs/security/sparse-secrets.md`). Attacks on sparse secrets are
    /// younger than those on uniform ones: prefer [`bootstrap_uniform`](Self::bootstrap_uniform).
    ///
    /// Of all slots: 25.6 bits of precision (rms, by the estimate), 9 levels left; a bootstrap fails with probability
    /// below `2^-95`; keys of 1.4 GB on disk and about 2.8 GB in memory, transforms of 0.5 GB. Weight 512 costs 0.65 bits of precision against weight 192, which has room for 6 levels only.
    pub fn bootstrap_sparse() -> Self {
        Self {
            log_n: 16,
            first_bits: 49,
            scale_bits: 41,
            levels: 9,
            special_bits: vec![50; 7],
            digit: 7,
            secret: SecretDistribution::SparseTernary { weight: 512 },
            bootstrap: Some(BootstrapSpec {
                slots_to_coefficients: 3,
                coefficients_to_slots: 4,
                modular_bits: 49,
                range: 16,
                degree: 23,
                doublings: 4,
                terms: 2,
                ephemeral_weight: 32,
                order: Order::SlotsFirst,
            }),
            congruence: 1,
        }
    }

    /// Preset B, the default: bootstrapping at `N = 65536`, 32,768 slots, with a uniform secret; 9 levels of 45 bits.
    ///
    /// 128 bits of security (`log2 QP = 1740 ≤ 1746`).
    ///
    /// Of all slots: 26.2 bits of precision (rms; 23.5 the worst of 32,768), 9 levels left; a bootstrap fails with probability
    /// below `2^-95`; keys of 1.5 GB on disk and about 3.1 GB in memory, transforms of 0.5 GB. Measured by `cargo bench -p he-ckks --bench bootstrap`.
    pub fn bootstrap_uniform() -> Self {
        let sparse = Self::bootstrap_sparse();
        Self {
            first_bits: 50,
            scale_bits: 45,
            special_bits: vec![50; 8],
            secret: SecretDistribution::UniformTernary,
            bootstrap: sparse.bootstrap.map(|b| BootstrapSpec { modular_bits: 50, terms: 3, ..b }),
            ..sparse
        }
    }

    /// Preset for tables: `N = 65536` and a uniform secret, as [`bootstrap_uniform`](Self::bootstrap_uniform), with 11 levels of 44 bits
    /// and no sine series: integers are looked up and truncated, and real numbers go through Fourier series, but values in slots are
    /// not bootstrapped as they are.
    ///
    /// 128 bits of security (`log2 QP = 1690 ≤ 1746`). After a table of 256 entries 3 levels are left beside those that go back to
    /// coefficients.
    pub fn tables_uniform() -> Self {
        let uniform = Self::bootstrap_uniform();
        Self { scale_bits: 44, levels: 11, bootstrap: without_series(&uniform, 48), ..uniform }
    }

    /// Preset for tables with a sparse secret of weight 512, as [`bootstrap_sparse`](Self::bootstrap_sparse): 11 levels of 41 bits and no
    /// sine series.
    ///
    /// 128 bits of security (`log2 QP = 1584 ≤ 1650`, see `docs/security/sparse-secrets.md`). Prefer
    /// [`tables_uniform`](Self::tables_uniform).
    pub fn tables_sparse() -> Self {
        let sparse = Self::bootstrap_sparse();
        Self { levels: 11, bootstrap: without_series(&sparse, 47), ..sparse }
    }
}

/// The circuit up to the exponential, on primes of so many bits.
fn without_series(spec: &Spec, modular_bits: u32) -> Option<BootstrapSpec> {
    spec.bootstrap.clone().map(|b| BootstrapSpec { modular_bits, terms: 0, ..b })
}
