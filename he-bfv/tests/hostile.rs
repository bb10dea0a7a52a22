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

use he_bfv::{Ciphertext, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Plaintext, SecretKey, Spec};
use numbers::Numbers;
use run::Call;

struct World {
    params: Parameters,
    key: SecretKey,
    evaluator: Evaluator,
    plain: Plaintext,
    c: Ciphertext,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let (q_bits, p_bits) = (vec![30; 4], vec![40]);
    let spec = he_bgv::Spec { log_n: 5, plaintext_modulus: 193, q_bits, p_bits, digit: 1 };
    let params = Spec(spec).build_insecure("hostile numbers").unwrap();
    let (key, level) = (SecretKey::generate(&params).unwrap(), params.max_level());
    let request = KeyRequest::default().relinearization(level).rotations(&params, &[1, 2, 3], level);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let plain = Encoder::new(&params).encode(&[1, 2, 3]).unwrap();
    let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
    World { params, key, evaluator, plain, c }
});

fn keys(request: &KeyRequest) {
    let _ = W.key.evaluation_keys(request);
    let _ = request.sealed_bytes(&W.params);
}

const CALLS: &[Call] = &[
    ("SecretKey::encrypt_seeded", |n| {
        let _ = W.key.encrypt_seeded(&W.plain, n.usize());
        let _ = Encryptor::with_secret(&W.key).encrypt_at(&W.plain, n.usize());
    }),
    ("Evaluator::linear_combination", |n| {
        let _ = W.evaluator.linear_combination(&[(n.i64(), &W.c), (n.i64(), &W.c)]);
    }),
    ("Evaluator::add_const", |n| {
        let _ = W.evaluator.add_const(&W.c, n.i64());
    }),
    ("Evaluator::mul_const", |n| {
        let _ = W.evaluator.mul_const(&W.c, n.i64());
    }),
    ("Evaluator::mod_switch_to", |n| {
        let _ = W.evaluator.mod_switch_to(&W.c, n.usize());
    }),
    ("Evaluator::mod_switch_for_decryption", |n| {
        let _ = W.evaluator.mod_switch_for_decryption(&W.c, n.f64());
    }),
    ("KeyRequest::galois", |n| keys(&KeyRequest::default().galois(n.usize(), n.usize()))),
    ("KeyRequest::rotations", |n| {
        keys(&KeyRequest::default().rotations(&W.params, &n.many(Numbers::usize), n.usize()));
    }),
    ("KeyRequest::row_swap", |n| {
        keys(&KeyRequest::default().relinearization(n.usize()).row_swap(&W.params, n.usize()));
    }),
    ("Evaluator::automorphism", |n| {
        let _ = W.evaluator.automorphism(&W.c, n.usize());
    }),
    ("Evaluator::automorphism_many", |n| {
        let _ = W.evaluator.automorphism_many(&W.c, &n.many(Numbers::usize));
    }),
    ("Evaluator::rotate_rows", |n| {
        let _ = W.evaluator.rotate_rows(&W.c, n.usize());
    }),
    ("Evaluator::inner_sum", |n| {
        let _ = W.evaluator.inner_sum(&W.c, n.usize(), n.usize());
    }),
];

#[test]
fn every_function_with_numbers_is_called() {
    run::check_list("he-bfv", CALLS);
}

#[test]
fn no_number_panics() {
    LazyLock::force(&W);
    run::call_all("he-bfv", CALLS, 100);
}

#[test]
#[ignore = "10^5 calls"]
fn no_number_panics_in_a_hundred_thousand_calls() {
    LazyLock::force(&W);
    run::call_all("he-bfv", CALLS, 100_000_u64.div_ceil(CALLS.len() as u64));
}
