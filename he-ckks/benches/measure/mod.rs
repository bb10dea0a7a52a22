//! Shared by the benches of bootstrapping: the unit, times, threads.

use std::hint::black_box;
use std::time::Instant;

use concrete_ntt::prime64::Plan;
use he_ckks::Parameters;
use he_core::prime::primes_below;

pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A function that does the unit a thousand times: a forward transform of the `tfhe-ntt` library at 50 bits and the length of the ring. It
/// is to be timed beside what is counted in it: machines slow down and recover.
pub(crate) fn thousand_units(params: &Parameters) -> impl FnMut() + use<> {
    let n = params.n();
    let prime = primes_below(1 << 50, 2 * n as u64, 1).expect("there are such primes")[0];
    let plan = Plan::try_new(n, prime).expect("the library has a transform for this prime");
    let mut words: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime).collect();
    move || (0..1000).for_each(|_| plan.fwd(black_box(&mut words)))
}

pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}
