//! What the tests share: keys, and values in the clear.

use he_ckks::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Precision, PublicKey,
    SecretKey, Spec,
};
use num_complex::Complex64;

/// Complex numbers in the unit disc, from a seed.
pub(crate) fn values(n: usize, seed: u64) -> Vec<Complex64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| Complex64::new(next(), next()) * std::f64::consts::FRAC_1_SQRT_2).collect()
}

/// Real numbers between −1 and 1, from a seed.
pub(crate) fn reals(n: usize, seed: u64) -> Vec<Complex64> {
    values(n, seed).iter().map(|z| Complex64::new(z.re * std::f64::consts::SQRT_2, 0.0)).collect()
}

/// A preset in a ring without security.
pub(crate) fn insecure(spec: Spec, log_n: u32) -> Parameters {
    Spec { log_n, ..spec }.build_insecure("a test").unwrap()
}

/// Everything a client and a server have.
pub(crate) struct World {
    pub(crate) params: Parameters,
    pub(crate) key: SecretKey,
    pub(crate) public: PublicKey,
    pub(crate) evaluator: Evaluator,
    pub(crate) encoder: Encoder,
}

impl World {
    /// Keys for products, rotations by powers of two, and conjugation.
    pub(crate) fn new(params: Parameters) -> Self {
        let key = SecretKey::generate(&params).unwrap();
        let top = params.max_level();
        let steps: Vec<usize> = (0..params.slots().trailing_zeros()).map(|i| 1 << i).collect();
        let request = KeyRequest::default().relinearization(top).rotations(&params, &steps, top);
        let keys = key.evaluation_keys(&request.conjugation(&params, top)).unwrap();
        Self {
            public: key.public_key().unwrap(),
            evaluator: Evaluator::new(&params, keys).unwrap(),
            encoder: Encoder::new(&params),
            params,
            key,
        }
    }

    /// Encrypted under the secret key, in as many slots as there are values, and with the bound that they have.
    pub(crate) fn encrypt(&self, values: &[Complex64]) -> Ciphertext {
        let encoder = self.encoder.clone().with_bound(1e9);
        let plaintext = encoder.encode_complex_in(values, values.len()).unwrap().with_own_bound();
        Encryptor::with_secret(&self.key).encrypt(&plaintext).unwrap()
    }

    pub(crate) fn decrypt(&self, c: &Ciphertext) -> Vec<Complex64> {
        Decryptor::new(&self.key).decrypt_complex(c).unwrap()
    }

    /// That a ciphertext holds the values; that its error is at most what it claims, and at most `slack` bits less, where few
    /// slots leave more to chance; and that it has the scale of its level and values within its bound.
    pub(crate) fn check(&self, what: &str, c: &Ciphertext, expected: &[Complex64], slack: f64) {
        let found = self.decrypt(c);
        assert_eq!(found.len(), expected.len(), "{what}");
        let (precision, estimate) = (Precision::of(&found, expected), c.estimate());
        let (measured, claimed) = (precision.rms, estimate.bits());
        println!("{what:>30}: {measured:.2} bits, estimated {claimed:.2}, level {}", c.level());
        let chance = 1.0 / (found.len() as f64).sqrt();
        let [least, most] = [claimed - 0.2 - 2.0 * chance, claimed + slack + 4.0 * chance];
        assert!(measured > least, "{what}: {measured:.2} bits, estimated {claimed:.2}");
        // Of one or two errors either may be next to nothing.
        assert!(measured < most || found.len() < 8, "{what}: {measured:.2} bits, estimated {claimed:.2}");
        assert!(
            expected.iter().all(|z| z.norm() <= estimate.bound * (1.0 + 1e-9)),
            "{what}: bound {}",
            estimate.bound
        );
        if c.degree() == 1 {
            assert!(
                (c.scale() / self.params.scale(c.level()) - 1.0).abs() < 1e-12,
                "{what}: scale of its level"
            );
        }
    }
}

/// `f` of each pair.
pub(crate) fn zip(
    a: &[Complex64],
    b: &[Complex64],
    f: impl Fn(Complex64, Complex64) -> Complex64,
) -> Vec<Complex64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}
