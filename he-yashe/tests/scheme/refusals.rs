//! Errors for parameters and operands that do not fit.

use he_core::rlwe::{OperandError, SecretId};
use he_yashe::{
    Ciphertext, Decryptor, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest, SecretKey, Spec, security,
};
use zeroize::Zeroizing;

use crate::world::{Choices, World, insecure};

/// One bit above the bound is refused in every dimension, one below it is taken, and both are overstretched.
#[test]
fn a_modulus_one_bit_above_the_bound_is_refused() {
    for (log_n, bound) in [(13, 61.0), (14, 90.0), (15, 134.0), (16, 197.0), (17, 290.0)] {
        assert_eq!(security::max_log_ratio(log_n), Some(bound));
        // A power of two divides 2N: no step of the search for primes is longer for it.
        let spec = |log_q: u32| {
            let parts = log_q.div_ceil(48);
            let q_bits = (0..parts).map(|i| log_q / parts + u32::from(i < log_q % parts)).collect();
            Spec { log_n, plaintext_modulus: 256, q_bits, digit_bits: 20 }
        };
        let params = spec(bound as u32 + 8).build_legacy("a test").unwrap();
        assert!(params.is_overstretched() && params.log_ratio() <= bound);
        let margin = params.margin().unwrap();
        assert!(margin.bits() >= 0.0 && margin.cap == bound && margin.bits() < 0.5, "{margin}");
        let error = spec(bound as u32 + 9).build_legacy("a test").err();
        assert!(matches!(error, Some(Error::TooLargeModulus { bound: b, .. }) if b == bound), "{log_n}");
    }
}

#[test]
fn the_published_parameters_and_silence_are_refused() {
    let published = Spec { log_n: 12, plaintext_modulus: 1024, q_bits: vec![43, 42, 42], digit_bits: 22 };
    assert!(matches!(published.build_legacy("a test").err(), Some(Error::NoEstimate(12))));
    assert!(published.build_insecure("a test").unwrap().margin().is_none());
    for reason in ["", " "] {
        assert!(matches!(Spec::legacy_n32768().build_legacy(reason).err(), Some(Error::NoReason)));
        assert!(matches!(published.build_insecure(reason).err(), Some(Error::NoReason)));
    }
    let wrong = |change: fn(&mut Spec)| {
        let mut spec = published.clone();
        change(&mut spec);
        spec.build_insecure("a test").err().unwrap()
    };
    assert!(matches!(wrong(|spec| spec.log_n = 2), Error::BadDimension(2)));
    assert!(matches!(wrong(|spec| spec.log_n = 70), Error::BadDimension(70)));
    assert!(matches!(wrong(|spec| spec.plaintext_modulus = 1), Error::PlaintextModulus(1)));
    assert!(matches!(wrong(|spec| spec.plaintext_modulus = 1 << 33), Error::PlaintextModulus(_)));
    assert!(matches!(wrong(|spec| spec.digit_bits = 0), Error::DigitBits(0)));
    assert!(matches!(wrong(|spec| spec.digit_bits = 41), Error::DigitBits(41)));
    assert!(matches!(wrong(|spec| spec.q_bits = vec![]), Error::Ring(_)));
    assert!(matches!(wrong(|spec| spec.q_bits = vec![10]), Error::Prime(_)));
    assert!(matches!(wrong(|spec| spec.plaintext_modulus = 4_294_967_291), Error::Prime(_)));
}

/// Modulo 97 and 193 a key of 16 coefficients is zero somewhere once in five draws.
#[test]
fn keys_with_a_zero_evaluation_value_are_drawn_again() {
    let params = insecure(4, 3, &[7, 8], 4);
    let (id, mut refused, mut choices) = (SecretId::draw().unwrap(), 0, Choices(7));
    for _ in 0..500 {
        let mut draw = || (0..16).map(|_| (choices.word() % 3) as i8 - 1).collect::<Vec<i8>>();
        let ternary = Zeroizing::new([draw(), draw()]);
        match SecretKey::from_ternary(&params, id, ternary) {
            Ok(_) => {}
            Err(Error::NotInvertible) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        assert!(SecretKey::generate(&params).is_ok());
    }
    assert!((50..200).contains(&refused), "{refused} of 500 keys have no inverse");
}

fn is_foreign<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Operand(OperandError::Foreign { .. })))
}

#[test]
fn foreign_operands_are_refused() {
    let here = World::new(&insecure(4, 97, &[40; 3], 11));
    let there = World::new(&insecure(4, 97, &[40, 40, 41], 11));
    let (a, b, e) = (here.slots_of(&[1]), there.slots_of(&[1]), &here.evaluator);
    assert!(is_foreign(e.add(&a, &b)) && is_foreign(e.sub(&b, &a)) && is_foreign(e.mul(&a, &b)));
    assert!(is_foreign(e.negate(&b)) && is_foreign(e.mul_const(&b, 2)) && is_foreign(e.relinearize(&b)));
    assert!(is_foreign(e.rotate_rows(&b, 1)) && is_foreign(e.mod_switch_to(&b, 0)));
    assert!(is_foreign(Decryptor::new(&here.key).decrypt(&b)));
    assert!(is_foreign(Evaluator::new(&here.params, EvaluationKeys::none(&there.params))));
    let other = World::new(&insecure(4, 17, &[40; 3], 11));
    let p = other.encoder.encode_coefficients(&[1]).unwrap();
    let public = here.key.public_key();
    assert!(is_foreign(Encryptor::new(&public).encrypt(&p)) && is_foreign(e.add_plain(&a, &p)));
    assert!(is_foreign(e.mul_plain(&a, &p)) && is_foreign(here.encoder.decode(&p)));
    assert!(matches!(other.encoder.encode(&[1]), Err(Error::NoSlots { t: 17, n: 16 })));
}

#[test]
fn missing_keys_degrees_and_levels_are_named() {
    let world = World::new(&insecure(4, 97, &[40; 3], 11));
    let none = Evaluator::new(&world.params, EvaluationKeys::none(&world.params)).unwrap();
    let a = world.slots_of(&[1]);
    let product = none.mul_lazy(&a, &a).unwrap();
    let missing = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::MissingKey { .. })))
    };
    assert!(missing(none.relinearize(&product)) && missing(none.mul(&a, &a)));
    assert!(missing(none.rotate_rows(&a, 1)) && missing(none.swap_rows(&a)));
    for g in [0, 2, 33, usize::MAX] {
        assert!(missing(world.evaluator.automorphism(&a, g)), "{g}");
    }
    let e = &world.evaluator;
    let degree = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::Degree { degree: 2, .. })))
    };
    assert!(degree(e.mul(&a, &product)) && degree(e.add(&a, &product)) && degree(e.rotate_rows(&product, 1)));
    let level = |result: Result<Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::Level { wanted: 3, present: 2, .. })))
    };
    let p = world.encoder.encode(&[1]).unwrap();
    assert!(level(e.mod_switch_to(&a, 3)));
    assert!(level(Encryptor::new(&world.key.public_key()).encrypt_at(&p, 3)));
    assert!(world.key.evaluation_keys(&KeyRequest::default()).is_ok());
}

#[test]
fn a_product_that_would_not_decrypt_is_an_error() {
    let world = World::new(&insecure(4, 97, &[40; 3], 11));
    let mut power = world.slots_of(&[3]);
    let refusal = loop {
        match world.evaluator.mul(&power, &power) {
            Ok(square) => power = square,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, Error::NoiseExhausted { .. }), "{refusal}");
}
