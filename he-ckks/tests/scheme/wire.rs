//! Serialized objects: they come back bit for bit, and nothing damaged does.

use he_ckks::approximation::ChebyshevSeries;
use he_ckks::bootstrap::Table;
use he_ckks::{
    BootstrapKeys, BootstrapSpec, Bootstrapper, Ciphertext, Decryptor, Error, EvaluationKeys, Evaluator,
    KeyRequest, LinearTransform, OperandError, Parameters, PublicKey, SecretKey, SeededCiphertext, Spec,
};
use he_core::ring::sample::Prng;
use he_core::rlwe::serial::{polynomial_bytes, write_key_switch_key};
use he_core::wire::{DIGEST_BYTES, HEADER_BYTES, Header, Reader, Tag, WireError, Writer, seal};
use num_complex::Complex64;

use crate::world::{World, insecure, values};

/// Slots of the keys for bootstrapping.
const FEW: usize = 4;

fn world() -> World {
    World::new(insecure(Spec { levels: 2, ..Spec::n8192() }, 4))
}

/// The error of a fresh ciphertext of so many slots at a scale.
fn fresh_error(params: &Parameters, slots: usize, scale: f64) -> f64 {
    (2.0 * slots as f64 * params.noise().fresh_secret()).sqrt() / scale
}

/// Bit for bit; an estimate below that of a fresh ciphertext, which tiny rings have, is raised to it.
fn same(read: &Ciphertext, c: &Ciphertext) -> bool {
    let words = |c: &Ciphertext| c.inner().parts().iter().map(|p| p.words().to_vec()).collect::<Vec<_>>();
    let (found, was) = (read.estimate(), c.estimate());
    let raised = fresh_error(c.params(), c.slots(), c.scale());
    let error = found.error == was.error || was.error < raised && (found.error / raised - 1.0).abs() < 1e-12;
    error
        && (read.scale(), read.slots(), found.bound, words(read))
            == (c.scale(), c.slots(), was.bound, words(c))
}

/// Every prefix, every bit, one byte more: all errors, for a sealed object; of a large one a few hundred of each.
fn damage<T>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T, WireError>) {
    assert!(open(bytes).is_ok());
    let step = if bytes.len() < 1 << 13 { 1 } else { (bytes.len() / 200) | 1 };
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
    let (x, sparse) = (values(params.slots(), 1), values(2, 2));
    let fresh = world.encrypt(&x);
    let few = world.encrypt(&sparse);
    let zero = world.encrypt(&[Complex64::default()]);
    let lazy = e.mul_lazy(&fresh, &few).unwrap();
    let product = e.square(&fresh).unwrap();
    let turned = e.rotate(&e.mod_switch_to(&fresh, 0).unwrap(), 1).unwrap();
    let public = {
        let plaintext = world.encoder.encode_complex_in(&x, x.len()).unwrap();
        he_ckks::Encryptor::with_public(&world.public).encrypt_at(&plaintext, 1).unwrap()
    };
    for c in [fresh, few, zero, lazy, product, turned, public] {
        let bytes = c.to_bytes().unwrap();
        assert!(same(&Ciphertext::from_bytes(params, &bytes).unwrap(), &c));
        damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));
    }
    let plaintext = world.encoder.encode_complex_in(&x, x.len()).unwrap();
    let seeded = world.key.encrypt_seeded(&plaintext, 1).unwrap();
    let bytes = seeded.to_bytes().unwrap();
    let expanded = seeded.expand();
    assert!(same(&Ciphertext::from_bytes(params, &bytes).unwrap(), &expanded));
    let envelope = HEADER_BYTES + DIGEST_BYTES;
    assert_eq!(bytes.len(), envelope + SeededCiphertext::wire_bytes(params, 1));
    assert_eq!(expanded.to_bytes().unwrap().len(), envelope + Ciphertext::wire_bytes(params, 1));
    damage(&bytes, |bytes| Ciphertext::from_bytes(params, bytes));

    let bytes = world.public.to_bytes().unwrap();
    damage(&bytes, |bytes| PublicKey::from_bytes(params, bytes));
    assert_eq!(PublicKey::from_bytes(params, &bytes).unwrap().to_bytes().unwrap(), bytes);
    let request = KeyRequest::default().relinearization(0).rotations(params, &[1], 1).conjugation(params, 2);
    let keys = world.key.evaluation_keys(&request).unwrap();
    let bytes = keys.to_bytes().unwrap();
    assert_eq!(request.sealed_bytes(params).unwrap(), bytes.len());
    assert_eq!(bytes.capacity(), bytes.len(), "memory for large objects is taken once");
    damage(&bytes, |bytes| EvaluationKeys::from_bytes(params, bytes));
    let read = EvaluationKeys::from_bytes(params, &bytes).unwrap();
    assert_eq!(read.to_bytes().unwrap(), bytes);
    let (own, read) = (Evaluator::new(params, keys).unwrap(), Evaluator::new(params, read).unwrap());
    let a = e.mod_switch_to(&world.encrypt(&x), 1).unwrap();
    assert!(same(&own.rotate(&a, 1).unwrap(), &read.rotate(&a, 1).unwrap()));
    assert!(same(&own.conjugate(&a).unwrap(), &read.conjugate(&a).unwrap()));
    let none = EvaluationKeys::none(params).to_bytes().unwrap();
    assert!(EvaluationKeys::from_bytes(params, &none).is_ok());

    let bytes = world.key.to_secret_bytes();
    damage(&bytes, |bytes| SecretKey::from_secret_bytes(params, bytes));
    let read = SecretKey::from_secret_bytes(params, &bytes).unwrap();
    assert_eq!(Decryptor::new(&read).decrypt_complex(&a).unwrap(), world.decrypt(&a));
}

