//! The functions of he-bgv.

use std::sync::LazyLock;

use he_bgv::transform::{Direction, SlotTransform, coefficient_order};
use he_bgv::{
    Bound, Ciphertext, Encoder, Encryptor, Evaluator, KeyRequest, Noise, Parameters, Plaintext,
    PreparedPlaintext, SecretKey, SeededCiphertext, Spec, linear, rotation,
};

use crate::numbers::Numbers;
use crate::run::Call;

struct World {
    params: Parameters,
    key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
    plain: Plaintext,
    c: Ciphertext,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let spec = Spec { log_n: 5, plaintext_modulus: 193, q_bits: vec![30; 4], p_bits: vec![40], digit: 1 };
    let params = spec.build_insecure("hostile numbers").unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let level = params.max_level();
    let request = KeyRequest::default().relinearization(level).rotations(&params, &[1, 2, 3], level);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
    let encoder = Encoder::new(&params);
    let plain = encoder.encode(&[1, 2, 3]).unwrap();
    let c = Encryptor::with_secret(&key).encrypt(&plain).unwrap();
    World { params, key, encoder, evaluator, plain, c }
});

pub(crate) fn prepare() {
    LazyLock::force(&W);
}

fn noise(n: &mut Numbers) -> Noise {
    Noise::from_log2(n.f64())
}

fn bound(n: &mut Numbers) -> Bound {
    match n.u16() % 3 {
        0 => Bound::Modulo,
        1 => Bound::Slots { most: n.u64() },
        _ => Bound::Coefficients { most: n.u64(), count: n.u32() },
    }
}

fn keys(request: &KeyRequest) {
    let _ = W.key.evaluation_keys(request);
    let _ = request.sealed_bytes(&W.params);
    let _ = he_bgv::EvaluationKeys::requested(&W.params, request, &[]);
}

fn q(n: &mut Numbers) -> Vec<u64> {
    let usual = W.params.rlwe().spec().q.clone();
    if n.u16().is_multiple_of(2) { usual } else { n.many(Numbers::u64) }
}

