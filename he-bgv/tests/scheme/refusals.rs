//! What belongs elsewhere, has the wrong degree, or has no key.

use he_bgv::{
    Ciphertext, Decryptor, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest, OperandError,
    PreparedPlaintext, SecretKey, Spec,
};

use crate::world::{World, insecure};

fn two_worlds() -> [World; 2] {
    let t = Spec::slot_modulus(4, 20).unwrap();
    [insecure(4, t, &[50, 50, 50], &[50], 1), insecure(4, t, &[50, 50, 49], &[50], 1)].map(World::new)
}

fn is_foreign<T>(result: Result<T, Error>) -> bool {
    matches!(result.err(), Some(Error::Operand(OperandError::Foreign { .. })))
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let [here, there] = two_worlds();
    let e = &here.evaluator;
    let [p, q] = [&here, &there].map(|w| w.encoder.encode(&[1, 2, 3]).unwrap());
    let (a, b) = (here.encrypt(&p), there.encrypt(&q));
    let operand = there.operand(&q);
    assert!(is_foreign(Evaluator::new(&here.params, EvaluationKeys::none(&there.params))));
    assert!(is_foreign(Decryptor::new(&here.key).decrypt(&b)));
    assert!(is_foreign(Decryptor::new(&here.key).noise_budget(&b)));
    assert!(is_foreign(e.add(&a, &b)) && is_foreign(e.add(&b, &a)) && is_foreign(e.sub(&a, &b)));
    assert!(is_foreign(e.negate(&b)) && is_foreign(e.add_const(&b, 1)) && is_foreign(e.mul_const(&b, 2)));
    assert!(is_foreign(e.add_plain(&b, &p)) && is_foreign(e.mul_prepared(&a, &operand)));
    assert!(is_foreign(e.mul(&a, &b)) && is_foreign(e.mul(&b, &a)) && is_foreign(e.square(&b)));
    assert!(
        is_foreign(e.relinearize(&b))
            && is_foreign(e.mod_switch(&b))
            && is_foreign(e.mod_switch_for_product(&b))
    );
    assert!(is_foreign(e.mod_switch_for_decryption(&b, 1.0)) && is_foreign(e.mod_switch_to(&b, 0)));
    assert!(
        is_foreign(e.rotate_rows(&b, 1)) && is_foreign(e.rotate_rows(&b, 0)) && is_foreign(e.swap_rows(&b))
    );
    assert!(is_foreign(e.automorphism_many(&b, &[3, 9, 1])) && is_foreign(e.inner_sum(&b, 1, 1)));
    assert!(is_foreign(e.inner_sum(&b, 0, 2)) && is_foreign(e.add_unrelated(a.clone(), &b)));
    assert!(is_foreign(e.linear_combination(&[(1, &a), (2, &a), (3, &b)])));
    assert!(is_foreign(e.dot(&[(&a, &a), (&a, &b)])) && is_foreign(e.dot(&[(&b, &a), (&a, &a)])));
    assert!(is_foreign(e.matrix_product_lazy(1, &[&b], &[&a, &a], usize::MAX)));
    assert!(is_foreign(e.evaluate_polynomial(&b, &[1, 2, 3])));
    // Plaintexts of another ring or another modulus.
    for world in [
        World::new(insecure(5, here.params.t().value(), &[50], &[50], 1)),
        World::new(insecure(4, 97, &[50], &[50], 1)),
    ] {
        let p = world.encoder.encode_coefficients(&[1]).unwrap();
        assert!(is_foreign(e.add_plain(&a, &p)));
        assert!(is_foreign(Encryptor::with_secret(&here.key).encrypt(&p)));
        assert!(is_foreign(Encryptor::with_public(&here.public).encrypt(&p)));
        assert!(is_foreign(here.key.encrypt_seeded(&p, 0)));
        assert!(is_foreign(here.encoder.decode(&p)));
    }
}

#[test]
fn degree_two_goes_only_where_it_may() {
    let [world, _] = two_worlds();
    let e = &world.evaluator;
    let p = world.encoder.encode(&[1, 2, 3]).unwrap();
    let a = world.encrypt(&p);
    let product = e.mul_lazy(&a, &a).unwrap();
    let degree = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::Degree { degree: 2, .. })))
    };
    assert!(degree(e.mul(&a, &product)) && degree(e.mul(&product, &a)) && degree(e.square(&product)));
    assert!(degree(e.rotate_rows(&product, 1)) && degree(e.rotate_rows(&product, 0)));
    assert!(degree(e.swap_rows(&product)) && degree(e.inner_sum(&product, 1, 2)));
    let operand = world.operand(&p);
    assert!(degree(e.dot_prepared(&[(&operand, &a), (&operand, &product)])));
    let slots = |c: Result<Ciphertext, Error>| world.slots(&c.unwrap())[..4].to_vec();
    assert_eq!(slots(e.add(&a, &product)), [2, 6, 12, 0]);
    assert_eq!(slots(e.sub(&a, &product)), [0, -2, -6, 0]);
    assert_eq!(slots(e.mul_prepared(&product, &operand)), [1, 8, 27, 0]);
    assert_eq!(slots(e.add_plain(&product, &p)), [2, 6, 12, 0]);
    assert_eq!(slots(e.mod_switch(&product)), [1, 4, 9, 0]);
    assert_eq!(slots(e.negate(&product)), [-1, -4, -9, 0]);
}

