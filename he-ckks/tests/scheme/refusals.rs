//! Errors that name the operation, what was there, what was needed and the remedy.

use he_ckks::approximation::{ApproximationError, ChebyshevSeries, SignComposite, functions};
use he_ckks::{
    Bootstrapper, Decryptor, Encryptor, Error, EvaluationKeys, Evaluator, KeyRequest, LinearTransform,
    OperandError, PreparedPlaintext, Spec,
};
use num_complex::Complex64;

use crate::world::{World, insecure, values};

fn world() -> World {
    World::new(insecure(Spec { levels: 3, ..Spec::n16384() }, 9))
}

fn is_foreign<T>(result: Result<T, Error>) -> bool {
    matches!(result.err(), Some(Error::Operand(OperandError::Foreign { .. })))
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let (here, there) = (world(), World::new(insecure(Spec { levels: 4, ..Spec::n16384() }, 9)));
    let e = &here.evaluator;
    let x = values(256, 1);
    let (a, b) = (here.encrypt(&x), there.encrypt(&x));
    let p = there.encoder.encode_complex(&x).unwrap();
    let operand = PreparedPlaintext::new(&there.params, &p, 3).unwrap();
    let rows = vec![vec![Complex64::i(); 2]; 2];
    let matrix = LinearTransform::from_rows(&there.params, &rows, 3).unwrap();
    assert!(is_foreign(Evaluator::new(&here.params, EvaluationKeys::none(&there.params))));
    assert!(
        is_foreign(Decryptor::new(&here.key).decrypt(&b))
            && is_foreign(Decryptor::new(&here.key).decrypt_shared(&b, 5))
    );
    assert!(is_foreign(e.add(&a, &b)) && is_foreign(e.add(&b, &a)) && is_foreign(e.sub(&a, &b)));
    assert!(is_foreign(e.negate(&b)) && is_foreign(e.mul_i(&b)) && is_foreign(e.add_const(&b, 1.0)));
    assert!(
        is_foreign(e.mul_integer(&b, 2))
            && is_foreign(e.mul_const(&b, 2.0))
            && is_foreign(e.add_plain(&b, &p))
    );
    assert!(is_foreign(e.mul(&a, &b)) && is_foreign(e.mul_lazy(&b, &a)) && is_foreign(e.square(&b)));
    assert!(is_foreign(e.mul_plain(&b, &p)) && is_foreign(e.mul_prepared(&a, &operand)));
    assert!(is_foreign(e.relinearize(&b)) && is_foreign(e.rescale(&b)) && is_foreign(e.mod_switch_to(&b, 0)));
    assert!(
        is_foreign(e.rotate(&b, 1)) && is_foreign(e.rotate_many(&b, &[1])) && is_foreign(e.conjugate(&b))
    );
    assert!(
        is_foreign(e.inner_sum(&b, 1, 2))
            && is_foreign(e.transform(&matrix, &a))
            && is_foreign(e.transform(&matrix, &b))
    );
    assert!(is_foreign(e.evaluate_chebyshev(&b, &[Complex64::i(); 3])));
    // A plaintext of a larger ring.
    let large = World::new(insecure(Spec { levels: 3, ..Spec::n16384() }, 10));
    let p = large.encoder.encode_complex(&values(512, 1)).unwrap();
    assert!(is_foreign(e.add_plain(&a, &p)) && is_foreign(e.mul_plain(&a, &p)));
    assert!(is_foreign(Encryptor::with_secret(&here.key).encrypt(&p)));
    assert!(is_foreign(Encryptor::with_public(&here.public).encrypt(&p)));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let world = world();
    let encoder = world.encoder.clone().with_bound(2000.0);
    let wrong = |values: &[f64], slots| encoder.encode_in(values, slots).unwrap_err();
    assert!(matches!(
        wrong(&[0.0; 5], 4),
        Error::Operand(OperandError::TooManyValues { given: 5, capacity: 4 })
    ));
    for slots in [0, 3, 512] {
        assert!(matches!(wrong(&[0.0], slots), Error::Slots { most: 256, .. }));
    }
    for value in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e30] {
        assert!(matches!(wrong(&[0.0, value], 4), Error::ValueOutOfRange { index: 1, .. }), "{value}");
    }
    // A bound of 1 unless another is stated; errors do not show the value.
    let error = world.encoder.encode(&[0.5, 1.25]).unwrap_err();
    assert!(matches!(error, Error::ValueOutOfRange { index: 1, most: 1.0 }), "{error}");
    assert!(error.to_string().contains("with_bound") && !error.to_string().contains("1.25"), "{error}");
    // 48 bits of modulus at a scale of 40 hold values up to 128 in magnitude.
    let encrypt = |value: f64, level| {
        let plaintext = encoder.encode(&[value]).unwrap().with_own_bound();
        Encryptor::with_secret(&world.key).encrypt_at(&plaintext, level)
    };
    assert!(encrypt(100.0, 0).is_ok() && encrypt(1000.0, 1).is_ok());
    let error = encrypt(1000.0, 0).err().unwrap();
    assert!(matches!(error, Error::Overflow { operation: "encrypt", .. }));
    assert!(error.to_string().contains("1e3") && error.to_string().contains("with_bound"), "{error}");
    // A bound below the values, and sums that outgrow the modulus.
    let two = encoder.encode(&[2.0]).unwrap();
    assert_eq!(two.bound(), 2000.0);
    assert!(two.clone().with_bound(1.0).is_err());
    assert_eq!(two.clone().with_bound(64.0).unwrap().bound(), 64.0);
    assert_eq!(two.with_own_bound().bound(), 2.0);
    // Errors count where values fit as they are.
    let noisy = world.evaluator.mul_integer(&encrypt(0.0, 0).unwrap(), 1 << 60);
    assert!(matches!(noisy, Err(Error::Overflow { operation: "mul_integer", .. })));
    let c = encrypt(100.0, 0).unwrap();
    assert!(matches!(world.evaluator.add(&c, &c), Err(Error::Overflow { operation: "add", .. })));
    let known = c.with_bound(50.0).unwrap();
    assert!(world.evaluator.add(&known, &known).is_ok());
    assert!(known.with_bound(f64::NAN).is_err());
    assert!(matches!(
        world.evaluator.add_const(&encrypt(1.0, 0).unwrap(), 1e40),
        Err(Error::ValueOutOfRange { .. })
    ));
}

