//! Every operation against the clear model, bit for bit.

use std::collections::BTreeMap;

use he_bgv::linear::Matrix;
use he_bgv::rotation::row_element;
use he_bgv::{
    Ciphertext, Encryptor, Error, Evaluator, KeyRequest, OperandError, PreparedPlaintext, SeededCiphertext,
    Spec,
};
use he_core::ring::naive::negacyclic_mul;
use proptest::prelude::*;

use crate::world::{Choices, World, insecure, rotated};

fn world(log_n: u32, t_bits: u32) -> World {
    World::new(insecure(log_n, Spec::slot_modulus(log_n, t_bits).unwrap(), &[50; 6], &[50, 50], 2))
}

/// Polynomials modulo any `t`: sums and products of coefficients.
#[test]
fn coefficients_multiply_as_polynomials_for_any_modulus() {
    for t in [2, 3, 4, 255, 256, 1 << 16, 1_000_003, (1 << 30) + 1, (1 << 49) - 1, 1 << 49] {
        let world = World::new(insecure(6, t, &[50; 6], &[50], 1));
        let (e, mut choices, modulus) = (&world.evaluator, Choices::new(t), *world.params.t());
        let [x, y] = [(); 2].map(|()| world.random(&mut choices));
        let [px, py] = [&x, &y].map(|v| world.encoder.encode_coefficients(v).unwrap());
        let (a, b) = (world.encrypt(&px), world.encrypt_public(&py));
        let product = negacyclic_mul(px.coefficients(), py.coefficients(), &modulus);
        let sum: Vec<u64> =
            px.coefficients().iter().zip(py.coefficients()).map(|(&x, &y)| modulus.add(x, y)).collect();
        let secret = e.relinearize(&e.mul_lazy(&a, &b).unwrap()).unwrap();
        assert_eq!(world.decrypt(&secret).coefficients(), product, "t = {t}");
        assert_eq!(world.decrypt(&e.mod_switch(&secret).unwrap()).coefficients(), product);
        assert_eq!(world.decrypt(&e.mod_switch_for_product(&secret).unwrap()).coefficients(), product);
        let prepared = e.mul_prepared(&a, &world.operand(&py)).unwrap();
        assert_eq!(world.decrypt(&prepared).coefficients(), product);
        let plain = e.mul_plain(&a, &py).unwrap();
        assert_eq!(plain.noise(), prepared.noise());
        assert_eq!(plain.inner().parts()[0].words(), prepared.inner().parts()[0].words());
        assert_eq!(world.decrypt(&e.add(&a, &b).unwrap()).coefficients(), sum);
        assert_eq!(world.decrypt(&e.add_plain(&a, &py).unwrap()).coefficients(), sum);
        let mut shifted = px.coefficients().to_vec();
        shifted[0] = modulus.add(shifted[0], modulus.reduce(12_345));
        assert_eq!(world.decrypt(&e.add_const(&a, 12_345).unwrap()).coefficients(), shifted);
        // A sum over levels: factors differ, and are made to agree for composite t too.
        let mixed = e.add(&a, &e.mod_switch(&secret).unwrap()).unwrap();
        let expected: Vec<u64> =
            px.coefficients().iter().zip(&product).map(|(&x, &y)| modulus.add(x, y)).collect();
        assert_eq!(world.decrypt(&mixed).coefficients(), expected);
        assert!(mixed.noise_budget() <= world.measured(&mixed));
    }
}

#[test]
fn constants_of_any_size_count_modulo_t() {
    let world = world(5, 20);
    let (e, mut choices) = (&world.evaluator, Choices::new(1));
    let x = world.random(&mut choices);
    let a = world.encrypt(&world.encoder.encode(&x).unwrap());
    let switched = e.mod_switch(&a).unwrap();
    for c in [0, 1, -1, 2, 1 << 20, i64::MAX, i64::MIN, -(1 << 19) + 7] {
        let wide = i128::from(c);
        for a in [&a, &switched] {
            let expect = |f: &dyn Fn(i128) -> i128| -> Vec<i64> {
                x.iter().map(|&x| world.centre(f(x.into()))).collect()
            };
            assert_eq!(world.slots(&e.mul_const(a, c).unwrap()), expect(&|x| x * wide), "times {c}");
            assert_eq!(world.slots(&e.add_const(a, c).unwrap()), expect(&|x| x + wide), "plus {c}");
            let sum = e.linear_combination(&[(c, a), (1, &switched)]).unwrap();
            assert_eq!(world.slots(&sum), expect(&|x| x * wide + x), "times {c} plus itself");
        }
    }
}

