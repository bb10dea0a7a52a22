//! What goes to the other side: specifications and objects as bytes, and as `serde` knows them with the feature of that name; sizes
//! before anything is made; rotations in both directions; vectors longer than a ciphertext.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-core/tests/portable/check.rs"]
mod check;

use he_core::wire::Sealed;
use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, PublicKey, SecretKey, Spec,
};

const LEVEL: usize = 1;

fn spec() -> Spec {
    Spec { log_n: 5, plaintext_modulus: 193, q_bits: vec![40; 2], digit_bits: 8 }
}

fn params() -> Parameters {
    spec().build_insecure("a test").unwrap()
}

/// Of other parameters.
fn others() -> Parameters {
    let spec = Spec { digit_bits: 10, q_bits: vec![41; 2], ..spec() };
    spec.build_insecure("a test").unwrap()
}

fn slots(key: &SecretKey, c: &Ciphertext) -> Vec<i64> {
    let decryptor = Decryptor::new(&key);
    Encoder::new(key.params()).decode(&decryptor.decrypt(c).unwrap()).unwrap()
}

#[test]
fn specifications_come_back() {
    for spec in [spec(), Spec::legacy_n32768(), Spec::legacy_n65536()] {
        check::spec_comes_back(&spec, Spec::to_bytes, Spec::from_bytes);
        #[cfg(feature = "serde")]
        check::spec_is_portable(&spec, &spec.to_bytes());
    }
}

#[test]
fn objects_come_back() {
    let (params, others) = (params(), others());
    let key = SecretKey::generate(&params).unwrap();
    let (public, encoder) = (key.public_key(), Encoder::new(&params));
    let c = Encryptor::new(&public).encrypt(&encoder.encode(&[1, 2, 3]).unwrap()).unwrap();
    let keys = key.evaluation_keys(&KeyRequest::default().products()).unwrap();
    check::object_comes_back(&c, &params, &others);
    check::object_comes_back(&public, &params, &others);
    check::object_comes_back(&keys, &params, &others);
    assert!(Sealed::<Ciphertext>::from_bytes(public.to_bytes().unwrap()).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn objects_are_portable() {
    let params = params();
    let key = SecretKey::generate(&params).unwrap();
    let (public, encoder) = (key.public_key(), Encoder::new(&params));
    let c = Encryptor::new(&public).encrypt(&encoder.encode(&[1, 2, 3]).unwrap()).unwrap();
    check::object_is_portable(&c, &params);
    check::object_is_portable(&public, &params);
    check::object_is_portable(&key.evaluation_keys(&KeyRequest::default().products()).unwrap(), &params);
}

#[test]
fn keys_have_the_size_that_was_said() {
    let params = params();
    let key = SecretKey::generate(&params).unwrap();
    let requests = [
        KeyRequest::default(),
        KeyRequest::default().products(),
        KeyRequest::default().rotations(&params, &[1, -1, 5]),
        KeyRequest::default().products().rotations(&params, &[2_usize, 3]).row_swap(&params),
    ];
    for request in requests {
        let bytes = key.evaluation_keys(&request).unwrap().to_bytes().unwrap();
        assert_eq!(request.sealed_bytes(&params), bytes.len(), "{request:?}");
    }
    assert_eq!(PublicKey::sealed_bytes(&params), key.public_key().to_bytes().unwrap().len());
}

#[test]
fn a_negative_number_rotates_to_the_right() {
    let params = params();
    let (key, row) = (SecretKey::generate(&params).unwrap(), params.n() / 2);
    let public = key.public_key();
    let request = KeyRequest::default().rotations(&params, &[-1, -3]);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let values: Vec<i64> = (1..=row as i64).collect();
    let plaintext = Encoder::new(&params).encode(&values).unwrap();
    let c = Encryptor::new(&public).encrypt(&plaintext).unwrap();
    for right in [1, 3] {
        let turned = slots(&key, &evaluator.rotate_rows(&c, -(right as i64)).unwrap());
        assert!((0..row).all(|i| turned[(i + right) % row] == values[i]), "by {right}");
        // The same keys rotate to the left by what is left of the row, and once around more.
        let same = [row - right, 2 * row - right].map(|left| evaluator.rotate_rows(&c, left).unwrap());
        assert!(same.iter().all(|same| slots(&key, same) == turned));
    }
    assert!(evaluator.rotate_rows(&c, 1).is_err());
}

#[test]
fn longer_vectors_are_split_and_joined() {
    let params = params();
    let (key, encoder) = (SecretKey::generate(&params).unwrap(), Encoder::new(&params));
    let public = key.public_key();
    let (slots, decryptor) = (encoder.slots().unwrap(), Decryptor::new(&key));
    let encryptor = Encryptor::new(&public);
    for length in [0, 1, slots, slots + 1, 3 * slots - 1] {
        let values: Vec<i64> = (0..length as i64).map(|i| i % 90 - 45).collect();
        let ciphertexts = encryptor.encrypt_all(&encoder.encode_split(&values).unwrap()).unwrap();
        assert_eq!(ciphertexts.len(), length.div_ceil(slots));
        let plaintexts = decryptor.decrypt_all(&ciphertexts).unwrap();
        assert_eq!(encoder.decode_joined(&plaintexts, length).unwrap(), values);
        let error = encoder.decode_joined(&plaintexts, length.next_multiple_of(slots) + 1).unwrap_err();
        assert!(error.to_string().contains(&(length.next_multiple_of(slots) + 1).to_string()), "{error}");
    }
}
