//! The operations of training on real numbers at several levels, beside a forward transform: what the plan's estimates are fitted
//! to. On one thread: `RAYON_NUM_THREADS=1 cargo bench -p nn-encrypted --bench reals`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use he_ckks::{Ciphertext, Encoder, Encryptor, Evaluator, KeyRequest, PreparedPlaintext, SecretKey, Spec};
use he_core::ring::{Coeff, Poly};
use he_core::wire::{Reader, Writer};

/// Terms of sums, and rotations that share a decomposition.
const MANY: usize = 8;

fn operations(c: &mut Criterion) {
    let params = Spec::bootstrap_uniform().build().expect("a preset");
    let key = SecretKey::generate(&params).expect("randomness");
    let steps: Vec<usize> = (1..=MANY).collect();
    let request = KeyRequest::default().relinearization(params.max_level()).rotations(
        &params,
        &steps,
        params.max_level(),
    );
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&request).expect("randomness")).expect("own keys");
    let values: Vec<f64> = (0..params.slots()).map(|i| (i % 64) as f64 / 64.0 - 0.5).collect();
    let plaintext = Encoder::new(&params).encode(&values).expect("fits");

    let words: Vec<i64> = (0..params.n() as i64).collect();
    let poly = Poly::<Coeff>::from_signed(params.rlwe().basis(1), &words);
    c.bench_function("transform", |b| {
        b.iter_batched(|| poly.clone(), |poly| black_box(poly.into_eval()), criterion::BatchSize::LargeInput);
    });
    for limbs in [4, 7, 10, 13] {
        let mut group = c.benchmark_group(format!("{limbs} limbs"));
        group.sample_size(10);
        let fresh = || Encryptor::with_secret(&key).encrypt_at(&plaintext, limbs - 1).expect("randomness");
        let all: Vec<Ciphertext> = (0..2 * MANY).map(|_| fresh()).collect();
        let pairs: Vec<_> = all.chunks(2).map(|pair| (&pair[0], &pair[1])).collect();
        let masks: Vec<PreparedPlaintext> = (0..MANY)
            .map(|_| PreparedPlaintext::new(&params, &plaintext, limbs - 1).expect("fits"))
            .collect();
        let masked: Vec<_> = masks.iter().zip(&all).collect();
        let product = evaluator.dot_lazy(&pairs).expect("levels");
        let mut seeded = Writer::new();
        let sent = key.encrypt_seeded(&plaintext, limbs - 1).expect("randomness");
        sent.write(&mut seeded).expect("fits");
        let seeded = seeded.finish();
        group
            .bench_function(format!("{MANY} products"), |b| b.iter(|| black_box(evaluator.dot_lazy(&pairs))));
        group.bench_function("settle", |b| b.iter(|| black_box(evaluator.relinearize_and_rescale(&product))));
        group.bench_function(format!("{MANY} masks"), |b| {
            b.iter(|| black_box(evaluator.dot_prepared(&masked)));
        });
        group.bench_function("sum", |b| b.iter(|| black_box(evaluator.add(&all[0], &all[1]))));
        group.bench_function("reduce", |b| b.iter(|| black_box(evaluator.mod_switch_to(&all[0], limbs - 3))));
        group.bench_function("rotate", |b| b.iter(|| black_box(evaluator.rotate(&all[0], 1))));
        group.bench_function(format!("{MANY} rotations, hoisted"), |b| {
            b.iter(|| black_box(evaluator.rotate_many(&all[0], &steps)));
        });
        group.bench_function("read", |b| {
            b.iter(|| black_box(Ciphertext::read(&mut Reader::new(&seeded), &params)));
        });
        group.finish();
    }
}

criterion_group!(benches, operations);
criterion_main!(benches);
