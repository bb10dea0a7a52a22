//! Serialized objects: they come back bit for bit, and nothing damaged does.

use he_core::wire::{Header, WireError, seal};
use he_yashe::{Ciphertext, Decryptor, EvaluationKeys, KeyRequest, Parameters, PublicKey, SecretKey};

use crate::world::{World, insecure};

fn world() -> World {
    World::new(&insecure(3, 17, &[30, 30], 8))
}

/// Every prefix, every bit, one byte more: all errors.
fn damage<T, E>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T, E>) {
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
    for c in [&fresh, &product, &e.mod_switch_to(&e.swap_rows(&fresh).unwrap(), 0).unwrap()] {
        let bytes = c.to_bytes().unwrap();
        let read = Ciphertext::from_bytes(params, &bytes).unwrap();
        assert_eq!(
            (read.poly().words(), read.degree(), read.noise()),
            (c.poly().words(), c.degree(), c.noise())
        );
        assert_eq!(read.to_bytes().unwrap(), bytes);
        damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));
    }
    let public = world.key.public_key().to_bytes().unwrap();
    damage(&public, |bytes| PublicKey::from_bytes(params, bytes));
    let keys = world.key.evaluation_keys(&KeyRequest::default().products().row_swap(params)).unwrap();
    let bytes = keys.to_bytes().unwrap();
    assert_eq!(EvaluationKeys::from_bytes(params, &bytes).unwrap().to_bytes().unwrap(), bytes);
    damage(&bytes, |bytes| {
        let (whole, pieces) =
            (EvaluationKeys::from_bytes(params, bytes), EvaluationKeys::read_from(params, bytes));
        assert_eq!(whole.as_ref().err(), pieces.as_ref().err());
        whole
    });
    damage(&world.key.to_secret_bytes(), |bytes| SecretKey::from_secret_bytes(params, bytes));
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let world = world();
    let bytes = world.slots_of(&[1]).to_bytes().unwrap();
    for other in [insecure(3, 97, &[30, 30], 8), insecure(3, 17, &[30, 31], 8), insecure(3, 17, &[30, 30], 9)]
    {
        let error = Ciphertext::from_bytes(&other, &bytes).err();
        assert!(matches!(error, Some(WireError::Parameters { .. })));
    }
}

/// Well-sealed bodies whose fields lie: degree, level, the 16 bytes of the secret, orders, plaintext factors, sides, then variances.
#[test]
fn fields_out_of_range_are_refused() {
    let world = world();
    let good = world.slots_of(&[1]).to_bytes().unwrap();
    let body = &good[he_core::wire::HEADER_BYTES..good.len() - he_core::wire::DIGEST_BYTES];
    let changed = |at: usize, bytes: &[u8]| {
        let mut body = body.to_vec();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        open(&world.params, &body)
    };
    assert!(open(&world.params, body).is_ok());
    for degree in [0, 3, 255] {
        assert!(matches!(changed(0, &[degree]), Err(WireError::Value { index: 0, .. })));
    }
    assert!(matches!(changed(1, &[2, 0]), Err(WireError::Value { index: 1, .. })));
    for orders in [0, 33, 255] {
        assert!(matches!(changed(16 + 3, &[orders]), Err(WireError::Value { index: 0, .. })));
    }
    for sides in [0, 4, 255] {
        assert!(matches!(changed(16 + 8, &[sides]), Err(WireError::Value { index: 2, .. })));
    }
    assert!(matches!(changed(16 + 9, &f64::NAN.to_le_bytes()), Err(WireError::NotFinite { .. })));
    assert!(matches!(changed(16 + 9, &(-1f64).to_le_bytes()), Err(WireError::Invalid { .. })));
    // A claim of too little noise is raised, one of too much ends in an error where it is used.
    assert!(changed(16 + 9, &0f64.to_le_bytes()).unwrap().noise().log2() > 0.0);
    for loud in [changed(16 + 9, &1e300f64.to_le_bytes()), changed(16 + 4, &[0xff; 4])] {
        let loud = loud.unwrap();
        assert!(Decryptor::new(&world.key).decrypt(&loud).is_err());
        assert!(world.evaluator.add(&loud, &loud).is_err() && world.evaluator.mul(&loud, &loud).is_err());
    }
}

fn open(params: &Parameters, body: &[u8]) -> Result<Ciphertext, WireError> {
    Ciphertext::from_bytes(
        params,
        &seal(&Header { tag: he_yashe::TAG, kind: 4, params: *params.hash() }, body),
    )
}
