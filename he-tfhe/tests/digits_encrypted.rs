//! Integers of digits under encryption: a few of every operation, and what they take.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::OnceLock;

use he_tfhe::digits::{self, Carries, Ciphertexts, Condition, DigitEvaluator, Digits, clear};
use he_tfhe::{Decryptor, Encryptor, Error, Evaluator, SecretKey, Spec};

fn keys() -> &'static (SecretKey, Evaluator) {
    static KEYS: OnceLock<(SecretKey, Evaluator)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = SecretKey::generate(&Spec::message_2_carry_2_failure_64().build().unwrap()).unwrap();
        let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
        (key, evaluator)
    })
}

fn evaluator(carries: Carries) -> DigitEvaluator<Ciphertexts<'static>> {
    DigitEvaluator::new(&keys().1).unwrap().with_carries(carries)
}

fn encrypt(bits: u32, values: &[i64]) -> Vec<Digits> {
    digits::encrypt(&Encryptor::with_secret(&keys().0), values, bits).unwrap()
}

fn decrypt(integers: &[Digits]) -> Vec<i64> {
    integers.iter().map(|integer| digits::decrypt(&Decryptor::new(&keys().0), integer).unwrap()).collect()
}

fn bits(conditions: &[Condition]) -> Vec<bool> {
    digits::decrypt_conditions(&Decryptor::new(&keys().0), conditions).unwrap()
}

/// Numbers of 8 bits, others in every run.
fn drawn(count: usize) -> Vec<i64> {
    let mut state =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as i8
    };
    (0..count).map(|_| i64::from(next())).collect()
}

fn map(a: &[i64], b: &[i64], f: impl Fn(i64, i64) -> i64) -> Vec<i64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

#[test]
fn sums_and_products() {
    let (a, b) = (drawn(3), drawn(3));
    println!("{a:?} {b:?}");
    let (x, y) = (encrypt(8, &a), encrypt(8, &b));
    for carries in [Carries::Prefix, Carries::Ripple] {
        let e = evaluator(carries);
        assert_eq!(decrypt(&e.add(&x, &y).unwrap()), map(&a, &b, |a, b| clear::add(a, b, 8)));
        assert_eq!(decrypt(&e.sub(&x, &y).unwrap()), map(&a, &b, |a, b| clear::sub(a, b, 8)));
        assert_eq!(decrypt(&e.negate(&x).unwrap()), map(&a, &b, |a, _| clear::negate(a, 8)));
        assert_eq!(decrypt(&e.mul(&x, &y).unwrap()), map(&a, &b, |a, b| clear::mul(a, b, 8)));
        let product = e.fixed_mul(&x, &y, 4).unwrap();
        assert_eq!(decrypt(&product), map(&a, &b, |a, b| clear::fixed_mul(a, b, 8, 4, 2)));
        // A result is an operand: noise is what it was.
        let next = e.fixed_mul(&product, &x, 4).unwrap();
        assert_eq!(decrypt(&next), map(&decrypt(&product), &a, |a, b| clear::fixed_mul(a, b, 8, 4, 2)));
    }
}

#[test]
fn comparisons_and_choices() {
    let (mut a, b) = (drawn(3), drawn(3));
    a[0] = b[0];
    println!("{a:?} {b:?}");
    let e = evaluator(Carries::Auto);
    let (x, y) = (encrypt(8, &a), encrypt(8, &b));
    let holds = |f: fn(i64, i64) -> bool| a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect::<Vec<_>>();
    assert_eq!(bits(&e.eq(&x, &y).unwrap()), holds(|a, b| a == b));
    assert_eq!(bits(&e.lt(&x, &y).unwrap()), holds(|a, b| a < b));
    assert_eq!(bits(&e.le(&x, &y).unwrap()), holds(|a, b| a <= b));
    assert_eq!(bits(&e.lt_unsigned(&x, &y).unwrap()), holds(|a, b| clear::lt_unsigned(a, b, 8)));
    assert_eq!(bits(&e.le_unsigned(&x, &y).unwrap()), holds(|a, b| !clear::lt_unsigned(b, a, 8)));
    assert_eq!(decrypt(&e.min(&x, &y).unwrap()), map(&a, &b, i64::min));
    let larger = e.max(&x, &y).unwrap();
    assert_eq!(decrypt(&larger), map(&a, &b, i64::max));
    // Selected digits are noisier; a product has them refreshed first.
    assert_eq!(decrypt(&e.mul(&larger, &y).unwrap()), map(&a, &b, |a, b| clear::mul(a.max(b), b, 8)));
    assert_eq!(decrypt(&e.relu(&x).unwrap()), map(&a, &b, |a, _| a.max(0)));
}

