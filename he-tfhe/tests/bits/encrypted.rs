//! Circuits on ciphertexts against plain arithmetic and their clear evaluation.

use std::sync::OnceLock;

use he_tfhe::bits::clear::unsigned;
use he_tfhe::bits::{BitEvaluator, Bits, Carry, Circuit, decrypt, decrypt_unsigned, encrypt};
use he_tfhe::{Decryptor, Encryptor, Evaluator, SecretKey, Spec};

use crate::cases::CASES;

/// One key for all tests.
fn keys() -> &'static (SecretKey, Evaluator) {
    static KEYS: OnceLock<(SecretKey, Evaluator)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = SecretKey::generate(&Spec::gate_failure_64().build().unwrap()).unwrap();
        let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
        (key, evaluator)
    })
}

fn encrypted(values: &[i64], width: usize) -> Vec<Bits> {
    encrypt(&Encryptor::with_secret(&keys().0), values, width).unwrap()
}

fn read(integers: &[Bits]) -> Vec<u64> {
    decrypt_unsigned(&Decryptor::new(&keys().0), integers).unwrap()
}

/// Every operation by its method, and by its circuit with each kind of carries in turn.
fn every_operation(width: usize, a: &[i64], b: &[i64]) {
    let evaluator = BitEvaluator::new(&keys().1);
    let (integers, others) = (encrypted(a, width), encrypted(b, width));
    let raw = [a, b].map(|values| values.iter().map(|&value| unsigned(value, width)).collect::<Vec<u64>>());
    for (at, case) in CASES.iter().enumerate() {
        let circuit = (case.build)(width, Carry::ALL[at % 3]).unwrap();
        let count = circuit.operand_widths().len();
        let clear = circuit.evaluate_all(&[&raw[0], &raw[1]].map(Vec::as_slice)[..count]).unwrap();
        let before = keys().1.bootstraps();
        let run = evaluator.run(&circuit, &[integers.as_slice(), &others][..count]).unwrap();
        assert!(keys().1.bootstraps() >= before + (circuit.gates() * a.len()) as u64);
        assert_eq!(run.iter().map(|integers| read(integers)).collect::<Vec<_>>(), clear, "{}", case.name);
        let found: Vec<Vec<u64>> = (case.run)(&evaluator, &integers, &others)
            .unwrap()
            .iter()
            .map(|integers| read(integers))
            .collect();
        for tuple in 0..a.len() {
            let found: Vec<u64> = found.iter().map(|result| result[tuple]).collect();
            let wanted = (case.plain)(&[a[tuple], b[tuple]], width).into_iter().zip(circuit.output_widths());
            let wanted: Vec<u64> = wanted.map(|(value, width)| unsigned(value, width)).collect();
            assert_eq!(found, wanted, "{} of {} and {}", case.name, a[tuple], b[tuple]);
        }
    }
}

#[test]
fn every_operation_at_4_bits() {
    every_operation(4, &[-5, 6], &[3, -8]);
}

#[test]
#[ignore = "every operation at 8 bits on ciphertexts, a minute or two"]
fn every_operation_at_8_bits() {
    every_operation(8, &[-100, 93, 17], &[7, -2, 0]);
}

#[test]
#[ignore = "sigmoids at 16 bits on ciphertexts, a minute"]
fn sigmoids_at_16_bits() {
    let values = [-9000, -800, 0, 1, 2047, 4096, 32767, -32768];
    let evaluator = BitEvaluator::new(&keys().1);
    let found = evaluator.sigmoid(&encrypted(&values, 16), 12).unwrap();
    let wanted = values.map(|x| he_tfhe::bits::clear::sigmoid(x, 16, 12).unwrap());
    assert_eq!(read(&found), wanted);
}

#[test]
fn choices_of_choices_and_what_is_made_of_them() {
    // An evaluator that only this test counts with.
    let counted = Evaluator::new(keys().0.evaluation_keys().unwrap());
    let evaluator = BitEvaluator::new(&counted);
    let (a, b, c) = (encrypted(&[3, -4], 4), encrypted(&[-1, 2], 4), encrypted(&[-1, 0], 1));
    let chosen = evaluator.select(&c, &a, &b).unwrap();
    assert!(chosen[0].bits()[0].variance() > 1.9 * keys().1.params().prediction().bootstrap);
    // A sum of three inputs of twice the variance would be too noisy: eight bits are bootstrapped first.
    let add = Circuit::add(4, Carry::Ripple).unwrap();
    let before = counted.bootstraps();
    let sum = evaluator.run(&add, &[&chosen, &a]).unwrap();
    assert_eq!(counted.bootstraps() - before, 2 * add.gates() as u64 + 8);
    let decryptor = Decryptor::new(&keys().0);
    assert_eq!(decrypt(&decryptor, &sum[0]).unwrap(), [6, -2]);
    let again = evaluator.select(&c, &chosen, &chosen).unwrap();
    assert_eq!(decrypt(&decryptor, &again).unwrap(), [3, 2]);
}

