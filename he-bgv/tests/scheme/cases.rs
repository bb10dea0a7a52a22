//! Programs of users that gave a wrong answer without a word, a panic, or a message that led nowhere.

use he_bgv::transform::coefficient_order;
use he_bgv::{
    Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, OperandError, PreparedPlaintext,
    SecretKey, Spec, linear, rotation::row_element,
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

#[test]
fn inner_sum_of_200_and_keys_that_are_not_there() {
    let params = spec().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let c = Encryptor::with_secret(&key).encrypt(&Encoder::new(&params).encode(&[1; 200]).unwrap()).unwrap();
    let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    let text = message(evaluator.inner_sum(&c, 1, 200));
    assert!(["200", "power of two", "256", "4096"].iter().all(|part| text.contains(part)), "{text}");
    assert!(message(evaluator.inner_sum(&c, 4096, 2)).contains("4096"));
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
    let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[5, 6]).unwrap()).unwrap();
    let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    for coefficients in [&[7][..], &[7, 0, 0], &[7, 1_032_193]] {
        let value = evaluator.evaluate_polynomial(&c, coefficients).unwrap();
        let found = encoder.decode(&Decryptor::new(&key).decrypt(&value).unwrap()).unwrap();
        assert!(found.iter().all(|&x| x == 7));
    }
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
