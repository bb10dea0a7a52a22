//! The variance of every kind of noise against its formula, within 25 %.
//!
//! Each figure is the mean square over at least 8192 coefficients under several keys: its own deviation is below 4 %.

use std::collections::BTreeMap;

use he_core::ring::Poly;
use he_core::ring::rns::to_integers;
use he_core::rlwe::noise::{NoiseModel, log2_abs, measure};
use he_core::rlwe::{Ciphertext, Parameters, SecretId, SecretKey};
use num_bigint::BigInt;

use crate::common::{centred, insecure, prng, product, random_ciphertext, secret_id};

const LOG_N: u32 = 10;
const KEYS: usize = 4;
const CIPHERTEXTS: usize = 4;

fn mean_square(errors: &[BigInt]) -> f64 {
    errors.iter().map(|e| (2.0 * log2_abs(e)).exp2()).sum::<f64>() / errors.len() as f64
}

fn check(what: &str, errors: &[BigInt], expected: f64) {
    assert!(errors.len() >= 8192);
    let ratio = mean_square(errors) / expected;
    assert!((0.75..1.25).contains(&ratio), "{what}: {ratio:.3} times the formula");
    // No coefficient beyond nine deviations, none of a fraction of the factor.
    let largest = errors.iter().map(log2_abs).fold(f64::NEG_INFINITY, f64::max);
    assert!(largest < expected.log2() / 2.0 + 3.17);
}

fn all_errors(params: &Parameters, errors: impl Fn(&SecretKey, usize) -> Vec<BigInt>) -> Vec<BigInt> {
    (0..KEYS)
        .flat_map(|k| {
            let key = SecretKey::generate(params).unwrap();
            (0..CIPHERTEXTS).flat_map(|c| errors(&key, k * CIPHERTEXTS + c)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn fresh_encryptions() {
    for f in [1, 65_537] {
        let params = insecure(LOG_N, &[50, 47], &[50], 1, f);
        let (model, zeros) = (NoiseModel::new(&params), vec![BigInt::ZERO; params.n()]);
        let secret = all_errors(&params, |key, i| {
            measure(key, &key.encrypt_zero(2, &mut prng(i as u64)).expand(), &zeros)
        });
        check("secret key", &secret, model.fresh_secret());
        let public = all_errors(&params, |key, i| {
            let public = key.public_key().unwrap();
            measure(key, &public.encrypt_zero(2, &mut prng(i as u64)), &zeros)
        });
        check("public key", &public, model.fresh_public());
    }
}

/// With `P ≈ D` the errors of the key count as much as the rounding; with `P ≫ D` the rounding alone is left.
#[test]
fn key_switches() {
    for (f, digit, p) in [
        (1, 1, vec![47]),
        (257, 1, vec![47]),
        (1, 1, vec![50, 50]),
        (257, 2, vec![47, 48]),
        (1, 3, vec![47, 48, 47]),
        (257, 4, vec![47, 47, 47, 48]),
    ] {
        let params = insecure(LOG_N, &[46, 46, 45, 46], &p, digit, f);
        let model = NoiseModel::new(&params);
        for limbs in [4, 3, 1] {
            let modulus = product(params.basis(limbs).moduli());
            let errors = all_errors(&params, |key, i| {
                let c = random_uniform(&params, key.secret_id(), limbs, i as u64);
                let keys = key.evaluation_keys(4, &BTreeMap::new()).unwrap();
                let (before, after) = (key.phase(&c), key.phase(&keys.relinearize(&c).unwrap()));
                to_integers(&after)
                    .iter()
                    .zip(to_integers(&before))
                    .map(|(a, b)| centred(&(a - b), &modulus))
                    .collect()
            });
            check(&format!("factor {f}, digit {digit}, {limbs} limbs"), &errors, model.key_switch(limbs));
        }
    }
}

/// Uniform parts, without the extremes of the other tests.
fn random_uniform(params: &Parameters, secret: SecretId, limbs: usize, seed: u64) -> Ciphertext {
    let mut prng = prng(seed);
    let streams: Vec<u64> = (0..limbs as u64).collect();
    let parts = (0..3).map(|_| Poly::uniform(params.basis(limbs), &prng.next_seed(), &streams)).collect();
    Ciphertext::new(params, secret, parts)
}

#[test]
fn modulus_switches() {
    for f in [1, 2, 65_537] {
        let params = insecure(LOG_N, &[50, 47, 41], &[50], 1, f);
        let (model, zeros) = (NoiseModel::new(&params), vec![BigInt::ZERO; params.n()]);
        for limbs in [3, 2] {
            let errors = all_errors(&params, |key, i| {
                let c = key.encrypt_zero(limbs, &mut prng(i as u64)).expand();
                measure(key, &c.drop_last(), &zeros)
            });
            assert!(errors.iter().all(|e| e % f == BigInt::ZERO));
            check(&format!("factor {f}, {limbs} limbs"), &errors, model.rounding());
        }
    }
}

#[test]
fn sparse_secrets_are_as_heavy_as_asked() {
    use he_core::rlwe::SecretDistribution;
    let mut spec = insecure(LOG_N, &[50], &[], 1, 1).spec().clone();
    spec.secret = SecretDistribution::SparseTernary { weight: 64 };
    let params = spec.build_insecure("a test").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let secret = crate::common::secret_coefficients(&key);
    assert_eq!(secret.iter().map(|s| s.abs()).sum::<i64>(), 64);
    assert!(secret.contains(&1) && secret.contains(&-1));
    assert_eq!(SecretDistribution::SparseTernary { weight: 64 }.squared_norm(1024), 64.0);
}

#[test]
fn logarithms_of_integers() {
    for (value, expected) in [(1, 0.0), (-8, 3.0), (1_i64 << 40, 40.0)] {
        assert_eq!(log2_abs(&BigInt::from(value)), expected);
    }
    assert!((log2_abs(&(BigInt::from(3) << 1000u32)) - 1_001.584_962_5).abs() < 1e-9);
    assert_eq!(log2_abs(&BigInt::ZERO), f64::NEG_INFINITY);
    let params = insecure(3, &[50], &[], 1, 1);
    assert_eq!(random_ciphertext(&mut prng(1), secret_id(1), &params, 1, 2).degree(), 2);
}
