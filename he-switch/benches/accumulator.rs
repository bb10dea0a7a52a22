//! Bootstraps with an accumulator in two primes at `N = 4096` and 128 bits of security: time, noise and size of the key.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p he-switch --bench accumulator` gives single-thread figures.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use he_bgv::{SecretKey as BgvKey, Spec as BgvSpec};
use he_core::ring::rns::to_integers;
use he_core::rlwe;
use he_switch::accumulator::{
    Accumulator, AccumulatorParameters, AccumulatorSpec, AccumulatorTable, SeededAccumulatorKey,
};
use he_tfhe::{Encryptor, Evaluator, LweCiphertext, SecretKey, Spec};
use num_bigint::BigInt;

/// Ciphertexts of a batch: as many as share a pass over the key.
const BATCH: usize = 8;
const T: u64 = 65_537;

struct World {
    lwe: SecretKey,
    evaluator: Evaluator,
}

struct Target<'a> {
    world: &'a World,
    ring: BgvKey,
    params: AccumulatorParameters,
    accumulator: Accumulator,
    table: AccumulatorTable,
}

impl<'a> Target<'a> {
    fn new(world: &'a World, spec: AccumulatorSpec, bits: u32) -> Self {
        let bgv =
            BgvSpec { log_n: 12, plaintext_modulus: T, q_bits: vec![bits; 2], p_bits: vec![], digit: 1 };
        let ring = BgvKey::generate(&bgv.build().expect("128 bits of security")).expect("randomness");
        let target = ring.inner().params();
        let params =
            AccumulatorParameters::new(spec, world.lwe.params(), target).expect("parameters that fit");
        let key = SeededAccumulatorKey::generate(&params, &world.lwe, ring.inner()).expect("randomness");
        let accumulator = Accumulator::new(key.expand());
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        println!("  key {:.0} MiB, seeded {:.0} MiB", mib(accumulator.key().bytes()), mib(key.bytes()));
        let entries: Vec<u64> = (0..params.n() as u64).collect();
        let table = AccumulatorTable::of_readings(&params, T, &entries).expect("a table");
        Self { world, ring, params, accumulator, table }
    }

    fn inputs(&self) -> Vec<LweCiphertext> {
        let phases: Vec<u32> = (0..BATCH as u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
        Encryptor::with_secret(&self.world.lwe).encrypt_phases(&phases).expect("randomness")
    }

    fn run(&self, inputs: &[LweCiphertext]) -> Vec<rlwe::Ciphertext> {
        self.accumulator.bootstrap(&self.world.evaluator, inputs, &self.table).expect("operands that fit")
    }

    /// `log2` of the deviation from multiples of `Q/t`, relative to `Q`.
    fn noise(&self, phases: impl Iterator<Item = BigInt>) -> f64 {
        // t·phase mod Q is t times the noise, up to t/2.
        let q = BigInt::from(self.params.modulus());
        let (mut squares, mut count) = (0.0, 0.0);
        for phase in phases {
            let rest = ((phase * T % &q) + &q) % &q;
            let rest = if &rest * 2 > q { rest - &q } else { rest };
            let relative = he_core::rlwe::noise::log2_abs(&rest) - (T as f64).log2();
            squares += (2.0 * (relative - (self.params.modulus() as f64).log2())).exp2();
            count += 1.0;
        }
        f64::log2(squares / count) / 2.0
    }

    fn report(&self, outputs: &[rlwe::Ciphertext]) {
        let log_q = (self.params.modulus() as f64).log2();
        let phases = |c: &rlwe::Ciphertext| to_integers(&self.ring.inner().phase(c));
        let rotation = self.params.rotation_variance();
        println!(
            "  log2 of the noise over Q: {:.2}, by the formula {:.2}",
            self.noise(outputs.iter().flat_map(phases)),
            rotation.log2() / 2.0 - log_q,
        );
        let packed = self.accumulator.pack(outputs).expect("operands that fit");
        println!(
            "  after packing {:.2}, by the formula {:.2}",
            self.noise(phases(&packed).into_iter().step_by(self.params.n() / BATCH)),
            (rotation + self.params.packing_variance()).log2() / 2.0 - log_q,
        );
    }
}

fn accumulators(c: &mut Criterion) {
    let lwe = Spec::message_2_carry_2_failure_64().build().expect("a preset");
    let lwe = SecretKey::generate(&lwe).expect("randomness");
    let evaluator = Evaluator::new(lwe.evaluation_keys().expect("randomness"));
    let world = World { lwe, evaluator };
    println!("short key of {} bits", world.lwe.params().spec().lwe_dimension);
    let mut group = c.benchmark_group("accumulator");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
    for bits in [50, 48] {
        for (name, shape) in [("coarse", AccumulatorSpec::COARSE), ("fine", AccumulatorSpec::FINE)] {
            for unroll in [1, 2] {
                let name = format!("{name}, 2 primes of {bits} bits, {unroll} bits a step");
                println!("{name}");
                let target = Target::new(&world, AccumulatorSpec { unroll, ..shape }, bits);
                let inputs = target.inputs();
                let outputs = target.run(&inputs);
                target.report(&outputs);
                group.throughput(Throughput::Elements(BATCH as u64));
                group.bench_function(&name, |b| b.iter(|| target.run(black_box(&inputs))));
                if unroll == 2 && bits == 50 {
                    let pack = || target.accumulator.pack(black_box(&outputs)).expect("operands that fit");
                    group.bench_function(format!("pack {BATCH}, {name}"), |b| b.iter(pack));
                }
            }
        }
    }
}

criterion_group!(benches, accumulators);
criterion_main!(benches);
