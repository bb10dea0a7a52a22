//! Keys of the bridges between schemes.

use std::sync::LazyLock;

use he_core::wire::{HEADER_BYTES, Header};
use he_switch::bgv::BootstrapSpec;
use he_switch::expand::Expander;
use he_switch::{Bridge, EvaluationKeys, KeyRequest, Parameters, SecretKeys, Spec, Switcher};
use he_switch::{bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, tfhe_to_ckks};

use crate::world::object;

/// Levels of the expansion.
pub const LEVELS: u32 = 2;

/// The least rings there are.
pub static SWITCH: LazyLock<Parameters> = LazyLock::new(|| {
    let small = Spec::insecure_small();
    let tfhe = he_tfhe::Spec { lwe_dimension: 4, polynomial_size: 64, message_bits: 1, ..small.tfhe };
    let ckks = he_ckks::Spec { log_n: 7, ..small.bgv.ckks };
    let spec = Spec { bgv: BootstrapSpec { log_n: 6, ckks, ..small.bgv }, tfhe };
    spec.build_insecure("fuzzing: no secret is in it").expect("parameters")
});

static SECRET: LazyLock<SecretKeys> = LazyLock::new(|| SecretKeys::generate(&SWITCH).expect("keys"));

fn request() -> KeyRequest {
    KeyRequest::default().bridge(Bridge::BgvToTfhe).expansion(LEVELS)
}

/// The keys that a switcher computes with, but for the one that is read.
static MESSAGES: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| SECRET.evaluation_keys(&request()).and_then(|keys| keys.to_bytes()).expect("keys"));

/// The upper bits of the first byte say which kind of keys it is, counted as on the wire.
pub fn bridge(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let kind = 1 + u16::from(first / 2 % 6);
    let bytes = object(&Header { tag: he_switch::TAG, kind, params: *SWITCH.hash() }, bytes);
    let (params, same) = (&*SWITCH, |again: Vec<u8>| assert_eq!(again, bytes));
    match kind {
        1 => {
            let Ok(key) = bgv_to_tfhe::SeededKey::from_bytes(params, &bytes) else { return };
            same(key.to_bytes().expect("bytes"));
            carry(1, &bytes);
        }
        2 => {
            let Ok(key) = ckks_to_tfhe::SeededKey::from_bytes(params, &bytes) else { return };
            same(key.to_bytes().expect("bytes"));
        }
        3 => {
            let Ok(key) = tfhe_to_ckks::Key::from_bytes(params, &bytes) else { return };
            same(key.to_bytes().expect("bytes"));
        }
        4 => {
            let Ok(keys) = bgv_ckks::Keys::from_bytes(params.shared(), &bytes) else { return };
            same(keys.to_bytes().expect("bytes"));
        }
        5 => {
            let Ok(expander) = Expander::from_bytes(params, &bytes) else { return };
            same(expander.to_bytes().expect("bytes"));
            carry(2, &bytes);
        }
        _ => {
            let Ok(keys) = SecretKeys::from_secret_bytes(params, &bytes) else { return };
            same(keys.to_secret_bytes().to_vec());
            assert!(bytes.len() > HEADER_BYTES);
        }
    }
}

/// Takes a ciphertext over the bridge and apart, with one of the messages replaced: wrong keys give wrong results.
fn carry(place: usize, bytes: &[u8]) {
    let mut messages = MESSAGES.clone();
    bytes.clone_into(&mut messages[place]);
    let Ok(keys) = EvaluationKeys::from_bytes(&SWITCH, &request(), &messages) else { return };
    // Keys of another client are refused.
    let Ok(switcher) = Switcher::new(keys) else { return };
    let plaintext = he_bgv::Encoder::new(SWITCH.bgv()).encode_coefficients(&[1 << 21, 2 << 21]);
    let plaintext = plaintext.expect("a plaintext");
    let c = he_bgv::Encryptor::with_secret(SECRET.bgv()).encrypt(&plaintext).expect("a ciphertext");
    let samples = switcher.bgv_to_tfhe(&c, &[0, 1, 63]).expect("samples");
    assert_eq!(samples.len(), 3);
    let _ = switcher.expand(&c, LEVELS);
}
