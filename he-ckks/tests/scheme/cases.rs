//! Programs of users that gave a wrong answer without a word, a panic, or a message that led nowhere.

use he_ckks::{
    Bootstrapper, Ciphertext, Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest,
    Parameters, PreparedPlaintext, SecretKey, Spec,
};

fn message<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn ckks_large_values() {
    let params = Spec::n16384().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let encryptor = Encryptor::with_secret(&key);
    let encoder = Encoder::new(&params).with_bound(1e7);
    let encrypt = |value: f64, count| encryptor.encrypt(&encoder.encode(&vec![value; count]).unwrap());
    assert!(encrypt(2e6, 1).is_ok() && encrypt(2e6, 100).is_ok());
    // All slots alike are one large coefficient; the message names values that fit, and they do.
    let text = message(encrypt(2e6, 8192));
    assert!(text.contains("2^60") && text.contains("scale the values down"), "{text}");
    let most = 60_f64.exp2() / params.scale(params.max_level());
    assert!(encrypt(0.99 * most, 8192).is_ok());
}

#[test]
fn inner_sum_of_200_and_keys_that_are_not_there() {
    let params = Spec::n8192().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let c =
        Encryptor::with_secret(&key).encrypt(&Encoder::new(&params).encode(&[0.5; 200]).unwrap()).unwrap();
    let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    let text = message(evaluator.inner_sum(&c, 1, 200));
    assert!(["200", "power of two", "256", "4096"].iter().all(|part| text.contains(part)), "{text}");
    let text = message(evaluator.rotate(&c, 3));
    assert!(text.contains("rotates by 3") && text.contains("KeyRequest"), "{text}");
    assert!(message(evaluator.rotate_many(&c, &[3, 4])).contains("rotates by"));
    assert!(message(evaluator.conjugate(&c)).contains("conjugation"));
}

#[test]
fn numbers_that_are_no_levels() {
    let params = Spec::n8192().build().unwrap();
    let plaintext = Encoder::new(&params).encode(&[0.5]).unwrap();
    for level in [params.max_level() + 1, 99, usize::MAX] {
        assert!(params.scale(level).is_nan());
        assert!(message(PreparedPlaintext::new(&params, &plaintext, level)).contains("level"));
    }
}

#[test]
fn ckks_rescale_of_fresh() {
    let params = Spec::n16384().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let c =
        Encryptor::with_secret(&key).encrypt(&Encoder::new(&params).encode(&[0.5, 0.25]).unwrap()).unwrap();
    let request = KeyRequest::default().relinearization(params.max_level());
    let e = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let decryptor = Decryptor::new(&key);
    let drowned = |c: &Ciphertext| {
        let text = message(decryptor.decrypt(c));
        assert!(text.contains("drown") && message(decryptor.decrypt_complex(c)).contains("drown"), "{text}");
    };
    // A fresh ciphertext rescaled, and its square.
    let gone = e.rescale(&c).unwrap();
    drowned(&gone);
    if let Ok(square) = e.mul_lazy(&gone, &gone) {
        drowned(&square);
    }
    // x·1e-10·1e10, and as much of it as is left after a factor of 1e-5.
    let small = e.mul_const(&c, 1e-10).unwrap();
    drowned(&e.mul_const(&small, 1e10).unwrap());
    let some = e.mul_const(&e.mul_const(&c, 1e-5).unwrap(), 1e5).unwrap();
    let found = decryptor.decrypt(&some).unwrap();
    assert!((found[0] - 0.5).abs() < some.estimate().worst_error());
    // What is 0 is read as 0.
    let zero = e.mul_integer(&c, 0).unwrap();
    assert!(decryptor.decrypt(&zero).unwrap()[0].abs() < 1e-6);
}

/// So many bootstraps in a row in a ring of some size; gives the share of the values that one takes away on the mean, in deviations of
/// one.
fn in_a_row(params: &Parameters, slots: usize, count: usize) -> f64 {
    let key = SecretKey::generate(params).unwrap();
    let bootstrapper = Bootstrapper::new(key.bootstrap_keys(slots, &KeyRequest::default()).unwrap()).unwrap();
    // Values spread evenly, and the ends of the interval, where a series errs most.
    let spread = slots * 3 / 4;
    let even = (0..spread).map(|i| (2 * i + 1) as f64 / spread as f64 - 1.0);
    let ends = [1.0, -1.0, 0.5, 0.1].into_iter().cycle().take(slots / 8);
    let x: Vec<f64> = even.chain(ends).chain(std::iter::repeat(0.0)).take(slots).collect();
    let plaintext = Encoder::new(params).encode_in(&x, slots).unwrap();
    let mut c = Encryptor::with_secret(&key).encrypt(&plaintext).unwrap();
    let mut one = 0.0;
    for i in 1..=count {
        c = bootstrapper.bootstrap(&c).unwrap();
        let estimate = c.estimate();
        if i == 1 {
            one = estimate.error;
        }
        if i % (count / 2).min(50) == 0 {
            let found = Decryptor::new(&key).decrypt(&c).unwrap();
            let worst = found.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            println!("{i}: worst error {worst:.2e}, estimated {:.2e}", estimate.error);
            assert!(worst < estimate.worst_error(), "{i}: {worst:e}, at most {:e}", estimate.worst_error());
            // Nor is the estimate far above what is there.
            assert!(estimate.error < 8.0 * worst, "{i}: {worst:e}, estimated {:e}", estimate.error);
        }
    }
    let found = Decryptor::new(&key).decrypt(&c).unwrap();
    let (found, x) = (&found[..spread], &x[..spread]);
    let along: f64 = found.iter().zip(x).map(|(a, b)| (a - b) * b).sum();
    let drift = along / x.iter().map(|x| x * x).sum::<f64>() / count as f64 / one;
    println!("drift of a bootstrap: {drift:.4} of its estimated error, {one:.2e}");
    drift
}

fn in_a_small_ring(spec: Spec, count: usize) -> f64 {
    let params = Spec { log_n: 9, ..spec }.build_insecure("a test of drift").unwrap();
    in_a_row(&params, 64, count)
}

#[test]
fn ckks_drift() {
    for spec in [Spec::bootstrap_uniform(), Spec::bootstrap_sparse()] {
        assert!(in_a_small_ring(spec, 40).abs() < 0.1);
    }
}

#[test]
#[ignore = "a thousand bootstraps in a row at each preset, in a small ring"]
fn a_thousand_bootstraps_in_a_row_stay_within_their_estimate() {
    for spec in [Spec::bootstrap_uniform(), Spec::bootstrap_sparse()] {
        assert!(in_a_small_ring(spec, 1000).abs() < 0.1);
    }
}

#[test]
#[ignore = "thirty bootstraps in a row at each preset, at 128 bits of security: 7 GB of memory"]
fn thirty_full_size_bootstraps_in_a_row_stay_within_their_estimate() {
    for spec in [Spec::bootstrap_uniform(), Spec::bootstrap_sparse()] {
        let params = spec.build().unwrap();
        assert!(in_a_row(&params, params.slots(), 30).abs() < 0.1);
    }
}
