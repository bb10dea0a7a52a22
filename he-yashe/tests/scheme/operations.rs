//! Every operation against the computation in the clear.

use he_yashe::{Decryptor, Encryptor};

use crate::world::{Choices, World, insecure};

fn world() -> World {
    // 97 is 1 modulo 32.
    World::new(&insecure(4, 97, &[40; 4], 11))
}

#[test]
fn slots_hold_what_the_clear_computation_gives() {
    let world = world();
    let (e, encoder) = (&world.evaluator, &world.encoder);
    let (x, y) = (world.slots_of(&[1, -2, 3, 40]), world.slots_of(&[5, 6, -7, 2]));
    let p = encoder.encode(&[2, 3, 4, 5]).unwrap();
    assert_eq!(world.slots(&e.add(&x, &y).unwrap())[..4], [6, 4, -4, 42]);
    assert_eq!(world.slots(&e.sub(&x, &y).unwrap())[..4], [-4, -8, 10, 38]);
    assert_eq!(world.slots(&e.negate(&x).unwrap())[..4], [-1, 2, -3, -40]);
    assert_eq!(world.slots(&e.mul_const(&x, -2).unwrap())[..4], [-2, 4, -6, 17]);
    assert_eq!(world.slots(&e.add_plain(&x, &p).unwrap())[..4], [3, 1, 7, 45]);
    assert_eq!(world.slots(&e.mul_plain(&x, &p).unwrap())[..4], [2, -6, 12, 6]);
    assert_eq!(world.slots(&e.mul(&x, &y).unwrap())[..4], [5, -12, -21, -17]);
    assert_eq!(world.slots(&e.rotate_rows(&x, 1).unwrap())[..4], [-2, 3, 40, 0]);
    assert_eq!(world.slots(&e.rotate_rows(&x, 0).unwrap())[..4], [1, -2, 3, 40]);
    assert_eq!(world.slots(&e.swap_rows(&x).unwrap())[8..12], [1, -2, 3, 40]);
}

#[test]
fn products_may_be_summed_before_they_are_relinearized() {
    let world = world();
    let e = &world.evaluator;
    let (x, y) = (world.slots_of(&[1, -2, 3]), world.slots_of(&[5, 6, -7]));
    let sum = e.add(&e.mul_lazy(&x, &y).unwrap(), &e.mul_lazy(&x, &x).unwrap()).unwrap();
    assert_eq!((sum.degree(), world.slots(&sum)[..3].to_vec()), (2, vec![6, -8, -12]));
    let relinearized = e.relinearize(&sum).unwrap();
    assert_eq!((relinearized.degree(), world.slots(&relinearized)[..3].to_vec()), (1, vec![6, -8, -12]));
}

#[test]
fn levels_meet_and_keep_the_message() {
    let (world, mut choices) = (world(), Choices(5));
    let p = world.random(&mut choices);
    let c = world.encrypt(&p);
    for level in 0..=3 {
        let low = world.evaluator.mod_switch_to(&c, level).unwrap();
        assert!(low.level() == level && world.decrypt(&low) == p);
        let fresh = Encryptor::new(&world.key.public_key()).encrypt_at(&p, level).unwrap();
        let difference = world.evaluator.sub(&fresh, &c).unwrap();
        assert_eq!(difference.level(), level);
        assert!(world.decrypt(&difference).coefficients().iter().all(|&c| c == 0));
    }
}

/// Estimates after every kind of operation, in a ring where the largest of many coefficients is what it should be.
#[test]
fn estimated_budgets_are_never_above_the_measured_ones() {
    let (world, mut choices) = (World::new(&insecure(9, 12_289, &[45; 5], 15)), Choices(9));
    let (e, decryptor) = (&world.evaluator, Decryptor::new(&world.key));
    let [p, r] = [(); 2].map(|()| world.random(&mut choices));
    let (a, b) = (world.encrypt(&p), world.encrypt(&r));
    let product = e.mul(&a, &b).unwrap();
    let swapped = e.swap_rows(&a).unwrap();
    let all = [
        e.add(&a, &a).unwrap(),
        e.add(&product, &product).unwrap(),
        e.add_plain(&a, &p).unwrap(),
        e.mul_const(&a, 6000).unwrap(),
        e.mul_plain(&a, &r).unwrap(),
        e.mul_plain(&a, &world.encoder.encode_coefficients(&[6000; 512]).unwrap()).unwrap(),
        e.mul_lazy(&a, &b).unwrap(),
        e.rotate_rows(&product, 4).unwrap(),
        e.mul(&a, &swapped).unwrap(),
        e.mod_switch_to(&product, 1).unwrap(),
        swapped,
        product,
    ];
    for (i, c) in all.iter().enumerate() {
        let (estimated, measured) = (c.noise_budget(), decryptor.noise_budget(c).unwrap());
        assert!(estimated <= measured, "operation {i}: estimated {estimated:.1}, measured {measured:.1}");
    }
}
