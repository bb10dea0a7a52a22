//! Every operation against the same in the clear.

use he_ckks::{Decryptor, Encryptor, Error, Precision, PreparedPlaintext, Spec};
use num_complex::Complex64;

use crate::world::{World, insecure, reals, values, zip};

fn world() -> World {
    World::new(insecure(Spec::n16384(), 10))
}

#[test]
fn values_come_back_in_any_number_of_slots() {
    let world = world();
    for log in 0..=9 {
        let x = values(1 << log, log);
        world.check("secret", &world.encrypt(&x), &x, 4.0);
        let plaintext = world.encoder.encode_complex_in(&x, x.len()).unwrap();
        for level in [0, 2, 7] {
            let c = Encryptor::with_public(&world.public).encrypt_at(&plaintext, level).unwrap();
            assert_eq!((c.level(), c.inner().limbs()), (level, level + 1));
            world.check("public", &c, &x, 4.0);
        }
    }
    // Missing values are 0, real ones have no imaginary part.
    let plaintext = world.encoder.encode(&[0.5, -0.75]).unwrap();
    let found = Decryptor::new(&world.key)
        .decrypt(&Encryptor::with_secret(&world.key).encrypt(&plaintext).unwrap())
        .unwrap();
    assert_eq!(found.len(), 512);
    assert!(found.iter().zip([0.5, -0.75, 0.0]).all(|(a, b)| (a - b).abs() < 1e-7));
}

#[test]
fn few_slots_are_the_values_repeated() {
    let world = world();
    let (few, all) = (values(8, 1), values(512, 2));
    let [a, b] = [&few, &all].map(|x| world.encrypt(x));
    let repeated: Vec<Complex64> = few.iter().copied().cycle().take(512).collect();
    world.check("sum", &world.evaluator.add(&a, &b).unwrap(), &zip(&repeated, &all, |x, y| x + y), 2.0);
    world.check("product", &world.evaluator.mul(&a, &b).unwrap(), &zip(&repeated, &all, |x, y| x * y), 3.0);
    let mut turned = few.clone();
    turned.rotate_left(1);
    world.check("rotation", &world.evaluator.rotate(&a, 1).unwrap(), &turned, 4.0);
}

#[test]
fn sums_and_products_are_those_of_the_values() {
    let (world, n) = (world(), 512);
    let e = &world.evaluator;
    let [x, y] = [1, 2].map(|seed| values(n, seed));
    let [a, b] = [&x, &y].map(|v| world.encrypt(v));
    let p = world.encoder.encode_complex(&y).unwrap();
    let c = Complex64::new(0.3, -0.7);
    let each = |f: &dyn Fn(Complex64) -> Complex64| x.iter().map(|&z| f(z)).collect::<Vec<_>>();
    world.check("a + b", &e.add(&a, &b).unwrap(), &zip(&x, &y, |x, y| x + y), 1.0);
    world.check("a − b", &e.sub(&a, &b).unwrap(), &zip(&x, &y, |x, y| x - y), 1.0);
    world.check("−a", &e.negate(&a).unwrap(), &each(&|x| -x), 0.5);
    world.check("i·a", &e.mul_i(&a).unwrap(), &each(&|x| x * Complex64::i()), 0.5);
    world.check("a + p", &e.add_plain(&a, &p).unwrap(), &zip(&x, &y, |x, y| x + y), 1.0);
    world.check("a + c", &e.add_complex(&a, c).unwrap(), &each(&|x| x + c), 1.0);
    world.check("a + 2", &e.add_const(&a, 2.0).unwrap(), &each(&|x| x + 2.0), 1.0);
    world.check("−3·a", &e.mul_integer(&a, -3).unwrap(), &each(&|x| x * -3.0), 0.5);
    world.check("0.4·a", &e.mul_const(&a, 0.4).unwrap(), &each(&|x| x * 0.4), 1.0);
    world.check("c·a", &e.mul_complex(&a, c).unwrap(), &each(&|x| x * c), 1.0);
    world.check("p·a", &e.mul_plain(&a, &p).unwrap(), &zip(&x, &y, |x, y| x * y), 1.5);
    world.check("a·b", &e.mul(&a, &b).unwrap(), &zip(&x, &y, |x, y| x * y), 2.0);
    world.check("a²", &e.square(&a).unwrap(), &each(&|x| x * x), 2.0);
    world.check("conjugate", &e.conjugate(&a).unwrap(), &each(&|x| x.conj()), 0.5);
    for (k, turned) in [0, 1, 3, 511].into_iter().zip([0, 1, 3, 511].map(|k| [&x[k..], &x[..k]].concat())) {
        // Only powers of two have keys.
        match e.rotate(&a, k) {
            Ok(c) => world.check("rotation", &c, &turned, 0.5),
            Err(error) => assert!(k == 3 || k == 511, "{error}"),
        }
    }
    let hoisted = e.rotate_many(&a, &[0, 1, 2, 64]).unwrap();
    for (c, k) in hoisted.iter().zip([0, 1, 2, 64]) {
        world.check("hoisted", c, &[&x[k..], &x[..k]].concat(), 0.5);
        if k > 0 {
            let alone = e.rotate(&a, k).unwrap();
            assert!(c.inner().parts().iter().zip(alone.inner().parts()).all(|(a, b)| a.words() == b.words()));
        }
    }
    let sum = |j: usize| (0..8).map(|i| x[(j + 2 * i) % n]).sum::<Complex64>();
    world.check("inner sum", &e.inner_sum(&a, 2, 8).unwrap(), &(0..n).map(sum).collect::<Vec<_>>(), 3.0);
}

