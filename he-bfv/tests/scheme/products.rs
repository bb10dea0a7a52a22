//! Products: against the scale-invariant one, and against BGV's.

use he_bfv::{Ciphertext, Parameters, Plaintext, Spec};
use he_core::ring::naive::negacyclic_mul;

use crate::oracle::Oracle;
use crate::world::{Choices, World, insecure, words};

/// Two presets, and four rings that protect nothing: a bit, a small prime, a power of two with digits of two primes, 30 bits.
fn presets() -> [Parameters; 6] {
    [
        insecure(4, 2, &[40; 3], &[41], 1),
        insecure(4, 257, &[45; 3], &[46], 1),
        insecure(5, 1 << 16, &[36; 4], &[40, 41], 2),
        insecure(6, he_bgv::Spec::slot_modulus(6, 30).unwrap(), &[49, 44, 44], &[50], 1),
        Spec::n8192().build().unwrap(),
        Spec::n16384().build().unwrap(),
    ]
}

/// The product of plaintexts: by definition in small rings, slot by slot in large ones.
fn clear_product(world: &World, a: &Plaintext, b: &Plaintext) -> Plaintext {
    let t = world.params.t();
    if world.params.n() <= 64 {
        let product = negacyclic_mul(a.coefficients(), b.coefficients(), t);
        let centred: Vec<i64> = product.iter().map(|&c| t.center(c)).collect();
        return world.encoder.encode_coefficients(&centred).unwrap();
    }
    let [a, b] = [a, b].map(|p| world.encoder.decode(p).unwrap());
    let product = a.iter().zip(&b).map(|(&x, &y)| t.center(t.mul(t.reduce_i64(x), t.reduce_i64(y))));
    world.encoder.encode(&product.collect::<Vec<_>>()).unwrap()
}

/// The message of a product as it stands at the top: times a correction factor.
fn times(world: &World, plaintext: &Plaintext, factor: u64) -> Vec<u64> {
    plaintext.coefficients().iter().map(|&c| world.params.t().mul(c, factor)).collect()
}

/// `count` products of fresh ciphertexts; every other product is of degree 2.
fn against_the_oracle(params: &Parameters, count: u64) {
    let (world, oracle) = (World::new(params), Oracle::new(params));
    let (key, t, mut choices) = (world.key.inner(), params.t(), Choices(params.t().value()));
    // The largest of a few coefficients is itself random by some bits.
    let slack = if params.n() <= 64 { 4.0 } else { 2.0 };
    for i in 0..count {
        let [p, r] = [(); 2].map(|()| world.random(&mut choices));
        let [a, b] = [&p, &r].map(|plaintext| world.encrypt(plaintext));
        let expected = clear_product(&world, &p, &r);
        let product = match i % 2 {
            0 => world.evaluator.mul(&a, &b).unwrap(),
            _ => world.evaluator.mul_lazy(&a, &b).unwrap(),
        };
        assert!(world.decrypt(&product) == expected, "product {i}");
        // Ours, read by the definition of the scheme.
        let read = oracle.read(key, product.inner());
        assert_eq!(read, times(&world, &expected, product.correction_factor()));
        // The oracle's, whose correction factor is the product of both.
        let reference = oracle.product(a.inner(), b.inner());
        let factor = t.mul(a.correction_factor(), b.correction_factor());
        assert_eq!(oracle.read(key, &reference), times(&world, &expected, factor));
        // At the level of the product; a lower one, as `mul` takes, serves the next product and not the budget.
        let lazy = world.evaluator.mul_lazy(&a, &b).unwrap();
        let (ours, theirs) = (world.measured(&lazy), oracle.budget(key, &reference));
        assert!(ours >= theirs - slack, "product {i}: {ours:.1} bits left, {theirs:.1} of the oracle");
    }
}

#[test]
fn products_agree_with_the_scale_invariant_product() {
    for (params, count) in presets().iter().zip([100, 100, 100, 100, 2, 2]) {
        against_the_oracle(params, count);
    }
}

#[test]
#[ignore = "10^4 random products over six presets against the scale-invariant product"]
fn ten_thousand_products_agree_with_the_scale_invariant_product() {
    for (params, count) in presets().iter().zip([2_400, 2_400, 2_400, 2_400, 200, 200]) {
        against_the_oracle(params, count);
    }
}

/// Six products in a row: word for word the multiples of BGV's, and with keys of their own within a bit of its budget.
#[test]
fn six_products_in_a_row_are_those_of_bgv() {
    let params = Spec::n16384().build().unwrap();
    let (world, mut choices) = (World::new(&params), Choices(6));
    let bgv = world.evaluator.bgv();
    let other_key = he_bgv::SecretKey::generate(&params).unwrap();
    let request = he_bgv::KeyRequest::default().relinearization(params.max_level());
    let other = he_bgv::Evaluator::new(&params, other_key.evaluation_keys(&request).unwrap()).unwrap();
    let others = |p: &Plaintext| he_bgv::Encryptor::with_secret(&other_key).encrypt(p).unwrap();
    let mut expected = world.random(&mut choices);
    let mut product = world.encrypt(&expected);
    let (mut below, mut apart) = (product.to_bgv(), others(&expected));
    for depth in 1..=6 {
        let p = world.random(&mut choices);
        let fresh = world.encrypt(&p);
        expected = clear_product(&world, &expected, &p);
        below = bgv.mul(&below, &fresh.to_bgv()).unwrap();
        apart = other.mul(&apart, &others(&p)).unwrap();
        product = world.evaluator.mul(&product, &fresh).unwrap();
        assert!(world.decrypt(&product) == expected, "depth {depth}");
        assert_eq!(words(product.to_bgv().inner()), words(below.inner()), "depth {depth}");
        assert_eq!(product.noise(), below.noise());
        assert_eq!(product.noise_budget(), apart.noise_budget());
        let theirs = he_bgv::Decryptor::new(&other_key).noise_budget(&apart).unwrap();
        let ours = world.measured(&product);
        assert!((ours - theirs).abs() < 1.0, "depth {depth}: {ours:.1} bits, {theirs:.1} of BGV");
    }
}

/// Both ways through the evaluator, that at the top and that below, end in the same words.
#[test]
fn sums_of_products_are_those_of_bgv_at_every_level() {
    for params in &presets()[..4] {
        let (world, mut choices) = (World::new(params), Choices(3));
        let e = &world.evaluator;
        let fresh: Vec<Ciphertext> = (0..4).map(|_| world.encrypt(&world.random(&mut choices))).collect();
        let noisy: Vec<Ciphertext> =
            fresh.iter().map(|c| e.relinearize(&e.mul_lazy(c, c).unwrap()).unwrap()).collect();
        for all in [&fresh, &noisy] {
            let pairs = [(&all[0], &all[1]), (&all[2], &all[3])];
            let below: Vec<_> = pairs.iter().map(|(a, b)| (a.to_bgv(), b.to_bgv())).collect();
            let below: Vec<_> = below.iter().map(|(a, b)| (a, b)).collect();
            let Ok(expected) = e.bgv().dot_lazy(&below) else { continue };
            let found = e.dot_lazy(&pairs).unwrap();
            assert_eq!(words(found.to_bgv().inner()), words(expected.inner()));
            let found = e.dot(&pairs).unwrap();
            assert_eq!(words(found.to_bgv().inner()), words(e.bgv().dot(&below).unwrap().inner()));
        }
    }
}
