//! Transforms of this crate beside those of `tfhe-ntt`, in alternation on one thread: ratios of medians of CPU time, ours by theirs, for a prime
//! just below `2^50` (the largest that parameters take) and one just below `2^48`.
//!
//! `cargo bench -p he-rlwe --bench library` compares with AVX-512 on both sides, where the machine has it; with
//! `--no-default-features` both have AVX2 at most. Their inverse is that with its factor `1/n`, which ours includes.

use std::hint::black_box;

use concrete_ntt::prime64::Plan;
use cpu_time::ThreadTime;
use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::ntt::{Backend, Ntt};

/// Pairs of samples; each is as many transforms as take about [`SAMPLE`] words.
const SAMPLES: usize = 41;
const SAMPLE: usize = 1 << 19;

/// CPU time of a transform: other programs do not count.
fn seconds(times: usize, mut transform: impl FnMut()) -> f64 {
    let start = ThreadTime::now();
    (0..times).for_each(|_| transform());
    start.elapsed().as_secs_f64() / times as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Medians of both in microseconds, one sample of each in turn.
fn medians(n: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> [f64; 2] {
    let times = (SAMPLE / n).max(1);
    let pairs = (0..SAMPLES).map(|_| [seconds(times, &mut ours), seconds(times, &mut theirs)]);
    let pairs: Vec<[f64; 2]> = pairs.collect();
    [0, 1].map(|i| 1e6 * median(pairs.iter().map(|pair| pair[i]).collect()))
}

fn row(n: usize, bits: u32, backend: Option<Backend>) {
    let prime = primes_below(1 << bits, 2 * n as u64, 1).expect("there are primes of this size")[0];
    let q = Modulus::new(prime).expect("a prime is a modulus");
    let ntt = backend.map_or_else(|| Ntt::new(n, q), |backend| Ntt::with_backend(n, q, backend));
    let ntt = ntt.expect("the prime has a transform");
    let plan = Plan::try_new(n, prime).expect("the library has a transform for this prime");
    let mut data: Vec<u64> = (0..n as u64).map(|i| q.pow(3, i * i + 7)).collect();
    let mut other = data.clone();
    let forward = medians(n, || ntt.forward(black_box(&mut data)), || plan.fwd(black_box(&mut other)));
    let inverse = medians(
        n,
        || ntt.inverse(black_box(&mut data)),
        || {
            plan.inv(black_box(&mut other));
            plan.normalize(black_box(&mut other));
        },
    );
    let part = |[ours, theirs]: [f64; 2]| format!("{ours:9.1} {theirs:9.1} {:6.2}", ours / theirs);
    println!("{n:6} {bits:3} {:>6} |{} |{}", format!("{:?}", ntt.backend()), part(forward), part(inverse));
}

fn main() {
    println!("                    |        forward, us       |        inverse, us");
    println!("     n bits  kernel |     ours   library ratio |     ours   library ratio");
    for log_n in 11..=16 {
        for (bits, backend) in
            [(50, None), (48, None), (50, Some(Backend::Words)), (58, Some(Backend::Words))]
        {
            row(1 << log_n, bits, backend);
        }
    }
}
