//! What parameters are refused, and where security ends.

use he_core::prime::primes_around;
use he_core::rlwe::params::find_primes;
use he_core::rlwe::{ParametersError, SecretDistribution, Spec};

fn valid() -> Spec {
    let primes = find_primes(13, &[50, 50, 50, 50], &[]).unwrap();
    Spec {
        log_n: 13,
        q: primes[..3].to_vec(),
        p: primes[3..].to_vec(),
        digit: 1,
        secret: SecretDistribution::UniformTernary,
        sigma: 3.19,
        error_factor: 65_537,
    }
}

fn refused(change: impl FnOnce(&mut Spec)) -> ParametersError {
    let mut spec = valid();
    change(&mut spec);
    let error = spec.clone().build().expect_err("refused");
    // Whatever is not about security is refused of insecure parameters too.
    let security = matches!(
        error,
        ParametersError::TooLargeModulus { .. }
            | ParametersError::NoEstimate { .. }
            | ParametersError::NarrowError { .. }
    );
    let text = |error: ParametersError| error.to_string();
    assert_eq!(spec.build_insecure("a test").err().map(text), (!security).then(|| text(error.clone())));
    error
}

#[test]
fn valid_parameters_are_built() {
    let params = valid().build().unwrap();
    assert_eq!((params.n(), params.max_limbs(), params.security_bits()), (8192, 3, Some(128)));
    assert_eq!(params.spec(), &valid());
    assert!(params.same(&valid().build().unwrap()));
    assert!((params.log_qp() - 200.0).abs() < 1e-3);
    assert_eq!(valid().build_insecure("a test").unwrap().security_bits(), None);
    for reason in ["", " "] {
        assert_eq!(valid().build_insecure(reason).err(), Some(ParametersError::NoReason));
    }
    assert_eq!((params.digits(3), params.basis(2).len(), params.key_basis(2).len()), (3, 2, 3));
}

#[test]
fn each_error_has_its_cause() {
    use ParametersError as E;
    let two_n = 1 << 14;
    let composite = (1u64 << 40) + 1;
    assert!(
        matches!(refused(|s| s.q[1] = composite), E::BadPrime { value, two_n: n } if value == composite && n == two_n)
    );
    assert!(matches!(refused(|s| s.p[0] = 65_539), E::BadPrime { value: 65_539, .. }));
    assert!(matches!(refused(|s| s.q[0] = 0), E::BadPrime { value: 0, .. }));
    let wide = primes_around(1 << 50, two_n).find(|&p| p > 1 << 50).unwrap();
    assert!(matches!(refused(|s| s.q[0] = wide), E::BadPrime { value, .. } if value == wide));
    assert!(matches!(refused(|s| s.q[1] = s.q[0]), E::Ring(_)));
    assert!(matches!(refused(|s| s.digit = 0), E::BadDigit { digit: 0, limbs: 3 }));
    assert!(matches!(refused(|s| s.digit = 4), E::BadDigit { digit: 4, limbs: 3 }));
    assert!(matches!(refused(|s| s.q.clear()), E::NoPrimes));
    assert!(matches!(refused(|s| s.digit = 2), E::SmallSpecial { .. }));
    assert!(matches!(refused(|s| s.error_factor = 0), E::BadErrorFactor(0)));
    let q = valid().q[1];
    assert!(matches!(refused(|s| s.error_factor = q), E::BadErrorFactor(f) if f == q));
    assert!(matches!(refused(|s| s.error_factor = 3 * q), E::BadErrorFactor(f) if f == 3 * q));
    for factor in [1 << 57, u64::MAX] {
        assert!(
            matches!(refused(|s| s.error_factor = factor), E::WideError { factor: f, error } if f == factor && error > 16)
        );
    }
    assert!(matches!(refused(|s| s.sigma = 3.18), E::NarrowError { sigma: 3.18 }));
    assert!(matches!(refused(|s| s.sigma = f64::NAN), E::NarrowError { .. } | E::Sample(_)));
    assert!(matches!(refused(|s| s.sigma = f64::INFINITY), E::Sample(_)));
    assert!(matches!(
        refused(|s| s.secret = SecretDistribution::SparseTernary { weight: 192 }),
        E::NoEstimate { log_n: 13, .. }
    ));
    let primes = find_primes(13, &[49, 50, 50, 50, 50, 50], &valid().p).unwrap();
    assert!(matches!(refused(|s| s.q = primes), E::TooLargeModulus { cap: 214.0, log_n: 13, .. }));
}

