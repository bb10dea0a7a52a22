//! Another client's keys and ciphertexts: every operation refuses them, and names both secrets.
//!
//! `he-switch/tests/foreign.rs` reads the names here, and fails for an operation that is not among them.

use he_core::rlwe::{ForeignSecret, SecretId};
use he_yashe::{
    Ciphertext, Decryptor, Encryptor, Error, EvaluationKeys, Evaluator, Parameters, Plaintext, PublicKey,
    SecretKey,
};

use crate::world::{World, insecure};

/// A client and a server with its keys, a ciphertext and a product.
struct Side {
    world: World,
    plain: Plaintext,
    c: Ciphertext,
    product: Ciphertext,
}

impl Side {
    fn new(params: &Parameters) -> Self {
        let world = World::new(params);
        let plain = world.encoder.encode_coefficients(&[1, 2, 3]).unwrap();
        let c = world.encrypt(&plain);
        let product = world.evaluator.mul_lazy(&c, &c).unwrap();
        Self { world, plain, c, product }
    }

    fn id(&self) -> SecretId {
        self.world.key.secret_id()
    }

    fn e(&self) -> &Evaluator {
        &self.world.evaluator
    }
}

/// Operations of the first side's keys on ciphertexts of the second.
type One = fn(&Side, &Side) -> Result<(), Error>;

const ONE: &[(&str, One)] = &[
    ("Decryptor::decrypt", |k, w| Decryptor::new(&k.world.key).decrypt(&w.c).map(drop)),
    ("Decryptor::decrypt_all", |k, w| {
        Decryptor::new(&k.world.key).decrypt_all(std::slice::from_ref(&w.c)).map(drop)
    }),
    ("Decryptor::noise_budget", |k, w| Decryptor::new(&k.world.key).noise_budget(&w.c).map(drop)),
    ("Decryptor::measured_noise", |k, w| Decryptor::new(&k.world.key).measured_noise(&w.c).map(drop)),
    ("Evaluator::negate", |k, w| k.e().negate(&w.c).map(drop)),
    ("Evaluator::add_plain", |k, w| k.e().add_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::mul_const", |k, w| k.e().mul_const(&w.c, 2).map(drop)),
    ("Evaluator::mul_plain", |k, w| k.e().mul_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::mod_switch_to", |k, w| k.e().mod_switch_to(&w.c, 1).map(drop)),
    ("Evaluator::relinearize", |k, w| k.e().relinearize(&w.product).map(drop)),
    ("Evaluator::relinearize", |k, w| k.e().relinearize(&w.c).map(drop)),
    ("Evaluator::automorphism", |k, w| k.e().automorphism(&w.c, 3).map(drop)),
    ("Evaluator::automorphism", |k, w| k.e().automorphism(&w.c, 1).map(drop)),
    ("Evaluator::rotate_rows", |k, w| k.e().rotate_rows(&w.c, 1).map(drop)),
    ("Evaluator::swap_rows", |k, w| k.e().swap_rows(&w.c).map(drop)),
];

/// Operations on ciphertexts of two sides.
type Two = fn(&Evaluator, &Side, &Side) -> Result<(), Error>;

const TWO: &[(&str, Two)] = &[
    ("Evaluator::add", |e, a, b| e.add(&a.c, &b.c).map(drop)),
    ("Evaluator::sub", |e, a, b| e.sub(&a.c, &b.c).map(drop)),
    ("Evaluator::mul_lazy", |e, a, b| e.mul_lazy(&a.c, &b.c).map(drop)),
];

/// Of these, the one that needs a key.
const TWO_WITH_KEYS: &[(&str, Two)] = &[("Evaluator::mul", |e, a, b| e.mul(&a.c, &b.c).map(drop))];

fn refused<T>(name: &str, result: Result<T, Error>, found: SecretId, needed: SecretId) {
    let Err(error) = result else { panic!("{name} takes a ciphertext of another client") };
    let text = error.to_string();
    assert!(text.contains(&found.to_string()) && text.contains(&needed.to_string()), "{name}: {text}");
    let Error::ForeignSecret(ForeignSecret { found: there, needed: here, .. }) = error else {
        panic!("{name}: {error}")
    };
    assert_eq!((there, here), (found, needed), "{name}");
}

fn sides() -> (Parameters, [Side; 2]) {
    let params = insecure(4, 97, &[40; 3], 11);
    let sides = [Side::new(&params), Side::new(&params)];
    (params, sides)
}

#[test]
fn keys_refuse_ciphertexts_of_another_client() {
    let (_, [here, there]) = sides();
    for (name, operation) in ONE {
        operation(&here, &here).unwrap_or_else(|error| panic!("{name}: {error}"));
        refused(name, operation(&here, &there), there.id(), here.id());
    }
    for (name, operation) in TWO.iter().chain(TWO_WITH_KEYS) {
        let with = |a, b| operation(here.e(), a, b);
        with(&here, &here).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (a, b) in [(&here, &there), (&there, &here), (&there, &there)] {
            refused(name, with(a, b), there.id(), here.id());
        }
    }
}

#[test]
fn ciphertexts_of_two_clients_do_not_go_together_without_keys_either() {
    let (params, [here, there]) = sides();
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
    let (params, [here, there]) = sides();
    let public = there.world.key.public_key().to_bytes().unwrap();
    let public = PublicKey::from_bytes(&params, &public).unwrap();
    let key = SecretKey::from_secret_bytes(&params, &there.world.key.to_secret_bytes()).unwrap();
    let read = |c: &Ciphertext| Ciphertext::from_bytes(&params, &c.to_bytes().unwrap()).unwrap();
    let all = [
        Encryptor::new(&public).encrypt(&there.plain).unwrap(),
        Encryptor::new(&key.public_key()).encrypt(&there.plain).unwrap(),
        read(&there.c),
        read(&there.product),
        there.e().mul(&there.c, &there.c).unwrap(),
    ];
    for c in all {
        assert_eq!(c.secret_id(), there.id());
        refused("decrypt", Decryptor::new(&here.world.key).decrypt(&c), there.id(), here.id());
        assert!(Decryptor::new(&there.world.key).decrypt(&c).is_ok());
    }
    let keys = there.world.key.evaluation_keys(&he_yashe::KeyRequest::default().products()).unwrap();
    let keys = EvaluationKeys::from_bytes(&params, &keys.to_bytes().unwrap()).unwrap();
    assert_eq!(keys.secret_id(), Some(there.id()));
    let evaluator = Evaluator::new(&params, keys).unwrap();
    refused("negate", evaluator.negate(&here.c), here.id(), there.id());
}
