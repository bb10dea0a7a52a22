//! Objects of format version 2 that were written once, `golden/v2/`: they are read for as long as that version is. Those of version 1
//! named no secret, and are refused.
//!
//! `cargo test --release -p he-ckks --test golden -- --ignored` writes the folder of the present version anew. That is
//! right once for each version: a change of the format takes a new number (`he_core::wire::VERSION`) and a new folder,
//! and the files of an old version stay as they are. Key and message are fixed, masks and errors were drawn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use he_ckks::{
    BootstrapKeys, BootstrapSpec, Bootstrapper, Ciphertext, Complex64, Decryptor, Encoder, Encryptor,
    EvaluationKeys, Evaluator, KeyRequest, Parameters, Plaintext, PublicKey, SecretDistribution, SecretKey,
    Spec,
};
use he_core::rlwe::serial::{Kind, header};
use he_core::wire::{VERSION, WireError, peek, seal};

/// The parameters' hash since version 1: the first field of every header by which objects are told apart.
const HASH: &str = "4fd2216bac40f5257377c9587840f002a2c2c595e9c22e6f226051320e27bed5";
const MESSAGE: [f64; 8] = [0.0, 1.0, -1.0, 0.5, -0.25, 0.125, 1e-3, 0.9];
/// Of a ciphertext of two slots, which is bootstrapped.
const PAIR: [f64; 2] = [0.75, -0.5];

fn path(name: &str) -> PathBuf {
    let folder = format!("tests/golden/v{VERSION}");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

fn insecure_params() -> Parameters {
    let bootstrap = BootstrapSpec {
        slots_to_coefficients: 1,
        coefficients_to_slots: 1,
        modular_bits: 49,
        range: 4,
        degree: 15,
        doublings: 3,
        terms: 2,
        ephemeral_weight: 4,
        order: he_ckks::bootstrap::Order::SlotsFirst,
    };
    let spec = Spec {
        log_n: 4,
        first_bits: 49,
        scale_bits: 41,
        levels: 2,
        special_bits: vec![50; 7],
        digit: 7,
        secret: SecretDistribution::UniformTernary,
        bootstrap: Some(bootstrap),
        congruence: 1,
    };
    spec.build_insecure("golden files: the key is public").unwrap()
}

/// The key that was used, from its formula, after its identifier.
fn known_key(params: &Parameters) -> SecretKey {
    let coefficients = (0..params.n()).map(|i| (i * i % 7 % 3) as u8);
    let body: Vec<u8> = [0x1d; 16].into_iter().chain(coefficients).collect();
    SecretKey::from_secret_bytes(params, &seal(&header(params.rlwe(), Kind::SecretKey), &body)).unwrap()
}

fn plaintext(params: &Parameters, values: &[f64]) -> Plaintext {
    let values: Vec<Complex64> = values.iter().map(|&x| Complex64::new(x, 0.0)).collect();
    Encoder::new(params).encode_complex_in(&values, values.len()).unwrap()
}

/// That the slots hold the values to so many bits.
fn holds(c: &Ciphertext, values: &[f64], bits: i32) {
    let found = Decryptor::new(&known_key(c.params())).decrypt(c).unwrap();
    assert_eq!(found.len(), values.len());
    for (x, y) in found.iter().zip(values) {
        assert!((x - y).abs() < f64::exp2((-bits).into()), "{x} instead of {y}");
    }
}

fn squares() -> Vec<f64> {
    MESSAGE.iter().map(|x| x * x).collect()
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
    holds(&Encryptor::with_public(&public).encrypt(&plaintext(&params, &MESSAGE)).unwrap(), &MESSAGE, 30);
}

#[test]
fn ciphertexts_decrypt_to_what_was_encrypted() {
    let params = insecure_params();
    let read = |name| Ciphertext::from_bytes(&params, &golden(name)).unwrap();
    // The mask of a seeded ciphertext is expanded here: it decrypts only while seeds expand to the same.
    holds(&read("seeded.ciphertext"), &MESSAGE, 30);
    holds(&read("expanded.ciphertext"), &MESSAGE, 30);
    let product = read("product.ciphertext");
    holds(&product, &squares(), 30);
    assert_eq!((product.level(), product.scale(), product.degree()), (2, params.scale(2), 1));
    let lazy = read("lazy.ciphertext");
    holds(&lazy, &squares(), 30);
    assert_eq!((lazy.level(), lazy.degree()), (3, 2));
    assert_eq!(read("pair.ciphertext").slots(), 2);
    for name in ["expanded.ciphertext", "product.ciphertext", "lazy.ciphertext"] {
        assert_eq!(read(name).to_bytes().unwrap(), golden(name));
    }
}

#[test]
fn evaluation_keys_compute() {
    let params = insecure_params();
    let keys = EvaluationKeys::from_bytes(&params, &golden("evaluation.keys")).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), golden("evaluation.keys"));
    let evaluator = Evaluator::new(&params, keys).unwrap();
    let c = Ciphertext::from_bytes(&params, &golden("expanded.ciphertext")).unwrap();
    holds(&evaluator.square(&c).unwrap(), &squares(), 30);
    let mut rotated = MESSAGE;
    rotated.rotate_left(1);
    holds(&evaluator.rotate(&c, 1).unwrap(), &rotated, 30);
}