#[test]
fn levels_and_scales_meet_by_themselves() {
    let (world, n) = (world(), 512);
    let e = &world.evaluator;
    let [x, y] = [3, 4].map(|seed| values(n, seed));
    let [a, b] = [&x, &y].map(|v| world.encrypt(v));
    // x⁴ three levels apart from y, in every combination.
    let (square, x2) = (e.square(&a).unwrap(), zip(&x, &x, |x, y| x * y));
    let (fourth, x4) = (e.square(&square).unwrap(), zip(&x2, &x2, |x, y| x * y));
    assert_eq!([&a, &square, &fourth].map(he_ckks::Ciphertext::level), [7, 6, 5]);
    world.check("x⁴ + y", &e.add(&fourth, &b).unwrap(), &zip(&x4, &y, |x, y| x + y), 2.0);
    world.check("y − x⁴", &e.sub(&b, &fourth).unwrap(), &zip(&y, &x4, |x, y| x - y), 2.0);
    world.check("y·x⁴", &e.mul(&b, &fourth).unwrap(), &zip(&y, &x4, |x, y| x * y), 3.0);
    for level in 0..7 {
        let reduced = e.mod_switch_to(&a, level).unwrap();
        assert_eq!((reduced.level(), reduced.scale()), (level, world.params.scale(level)));
        world.check("reduced", &reduced, &x, 1.0);
    }
    // By hand: products summed before one relinearization and one rescaling, and what follows settles them.
    let lazy = e.add(&e.mul_lazy(&a, &b).unwrap(), &e.mul_lazy(&a, &a).unwrap()).unwrap();
    let expected = zip(&x, &y, |x, y| x * y + x * x);
    assert_eq!((lazy.degree(), lazy.level()), (2, 7));
    world.check("lazy, rescaled", &e.relinearize_and_rescale(&lazy).unwrap(), &expected, 2.0);
    let apart = e.rescale(&e.relinearize(&lazy).unwrap()).unwrap();
    world.check("lazy, one by one", &apart, &expected, 2.0);
    world.check("settled", &e.add(&lazy, &b).unwrap(), &zip(&expected, &y, |x, y| x + y), 2.0);
    world.check(
        "settled",
        &e.add_plain(&lazy, &world.encoder.encode_complex(&y).unwrap()).unwrap(),
        &zip(&expected, &y, |x, y| x + y),
        2.0,
    );
    world.check("dot", &e.dot(&[(&a, &b), (&a, &a)]).unwrap(), &expected, 2.0);
    world.check("rescaled before relinearized", &e.rescale(&lazy).unwrap(), &expected, 2.5);
    // Constants of several operands in one level.
    let [u, v] = [Complex64::new(0.2, 0.1), Complex64::new(-1.5, 0.0)];
    let sum = e.linear_combination(&[(u, &a), (v, &fourth)], Complex64::i()).unwrap();
    assert_eq!(sum.level(), 4);
    world.check("combination", &sum, &zip(&x, &x4, |x, y| u * x + v * y + Complex64::i()), 2.0);
    // Operands of a plain product, prepared once.
    let operand =
        PreparedPlaintext::new(&world.params, &world.encoder.encode_complex(&y).unwrap(), 5).unwrap();
    let sum = e.dot_prepared(&[(&operand, &fourth), (&operand, &a)]).unwrap();
    world.check("plain dot", &sum, &zip(&zip(&x4, &x, |x, y| x + y), &y, |x, y| x * y), 2.0);
}

