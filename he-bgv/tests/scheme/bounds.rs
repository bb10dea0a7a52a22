//! Public bounds: stated, followed, sent, and refused where a result may pass `t/2`; every result that is given is that of integers.

use he_bgv::transform::{Direction, SlotTransform};
use he_bgv::{
    Bound, Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, OperandError,
    PreparedPlaintext, SecretKey, Spec, linear,
};

use crate::world::{Choices, World, insecure};

fn world() -> World {
    World::new(insecure(4, Spec::slot_modulus(4, 20).unwrap(), &[45; 4], &[50], 1))
}

fn slots(most: u64) -> Bound {
    Bound::Slots { most }
}

/// The error of a result that may pass `t/2`, with this bound.
fn wraps<T>(result: Result<T, Error>, expected: u64) -> bool {
    let Err(Error::Operand(OperandError::Wraps { bound, half, t, .. })) = result else { return false };
    bound == expected && half == t / 2
}

#[test]
fn bounds_are_stated_and_do_not_depend_on_values() {
    let world = world();
    let (encoder, half) = (Encoder::new(&world.params), world.params.t().value() / 2);
    let bound = |values: &[i64]| encoder.clone().with_bound(9).encode(values).unwrap().bound();
    assert_eq!([bound(&[0]), bound(&[9, -9])], [slots(9); 2]);
    assert_eq!(encoder.encode(&[1]).unwrap().bound(), slots(half));
    assert_eq!(encoder.encode(&[]).unwrap().bound(), slots(0));
    let plaintext = encoder.clone().with_bound(9).encode_coefficients(&[1, 2]).unwrap();
    assert_eq!(plaintext.bound(), Bound::Coefficients { most: 9, count: 2 });
    assert!(encoder.clone().modular().encode(&[half as i64]).unwrap().bound().is_modulo());
    // Values above the bound, and bounds above t/2.
    let error = encoder.clone().with_bound(9).encode(&[0, -10]).err();
    assert!(matches!(error, Some(Error::AboveBound { value: -10, index: 1, most: 9 })));
    let error = encoder.clone().with_bound(9).encode_coefficients(&[10]).err();
    assert!(
        error.is_some_and(|error| error.to_string().contains("value 10 at place 0 is above the bound 9"))
    );
    for most in [half + 1, u64::MAX] {
        assert!(wraps(encoder.clone().with_bound(most).encode(&[0]), most));
        assert!(wraps(world.encrypt(&plaintext).with_bound(slots(most)), most));
    }
    // With the ciphertext, seeded or not, to the other side and into the plaintext.
    let seeded = world.key.encrypt_seeded(&plaintext, 1).unwrap();
    assert_eq!(seeded.bound(), plaintext.bound());
    for bytes in [seeded.to_bytes().unwrap(), world.encrypt(&plaintext).to_bytes().unwrap()] {
        let read = Ciphertext::from_bytes(&world.params, &bytes).unwrap();
        assert_eq!([read.bound(), world.decrypt(&read).bound()], [plaintext.bound(); 2]);
    }
    assert_eq!(world.encrypt_public(&plaintext).bound(), plaintext.bound());
    assert_eq!(world.operand(&plaintext).bound(), plaintext.bound());
}

