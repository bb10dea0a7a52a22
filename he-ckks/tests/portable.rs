//! What goes to the other side: specifications and objects as bytes, and as `serde` knows them with the feature of that name; sizes
//! before anything is made; rotations in both directions; vectors longer than a ciphertext.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-core/tests/portable/check.rs"]
mod check;

use he_ckks::{
    BootstrapSpec, Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, PublicKey,
    SecretKey, Spec, bootstrap::Order,
};
use he_core::wire::Sealed;

const LEVEL: usize = 1;

fn spec() -> Spec {
    Spec { log_n: 5, levels: LEVEL, ..Spec::n8192() }
}

fn params() -> Parameters {
    spec().build_insecure("a test").unwrap()
}

/// Of other parameters.
fn others() -> Parameters {
    Spec { levels: 2, ..spec() }.build_insecure("a test").unwrap()
}

fn close(found: &[f64], expected: impl Iterator<Item = f64>) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4)
}

#[test]
fn specifications_come_back() {
    let lift =
        Spec::bootstrap_uniform().bootstrap.map(|b| BootstrapSpec { order: Order::CoefficientsFirst, ..b });
    for spec in [
        spec(),
        Spec::bootstrap_uniform(),
        Spec::bootstrap_sparse(),
        Spec { bootstrap: lift, congruence: 1 << 20, ..Spec::bootstrap_uniform() },
    ] {
        check::spec_comes_back(&spec, Spec::to_bytes, Spec::from_bytes);
        #[cfg(feature = "serde")]
        check::spec_is_portable(&spec, &spec.to_bytes());
    }
}

#[test]
fn objects_come_back() {
    let (params, others) = (params(), others());
    let key = SecretKey::generate(&params).unwrap();
    let public = key.public_key().unwrap();
    let plaintext = Encoder::new(&params).encode(&[0.5, 0.25]).unwrap();
    let c = Encryptor::with_public(&public).encrypt(&plaintext).unwrap();
    let keys = key.evaluation_keys(&KeyRequest::default().relinearization(LEVEL)).unwrap();
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
    let public = key.public_key().unwrap();
    let plaintext = Encoder::new(&params).encode(&[0.5, 0.25]).unwrap();
    check::object_is_portable(&Encryptor::with_public(&public).encrypt(&plaintext).unwrap(), &params);
    check::object_is_portable(&public, &params);
    let keys = key.evaluation_keys(&KeyRequest::default().relinearization(LEVEL)).unwrap();
    check::object_is_portable(&keys, &params);
    let seeded = key.encrypt_seeded(&plaintext, LEVEL).unwrap();
    let read: Sealed<Ciphertext> = postcard::from_bytes(&postcard::to_allocvec(&seeded).unwrap()).unwrap();
    let slots = Decryptor::new(&key).decrypt(&read.open(&params).unwrap()).unwrap();
    assert!(close(&slots, [0.5, 0.25, 0.0].into_iter()));
}

#[test]
fn keys_have_the_size_that_was_said() {
    let params = params();
    let key = SecretKey::generate(&params).unwrap();
    let requests = [
        KeyRequest::default(),
        KeyRequest::default().relinearization(LEVEL),
        KeyRequest::default().rotations(&params, &[1, -1, 5], 0),
        KeyRequest::default()
            .relinearization(0)
            .rotations(&params, &[2_usize, 3], LEVEL)
            .conjugation(&params, LEVEL),
    ];
    for request in requests {
        let bytes = key.evaluation_keys(&request).unwrap().to_bytes().unwrap();
        assert_eq!(request.sealed_bytes(&params).unwrap(), bytes.len(), "{request:?}");
    }
    assert_eq!(PublicKey::sealed_bytes(&params), key.public_key().unwrap().to_bytes().unwrap().len());
}

#[test]
fn a_negative_number_rotates_to_the_right() {
    let params = params();
    let (key, slots) = (SecretKey::generate(&params).unwrap(), params.slots());
    let request = KeyRequest::default().rotations(&params, &[-1, -3], LEVEL);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let values: Vec<f64> = (0..slots).map(|i| i as f64 / slots as f64).collect();
    let c = Encryptor::with_secret(&key).encrypt(&Encoder::new(&params).encode(&values).unwrap()).unwrap();
    let decrypt = |c: &Ciphertext| Decryptor::new(&key).decrypt(c).unwrap();
    let hoisted = evaluator.rotate_many(&c, &[-1, -3]).unwrap();
    for (right, hoisted) in [1, 3].into_iter().zip(&hoisted) {
        let turned = || (0..slots).map(|i| values[(i + slots - right) % slots]);
        assert!(close(&decrypt(&evaluator.rotate(&c, -(right as i64)).unwrap()), turned()));
        assert!(close(&decrypt(&evaluator.rotate(&c, slots - right).unwrap()), turned()));
        assert!(close(&decrypt(hoisted), turned()));
    }
    assert!(evaluator.rotate(&c, 1).is_err());
}

#[test]
fn longer_vectors_are_split_and_joined() {
    let params = params();
    let (key, slots) = (SecretKey::generate(&params).unwrap(), params.slots());
    let (encoder, encryptor, decryptor) =
        (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    for length in [0, 1, slots, slots + 1, 3 * slots - 1] {
        let values: Vec<f64> = (1..=length).map(|i| i as f64 / 64.0).collect();
        let ciphertexts = encryptor.encrypt_all(&encoder.encode_split(&values).unwrap()).unwrap();
        assert_eq!(ciphertexts.len(), length.div_ceil(slots));
        let joined = decryptor.decrypt_joined(&ciphertexts, length).unwrap();
        assert!(joined.len() == length && close(&joined, values.iter().copied()));
        assert!(decryptor.decrypt_joined(&ciphertexts, length.next_multiple_of(slots) + 1).is_err());
    }
    // The second has fewer slots than the first.
    let sparse = encryptor.encrypt(&encoder.encode_in(&[0.5; 4], 4).unwrap()).unwrap();
    let whole = encryptor.encrypt(&encoder.encode(&[0.25]).unwrap()).unwrap();
    assert!(decryptor.decrypt_joined(&[whole.clone(), sparse.clone()], slots + 4).is_ok());
    assert!(decryptor.decrypt_joined(&[whole, sparse], slots + 5).is_err());
}