#[test]
fn keys_that_were_read_bootstrap_to_the_same_words() {
    let world = World::new(insecure(Spec::bootstrap_sparse(), 9));
    let params = &world.params;
    let further = KeyRequest::default().rotations(params, &[3], 1);
    let keys = world.key.bootstrap_keys(FEW, &further).unwrap();
    let bytes = keys.to_bytes().unwrap();
    assert_eq!(BootstrapKeys::sealed_bytes(params, FEW, &further).unwrap(), bytes.len());
    damage(&bytes, |bytes| BootstrapKeys::from_bytes(params, bytes));
    let read = BootstrapKeys::from_bytes(params, &bytes).unwrap();
    assert_eq!(read.slots(), FEW);
    assert!(read.to_bytes().unwrap() == bytes);
    let low = world.evaluator.mod_switch_to(&world.encrypt(&values(FEW, 5)), 3).unwrap();
    let low = Ciphertext::from_bytes(params, &low.to_bytes().unwrap()).unwrap();
    let [own, read] = [keys, read].map(|keys| Bootstrapper::new(keys).unwrap().bootstrap(&low).unwrap());
    assert!(same(&read, &own));
    assert!(same(&Ciphertext::from_bytes(params, &own.to_bytes().unwrap()).unwrap(), &own));
}

#[test]
fn several_ciphertexts_share_an_envelope() {
    let world = world();
    let all: Vec<Ciphertext> = (0..3).map(|seed| world.encrypt(&values(1 << seed, seed))).collect();
    let mut out = Writer::new();
    all.iter().for_each(|c| c.write(&mut out).unwrap());
    world
        .key
        .encrypt_seeded(&world.encoder.clone().with_bound(4.0).encode(&[3.0]).unwrap(), 0)
        .unwrap()
        .write(&mut out)
        .unwrap();
    let bytes = out.finish();
    let mut reader = Reader::new(&bytes);
    for c in &all {
        assert!(same(&Ciphertext::read(&mut reader, &world.params).unwrap(), c));
    }
    let last = Ciphertext::read(&mut reader, &world.params).unwrap();
    assert_eq!(last.level(), 0);
    assert!((world.decrypt(&last)[0] - 3.0).norm() < 1e-6);
    reader.finish("test").unwrap();
}

