//! Serialized objects: they come back bit for bit, and nothing damaged does.

use he_bgv::{
    Ciphertext, Decryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters, PublicKey, SecretKey,
    SeededCiphertext, Spec,
};
use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, Header, Reader, WireError, Writer, seal};

use crate::world::{World, insecure};

fn world() -> World {
    World::new(insecure(3, Spec::slot_modulus(3, 10).unwrap(), &[47, 41], &[50], 1))
}

/// Bit for bit; an estimate below that of a fresh ciphertext, which tiny rings have, is raised to it.
fn same(read: &Ciphertext, c: &Ciphertext) -> bool {
    let words = |c: &Ciphertext| c.inner().parts().iter().map(|p| p.words().to_vec()).collect::<Vec<_>>();
    let raised = c.params().noise().fresh_secret();
    let noise = read.noise() == c.noise() || c.noise() < raised && read.noise().log2() == raised.log2();
    let fields = |c: &Ciphertext| (c.correction_factor(), c.bound(), words(c));
    noise && fields(read) == fields(c)
}

/// Every prefix, every bit, one byte more: all errors, for a sealed object.
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
    assert!(matches!(open(&[bytes, &[0]].concat()), Err(WireError::Trailing { .. })));
    assert!(open(&[]).is_err() && open(&[0; 1000]).is_err() && open(&[0xff; 1000]).is_err());
    // A body longer than anything of these parameters: refused before it is looked at.
    let mut long = bytes.to_vec();
    let at = long.len() - 1;
    long.truncate(at);
    long.extend(vec![0; 1 << 16]);
    assert!(open(&long).is_err());
}

#[test]
fn objects_come_back_and_damaged_ones_do_not() {
    let world = world();
    let (params, e) = (&world.params, &world.evaluator);
    let plaintext = world.encoder.encode(&[1, 2, 3]).unwrap();
    let fresh = world.encrypt(&plaintext);
    let by_coefficients = world.encrypt(&world.encoder.encode_coefficients(&[5; 8]).unwrap());
    let product = e.mul_lazy(&fresh, &fresh).unwrap();
    let switched = e.mod_switch(&e.swap_rows(&fresh).unwrap()).unwrap();
    for c in [fresh, by_coefficients, product, switched, world.encrypt_public(&plaintext)] {
        let bytes = c.to_bytes().unwrap();
        assert!(same(&Ciphertext::from_bytes(params, &bytes).unwrap(), &c));
        damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));
    }
    let seeded = world.key.encrypt_seeded(&plaintext, 1).unwrap();
    let bytes = seeded.to_bytes().unwrap();
    assert!(same(&Ciphertext::from_bytes(params, &bytes).unwrap(), &seeded.expand()));
    let envelope = HEADER_BYTES + DIGEST_BYTES;
    assert_eq!(bytes.len(), envelope + SeededCiphertext::wire_bytes(params, 1));
    let low = world.key.encrypt_seeded(&plaintext, 0).unwrap().expand().to_bytes().unwrap();
    assert_eq!(low.len(), envelope + Ciphertext::wire_bytes(params, 0));
    damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));

    let bytes = world.public.to_bytes().unwrap();
    damage(&bytes, |bytes| PublicKey::from_bytes(params, bytes));
    let request = KeyRequest::default().relinearization(0).galois(3, 1);
    let keys = world.key.evaluation_keys(&request).unwrap();
    let bytes = keys.to_bytes().unwrap();
    assert_eq!(request.sealed_bytes(params).unwrap(), bytes.len());
    damage(&bytes, |bytes| EvaluationKeys::from_bytes(params, bytes));
    let read = Evaluator::new(params, EvaluationKeys::from_bytes(params, &bytes).unwrap()).unwrap();
    let a = world.encrypt(&plaintext);
    let own = Evaluator::new(params, keys).unwrap();
    assert!(same(&own.rotate_rows(&a, 1).unwrap(), &read.rotate_rows(&a, 1).unwrap()));
    let none = EvaluationKeys::none(params).to_bytes().unwrap();
    assert!(EvaluationKeys::from_bytes(params, &none).is_ok());

    let bytes = world.key.to_secret_bytes();
    damage(&bytes, |bytes| SecretKey::from_secret_bytes(params, bytes));
    let read = SecretKey::from_secret_bytes(params, &bytes).unwrap();
    assert_eq!(Decryptor::new(&read).decrypt(&a).unwrap(), plaintext);
}

#[test]
fn several_ciphertexts_share_an_envelope() {
    let world = world();
    let all: Vec<Ciphertext> = (0..3).map(|i| world.encrypt(&world.encoder.encode(&[i]).unwrap())).collect();
    let mut out = Writer::new();
    all.iter().for_each(|c| c.write(&mut out).unwrap());
    world.key.encrypt_seeded(&world.encoder.encode(&[3]).unwrap(), 0).unwrap().write(&mut out).unwrap();
    let bytes = out.finish();
    let mut reader = Reader::new(&bytes);
    for c in &all {
        assert!(same(&Ciphertext::read(&mut reader, &world.params).unwrap(), c));
    }
    let last = Ciphertext::read(&mut reader, &world.params).unwrap();
    assert_eq!((last.level(), world.slots(&last)[0]), (0, 3));
    reader.finish("test").unwrap();
}