/// Every operation: the bound that the clear computation has, and an error one step beyond `t/2`.
#[test]
fn bounds_follow_every_operation() {
    let world = world();
    let (e, half) = (&world.evaluator, world.params.t().value() / 2);
    let encoder = Encoder::new(&world.params);
    let of = |most: u64| encoder.clone().with_bound(most).encode(&[most as i64, -3]).unwrap();
    let (p, a, b) = (of(20), world.encrypt(&of(10)), world.encrypt(&of(30)));
    let prepared = world.operand(&p);
    let is = |c: Result<Ciphertext, Error>, most: u64| assert_eq!(c.unwrap().bound(), slots(most));
    is(e.add(&a, &b), 40);
    is(e.sub(&a, &b), 40);
    is(e.negate(&a), 10);
    is(e.add_plain(&a, &p), 30);
    is(e.add_const(&a, -7), 17);
    is(e.mul_const(&a, -7), 70);
    is(e.linear_combination(&[(3, &a), (-2, &b)]), 90);
    is(e.mul_plain(&a, &p), 200);
    is(e.mul_prepared(&b, &prepared), 600);
    is(e.dot_prepared(&[(&prepared, &a), (&prepared, &b)]), 800);
    is(e.mul(&a, &b), 300);
    is(e.square(&b), 900);
    is(e.dot(&[(&a, &b), (&b, &a)]), 600);
    is(e.relinearize(&e.mul_lazy(&a, &b).unwrap()), 300);
    is(e.mod_switch(&a), 10);
    is(e.mod_switch_to(&a, 0), 10);
    is(e.rotate_rows(&a, 1), 10);
    is(e.swap_rows(&a), 10);
    is(e.inner_sum(&a, 1, 8), 80);
    is(e.inner_sum(&a, 0, 8), 80);
    is(e.evaluate_polynomial(&a, &[5, -3, 2]), 5 + 30 + 200);
    let matrix = linear::Matrix::new(&world.params, &encoder, &[vec![1, -2], vec![3, 4]], 3).unwrap();
    is(e.mul_matrix(&matrix, &a), 4 * 10 + 3 * 10);
    for turned in e.automorphism_many(&a, &[3, 9, 1]).unwrap() {
        assert_eq!(turned.bound(), slots(10));
    }
    // The largest that there is room for, and one more.
    let large = world.encrypt(&of(half - 5));
    is(e.add_const(&large, 5), half);
    assert!(wraps(e.add_const(&large, -6), half + 1));
    assert!(wraps(e.add_const(&large, i64::MIN), (1 << 63) + half - 5));
    assert!(wraps(e.add(&large, &a), half + 5) && wraps(e.sub(&a, &large), half + 5));
    assert!(wraps(e.add_plain(&large, &p), half + 15));
    assert!(wraps(e.mul_const(&large, 2), 2 * half - 10));
    assert!(wraps(e.linear_combination(&[(1, &large), (-1, &large)]), 2 * half - 10));
    assert!(wraps(e.mul_plain(&large, &p), 20 * (half - 5)) && wraps(e.mul(&large, &a), 10 * (half - 5)));
    assert!(wraps(e.mul_prepared(&large, &prepared), 20 * (half - 5)));
    assert!(wraps(e.square(&large), (half - 5) * (half - 5)));
    assert!(wraps(e.inner_sum(&large, 1, 2), 2 * half - 10));
    assert!(wraps(e.inner_sum(&large, 0, 4), 4 * half - 20));
    assert!(wraps(e.add_unrelated(large.clone(), &a), half + 5));
    assert!(wraps(e.evaluate_polynomial(&large, &[0, 0, 1]), (half - 5) * (half - 5)));
    assert!(e.mul_matrix(&matrix, &large).is_err());
    // Nothing is known but t/2: nothing is added.
    assert!(wraps(e.add_const(&world.encrypt(&encoder.encode(&[1]).unwrap()), 1), half + 1));
}

#[test]
fn arithmetic_modulo_t_is_asked_for_by_name_and_contagious() {
    let world = world();
    let (e, t) = (&world.evaluator, world.params.t().value() as i64);
    let encoder = Encoder::new(&world.params);
    let bounded = world.encrypt(&encoder.clone().with_bound(400).encode(&[400]).unwrap());
    let modulo = world.encrypt(&encoder.clone().modular().encode(&[t / 2]).unwrap());
    let residues = encoder.clone().modular().encode(&[t / 2]).unwrap();
    let wrapped = |c: Result<Ciphertext, Error>, value: i64| {
        let c = c.unwrap();
        assert!(c.bound().is_modulo());
        assert_eq!(world.slots(&c)[0], world.centre(value.into()));
    };
    wrapped(e.add(&bounded, &modulo), t / 2 + 400);
    wrapped(e.add_plain(&bounded, &residues), t / 2 + 400);
    wrapped(e.mul(&modulo, &bounded), t / 2 * 400);
    wrapped(e.mul_plain(&bounded, &residues), t / 2 * 400);
    wrapped(e.mul_const(&modulo, 3), t / 2 * 3);
    // And of a ciphertext that is there.
    assert!(wraps(e.mul_const(&bounded, 4_000), 1_600_000));
    wrapped(e.mul_const(&bounded.with_bound(Bound::Modulo).unwrap(), 4_000), 1_600_000);
}