#[test]
fn shifts_and_widths() {
    let a = drawn(2);
    println!("{a:?}");
    let (e, x) = (evaluator(Carries::Auto), encrypt(8, &a));
    for amount in [1, 2, 5, 8] {
        let moved = e.shift_left(&x, amount).unwrap();
        assert_eq!(decrypt(&moved), map(&a, &a, |a, _| clear::shift_left(a, amount, 8)));
        let moved = e.shift_right(&x, amount).unwrap();
        assert_eq!(decrypt(&moved), map(&a, &a, |a, _| clear::shift_right(a, amount, 8)));
        let moved = e.shift_right_unsigned(&x, amount).unwrap();
        assert_eq!(decrypt(&moved), map(&a, &a, |a, _| clear::shift_right_unsigned(a, amount, 8)));
    }
    let wide = e.resize(&x, 12).unwrap();
    assert_eq!(decrypt(&wide), a);
    assert_eq!(decrypt(&e.mul(&wide, &wide).unwrap()), map(&a, &a, |a, b| clear::mul(a, b, 12)));
    assert_eq!(decrypt(&e.resize(&wide, 4).unwrap()), map(&a, &a, |a, _| clear::signed(a.into(), 4)));
}

#[test]
fn quotients() {
    let (a, mut b) = (drawn(3), drawn(3));
    b[2] = 0;
    println!("{a:?} {b:?}");
    let e = evaluator(Carries::Auto);
    let (quotient, remainder) = e.div_rem(&encrypt(8, &a), &encrypt(8, &b)).unwrap();
    assert_eq!(decrypt(&quotient), map(&a, &b, |a, b| clear::div_rem(a, b, 8).0));
    assert_eq!(decrypt(&remainder), map(&a, &b, |a, b| clear::div_rem(a, b, 8).1));
    let (a, b) = (map(&a, &a, |a, _| a & 7), map(&b, &b, |b, _| b & 7));
    let (quotient, remainder) = e.div_rem_unsigned(&encrypt(4, &a), &encrypt(4, &b)).unwrap();
    assert_eq!(decrypt(&quotient), map(&a, &b, |a, b| clear::div_rem_unsigned(a, b, 4).0));
    assert_eq!(decrypt(&remainder), map(&a, &b, |a, b| clear::div_rem_unsigned(a, b, 4).1));
}

#[test]
fn encryption_names_places_and_no_values() {
    let encryptor = Encryptor::with_secret(&keys().0);
    for (values, index) in [([127, -128, 128], 2), ([0, -129, 0], 1)] {
        let error = digits::encrypt(&encryptor, &values, 8).err().unwrap();
        assert!(
            matches!(error, Error::MessageOutOfRange { index: found, modulus: 128, .. } if found == index)
        );
    }
    assert!(matches!(digits::encrypt_unsigned(&encryptor, &[256], 8), Err(Error::MessageOutOfRange { .. })));
    assert!(matches!(digits::encrypt(&encryptor, &[0], 9), Err(Error::Spec { .. })));
    assert!(matches!(digits::encrypt(&encryptor, &[0], 0), Err(Error::Spec { .. })));
    assert!(matches!(digits::encrypt(&encryptor, &[0], 66), Err(Error::Spec { .. })));
    let decryptor = Decryptor::new(&keys().0);
    let ends = [i64::MIN, i64::MAX];
    for (integer, value) in digits::encrypt(&encryptor, &ends, 64).unwrap().iter().zip(ends) {
        assert_eq!(digits::decrypt(&decryptor, integer).unwrap(), value);
        assert_eq!(digits::decrypt_unsigned(&decryptor, integer).unwrap(), value as u64);
    }
    let carried = Digits::new(encryptor.encrypt_all(&[1, 4]).unwrap(), 2).unwrap();
    assert!(matches!(digits::decrypt(&decryptor, &carried), Err(Error::MessageOutOfRange { index: 1, .. })));
}

#[test]
fn constants_take_no_bootstrap() {
    // An evaluator that only this test counts with cannot be had without keys: the result shows no noise instead.
    let e = evaluator(Carries::Auto);
    let x = [e.constant(-77, 8).unwrap()];
    let square = e.mul(&x, &x).unwrap();
    assert_eq!(decrypt(&square), [clear::mul(-77, -77, 8)]);
    assert!(square[0].digits().iter().all(|digit| digit.variance() == 0.0));
    let mixed = e.add(&encrypt(8, &[100]), &x).unwrap();
    assert_eq!(decrypt(&mixed), [23]);
}
