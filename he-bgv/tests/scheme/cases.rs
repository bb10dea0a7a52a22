//! Programs of users that gave a wrong answer without a word, a panic, or a message that led nowhere.

use he_bgv::transform::coefficient_order;
use he_bgv::{
    Bound, Ciphertext, Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest,
    OperandError, PreparedPlaintext, SecretKey, Spec, linear, rotation::row_element,
};

fn message<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

/// The presets in a small ring: the messages are the same.
fn spec() -> Spec {
    Spec { log_n: 13, ..Spec::n8192() }
}

#[test]
fn bgv_operand() {
    let params = spec().build().unwrap();
    let other = Spec { plaintext_modulus: 65_537, ..spec() }.build().unwrap();
    let two = Encoder::new(&other).encode(&[2, 2, 2]).unwrap();
    let level = params.max_level();
    let is_foreign =
        |error: Option<Error>| matches!(error, Some(Error::Operand(OperandError::Foreign { .. })));
    assert!(is_foreign(PreparedPlaintext::new(&params, &two, level).err()));
    assert!(is_foreign(PreparedPlaintext::with_log_norm(&params, &two, level, 1.0).err()));
    let rows = [vec![1, 2], vec![3, 4]];
    assert!(is_foreign(linear::Matrix::new(&params, &Encoder::new(&other), &rows, level).err()));
    let own = Encoder::new(&params);
    for level in [level + 1, 99, usize::MAX] {
        let plaintext = own.encode(&[2]).unwrap();
        assert!(message(PreparedPlaintext::new(&params, &plaintext, level)).contains("level"));
        assert!(message(linear::Matrix::new(&params, &own, &rows, level)).contains("level"));
    }
    // Coefficients are centred modulo the t that they have.
    let negative = Encoder::new(&other).encode_coefficients(&[-2, 3]).unwrap();
    assert_eq!(own.decode_coefficients(&negative)[..2], [-2, 3]);
    assert!(own.decode(&two).is_err());
}

/// Wages of 2,000 to 3,023, of which 1,024 add up to more than t/2.
#[test]
fn bgv_wraps() {
    let params = spec().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let wages: Vec<i64> = (0..1024).map(|i| 2_000 + i).collect();
    let request = KeyRequest::default().rotations(
        &params,
        &(0..10).map(|i| 1 << i).collect::<Vec<_>>(),
        params.max_level(),
    );
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encrypt =
        |encoder: Encoder| Encryptor::with_secret(&key).encrypt(&encoder.encode(&wages).unwrap()).unwrap();
    let encoder = Encoder::new(&params);
    // As the program has it: nothing smaller than t/2 is known of the values.
    let text = message(evaluator.inner_sum(&encrypt(encoder.clone()), 1, 1024));
    assert!(
        ["inner sum", "516096", "with_bound", "modular"].iter().all(|part| text.contains(part)),
        "{text}"
    );
    let c = encrypt(encoder.clone().with_bound(4_000));
    let text = message(evaluator.inner_sum(&c, 1, 1024));
    assert!(text.contains("4096000") && text.contains("516096"), "{text}");
    // What has room is right, and what wraps by name is what it was.
    let found = |c: &Ciphertext| encoder.decode(&Decryptor::new(&key).decrypt(c).unwrap()).unwrap()[0];
    let sum = evaluator.inner_sum(&c, 1, 128).unwrap();
    assert_eq!((found(&sum), sum.bound()), (wages[..128].iter().sum(), Bound::Slots { most: 512_000 }));
    assert_eq!(found(&evaluator.inner_sum(&encrypt(encoder.clone().modular()), 1, 1024).unwrap()), 507_390);
    // A larger t has room for all.
    let params = Spec::n8192_wide().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let request = KeyRequest::default().rotations(
        &params,
        &(0..10).map(|i| 1 << i).collect::<Vec<_>>(),
        params.max_level(),
    );
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encoder = Encoder::new(&params).with_bound(4_000);
    let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&wages).unwrap()).unwrap();
    let sum = evaluator.inner_sum(&c, 1, 1024).unwrap();
    let found = encoder.decode(&Decryptor::new(&key).decrypt(&sum).unwrap()).unwrap()[0];
    assert_eq!(found, wages.iter().sum::<i64>());
}