#[test]
fn kinds_and_parameters_do_not_mix() {
    let world = world();
    let spec = world.params.spec().clone();
    let others = [
        Spec { levels: 3, ..spec.clone() },
        Spec { scale_bits: 37, ..spec.clone() },
        Spec { first_bits: 46, ..spec.clone() },
        Spec { special_bits: vec![49], ..spec.clone() },
        Spec { digit: 2, special_bits: vec![50; 2], ..spec.clone() },
        Spec { log_n: 5, ..spec },
    ];
    let c = world.encrypt(&values(4, 1)).to_bytes().unwrap();
    let public = world.public.to_bytes().unwrap();
    let request = KeyRequest::default().relinearization(0);
    let keys = world.key.evaluation_keys(&request).unwrap().to_bytes().unwrap();
    let foreign = |error: Option<WireError>| matches!(error, Some(WireError::Parameters { .. }));
    for other in others {
        let other = other.build_insecure("a test").unwrap();
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
    // Not even those of another scheme over the same primes.
    let bgv = Header { tag: Tag(1), kind: 4, params: *world.params.hash() };
    assert!(matches!(
        Ciphertext::from_bytes(&world.params, &seal(&bgv, b"")).err(),
        Some(WireError::Tag { .. })
    ));
}

/// Instances of one chain that scale or bootstrap in another way.
#[test]
fn the_same_primes_are_not_the_same_parameters() {
    let spec = Spec::bootstrap_sparse();
    let with = |levels: usize, change: &dyn Fn(&mut BootstrapSpec)| {
        let mut spec = Spec { levels, ..spec.clone() };
        spec.bootstrap.iter_mut().for_each(change);
        insecure(spec, 9)
    };
    let params = with(9, &|_| ());
    let key = SecretKey::generate(&params).unwrap();
    let public = key.public_key().unwrap().to_bytes().unwrap();
    let keys = key.bootstrap_keys(1, &KeyRequest::default()).unwrap().to_bytes().unwrap();
    let others = [
        with(9, &|b| b.range = 20),
        with(9, &|b| b.degree = 31),
        with(9, &|b| b.ephemeral_weight = 40),
        // The scales of the upper part differ.
        with(9, &|b| (b.doublings, b.coefficients_to_slots) = (5, 3)),
        with(9, &|b| (b.doublings, b.terms) = (3, 3)),
        with(10, &|b| b.slots_to_coefficients = 2),
    ];
    for other in others {
        assert_eq!(other.rlwe().hash(), params.rlwe().hash());
        assert!(other.hash() != params.hash() && !other.same(&params));
        assert!(matches!(PublicKey::from_bytes(&other, &public), Err(WireError::Parameters { .. })));
        assert!(matches!(BootstrapKeys::from_bytes(&other, &keys), Err(WireError::Parameters { .. })));
    }
    let again = with(9, &|_| ());
    assert!(again.same(&params) && PublicKey::from_bytes(&again, &public).is_ok());
}

fn open(params: &Parameters, body: &[u8]) -> Result<Ciphertext, WireError> {
    let header = Header { tag: he_ckks::TAG, kind: 4, params: *params.hash() };
    Ciphertext::from_bytes(params, &seal(&header, body))
}

fn body(sealed: &[u8]) -> &[u8] {
    &sealed[HEADER_BYTES..sealed.len() - DIGEST_BYTES]
}

fn is_invalid<T>(read: Result<T, WireError>) -> bool {
    matches!(read, Err(WireError::Invalid { .. }))
}

/// Well-sealed bodies whose fields lie.
#[test]
fn fields_out_of_range_are_refused() {
    let world = world();
    let params = &world.params;
    let good = world.encrypt(&values(4, 1));
    let (scale, bound, error) = (good.scale(), good.estimate().bound, good.estimate().error);
    let with = |scale: f64, slots: u32, bound: f64, error: f64| {
        let mut bytes = body(&good.to_bytes().unwrap()).to_vec();
        bytes[..8].copy_from_slice(&scale.to_le_bytes());
        bytes[8..12].copy_from_slice(&slots.to_le_bytes());
        bytes[12..20].copy_from_slice(&bound.to_le_bytes());
        bytes[20..28].copy_from_slice(&error.to_le_bytes());
        open(params, &bytes)
    };
    assert!(same(&with(scale, 4, bound, error).unwrap(), &good));
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let not_finite = |read| matches!(read, Err(WireError::NotFinite { .. }));
        assert!(not_finite(with(wrong, 4, bound, error)));
        assert!(not_finite(with(scale, 4, wrong, error)));
        assert!(not_finite(with(scale, 4, bound, wrong)));
    }
    let modulus = params.rlwe().basis(3).log2();
    for wrong in [0.0, -scale, 1.99, f64::MIN_POSITIVE, (modulus + 0.01).exp2(), f64::MAX] {
        assert!(is_invalid(with(wrong, 4, bound, error)), "scale {wrong}");
    }
    for wrong in [0, 3, 5, 16, u32::MAX, 1 << 31] {
        assert!(is_invalid(with(scale, wrong, bound, error)), "{wrong} slots");
    }
    let most = (modulus - 1.0).exp2() / scale;
    for wrong in [-1.0, -f64::MIN_POSITIVE, most * 1.01, 1e300] {
        assert!(is_invalid(with(scale, 4, wrong, error)), "bound {wrong}");
    }
    assert!(with(scale, 4, most * 0.99, error).is_ok() && with(scale, 4, 0.0, error).is_ok());
    for wrong in [-1.0, -f64::MIN_POSITIVE, modulus.exp2() / scale * 1.01, 1e300] {
        assert!(is_invalid(with(scale, 4, bound, wrong)), "error {wrong}");
    }
    // A claim of too little error is raised, at the scale that is claimed.
    for scale in [scale, 2.0, 2f64.powi(60)] {
        for claim in [0.0, 1e-300] {
            let found = with(scale, 4, 0.5, claim).unwrap().estimate().error;
            assert!((found / fresh_error(params, 4, scale) - 1.0).abs() < 1e-12);
        }
    }
    // One of too much is carried along.
    let loud = with(scale, 4, bound, 1e6).unwrap();
    assert!(world.evaluator.add(&loud, &good).unwrap().estimate().error >= 1e6);
    let mut bytes = body(&good.to_bytes().unwrap()).to_vec();
    for (at, wrong) in [(28, 0), (28, 4), (29, 0), (29, 4)] {
        let was = std::mem::replace(&mut bytes[at], wrong);
        assert!(matches!(open(params, &bytes), Err(WireError::Value { .. })));
        bytes[at] = was;
    }
}

