//! Another client's keys and ciphertexts: every operation refuses them, and names both secrets.
//!
//! `he-switch/tests/foreign.rs` reads the names here, and fails for an operation that is not among them.

use he_ckks::approximation::{ChebyshevSeries, SignComposite, functions};
use he_ckks::bootstrap::{Bootstrapper, FourierSeries, Integers, Order, Table};
use he_ckks::{
    BootstrapKeys, BootstrapSpec, Ciphertext, Complex64, Decryptor, Encoder, Encryptor, Error,
    EvaluationKeys, Evaluator, ForeignSecret, KeyRequest, LinearTransform, Parameters, Plaintext,
    PreparedPlaintext, PublicKey, SecretId, SecretKey, SlotIntegers, Spec,
};
use he_core::rlwe;

const ONE_HALF: Complex64 = Complex64::new(0.5, 0.0);

/// A client, a server with its keys, and what both know.
struct World {
    key: SecretKey,
    evaluator: Evaluator,
    c: Ciphertext,
    product: Ciphertext,
    plain: Plaintext,
    prepared: PreparedPlaintext,
    matrix: LinearTransform,
    series: ChebyshevSeries,
    sign: SignComposite,
}

impl World {
    fn new(params: &Parameters) -> Self {
        let (key, top) = (SecretKey::generate(params).unwrap(), params.max_level());
        let rows = vec![vec![ONE_HALF; 2]; 2];
        let matrix = LinearTransform::from_rows(params, &rows, top).unwrap();
        let request = KeyRequest::default().relinearization(top).rotations(params, &[1, 2], top);
        let request = request.conjugation(params, top).and(&matrix.key_request(params));
        let evaluator = Evaluator::new(params, key.evaluation_keys(&request).unwrap()).unwrap();
        let plain = Encoder::new(params).encode_in(&[0.5, -0.25], 2).unwrap();
        let prepared = PreparedPlaintext::new(params, &plain, top).unwrap();
        let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
        let product = evaluator.mul_lazy(&c, &c).unwrap();
        let series = ChebyshevSeries::interpolate(functions::sigmoid, (-1.0, 1.0), 3).unwrap();
        let sign = SignComposite::new(0.25, &[3]).unwrap();
        Self { key, evaluator, c, product, plain, prepared, matrix, series, sign }
    }

    fn id(&self) -> SecretId {
        self.key.secret_id()
    }
}

/// Operations of the first world's keys on a ciphertext and a product of the second.
type One = fn(&World, &World) -> Result<(), Error>;