pub(crate) const CALLS: &[Call] = &[
    ("Ciphertext::wire_bytes", |n| {
        let _ = Ciphertext::wire_bytes(&W.params, n.usize());
    }),
    ("SeededCiphertext::wire_bytes", |n| {
        let _ = SeededCiphertext::wire_bytes(&W.params, n.usize());
    }),
    ("Ciphertext::from_rlwe", |n| {
        if let Ok(c) = Ciphertext::from_rlwe(&W.params, W.c.inner().clone(), bound(n), n.f64()) {
            let _ = W.evaluator.mul(&c, &W.c);
            let _ = W.evaluator.mod_switch_for_decryption(&c, 1.0);
        }
    }),
    ("Ciphertext::from_rlwe_with_factor", |n| {
        let inner = W.c.inner().clone();
        let _ = Ciphertext::from_rlwe_with_factor(&W.params, inner, n.u64(), bound(n), n.f64());
    }),
    ("Ciphertext::times", |n| {
        let _ = W.c.times(&n.many(Numbers::u64));
    }),
    ("Ciphertext::encrypt", |n| {
        let key = W.key.inner().public_key().unwrap();
        let _ = Ciphertext::encrypt(&W.params, &key, &W.plain, n.usize());
    }),
    ("SeededCiphertext::encrypt", |n| {
        let _ = SeededCiphertext::encrypt(&W.params, W.key.inner(), &W.plain, n.usize());
    }),
    ("Evaluator::scaled_products", |n| {
        let times = n.many(Numbers::u64);
        let _ = W.evaluator.scaled_products(n.usize() % 3, [&[&W.c], &[&W.c]], n.usize(), Some(&times));
    }),
    ("elements::row_element", |n| {
        rotation::row_element(&W.params, n.usize());
        rotation::row_element(&W.params, n.i64());
    }),
    ("Encoder::with_bound", |n| {
        let encoder = W.encoder.clone().with_bound(n.u64());
        if let Ok(plain) = encoder.encode(&n.many(Numbers::i64)) {
            let _ = W.evaluator.mul_plain(&W.c, &plain);
        }
        let _ = encoder.encode_coefficients(&n.many(Numbers::i64));
    }),
    ("Encoder::encode", |n| {
        let _ = W.encoder.encode(&n.many(Numbers::i64));
    }),
    ("Encoder::encode_split", |n| {
        let _ = W.encoder.encode_split(&n.many(Numbers::i64));
    }),
    ("Encoder::decode_joined", |n| {
        let _ = W.encoder.decode_joined(&[W.plain.clone(), W.plain.clone()], n.usize());
    }),
    ("Encoder::encode_coefficients", |n| {
        let _ = W.encoder.encode_coefficients(&n.many(Numbers::i64));
    }),
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
    ("KeyRequest::galois", |n| keys(&KeyRequest::default().galois(n.usize(), n.usize()))),
    ("KeyRequest::rotations", |n| {
        keys(&KeyRequest::default().rotations(&W.params, &n.many(Numbers::usize), n.usize()));
        keys(&KeyRequest::default().rotations(&W.params, &n.many(Numbers::i64), n.usize()));
    }),
    ("KeyRequest::row_swap", |n| {
        keys(&KeyRequest::default().relinearization(n.usize()).row_swap(&W.params, n.usize()));
    }),
    ("Evaluator::mod_switch_to", |n| {
        let _ = W.evaluator.mod_switch_to(&W.c, n.usize());
    }),
    ("Evaluator::mod_switch_for_decryption", |n| {
        let _ = W.evaluator.mod_switch_for_decryption(&W.c, n.f64());
    }),
    ("Matrix::new", |n| {
        let rows: Vec<Vec<i64>> = n.many(|n| n.many(Numbers::i64));
        let _ = linear::Matrix::new(&W.params, &W.encoder, &rows, n.usize());
        let _ = linear::Matrix::new(&W.params, &W.encoder, &[vec![1, 2], vec![3, 4]], n.usize());
    }),
    ("Evaluator::evaluate_polynomial", |n| {
        let _ = W.evaluator.evaluate_polynomial(&W.c, &n.many(Numbers::i64));
    }),
    ("Noise::from_log2", |n| {
        let _ = W.params.noise().product(noise(n), noise(n));
    }),
    ("Noise::scale", |n| {
        let _ = noise(n).scale(n.f64()).add_unrelated(noise(n));
    }),
    ("Noise::mul_plain", |n| {
        let _ = noise(n).mul_plain(n.f64()).add_related(noise(n));
    }),
    ("NoiseEstimator::log_q", |n| {
        let _ = W.params.noise().log_q(n.usize());
    }),
    ("NoiseEstimator::budget", |n| {
        let _ = W.params.noise().budget(noise(n), n.usize());
    }),
    ("NoiseEstimator::key_switch", |n| {
        let _ = W.params.noise().key_switch(noise(n), n.usize());
    }),
    ("NoiseEstimator::drop_last", |n| {
        let _ = W.params.noise().drop_last(noise(n), n.usize());
    }),
    ("NoiseEstimator::reduce", |n| {
        let _ = W.params.noise().reduce(noise(n), n.usize(), n.usize());
    }),
    ("NoiseEstimator::drop_last_of_degree", |n| {
        let _ = W.params.noise().drop_last_of_degree(noise(n), n.usize(), n.usize());
    }),
    ("NoiseEstimator::reduce_of_degree", |n| {
        let _ = W.params.noise().reduce_of_degree(noise(n), n.usize(), n.usize(), n.usize());
    }),
    ("NoiseEstimator::combination_of_fresh", |n| {
        let _ = W.params.noise().combination_of_fresh(n.many(Numbers::u64).into_iter());
    }),
    ("NoiseEstimator::best_level", |n| {
        let operands = n.many(|n| (noise(n), n.usize()));
        let _ = W.params.noise().best_level(&operands, n.f64());
    }),
    ("Spec::slot_modulus", |n| {
        let _ = Spec::slot_modulus(n.u32(), n.u32());
    }),
    ("Spec::slot_modulus_except", |n| {
        let _ = Spec::slot_modulus_except(n.u32(), n.u32(), &n.many(Numbers::u64));
    }),
    ("Parameters::over_primes", |n| {
        let _ = Parameters::over_primes(n.u32(), n.u64(), &q(n), &n.many(Numbers::u64), n.usize());
    }),
    ("Parameters::over_primes_insecure", |n| {
        let log_n = if n.u16().is_multiple_of(2) { 5 } else { n.u32() };
        let p = &W.params.rlwe().spec().p;
        let _ = Parameters::over_primes_insecure(log_n, n.u64(), &q(n), p, n.usize(), "hostile numbers");
        let bits = n.many(Numbers::u32);
        let spec =
            Spec { log_n, plaintext_modulus: n.u64(), q_bits: bits, p_bits: vec![n.u32()], digit: n.usize() };
        let _ = spec.build_insecure("hostile numbers");
    }),
    ("PreparedPlaintext::new", |n| {
        let _ = PreparedPlaintext::new(&W.params, &W.plain, n.usize());
    }),
    ("PreparedPlaintext::with_log_norm", |n| {
        if let Ok(p) = PreparedPlaintext::with_log_norm(&W.params, &W.plain, n.usize() % 4, n.f64()) {
            let _ = W.evaluator.mul_prepared(&W.c, &p);
        }
    }),
    ("Evaluator::matrix_product_lazy", |n| {
        let _ = W.evaluator.matrix_product_lazy(n.usize(), &[&W.c, &W.c], &[&W.c, &W.c], n.usize());
    }),
    ("Evaluator::automorphism", |n| {
        let _ = W.evaluator.automorphism(&W.c, n.usize());
    }),
    ("Evaluator::automorphism_many", |n| {
        let _ = W.evaluator.automorphism_many(&W.c, &n.many(Numbers::usize));
    }),
    ("Evaluator::rotate_rows", |n| {
        let _ = W.evaluator.rotate_rows(&W.c, n.usize());
        let _ = W.evaluator.rotate_rows(&W.c, n.i64());
    }),
    ("Evaluator::inner_sum", |n| {
        let _ = W.evaluator.inner_sum(&W.c, n.usize(), n.usize());
    }),
    ("transform::coefficient_order", |n| {
        let _ = coefficient_order(n.usize());
    }),
    ("SlotTransform::new", |n| {
        let _ = SlotTransform::new(&W.params, n.usize(), n.usize(), Direction::SlotsToCoefficients);
        let _ = SlotTransform::new(&W.params, n.usize(), 3, Direction::CoefficientsToSlots);
    }),
];