#[test]
fn dimensions_and_weights_out_of_range_are_refused() {
    use ParametersError as E;
    let insecure = |log_n, secret| Spec { log_n, secret, ..valid() }.build_insecure("a test").err();
    assert_eq!(insecure(2, SecretDistribution::UniformTernary), Some(E::BadDimension(2)));
    assert_eq!(insecure(18, SecretDistribution::UniformTernary), Some(E::BadDimension(18)));
    assert_eq!(insecure(64, SecretDistribution::UniformTernary), Some(E::BadDimension(64)));
    for weight in [0, 8193] {
        let secret = SecretDistribution::SparseTernary { weight };
        assert_eq!(insecure(13, secret), Some(E::BadWeight { weight, n: 8192 }));
    }
    let build = |log_n| Spec { log_n, ..valid() }.build().err();
    assert!(matches!(build(9), Some(E::NoEstimate { log_n: 9, .. })));
    assert!(matches!(build(18), Some(E::NoEstimate { .. } | E::BadDimension(18))));
    assert!(matches!(find_primes(13, &[14], &[]), Err(E::Prime(_))));
    assert!(matches!(find_primes(13, &[64], &[]), Err(E::Prime(_))));
}

/// A chain of primes just below powers of two that multiply to the cap, and the same with the last just above.
#[test]
fn security_ends_exactly_at_the_cap() {
    let uniform = SecretDistribution::UniformTernary;
    let sparse = |weight| SecretDistribution::SparseTernary { weight };
    for (log_n, cap, secret) in [
        (11u32, 53u32, uniform),
        (12, 106, uniform),
        (13, 214, uniform),
        (14, 430, uniform),
        (15, 868, uniform),
        (16, 1746, uniform),
        (17, 3519, uniform),
        (15, 735, sparse(192)),
        (15, 825, sparse(512)),
        (15, 850, sparse(1024)),
        (15, 105, sparse(32)),
        (16, 1475, sparse(192)),
        (16, 1475, sparse(511)),
        (16, 1650, sparse(512)),
        (16, 1705, sparse(1024)),
        (16, 121, sparse(32)),
    ] {
        let (mut bits, mut rest) = (Vec::new(), cap);
        while rest >= 50 {
            bits.push(if rest >= 98 { 49 } else { rest - rest / 2 });
            rest -= bits[bits.len() - 1];
        }
        let q = find_primes(log_n, &bits, &[]).unwrap();
        let spec = |last: u64| {
            // No special primes: only the sum counts here.
            let q = [&q[..], &[last]].concat();
            Spec { log_n, q, p: vec![], secret, ..valid() }
        };
        let bits = |last: u64| q.iter().chain([&last]).map(|&q| (q as f64).log2()).sum::<f64>();
        // The largest last prime that fits, and the next one.
        let step = 2 << log_n;
        let fits = |&p: &u64| bits(p) <= f64::from(cap);
        let limit = (f64::from(cap) - bits(1)).exp2() as u64;
        let near = || primes_around(limit, step).filter(|p| !q.contains(p)).take(16);
        let (last, next) = (near().filter(fits).max().unwrap(), near().filter(|p| !fits(p)).min().unwrap());
        assert!(spec(last).build().unwrap().log_qp() <= f64::from(cap));
        match spec(next).build().err() {
            Some(ParametersError::TooLargeModulus { log_qp, cap: stated, log_n: n }) => {
                assert!(log_qp > stated && log_qp < stated + 0.1);
                assert_eq!((stated, n), (f64::from(cap), log_n));
            }
            other => panic!("N = 2^{log_n}: {other:?}"),
        }
    }
    for (log_n, weight) in [(15, 191), (15, 33), (15, 31), (14, 192), (17, 1024)] {
        let (q, secret) =
            (find_primes(log_n, &[40], &[]).unwrap(), SecretDistribution::SparseTernary { weight });
        let spec = Spec { log_n, q, p: vec![], secret, ..valid() };
        assert_eq!(spec.build().err(), Some(ParametersError::NoEstimate { log_n, secret }));
    }
}

#[test]
fn every_field_changes_the_hash() {
    let base = valid().build_insecure("a test").unwrap();
    let changes: [fn(&mut Spec); 7] = [
        |s| s.q.swap(0, 1),
        |s| s.q.truncate(2),
        |s| s.p.clear(),
        |s| s.secret = SecretDistribution::SparseTernary { weight: 64 },
        |s| s.sigma = 3.2,
        |s| s.error_factor = 3,
        |s| {
            s.log_n = 12;
        },
    ];
    let mut seen = vec![*base.hash()];
    for change in changes {
        let mut spec = valid();
        change(&mut spec);
        let params = spec.build_insecure("a test").unwrap();
        assert!(!params.same(&base) && !seen.contains(params.hash()));
        seen.push(*params.hash());
    }
}
