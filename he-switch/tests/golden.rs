//! Keys of format version 2 that were written once, `golden/v2/`: they are read for as long as that version is. Those of version 1
//! named no secret, and are refused.
//!
//! `cargo test --release -p he-switch --test golden -- --ignored` writes the folder of the present version anew; `golden/README.md`
//! says when that is right.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use he_core::wire::{VERSION, WireError, peek};
use he_switch::bgv::{BootstrapKeys, BootstrapSpec};
use he_switch::{
    Bridge, EvaluationKeys, KeyKind, KeyRequest, Parameters, SecretKeys, Spec, Switcher, bgv_ckks,
    tfhe_to_ckks,
};
use he_tfhe::LweCiphertext;

/// The parameters' hash since version 1: the first field of every header by which objects are told apart.
const HASHES: [&str; 2] = [
    "1beca3903b5fdd9cb37bf85b1eac90112a86039e5b41f768816eee142c3c9caa",
    "fd9ea7688dd4327108260e202b4e62434dc4432ef51171956fd6a9cf0518e395",
];

/// Two coefficients in the uppermost bits.
fn message(params: &Parameters) -> [i64; 2] {
    [3 << (params.log_t() - 6), 5 << (params.log_t() - 6)]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{VERSION}")).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

/// The least rings there are: keys of some thousand bytes.
fn insecure_params(slots: bool) -> Parameters {
    let small = Spec::insecure_small();
    let tfhe = he_tfhe::Spec { lwe_dimension: 4, polynomial_size: 64, message_bits: 1, ..small.tfhe };
    let ckks = he_ckks::Spec { log_n: 7, ..small.bgv.ckks };
    let spec = Spec { bgv: BootstrapSpec { log_n: 6, ckks, ..small.bgv }, tfhe };
    let spec = if slots { spec.for_slots() } else { spec };
    spec.build_insecure("golden files: the keys are public").unwrap()
}

/// The bridges from coefficients and from slots to tables; keys of CKKS for bootstrapping, which are large, are among the files of
/// he-ckks.
fn bundles() -> [(&'static str, Parameters, KeyRequest); 2] {
    [
        (
            "coefficients",
            insecure_params(false),
            KeyRequest::default().bridge(Bridge::BgvToTfhe).expansion(2),
        ),
        ("slots", insecure_params(true), KeyRequest::default().bridge(Bridge::CkksToTfhe)),
    ]
}

fn file(bundle: &str, kind: KeyKind) -> String {
    format!("{bundle}-{}.keys", kind.name().replace(' ', "-"))
}

fn read(bundle: &str, params: &Parameters, request: &KeyRequest) -> (SecretKeys, Vec<Vec<u8>>) {
    let secret = golden(&format!("{bundle}-secret.keys"));
    let keys = SecretKeys::from_secret_bytes(params, &secret).unwrap();
    assert_eq!(keys.to_secret_bytes()[..], secret);
    (keys, request.kinds().into_iter().map(|kind| golden(&file(bundle, kind))).collect())
}

#[test]
fn the_hashes_of_the_parameters_are_those_of_before() {
    let hex =
        |params: &Parameters| params.hash().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(bundles().map(|(_, params, _)| hex(&params)), HASHES);
}

#[test]
fn keys_are_read_and_written_alike() {
    for (bundle, params, request) in bundles() {
        let (_, messages) = read(bundle, &params, &request);
        let keys = EvaluationKeys::from_bytes(&params, &request, &messages).unwrap();
        assert!(keys.to_bytes().unwrap() == messages, "{bundle}");
    }
}

#[test]
fn keys_of_the_ways_back_are_read_and_written_alike() {
    let params = insecure_params(false);
    let bytes = golden("tfhe-to-ckks.keys");
    assert_eq!(tfhe_to_ckks::Key::from_bytes(&params, &bytes).unwrap().to_bytes().unwrap(), bytes);
    let bytes = golden("bgv-ckks.keys");
    assert_eq!(bgv_ckks::Keys::from_bytes(params.shared(), &bytes).unwrap().to_bytes().unwrap(), bytes);
}

/// The bridge to TFHE has no chance in it: the same keys make the same samples of the same ciphertext.
#[test]
fn a_bridge_computes_what_it_computed() {
    let (bundle, params, request) = &bundles()[0];
    let (secret, messages) = read(bundle, params, request);
    let switcher = Switcher::new(EvaluationKeys::from_bytes(params, request, &messages).unwrap()).unwrap();
    let c = he_bgv::Ciphertext::from_bytes(params.bgv(), &golden("input.ciphertext")).unwrap();
    let plaintext = he_bgv::Decryptor::new(secret.bgv()).decrypt(&c).unwrap();
    assert_eq!(he_bgv::Encoder::new(params.bgv()).decode_coefficients(&plaintext)[..2], message(params));
    let samples = switcher.bgv_to_tfhe(&c, &[0, 1]).unwrap();
    assert_eq!(LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap(), golden("samples.ciphertexts"));
    let expanded = switcher.expand(&c, 2).unwrap();
    let plaintext = he_bgv::Decryptor::new(secret.bgv()).decrypt(&expanded[1]).unwrap();
    // Every fourth coefficient from the second on.
    let found = he_bgv::Encoder::new(params.bgv()).decode_coefficients(&plaintext)[0];
    assert_eq!(found, message(params)[1]);
}

/// BGV with bootstrapping in dimension 8, under CKKS in dimension 16 with the shortest circuit.
fn insecure_bootstrap() -> he_switch::bgv::Parameters {
    let circuit = he_ckks::BootstrapSpec {
        slots_to_coefficients: 1,
        coefficients_to_slots: 1,
        modular_bits: 30,
        range: 4,
        degree: 7,
        doublings: 2,
        terms: 2,
        ephemeral_weight: 4,
        order: he_ckks::bootstrap::Order::CoefficientsFirst,
    };
    let preset = BootstrapSpec::new(3, 17, 2).unwrap();
    let ckks = he_ckks::Spec {
        log_n: 4,
        first_bits: 30,
        scale_bits: 24,
        special_bits: vec![31; 10],
        digit: 10,
        bootstrap: Some(circuit),
        ..preset.ckks
    };
    BootstrapSpec { ckks, ..preset }.build_insecure("golden files: the keys are public").unwrap()
}

#[test]
fn keys_of_bgv_bootstrapping_are_read_and_written_alike() {
    let params = insecure_bootstrap();
    let bytes = golden("bgv-bootstrap.keys");
    assert!(BootstrapKeys::from_bytes(&params, &bytes).unwrap().to_bytes().unwrap() == bytes);
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
    assert_eq!(count, 13);
}

#[test]
#[ignore = "writes the golden keys of BGV bootstrapping of the present version"]
fn write_golden_bootstrap() {
    let params = insecure_bootstrap();
    let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
    let keys = BootstrapKeys::generate(&params, &secret).unwrap();
    fs::write(path("bgv-bootstrap.keys"), keys.to_bytes().unwrap()).unwrap();
}

#[test]
#[ignore = "writes the golden files of the present version"]
fn write_golden_files() {
    fs::create_dir_all(path("")).unwrap();
    for (bundle, params, request) in bundles() {
        let secret = SecretKeys::generate(&params).unwrap();
        fs::write(path(&format!("{bundle}-secret.keys")), &*secret.to_secret_bytes()).unwrap();
        let messages = secret.evaluation_keys(&request).unwrap().to_bytes().unwrap();
        for (kind, bytes) in request.kinds().into_iter().zip(messages) {
            fs::write(path(&file(bundle, kind)), bytes).unwrap();
        }
        if bundle == "coefficients" {
            let (bgv, ckks, tfhe) = (secret.bgv(), secret.ckks(), secret.tfhe());
            let back = tfhe_to_ckks::Key::generate(&params, tfhe, ckks).unwrap();
            fs::write(path("tfhe-to-ckks.keys"), back.to_bytes().unwrap()).unwrap();
            let between = bgv_ckks::Keys::generate(params.shared(), bgv, ckks).unwrap();
            fs::write(path("bgv-ckks.keys"), between.to_bytes().unwrap()).unwrap();
            let (_, messages) = read(bundle, &params, &request);
            let keys = EvaluationKeys::from_bytes(&params, &request, &messages).unwrap();
            let plaintext =
                he_bgv::Encoder::new(params.bgv()).encode_coefficients(&message(&params)).unwrap();
            let c = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&plaintext).unwrap();
            fs::write(path("input.ciphertext"), c.to_bytes().unwrap()).unwrap();
            let samples = Switcher::new(keys).unwrap().bgv_to_tfhe(&c, &[0, 1]).unwrap();
            let bytes = LweCiphertext::to_bytes(params.tfhe(), &samples).unwrap();
            fs::write(path("samples.ciphertexts"), bytes).unwrap();
        }
    }
}
