//! Objects of CKKS.

use std::sync::LazyLock;

use he_ckks::{
    BootstrapKeys, Bootstrapper, Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator,
    KeyRequest, Plaintext, PublicKey,
};
use he_core::wire::{HEADER_BYTES, Header};

use crate::world::{CKKS, CKKS_SLOTS, ckks_key, ckks_request, object};

static BOOTSTRAPPER: LazyLock<Bootstrapper> = LazyLock::new(|| {
    let further = ckks_request(&CKKS).and(&KeyRequest::default().conjugation(&CKKS, CKKS.max_level()));
    Bootstrapper::new(ckks_key(&CKKS).bootstrap_keys(CKKS_SLOTS, &further).expect("keys"))
        .expect("transforms")
});

fn plaintext() -> Plaintext {
    Encoder::new(&CKKS).encode(&[0.5, -0.25]).expect("a plaintext")
}

/// The upper bits of the first byte say which object it is.
pub fn ckks(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let choice = usize::from(first / 2 % 4);
    let kind = [4, 2, 3, 5][choice];
    let bytes = object(&Header { tag: he_ckks::TAG, kind, params: *CKKS.hash() }, bytes);
    [ciphertext, public_key, evaluation_keys, bootstrap_keys][choice](&bytes);
}

/// Ciphertexts in either form.
fn ciphertext(bytes: &[u8]) {
    let Ok(read) = Ciphertext::from_bytes(&CKKS, bytes) else { return };
    same_ciphertext(&read, bytes);
    let (key, e) = (ckks_key(&CKKS), BOOTSTRAPPER.evaluator());
    // Nothing is left of values that claim more error than their bound.
    if let Ok(values) = Decryptor::new(&key).decrypt(&read) {
        assert_eq!(values.len(), read.slots());
    }
    // All of these may be refused, by an error.
    let _ = Decryptor::new(&key).decrypt_shared(&read, 5);
    let fresh = key.encrypt_seeded(&plaintext(), CKKS.max_level()).expect("a ciphertext").expand();
    let _ = e.mul(&read, &fresh).and_then(|product| e.rotate(&product, 1));
    let _ = e.add(&fresh, &read).and_then(|sum| e.mul_plain(&sum, &plaintext()));
    let _ = e.add_plain(&read, &plaintext()).and_then(|sum| e.conjugate(&sum));
    let _ = e.relinearize_and_rescale(&read).and_then(|c| e.add_const(&c, 0.5));
    let _ = e.mul_const(&read, 0.5).and_then(|c| e.mod_switch_to(&c, 0));
    let _ = BOOTSTRAPPER.bootstrap(&read);
    let _ = BOOTSTRAPPER.bootstrap_integers(&read, 2);
    let _ = BOOTSTRAPPER.bootstrap_twice(&read);
}

/// A ciphertext is written as it was read, but for what reading changes: seeds are expanded, too small a claim of error
/// is raised. What is written is read as the same.
fn same_ciphertext(read: &Ciphertext, bytes: &[u8]) {
    let again = read.to_bytes().expect("bytes");
    let second = Ciphertext::from_bytes(&CKKS, &again).expect("what was written is read");
    assert_eq!(second.to_bytes().expect("bytes"), again);
    // scale f64, slots u32, bound f64, error f64, then the number of polynomials.
    let body = &bytes[HEADER_BYTES..];
    let claim = f64::from_le_bytes(body[20..28].try_into().expect("eight bytes"));
    assert!(read.estimate().error >= claim);
    let seeded = body[28] == 1;
    if !seeded && read.estimate().error.to_bits() == claim.to_bits() {
        assert_eq!(again, bytes);
    }
}

fn public_key(bytes: &[u8]) {
    let Ok(key) = PublicKey::from_bytes(&CKKS, bytes) else { return };
    assert_eq!(key.to_bytes().expect("bytes"), bytes);
    assert!(Encryptor::with_public(&key).encrypt(&plaintext()).is_ok());
}

fn evaluation_keys(bytes: &[u8]) {
    let Ok(keys) = EvaluationKeys::from_bytes(&CKKS, bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let evaluator = Evaluator::new(&CKKS, keys).expect("an evaluator");
    let c = ckks_key(&CKKS).encrypt_seeded(&plaintext(), CKKS.max_level()).expect("a ciphertext").expand();
    // Missing keys are errors, wrong ones give wrong results.
    let _ = evaluator.mul(&c, &c);
    let _ = evaluator.rotate(&c, 1).and_then(|c| evaluator.conjugate(&c));
}

fn bootstrap_keys(bytes: &[u8]) {
    let Ok(keys) = BootstrapKeys::from_bytes(&CKKS, bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let bootstrapper = Bootstrapper::new(keys).expect("transforms");
    let c = ckks_key(&CKKS).encrypt_seeded(&plaintext(), CKKS.max_level()).expect("a ciphertext").expand();
    let _ = bootstrapper.bootstrap(&c);
}
