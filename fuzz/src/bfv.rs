//! Objects of BFV.

use std::sync::LazyLock;

use he_bfv::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters, Plaintext,
    PublicKey, SecretKey,
};
use he_core::rlwe::serial::{Kind, header};
use he_core::wire::{HEADER_BYTES, Header, seal};

use crate::world::{ID, INSECURE, object};

/// The parameters of BGV's targets, at the top.
pub static BFV: LazyLock<Parameters> = LazyLock::new(|| Parameters::from_bgv(&INSECURE));

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    let keys = bfv_key().evaluation_keys(&bfv_request()).expect("keys");
    Evaluator::new(&BFV, keys).expect("an evaluator")
});

/// The key of these parameters that everybody knows.
pub fn bfv_key() -> SecretKey {
    let body: Vec<u8> = ID.into_iter().chain((0..BFV.n()).map(|i| (i * i % 7 % 3) as u8)).collect();
    SecretKey::from_secret_bytes(&BFV, &seal(&header(BFV.rlwe(), Kind::SecretKey), &body)).expect("a key")
}

/// Keys for products and for a rotation by one.
pub fn bfv_request() -> KeyRequest {
    KeyRequest::default().relinearization(1).rotations(&BFV, &[1], 1)
}

fn plaintext() -> Plaintext {
    Encoder::new(&BFV).with_bound(3).encode(&[1, 2, 3]).expect("a plaintext")
}

/// The upper bits of the first byte say which object it is.
pub fn bfv(bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    let choice = usize::from(first / 2 % 3);
    let kind = [Kind::Ciphertext, Kind::PublicKey, Kind::EvaluationKeys][choice];
    let bytes = object(&Header { tag: he_bfv::TAG, ..header(BFV.rlwe(), kind) }, bytes);
    [ciphertext, public_key, evaluation_keys][choice](&bytes);
}

/// Ciphertexts in either form.
fn ciphertext(bytes: &[u8]) {
    let Ok(read) = Ciphertext::from_bytes(&BFV, bytes) else { return };
    same_ciphertext(&read, bytes);
    let key = bfv_key();
    let decryptor = Decryptor::new(&key).expect("its own parameters");
    let again = Ciphertext::from_bgv(&BFV, &read.to_bgv()).expect("its own parameters");
    // Refused alike where the claimed noise exceeds the modulus.
    assert!(decryptor.decrypt(&again).ok() == decryptor.decrypt(&read).ok());
    // May be refused, by an error.
    let _ = EVALUATOR.mul(&read, &read).and_then(|product| EVALUATOR.rotate_rows(&product, 1));
    let _ = EVALUATOR.add(&read, &read).and_then(|sum| EVALUATOR.mod_switch(&sum));
}

/// A ciphertext is written as it was read, but for what reading changes: seeds are expanded, too small a claim of noise
/// is raised. What is written is read as the same.
fn same_ciphertext(read: &Ciphertext, bytes: &[u8]) {
    let again = read.to_bytes().expect("bytes");
    let second = Ciphertext::from_bytes(&BFV, &again).expect("what was written is read");
    assert_eq!(second.to_bytes().expect("bytes"), again);
    // factor u64, noise f64, and more, then the number of polynomials.
    let body = &bytes[HEADER_BYTES..];
    let claim = f64::from_le_bytes(body[8..16].try_into().expect("eight bytes"));
    assert!(read.noise().log2() >= claim);
    let seeded = body[he_bgv::FIELD_BYTES] == 1;
    if !seeded && read.noise().log2() == claim {
        assert_eq!(again, bytes);
    }
}

fn public_key(bytes: &[u8]) {
    let Ok(key) = PublicKey::from_bytes(&BFV, bytes) else { return };
    assert_eq!(key.to_bytes().expect("bytes"), bytes);
    assert!(Encryptor::with_public(&key).encrypt(&plaintext()).is_ok());
}

fn evaluation_keys(bytes: &[u8]) {
    let Ok(keys) = EvaluationKeys::from_bytes(&BFV, bytes) else { return };
    assert_eq!(keys.to_bytes().expect("bytes"), bytes);
    let evaluator = Evaluator::new(&BFV, keys).expect("an evaluator");
    let c = bfv_key().encrypt_seeded(&plaintext(), 1).expect("a ciphertext").expand();
    // Missing keys are errors, wrong ones give wrong results.
    let _ = evaluator.mul(&c, &c);
    let _ = evaluator.rotate_rows(&c, 1).and_then(|c| evaluator.swap_rows(&c));
}
