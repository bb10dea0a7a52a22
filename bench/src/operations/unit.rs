//! The unit of all figures.

use std::hint::black_box;

use concrete_ntt::prime64::Plan;
use cpu_time::ThreadTime;
use he_core::prime::primes_below;

use crate::pages::Failure;

/// Words that a sample transforms, at least.
const SAMPLE: usize = 1 << 23;

/// A forward transform of the `tfhe-ntt` library modulo a prime of 50 bits, at the size of a ring.
pub(crate) struct Unit {
    plan: Plan,
    words: Vec<u64>,
    times: usize,
}

impl Unit {
    /// The unit of dimension `2^log_n`.
    pub(crate) fn new(log_n: u32) -> Result<Self, Failure> {
        let n = 1 << log_n;
        let prime = primes_below(1 << 50, 2 * n as u64, 1)?[0];
        let plan = Plan::try_new(n, prime).ok_or("the library has no transform for this prime")?;
        let words = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime).collect();
        Ok(Self { plan, words, times: (SAMPLE / n).max(1) })
    }

    /// CPU seconds of one transform, the mean of a sample on this thread.
    pub(crate) fn seconds(&mut self) -> f64 {
        let start = ThreadTime::now();
        for _ in 0..self.times {
            self.plan.fwd(black_box(&mut self.words));
        }
        start.elapsed().as_secs_f64() / self.times as f64
    }
}
