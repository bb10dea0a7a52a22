//! Serialized objects: they come back bit for bit, and nothing damaged does.

use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, Header, WireError, Writer, seal};
use he_tfhe::{Evaluator, LookupTable, LweCiphertext, SecretKey, SeededEvaluationKeys, Spec};

use crate::world::{World, insecure, insecure_spec};

/// Every prefix, every bit, one byte more: all errors; of a large object a few hundred of each.
fn damage<T>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T, WireError>) {
    assert!(open(bytes).is_ok());
    let step = if bytes.len() < 1 << 12 { 1 } else { (bytes.len() / 60) | 1 };
    for length in (0..bytes.len()).step_by(step) {
        assert!(open(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let mut changed = bytes.to_vec();
    for bit in (0..8 * bytes.len()).step_by(if step == 1 { 1 } else { 8 * step + 1 }) {
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed).is_err(), "bit {bit}");
        changed[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(matches!(open(&[bytes, &[0]].concat()), Err(WireError::Trailing { .. })));
    assert!(open(&[]).is_err() && open(&[0; 1000]).is_err() && open(&[0xff; 1000]).is_err());
}

fn tiny() -> World {
    let spec =
        Spec { polynomial_size: 64, lwe_dimension: 6, message_bits: 1, carry_bits: 0, ..insecure_spec() };
    World::new(insecure(Spec { failure: -1.0, ..spec }))
}

#[test]
fn objects_come_back_and_damaged_ones_do_not() {
    let world = tiny();
    let params = &world.params;
    let mut ciphertexts = world.encrypt(&[0, 1, 1]);
    ciphertexts.push(LweCiphertext::trivial(params, 12345));
    ciphertexts.push(world.evaluator.mul_const(&ciphertexts[1], -3).unwrap());
    let bytes = LweCiphertext::to_bytes(params, &ciphertexts).unwrap();
    let read = LweCiphertext::from_bytes(params, &bytes).unwrap();
    assert_eq!(LweCiphertext::to_bytes(params, &read).unwrap(), bytes);
    for (read, ciphertext) in read.iter().zip(&ciphertexts) {
        assert_eq!((read.mask(), read.body()), (ciphertext.mask(), ciphertext.body()));
        assert_eq!(read.variance(), ciphertext.variance());
    }
    damage(&bytes, |bytes| LweCiphertext::from_bytes(params, bytes));
    let none = LweCiphertext::to_bytes(params, &[]).unwrap();
    assert!(LweCiphertext::from_bytes(params, &none).unwrap().is_empty());
    let secret = world.key.to_secret_bytes();
    let again = SecretKey::from_secret_bytes(params, &secret).unwrap();
    assert_eq!(*again.to_secret_bytes(), *secret);
    damage(&secret, |bytes| SecretKey::from_secret_bytes(params, bytes));
    let keys = world.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    assert_eq!(SeededEvaluationKeys::sealed_bytes(params), keys.len());
    let read = SeededEvaluationKeys::from_bytes(params, &keys).unwrap();
    assert_eq!(read.to_bytes().unwrap(), keys);
    damage(&keys, |bytes| SeededEvaluationKeys::from_bytes(params, bytes));
}

#[test]
fn keys_that_were_sent_compute() {
    let world = World::small();
    let bytes = world.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    let keys = SeededEvaluationKeys::from_bytes(&world.params, &bytes).unwrap();
    let evaluator = Evaluator::new(keys.expand());
    let table = LookupTable::new(&world.params, |m| (m + 5) % 16).unwrap();
    let input = LweCiphertext::to_bytes(&world.params, &world.encrypt(&[4])).unwrap();
    let input = LweCiphertext::from_bytes(&world.params, &input).unwrap();
    assert_eq!(world.decrypt(&evaluator.bootstrap_batch(&input, &table).unwrap()), [9]);
}

#[test]
fn foreign_and_false_objects_are_named() {
    let (world, other) = (tiny(), World::small());
    let bytes = LweCiphertext::to_bytes(&other.params, &other.encrypt(&[1])).unwrap();
    assert!(matches!(LweCiphertext::from_bytes(&world.params, &bytes), Err(WireError::Parameters { .. })));
    let keys = world.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    assert!(matches!(LweCiphertext::from_bytes(&world.params, &keys), Err(WireError::Kind { .. })));
    assert!(LweCiphertext::to_bytes(&world.params, &other.encrypt(&[1])).is_err());
}

/// A sealed list of one ciphertext that claims a variance.
fn claimed(world: &World, count: u64, variance: f64, mask: u32) -> Vec<u8> {
    let mut body = Writer::new();
    body.u64(count);
    body.bytes(&world.key.secret_id().to_bytes());
    body.f64(variance);
    (0..=world.params.spec().big_dimension()).for_each(|_| body.u32(mask));
    let header = Header { tag: he_tfhe::TAG, kind: 3, params: *world.params.hash() };
    seal(&header, &body.finish())
}

#[test]
fn hostile_claims_are_refused_before_memory_is_taken() {
    let world = tiny();
    let open = |bytes: &[u8]| LweCiphertext::from_bytes(&world.params, bytes);
    assert!(open(&claimed(&world, 1, 1e-6, 7)).is_ok());
    for variance in [f64::NAN, f64::INFINITY, -1e-9, -0.0, 1.5, 0.0, 1e-30] {
        assert!(open(&claimed(&world, 1, variance, 7)).is_err(), "{variance}");
    }
    // A constant has no noise; more ciphertexts than bytes, and fewer.
    assert!(open(&claimed(&world, 1, 0.0, 0)).is_ok());
    for count in [0, 2, u64::MAX, 1 << 40] {
        assert!(open(&claimed(&world, count, 1e-6, 7)).is_err(), "{count}");
    }
    // Bits that are none, and a residue that is none, behind a right digest.
    let secret = world.key.to_secret_bytes();
    let header = |kind| Header { tag: he_tfhe::TAG, kind, params: *world.params.hash() };
    let mut body = secret[HEADER_BYTES..secret.len() - DIGEST_BYTES].to_vec();
    body[16 + 3] = 2;
    let sealed = seal(&header(1), &body);
    assert!(matches!(SecretKey::from_secret_bytes(&world.params, &sealed), Err(WireError::Value { .. })));
    let keys = world.key.seeded_evaluation_keys().unwrap().to_bytes().unwrap();
    let mut body = keys[HEADER_BYTES..keys.len() - DIGEST_BYTES].to_vec();
    let last = body.len();
    body[last - 64..].fill(0xff);
    let sealed = seal(&header(2), &body);
    assert!(matches!(SeededEvaluationKeys::from_bytes(&world.params, &sealed), Err(WireError::Value { .. })));
}
