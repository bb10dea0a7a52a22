//! Another client's keys and ciphertexts: every operation refuses them, and names both secrets.
//!
//! `he-switch/tests/foreign.rs` reads the names here, and fails for an operation that is not among them.

use he_bgv::transform::{Direction, SlotTransform};
use he_bgv::{
    Bound, Ciphertext, Decryptor, Encoder, Encryptor, Error, EvaluationKeys, Evaluator, ForeignSecret,
    KeyRequest, Parameters, Plaintext, PreparedPlaintext, PublicKey, SecretId, SecretKey, linear,
};
use he_core::ring::IntegerMatrix;

use crate::world::insecure;

/// A client, a server with its keys, and what both know.
struct World {
    key: SecretKey,
    evaluator: Evaluator,
    c: Ciphertext,
    product: Ciphertext,
    plain: Plaintext,
    prepared: PreparedPlaintext,
    matrix: linear::Matrix,
    transforms: [SlotTransform; 2],
}

/// A sum of two.
fn ones() -> IntegerMatrix {
    IntegerMatrix::new(2, vec![1, 1]).unwrap()
}

impl World {
    fn new(params: &Parameters) -> Self {
        let (key, top, encoder) =
            (SecretKey::generate(params).unwrap(), params.max_level(), Encoder::new(params).modular());
        let rows = [vec![1, 2], vec![3, 4]];
        let matrix = linear::Matrix::new(params, &encoder, &rows, top).unwrap();
        let transforms = [Direction::SlotsToCoefficients, Direction::CoefficientsToSlots]
            .map(|direction| SlotTransform::new(params, 2, top, direction).unwrap());
        let request = KeyRequest::default().relinearization(top).rotations(params, &[1, 2], top);
        let request = request.rotations(params, &matrix.rotations(), top).row_swap(params, top);
        let request = transforms.iter().fold(request, |request, transform| transform.key_request(request));
        let evaluator = Evaluator::new(params, key.evaluation_keys(&request).unwrap()).unwrap();
        let plain = encoder.encode(&[1, 2, 3]).unwrap();
        let prepared = PreparedPlaintext::new(params, &plain, top).unwrap();
        let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
        let product = evaluator.mul_lazy(&c, &c).unwrap();
        Self { key, evaluator, c, product, plain, prepared, matrix, transforms }
    }

    fn id(&self) -> SecretId {
        self.key.secret_id()
    }
}

/// Operations of the first world's keys on a ciphertext and a product of the second.
type One = fn(&World, &World) -> Result<(), Error>;