#[test]
fn large_values_and_unscaled_products_are_decrypted() {
    let world = world();
    let e = &world.evaluator;
    let x: Vec<Complex64> = values(512, 9).iter().map(|z| z * 500_000.0).collect();
    let c = world.encrypt(&x);
    let square = e.mul_lazy(&c, &c).unwrap();
    let x2 = zip(&x, &x, |x, y| x * y);
    world.check("lazy, large", &square, &x2, 3.0);
    let fourth = e.square(&e.relinearize_and_rescale(&square).unwrap()).unwrap();
    world.check("fourth power, large", &fourth, &zip(&x2, &x2, |x, y| x * y), 3.0);
    // Reduced, a product is settled first.
    world.check("reduced product", &e.mod_switch_to(&square, 4).unwrap(), &x2, 3.0);
}

#[test]
fn a_whole_chain_of_products_keeps_its_scale() {
    let world = world();
    let e = &world.evaluator;
    let mut x: Vec<Complex64> = values(512, 5).iter().map(|z| z / z.norm()).collect();
    let mut c = world.encrypt(&x);
    for level in (0..7).rev() {
        c = e.square(&c).unwrap();
        x = zip(&x, &x, |x, y| x * y);
        assert_eq!(c.level(), level);
        world.check("square", &c, &x, 1.5);
    }
}

#[test]
fn noise_hides_the_error_of_what_is_shared() {
    let world = world();
    let x = reals(512, 6);
    let c = world.encrypt(&x);
    let decryptor = Decryptor::new(&world.key);
    // On every coefficient 2^b times the norm of the error over all 1024.
    let spread = |c: &he_ckks::Ciphertext, x: &[Complex64], bits: u32| {
        let found = decryptor.decrypt_shared(c, bits).unwrap();
        assert_ne!(found, decryptor.decrypt_shared(c, bits).unwrap());
        let expected = c.estimate().bits() - f64::from(bits) - 0.5 * (2.0 * c.slots() as f64).log2();
        let precision = Precision::of(&found, x).rms;
        assert!((precision - expected).abs() < 0.3, "{bits} bits: {precision}, expected {expected}");
    };
    for bits in [4, 10, 15] {
        spread(&c, &x, bits);
        spread(&world.encrypt(&x[..64]), &x[..64], bits);
    }
    // A ciphertext that claims too little.
    let raised = c.clone().with_error_at_least(c.estimate().error * 16.0).unwrap();
    assert_eq!(raised.estimate().error, c.estimate().error * 16.0);
    spread(&raised, &x, 6);
    assert_eq!(raised.with_error_at_least(0.0).unwrap().estimate().error, c.estimate().error * 16.0);
    assert!(c.clone().with_error_at_least(f64::NAN).is_err());
    let lowered = c.clone().with_error_at_most(c.estimate().error / 4.0).unwrap();
    assert_eq!(lowered.estimate().error, c.estimate().error / 4.0);
    assert_eq!(lowered.with_error_at_most(1e9).unwrap().estimate().error, c.estimate().error / 4.0);
    assert!([f64::NAN, -1.0, f64::INFINITY].iter().all(|e| c.clone().with_error_at_most(*e).is_err()));
    // Wider than one sampler draws, on a product that keeps its scale.
    let product = world.evaluator.relinearize(&world.evaluator.mul_lazy(&c, &c).unwrap()).unwrap();
    let squares: Vec<Complex64> = x.iter().map(|x| x * x).collect();
    assert!(product.scale().log2() > 79.0);
    let found = decryptor.decrypt_shared(&product, 12).unwrap();
    let expected = product.estimate().bits() - 12.0 - 5.0;
    assert!((Precision::of(&found, &squares).rms - expected).abs() < 1.5);
    let error = decryptor.decrypt_shared(&c, 38).unwrap_err();
    assert!(matches!(error, Error::Drowned { operation: "shared decryption", .. }), "{error}");
    assert!(error.to_string().contains("larger scale"), "{error}");
    // No room in the modulus: a bound of 126 where 128 fits, and noise of a few units.
    let wide = world.encoder.clone().with_bound(126.0).encode_in(&[1.0], 1).unwrap();
    let low = Encryptor::with_secret(&world.key).encrypt_at(&wide, 0).unwrap();
    let error = decryptor.decrypt_shared(&low, 36).unwrap_err();
    assert!(matches!(error, Error::Overflow { operation: "shared decryption", .. }), "{error}");
}
