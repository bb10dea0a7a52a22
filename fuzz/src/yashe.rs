//! Objects of YASHE.

use std::sync::LazyLock;

use he_core::rlwe::SecretId;
use he_core::wire::{HEADER_BYTES, Header};
use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters, Plaintext,
    PublicKey, SecretKey, Spec,
};
use zeroize::Zeroizing;

use crate::world::{ID, object};

/// The parameters of the target.
pub static YASHE: LazyLock<Parameters> = LazyLock::new(|| {
    let spec = Spec { log_n: 4, plaintext_modulus: 97, q_bits: vec![40, 39], digit_bits: 11 };
    spec.build_insecure("fuzzing: no secret is in it").expect("parameters")
});

/// The key of these parameters that everybody knows.
pub fn yashe_key() -> SecretKey {
    let part = |start: usize| (start..start + YASHE.n()).map(|i| (i * i % 7 % 3) as i8 - 1).collect();
    let id = SecretId::from_bytes(ID).expect("an identifier");
    SecretKey::from_ternary(&YASHE, id, Zeroizing::new([part(0), part(3)])).expect("a key")
}

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    let request = KeyRequest::default().products().rotations(&YASHE, &[1]);
    Evaluator::new(&YASHE, yashe_key().evaluation_keys(&request).expect("keys")).expect("an evaluator")
});

fn plaintext() -> Plaintext {
    Encoder::new(&YASHE).with_bound(3).encode(&[1, 2, 3]).expect("a plaintext")
}

/// The upper bits of the first byte say which object it is.
pub fn yashe(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let choice = usize::from(first / 2 % 4);
    let kind = [4, 2, 3, 1][choice];
    let bytes = object(&Header { tag: he_yashe::TAG, kind, params: *YASHE.hash() }, bytes);
    [ciphertext, public_key, evaluation_keys, secret_key][choice](&bytes);
}

/// A ciphertext is written as it was read, but for a claim of too little noise, which reading raises.
fn ciphertext(bytes: &[u8]) {
    let Ok(read) = Ciphertext::from_bytes(&YASHE, bytes) else { return };
    let again = read.to_bytes().expect("bytes");
    let second = Ciphertext::from_bytes(&YASHE, &again).expect("what was written is read");
    assert_eq!(second.to_bytes().expect("bytes"), again);
    // degree u8, level u16, secret [16], orders u8, plaintext factors u32, sides u8, then a variance for each order.
    let body = &bytes[HEADER_BYTES..];
    if again[HEADER_BYTES + 25..][..8] == body[25..33] {
        assert_eq!(again, bytes);
    }
    let key = yashe_key();
    let own = read.secret_id() == key.secret_id();
    assert_eq!(Decryptor::new(&key).decrypt(&read).is_ok(), own && read.noise_budget() >= 0.0);
    // All of these may be refused, by an error.
    let _ = EVALUATOR.mul(&read, &read).and_then(|product| EVALUATOR.rotate_rows(&product, 1));
    let _ = EVALUATOR.relinearize(&read).and_then(|c| EVALUATOR.mul_plain(&c, &plaintext()));
    let _ = EVALUATOR.add(&read, &read).and_then(|sum| EVALUATOR.mod_switch_to(&sum, 0));
    let _ = EVALUATOR.add_plain(&read, &plaintext()).and_then(|c| EVALUATOR.swap_rows(&c));
}

fn public_key(bytes: &[u8]) {
    let Ok(key) = PublicKey::from_bytes(&YASHE, bytes) else { return };
    assert_eq!(key.to_bytes().expect("bytes"), bytes);
    assert!(Encryptor::new(&key).encrypt(&plaintext()).is_ok());
}

fn evaluation_keys(bytes: &[u8]) {
    let Ok(keys) = EvaluationKeys::from_bytes(&YASHE, bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let evaluator = Evaluator::new(&YASHE, keys).expect("an evaluator");
    let c = Encryptor::new(&yashe_key().public_key()).encrypt(&plaintext()).expect("a ciphertext");
    // Missing keys are errors, wrong ones give wrong results.
    let _ = evaluator.mul(&c, &c);
    let _ = evaluator.rotate_rows(&c, 1).and_then(|c| evaluator.swap_rows(&c));
}

fn secret_key(bytes: &[u8]) {
    let Ok(key) = SecretKey::from_secret_bytes(&YASHE, bytes) else { return };
    assert_eq!(key.to_secret_bytes()[..], bytes[..]);
}