#[test]
fn bootstrapping_keys_bootstrap() {
    let params = insecure_params();
    let keys = BootstrapKeys::from_bytes(&params, &golden("bootstrap.keys")).unwrap();
    assert_eq!(keys.to_bytes().unwrap(), golden("bootstrap.keys"));
    let pair = Ciphertext::from_bytes(&params, &golden("pair.ciphertext")).unwrap();
    holds(&pair, &PAIR, 30);
    let refreshed = Bootstrapper::new(keys).unwrap().bootstrap(&pair).unwrap();
    assert_eq!((pair.level(), refreshed.level()), (1, params.max_level()));
    holds(&refreshed, &PAIR, 15);
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
    assert_eq!(count, 9);
    let refused =
        SecretKey::from_secret_bytes(&insecure_params(), &fs::read(path("../v1/secret.key")).unwrap());
    assert!(refused.is_err_and(|error| error.to_string().contains("format version 1, this reads version 2")));
}

#[test]
#[ignore = "writes the golden files of the present format version"]
fn write_golden_files() {
    let params = insecure_params();
    let (key, top) = (known_key(&params), params.max_level());
    let (message, pair) = (plaintext(&params, &MESSAGE), plaintext(&params, &PAIR));
    let request = KeyRequest::default().relinearization(top).rotations(&params, &[1], top);
    let keys = key.evaluation_keys(&request).unwrap();
    let evaluator = Evaluator::new(&params, keys.clone()).unwrap();
    let expanded = Encryptor::with_secret(&key).encrypt(&message).unwrap();
    for (name, bytes) in [
        ("secret.key", key.to_secret_bytes().to_vec()),
        ("public.key", key.public_key().unwrap().to_bytes().unwrap()),
        ("seeded.ciphertext", key.encrypt_seeded(&message, 1).unwrap().to_bytes().unwrap()),
        ("expanded.ciphertext", expanded.to_bytes().unwrap()),
        ("lazy.ciphertext", evaluator.mul_lazy(&expanded, &expanded).unwrap().to_bytes().unwrap()),
        ("product.ciphertext", evaluator.square(&expanded).unwrap().to_bytes().unwrap()),
        ("pair.ciphertext", key.encrypt_seeded(&pair, 1).unwrap().to_bytes().unwrap()),
        ("evaluation.keys", keys.to_bytes().unwrap()),
        (
            "bootstrap.keys",
            key.bootstrap_keys(PAIR.len(), &KeyRequest::default()).unwrap().to_bytes().unwrap(),
        ),
    ] {
        fs::create_dir_all(path("")).unwrap();
        fs::write(path(name), bytes).unwrap();
    }
}