#[test]
fn levels_that_are_used_up_are_named() {
    let world = world();
    let e = &world.evaluator;
    let low = e.mod_switch_to(&world.encrypt(&values(256, 1)), 0).unwrap();
    let used_up = |result: Result<he_ckks::Ciphertext, Error>, operation: &str| {
        let error = result.err().unwrap();
        assert!(matches!(error, Error::Operand(OperandError::LevelsUsedUp { present: 0, .. })), "{error}");
        assert!(
            error.to_string().starts_with(operation) && error.to_string().contains("bootstrap"),
            "{error}"
        );
    };
    let p = world.encoder.encode(&[1.0]).unwrap();
    used_up(e.mul(&low, &low), "mul");
    used_up(e.mul_const(&low, 0.5), "linear combination");
    used_up(e.mul_plain(&low, &p), "mul_plain");
    used_up(e.rescale(&low), "rescale");
    used_up(e.evaluate_chebyshev(&low, &[Complex64::i(); 4]), "polynomial");
    let c = world.encrypt(&values(256, 1));
    let deep = e.evaluate_chebyshev(&c, &[Complex64::i(); 40]).err().unwrap();
    assert!(
        matches!(deep, Error::Operand(OperandError::LevelsUsedUp { needed: 6, present: 3, .. })),
        "{deep}"
    );
    assert!(matches!(
        PreparedPlaintext::new(&world.params, &p, 0),
        Err(Error::Operand(OperandError::LevelsUsedUp { .. }))
    ));
    assert!(matches!(
        PreparedPlaintext::new(&world.params, &p, 8),
        Err(Error::Operand(OperandError::Level { wanted: 8, present: 3, .. }))
    ));
    for level in [4, usize::MAX] {
        assert!(matches!(
            e.mod_switch_to(&c, level),
            Err(Error::Operand(OperandError::Level { present: 3, .. }))
        ));
        assert!(matches!(
            Encryptor::with_secret(&world.key).encrypt_at(&p, level),
            Err(Error::Operand(OperandError::Level { present: 3, .. }))
        ));
    }
    let operand = PreparedPlaintext::new(&world.params, &p, 3).unwrap();
    assert!(matches!(
        e.mul_prepared(&low, &operand),
        Err(Error::Operand(OperandError::Level { wanted: 3, present: 0, .. }))
    ));
}

