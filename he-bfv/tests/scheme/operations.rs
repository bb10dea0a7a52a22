//! Every operation is that of BGV, at the top.

use he_bfv::{Ciphertext, PreparedPlaintext};
use he_core::circuits::evaluate_polynomial;

use crate::oracle::Oracle;
use crate::world::{Choices, World, insecure, words};

fn world() -> World {
    World::new(&insecure(4, 1_048_193, &[47, 41, 41], &[50], 1))
}

/// Word for word, with correction factor and noise.
fn same(ours: &Ciphertext, below: &he_bgv::Ciphertext) {
    assert_eq!(words(ours.to_bgv().inner()), words(below.inner()));
    assert_eq!((ours.noise(), ours.level()), (below.noise(), below.level()));
    assert_eq!(ours.to_bgv().correction_factor(), below.correction_factor());
    assert_eq!(ours.bound(), below.bound());
}

#[test]
fn there_and_back_is_word_for_word() {
    let (world, mut choices) = (world(), Choices(1));
    let fresh = world.encrypt(&world.random(&mut choices));
    let product = world.evaluator.mul_lazy(&fresh, &fresh).unwrap();
    for c in [&fresh, &product, &world.evaluator.mod_switch(&fresh).unwrap()] {
        let again = Ciphertext::from_bgv(&world.params, &c.to_bgv()).unwrap();
        assert_eq!(words(again.inner()), words(c.inner()));
        assert_eq!((again.noise(), again.correction_factor()), (c.noise(), c.correction_factor()));
        assert_ne!(words(c.to_bgv().inner()), words(c.inner()));
    }
}

#[test]
fn sums_and_plain_products_are_those_of_bgv() {
    let (world, mut choices) = (world(), Choices(2));
    let (e, bgv) = (&world.evaluator, world.evaluator.bgv());
    let [p, r] = [(); 2].map(|()| world.random(&mut choices));
    let (a, b) = (world.encrypt(&p), world.encrypt(&r));
    let low = e.mod_switch(&b).unwrap();
    let (a1, b1, low1) = (a.to_bgv(), b.to_bgv(), low.to_bgv());
    for (x, y, x1, y1) in [(&a, &b, &a1, &b1), (&a, &low, &a1, &low1), (&low, &low, &low1, &low1)] {
        same(&e.add(x, y).unwrap(), &bgv.add(x1, y1).unwrap());
        same(&e.sub(x, y).unwrap(), &bgv.sub(x1, y1).unwrap());
        let (terms, terms1) = ([(3, x), (-500, y)], [(3, x1), (-500, y1)]);
        same(&e.linear_combination(&terms).unwrap(), &bgv.linear_combination(&terms1).unwrap());
    }
    same(&e.negate(&a).unwrap(), &bgv.negate(&a1).unwrap());
    same(&e.mul_const(&a, -77).unwrap(), &bgv.mul_const(&a1, -77).unwrap());
    same(&e.add_const(&a, -77).unwrap(), &bgv.add_const(&a1, -77).unwrap());
    same(&e.add_plain(&a, &r).unwrap(), &bgv.add_plain(&a1, &r).unwrap());
    same(&e.mul_plain(&a, &r).unwrap(), &bgv.mul_plain(&a1, &r).unwrap());
    let top = world.params.max_level();
    let [p, r] = [&p, &r].map(|p| PreparedPlaintext::new(&world.params, p, top).unwrap());
    same(
        &e.dot_prepared(&[(&p, &a), (&r, &b)]).unwrap(),
        &bgv.dot_prepared(&[(&p, &a1), (&r, &b1)]).unwrap(),
    );
    let cut = e.mod_switch_to(&b, 1).unwrap();
    let terms = [(&p, &a1), (&r, &cut.to_bgv())];
    same(&e.dot_prepared(&[(&p, &a), (&r, &cut)]).unwrap(), &bgv.dot_prepared(&terms).unwrap());
}

#[test]
fn levels_and_rotations_are_those_of_bgv() {
    let (world, mut choices) = (world(), Choices(3));
    let (e, bgv) = (&world.evaluator, world.evaluator.bgv());
    let a = world.encrypt(&world.random(&mut choices));
    let product = e.mul_lazy(&a, &a).unwrap();
    let (a1, product1) = (a.to_bgv(), product.to_bgv());
    same(&e.relinearize(&product).unwrap(), &bgv.relinearize(&product1).unwrap());
    same(&e.mod_switch(&a).unwrap(), &bgv.mod_switch(&a1).unwrap());
    same(&e.mod_switch_to(&product, 1).unwrap(), &bgv.mod_switch_to(&product1, 1).unwrap());
    same(&e.mod_switch_for_product(&product).unwrap(), &bgv.mod_switch_for_product(&product1).unwrap());
    same(&e.mod_switch_for_decryption(&a, 3.0).unwrap(), &bgv.mod_switch_for_decryption(&a1, 3.0).unwrap());
    same(&e.rotate_rows(&a, 4).unwrap(), &bgv.rotate_rows(&a1, 4).unwrap());
    same(&e.swap_rows(&a).unwrap(), &bgv.swap_rows(&a1).unwrap());
    same(&e.inner_sum(&a, 1, 8).unwrap(), &bgv.inner_sum(&a1, 1, 8).unwrap());
    let elements = [1, 3, 9];
    let many = e.automorphism_many(&a, &elements).unwrap();
    let many1 = bgv.automorphism_many(&a1, &elements).unwrap();
    many.iter().zip(&many1).for_each(|(ours, below)| same(ours, below));
}

#[test]
fn slots_hold_what_the_clear_computation_gives() {
    let world = world();
    let e = &world.evaluator;
    let (x, y) = (world.slots_of(&[1, -2, 3, 400]), world.slots_of(&[5, 6, -7, 8]));
    assert_eq!(world.slots(&e.mul(&x, &y).unwrap())[..4], [5, -12, -21, 3200]);
    assert_eq!(world.slots(&e.square(&e.add(&x, &y).unwrap()).unwrap())[..4], [36, 16, 16, 166_464]);
    assert_eq!(world.slots(&e.rotate_rows(&x, 1).unwrap())[..4], [-2, 3, 400, 0]);
    assert_eq!(world.slots(&e.swap_rows(&x).unwrap())[8..12], [1, -2, 3, 400]);
    assert_eq!(world.slots(&e.inner_sum(&x, 1, 4).unwrap())[0], 402);
    let value = evaluate_polynomial(e, &x, &[1, 5, 1]).unwrap().unwrap();
    assert_eq!(world.slots(&value)[..4], [7, -5, 25, 162_001]);
}

/// Division by primes leaves the factor at the top alone; products and dropped residues do not.
#[test]
fn correction_factors_are_those_at_the_top() {
    let (world, mut choices) = (world(), Choices(4));
    let oracle = Oracle::new(&world.params);
    let p = world.random(&mut choices);
    let a = world.encrypt(&p);
    let switched = world.evaluator.mod_switch(&a).unwrap();
    assert_eq!(a.correction_factor(), switched.correction_factor());
    let product = world.evaluator.mul(&a, &a).unwrap();
    for (c, m) in [(&a, &p), (&switched, &p), (&product, &world.decrypt(&product))] {
        let expected: Vec<u64> =
            m.coefficients().iter().map(|&m| world.params.t().mul(m, c.correction_factor())).collect();
        assert_eq!(oracle.read(world.key.inner(), c.inner()), expected);
    }
}
