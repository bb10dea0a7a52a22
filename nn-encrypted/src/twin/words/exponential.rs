//! The sigmoid that circuits compute, `e/(1 + e)` with `e = e^-|x|` as a product over the bits of `|x|`.
//!
//! With `p = f + 3` and `y = |x| = Σ y_b·2^b`, a bit `b` weighs `v_b = 2^(b - f)`; `r` rounds to an integer.
//! 1. If `y` has a bit with `r(2^p·e^-v_b) = 0`, `E = 0`. The highest five of the other bits, `h` in all, begin it:
//!    `E = min(2^p - 1, r(2^p·e^-h))`.
//! 2. Each further bit of `y` with `2·(f - b) <= p`, the highest first, takes `E·(1 - e^-v_b)` away, as
//!    `Σ ±⌊E / 2^(p-k)⌋` over the non-adjacent form `Σ ±2^k` of `r(2^p·(1 - e^-v_b))`.
//! 3. All lower bits together take `Σ ⌊E / 2^(f-b)⌋` away.
//! 4. With `e = ⌊E / 4⌋`: `⌊2^f·e / (2^(f+1) + e)⌋` for `x < 0`, and `2^f - 1` less that otherwise.

/// Bits of `y` that one constant stands for.
const FIRST: u32 = 5;

/// The word of the sigmoid of a word of `bits` bits, `fraction` of them behind the point.
pub(super) fn sigmoid(x: i64, bits: u32, fraction: u32) -> i64 {
    let e = i128::from(exponential(x.unsigned_abs(), bits, fraction) / 4);
    let below = ((e << fraction) / ((2 << fraction) + e)) as i64;
    if x < 0 { below } else { (1 << fraction) - 1 - below }
}

/// `E`.
fn exponential(y: u64, bits: u32, fraction: u32) -> i64 {
    let p = fraction as i32 + 3;
    let unit = 2_f64.powi(p);
    let weight = |bit: u32| 2_f64.powi(bit as i32 - fraction as i32);
    let set = |bit: u32| (y >> bit) % 2 == 1;
    let mut bit = bits;
    while bit > 0 && (unit * (-weight(bit - 1)).exp()).round() == 0.0 {
        bit -= 1;
        if set(bit) {
            return 0;
        }
    }
    let mut h = 0.0;
    let mut e = 0;
    for count in 0..=FIRST {
        e = ((unit * f64::exp(-h)).round() as i64).min((1 << p) - 1);
        if count < FIRST && bit > 0 {
            bit -= 1;
            h += if set(bit) { weight(bit) } else { 0.0 };
        }
    }
    while bit > 0 && 2 * (fraction as i32 - bit as i32 + 1) <= p {
        bit -= 1;
        if set(bit) {
            let constant = (unit * -(-weight(bit)).exp_m1()).round() as i64;
            e -= part(e, constant, p);
        }
    }
    let rest: i64 = (0..bit).filter(|&bit| set(bit)).map(|bit| e >> (fraction - bit)).sum();
    e - rest
}

/// `Σ ±⌊e / 2^(p-k)⌋` over the places of the non-adjacent form of a constant.
fn part(e: i64, constant: i64, p: i32) -> i64 {
    let mut sum = 0;
    let (mut rest, mut k) = (constant, 0);
    while rest > 0 {
        // 1 if the rest is 1 modulo 4, -1 if it is 3.
        let digit = match rest % 4 {
            1 => 1,
            3 => -1,
            _ => 0,
        };
        if digit != 0 {
            sum += digit * (e >> (p - k));
        }
        rest = (rest - digit) / 2;
        k += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_near_the_sigmoid() {
        for (bits, fraction) in [(8, 4), (16, 10), (32, 20)] {
            let unit = 2_f64.powi(fraction as i32);
            let step = (1_i64 << bits) / 4096;
            for x in (-(1_i64 << (bits - 1))..1 << (bits - 1)).step_by(step.max(1) as usize) {
                let exact = unit * crate::activation::sigmoid(x as f64 / unit);
                let found = sigmoid(x, bits, fraction) as f64;
                assert!((found - exact).abs() < 2.0, "{bits} {x}: {found} {exact}");
            }
        }
    }
}
