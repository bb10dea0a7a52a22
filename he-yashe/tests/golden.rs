//! Objects of format version 2 that were written once, `golden/v2/`: they are read for as long as that version is. Those of version 1
//! named no secret, and are refused.
//!
//! `cargo test --release -p he-yashe --test golden -- --ignored` writes the folder of the present version anew. That is
//! right once for each version: a change of the format takes a new number (`he_core::wire::VERSION`) and a new folder,
//! and the files of an old version stay as they are. Key and message are fixed, masks and errors were drawn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use he_core::rlwe::SecretId;
use he_core::wire::{VERSION, WireError, peek};
use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters, PublicKey,
    SecretKey, Spec,
};
use zeroize::Zeroizing;

/// The parameters' hash since version 1: the first field of every header by which objects are told apart.
const HASH: &str = "8f67622044bd1733809a7864884e7faa0771790c55b0aeb1ff890054d16de84b";
const MESSAGE: [i64; 16] = [0, 1, -1, 2, -2, 3, 40, -40, 7, 7, 7, 7, 10, 11, 12, 13];

fn path(name: &str) -> PathBuf {
    let folder = format!("tests/golden/v{VERSION}");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

fn insecure_params() -> Parameters {
    let spec = Spec { log_n: 4, plaintext_modulus: 97, q_bits: vec![40, 39], digit_bits: 11 };
    spec.build_insecure("golden files: the key is public").unwrap()
}

/// The key that was used, from its formula.
fn known_key(params: &Parameters) -> SecretKey {
    let part = |start: usize| (start..start + params.n()).map(|i| (i * i % 7 % 3) as i8 - 1).collect();
    let id = SecretId::from_bytes([0x1d; 16]).unwrap();
    SecretKey::from_ternary(params, id, Zeroizing::new([part(0), part(3)])).unwrap()
}

fn squares() -> Vec<i64> {
    MESSAGE.iter().map(|x| (x * x + 48).rem_euclid(97) - 48).collect()
}

fn slots(c: &Ciphertext) -> Vec<i64> {
    let params = c.params();
    Encoder::new(params).decode(&Decryptor::new(&known_key(params)).decrypt(c).unwrap()).unwrap()
}

#[test]
fn the_hash_of_the_parameters_is_that_of_before() {
    let hash: String = insecure_params().hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, HASH);
}

#[test]
fn secret_and_public_keys_are_read_and_written_alike() {
    let params = insecure_params();
    let secret = SecretKey::from_secret_bytes(&params, &golden("secret.key")).unwrap();
    assert_eq!(secret.to_secret_bytes()[..], golden("secret.key"));
    assert_eq!(known_key(&params).to_secret_bytes()[..], golden("secret.key"));
    let public = PublicKey::from_bytes(&params, &golden("public.key")).unwrap();
    assert_eq!(public.to_bytes().unwrap(), golden("public.key"));
    // It follows from the secret.
    assert_eq!(secret.public_key().to_bytes().unwrap(), golden("public.key"));
    let plaintext = Encoder::new(&params).modular().encode(&MESSAGE).unwrap();
    assert_eq!(slots(&Encryptor::new(&public).encrypt(&plaintext).unwrap()), MESSAGE);
}

#[test]
fn ciphertexts_decrypt_to_what_was_encrypted() {
    let params = insecure_params();
    for (name, expected, degree) in
        [("fresh.ciphertext", MESSAGE.to_vec(), 1), ("product.ciphertext", squares(), 2)]
    {
        let read = Ciphertext::from_bytes(&params, &golden(name)).unwrap();
        assert_eq!((slots(&read), read.degree()), (expected, degree));
        assert_eq!(read.to_bytes().unwrap(), golden(name));
    }
}

#[test]
fn evaluation_keys_compute() {
    let params = insecure_params();
    let keys = EvaluationKeys::from_bytes(&params, &golden("evaluation.keys")).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), golden("evaluation.keys"));
    let evaluator = Evaluator::new(&params, keys).unwrap();
    let c = Ciphertext::from_bytes(&params, &golden("fresh.ciphertext")).unwrap();
    assert_eq!(slots(&evaluator.mul(&c, &c).unwrap()), squares());
    let mut rotated = MESSAGE;
    rotated.chunks_mut(8).for_each(|row| row.rotate_left(1));
    assert_eq!(slots(&evaluator.rotate_rows(&c, 1).unwrap()), rotated);
}

#[test]
fn objects_of_version_1_are_refused_by_name() {
    let old = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let mut count = 0;
    for file in fs::read_dir(old).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert_eq!(peek(&bytes).err(), Some(WireError::Version { found: 1 }));
        count += 1;
    }
    assert_eq!(count, 5);
    let refused =
        SecretKey::from_secret_bytes(&insecure_params(), &fs::read(path("../v1/secret.key")).unwrap());
    assert!(refused.is_err_and(|error| error.to_string().contains("format version 1, this reads version 2")));
}

#[test]
#[ignore = "writes the golden files of the present format version"]
fn write_golden_files() {
    let params = insecure_params();
    let key = known_key(&params);
    let plaintext = Encoder::new(&params).modular().encode(&MESSAGE).unwrap();
    let keys = key.evaluation_keys(&KeyRequest::default().products().rotations(&params, &[1])).unwrap();
    let evaluator = Evaluator::new(&params, keys.clone()).unwrap();
    let fresh = Encryptor::new(&key.public_key()).encrypt(&plaintext).unwrap();
    fs::create_dir_all(path("")).unwrap();
    for (name, bytes) in [
        ("secret.key", key.to_secret_bytes().to_vec()),
        ("public.key", key.public_key().to_bytes().unwrap()),
        ("fresh.ciphertext", fresh.to_bytes().unwrap()),
        ("product.ciphertext", evaluator.mul_lazy(&fresh, &fresh).unwrap().to_bytes().unwrap()),
        ("evaluation.keys", keys.to_bytes().unwrap()),
    ] {
        fs::write(path(name), bytes).unwrap();
    }
}
