//! Objects of format version 2 that were written once, `golden/v2/`: they are read for as long as that version is. Those of version 1
//! named no secret, and are refused.
//!
//! `cargo test --release -p he-tfhe --test golden -- --ignored` writes the folder of the present version anew. That is
//! right once for each version: a change of the format takes a new number (`he_core::wire::VERSION`) and a new folder,
//! and the files of an old version stay as they are. Key and messages are fixed, masks and errors were drawn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use he_core::wire::{Header, VERSION, WireError, peek, seal};
use he_tfhe::{
    CircuitGadgets, Decomposition, Decryptor, Encryptor, Evaluator, LookupTable, LweCiphertext, Parameters,
    PublicKey, SecretKey, SeededCiphertexts, SeededEvaluationKeys, Spec, WideTable,
};

/// The parameters' hash since version 1: the first field of every header by which objects are told apart.
const HASH: &str = "36c76f761cc7657d192fb497e06fc2ce7baee87b28f863de06b2990b29471407";
const MESSAGES: [u64; 4] = [0, 1, 1, 0];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{VERSION}")).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

fn insecure_params() -> Parameters {
    let gadget = |base_log, levels| Decomposition { base_log, levels };
    let circuit = CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 4), table_bits: 2 };
    let spec = Spec {
        lwe_dimension: 4,
        lwe_noise: -22.0,
        glwe_dimension: 1,
        polynomial_size: 64,
        glwe_noise: -44.0,
        modulus_bits: 48,
        unroll: 2,
        rotation: gadget(20, 1),
        key_switch: gadget(2, 8),
        packing: Some(gadget(9, 4)),
        circuit: Some(circuit),
        message_bits: 1,
        carry_bits: 1,
        squared_norm: 4.0,
        failure: -40.0,
    };
    spec.build_insecure("golden files: the key is public").unwrap()
}

/// The key that was used, from its formula, after its identifier.
fn known_key(params: &Parameters) -> SecretKey {
    let length = params.spec().lwe_dimension + params.spec().big_dimension();
    let body: Vec<u8> = [0x1d; 16].into_iter().chain((0..length).map(|i| (i * i % 7 % 2) as u8)).collect();
    let header = Header { tag: he_tfhe::TAG, kind: 1, params: *params.hash() };
    SecretKey::from_secret_bytes(params, &seal(&header, &body)).unwrap()
}

fn messages(params: &Parameters, ciphertexts: &[LweCiphertext]) -> Vec<u64> {
    let key = known_key(params);
    ciphertexts.iter().map(|ciphertext| Decryptor::new(&key).decrypt(ciphertext).unwrap()).collect()
}

#[test]
fn the_hash_of_the_parameters_is_that_of_before() {
    let hash: String = insecure_params().hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, HASH);
}

#[test]
fn secret_keys_and_ciphertexts_are_read_and_written_alike() {
    let params = insecure_params();
    let bytes = golden("secret.key");
    assert_eq!(*SecretKey::from_secret_bytes(&params, &bytes).unwrap().to_secret_bytes(), bytes);
    assert_eq!(*known_key(&params).to_secret_bytes(), bytes);
    let bytes = golden("list.ciphertexts");
    let list = LweCiphertext::from_bytes(&params, &bytes).unwrap();
    assert_eq!(messages(&params, &list), MESSAGES);
    assert_eq!(LweCiphertext::to_bytes(&params, &list).unwrap(), bytes);
}

#[test]
fn seeded_ciphertexts_and_public_keys_are_read_and_written_alike() {
    let params = insecure_params();
    let bytes = golden("seeded.ciphertexts");
    let seeded = SeededCiphertexts::from_bytes(&params, &bytes).unwrap();
    assert_eq!(messages(&params, &seeded.expand()), MESSAGES);
    assert_eq!(seeded.to_bytes(), bytes);
    let bytes = golden("public.key");
    let public = PublicKey::from_bytes(&params, &bytes).unwrap();
    assert_eq!(messages(&params, &Encryptor::with_public(&public).encrypt_all(&MESSAGES).unwrap()), MESSAGES);
    assert_eq!(public.to_bytes().unwrap(), bytes);
}

#[test]
fn evaluation_keys_are_read_written_alike_and_compute() {
    let params = insecure_params();
    let bytes = golden("evaluation.keys");
    let keys = SeededEvaluationKeys::from_bytes(&params, &bytes).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), bytes);
    let evaluator = Evaluator::new(keys.expand());
    let list = LweCiphertext::from_bytes(&params, &golden("list.ciphertexts")).unwrap();
    let table = LookupTable::new(&params, |m| 3 - m).unwrap();
    let outputs = evaluator.bootstrap_batch(&list, &table).unwrap();
    assert_eq!(messages(&params, &outputs), MESSAGES.map(|m| 3 - m));
    let wide = WideTable::new(&params, 2, 1, |t| vec![t]).unwrap();
    let found = evaluator.look_up(&[&list[..2]], &[&wide]).unwrap();
    assert_eq!(messages(&params, &found[0][0]), [2]);
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
#[ignore = "writes the golden files of the present version"]
fn write_golden_files() {
    let params = insecure_params();
    let key = known_key(&params);
    fs::create_dir_all(path("")).unwrap();
    fs::write(path("secret.key"), &*key.to_secret_bytes()).unwrap();
    let list = Encryptor::with_secret(&key).encrypt_all(&MESSAGES).unwrap();
    fs::write(path("list.ciphertexts"), LweCiphertext::to_bytes(&params, &list).unwrap()).unwrap();
    fs::write(path("seeded.ciphertexts"), key.encrypt_seeded(&MESSAGES).unwrap().to_bytes()).unwrap();
    fs::write(path("public.key"), key.public_key().unwrap().to_bytes().unwrap()).unwrap();
    fs::write(path("evaluation.keys"), key.seeded_evaluation_keys().unwrap().to_bytes().unwrap()).unwrap();
}
