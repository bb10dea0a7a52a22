//! One pass through everything a client and a server do, at the secure presets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Encryptor, EvaluationKeys, Evaluator, KeyRequest, Parameters, Plaintext,
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

/// Two messages, encrypted, and what computes on them.
struct Pass<'k> {
    bench: Bench<'k>,
    evaluator: Evaluator,
    clear: [Vec<i64>; 2],
    plain: [Plaintext; 2],
    a: Ciphertext,
    b: Ciphertext,
}

impl Pass<'_> {
    /// Sums and constants.
    fn sums(&self) {
        let (a, b) = (&self.a, &self.b);
        let [xi, yi] = [0, 1].map(|k| move |i: usize| i128::from(self.clear[k][i]));
        self.bench.check("sum", &self.evaluator.add(a, b).unwrap(), |i| xi(i) + yi(i));
        self.bench.check("difference", &self.evaluator.sub(a, b).unwrap(), |i| xi(i) - yi(i));
        self.bench.check("negation", &self.evaluator.negate(a).unwrap(), |i| -xi(i));
        self.bench
            .check("plain sum", &self.evaluator.add_plain(a, &self.plain[1]).unwrap(), |i| xi(i) + yi(i));
        self.bench.check("constant sum", &self.evaluator.add_const(a, -7).unwrap(), |i| xi(i) - 7);
        self.bench.check("constant product", &self.evaluator.mul_const(a, -77).unwrap(), |i| -77 * xi(i));
    }

    /// Products and rotations; the product of both.
    fn products(&self) -> Ciphertext {
        let (a, b) = (&self.a, &self.b);
        let [xi, yi] = [0, 1].map(|k| move |i: usize| i128::from(self.clear[k][i]));
        let (n, row) = (self.bench.params.n(), self.bench.params.n() / 2);
        let product = self.evaluator.mul_lazy(a, b).unwrap();
        self.bench.check("product", &product, |i| xi(i) * yi(i));
        let ab = self.evaluator.relinearize(&product).unwrap();
        self.bench.check("relinearized", &ab, |i| xi(i) * yi(i));
        let read = Ciphertext::from_bytes(self.bench.params, &product.to_bytes().unwrap()).unwrap();
        self.bench.check("degree 2, read", &read, |i| xi(i) * yi(i));
        let turned = |k: usize| move |i: usize| i / row * row + (i + k) % row;
        let (one, five) = (turned(1), turned(5));
        self.bench.check("rotation", &self.evaluator.rotate_rows(b, 5).unwrap(), |i| yi(five(i)));
        self.bench.check("swap", &self.evaluator.swap_rows(b).unwrap(), |i| yi((i + row) % n));
        let g = [1, 5].map(|k| he_bgv::rotation::row_element(self.bench.params, k));
        let many = self.evaluator.automorphism_many(&ab, &[g[0], 1, g[1]]).unwrap();
        self.bench.check("hoisted 1", &many[0], |i| xi(one(i)) * yi(one(i)));
        self.bench.check("hoisted 5", &many[2], |i| xi(five(i)) * yi(five(i)));
        ab
    }

    /// Levels, sums across them, and a product of the product.
    fn levels(&self, ab: &Ciphertext) {
        let (a, b) = (&self.a, &self.b);
        let [xi, yi] = [0, 1].map(|k| move |i: usize| i128::from(self.clear[k][i]));
        let switched = self.evaluator.mod_switch(ab).unwrap();
        assert_ne!(switched.correction_factor(), 1);
        self.bench.check("switched", &switched, |i| xi(i) * yi(i));
        let low = self.evaluator.mod_switch_for_product(ab).unwrap();
        self.bench.check("switched for a product", &low, |i| xi(i) * yi(i));
        let mixed = self.evaluator.linear_combination(&[(3, a), (-5, &switched), (2, b), (1, &low)]).unwrap();
        self.bench.check("mixed sum", &mixed, |i| 3 * xi(i) - 4 * xi(i) * yi(i) + 2 * yi(i));
        let switched = self.evaluator.mod_switch(&mixed).unwrap();
        self.bench.check("switched sum", &switched, |i| 3 * xi(i) - 4 * xi(i) * yi(i) + 2 * yi(i));

        let deep = self.evaluator.mul(&low, a).unwrap();
        self.bench.check("second product", &deep, |i| xi(i) * yi(i) * xi(i));
    }

    /// Sums of products, with ciphertexts and with plaintexts.
    fn dots(&self) {
        let (a, b) = (&self.a, &self.b);
        let [xi, yi] = [0, 1].map(|k| move |i: usize| i128::from(self.clear[k][i]));
        let top = self.bench.params.max_level();
        let dot = self.evaluator.dot_lazy(&[(a, b), (b, a)]).unwrap();
        self.bench.check("dot", &self.evaluator.relinearize(&dot).unwrap(), |i| 2 * xi(i) * yi(i));
        let [p, q] = [&self.plain[0], &self.plain[1]]
            .map(|p| PreparedPlaintext::new(self.bench.params, p, top).unwrap());
        self.bench.check("plain product", &self.evaluator.mul_prepared(b, &p).unwrap(), |i| xi(i) * yi(i));
        let plain = self.evaluator.dot_prepared(&[(&p, a), (&q, b)]).unwrap();
        self.bench.check("plain dot", &plain, |i| xi(i) * xi(i) + yi(i) * yi(i));
        let shrunk = self.evaluator.mod_switch_for_decryption(&plain, 4.0).unwrap();
        assert!(shrunk.level() < plain.level());
        self.bench.check("shrunk", &shrunk, |i| xi(i) * xi(i) + yi(i) * yi(i));
        let read = Ciphertext::from_bytes(self.bench.params, &shrunk.to_bytes().unwrap()).unwrap();
        self.bench.check("shrunk, read", &read, |i| xi(i) * xi(i) + yi(i) * yi(i));
    }
}