#[test]
fn another_key() {
    let params = Spec { log_n: 5, ..spec() }.build_insecure("a fast test").unwrap();
    let [mine, yours] = [0, 1].map(|_| SecretKey::generate(&params).unwrap());
    let plaintext = Encoder::new(&params).with_bound(3).encode(&[1, 2, 3]).unwrap();
    let c = Encryptor::with_secret(&mine).encrypt(&plaintext).unwrap();
    let keys = yours.evaluation_keys(&KeyRequest::default().relinearization(params.max_level())).unwrap();
    let evaluator = Evaluator::new(&params, keys).unwrap();
    for error in [Decryptor::new(&yours).decrypt(&c).err(), evaluator.square(&c).err()] {
        assert!(matches!(error, Some(Error::ForeignSecret(_))));
    }
}

#[test]
fn inner_sum_of_200_and_keys_that_are_not_there() {
    let params = spec().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let c = Encryptor::with_secret(&key)
        .encrypt(&Encoder::new(&params).with_bound(1).encode(&[1; 200]).unwrap())
        .unwrap();
    let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    let text = message(evaluator.inner_sum(&c, 1, 200));
    assert!(["200", "power of two", "256", "4096"].iter().all(|part| text.contains(part)), "{text}");
    assert!(message(evaluator.inner_sum(&c, 4096, 2)).contains("4096"));
    assert_eq!(c.bound(), Bound::Slots { most: 1 });
    let text = message(evaluator.rotate_rows(&c, 3));
    assert!(text.contains("rotates by 3") && text.contains("KeyRequest"), "{text}");
    assert!(message(evaluator.automorphism_many(&c, &[3, 9])).contains("rotates by"));
    assert!(message(evaluator.swap_rows(&c)).contains("swaps the rows"));
    assert!(
        message(evaluator.automorphism(&c, 2 * params.n() - row_element(&params, 1))).contains("X -> X^")
    );
}

#[test]
fn a_polynomial_that_is_a_constant() {
    let params = Spec { log_n: 5, ..spec() }.build_insecure("a fast test").unwrap();
    let (key, encoder) = (SecretKey::generate(&params).unwrap(), Encoder::new(&params));
    let encrypt =
        |encoder: &Encoder| Encryptor::with_secret(&key).encrypt(&encoder.encode(&[5, 6]).unwrap()).unwrap();
    let [c, modulo] = [encrypt(&encoder), encrypt(&encoder.clone().modular())];
    let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    for (c, coefficients) in [(&c, &[7][..]), (&c, &[7, 0, 0]), (&modulo, &[7, 1_032_193])] {
        let value = evaluator.evaluate_polynomial(c, coefficients).unwrap();
        let found = encoder.decode(&Decryptor::new(&key).decrypt(&value).unwrap()).unwrap();
        assert!(found.iter().all(|&x| x == 7));
    }
    // A multiple of t is 0 modulo t alone.
    assert!(message(evaluator.evaluate_polynomial(&c, &[7, 1_032_193])).contains("1032193"));
    assert!(message(evaluator.evaluate_polynomial(&c, &[])).contains("no operands"));
}

#[test]
fn an_empty_chain() {
    let text = message(Spec { q_bits: vec![], ..spec() }.build());
    assert!(text.contains("no prime"), "{text}");
}

#[test]
fn numbers_that_are_no_levels_and_no_rings() {
    let params = spec().build().unwrap();
    for n in [0, 1, 3, 1 << 18, usize::MAX] {
        assert!(coefficient_order(n).is_empty());
    }
    assert_eq!(coefficient_order(8), [0, 2, 1, 3, 4, 6, 5, 7]);
    let noise = params.noise();
    for level in [params.max_level() + 1, 99, usize::MAX] {
        assert!(noise.log_q(level).is_nan() && noise.budget(noise.fresh_secret(), level).is_nan());
        assert!(noise.key_switch(noise.fresh_secret(), level).log2().is_nan());
        assert!(noise.reduce(noise.fresh_secret(), level, 0).0.len() <= params.max_level() + 1);
        assert!(noise.best_level(&[(noise.fresh_secret(), level)], 0.0) <= params.max_level());
    }
    for log_n in [0, 18, 62, 63, 64, u32::MAX] {
        let _ = Spec::slot_modulus(log_n, 20);
        assert!(Spec { log_n, ..spec() }.build_insecure("numbers out of range").is_err());
    }
}
