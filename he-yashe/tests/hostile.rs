//! Numbers that nobody should give to public functions: none panics, and none takes more memory than the numbers justify.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../he-switch/tests/hostile/list.rs"]
mod list;
#[path = "../../he-switch/tests/hostile/numbers.rs"]
#[expect(dead_code, reason = "other crates take numbers of more kinds")]
mod numbers;
#[path = "../../he-switch/tests/hostile/run.rs"]
mod run;

use std::sync::LazyLock;

use he_yashe::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Noise, Parameters, Plaintext,
    SecretKey, Spec, security,
};
use numbers::Numbers;
use run::Call;

struct World {
    params: Parameters,
    key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
    plain: Plaintext,
    c: Ciphertext,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let params = spec(5, 193, vec![40; 3], 20).build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let request = KeyRequest::default().products().rotations(&params, &[1, 2, 3]);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encoder = Encoder::new(&params);
    let plain = encoder.encode(&[1, 2, 3]).unwrap();
    let c = Encryptor::new(&key.public_key()).encrypt(&plain).unwrap();
    World { params, key, encoder, evaluator, plain, c }
});

fn spec(log_n: u32, plaintext_modulus: u64, q_bits: Vec<u32>, digit_bits: u32) -> Spec {
    Spec { log_n, plaintext_modulus, q_bits, digit_bits }
}

fn noise(n: &mut Numbers) -> Noise {
    W.c.noise().scale(n.f64())
}

const CALLS: &[Call] = &[
    ("Ciphertext::wire_bytes", |n| {
        let _ = Ciphertext::wire_bytes(&W.params, n.usize());
    }),
    ("Encryptor::encrypt_at", |n| {
        if let Ok(c) = Encryptor::new(&W.key.public_key()).encrypt_at(&W.plain, n.usize()) {
            let _ = Decryptor::new(&W.key).decrypt(&c);
        }
    }),
    ("Evaluator::mul_const", |n| {
        let _ = W.evaluator.mul_const(&W.c, n.i64());
    }),
    ("Evaluator::mod_switch_to", |n| {
        let _ = W.evaluator.mod_switch_to(&W.c, n.usize());
    }),
    ("Evaluator::automorphism", |n| {
        let _ = W.evaluator.automorphism(&W.c, n.usize());
    }),
    ("Evaluator::rotate_rows", |n| {
        let _ = W.evaluator.rotate_rows(&W.c, n.usize());
    }),
    ("KeyRequest::rotations", |n| {
        let request = KeyRequest::default().rotations(&W.params, &n.many(Numbers::usize));
        let _ = W.key.evaluation_keys(&request);
    }),
    ("Noise::scale", |n| {
        let _ = noise(n).add_unrelated(&noise(n)).log2();
    }),
    ("Noise::mul_plain", |n| {
        let _ = noise(n).mul_plain(n.f64()).add_related(&noise(n));
    }),
    ("Noise::after_automorphism", |n| {
        let _ = noise(n).after_automorphism(n.usize());
    }),
    ("NoiseEstimator::log_q", |n| {
        let _ = W.params.noise().log_q(n.usize());
    }),
    ("NoiseEstimator::key_switch", |n| {
        let _ = W.params.noise().key_switch(&noise(n), n.usize());
    }),
    ("NoiseEstimator::drop_last", |n| {
        let _ = W.params.noise().drop_last(&noise(n), n.usize());
    }),
    ("NoiseEstimator::reduce", |n| {
        let _ = W.params.noise().reduce(&noise(n), n.usize(), n.usize());
    }),
    ("NoiseEstimator::budget", |n| {
        let _ = W.params.noise().budget(&noise(n), n.usize());
    }),
    ("NoiseEstimator::best_level", |n| {
        let (a, b) = (noise(n), noise(n));
        let _ = W.params.noise().best_level([(&a, n.usize()), (&b, n.usize())]);
    }),
    ("Encoder::encode", |n| {
        let _ = W.encoder.encode(&n.many(Numbers::i64));
    }),
    ("Encoder::encode_coefficients", |n| {
        let _ = W.encoder.encode_coefficients(&n.many(Numbers::i64));
    }),
    ("Encoder::encode_split", |n| {
        let _ = W.encoder.encode_split(&n.many(Numbers::i64));
    }),
    ("Encoder::decode_joined", |n| {
        let _ = W.encoder.decode_joined(&[W.plain.clone(), W.plain.clone()], n.usize());
    }),
    ("Encoder::with_bound", |n| {
        let encoder = W.encoder.clone().with_bound(n.u64());
        if let Ok(p) = encoder.encode(&n.many(Numbers::i64)) {
            let _ = W.evaluator.add_plain(&W.c, &p);
        }
    }),
    ("security::max_log_ratio", |n| {
        let _ = security::max_log_ratio(n.u32());
        let (log_n, bits) = (n.u32(), n.many(Numbers::u32));
        let _ = spec(log_n, n.u64(), bits, n.u32()).build_insecure("hostile numbers");
        let _ = spec(5, n.u64(), vec![40; 3], n.u32()).build_insecure("hostile numbers");
    }),
    ("security::log_fatigue_point", |n| {
        let _ = security::log_fatigue_point(n.u32());
    }),
];

#[test]
fn every_function_with_numbers_is_called() {
    run::check_list("he-yashe", CALLS);
}

#[test]
fn no_number_panics() {
    LazyLock::force(&W);
    run::call_all("he-yashe", CALLS, 100);
}

#[test]
#[ignore = "10^5 calls"]
fn no_number_panics_in_a_hundred_thousand_calls() {
    LazyLock::force(&W);
    run::call_all("he-yashe", CALLS, 100_000_u64.div_ceil(CALLS.len() as u64));
}