#[test]
fn products_of_many_terms() {
    let world = world(6, 20);
    let (e, mut choices) = (&world.evaluator, Choices::new(2));
    let values: Vec<Vec<i64>> = (0..20).map(|_| world.random(&mut choices)).collect();
    let plaintexts: Vec<_> = values.iter().map(|v| world.encoder.encode(v).unwrap()).collect();
    let secrets: Vec<_> = plaintexts.iter().map(|p| world.encrypt(p)).collect();
    let operands: Vec<_> = plaintexts.iter().map(|p| world.operand(p)).collect();
    for terms in [1, 2, 10] {
        let expected: Vec<i64> = (0..world.params.n())
            .map(|k| {
                let sum: i128 =
                    (0..terms).map(|i| i128::from(values[i][k]) * i128::from(values[i + 10][k])).sum();
                world.centre(sum)
            })
            .collect();
        let pairs: Vec<_> = (0..terms).map(|i| (&secrets[i], &secrets[i + 10])).collect();
        let dot = e.dot_lazy(&pairs).unwrap();
        assert_eq!(dot.degree(), 2);
        assert_eq!(world.slots(&dot), expected);
        let dot = e.relinearize(&dot).unwrap();
        assert_eq!((dot.degree(), world.slots(&dot)), (1, expected.clone()));
        assert!(dot.noise_budget() <= world.measured(&dot));
        let pairs: Vec<_> = (0..terms).map(|i| (&operands[i], &secrets[i + 10])).collect();
        let dot = e.dot_prepared(&pairs).unwrap();
        assert_eq!(world.slots(&dot), expected);
        assert!(dot.noise_budget() <= world.measured(&dot));
    }
    // Relinearizing what has degree 1 changes nothing.
    assert_eq!(world.slots(&e.relinearize(&secrets[0]).unwrap()), values[0]);
}

#[test]
fn weighted_sums_repair_factors() {
    let world = world(5, 20);
    let (e, t, mut choices) = (&world.evaluator, *world.params.t(), Choices::new(3));
    let [x, w] = [(); 2].map(|()| world.random(&mut choices));
    let plaintext = world.encoder.encode(&x).unwrap();
    let low = e.mod_switch(&world.encrypt(&plaintext)).unwrap();
    let high = Encryptor::with_secret(&world.key).encrypt_at(&plaintext, low.level()).unwrap();
    assert_ne!(low.correction_factor(), high.correction_factor());
    let scaled = |ratio: u64| -> PreparedPlaintext {
        let values: Vec<i64> = w.iter().map(|&w| t.center(t.mul(t.reduce_i64(w), ratio))).collect();
        world.operand(&world.encoder.encode(&values).unwrap())
    };
    let mut ratios = BTreeMap::new();
    let sum = e
        .dot_prepared_with(&[&high, &low, &high], |i, ratio| {
            ratios.insert(i, ratio);
            Ok::<_, Error>(Box::new(scaled(ratio)))
        })
        .unwrap();
    assert!(ratios[&0] == 1 && ratios[&1] != 1 && ratios[&2] == 1);
    let expected: Vec<i64> =
        x.iter().zip(&w).map(|(&x, &w)| world.centre(3 * i128::from(x) * i128::from(w))).collect();
    assert_eq!(world.slots(&sum), expected);
    let operand = scaled(1);
    assert!(matches!(
        e.dot_prepared(&[(&operand, &high), (&operand, &low)]),
        Err(Error::MixedCorrectionFactors { .. })
    ));
    assert!(matches!(
        e.dot_lazy(&[(&high, &high), (&low, &high)]),
        Err(Error::MixedCorrectionFactors { .. })
    ));
    assert!(matches!(e.add_unrelated(high.clone(), &low), Err(Error::MixedCorrectionFactors { .. })));
}

