//! `|x| = #{k >= 0 : u < Q_k}` with `Q_k = P(|X| > k)` and `u` uniform on 93-bit fractions of one.
//!
//! This is inversion of the cumulative distribution (Peikert, CRYPTO 2010, 4.1) of the absolute value, followed
//! by a random sign; as `+0` and `-0` are the same, `|X| = 0` has probability `rho(0) / S` and `|X| = k` has
//! `2 rho(k) / S`, where `rho(k) = exp(-k^2 / 2 sigma^2)` and `S` is the sum over all integers.
//!
//! The `Q_k` are computed from the binary value of `sigma` in 320-bit fixed point and rounded once to 93 bits.
//! The table ends where `Q_k` rounds to 0, beyond 11 sigma. Each entry is off by at most `2^-94`, the missing
//! tail included, so the statistical distance of a sample from the Gaussian is at most `len 2^-93`.
//!
//! Every sample reads the whole table. A comparison is the borrow of a subtraction of three 31-bit limbs, so
//! there is no compare instruction to turn into a branch, and the loop runs in vector registers.

use num_bigint::BigUint;

/// Bits after the point in the construction of a table; far more than the 93 that are kept, since the
/// recurrence loses a few bits per entry.
const FRACTION: u64 = 320;
/// Bits of a limb of a table entry: one less than the word, so that a borrow shows in the top bit.
const LIMB: u32 = 31;
const LIMB_MASK: u32 = (1 << LIMB) - 1;
const LIMBS: usize = 3;
/// Bits of a table entry.
const PRECISION: u32 = LIMB * LIMBS as u32;
/// Samples made side by side: enough that the compiler vectorizes over them, few enough for the first cache.
const LANES: usize = 64;
/// Table entries per pass over the lanes, so that a pass works more in registers than in memory.
const STEP: usize = 2;
/// Random bytes for one sample: its limbs, with a bit to spare in each of which the last is the sign.
pub(super) const SAMPLE_BYTES: usize = 4 * LIMBS;

/// A number of 93 bits, its lowest limb first.
type Entry = [u32; LIMBS];

/// The probabilities `Q_k`, filled up with zeros, which count nothing.
pub(super) struct Table {
    entries: Vec<[Entry; STEP]>,
    /// How many of the entries are not zero.
    len: usize,
}

/// The working space of a block of samples, wiped on drop.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub(super) struct Lanes {
    limbs: [[u32; LANES]; LIMBS],
    sign: [u32; LANES],
    count: [u32; LANES],
}

impl Lanes {
    pub(super) fn new() -> Lanes {
        Lanes { limbs: [[0; LANES]; LIMBS], sign: [0; LANES], count: [0; LANES] }
    }

    /// Splits each word into the limbs of `u` and the sign, and starts counting at 0.
    #[inline(always)]
    fn load(&mut self, words: &[[u8; SAMPLE_BYTES]]) {
        for (i, word) in words.iter().enumerate().take(LANES) {
            let parts = word.as_chunks::<4>().0;
            for (limb, part) in self.limbs.iter_mut().zip(parts) {
                let part = u32::from_le_bytes(*part);
                limb[i] = part & LIMB_MASK;
                self.sign[i] = part >> LIMB;
            }
        }
        self.count = [0; LANES];
    }

    /// Adds to each count the number of entries above `u`.
    #[inline(always)]
    fn count_above(&mut self, entries: &[Entry; STEP]) {
        let [low, middle, high] = &self.limbs;
        for (i, count) in self.count.iter_mut().enumerate() {
            for [q_low, q_middle, q_high] in entries {
                let borrow = low[i].wrapping_sub(*q_low) >> LIMB;
                let borrow = middle[i].wrapping_sub(*q_middle).wrapping_sub(borrow) >> LIMB;
                *count += high[i].wrapping_sub(*q_high).wrapping_sub(borrow) >> LIMB;
            }
        }
    }

    /// Adds `factor` times each signed count to `out`.
    #[inline(always)]
    fn add_to(&self, factor: i64, out: &mut [i64]) {
        for ((x, &count), &sign) in out.iter_mut().zip(&self.count).zip(&self.sign) {
            // For a mask of -1 this is the negative, for 0 it is the count.
            let mask = -(sign as i32);
            *x += factor * i64::from((count as i32 ^ mask) - mask);
        }
    }
}

