//! Programs of users that gave a wrong answer without a word.

use he_tfhe::digits::{self, DigitEvaluator, IntegerTable};
use he_tfhe::{Decryptor, Encryptor, Error, Gate, LookupTable, Spec};

use crate::world::World;

fn world() -> World {
    World::new(Spec::message_2_carry_2_failure_64().build().unwrap())
}

#[test]
fn tfhe_conditions() {
    let world = world();
    let (encryptor, decryptor) = (Encryptor::with_secret(&world.key), Decryptor::new(&world.key));
    let words = DigitEvaluator::new(&world.evaluator).unwrap();
    let [a, b] = [[9, 5], [7, 5]].map(|values| digits::encrypt(&encryptor, &values, 8).unwrap());
    let (less, equal) = (words.lt(&a, &b).unwrap(), words.eq(&a, &b).unwrap());
    let either = words.or(&less, &equal).unwrap();
    assert_eq!(digits::decrypt_conditions(&decryptor, &either).unwrap(), [false, true]);
    // A gate takes the digit inside, and its result decrypts; the condition itself is read as no bit.
    let gate = world.evaluator.gate(Gate::Or, less[0].digit(), equal[0].digit()).unwrap();
    assert!(decryptor.decrypt_bit(&gate).is_ok());
    for condition in less.iter().chain(&equal) {
        assert!(matches!(decryptor.decrypt_bit(condition.digit()), Err(Error::NoPlaintext { .. })));
    }
    // Nor is a bit a message.
    let bit = &encryptor.encrypt_bits(&[false]).unwrap()[0];
    assert!(matches!(decryptor.decrypt(bit), Err(Error::NoPlaintext { .. })));
}

#[test]
fn tfhe_past_the_messages() {
    let world = world();
    let (encryptor, decryptor) = (Encryptor::with_secret(&world.key), Decryptor::new(&world.key));
    let server = &world.evaluator;
    let sum = server.add(&encryptor.encrypt(11).unwrap(), &encryptor.encrypt(9).unwrap()).unwrap();
    let table = LookupTable::new(&world.params, |m| m).unwrap();
    let same = server.bootstrap(&sum, &table).unwrap();
    for (c, reduced) in [(&sum, 4), (&same, 12)] {
        let error = decryptor.decrypt(c).err().unwrap().to_string();
        assert!(error.contains("below 16") && error.contains("decrypt_reduced"), "{error}");
        assert_eq!(decryptor.decrypt_reduced(c).unwrap(), (reduced, true));
    }
}

fn message<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn many_tables_where_there_is_no_room() {
    let world = world();
    let input = Encryptor::with_secret(&world.key).encrypt(3).unwrap();
    let table = LookupTable::many(&world.params, &[&|m| m / 4, &|m| m % 4]).unwrap();
    let text = message(world.evaluator.bootstrap(&input, &table));
    assert!(text.contains("2 outputs") && text.contains("4096") && !text.contains("inf"), "{text}");
}

#[test]
fn a_sigmoid_without_circuits() {
    let params = Spec::message_2_carry_2_failure_64().build().unwrap();
    let text = message(IntegerTable::sigmoid(&params, [8, 4], 4));
    assert!(text.contains("circuit part") && text.contains("message_2_carry_2_wide_failure_64"), "{text}");
}

#[test]
fn digits_of_7_bits() {
    let world = World::small();
    let text = message(digits::encrypt(&Encryptor::with_secret(&world.key), &[3], 7));
    assert!(text.contains("7 bits") && text.contains("a multiple of 2"), "{text}");
}