const ONE: &[(&str, One)] = &[
    ("Decryptor::decrypt", |k, w| Decryptor::new(&k.key).decrypt(&w.c).map(drop)),
    ("Decryptor::decrypt_all", |k, w| {
        Decryptor::new(&k.key).decrypt_all(std::slice::from_ref(&w.c)).map(drop)
    }),
    ("Decryptor::noise_budget", |k, w| Decryptor::new(&k.key).noise_budget(&w.c).map(drop)),
    ("Evaluator::negate", |k, w| k.evaluator.negate(&w.c).map(drop)),
    ("Evaluator::add_plain", |k, w| k.evaluator.add_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::add_const", |k, w| k.evaluator.add_const(&w.c, 1).map(drop)),
    ("Evaluator::mul_const", |k, w| k.evaluator.mul_const(&w.c, 2).map(drop)),
    ("Evaluator::mod_switch_to", |k, w| k.evaluator.mod_switch_to(&w.c, 1).map(drop)),
    ("Evaluator::mod_switch", |k, w| k.evaluator.mod_switch(&w.c).map(drop)),
    ("Evaluator::mod_switch_for_product", |k, w| k.evaluator.mod_switch_for_product(&w.c).map(drop)),
    ("Evaluator::mod_switch_for_decryption", |k, w| {
        k.evaluator.mod_switch_for_decryption(&w.c, 1.0).map(drop)
    }),
    ("Evaluator::mul_matrix", |k, w| k.evaluator.mul_matrix(&k.matrix, &w.c).map(drop)),
    ("Evaluator::evaluate_polynomial", |k, w| k.evaluator.evaluate_polynomial(&w.c, &[1, 0, 1]).map(drop)),
    ("Evaluator::evaluate_polynomial", |k, w| k.evaluator.evaluate_polynomial(&w.c, &[1]).map(drop)),
    ("Evaluator::mul_plain", |k, w| k.evaluator.mul_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::mul_prepared", |k, w| k.evaluator.mul_prepared(&w.c, &k.prepared).map(drop)),
    ("Evaluator::square", |k, w| k.evaluator.square(&w.c).map(drop)),
    ("Evaluator::relinearize", |k, w| k.evaluator.relinearize(&w.product).map(drop)),
    ("Evaluator::relinearize", |k, w| k.evaluator.relinearize(&w.c).map(drop)),
    ("Evaluator::automorphism", |k, w| k.evaluator.automorphism(&w.c, 3).map(drop)),
    ("Evaluator::automorphism", |k, w| k.evaluator.automorphism(&w.c, 1).map(drop)),
    ("Evaluator::automorphism_many", |k, w| k.evaluator.automorphism_many(&w.c, &[3, 9]).map(drop)),
    ("Evaluator::rotate_rows", |k, w| k.evaluator.rotate_rows(&w.c, 1).map(drop)),
    ("Evaluator::swap_rows", |k, w| k.evaluator.swap_rows(&w.c).map(drop)),
    ("Evaluator::inner_sum", |k, w| k.evaluator.inner_sum(&w.c, 1, 4).map(drop)),
    ("Evaluator::inner_sum", |k, w| k.evaluator.inner_sum(&w.c, 0, 4).map(drop)),
    ("Evaluator::slots_to_coefficients", |k, w| {
        k.evaluator.slots_to_coefficients(&k.transforms[0], &w.c).map(drop)
    }),
    ("Evaluator::coefficients_to_slots", |k, w| {
        k.evaluator.coefficients_to_slots(&k.transforms[1], &w.c).map(drop)
    }),
];

/// Operations on ciphertexts of two worlds.
type Two = fn(&Evaluator, &World, &World) -> Result<(), Error>;

const TWO: &[(&str, Two)] = &[
    ("Evaluator::add", |e, a, b| e.add(&a.c, &b.c).map(drop)),
    ("Evaluator::sub", |e, a, b| e.sub(&a.c, &b.c).map(drop)),
    ("Evaluator::linear_combination", |e, a, b| e.linear_combination(&[(2, &a.c), (3, &b.c)]).map(drop)),
    ("Evaluator::add_unrelated", |e, a, b| e.add_unrelated(a.c.clone(), &b.c).map(drop)),
    ("Evaluator::dot_prepared", |e, a, b| {
        e.dot_prepared(&[(&a.prepared, &a.c), (&a.prepared, &b.c)]).map(drop)
    }),
    ("Evaluator::dot_prepared_with", |e, a, b| {
        e.dot_prepared_with(&[&a.c, &b.c], |_, _| Ok(&a.prepared)).map(drop)
    }),
    ("Evaluator::matrix_product", |e, a, b| e.matrix_product(&ones(), &[&a.c, &b.c]).map(drop)),
    ("Evaluator::matrix_product_of_fresh", |e, a, b| {
        e.matrix_product_of_fresh(&ones(), &[&a.c, &b.c]).map(drop)
    }),
    ("Evaluator::mul_unrelinearized", |e, a, b| e.mul_unrelinearized(&a.c, &b.c).map(drop)),
    ("Evaluator::mul_lazy", |e, a, b| e.mul_lazy(&a.c, &b.c).map(drop)),
    ("Evaluator::dot_lazy", |e, a, b| e.dot_lazy(&[(&a.c, &a.c), (&a.c, &b.c)]).map(drop)),
    ("Evaluator::matrix_product_lazy", |e, a, b| e.matrix_product_lazy(1, &[&a.c], &[&b.c], 9).map(drop)),
    ("Evaluator::scaled_products", |e, a, b| e.scaled_products(1, [&[&a.c], &[&b.c]], 9, None).map(drop)),
];

/// Of these, those that need a key.
const TWO_WITH_KEYS: &[(&str, Two)] = &[
    ("Evaluator::mul", |e, a, b| e.mul(&a.c, &b.c).map(drop)),
    ("Evaluator::dot", |e, a, b| e.dot(&[(&a.c, &a.c), (&a.c, &b.c)]).map(drop)),
];

fn refused<T>(name: &str, result: Result<T, Error>, found: SecretId, needed: SecretId) {
    let Err(error) = result else { panic!("{name} takes a ciphertext of another client") };
    let text = error.to_string();
    assert!(text.contains(&found.to_string()) && text.contains(&needed.to_string()), "{name}: {text}");
    let Error::ForeignSecret(ForeignSecret { found: there, needed: here, .. }) = error else {
        panic!("{name}: {error}")
    };
    assert_eq!((there, here), (found, needed), "{name}");
}

fn worlds() -> (Parameters, [World; 2]) {
    let params = insecure(5, 193, &[30; 4], &[40], 1);
    let worlds = [World::new(&params), World::new(&params)];
    (params, worlds)
}

#[test]
fn keys_refuse_ciphertexts_of_another_client() {
    let (_, [here, there]) = worlds();
    for (name, operation) in ONE {
        operation(&here, &here).unwrap_or_else(|error| panic!("{name}: {error}"));
        refused(name, operation(&here, &there), there.id(), here.id());
    }
    for (name, operation) in TWO.iter().chain(TWO_WITH_KEYS) {
        let with = |a, b| operation(&here.evaluator, a, b);
        with(&here, &here).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (a, b) in [(&here, &there), (&there, &here), (&there, &there)] {
            refused(name, with(a, b), there.id(), here.id());
        }
    }
}

#[test]
fn ciphertexts_of_two_clients_do_not_go_together_without_keys_either() {
    let (params, [here, there]) = worlds();
    let none = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
    for (name, operation) in TWO {
        operation(&none, &there, &there).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for (name, operation) in TWO.iter().chain(TWO_WITH_KEYS) {
        refused(name, operation(&none, &here, &there), there.id(), here.id());
        refused(name, operation(&none, &there, &here), here.id(), there.id());
    }
}

/// However a ciphertext came about and by which way it came.
#[test]
fn identifiers_outlast_encryption_and_bytes() {
    let (params, [here, there]) = worlds();
    let public = there.key.public_key().unwrap();
    let public = PublicKey::from_bytes(&params, &public.to_bytes().unwrap()).unwrap();
    let key = SecretKey::from_secret_bytes(&params, &there.key.to_secret_bytes()).unwrap();
    let seeded = key.encrypt_seeded(&there.plain, 1).unwrap();
    let read = |bytes: Vec<u8>| Ciphertext::from_bytes(&params, &bytes).unwrap();
    let all = [
        seeded.clone().expand(),
        Encryptor::with_public(&public).encrypt(&there.plain).unwrap(),
        read(seeded.to_bytes().unwrap()),
        read(there.c.to_bytes().unwrap()),
        read(there.product.to_bytes().unwrap()),
        there.evaluator.mod_switch(&there.evaluator.square(&there.c).unwrap()).unwrap(),
        Ciphertext::from_rlwe(&params, there.c.inner().clone(), Bound::Modulo, 20.0).unwrap(),
    ];
    for c in all {
        assert_eq!(c.secret_id(), there.id());
        refused("decrypt", Decryptor::new(&here.key).decrypt(&c), there.id(), here.id());
        assert!(Decryptor::new(&there.key).decrypt(&c).is_ok());
    }
    let keys = there.key.evaluation_keys(&KeyRequest::default()).unwrap();
    let keys = EvaluationKeys::from_bytes(&params, &keys.to_bytes().unwrap()).unwrap();
    assert_eq!(keys.secret_id(), Some(there.id()));
    let evaluator = Evaluator::new(&params, keys).unwrap();
    refused("negate", evaluator.negate(&here.c), here.id(), there.id());
}
