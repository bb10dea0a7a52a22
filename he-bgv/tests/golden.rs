//! Objects of format version 2 that were written once, `golden/v2/`: they are read for as long as that version is. Those of version 1
//! named no secret, and are refused.
//!
//! `cargo test --release -p he-bgv --test golden -- --ignored` writes the folder of the present version anew. That is
//! right once for each version: a change of the format takes a new number (`he_core::wire::VERSION`) and a new folder,
//! and the files of an old version stay as they are. Key and message are fixed, masks and errors were drawn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use he_bgv::{
    Bound, Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters,
    PublicKey, SecretKey, Spec,
};
use he_core::rlwe::serial::{Kind, header};
use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, VERSION, WireError, peek, seal};

/// The parameters' hash since version 1: the first field of every header by which objects are told apart.
const HASH: &str = "053cc75fd1530913611b7b207b2358b72d22d01b8200363de4900c5d8681646d";
const MESSAGE: [i64; 16] = [0, 1, -1, 2, -2, 3, 500, -500, 7, 7, 7, 7, 100, 101, 102, 103];

fn path(name: &str) -> PathBuf {
    let folder = format!("tests/golden/v{VERSION}");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

fn insecure_params() -> Parameters {
    let spec =
        Spec { log_n: 4, plaintext_modulus: 1_048_193, q_bits: vec![47, 41], p_bits: vec![50], digit: 1 };
    spec.build_insecure("golden files: the key is public").unwrap()
}

/// The key that was used, from its formula, after its identifier.
fn known_key(params: &Parameters) -> SecretKey {
    let coefficients = (0..params.n()).map(|i| (i * i % 7 % 3) as u8);
    let body: Vec<u8> = [0x1d; 16].into_iter().chain(coefficients).collect();
    SecretKey::from_secret_bytes(params, &seal(&header(params.rlwe(), Kind::SecretKey), &body)).unwrap()
}

fn squares() -> Vec<i64> {
    MESSAGE.iter().map(|x| x * x).collect()
}

fn slots(c: &Ciphertext) -> Vec<i64> {
    let params = c.params();
    Encoder::new(params).decode(&Decryptor::new(&known_key(params)).decrypt(c).unwrap()).unwrap()
}

#[test]
fn the_hash_of_the_parameters_is_that_of_before() {
    let hash: String = insecure_params().rlwe().hash().iter().map(|byte| format!("{byte:02x}")).collect();
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
    let plaintext = Encoder::new(&params).encode(&MESSAGE).unwrap();
    assert_eq!(slots(&Encryptor::with_public(&public).encrypt(&plaintext).unwrap()), MESSAGE);
}

#[test]
fn ciphertexts_decrypt_to_what_was_encrypted() {
    let params = insecure_params();
    let read = |name| Ciphertext::from_bytes(&params, &golden(name)).unwrap();
    // The mask of a seeded ciphertext is expanded here: it decrypts only while seeds expand to the same.
    assert_eq!(slots(&read("seeded.ciphertext")), MESSAGE);
    assert_eq!(slots(&read("expanded.ciphertext")), MESSAGE);
    let product = read("product.ciphertext");
    assert_eq!(slots(&product), squares());
    assert!(product.level() == 0 && product.correction_factor() != 1);
    assert_eq!(product.bound(), Bound::Slots { most: 250_000 });
    assert_eq!(read("expanded.ciphertext").to_bytes().unwrap(), golden("expanded.ciphertext"));
    // All but the estimate of the noise: below that of a fresh ciphertext, as in this tiny ring, reading raises it.
    let [again, file] = [product.to_bytes().unwrap(), golden("product.ciphertext")].map(|bytes| {
        let body = &bytes[HEADER_BYTES..bytes.len() - DIGEST_BYTES];
        [&body[..8], &body[16..]].concat()
    });
    assert_eq!(again, file);
}

#[test]
fn evaluation_keys_compute() {
    let params = insecure_params();
    let keys = EvaluationKeys::from_bytes(&params, &golden("evaluation.keys")).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), golden("evaluation.keys"));
    let evaluator = Evaluator::new(&params, keys).unwrap();
    let c = Ciphertext::from_bytes(&params, &golden("expanded.ciphertext")).unwrap();
    assert_eq!(slots(&evaluator.square(&c).unwrap()), squares());
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
    assert_eq!(count, 6);
    let refused =
        SecretKey::from_secret_bytes(&insecure_params(), &fs::read(path("../v1/secret.key")).unwrap());
    assert!(refused.is_err_and(|error| error.to_string().contains("format version 1, this reads version 2")));
}

#[test]
#[ignore = "writes the golden files of the present format version"]
fn write_golden_files() {
    let params = insecure_params();
    let key = known_key(&params);
    let plaintext = Encoder::new(&params).with_bound(500).encode(&MESSAGE).unwrap();
    let request = KeyRequest::default().relinearization(1).rotations(&params, &[1], 1);
    let keys = key.evaluation_keys(&request).unwrap();
    let evaluator = Evaluator::new(&params, keys.clone()).unwrap();
    let expanded = Encryptor::with_secret(&key).encrypt(&plaintext).unwrap();
    let product = evaluator.mod_switch(&evaluator.mul_lazy(&expanded, &expanded).unwrap()).unwrap();
    for (name, bytes) in [
        ("secret.key", key.to_secret_bytes().to_vec()),
        ("public.key", key.public_key().unwrap().to_bytes().unwrap()),
        ("seeded.ciphertext", key.encrypt_seeded(&plaintext, 1).unwrap().to_bytes().unwrap()),
        ("expanded.ciphertext", expanded.to_bytes().unwrap()),
        ("product.ciphertext", product.to_bytes().unwrap()),
        ("evaluation.keys", keys.to_bytes().unwrap()),
    ] {
        fs::create_dir_all(path("")).unwrap();
        fs::write(path(name), bytes).unwrap();
    }
}
