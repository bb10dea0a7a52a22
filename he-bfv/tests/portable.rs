//! What goes to the other side: specifications and objects as bytes, and as `serde` knows them with the feature of that name; sizes
//! before anything is made; rotations in both directions; vectors longer than a ciphertext.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-core/tests/portable/check.rs"]
mod check;
#[path = "../../he-core/tests/portable/slots.rs"]
mod slots;

use he_bfv::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Plaintext, PublicKey,
    SecretKey, Spec,
};

const LEVEL: usize = 1;

fn spec() -> Spec {
    Spec(he_bgv::Spec { log_n: 5, plaintext_modulus: 193, q_bits: vec![30; 2], p_bits: vec![40], digit: 1 })
}

/// Of other parameters.
fn others() -> Spec {
    Spec(he_bgv::Spec { digit: 2, p_bits: vec![50, 40], ..spec().0 })
}

fn presets() -> [Spec; 2] {
    [Spec::n8192(), Spec::n16384()]
}

fn decryptor(key: &SecretKey) -> Decryptor<'_> {
    Decryptor::new(key).unwrap()
}

fn public_key(key: &SecretKey) -> PublicKey {
    key.public_key().unwrap()
}

/// Under the public key.
fn encrypt(key: &SecretKey, plaintext: &Plaintext) -> Ciphertext {
    let public = public_key(key);
    let all = Encryptor::with_public(&public).encrypt_all(std::slice::from_ref(plaintext)).unwrap();
    all.into_iter().next().unwrap()
}

fn products() -> KeyRequest {
    KeyRequest::default().relinearization(LEVEL)
}

fn rotations(request: KeyRequest, params: &Parameters, steps: &[i64]) -> KeyRequest {
    request.rotations(params, steps, LEVEL)
}

fn said(request: &KeyRequest, params: &Parameters) -> usize {
    request.sealed_bytes(params).unwrap()
}

/// A seeded ciphertext is read as a ciphertext.
#[cfg(feature = "serde")]
#[test]
fn seeded_ciphertexts_are_portable() {
    let params = spec().build_insecure("a test").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let seeded = key.encrypt_seeded(&Encoder::new(&params).encode(&[4, 5]).unwrap(), LEVEL).unwrap();
    assert_eq!(serde_json::to_vec(&seeded).unwrap().len(), 2 * seeded.to_bytes().unwrap().len() + 2);
    let binary = postcard::to_allocvec(&seeded).unwrap();
    let read: he_core::wire::Sealed<Ciphertext> = postcard::from_bytes(&binary).unwrap();
    assert_eq!(slots::slots(&key, &read.open(&params).unwrap())[..3], [4, 5, 0]);
}