#[test]
fn levels_go_down_as_asked() {
    let world = world(5, 14);
    let (e, x) = (&world.evaluator, world.random(&mut Choices::new(4)));
    let plaintext = world.encoder.encode(&x).unwrap();
    let a = world.encrypt(&plaintext);
    assert_eq!((world.params.max_level(), a.level(), a.inner().limbs()), (5, 5, 6));
    for level in 0..=5 {
        for c in [
            Encryptor::with_secret(&world.key).encrypt_at(&plaintext, level).unwrap(),
            Encryptor::with_public(&world.public).encrypt_at(&plaintext, level).unwrap(),
            world.key.encrypt_seeded(&plaintext, level).map(SeededCiphertext::expand).unwrap(),
            e.mod_switch_to(&a, level).unwrap(),
        ] {
            assert_eq!((c.level(), c.inner().limbs(), world.slots(&c)), (level, level + 1, x.clone()));
            assert!(c.noise_budget() <= world.measured(&c));
        }
    }
    for level in [6, usize::MAX] {
        for error in [
            e.mod_switch_to(&a, level).err(),
            Encryptor::with_secret(&world.key).encrypt_at(&plaintext, level).err(),
            Encryptor::with_public(&world.public).encrypt_at(&plaintext, level).err(),
        ] {
            assert!(
                matches!(error, Some(Error::Operand(OperandError::Level { wanted, present: 5, .. })) if wanted == level)
            );
        }
    }
    let mut last = e.mod_switch_to(&a, 0).unwrap();
    assert!(matches!(e.mod_switch(&last), Err(Error::Operand(OperandError::LevelsUsedUp { .. }))));
    // Noise that is worth dividing away goes down with the primes.
    last = a.clone();
    for _ in 0..3 {
        let square = e.square(&last).unwrap();
        last = e.relinearize(&e.mul_lazy(&last, &last).unwrap()).unwrap();
        let switched = e.mod_switch_for_product(&last).unwrap();
        assert!(switched.level() <= last.level());
        assert_eq!(world.slots(&switched), world.slots(&last));
        assert_eq!(square.inner().parts()[1].words(), switched.inner().parts()[1].words());
        let shrunk = e.mod_switch_for_decryption(&last, 6.0).unwrap();
        assert!(shrunk.level() < last.level() && shrunk.noise_budget() >= 6.0);
        assert_eq!(world.slots(&shrunk), world.slots(&last));
        assert_eq!(e.mod_switch_for_decryption(&last, 1e9).unwrap().level(), last.level());
    }
}

#[test]
fn rotations_of_every_kind() {
    let params = insecure(6, Spec::slot_modulus(6, 20).unwrap(), &[50; 3], &[50], 1);
    let (n, row) = (params.n(), params.n() / 2);
    let every: Vec<usize> = (0..row).collect();
    let mut world = World::new(params);
    let request = KeyRequest::default().rotations(&world.params, &every, 1).row_swap(&world.params, 2);
    world.evaluator = Evaluator::new(&world.params, world.key.evaluation_keys(&request).unwrap()).unwrap();
    let (e, x) = (&world.evaluator, world.random(&mut Choices::new(5)));
    let top = world.encrypt(&world.encoder.encode(&x).unwrap());
    let a = e.mod_switch_to(&top, 1).unwrap();
    let elements: Vec<usize> = every.iter().map(|&k| row_element(&world.params, k)).collect();
    let hoisted = e.automorphism_many(&a, &elements).unwrap();
    for k in every {
        let plain = e.rotate_rows(&a, k).unwrap();
        assert_eq!(world.slots(&plain), rotated(&x, k));
        for (x, y) in plain.inner().parts().iter().zip(hoisted[k].inner().parts()) {
            assert_eq!(x.words(), y.words(), "hoisting changes no bit");
        }
        assert_eq!(plain.noise(), hoisted[k].noise());
    }
    // Rotations by the row and beyond wrap around.
    assert_eq!(world.slots(&e.rotate_rows(&a, row + 3).unwrap()), rotated(&x, 3));
    // Keys were made for level 1, but for the swap.
    assert!(matches!(e.rotate_rows(&top, 1), Err(Error::Operand(OperandError::MissingKey { level: 2, .. }))));
    assert!(e.swap_rows(&top).is_ok());
    assert!(matches!(
        e.automorphism_many(&top, &[3, 9]),
        Err(Error::Operand(OperandError::MissingKey { .. }))
    ));
    for (stride, count) in [(1, 1), (1, row), (2, row / 2), (4, 4), (row, 1), (0, 8)] {
        let sum = e.inner_sum(&a, stride, count).unwrap();
        let turns: Vec<Vec<i64>> = (0..count).map(|s| rotated(&x, s * stride)).collect();
        let expected: Vec<i64> =
            (0..n).map(|k| world.centre(turns.iter().map(|v| i128::from(v[k])).sum())).collect();
        assert_eq!(world.slots(&sum), expected, "{count} by {stride}");
    }
    for (stride, count) in [(1, 3), (1, 2 * row), (row, 2), (usize::MAX, 2), (1, 0)] {
        assert!(matches!(e.inner_sum(&a, stride, count), Err(Error::Operand(OperandError::InnerSum { .. }))));
    }
}