#[test]
fn keys_and_degrees_are_asked_for_by_name() {
    let world = world();
    let none = Evaluator::new(&world.params, EvaluationKeys::none(&world.params)).unwrap();
    let c = world.encrypt(&values(256, 1));
    let missing = |result: Result<he_ckks::Ciphertext, Error>, key: &str| {
        let error = result.err().unwrap().to_string();
        assert!(error.contains(key) && error.contains("level 3") && error.contains("KeyRequest"), "{error}");
    };
    missing(none.mul(&c, &c), "relinearization key");
    missing(none.rotate(&c, 3), "key that rotates by 3");
    missing(none.rotate_many(&c, &[5, 7]).map(|mut all| all.remove(0)), "key that rotates by");
    missing(none.conjugate(&c), "conjugation key");
    let product = none.mul_lazy(&c, &c).unwrap();
    let degree = |result: Result<he_ckks::Ciphertext, Error>| {
        matches!(result, Err(Error::Operand(OperandError::Degree { degree: 2, .. })))
    };
    let e = &world.evaluator;
    assert!(
        degree(e.rotate(&product, 1)) && degree(e.conjugate(&product)) && degree(e.inner_sum(&product, 1, 2))
    );
    let rescaled = e.rescale(&product).unwrap();
    assert!(
        degree(e.mul(&rescaled, &rescaled)) && degree(e.evaluate_chebyshev(&rescaled, &[Complex64::i(); 3]))
    );
    for request in
        [KeyRequest::default().relinearization(8), KeyRequest::default().rotations(&world.params, &[1], 4)]
    {
        assert!(matches!(
            world.key.evaluation_keys(&request),
            Err(Error::Operand(OperandError::Level { present: 3, .. }))
        ));
    }
    assert!(matches!(e.inner_sum(&c, 1, 3), Err(Error::Operand(OperandError::InnerSum { .. }))));
    assert!(matches!(
        e.inner_sum(&c, 200, 2),
        Err(Error::Operand(OperandError::InnerSum { capacity: 256, .. }))
    ));
    assert!(
        matches!(e.dot(&[]), Err(Error::Operand(OperandError::NoOperands { .. })))
            && matches!(
                e.linear_combination(&[], Complex64::i()),
                Err(Error::Operand(OperandError::NoOperands { .. }))
            )
    );
}

#[test]
fn scales_apart_are_refused_with_both_named() {
    let world = world();
    let e = &world.evaluator;
    let a = world.encrypt(&values(256, 1));
    // Rescaled by hand without need: the scale falls to almost nothing.
    let tiny = e.rescale(&a).unwrap();
    let error = e.add(&tiny, &e.mod_switch_to(&a, 2).unwrap()).err();
    // The sum is brought to the scale of the one that comes first; either way both scales are in the message.
    let error = error.or_else(|| e.add(&e.mod_switch_to(&a, 2).unwrap(), &tiny).err()).unwrap();
    assert!(matches!(error, Error::Scales { level: 2, .. }), "{error}");
    assert!(error.to_string().contains("2^40") && error.to_string().contains("rescale"), "{error}");
}

#[test]
fn what_lies_outside_an_interval_is_refused() {
    let world = world();
    let c = world.evaluator.mul_integer(&world.encrypt(&values(256, 1)), 5).unwrap();
    let series = ChebyshevSeries::interpolate(functions::tanh, (-4.0, 4.0), 3).unwrap();
    let error = world.evaluator.evaluate_series(&c, &series).err().unwrap();
    assert!(matches!(error, Error::OutsideInterval { low: -4.0, high: 4.0, .. }), "{error}");
    assert!(error.to_string().contains("with_bound"), "{error}");
    let sign = SignComposite::new(0.1, &[7, 7]).unwrap();
    assert!(matches!(world.evaluator.evaluate_sign(&c, &sign), Err(Error::OutsideInterval { .. })));
    assert!(world.evaluator.evaluate_series(&c.with_bound(4.0).unwrap(), &series).is_ok());
    // In the clear every value is looked at.
    assert_eq!(series.simulate(-4.0), Ok(series.evaluate(-4.0)));
    for x in [4.1, -4.1, f64::NAN] {
        let error = series.simulate(x).unwrap_err();
        assert!(matches!(error, ApproximationError::Outside { low: -4.0, high: 4.0, .. }));
        assert!(
            error.to_string().contains("[-4, 4]") && error.to_string().contains("wider interval"),
            "{error}"
        );
    }
}