const ONE: &[(&str, One)] = &[
    ("Decryptor::decrypt", |k, w| Decryptor::new(&k.key).decrypt(&w.c).map(drop)),
    ("Decryptor::decrypt_joined", |k, w| {
        Decryptor::new(&k.key).decrypt_joined(std::slice::from_ref(&w.c), 2).map(drop)
    }),
    ("Decryptor::decrypt_complex", |k, w| Decryptor::new(&k.key).decrypt_complex(&w.c).map(drop)),
    ("Decryptor::decrypt_shared", |k, w| Decryptor::new(&k.key).decrypt_shared(&w.c, 4).map(drop)),
    ("Evaluator::negate", |k, w| k.evaluator.negate(&w.c).map(drop)),
    ("Evaluator::mul_i", |k, w| k.evaluator.mul_i(&w.c).map(drop)),
    ("Evaluator::add_plain", |k, w| k.evaluator.add_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::add_const", |k, w| k.evaluator.add_const(&w.c, 1.0).map(drop)),
    ("Evaluator::add_complex", |k, w| k.evaluator.add_complex(&w.c, ONE_HALF).map(drop)),
    ("Evaluator::mul_integer", |k, w| k.evaluator.mul_integer(&w.c, 2).map(drop)),
    ("Evaluator::mul_const", |k, w| k.evaluator.mul_const(&w.c, 0.5).map(drop)),
    ("Evaluator::mul_complex", |k, w| k.evaluator.mul_complex(&w.c, ONE_HALF).map(drop)),
    ("Evaluator::mod_switch_to", |k, w| k.evaluator.mod_switch_to(&w.c, 1).map(drop)),
    ("Evaluator::transform", |k, w| k.evaluator.transform(&k.matrix, &w.c).map(drop)),
    ("Evaluator::evaluate_series", |k, w| k.evaluator.evaluate_series(&w.c, &k.series).map(drop)),
    ("Evaluator::evaluate_sign", |k, w| k.evaluator.evaluate_sign(&w.c, &k.sign).map(drop)),
    ("Evaluator::evaluate_chebyshev", |k, w| {
        k.evaluator.evaluate_chebyshev(&w.c, &[ONE_HALF, ONE_HALF]).map(drop)
    }),
    ("Evaluator::evaluate_powers", |k, w| k.evaluator.evaluate_powers(&w.c, &[ONE_HALF, ONE_HALF]).map(drop)),
    ("Evaluator::mul_plain", |k, w| k.evaluator.mul_plain(&w.c, &k.plain).map(drop)),
    ("Evaluator::mul_prepared", |k, w| k.evaluator.mul_prepared(&w.c, &k.prepared).map(drop)),
    ("Evaluator::square", |k, w| k.evaluator.square(&w.c).map(drop)),
    ("Evaluator::relinearize", |k, w| k.evaluator.relinearize(&w.product).map(drop)),
    ("Evaluator::relinearize", |k, w| k.evaluator.relinearize(&w.c).map(drop)),
    ("Evaluator::rescale", |k, w| k.evaluator.rescale(&w.product).map(drop)),
    ("Evaluator::relinearize_and_rescale", |k, w| k.evaluator.relinearize_and_rescale(&w.product).map(drop)),
    ("Evaluator::relinearize_and_rescale", |k, w| k.evaluator.relinearize_and_rescale(&w.c).map(drop)),
    ("Evaluator::rotate", |k, w| k.evaluator.rotate(&w.c, 1).map(drop)),
    ("Evaluator::rotate", |k, w| k.evaluator.rotate(&w.c, 0).map(drop)),
    ("Evaluator::conjugate", |k, w| k.evaluator.conjugate(&w.c).map(drop)),
    ("Evaluator::rotate_many", |k, w| k.evaluator.rotate_many(&w.c, &[1, 2]).map(drop)),
    ("Evaluator::rotate_many", |k, w| k.evaluator.rotate_many(&w.c, &[0_usize; 0]).map(drop)),
    ("Evaluator::inner_sum", |k, w| k.evaluator.inner_sum(&w.c, 1, 2).map(drop)),
    ("Evaluator::inner_sum", |k, w| k.evaluator.inner_sum(&w.c, 0, 2).map(drop)),
];

/// Operations on ciphertexts of two worlds.
type Two = fn(&Evaluator, &World, &World) -> Result<(), Error>;

const TWO: &[(&str, Two)] = &[
    ("Evaluator::add", |e, a, b| e.add(&a.c, &b.c).map(drop)),
    ("Evaluator::sub", |e, a, b| e.sub(&a.c, &b.c).map(drop)),
    ("Evaluator::linear_combination", |e, a, b| {
        e.linear_combination(&[(ONE_HALF, &a.c), (ONE_HALF, &b.c)], ONE_HALF).map(drop)
    }),
    ("Evaluator::dot_prepared", |e, a, b| {
        e.dot_prepared(&[(&a.prepared, &a.c), (&a.prepared, &b.c)]).map(drop)
    }),
    ("Evaluator::mul_lazy", |e, a, b| e.mul_lazy(&a.c, &b.c).map(drop)),
    ("Evaluator::dot_lazy", |e, a, b| e.dot_lazy(&[(&a.c, &a.c), (&a.c, &b.c)]).map(drop)),
    ("SlotIntegers::sum", |e, a, b| SlotIntegers::sum(e, &[&integers(a), &integers(b)]).map(drop)),
];

/// Of these, those that need a key.
const TWO_WITH_KEYS: &[(&str, Two)] = &[
    ("Evaluator::mul", |e, a, b| e.mul(&a.c, &b.c).map(drop)),
    ("Evaluator::dot", |e, a, b| e.dot(&[(&a.c, &a.c), (&a.c, &b.c)]).map(drop)),
    ("SlotIntegers::dot", |e, a, b| SlotIntegers::dot(e, &[(&integers(a), &integers(b))]).map(drop)),
];

fn integers(world: &World) -> SlotIntegers {
    SlotIntegers::new(world.c.clone(), 1.0).unwrap()
}

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
    let params = Spec { log_n: 5, ..Spec::n16384() }.build_insecure("a test").unwrap();
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
        there.evaluator.mod_switch_to(&there.c, 1).unwrap(),
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

/// A client with bootstrapping keys, and what its server bootstraps.
struct Refresh {
    key: SecretKey,
    bootstrapper: Bootstrapper,
    c: Ciphertext,
    /// Over the first prime.
    small: rlwe::Ciphertext,
    /// None in the order that puts coefficients first.
    integers: Option<Integers>,
}

impl Refresh {
    fn new(params: &Parameters) -> Self {
        let key = SecretKey::generate(params).unwrap();
        let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default()).unwrap()).unwrap();
        let plain = Encoder::new(params).encode_in(&[0.5, 1.0], 4).unwrap();
        let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
        let mut prng = he_core::ring::sample::Prng::from_os().unwrap();
        let small = key.inner().encrypt(1, &[1 << 40], &mut prng).expand();
        let integers = bootstrapper.to_integers(&c, 16).ok();
        Self { key, bootstrapper, c, small, integers }
    }

    fn integers(&self) -> &Integers {
        self.integers.as_ref().unwrap()
    }
}