#[test]
fn matrices_multiply_vectors_in_both_rows() {
    let params = insecure(6, Spec::slot_modulus(6, 20).unwrap(), &[50; 3], &[50], 1);
    let (n, row) = (params.n(), params.n() / 2);
    let mut world = World::new(params);
    for size in [1, 2, 8, 32] {
        let mut choices = Choices::new(size as u64);
        let rows: Vec<Vec<i64>> =
            (0..size).map(|_| (0..size).map(|_| world.centre(choices.word().into())).collect()).collect();
        let matrix = Matrix::new(&world.params, &world.encoder, &rows, 2).unwrap();
        let request = KeyRequest::default().rotations(&world.params, &matrix.rotations(), 2);
        world.evaluator =
            Evaluator::new(&world.params, world.key.evaluation_keys(&request).unwrap()).unwrap();
        let vectors: Vec<Vec<i64>> =
            (0..2).map(|_| (0..size).map(|_| world.centre(choices.word().into())).collect()).collect();
        let slots: Vec<i64> = (0..n).map(|k| vectors[k / row][k % size]).collect();
        let product = world
            .evaluator
            .mul_matrix(&matrix, &world.encrypt(&world.encoder.encode(&slots).unwrap()))
            .unwrap();
        let expected: Vec<i64> = (0..n)
            .map(|k| {
                let sum = rows[k % size].iter().zip(&vectors[k / row]);
                world.centre(sum.map(|(&m, &v)| i128::from(m) * i128::from(v)).sum())
            })
            .collect();
        assert_eq!(world.slots(&product), expected, "{size} by {size}");
        assert!(product.noise_budget() <= world.measured(&product));
    }
    let shape = |rows: &[Vec<i64>]| Matrix::new(&world.params, &world.encoder, rows, 2).err();
    for rows in [vec![], vec![vec![1, 2]], vec![vec![1], vec![2]], vec![vec![0; 3]; 3], vec![vec![0; 64]; 64]]
    {
        assert!(matches!(shape(&rows), Some(Error::Operand(OperandError::MatrixShape { .. }))), "{rows:?}");
    }
    assert!(matches!(shape(&[vec![1 << 40]]), Some(Error::ValueOutOfRange { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn polynomials_of_every_degree(seed: u64, sparse in 0usize..3) {
        let world = World::new(insecure(5, Spec::slot_modulus(5, 16).unwrap(), &[50; 7], &[50], 1));
        let mut choices = Choices::new(seed);
        let x = world.random(&mut choices);
        let a = world.encrypt(&world.encoder.encode(&x).unwrap());
        for degree in 1..=15 {
            let mut coefficients: Vec<i64> = (0..=degree)
                .map(|_| if choices.below(3) < sparse { 0 } else { world.centre(choices.word().into()) })
                .collect();
            coefficients[degree] = 1 + choices.below(1000) as i64;
            let value = world.evaluator.evaluate_polynomial(&a, &coefficients).unwrap();
            let expected: Vec<i64> = x
                .iter()
                .map(|&x| {
                    let horner = |sum: i128, &c: &i64| (sum * i128::from(x) + i128::from(c)).rem_euclid(world.t());
                    world.centre(coefficients.iter().rev().fold(0, horner))
                })
                .collect();
            prop_assert_eq!(world.slots(&value), expected, "degree {}: {:?}", degree, coefficients);
            prop_assert!(value.noise_budget() <= world.measured(&value));
        }
        for constant in [&[5][..], &[5, 0, 0], &[-1, world.t() as i64]] {
            let value = world.evaluator.evaluate_polynomial(&a, constant).unwrap();
            prop_assert!(world.slots(&value).iter().all(|&slot| slot == constant[0]));
        }
        let refused = matches!(world.evaluator.evaluate_polynomial(&a, &[]), Err(Error::Operand(OperandError::NoOperands { .. })));
        prop_assert!(refused);
    }
}

/// Squares until the evaluator refuses: every result until then is right, and the refusal comes in time.
#[test]
fn exhausted_noise_is_an_error_and_never_a_wrong_result() {
    for (log_n, t_bits, chain) in [(8, 17, 4), (10, 30, 6), (6, 49, 5), (7, 10, 3)] {
        let t = Spec::slot_modulus(log_n, t_bits).unwrap();
        let world = World::new(insecure(log_n, t, &vec![50; chain], &[50], 1));
        let e = &world.evaluator;
        for switch in [true, false] {
            let mut x = world.random(&mut Choices::new(6));
            let mut a = world.encrypt(&world.encoder.encode(&x).unwrap());
            let mut products = 0;
            let error = loop {
                let next =
                    if switch { e.square(&a) } else { e.mul_lazy(&a, &a).and_then(|c| e.relinearize(&c)) };
                match next {
                    Ok(next) => a = next,
                    Err(error) => break error,
                }
                x.iter_mut().for_each(|x| *x = world.centre(i128::from(*x).pow(2)));
                assert_eq!(world.slots(&a), x, "after {products} products");
                assert!(a.noise_budget() >= 0.0 && a.noise_budget() <= world.measured(&a));
                products += 1;
                assert!(products < 64);
            };
            assert!(matches!(error, Error::NoiseExhausted { excess, .. } if excess > 0.0), "{error}");
            assert!(products >= 1);
        }
        // Sums and constants run out too.
        let mut a = e.mod_switch_to(&world.encrypt(&world.encoder.encode(&[1]).unwrap()), 0).ok();
        let mut value = 1i128;
        while let Some(c) = a.take() {
            assert_eq!(world.slots(&c)[0], world.centre(value));
            value *= 1 + (1 << (t_bits - 2));
            value %= world.t();
            match e.mul_const(&c, 1 + (1 << (t_bits - 2))) {
                Ok(next) => a = Some(next),
                Err(error) => assert!(matches!(error, Error::NoiseExhausted { .. })),
            }
        }
    }
}

/// The rehearsal takes the same levels and factors, and refuses at the same place.
#[test]
fn rehearsals_run_as_the_real_circuit() {
    let real = World::new(insecure(8, Spec::slot_modulus(8, 20).unwrap(), &[50; 5], &[50], 1));
    let tiny = real.params.insecure_rehearsal().unwrap();
    assert_eq!((tiny.n(), tiny.max_level()), (16, 4));
    let key = he_bgv::SecretKey::generate(&tiny).unwrap();
    let request = KeyRequest::default().relinearization(4);
    let rehearsal = Evaluator::new(&tiny, key.evaluation_keys(&request).unwrap()).unwrap();
    let zero = he_bgv::Encoder::new(&tiny).modular().encode_coefficients(&[]).unwrap();
    let mut a = real.encrypt(&real.encoder.encode(&[3; 256]).unwrap());
    let mut b = Encryptor::with_secret(&key).encrypt(&zero).unwrap();
    let step = |e: &Evaluator, c: &Ciphertext| e.square(c);
    loop {
        assert_eq!(
            (a.level(), a.correction_factor(), a.noise()),
            (b.level(), b.correction_factor(), b.noise())
        );
        match (step(&real.evaluator, &a), step(&rehearsal, &b)) {
            (Ok(x), Ok(y)) => (a, b) = (x, y),
            (Err(Error::NoiseExhausted { excess, .. }), Err(Error::NoiseExhausted { excess: other, .. })) => {
                assert_eq!(excess, other);
                break;
            }
            _ => panic!("the rehearsal went another way"),
        }
    }
}