#[test]
fn specifications_are_checked() {
    let wrong = |change: &dyn Fn(&mut Spec)| {
        let mut spec = Spec::n16384();
        change(&mut spec);
        spec.build().err().unwrap()
    };
    assert!(
        matches!(wrong(&|s| s.log_n = 3), Error::Parameters(_))
            && matches!(wrong(&|s| s.log_n = 40), Error::Parameters(_))
    );
    assert!(matches!(wrong(&|s| s.scale_bits = 10), Error::Spec { field: "scale_bits", .. }));
    assert!(matches!(wrong(&|s| s.first_bits = 41), Error::Spec { field: "first_bits", .. }));
    assert!(matches!(wrong(&|s| s.first_bits = 51), Error::Spec { field: "first_bits", .. }));
    assert!(matches!(wrong(&|s| s.levels = 1000), Error::Spec { field: "levels", .. }));
    assert!(matches!(wrong(&|s| s.levels = 9), Error::Parameters(_)), "security");
    assert!(matches!(wrong(&|s| s.digit = 0), Error::Parameters(_)));
    assert!(Spec::n16384().build_insecure(" ").is_err());
    // Too few primes near the scale: it would drift away.
    let crowded = Spec { log_n: 16, first_bits: 40, scale_bits: 20, levels: 10, ..Spec::n8192() }.build();
    assert!(matches!(crowded, Err(Error::Spec { field: "scale_bits", .. })));
    // The presets are secure, and bootstrapping says what is wrong with it.
    let small = [Spec::n8192(), Spec::n16384(), Spec::n32768()];
    let large =
        [Spec::bootstrap_sparse(), Spec::bootstrap_uniform(), Spec::tables_sparse(), Spec::tables_uniform()];
    for spec in small.into_iter().chain(large) {
        let params = spec.build().unwrap();
        assert_eq!(params.rlwe().security_bits(), Some(128));
    }
    let bootstrap = |change: &dyn Fn(&mut he_ckks::BootstrapSpec)| {
        let mut spec = Spec::bootstrap_uniform();
        change(spec.bootstrap.as_mut().unwrap());
        spec.build().err().unwrap()
    };
    assert!(matches!(bootstrap(&|b| b.terms = 1), Error::Spec { field: "terms", .. }));
    assert!(matches!(bootstrap(&|b| b.terms = 4), Error::Spec { field: "terms", .. }));
    assert!(matches!(bootstrap(&|b| b.modular_bits = 51), Error::Spec { field: "modular_bits", .. }));
    assert!(matches!(bootstrap(&|b| b.doublings = 0), Error::Spec { field: "doublings", .. }));
    for range in [1, 4, 12] {
        assert!(matches!(bootstrap(&|b| b.range = range), Error::Spec { field: "range", .. }), "{range}");
    }
    // Secure as a whole, and yet not for the ephemeral secret.
    assert!(matches!(bootstrap(&|b| b.ephemeral_weight = 16), Error::Parameters(_)));
    let circuit = Spec::bootstrap_uniform().bootstrap.unwrap();
    let failure = circuit.log2_failure(1 << 16);
    // Exactly 2^-105, by the tail of the distribution.
    assert!((-105.0..-95.0).contains(&failure), "{failure}");
    let smaller = he_ckks::BootstrapSpec { range: 13, ..circuit.clone() }.log2_failure(1 << 16);
    assert!((-40.0..-30.0).contains(&smaller), "{smaller}");
    assert_eq!(he_ckks::BootstrapSpec { range: 18, ..circuit }.log2_failure(1 << 16), f64::NEG_INFINITY);
    assert!(matches!(
        bootstrap(&|b| b.coefficients_to_slots = 0),
        Error::Spec { field: "coefficients_to_slots", .. }
    ));
}

#[test]
fn bootstrapping_says_what_it_needs() {
    let world = world();
    assert!(matches!(
        world.key.bootstrap_keys(8, &KeyRequest::default()),
        Err(Error::Spec { field: "bootstrap", .. })
    ));
    let there = World::new(insecure(Spec::bootstrap_sparse(), 9));
    assert!(matches!(
        there.key.bootstrap_keys(512, &KeyRequest::default()),
        Err(Error::Slots { most: 256, .. })
    ));
    let b = Bootstrapper::new(there.key.bootstrap_keys(16, &KeyRequest::default()).unwrap()).unwrap();
    assert!(is_foreign(b.bootstrap(&world.encrypt(&values(16, 1)))));
    let c = there.encrypt(&values(16, 1));
    assert!(matches!(b.bootstrap(&there.encrypt(&values(32, 1))), Err(Error::Slots { slots: 32, most: 16 })));
    let low = there.evaluator.mod_switch_to(&c, 2).unwrap();
    assert!(matches!(
        b.bootstrap(&low),
        Err(Error::Operand(OperandError::LevelsUsedUp { needed: 3, present: 2, .. }))
    ));
    let wide = there.evaluator.mul_integer(&c, 3).unwrap();
    assert!(matches!(b.bootstrap(&wide), Err(Error::OutsideInterval { operation: "bootstrap", .. })));
    let product = there.evaluator.mul_lazy(&c, &c).unwrap();
    assert!(matches!(b.bootstrap(&product), Err(Error::Operand(OperandError::Degree { .. }))));
}