#[test]
fn products_of_polynomials_sum_as_many_terms_as_there_are() {
    let world = world();
    let e = &world.evaluator;
    let encoder = Encoder::new(&world.params).with_bound(100);
    let of = |values: &[i64]| world.encrypt(&encoder.encode_coefficients(values).unwrap());
    let is = |c: Result<Ciphertext, Error>, most: u64, count: u32| {
        let c = c.unwrap();
        assert_eq!(c.bound(), Bound::Coefficients { most, count });
        c
    };
    let (one, three, all) = (of(&[100]), of(&[100; 3]), of(&[100; 16]));
    is(e.mul(&one, &all), 10_000, 16);
    is(e.add(&one, &three), 200, 3);
    let product = is(e.mul(&three, &all), 30_000, 16);
    // Three terms of one sign: the bound is reached.
    assert_eq!(world.encoder.decode_coefficients(&world.decrypt(&product))[2], 30_000);
    let product = is(e.mul(&three, &three), 30_000, 5);
    assert_eq!(
        world.encoder.decode_coefficients(&world.decrypt(&product))[..6],
        [10_000, 20_000, 30_000, 20_000, 10_000, 0]
    );
    is(e.mul(&all, &all), 160_000, 16);
    // Turned, coefficients stand anywhere; a constant stays.
    is(e.swap_rows(&three), 100, 16);
    is(e.swap_rows(&one), 100, 1);
    is(e.add_const(&three, 5), 105, 3);
    // Slots bound no coefficients.
    let slotted = world.encrypt(&encoder.encode(&[1, 2]).unwrap());
    for error in [e.add(&one, &slotted).err(), e.mul(&slotted, &one).err()] {
        assert!(matches!(error, Some(Error::Operand(OperandError::Places { .. }))));
    }
}

/// Values that were moved under encryption keep their bound, at their new places.
#[test]
fn slot_transforms_move_bounds() {
    let params = insecure(5, 193, &[30; 5], &[45], 1);
    let key = SecretKey::generate(&params).unwrap();
    let level = params.max_level();
    let [down, up] = [Direction::SlotsToCoefficients, Direction::CoefficientsToSlots]
        .map(|direction| SlotTransform::new(&params, 2, level, direction).unwrap());
    let request = up.key_request(down.key_request(KeyRequest::default()));
    let e = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encoder = Encoder::new(&params).with_bound(7);
    let c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[7, -6, 5]).unwrap()).unwrap();
    let coefficients = e.slots_to_coefficients(&down, &c).unwrap();
    assert_eq!(coefficients.bound(), Bound::Coefficients { most: 7, count: 32 });
    let found = encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&coefficients).unwrap());
    assert!(found.iter().all(|x| x.abs() <= 7) && found[0] == 7);
    let error = e.slots_to_coefficients(&down, &coefficients).err();
    assert!(matches!(error, Some(Error::Operand(OperandError::Places { .. }))));
    let error = e.coefficients_to_slots(&up, &c).err();
    assert!(matches!(error, Some(Error::Operand(OperandError::Places { .. }))));
}

