//! What goes to the other side: specifications and objects as bytes, and as `serde` knows them with the feature of that name; sizes
//! before anything is made; rotations in both directions; vectors longer than a ciphertext.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-core/tests/portable/check.rs"]
mod check;

use he_core::wire::Sealed;
use he_tfhe::{
    CircuitGadgets, Decomposition, Encryptor, LweCiphertext, Parameters, PublicKey, SecretKey,
    SeededEvaluationKeys, Spec,
};

/// A ring that protects nothing, for circuits besides, whose objects are small.
fn small() -> Spec {
    let gadget = |base_log, levels| Decomposition { base_log, levels };
    Spec {
        lwe_dimension: 20,
        lwe_noise: -22.0,
        glwe_dimension: 1,
        polynomial_size: 256,
        glwe_noise: -45.0,
        modulus_bits: 48,
        unroll: 2,
        rotation: gadget(22, 1),
        key_switch: gadget(2, 8),
        packing: Some(gadget(9, 5)),
        circuit: Some(CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 4), table_bits: 2 }),
        message_bits: 1,
        carry_bits: 0,
        squared_norm: 1.0,
        failure: -1.0,
    }
}

#[test]
fn specifications_come_back() {
    for spec in [
        Spec::message_2_carry_2_failure_64(),
        Spec::message_2_carry_2_wide_failure_64(),
        Spec::gate_failure_40(),
        small(),
    ] {
        check::spec_comes_back(&spec, Spec::to_bytes, Spec::from_bytes);
        #[cfg(feature = "serde")]
        check::spec_is_portable(&spec, &spec.to_bytes());
    }
}

/// A small ring, one of other parameters, and a key.
fn world() -> (Parameters, Parameters, SecretKey) {
    let spec = small();
    let build = |spec: Spec| spec.build_insecure("a test").unwrap();
    let (params, others) = (build(spec), build(Spec { lwe_dimension: spec.lwe_dimension + 2, ..spec }));
    let key = SecretKey::generate(&params).unwrap();
    (params, others, key)
}

#[test]
fn objects_come_back() {
    let (params, others, key) = world();
    let public = key.public_key().unwrap();
    let c = Encryptor::with_public(&public).encrypt(1).unwrap();
    let seeded = key.encrypt_seeded(&[1, 0, 1]).unwrap();
    check::object_comes_back(&c, &params, &others);
    check::object_comes_back(&seeded, &params, &others);
    check::object_comes_back(&public, &params, &others);
    check::object_comes_back(&key.seeded_evaluation_keys().unwrap(), &params, &others);
    // A list of two, or of none, is no ciphertext.
    for list in [vec![c.clone(), c], vec![]] {
        let sealed =
            Sealed::<LweCiphertext>::from_bytes(LweCiphertext::to_bytes(&params, &list).unwrap()).unwrap();
        let error = sealed.open(&params).err().unwrap().to_string();
        assert!(error.contains(&format!("{} ciphertexts, needed 1", list.len())), "{error}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn objects_are_portable() {
    let (params, _, key) = world();
    let public = key.public_key().unwrap();
    check::object_is_portable(&Encryptor::with_public(&public).encrypt(1).unwrap(), &params);
    check::object_is_portable(&key.encrypt_seeded(&[1, 0, 1]).unwrap(), &params);
    check::object_is_portable(&public, &params);
    check::object_is_portable(&key.seeded_evaluation_keys().unwrap(), &params);
}

#[test]
fn keys_have_the_size_that_was_said() {
    let (params, _, key) = world();
    let keys = key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    assert_eq!(SeededEvaluationKeys::sealed_bytes(&params), keys.len());
    assert_eq!(PublicKey::sealed_bytes(&params), key.public_key().unwrap().to_bytes().unwrap().len());
}