fn run(spec: &Spec) {
    let params = spec.build().unwrap();
    let top = params.max_level();
    let key = SecretKey::generate(&params).unwrap();
    let public = PublicKey::from_bytes(&params, &key.public_key().unwrap().to_bytes().unwrap()).unwrap();
    let request = KeyRequest::default()
        .relinearization(top)
        .rotations(&params, &[1, 5, 64], top)
        .row_swap(&params, top);
    let keys = key.evaluation_keys(&request).unwrap();
    let keys = EvaluationKeys::from_bytes(&params, &keys.to_bytes().unwrap()).unwrap();
    let evaluator = Evaluator::new(&params, keys).unwrap();
    let bench =
        Bench { params: &params, encoder: Encoder::new(&params).modular(), decryptor: Decryptor::new(&key) };
    let (x, y) = (values(&params, 0x9e37_79b9_7f4a_7c15), values(&params, 0xd1b5_4a32_d192_ed03));
    let (px, py) = (bench.encoder.encode(&x).unwrap(), bench.encoder.encode(&y).unwrap());
    let a = Encryptor::with_secret(&key).encrypt(&px).unwrap();
    let b = Encryptor::with_public(&public).encrypt(&py).unwrap();
    bench.check("secret key", &a, |i| x[i].into());
    bench.check("public key", &b, |i| y[i].into());

    let seeded = key.encrypt_seeded(&px, top).unwrap().to_bytes().unwrap();
    let full = b.to_bytes().unwrap();
    assert!(seeded.len() * 2 < full.len() + 1024);
    bench.check("seeded, read", &Ciphertext::from_bytes(&params, &seeded).unwrap(), |i| x[i].into());
    bench.check("full, read", &Ciphertext::from_bytes(&params, &full).unwrap(), |i| y[i].into());

    let pass = Pass { bench, evaluator, clear: [x, y], plain: [px, py], a, b };
    pass.sums();
    pass.levels(&pass.products());
    pass.dots();
}

#[test]
fn everything_at_n8192() {
    run(&Spec::n8192());
}

#[test]
fn everything_at_n16384() {
    run(&Spec::n16384());
}