/// Random circuits over integers: what is not refused is right over the integers, not just modulo `t`.
#[test]
fn what_is_not_refused_is_right_over_the_integers() {
    let world = world();
    let (e, mut choices) = (&world.evaluator, Choices::new(23));
    let (mut given, mut refused) = (0, 0);
    for _ in 0..60 {
        let most = 1 << choices.below(12);
        let encoder = Encoder::new(&world.params).with_bound(most);
        let mut draw = || -> Vec<i64> {
            (0..16).map(|_| choices.below(2 * most as usize + 1) as i64 - most as i64).collect()
        };
        let mut clear: Vec<i128> = draw().into_iter().map(i128::from).collect();
        let start: Vec<i64> = clear.iter().map(|&x| x as i64).collect();
        let other = draw();
        let fresh = world.encrypt(&encoder.encode(&other).unwrap());
        let mut c = world.encrypt(&encoder.encode(&start).unwrap());
        for _ in 0..4 {
            let constant = choices.below(9) as i64 - 4;
            let (next, value): (_, Box<dyn Fn(i128, i128) -> i128>) = match choices.below(4) {
                0 => (e.add(&c, &fresh), Box::new(|x, y| x + y)),
                1 => (e.mul(&c, &fresh), Box::new(|x, y| x * y)),
                2 => (e.mul_const(&c, constant), Box::new(move |x, _| x * i128::from(constant))),
                _ => (e.sub(&fresh, &c), Box::new(|x, y| y - x)),
            };
            match next {
                Ok(next) => {
                    clear = clear.iter().zip(&other).map(|(&x, &y)| value(x, y.into())).collect();
                    let found: Vec<i128> = world.slots(&next).into_iter().map(i128::from).collect();
                    assert_eq!(found, clear);
                    let most = next.bound().most().unwrap();
                    assert!(clear.iter().all(|x| x.unsigned_abs() <= most.into()));
                    (c, given) = (next, given + 1);
                }
                Err(Error::Operand(OperandError::Wraps { .. })) => {
                    refused += 1;
                    break;
                }
                Err(Error::NoiseExhausted { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(given > 60 && refused > 10, "{given} given, {refused} refused");
}

/// Half of an even modulus has no negative.
#[test]
fn the_ends_of_an_even_modulus() {
    let params = insecure(4, 256, &[50], &[50], 1);
    let (key, encoder) = (SecretKey::generate(&params).unwrap(), Encoder::new(&params));
    let e = Evaluator::new(&params, he_bgv::EvaluationKeys::none(&params)).unwrap();
    assert!(matches!(
        encoder.encode_coefficients(&[-128]),
        Err(Error::AboveBound { value: -128, index: 0, most: 128 })
    ));
    let c = Encryptor::with_secret(&key).encrypt(&encoder.encode_coefficients(&[128]).unwrap()).unwrap();
    assert_eq!(encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&c).unwrap())[0], 128);
    assert!(wraps(e.negate(&c), 128) && wraps(e.mul_const(&c, -1), 128));
    let small = encoder.clone().with_bound(127).encode_coefficients(&[-127]).unwrap();
    let c = e.negate(&Encryptor::with_secret(&key).encrypt(&small).unwrap()).unwrap();
    assert_eq!(encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&c).unwrap())[0], 127);
    assert!(PreparedPlaintext::new(&params, &small, 0).is_ok());
}

/// The presets for large integers: their largest primes, and squares in a row until noise or bound ends them.
#[test]
fn wide_presets_square_integers() {
    for (spec, bits, least) in [(Spec::n8192_wide(), 40, 1), (Spec::n16384_wide(), 49, 4)] {
        assert_eq!(spec.plaintext_modulus, Spec::slot_modulus(spec.log_n, bits).unwrap());
        let params = spec.build().unwrap();
        let key = SecretKey::generate(&params).unwrap();
        let request = KeyRequest::default().relinearization(params.max_level());
        let e = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
        let encoder = Encoder::new(&params).with_bound(2);
        let mut c = Encryptor::with_secret(&key).encrypt(&encoder.encode(&[2, -1]).unwrap()).unwrap();
        let (mut value, mut squares) = (2i64, 0);
        while let Ok(square) = e.square(&c) {
            (c, value, squares) = (square, value * value, squares + 1);
            let found = encoder.decode(&Decryptor::new(&key).decrypt(&c).unwrap()).unwrap();
            assert_eq!(found[..2], [value, 1]);
        }
        println!("t of {bits} bits: {squares} squares in a row");
        assert!(squares >= least, "{squares}");
    }
}