#[test]
fn a_fresh_ciphertext_has_the_scale_of_its_level() {
    let world = world();
    let plaintext = world.encoder.encode(&[1.0]).unwrap();
    let seeded = world.key.encrypt_seeded(&plaintext, 1).unwrap().to_bytes().unwrap();
    let mut bytes = body(&seeded).to_vec();
    assert!(open(&world.params, &bytes).is_ok());
    for scale in [world.params.scale(2), world.params.scale(1) * (1.0 + f64::EPSILON), 4.0] {
        bytes[..8].copy_from_slice(&scale.to_le_bytes());
        assert!(is_invalid(open(&world.params, &bytes)));
    }
}

#[test]
fn what_would_not_be_read_is_not_written() {
    let world = world();
    // Divided down to a scale of about 1.
    let c = world.evaluator.rescale(&world.encrypt(&values(4, 1))).unwrap();
    assert!(is_invalid(c.to_bytes()) && is_invalid(c.write(&mut Writer::new())));
}

#[test]
fn bootstrap_keys_have_the_limbs_they_need() {
    let world = World::new(insecure(Spec::bootstrap_sparse(), 9));
    let (params, rlwe) = (&world.params, world.params.rlwe());
    let keys = world.key.bootstrap_keys(FEW, &KeyRequest::default()).unwrap().to_bytes().unwrap();
    let header = Header { tag: he_ckks::TAG, kind: 5, params: *params.hash() };
    let open = |body: &[u8]| BootstrapKeys::from_bytes(params, &seal(&header, body));
    // Slots, the encapsulation key of one limb and one special prime, then whichever key, and none for the circuit.
    let one = rlwe.basis(1);
    let first = 4 + 2 + 32 + 32 + polynomial_bytes(one) + 512 * 50 / 8;
    // It leads from the secret to the ephemeral one.
    let [secret, ephemeral] = [6, 22].map(|at| &body(&keys)[at..at + 16]);
    assert_eq!(secret, world.key.secret_id().to_bytes());
    let with = |limbs: usize| {
        let mut out = Writer::new();
        out.bytes(&body(&keys)[..first]);
        let key = world.key.inner().relinearization_key(limbs, &mut Prng::from_os().unwrap());
        let mut back = Writer::new();
        write_key_switch_key(&mut back, &key).unwrap();
        let mut back = back.finish();
        back[2..18].copy_from_slice(ephemeral);
        out.bytes(&back);
        out.bytes(secret);
        out.bytes(&[0; 5]);
        out.finish()
    };
    let whole = with(params.rlwe().max_limbs());
    let incomplete = Bootstrapper::new(open(&whole).unwrap()).unwrap();
    let low = world.evaluator.mod_switch_to(&world.encrypt(&values(FEW, 5)), 3).unwrap();
    assert!(matches!(incomplete.bootstrap(&low), Err(Error::Operand(OperandError::MissingKey { .. }))));
    assert!(is_invalid(open(&with(params.rlwe().max_limbs() - 1))) && is_invalid(open(&with(1))));
    let mut changed = whole.clone();
    for limbs in [0, 2, 27] {
        changed[4] = limbs;
        assert!(matches!(open(&changed), Err(WireError::Value { .. })), "{limbs} limbs");
    }
    for slots in [0u32, 3, 512, 1 << 31] {
        changed = whole.clone();
        changed[..4].copy_from_slice(&slots.to_le_bytes());
        assert!(is_invalid(open(&changed)), "{slots} slots");
    }
    let none = insecure(Spec { bootstrap: None, ..Spec::bootstrap_sparse() }, 9);
    assert!(is_invalid(BootstrapKeys::from_bytes(&none, &keys)));
    // The kinds of this object and of the keys within.
    let kind = |error: Option<WireError>| matches!(error, Some(WireError::Kind { .. }));
    assert!(kind(EvaluationKeys::from_bytes(params, &keys).err()));
    let evaluation = EvaluationKeys::none(params).to_bytes().unwrap();
    assert!(kind(BootstrapKeys::from_bytes(params, &evaluation).err()));
}