impl Table {
    /// The table of width `sigma`, which the caller has checked to be in `[0.3, 64]`.
    pub(super) fn new(sigma: f64) -> Table {
        let weights = weights(sigma);
        let total: BigUint = weights.iter().sum::<BigUint>() * 2u32 - &weights[0];
        let mut tail = total.clone();
        let mut entries: Vec<Entry> = Vec::with_capacity(weights.len());
        for (k, weight) in weights.iter().enumerate() {
            tail -= if k == 0 { weight.clone() } else { weight * 2u32 };
            let q = round_ratio(&tail, &total);
            if q == 0 {
                break;
            }
            entries.push([0, 1, 2].map(|i| (q >> (i * LIMB)) as u32 & LIMB_MASK));
        }
        let len = entries.len();
        entries.resize(len.next_multiple_of(STEP), [0; LIMBS]);
        Table { entries: entries.as_chunks().0.to_vec(), len }
    }

    /// The largest absolute value of a sample.
    pub(super) fn bound(&self) -> u64 {
        self.len as u64
    }

    /// One sample for each 16 bytes of randomness, scaled by `factor` and added to what is in `out`.
    #[inline(always)]
    pub(super) fn add_samples(&self, random: &[u8], factor: i64, lanes: &mut Lanes, out: &mut [i64]) {
        let words = random.as_chunks::<SAMPLE_BYTES>().0;
        for (words, out) in words.chunks(LANES).zip(out.chunks_mut(LANES)) {
            lanes.load(words);
            for entries in &self.entries {
                lanes.count_above(entries);
            }
            lanes.add_to(factor, out);
        }
    }

    /// `P(|X| = k)` for `k = 0, 1, ...`, as the table has it.
    #[cfg(test)]
    pub(super) fn probabilities(&self) -> Vec<f64> {
        let q = |e: &Entry| e.iter().rev().fold(0u128, |x, &limb| (x << LIMB) + u128::from(limb));
        let mut above = 1u128 << PRECISION;
        let mut out = Vec::new();
        for next in self.entries.as_flattened()[..self.len].iter().map(q).chain([0]) {
            out.push((above - next) as f64 / (2.0f64).powi(PRECISION as i32));
            above = next;
        }
        out
    }
}

/// `rho(k) = exp(-k^2 / 2 sigma^2)` for `k = 0, 1, ...` while it is above `2^-160`, in fixed point.
///
/// By `rho(k + 1) = rho(k) g^(2 k + 1)` with `g = rho(1)`; the error of `g` grows with `k^2`, which is below
/// `2^21` for all supported widths.
fn weights(sigma: f64) -> Vec<BigUint> {
    let g = exp_minus_half_inverse_square(sigma);
    let square = (&g * &g) >> FRACTION;
    let smallest = BigUint::from(1u32) << (FRACTION - 160);
    let mut out = Vec::new();
    let mut rho = BigUint::from(1u32) << FRACTION;
    let mut step = g;
    while rho > smallest {
        let next = (&rho * &step) >> FRACTION;
        step = (&step * &square) >> FRACTION;
        out.push(rho);
        rho = next;
    }
    out
}

/// `exp(-1 / 2 sigma^2)` in fixed point, off by less than `2^-300`.
fn exp_minus_half_inverse_square(sigma: f64) -> BigUint {
    // sigma = m 2^e exactly; for sigma in [0.3, 64] the exponent is from -54 to -46.
    let bits = sigma.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1075;
    let m = BigUint::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let y = (BigUint::from(1u32) << (FRACTION as i64 - 1 - 2 * exponent) as u64) / (&m * &m);
    // exp(-y) = exp(-y / 2^8)^(2^8), the Taylor series of the small argument summed by sign.
    let small = y >> 8u32;
    let mut plus = BigUint::ZERO;
    let mut minus = BigUint::ZERO;
    let mut term = BigUint::from(1u32) << FRACTION;
    let mut n = 0u32;
    while term != BigUint::ZERO {
        *(if n.is_multiple_of(2) { &mut plus } else { &mut minus }) += &term;
        n += 1;
        term = ((&term * &small) >> FRACTION) / n;
    }
    let mut out = plus - minus;
    for _ in 0..8 {
        out = (&out * &out) >> FRACTION;
    }
    out
}

/// `round(2^93 a / b)` for `a < b`.
fn round_ratio(a: &BigUint, b: &BigUint) -> u128 {
    let scaled = ((a << (PRECISION + 1)) / b + 1u32) >> 1u32;
    u128::try_from(scaled).unwrap_or(u128::MAX)
}
