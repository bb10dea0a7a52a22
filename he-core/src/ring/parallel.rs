//! Loops over limbs, shared between threads where that pays.

use rayon::prelude::*;

/// Below this many words a loop over limbs is not worth sharing between threads.
const PARALLEL_WORDS: usize = 1 << 15;

/// Whether work on so many words is shared between threads.
pub(crate) fn in_parallel(words: usize) -> bool {
    words >= PARALLEL_WORDS && rayon::current_num_threads() > 1
}

/// Runs `work(i, limb_i)` for every limb, or every piece of `n` words, in parallel where that pays.
pub(crate) fn for_each_limb(data: &mut [u64], n: usize, work: impl Fn(usize, &mut [u64]) + Sync + Send) {
    if in_parallel(data.len()) {
        data.par_chunks_mut(n).enumerate().for_each(|(i, limb)| work(i, limb));
    } else {
        data.chunks_mut(n).enumerate().for_each(|(i, limb)| work(i, limb));
    }
}

/// Runs `work(i, a_i, b_i)` for every limb of two polynomials at once, in parallel where that pays.
pub(crate) fn for_each_limb_pair(
    first: &mut [u64],
    second: &mut [u64],
    n: usize,
    work: impl Fn(usize, &mut [u64], &mut [u64]) + Sync + Send,
) {
    if in_parallel(first.len()) {
        let pairs = first.par_chunks_mut(n).zip(second.par_chunks_mut(n));
        pairs.enumerate().for_each(|(i, (a, b))| work(i, a, b));
    } else {
        let pairs = first.chunks_mut(n).zip(second.chunks_mut(n));
        pairs.enumerate().for_each(|(i, (a, b))| work(i, a, b));
    }
}