type OneRefresh = fn(&Bootstrapper, &Refresh) -> Result<(), Error>;

const SLOTS_FIRST: &[(&str, OneRefresh)] = &[
    ("Bootstrapper::bootstrap", |b, w| b.bootstrap(&w.c).map(drop)),
    ("Bootstrapper::bootstrap_twice", |b, w| b.bootstrap_twice(&w.c).map(drop)),
    ("Bootstrapper::to_first_prime", |b, w| b.to_first_prime(&w.c).map(drop)),
    ("Bootstrapper::from_first_prime", |b, w| b.from_first_prime(w.small.clone(), 1e-6).map(drop)),
    ("Bootstrapper::evaluate_fourier", |b, w| {
        b.evaluate_fourier(&w.c, &[&FourierSeries::new(f64::tanh, 1.0, 3)?]).map(drop)
    }),
    ("Bootstrapper::to_integers", |b, w| b.to_integers(&w.c, 16).map(drop)),
    ("Bootstrapper::import", |b, w| b.import(w.small.clone(), 16, 1e-6).map(drop)),
    ("Bootstrapper::export", |b, w| b.export(w.integers()).map(drop)),
    ("Bootstrapper::look_up", |b, w| b.look_up(w.integers(), &[&Table::identity(16)?]).map(drop)),
    ("Bootstrapper::look_up_in_coefficients", |b, w| {
        b.look_up_in_coefficients(w.integers(), &[&Table::identity(16)?], 16).map(drop)
    }),
    ("Bootstrapper::bootstrap_integers", |b, w| b.bootstrap_integers(&w.c, 16).map(drop)),
    ("Bootstrapper::truncate", |b, w| b.truncate(w.integers(), 2).map(drop)),
    ("Bootstrapper::truncation_failure", |b, w| b.truncation_failure(w.integers()).map(drop)),
];

const COEFFICIENTS_FIRST: &[(&str, OneRefresh)] = &[
    ("Bootstrapper::lift", |b, w| b.lift(&w.small).map(drop)),
    ("Bootstrapper::lift_normal", |b, w| b.lift_normal(&w.small, 1e9).map(drop)),
];

#[test]
fn bootstrappers_refuse_ciphertexts_of_another_client() {
    for (order, operations) in
        [(Order::SlotsFirst, SLOTS_FIRST), (Order::CoefficientsFirst, COEFFICIENTS_FIRST)]
    {
        let uniform = Spec::bootstrap_uniform();
        let bootstrap = uniform.bootstrap.clone().map(|b| BootstrapSpec { order, ..b });
        let spec = Spec { log_n: 9, bootstrap, ..uniform };
        let params = spec.build_insecure("a test").unwrap();
        let [here, there] = [Refresh::new(&params), Refresh::new(&params)];
        for (name, operation) in operations {
            let own = operation(&here.bootstrapper, &here);
            assert!(!matches!(own, Err(Error::ForeignSecret(_))), "{name}");
            let [there_id, here_id] = [&there, &here].map(|w| w.key.secret_id());
            refused(name, operation(&here.bootstrapper, &there), there_id, here_id);
        }
    }
}

/// Bootstrapping keys are of one secret, all of them.
#[test]
fn bootstrapping_keys_of_two_clients_are_refused() {
    let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("a test").unwrap();
    let [here, there] = [(); 2].map(|()| SecretKey::generate(&params).unwrap());
    let keys = here.bootstrap_keys(4, &KeyRequest::default()).unwrap().to_bytes().unwrap();
    assert_eq!(BootstrapKeys::from_bytes(&params, &keys).unwrap().secret_id(), here.secret_id());
    let (header, _) = he_core::wire::peek(&keys).unwrap();
    let body = he_core::wire::open(&keys, &header, keys.len()).unwrap();
    let id = here.secret_id().to_bytes();
    let places: Vec<usize> = (0..body.len() - 16).filter(|&at| body[at..at + 16] == id).collect();
    // From the secret, back to it, and of the evaluation keys.
    assert_eq!(places.len(), 3);
    for place in places {
        let mut body = body.to_vec();
        body[place..place + 16].copy_from_slice(&there.secret_id().to_bytes());
        let error = BootstrapKeys::from_bytes(&params, &he_core::wire::seal(&header, &body)).err().unwrap();
        let text = error.to_string();
        assert!(text.contains(&here.secret_id().to_string()), "{text}");
        assert!(text.contains(&there.secret_id().to_string()), "{text}");
    }
}