#[test]
fn kinds_and_parameters_do_not_mix() {
    let world = world();
    let others = [
        insecure(
            3,
            Spec::slot_modulus_except(3, 10, &[world.params.t().value()]).unwrap(),
            &[47, 41],
            &[50],
            1,
        ),
        insecure(3, world.params.t().value(), &[47, 42], &[50], 1),
        insecure(3, world.params.t().value(), &[47, 41], &[49], 1),
        insecure(4, world.params.t().value(), &[47, 41], &[50], 1),
    ];
    let c = world.encrypt(&world.encoder.encode(&[1]).unwrap()).to_bytes().unwrap();
    let public = world.public.to_bytes().unwrap();
    let keys = world.key.evaluation_keys(&KeyRequest::default().galois(3, 0)).unwrap().to_bytes().unwrap();
    for other in others {
        let foreign = |error: Option<WireError>| matches!(error, Some(WireError::Parameters { .. }));
        assert!(foreign(Ciphertext::from_bytes(&other, &c).err()));
        assert!(foreign(PublicKey::from_bytes(&other, &public).err()));
        assert!(foreign(EvaluationKeys::from_bytes(&other, &keys).err()));
        assert!(foreign(SecretKey::from_secret_bytes(&other, &world.key.to_secret_bytes()).err()));
    }
    let kind = |error: Option<WireError>| matches!(error, Some(WireError::Kind { .. }));
    assert!(kind(Ciphertext::from_bytes(&world.params, &public).err()));
    assert!(kind(PublicKey::from_bytes(&world.params, &keys).err()));
    assert!(kind(EvaluationKeys::from_bytes(&world.params, &c).err()));
    assert!(SecretKey::from_secret_bytes(&world.params, &c).is_err());
}

/// Well-sealed bodies whose fields lie.
#[test]
fn fields_out_of_range_are_refused() {
    let world = world();
    let (params, t) = (&world.params, world.params.t().value());
    let good = world.encrypt(&world.encoder.encode(&[1]).unwrap());
    let body = |factor: u64, noise: f64, chaos: f64, sides: u8| {
        let mut out = Writer::new();
        good.write(&mut out).unwrap();
        let mut bytes = out.finish();
        bytes[..8].copy_from_slice(&factor.to_le_bytes());
        bytes[8..16].copy_from_slice(&noise.to_bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&chaos.to_bits().to_le_bytes());
        bytes[24] = sides;
        open(params, &bytes)
    };
    let noise = good.noise().log2();
    assert!(same(&body(1, noise, 1.0, 1).unwrap(), &good));
    for factor in [0, t, u64::MAX] {
        assert!(matches!(body(factor, noise, 1.0, 1), Err(WireError::Value { .. })));
    }
    for noise in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(body(1, noise, 1.0, 1), Err(WireError::NotFinite { .. })));
    }
    for chaos in [0.0, 0.99, 1025.0, -1.0] {
        assert!(matches!(body(1, noise, chaos, 1), Err(WireError::Invalid { .. })));
    }
    assert!(matches!(body(1, noise, f64::NAN, 1), Err(WireError::NotFinite { .. })));
    for sides in [0, 4, 255] {
        assert!(matches!(body(1, noise, 1.0, sides), Err(WireError::Value { .. })));
    }
    // A claim of too little noise is raised, one of too much ends in an error where it is used.
    for claim in [-1e300, -1.0, 0.0] {
        assert_eq!(body(1, claim, 1.0, 1).unwrap().noise(), good.noise());
    }
    assert!(matches!(body(1, 1e300, 1.0, 1), Err(WireError::Value { index: 0, .. })));
    let loud = body(1, params.noise().log_q(1), 1024.0, 3).unwrap();
    assert!(loud.noise_budget() < 0.0);
    assert!(world.evaluator.add(&loud, &good).is_err() && world.evaluator.mul(&loud, &loud).is_err());
    assert!(world.evaluator.mod_switch_for_product(&loud).is_err());
}

fn open(params: &Parameters, body: &[u8]) -> Result<Ciphertext, WireError> {
    let header = Header { tag: he_bgv::TAG, kind: 4, params: *params.rlwe().hash() };
    Ciphertext::from_bytes(params, &seal(&header, body))
}

#[test]
fn the_size_of_keys_is_known_before_they_are_made() {
    let params = insecure(5, 193, &[30; 4], &[40, 40], 2);
    let (key, top) = (SecretKey::generate(&params).unwrap(), params.max_level());
    let products = KeyRequest::default().relinearization(top);
    let rotations = KeyRequest::default().rotations(&params, &[1, 2, 5], 1).row_swap(&params, 2);
    for request in [KeyRequest::default(), products.clone(), rotations.clone(), products.and(&rotations)] {
        let made = key.evaluation_keys(&request).unwrap().to_bytes().unwrap();
        assert_eq!(request.sealed_bytes(&params).unwrap(), made.len());
    }
    assert!(KeyRequest::default().relinearization(top + 1).sealed_bytes(&params).is_err());
}
