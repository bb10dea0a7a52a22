//! Times of the ring kernels next to the library's transform at 50 bits, the unit the project measures in.

use std::hint::black_box;

use concrete_ntt::prime64::Plan;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use he_core::Modulus;
use he_core::prime::primes_below;
use he_core::ring::kernel;
use he_core::ring::ntt::{Backend, Ntt};

/// The lengths of the ring dimensions in use.
const LOG_LENGTHS: std::ops::RangeInclusive<u32> = 13..=16;

fn modulus(bits: u32, n: usize) -> Modulus {
    let primes = primes_below(1 << bits, 2 * n as u64, 1).expect("there are primes of this size");
    Modulus::new(primes[0]).expect("a prime is a modulus")
}

fn words(n: usize, m: &Modulus, seed: u64) -> Vec<u64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            m.reduce(state)
        })
        .collect()
}

fn transforms(c: &mut Criterion) {
    let mut group = c.benchmark_group("ntt");
    for log_n in LOG_LENGTHS {
        let n = 1 << log_n;
        let wide = modulus(50, n);
        let mut data = words(n, &wide, 1);
        let plan = Plan::try_new(n, wide.value()).expect("the library has a transform for this prime");
        group.bench_function(BenchmarkId::new("library-forward-50", n), |b| {
            b.iter(|| plan.fwd(black_box(&mut data)));
        });
        for bits in [50, 47] {
            let m = modulus(bits, n);
            let mut data = words(n, &m, 1);
            let ntt = Ntt::new(n, m).expect("the prime has a transform");
            group.bench_function(BenchmarkId::new(format!("forward-{bits}"), n), |b| {
                b.iter(|| ntt.forward(black_box(&mut data)));
            });
            group.bench_function(BenchmarkId::new(format!("inverse-{bits}"), n), |b| {
                b.iter(|| ntt.inverse(black_box(&mut data)));
            });
        }
    }
    group.finish();
}

/// The engines side by side, at the lengths where the choice depends on the machine.
fn engines(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    for n in (9..=13).map(|log_n| 1 << log_n) {
        let m = modulus(48, n);
        let mut data = words(n, &m, 1);
        for backend in [Backend::Ifma, Backend::Fma, Backend::Words] {
            // A machine need not have the instructions.
            let Ok(ntt) = Ntt::with_backend(n, m, backend) else { continue };
            group.bench_function(BenchmarkId::new(format!("forward-{backend:?}"), n), |b| {
                b.iter(|| ntt.forward(black_box(&mut data)));
            });
            group.bench_function(BenchmarkId::new(format!("inverse-{backend:?}"), n), |b| {
                b.iter(|| ntt.inverse(black_box(&mut data)));
            });
        }
    }
    group.finish();
}

fn pointwise(c: &mut Criterion) {
    const N: usize = 1 << 14;
    const TERMS: usize = 8;
    let mut group = c.benchmark_group("pointwise");
    for bits in [50, 58] {
        let m = modulus(bits, N);
        let [mut x, a, b] = [1, 2, 3].map(|seed| words(N, &m, seed));
        let s = a[0];
        group.throughput(Throughput::Elements(N as u64));
        group.bench_function(format!("add-{bits}"), |c| {
            c.iter(|| kernel::add_assign(&m, &mut x, &a));
        });
        group.bench_function(format!("mul-{bits}"), |c| {
            c.iter(|| kernel::mul_assign(&m, &mut x, &a));
        });
        group.bench_function(format!("mul-add-{bits}"), |c| {
            c.iter(|| kernel::mul_add_assign(&m, &mut x, &a, &b));
        });
        group.bench_function(format!("mul-scalar-{bits}"), |c| {
            c.iter(|| kernel::mul_scalar_assign(&m, &mut x, s));
        });
        group.bench_function(format!("center-reduce-{bits}"), |c| {
            c.iter(|| kernel::center_reduce(&m, &mut x, &a, &modulus(49, N)));
        });
        let terms: Vec<Vec<u64>> = (0..2 * TERMS as u64).map(|seed| words(N, &m, seed)).collect();
        let terms: Vec<&[u64]> = terms.iter().map(Vec::as_slice).collect();
        let (left, right) = terms.split_at(TERMS);
        group.throughput(Throughput::Elements((N * TERMS) as u64));
        group.bench_function(format!("dot-{bits}"), |c| {
            c.iter(|| kernel::dot(&m, &mut x, left, right));
        });
        group.bench_function(format!("dot-scalars-{bits}"), |c| {
            c.iter(|| kernel::dot_scalars(&m, &mut x, left, &b[..TERMS]));
        });
    }
    group.finish();
}

criterion_group!(benches, transforms, engines, pointwise);
criterion_main!(benches);
