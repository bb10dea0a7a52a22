//! `|x| = #{k >= 0 : u < Q_k}` with `Q_k = P(|X| > k)` and `u` uniform on 126-bit fractions of one.
//!
//! This is inversion of the cumulative distribution (Peikert, CRYPTO 2010, 4.1) of the absolute value, followed
//! by a random sign; as `+0` and `-0` are the same, `|X| = 0` has probability `rho(0) / S` and `|X| = k` has
//! `2 rho(k) / S`, where `rho(k) = exp(-k^2 / 2 sigma^2)` and `S` is the sum over all integers.
//!
//! The `Q_k` are computed from the binary value of `sigma` in 320-bit fixed point and rounded once to 126 bits.
//! The table ends where `Q_k` rounds to 0, beyond 13 sigma. Each entry is off by at most `2^-127`, the missing
//! tail included, so the statistical distance of a sample from the Gaussian is at most `len 2^-126`.
//!
//! Every sample reads the whole table. A comparison is the borrow of a subtraction of two 63-bit limbs, so
//! there is no compare instruction to turn into a branch, and the loop runs in vector registers.

use num_bigint::BigUint;

/// Bits after the point in the construction of a table; far more than the 126 that are kept, since the
/// recurrence loses a few bits per entry.
const FRACTION: u64 = 320;
/// Bits of a limb of a table entry: one less than the word, so that a borrow shows in the top bit.
const LIMB: u32 = 63;
const LIMB_MASK: u64 = (1 << LIMB) - 1;
/// Samples made side by side: enough to fill the vector registers and few enough not to spill.
pub(super) const LANES: usize = 8;
/// Random bytes for one sample.
pub(super) const SAMPLE_BYTES: usize = 16;

/// The probabilities `Q_k`, each as its high and its low 63 bits.
pub(super) struct Table {
    entries: Vec<[u64; 2]>,
}

impl Table {
    /// The table of width `sigma`, which the caller has checked to be in `[0.3, 64]`.
    pub(super) fn new(sigma: f64) -> Table {
        let weights = weights(sigma);
        let total: BigUint = weights.iter().sum::<BigUint>() * 2u32 - &weights[0];
        let mut tail = total.clone();
        let mut entries = Vec::with_capacity(weights.len());
        for (k, weight) in weights.iter().enumerate() {
            tail -= if k == 0 { weight.clone() } else { weight * 2u32 };
            let entry = round_ratio(&tail, &total);
            if entry == 0 {
                break;
            }
            entries.push([(entry >> LIMB) as u64, entry as u64 & LIMB_MASK]);
        }
        Table { entries }
    }

    /// The largest absolute value of a sample.
    pub(super) fn bound(&self) -> u64 {
        self.entries.len() as u64
    }

    /// One sample for each 16 bytes of randomness, scaled by `factor` and added to what is in `out`.
    #[inline(always)]
    pub(super) fn add_samples(&self, random: &[u8], factor: i64, out: &mut [i64]) {
        let words = random.as_chunks::<SAMPLE_BYTES>().0;
        for (words, out) in words.chunks(LANES).zip(out.chunks_mut(LANES)) {
            let mut low = [0; LANES];
            let mut high = [0; LANES];
            for (i, word) in words.iter().enumerate() {
                let word = u128::from_le_bytes(*word);
                low[i] = word as u64;
                high[i] = (word >> 64) as u64;
            }
            let signed = self.lookup(&low, &high);
            for (x, y) in out.iter_mut().zip(signed) {
                *x += factor * y;
            }
        }
    }

    #[inline(always)]
    fn lookup(&self, low: &[u64; LANES], high: &[u64; LANES]) -> [i64; LANES] {
        let u_low = low.map(|x| x & LIMB_MASK);
        let u_high = high.map(|x| x & LIMB_MASK);
        let mut count = [0u64; LANES];
        for &[q_high, q_low] in &self.entries {
            for i in 0..LANES {
                let borrow = u_low[i].wrapping_sub(q_low) >> LIMB;
                count[i] += u_high[i].wrapping_sub(q_high).wrapping_sub(borrow) >> LIMB;
            }
        }
        let mut out = [0; LANES];
        for i in 0..LANES {
            // -1 or 0 from the bit that the limbs leave over; x ^ -1 - (-1) = -x.
            let sign = -((high[i] >> LIMB) as i64);
            out[i] = (count[i] as i64 ^ sign) - sign;
        }
        out
    }

    /// `P(|X| = k)` for `k = 0, 1, ...`, as the table has it.
    #[cfg(test)]
    pub(super) fn probabilities(&self) -> Vec<f64> {
        let q = |e: &[u64; 2]| (u128::from(e[0]) << LIMB) + u128::from(e[1]);
        let mut above = 1u128 << (2 * LIMB);
        let mut out = Vec::new();
        for next in self.entries.iter().map(q).chain([0]) {
            out.push((above - next) as f64 / (2.0f64).powi(2 * LIMB as i32));
            above = next;
        }
        out
    }
}

/// `rho(k) = exp(-k^2 / 2 sigma^2)` for `k = 0, 1, ...` while it is above `2^-192`, in fixed point.
///
/// By `rho(k + 1) = rho(k) g^(2 k + 1)` with `g = rho(1)`; the error of `g` grows with `k^2`, which is below
/// `2^21` for all supported widths.
fn weights(sigma: f64) -> Vec<BigUint> {
    let g = exp_minus_half_inverse_square(sigma);
    let square = (&g * &g) >> FRACTION;
    let smallest = BigUint::from(1u32) << (FRACTION - 192);
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
        *(if n.is_multiple_of(2) {
            &mut plus
        } else {
            &mut minus
        }) += &term;
        n += 1;
        term = ((&term * &small) >> FRACTION) / n;
    }
    let mut out = plus - minus;
    for _ in 0..8 {
        out = (&out * &out) >> FRACTION;
    }
    out
}

/// `round(2^126 a / b)` for `a < b`.
fn round_ratio(a: &BigUint, b: &BigUint) -> u128 {
    let scaled = ((a << (2 * LIMB + 1)) / b + 1u32) >> 1u32;
    u128::try_from(scaled).unwrap_or(u128::MAX)
}
