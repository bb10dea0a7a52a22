//! Errors for operands that do not fit.

use he_bfv::{Ciphertext, Decryptor, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest, Spec};
use he_core::rlwe::OperandError;

use crate::world::{World, insecure};

fn is_foreign<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Operand(OperandError::Foreign { .. })))
}

#[test]
fn foreign_operands_are_refused() {
    let t = he_bgv::Spec::slot_modulus(4, 20).unwrap();
    let here = World::new(&insecure(4, t, &[47, 41], &[50], 1));
    let there = World::new(&insecure(4, t, &[47, 42], &[50], 1));
    let (a, b, e) = (here.slots_of(&[1]), there.slots_of(&[1]), &here.evaluator);
    assert!(is_foreign(e.add(&a, &b)) && is_foreign(e.mul(&b, &a)) && is_foreign(e.mul_lazy(&a, &b)));
    assert!(is_foreign(e.negate(&b)) && is_foreign(e.mul_const(&b, 2)) && is_foreign(e.add_const(&b, 2)));
    assert!(is_foreign(e.relinearize(&b)) && is_foreign(e.rotate_rows(&b, 1)) && is_foreign(e.swap_rows(&b)));
    assert!(is_foreign(e.mod_switch(&b)) && is_foreign(e.mod_switch_to(&b, 0)));
    assert!(is_foreign(Decryptor::new(&here.key).unwrap().decrypt(&b)));
    assert!(is_foreign(Ciphertext::from_bgv(&here.params, &b.to_bgv())));
    assert!(is_foreign(Evaluator::new(&here.params, EvaluationKeys::none(&there.params))));
    let other = World::new(&insecure(4, 97, &[47, 41], &[50], 1));
    let p = other.encoder.encode_coefficients(&[1]).unwrap();
    assert!(is_foreign(Encryptor::with_secret(&here.key).encrypt(&p)) && is_foreign(e.add_plain(&a, &p)));
}

#[test]
fn a_product_that_would_not_decrypt_is_an_error() {
    let world = World::new(&insecure(4, 1_048_193, &[47, 41], &[50], 1));
    let mut power = world.slots_of(&[3]);
    let refusal = loop {
        match world.evaluator.square(&power) {
            Ok(square) => power = square,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, Error::NoiseExhausted { .. }), "{refusal}");
}

#[test]
fn missing_keys_and_degrees_are_named() {
    let world = World::new(&insecure(4, 1_048_193, &[47, 41], &[50], 1));
    let none = Evaluator::new(&world.params, EvaluationKeys::none(&world.params)).unwrap();
    let a = world.slots_of(&[1]);
    let product = none.mul_lazy(&a, &a).unwrap();
    let missing = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::MissingKey { .. })))
    };
    assert!(
        missing(none.relinearize(&product)) && missing(none.mul(&a, &a)) && missing(none.rotate_rows(&a, 1))
    );
    let degree = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::Degree { degree: 2, .. })))
    };
    assert!(degree(none.mul(&a, &product)) && degree(none.rotate_rows(&product, 1)));
    assert!(matches!(none.dot(&[]), Err(Error::Operand(OperandError::NoOperands { .. }))));
    let above = world.key.evaluation_keys(&KeyRequest::default().relinearization(9)).err();
    assert!(matches!(above, Some(Error::Operand(OperandError::Level { wanted: 9, present: 1, .. }))));
}

#[test]
fn weak_parameters_are_refused() {
    let weak = Spec(he_bgv::Spec { q_bits: vec![45; 4], ..he_bgv::Spec::n8192() });
    assert!(weak.build().is_err());
    let small = Spec(he_bgv::Spec { log_n: 4, ..he_bgv::Spec::n8192() });
    assert!(
        small.build().is_err() && small.build_insecure("").is_err() && small.build_insecure("a test").is_ok()
    );
}
