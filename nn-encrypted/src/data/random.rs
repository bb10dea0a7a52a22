//! Random numbers that are the same on every machine: one ChaCha20 stream for each purpose, integers only.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// The purpose of a stream; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Which rows are for testing.
    Split,
    /// Which training rows share a batch.
    Batches,
    /// The order of the batches of an epoch.
    Order(u64),
    /// The initial weights.
    Weights,
    /// Errors of mod-switched phases, for one step or classification.
    Readings(u64),
    /// How an image is changed before it is trained on.
    Change(u64),
}

/// The stream of a purpose.
#[must_use]
pub(crate) fn stream(seed: u64, purpose: Purpose) -> ChaCha20Rng {
    let (tag, index) = match purpose {
        Purpose::Split => (*b"split   ", 0),
        Purpose::Batches => (*b"batches ", 0),
        Purpose::Order(epoch) => (*b"order   ", epoch),
        Purpose::Weights => (*b"weights ", 0),
        Purpose::Readings(number) => (*b"readings", number),
        Purpose::Change(image) => (*b"change  ", image),
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&tag);
    key[16..24].copy_from_slice(&index.to_le_bytes());
    ChaCha20Rng::from_seed(key)
}

/// A uniform integer below `n` (0 if `n` is 0).
pub(crate) fn below(rng: &mut ChaCha20Rng, n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    let excess = (u64::MAX % n + 1) % n; // values at the top that would favour small results
    loop {
        let value = rng.next_u64();
        if value <= u64::MAX - excess {
            return value % n;
        }
    }
}

/// Shuffles in place (Fisher-Yates).
pub(crate) fn shuffle<T>(rng: &mut ChaCha20Rng, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        let j = below(rng, i as u64 + 1);
        items.swap(i, j as usize);
    }
}

/// The numbers 0 to `n - 1` in random order.
#[must_use]
pub(crate) fn permutation(rng: &mut ChaCha20Rng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(rng, &mut order);
    order
}

/// A nearly normal deviate of mean 0 and deviation 1, times 2^16: the centred sum of twelve uniform 16-bit
/// integers (Irwin-Hall), hence within ±6.
pub(crate) fn normal_16(rng: &mut ChaCha20Rng) -> i64 {
    const CENTRE: i64 = 12 * 0xffff / 2;
    let sum: i64 = (0..6)
        .map(|_| {
            let word = i64::from(rng.next_u32());
            (word & 0xffff) + (word >> 16)
        })
        .sum();
    sum - CENTRE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned() {
        let mut rng = stream(1, Purpose::Split);
        let first = rng.next_u64();
        assert_eq!(first, stream(1, Purpose::Split).next_u64());
        assert_ne!(first, stream(2, Purpose::Split).next_u64());
        assert_ne!(first, stream(1, Purpose::Batches).next_u64());
        assert_ne!(stream(1, Purpose::Order(0)).next_u64(), stream(1, Purpose::Order(1)).next_u64());
        assert_eq!(permutation(&mut stream(1, Purpose::Split), 8), [4, 3, 6, 1, 0, 2, 7, 5]);
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = stream(3, Purpose::Split);
        let mut counts = [0_i32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        assert!(counts.iter().all(|&c| (c - 10_000).abs() < 500), "{counts:?}");
        assert_eq!(below(&mut rng, 0), 0);
    }

    #[test]
    fn normal_deviates_have_mean_0_and_deviation_1() {
        let mut rng = stream(4, Purpose::Weights);
        let n = 40_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let z = normal_16(&mut rng) as f64 / 65_536.0;
            sum += z;
            squares += z * z;
        }
        assert!((sum / f64::from(n)).abs() < 0.02);
        assert!((squares / f64::from(n) - 1.0).abs() < 0.03);
    }
}
