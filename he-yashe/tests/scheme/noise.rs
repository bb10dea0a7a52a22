//! Formulas of noise against what the key measures.

use he_core::ring::naive::negacyclic_mul;
use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, SecretKey, Spec,
};

use crate::world::{Choices, World, insecure};

/// Keys that a measured deviation is averaged over.
const KEYS: usize = 8;

/// Three products deep, at each depth of two unrelated operands: formula and measured deviation, and the budget.
fn three_deep(params: &Parameters) {
    let mut squares = [0.0; 4];
    let mut formula = [0.0; 4];
    for seed in 0..KEYS {
        let (world, mut choices) = (World::new(params), Choices(seed as u64));
        let decryptor = Decryptor::new(&world.key);
        let plaintexts: Vec<_> = (0..8).map(|_| world.random(&mut choices)).collect();
        let mut row: Vec<Ciphertext> = plaintexts.iter().map(|p| world.encrypt(p)).collect();
        let mut values: Vec<Vec<u64>> = plaintexts.iter().map(|p| p.coefficients().to_vec()).collect();
        for depth in 0..4 {
            if depth > 0 {
                row = row.chunks(2).map(|pair| world.evaluator.mul(&pair[0], &pair[1]).unwrap()).collect();
                values =
                    values.chunks(2).map(|pair| negacyclic_mul(&pair[0], &pair[1], params.t())).collect();
            }
            for (c, value) in row.iter().zip(&values) {
                assert_eq!(world.decrypt(c).coefficients(), value, "depth {depth}");
                assert!(c.noise_budget() <= decryptor.noise_budget(c).unwrap());
            }
            let measured = decryptor.measured_noise(&row[0]).unwrap();
            formula[depth] = row[0].noise().log2();
            squares[depth] += (2.0 * (measured - formula[depth])).exp2() / KEYS as f64;
        }
    }
    for (depth, square) in squares.iter().enumerate() {
        let ratio = square.sqrt();
        println!(
            "t = {}: depth {depth}, 2^{:.1} by formula, {ratio:.3} of it measured",
            params.t().value(),
            formula[depth]
        );
        assert!((0.75..1.25).contains(&ratio), "t = {}, depth {depth}: {ratio:.3}", params.t().value());
    }
}

#[test]
fn formulas_are_right_to_a_quarter_three_products_deep() {
    three_deep(&insecure(10, 17, &[34; 6], 12));
    three_deep(&insecure(10, 257, &[36; 7], 14));
    three_deep(&insecure(10, 65_537, &[48; 8], 20));
}

/// Powers of one ciphertext are related: the formula for unrelated operands does not hold, but the bound does.
#[test]
fn budgets_of_powers_are_never_above_the_measured_ones() {
    for t in [17, 257, 65_537] {
        let world = World::new(&insecure(9, t, &[48; 8], 20));
        let mut power = world.encrypt(&world.random(&mut Choices(t)));
        for depth in 1..=3 {
            power = world.evaluator.mul(&power, &power).unwrap();
            let measured = Decryptor::new(&world.key).noise_budget(&power).unwrap();
            assert!(power.noise_budget() <= measured, "t = {t}, depth {depth}: measured {measured:.1}");
        }
    }
}

/// How many products of unrelated operands a preset takes before the evaluator refuses, each right.
fn products_of(spec: &Spec, reason: &str) -> usize {
    let params = spec.build_legacy(reason).unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let (public, encoder) = (key.public_key(), Encoder::new(&params).modular());
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&KeyRequest::default().products()).unwrap()).unwrap();
    // Products of constants are constants, in slots and in coefficients.
    let constant =
        |c: i64| Encryptor::new(&public).encrypt(&encoder.encode_coefficients(&[c]).unwrap()).unwrap();
    let (mut row, mut value): (Vec<Ciphertext>, i64) = ((0..16).map(|_| constant(3)).collect(), 3);
    for depth in 0.. {
        let products: Result<Vec<_>, _> =
            row.chunks(2).take(1 << (3 - depth)).map(|pair| evaluator.mul(&pair[0], &pair[1])).collect();
        let Ok(products) = products else { return depth };
        row = products;
        value = value * value % params.t().value() as i64;
        let found = Decryptor::new(&key).decrypt(&row[0]).unwrap();
        assert_eq!(found.coefficients()[..2], [value as u64, 0]);
        println!("{} products: {:.1} bits of budget", depth + 1, row[0].noise_budget());
        if row.len() < 2 {
            return depth + 1;
        }
    }
    0
}

#[test]
fn presets_take_as_many_products_as_they_say() {
    assert_eq!(products_of(&Spec::legacy_n32768(), "a test"), 3);
    assert_eq!(products_of(&Spec::legacy_n65536(), "a test"), 2);
}