/// Ciphertexts that say of themselves whatever the format lets them: operations give errors or other ciphertexts, never a panic.
#[test]
fn no_claim_of_a_ciphertext_makes_an_operation_panic() {
    let world = World::new(insecure(Spec::bootstrap_sparse(), 9));
    let (params, e) = (&world.params, &world.evaluator);
    let b = Bootstrapper::new(world.key.bootstrap_keys(FEW, &KeyRequest::default()).unwrap()).unwrap();
    let good = world.encrypt(&values(FEW, 1));
    let rows = vec![vec![Complex64::i(); FEW]; FEW];
    let matrix = LinearTransform::from_rows(params, &rows, 4).unwrap();
    let series = ChebyshevSeries::new(vec![0.1, 0.5, 0.2, 0.3], (-1.0, 1.0)).unwrap();
    let table = Table::identity(4).unwrap();
    let plaintext = world.encoder.encode(&[0.5]).unwrap();
    let mut read = 0;
    for (limbs, scale, slots) in [1, 2, 5, 13, params.rlwe().max_limbs()].into_iter().flat_map(|limbs| {
        let scales = [1.1, 20.0, 41.0, 48.5, 70.0, 90.0, 200.0];
        scales.into_iter().flat_map(move |scale| [1, FEW, 256].map(|slots| (limbs, scale, slots)))
    }) {
        for (bound, error) in [(1.0, 0.0), (0.0, 1e-9), (1e6, 1e-3), (1e-30, 1e-30)] {
            let mut out = Writer::new();
            out.f64(f64::exp2(scale));
            out.u32(slots as u32);
            out.f64(bound);
            out.f64(error);
            let words = if limbs <= good.inner().limbs() {
                good.inner().truncated(limbs)
            } else {
                good.inner().truncated(1).raised(limbs)
            };
            he_core::rlwe::serial::write_ciphertext(&mut out, &words).unwrap();
            let Ok(c) = open(params, &out.finish()) else { continue };
            read += 1;
            let _ = Decryptor::new(&world.key).decrypt(&c);
            let _ = Decryptor::new(&world.key).decrypt_shared(&c, 10);
            let _ = (e.add(&c, &good), e.sub(&good, &c), e.mul(&c, &good), e.square(&c), e.negate(&c));
            let _ = (e.mul_const(&c, 0.3), e.add_const(&c, 1.0), e.mul_integer(&c, 1 << 40), e.mul_i(&c));
            let _ =
                (e.add_plain(&c, &plaintext), e.mul_plain(&c, &plaintext), e.rescale(&c), e.relinearize(&c));
            let _ = (e.rotate(&c, 1), e.conjugate(&c), e.inner_sum(&c, 1, 4), e.transform(&matrix, &c));
            let _ = (e.evaluate_series(&c, &series), e.evaluate_powers(&c, &[Complex64::i(); 6]));
            let _ = (e.mod_switch_to(&c, 0), e.mod_switch_to(&c, 3), e.rotate_many(&c, &[1, 2]));
            if let Ok(product) = e.mul_lazy(&c, &c) {
                let _ =
                    (e.evaluate_series(&product, &series), e.mod_switch_to(&product, 0), e.rescale(&product));
                let _ = Decryptor::new(&world.key).decrypt(&product);
            }
            let _ = (b.bootstrap(&c), b.bootstrap_integers(&c, 4));
            if let Ok(integers) = b.to_integers(&c, 4) {
                let _ = b.look_up(&integers, &[&table]);
            }
        }
    }
    assert!(read > 100, "{read} were read");
}
