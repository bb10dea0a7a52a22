//! What goes to the other side: specifications and objects as bytes, and as `serde` knows them with the feature of that name; sizes
//! before anything is made; rotations in both directions; vectors longer than a ciphertext.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-core/tests/portable/check.rs"]
mod check;
#[path = "../../he-core/tests/portable/slots.rs"]
mod slots;

use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Plaintext, PublicKey,
    SecretKey, Spec,
};

fn spec() -> Spec {
    Spec { log_n: 5, plaintext_modulus: 193, q_bits: vec![40; 2], digit_bits: 8 }
}

/// Of other parameters.
fn others() -> Spec {
    Spec { digit_bits: 10, q_bits: vec![41; 2], ..spec() }
}

fn presets() -> [Spec; 2] {
    [Spec::legacy_n32768(), Spec::legacy_n65536()]
}

fn decryptor(key: &SecretKey) -> Decryptor<'_> {
    Decryptor::new(key)
}

fn public_key(key: &SecretKey) -> PublicKey {
    key.public_key()
}

fn encrypt(key: &SecretKey, plaintext: &Plaintext) -> Ciphertext {
    let public = key.public_key();
    Encryptor::new(&public).encrypt_all(std::slice::from_ref(plaintext)).unwrap().remove(0)
}

fn products() -> KeyRequest {
    KeyRequest::default().products()
}

fn rotations(request: KeyRequest, params: &Parameters, steps: &[i64]) -> KeyRequest {
    request.rotations(params, steps)
}

fn said(request: &KeyRequest, params: &Parameters) -> usize {
    request.sealed_bytes(params)
}
