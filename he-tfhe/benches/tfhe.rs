//! One bootstrap in a batch and alone, gates, key switches, packing and wide tables, at the presets.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p he-tfhe` gives single-thread figures.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use he_tfhe::{Encryptor, Evaluator, Gate, GateJob, LookupTable, LweCiphertext, SecretKey, Spec, WideTable};

/// Ciphertexts of a batch.
const BATCH: usize = 64;

struct World {
    key: SecretKey,
    evaluator: Evaluator,
}

impl World {
    fn new(name: &str, spec: Spec) -> Self {
        let params = spec.build().expect("a preset");
        let key = SecretKey::generate(&params).expect("randomness");
        let keys = key.evaluation_keys().expect("randomness");
        println!("{name}: {:.1} MiB of keys", keys.bytes() as f64 / f64::from(1 << 20));
        Self { key, evaluator: Evaluator::new(keys) }
    }

    fn encrypt(&self, count: usize, modulus: u64) -> Vec<LweCiphertext> {
        let messages: Vec<u64> = (0..count as u64).map(|i| i % modulus).collect();
        Encryptor::with_secret(&self.key).encrypt_all(&messages).expect("messages in range")
    }
}

fn bootstraps(c: &mut Criterion) {
    let sets = [
        ("1+1 f128", Spec::message_1_carry_1_failure_128()),
        ("2+2 f40", Spec::message_2_carry_2_failure_40()),
        ("2+2 f64", Spec::message_2_carry_2_failure_64()),
        ("2+2 f128", Spec::message_2_carry_2_failure_128()),
        ("5 bits f64", Spec::table_5_failure_64()),
    ];
    let mut group = c.benchmark_group("bootstrap");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(5));
    for (name, spec) in sets {
        let world = World::new(name, spec);
        let table = LookupTable::new(world.evaluator.params(), |m| m).expect("messages");
        let inputs = world.encrypt(BATCH, spec.messages());
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(format!("{name} batch of {BATCH}"), |b| {
            b.iter(|| black_box(world.evaluator.bootstrap_batch(&inputs, &table)));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name} alone"), |b| {
            b.iter(|| black_box(world.evaluator.bootstrap(&inputs[0], &table)));
        });
    }
}

fn gates(c: &mut Criterion) {
    let world = World::new("gates", Spec::gate_failure_64());
    let bits: Vec<bool> = (0..2 * BATCH).map(|i| i % 3 == 0).collect();
    let inputs = Encryptor::with_secret(&world.key).encrypt_bits(&bits).expect("randomness");
    let jobs: Vec<_> =
        inputs.as_chunks::<2>().0.iter().map(|[a, b]| GateJob::two(Gate::Nand, a, b)).collect();
    let mut group = c.benchmark_group("gates");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(format!("NAND batch of {BATCH}"), |b| {
        b.iter(|| black_box(world.evaluator.gates(&jobs)));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("NAND alone", |b| {
        b.iter(|| black_box(world.evaluator.gates(&jobs[..1])));
    });
}

fn wide(c: &mut Criterion) {
    let world = World::new("2+2 wide", Spec::message_2_carry_2_wide_failure_64());
    let digits = world.encrypt(BATCH, 4);
    let params = world.evaluator.params();
    let table = WideTable::new(params, 12, 8, |t| (0..8).map(|i| t >> i & 3).collect()).expect("messages");
    let mut group = c.benchmark_group("wide");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(4));
    group.bench_function(format!("pack {BATCH}"), |b| {
        b.iter(|| black_box(world.evaluator.pack(&digits)));
    });
    group.bench_function("circuit bootstrap of 6 digits", |b| {
        let digits: Vec<&LweCiphertext> = digits[..6].iter().collect();
        b.iter(|| black_box(world.evaluator.circuit_bootstrap(&digits)));
    });
    group.bench_function("table of 12 bits, 8 digits out", |b| {
        b.iter(|| black_box(world.evaluator.look_up(&[&digits[..6]], &[&table])));
    });
}

criterion_group!(benches, bootstraps, gates, wide);
criterion_main!(benches);
