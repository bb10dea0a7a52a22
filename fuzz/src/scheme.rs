//! Objects of BGV.

use std::sync::LazyLock;

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, Parameters, PublicKey, SecretKey,
};
use he_core::rlwe::Bound;
use he_core::rlwe::serial::{Kind, header};
use he_core::wire::{HEADER_BYTES, Header};

use crate::world::{INSECURE, key_request, known_key, object};

/// Of he-bgv's objects.
pub(crate) fn bgv(params: &Parameters, kind: Kind) -> Header {
    Header { tag: he_bgv::TAG, ..header(params.rlwe(), kind) }
}

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    let keys = known_key(&INSECURE).evaluation_keys(&key_request(&INSECURE)).expect("keys");
    Evaluator::new(&INSECURE, keys).expect("an evaluator")
});

/// Ciphertexts in either form.
pub fn ciphertext(bytes: &[u8]) {
    let bytes = object(&bgv(&INSECURE, Kind::Ciphertext), bytes);
    let Ok(read) = Ciphertext::from_bytes(&INSECURE, &bytes) else { return };
    same_ciphertext(&read, &bytes);
    let key = known_key(&INSECURE);
    // Refused if it claims more noise than its modulus holds.
    let own = read.secret_id() == key.secret_id();
    assert_eq!(Decryptor::new(&key).decrypt(&read).is_ok(), own && read.noise_budget() >= 0.0);
    // May be refused, by an error.
    let _ = EVALUATOR.mul(&read, &read).and_then(|product| EVALUATOR.rotate_rows(&product, 1));
    let _ = EVALUATOR.add(&read, &read).and_then(|sum| EVALUATOR.mod_switch(&sum));
}

/// A ciphertext is written as it was read, but for what reading changes: seeds are expanded, too small a claim of noise
/// is raised. What is written is read as the same.
fn same_ciphertext(read: &Ciphertext, bytes: &[u8]) {
    let again = read.to_bytes().expect("bytes");
    let second = Ciphertext::from_bytes(&INSECURE, &again).expect("what was written is read");
    assert_eq!(second.to_bytes().expect("bytes"), again);
    // factor u64, noise f64, chaos f64, sides u8, bound of the values, then the number of polynomials.
    let body = &bytes[HEADER_BYTES..];
    let claim = f64::from_le_bytes(body[8..16].try_into().expect("eight bytes"));
    assert!(read.noise().log2() >= claim);
    let seeded = body[25 + Bound::BYTES] == 1;
    if !seeded && read.noise().log2() == claim {
        assert_eq!(again, bytes);
    }
}

/// Public keys and, from the second bit of the first byte on, secret ones.
pub fn keys(bytes: &[u8]) {
    let secret = bytes.first().is_some_and(|first| first / 2 % 2 == 1);
    if secret {
        let bytes = object(&header(INSECURE.rlwe(), Kind::SecretKey), bytes);
        if let Ok(key) = SecretKey::from_secret_bytes(&INSECURE, &bytes) {
            assert_eq!(key.to_secret_bytes()[..], bytes);
        }
        return;
    }
    let bytes = object(&bgv(&INSECURE, Kind::PublicKey), bytes);
    let Ok(key) = PublicKey::from_bytes(&INSECURE, &bytes) else { return };
    assert_eq!(key.to_bytes().expect("bytes"), bytes);
    let plaintext = Encoder::new(&INSECURE).with_bound(3).encode(&[1, 2, 3]).expect("a plaintext");
    assert!(Encryptor::with_public(&key).encrypt(&plaintext).is_ok());
}

/// Evaluation keys.
pub fn evaluation_keys(bytes: &[u8]) {
    let bytes = object(&bgv(&INSECURE, Kind::EvaluationKeys), bytes);
    let Ok(keys) = EvaluationKeys::from_bytes(&INSECURE, &bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let evaluator = Evaluator::new(&INSECURE, keys).expect("an evaluator");
    let plaintext = Encoder::new(&INSECURE).with_bound(3).encode(&[1, 2, 3]).expect("a plaintext");
    let c = known_key(&INSECURE).encrypt_seeded(&plaintext, 1).expect("a ciphertext").expand();
    // Missing keys are errors, wrong ones give wrong results.
    let _ = evaluator.mul(&c, &c);
    let _ = evaluator.rotate_rows(&c, 1).and_then(|c| evaluator.swap_rows(&c));
}