#[test]
fn keys_are_asked_for_by_name() {
    let [world, _] = two_worlds();
    let none = Evaluator::new(&world.params, EvaluationKeys::none(&world.params)).unwrap();
    let a = world.encrypt(&world.encoder.encode(&[1]).unwrap());
    let product = none.mul_lazy(&a, &a).unwrap();
    assert_eq!((a.level(), product.level()), (2, 2));
    let missing = |result: Result<Ciphertext, Error>, what: &str| match result {
        Err(Error::Operand(OperandError::MissingKey { key, level: 2, .. })) => key.contains(what),
        _ => false,
    };
    assert!(missing(none.relinearize(&product), "relinearization"));
    assert!(missing(none.mul(&a, &a), "relinearization"));
    assert!(missing(none.rotate_rows(&a, 1), "X^3"));
    assert!(missing(none.swap_rows(&a), "X^31"));
    assert!(missing(none.inner_sum(&a, 2, 2), "X^9"));
    for g in [0, 2, 33, usize::MAX] {
        assert!(missing(none.automorphism(&a, g), "Galois"), "{g}");
    }
    // Keys of a lower level serve lower levels.
    let keys = world.key.evaluation_keys(&KeyRequest::default().relinearization(1)).unwrap();
    let short = Evaluator::new(&world.params, keys).unwrap();
    assert!(missing(short.relinearize(&product), "relinearization"));
    assert!(short.relinearize(&short.mod_switch(&product).unwrap()).is_ok());
}

#[test]
fn impossible_keys_are_refused() {
    let [world, _] = two_worlds();
    let refused = |request: KeyRequest| world.key.evaluation_keys(&request).err();
    let level = |error: Option<Error>| {
        matches!(error, Some(Error::Operand(OperandError::Level { wanted: 3, present: 2, .. })))
    };
    assert!(level(refused(KeyRequest::default().relinearization(3))));
    assert!(level(refused(KeyRequest::default().galois(3, 3))));
    assert!(matches!(
        refused(KeyRequest::default().galois(3, usize::MAX)),
        Some(Error::Operand(OperandError::Level { .. }))
    ));
    for g in [0, 2, 32, 33, usize::MAX] {
        let error = refused(KeyRequest::default().galois(g, 0));
        assert!(
            matches!(error, Some(Error::Operand(OperandError::GaloisElement { g: found, two_n: 32 })) if found == g),
            "{g}"
        );
    }
    let plain = insecure(4, 97, &[50], &[], 1);
    let key = SecretKey::generate(&plain).unwrap();
    let none = |request: KeyRequest| {
        matches!(key.evaluation_keys(&request), Err(Error::Operand(OperandError::NoSpecialPrimes { .. })))
    };
    assert!(none(KeyRequest::default().relinearization(0)) && none(KeyRequest::default().galois(3, 0)));
    assert!(key.evaluation_keys(&KeyRequest::default()).is_ok());
    // The larger of two requests counts.
    let twice = KeyRequest::default().galois(3, 0).galois(3, 2).galois(3, 1);
    assert_eq!(twice, KeyRequest::default().galois(3, 2));
}

#[test]
fn nothing_is_no_operand() {
    let [world, _] = two_worlds();
    let e = &world.evaluator;
    let nothing = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::NoOperands { .. })))
    };
    assert!(nothing(e.dot(&[])) && nothing(e.dot_prepared(&[])) && nothing(e.linear_combination(&[])));
    // A plaintext operand that is too short.
    let p = world.encoder.encode(&[1]).unwrap();
    let (a, short) = (world.encrypt(&p), PreparedPlaintext::new(&world.params, &p, 1).unwrap());
    assert!(matches!(
        e.mul_prepared(&a, &short),
        Err(Error::Operand(OperandError::Level { wanted: 2, present: 1, .. }))
    ));
    assert!(e.mul_prepared(&e.mod_switch(&a).unwrap(), &short).is_ok());
    assert_eq!((short.level(), world.operand(&p).level()), (1, 2));
    let above = PreparedPlaintext::new(&world.params, &p, 3).err();
    assert!(matches!(above, Some(Error::Operand(OperandError::Level { wanted: 3, present: 2, .. }))));
}

#[test]
fn transparent_ciphertexts_are_known() {
    let [world, _] = two_worlds();
    let a = world.encrypt(&world.encoder.encode(&[1]).unwrap());
    assert!(!a.is_transparent());
    assert!(world.evaluator.sub(&a, &a).unwrap().is_transparent());
    assert!(world.evaluator.mul_const(&a, 0).unwrap().is_transparent());
}

#[test]
fn errors_say_what_was_there_and_what_was_needed() {
    let [world, _] = two_worlds();
    let a = world.encrypt(&world.encoder.encode(&[1]).unwrap());
    let text = |error: Option<Error>| error.unwrap().to_string();
    let error = text(world.evaluator.mod_switch_to(&a, 9).err());
    assert!(error.contains('9') && error.contains('2'), "{error}");
    let error = text(world.encoder.encode(&[1 << 40]).err());
    assert!(error.contains("1099511627776") && error.contains("524"), "{error}");
}
