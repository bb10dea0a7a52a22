//! Programs of users that gave a wrong answer without a word, a panic, or a message that led nowhere.

use he_ckks::{Encoder, Encryptor, Error, EvaluationKeys, Evaluator, PreparedPlaintext, SecretKey, Spec};

fn message<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn ckks_large_values() {
    let params = Spec::n16384().build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let encryptor = Encryptor::with_secret(&key);
    // A bound is taken or refused as such, whatever the values and however many.
    for (bound, taken) in [(1e7, false), (1e5, true)] {
        let encoder = Encoder::new(&params).with_bound(bound);
        for count in [1, 100, 8192] {
            let result = encryptor.encrypt(&encoder.encode(&vec![bound / 5.0; count]).unwrap());
            assert_eq!(result.is_ok(), taken, "{count} values of {bound:e}");
            let text = message(result);
            assert!(taken || text.contains("1e7") && text.contains("with_bound"), "{text}");
        }
    }
    // The bound that is named is one that is taken.
    let scale = params.scale(params.max_level());
    let encoder = Encoder::new(&params).with_bound(0.99 * (60_f64.exp2() / scale));
    assert!(encryptor.encrypt(&encoder.encode(&vec![1e6; 8192]).unwrap()).is_ok());
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
