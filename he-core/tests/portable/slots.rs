//! Tests of what goes to the other side, for all exact schemes with slots. Beside this module their file has what differs: `spec` and
//! `others`, presets, keys for an encryptor, a request for products and one for rotations, and the schemes' names.

use he_core::wire::Sealed;

use super::{
    Ciphertext, Decryptor, Encoder, Evaluator, KeyRequest, Parameters, Plaintext, PublicKey, SecretKey, Spec,
    check, decryptor, encrypt, others, presets, products, public_key, rotations, said, spec,
};

fn params() -> Parameters {
    spec().build_insecure("a test").unwrap()
}

fn encoded(params: &Parameters, values: &[i64]) -> Plaintext {
    Encoder::new(params).encode(values).unwrap()
}

pub(crate) fn slots(key: &SecretKey, c: &Ciphertext) -> Vec<i64> {
    Encoder::new(key.params()).decode(&decryptor(key).decrypt(c).unwrap()).unwrap()
}

#[test]
fn specifications_come_back() {
    for spec in presets().into_iter().chain([spec()]) {
        check::spec_comes_back(&spec, Spec::to_bytes, Spec::from_bytes);
        #[cfg(feature = "serde")]
        check::spec_is_portable(&spec, &spec.to_bytes());
    }
}

#[test]
fn objects_come_back() {
    let (params, others) = (params(), others().build_insecure("a test").unwrap());
    let key = SecretKey::generate(&params).unwrap();
    let (public, keys) = (public_key(&key), key.evaluation_keys(&products()).unwrap());
    let c = encrypt(&key, &encoded(&params, &[1, 2, 3]));
    check::object_comes_back(&c, &params, &others);
    check::object_comes_back(&public, &params, &others);
    check::object_comes_back(&keys, &params, &others);
    assert!(Sealed::<Ciphertext>::from_bytes(public.to_bytes().unwrap()).is_err());
    #[cfg(feature = "serde")]
    {
        check::object_is_portable(&c, &params);
        check::object_is_portable(&public, &params);
        check::object_is_portable(&keys, &params);
    }
}

#[test]
fn keys_have_the_size_that_was_said() {
    let params = params();
    let key = SecretKey::generate(&params).unwrap();
    let requests = [
        KeyRequest::default(),
        products(),
        rotations(KeyRequest::default(), &params, &[1, -1, 5]),
        rotations(products(), &params, &[2, 3, i64::MAX]),
    ];
    for request in requests {
        let bytes = key.evaluation_keys(&request).unwrap().to_bytes().unwrap();
        assert_eq!(said(&request, &params), bytes.len(), "{request:?}");
    }
    assert_eq!(PublicKey::sealed_bytes(&params), public_key(&key).to_bytes().unwrap().len());
}

#[test]
fn a_negative_number_rotates_to_the_right() {
    let params = params();
    let (key, row) = (SecretKey::generate(&params).unwrap(), params.n() / 2);
    let request = rotations(KeyRequest::default(), &params, &[-1, -3]);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let values: Vec<i64> = (1..=row as i64).collect();
    let c = encrypt(&key, &encoded(&params, &values));
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
    let (slots, decryptor): (usize, Decryptor) = (encoder.slots().unwrap(), decryptor(&key));
    for length in [0, 1, slots, slots + 1, 3 * slots - 1] {
        let values: Vec<i64> = (0..length as i64).map(|i| i % 90 - 45).collect();
        let plaintexts = encoder.encode_split(&values).unwrap();
        let ciphertexts: Vec<Ciphertext> = plaintexts.iter().map(|part| encrypt(&key, part)).collect();
        assert_eq!(ciphertexts.len(), length.div_ceil(slots));
        let plaintexts = decryptor.decrypt_all(&ciphertexts).unwrap();
        assert_eq!(encoder.decode_joined(&plaintexts, length).unwrap(), values);
        let more = length.next_multiple_of(slots) + 1;
        let error = encoder.decode_joined(&plaintexts, more).unwrap_err().to_string();
        assert!(error.contains(&more.to_string()), "{error}");
    }
}