#[test]
fn integers_are_encrypted_and_moved() {
    let decryptor = Decryptor::new(&keys().0);
    let read = |integer: &Bits| decrypt(&decryptor, std::slice::from_ref(integer)).unwrap()[0];
    for (value, width) in [(-128, 8), (127, 8), (-1, 1), (0, 1), (i64::MIN, 64), (i64::MAX, 64), (-3, 5)] {
        let integer = &encrypted(&[value], width)[0];
        assert_eq!((read(integer), integer.width()), (value, width));
        assert_eq!(read(&Bits::constant(keys().1.params(), value, width).unwrap()), value);
        assert_eq!(Bits::from_bits(integer.clone().into_bits()).unwrap().width(), width);
    }
    let integer = &encrypted(&[-86], 8)[0];
    assert_eq!([12, 6].map(|width| read(&integer.resize(width).unwrap())), [-86, -22]);
    assert_eq!([12, 8].map(|width| read(&integer.resize_unsigned(width).unwrap())), [170, -86]);
    assert_eq!([0, 3, 8, 99].map(|places| read(&integer.shift_left(places))), [-86, 80, 0, 0]);
    assert_eq!([0, 3, 8, usize::MAX].map(|places| read(&integer.shift_right(places))), [-86, 21, 0, 0]);
    assert_eq!(
        [0, 3, 8, usize::MAX].map(|places| read(&integer.shift_right_arithmetic(places))),
        [-86, -11, -1, -1]
    );
    assert!(
        !decryptor.decrypt_bit(&integer.bits()[0]).unwrap() && decryptor.decrypt_bit(integer.sign()).unwrap()
    );
}

#[test]
fn wrong_operands_are_errors() {
    let encryptor = Encryptor::with_secret(&keys().0);
    let message = encrypt(&encryptor, &[128], 8).err().unwrap().to_string();
    assert!(
        message.contains("-128..=127") && !message.contains("128,") && !message.contains("is 128"),
        "{message}"
    );
    assert!(encrypt(&encryptor, &[-129], 8).is_err() && encrypt(&encryptor, &[0], 0).is_err());
    assert!(encrypt(&encryptor, &[0], 65).is_err() && encrypt(&encryptor, &[], 8).unwrap().is_empty());
    assert!(Bits::constant(keys().1.params(), 2, 2).is_err() && Bits::from_bits(Vec::new()).is_err());
    let evaluator = BitEvaluator::new(&keys().1);
    let (a, b, short) = (encrypted(&[1, 2], 4), encrypted(&[1], 4), encrypted(&[1, 2], 3));
    assert!(a[0].resize(0).is_err() && a[0].resize_unsigned(65).is_err());
    assert!(
        evaluator.add(&a, &b).is_err()
            && evaluator.add(&a, &short).is_err()
            && evaluator.div_rem(&a, &b).is_err()
    );
    assert!(
        evaluator.add(&[], &a).is_err()
            && evaluator.add(&a, &[]).is_err()
            && evaluator.div_rem(&[], &a).is_err()
    );
    assert!(evaluator.select(&a, &a, &a).is_err() && evaluator.sigmoid(&a, 4).is_err());
    assert!(evaluator.add(&[], &[]).unwrap().is_empty() && evaluator.sigmoid(&[], 4).unwrap().is_empty());
    assert!(evaluator.run(&Circuit::add(4, Carry::Ripple).unwrap(), &[&a]).is_err());
    let mixed = [a[0].clone(), short[0].clone()];
    assert!(evaluator.add(&mixed, &mixed).is_err());
    let other =
        SecretKey::generate(&Spec { failure: -60.0, ..Spec::gate_failure_64() }.build().unwrap()).unwrap();
    let foreign = encrypt(&Encryptor::with_secret(&other), &[1, 2], 4).unwrap();
    assert!(evaluator.add(&a, &foreign).is_err());
    assert!(decrypt(&Decryptor::new(&keys().0), &foreign).is_err());
}

#[test]
fn few_integers_take_few_levels_and_many_integers_few_gates() {
    let threads = 8;
    let cost = |carry, tuples| Circuit::add(32, carry).unwrap().cost(tuples, threads);
    assert!(cost(Carry::Sklansky, 1) < cost(Carry::Ripple, 1));
    assert!(cost(Carry::Ripple, 1000) < cost(Carry::BrentKung, 1000));
    assert!(cost(Carry::BrentKung, 1000) < cost(Carry::Sklansky, 1000));
    let circuit = BitEvaluator::new(&keys().1).fastest(1 << 20, |carry| Circuit::add(32, carry)).unwrap();
    assert_eq!(circuit.gates(), Circuit::add(32, Carry::Ripple).unwrap().gates());
}
