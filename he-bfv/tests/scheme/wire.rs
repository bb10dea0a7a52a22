//! Serialized objects: they come back bit for bit, and nothing damaged or of another scheme does.

use he_bfv::{Ciphertext, EvaluationKeys, KeyRequest, PublicKey, SecretKey};
use he_core::wire::{Reader, WireError, Writer};

use crate::world::{World, insecure, words};

fn world() -> World {
    World::new(&insecure(3, he_bgv::Spec::slot_modulus(3, 10).unwrap(), &[47, 41], &[50], 1))
}

/// Every prefix, every bit, one byte more: all errors.
fn damage<T>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T, WireError>) {
    assert!(open(bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(open(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed).is_err(), "bit {bit}");
    }
    assert!(open(&[bytes, &[0]].concat()).is_err());
}

#[test]
fn objects_come_back_and_damaged_ones_do_not() {
    let world = world();
    let (params, e) = (&world.params, &world.evaluator);
    let fresh = world.slots_of(&[1, 2, 3]);
    let product = e.mul_lazy(&fresh, &fresh).unwrap();
    for c in [&fresh, &product, &e.mod_switch(&fresh).unwrap()] {
        let bytes = c.to_bytes().unwrap();
        let read = Ciphertext::from_bytes(params, &bytes).unwrap();
        assert_eq!(words(read.inner()), words(c.inner()));
        assert_eq!(read.correction_factor(), c.correction_factor());
        damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));
    }
    let seeded = world.key.encrypt_seeded(&world.encoder.encode(&[4]).unwrap(), 1).unwrap();
    let bytes = seeded.to_bytes().unwrap();
    let read = Ciphertext::from_bytes(params, &bytes).unwrap();
    assert_eq!(words(read.inner()), words(seeded.expand().inner()));
    assert_eq!(world.slots(&read)[0], 4);
    damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));
    let public = world.key.public_key().unwrap().to_bytes().unwrap();
    damage(&public, |bytes| PublicKey::from_bytes(params, bytes));
    let keys = world.key.evaluation_keys(&KeyRequest::default().galois(3, 0)).unwrap().to_bytes().unwrap();
    damage(&keys, |bytes| {
        let (whole, pieces) =
            (EvaluationKeys::from_bytes(params, bytes), EvaluationKeys::read_from(params, bytes));
        assert_eq!(whole.as_ref().err(), pieces.as_ref().err());
        whole
    });
    damage(&world.key.to_secret_bytes(), |bytes| SecretKey::from_secret_bytes(params, bytes));
}

#[test]
fn several_ciphertexts_share_an_envelope() {
    let world = world();
    let mut out = Writer::new();
    world.slots_of(&[5]).write(&mut out).unwrap();
    world.key.encrypt_seeded(&world.encoder.encode(&[6]).unwrap(), 0).unwrap().write(&mut out).unwrap();
    let bytes = out.finish();
    let mut reader = Reader::new(&bytes);
    let read: Vec<i64> =
        (0..2).map(|_| world.slots(&Ciphertext::read(&mut reader, &world.params).unwrap())[0]).collect();
    reader.finish("test").unwrap();
    assert_eq!(read, [5, 6]);
}

/// A ciphertext of BGV under the same key would decrypt to something else.
#[test]
fn objects_of_bgv_are_refused_by_their_tag() {
    let world = world();
    let fresh = world.slots_of(&[1]);
    let bytes = fresh.to_bgv().to_bytes().unwrap();
    let error = Ciphertext::from_bytes(&world.params, &bytes).err();
    assert_eq!(error, Some(WireError::Tag { found: he_bgv::TAG, expected: he_bfv::TAG }));
    let bytes = fresh.to_bytes().unwrap();
    let error = he_bgv::Ciphertext::from_bytes(&world.params, &bytes).err();
    assert_eq!(error, Some(WireError::Tag { found: he_bfv::TAG, expected: he_bgv::TAG }));
}
