//! One pass through everything a client and a server do, at the secure presets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters,
    PreparedPlaintext, PublicKey, SecretKey, Spec,
};

/// Values of the whole centred range modulo `t`.
fn values(params: &Parameters, seed: u64) -> Vec<i64> {
    let t = params.t();
    (0..params.n() as u64).map(|i| t.center(t.reduce((i + 1).wrapping_mul(seed)))).collect()
}

struct Bench<'k> {
    params: &'k Parameters,
    encoder: Encoder,
    decryptor: Decryptor<'k>,
}

impl Bench<'_> {
    /// Decrypts, compares with the clear values, and the estimate with the measured noise.
    fn check(&self, what: &str, c: &Ciphertext, expected: impl Fn(usize) -> i128) {
        let t = i128::from(self.params.t().value());
        let slots = self.encoder.decode(&self.decryptor.decrypt(c).unwrap()).unwrap();
        for (i, &slot) in slots.iter().enumerate() {
            assert_eq!((i128::from(slot) - expected(i)).rem_euclid(t), 0, "{what}: slot {i}");
        }
        let measured = self.decryptor.noise_budget(c).unwrap();
        let estimated = c.noise_budget();
        println!("{what:>24}: level {}, budget {estimated:.1}, measured {measured:.1}", c.level());
        assert!(estimated <= measured, "{what}: estimated {estimated:.1}, measured {measured:.1}");
    }
}

fn run(spec: &Spec) {
    let params = spec.build().unwrap();
    let (n, row, top) = (params.n(), params.n() / 2, params.max_level());
    let key = SecretKey::generate(&params).unwrap();
    let public = PublicKey::from_bytes(&params, &key.public_key().unwrap().to_bytes().unwrap()).unwrap();
    let request = KeyRequest::default()
        .relinearization(top)
        .rotations(&params, &[1, 5, 64], top)
        .row_swap(&params, top);
    let keys = key.evaluation_keys(&request).unwrap();
    let keys = EvaluationKeys::from_bytes(&params, &keys.to_bytes().unwrap()).unwrap();
    let evaluator = Evaluator::new(&params, keys).unwrap();
    let bench = Bench { params: &params, encoder: Encoder::new(&params), decryptor: Decryptor::new(&key) };
    let (x, y) = (values(&params, 0x9e37_79b9_7f4a_7c15), values(&params, 0xd1b5_4a32_d192_ed03));
    let (xi, yi) = (|i: usize| i128::from(x[i]), |i: usize| i128::from(y[i]));
    let (px, py) = (bench.encoder.encode(&x).unwrap(), bench.encoder.encode(&y).unwrap());
    let a = Encryptor::with_secret(&key).encrypt(&px).unwrap();
    let b = Encryptor::with_public(&public).encrypt(&py).unwrap();
    bench.check("secret key", &a, xi);
    bench.check("public key", &b, yi);

    let seeded = key.encrypt_seeded(&px, top).unwrap().to_bytes().unwrap();
    let full = b.to_bytes().unwrap();
    assert!(seeded.len() * 2 < full.len() + 1024);
    bench.check("seeded, read", &Ciphertext::from_bytes(&params, &seeded).unwrap(), xi);
    bench.check("full, read", &Ciphertext::from_bytes(&params, &full).unwrap(), yi);

    bench.check("sum", &evaluator.add(&a, &b).unwrap(), |i| xi(i) + yi(i));
    bench.check("difference", &evaluator.sub(&a, &b).unwrap(), |i| xi(i) - yi(i));
    bench.check("negation", &evaluator.negate(&a).unwrap(), |i| -xi(i));
    bench.check("plain sum", &evaluator.add_plain(&a, &py).unwrap(), |i| xi(i) + yi(i));
    bench.check("constant sum", &evaluator.add_const(&a, -7).unwrap(), |i| xi(i) - 7);
    bench.check("constant product", &evaluator.mul_const(&a, -77).unwrap(), |i| -77 * xi(i));

    let product = evaluator.mul_lazy(&a, &b).unwrap();
    bench.check("product", &product, |i| xi(i) * yi(i));
    let ab = evaluator.relinearize(&product).unwrap();
    bench.check("relinearized", &ab, |i| xi(i) * yi(i));
    let read = Ciphertext::from_bytes(&params, &product.to_bytes().unwrap()).unwrap();
    bench.check("degree 2, read", &read, |i| xi(i) * yi(i));
    let turned = |k: usize| move |i: usize| i / row * row + (i + k) % row;
    let (one, five) = (turned(1), turned(5));
    bench.check("rotation", &evaluator.rotate_rows(&b, 5).unwrap(), |i| yi(five(i)));
    bench.check("swap", &evaluator.swap_rows(&b).unwrap(), |i| yi((i + row) % n));
    let g = [1, 5].map(|k| he_bgv::rotation::row_element(&params, k));
    let many = evaluator.automorphism_many(&ab, &[g[0], 1, g[1]]).unwrap();
    bench.check("hoisted 1", &many[0], |i| xi(one(i)) * yi(one(i)));
    bench.check("hoisted 5", &many[2], |i| xi(five(i)) * yi(five(i)));

    let switched = evaluator.mod_switch(&ab).unwrap();
    assert_ne!(switched.correction_factor(), 1);
    bench.check("switched", &switched, |i| xi(i) * yi(i));
    let low = evaluator.mod_switch_for_product(&ab).unwrap();
    bench.check("switched for a product", &low, |i| xi(i) * yi(i));
    let mixed = evaluator.linear_combination(&[(3, &a), (-5, &switched), (2, &b), (1, &low)]).unwrap();
    bench.check("mixed sum", &mixed, |i| 3 * xi(i) - 4 * xi(i) * yi(i) + 2 * yi(i));
    let switched = evaluator.mod_switch(&mixed).unwrap();
    bench.check("switched sum", &switched, |i| 3 * xi(i) - 4 * xi(i) * yi(i) + 2 * yi(i));

    let dot = evaluator.dot_lazy(&[(&a, &b), (&b, &a)]).unwrap();
    bench.check("dot", &evaluator.relinearize(&dot).unwrap(), |i| 2 * xi(i) * yi(i));
    let [p, q] = [&px, &py].map(|p| PreparedPlaintext::new(&params, p, top).unwrap());
    bench.check("plain product", &evaluator.mul_prepared(&b, &p).unwrap(), |i| xi(i) * yi(i));
    let plain = evaluator.dot_prepared(&[(&p, &a), (&q, &b)]).unwrap();
    bench.check("plain dot", &plain, |i| xi(i) * xi(i) + yi(i) * yi(i));
    let shrunk = evaluator.mod_switch_for_decryption(&plain, 4.0).unwrap();
    assert!(shrunk.level() < plain.level());
    bench.check("shrunk", &shrunk, |i| xi(i) * xi(i) + yi(i) * yi(i));
    let read = Ciphertext::from_bytes(&params, &shrunk.to_bytes().unwrap()).unwrap();
    bench.check("shrunk, read", &read, |i| xi(i) * xi(i) + yi(i) * yi(i));
    let deep = evaluator.mul(&low, &a).unwrap();
    bench.check("second product", &deep, |i| xi(i) * yi(i) * xi(i));
}

#[test]
fn everything_at_n8192() {
    run(&Spec::n8192());
}

#[test]
fn everything_at_n16384() {
    run(&Spec::n16384());
}
