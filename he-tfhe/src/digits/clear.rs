//! The operations in the clear: one function for each, on numbers of `bits` bits, 1 to 64.
//!
//! Signed numbers are `i64` and unsigned ones `u64`; only their low `bits` bits count.

fn mask(bits: u32) -> u128 {
    u128::MAX >> (128 - bits.clamp(1, 64))
}

/// The low bits of a number.
pub fn unsigned(value: i64, bits: u32) -> u64 {
    (value as u128 & mask(bits)) as u64
}

/// The low bits of a number, as two's complement.
pub fn signed(value: i128, bits: u32) -> i64 {
    let spare = 128 - bits.clamp(1, 64);
    ((value << spare) >> spare) as i64
}

/// `a + b`.
pub fn add(a: i64, b: i64, bits: u32) -> i64 {
    signed(i128::from(a) + i128::from(b), bits)
}

/// `a − b`.
pub fn sub(a: i64, b: i64, bits: u32) -> i64 {
    signed(i128::from(a) - i128::from(b), bits)
}

/// `−a`.
pub fn negate(a: i64, bits: u32) -> i64 {
    signed(-i128::from(a), bits)
}

/// `a·b`.
pub fn mul(a: i64, b: i64, bits: u32) -> i64 {
    signed(i128::from(a).wrapping_mul(i128::from(b)), bits)
}

/// The fixed-point product with `fraction` bits behind the point, for digits of `digit_bits` bits, base `r`. With
/// `A = a mod 2^W` and `B = b mod 2^W`, their digits `A_i` and `B_j`, the signs `s_a` and `s_b`, and
/// `t = max(0, fraction/digit_bits − 2)`:
///
/// ```text
/// P = Σ_{i+j ≥ t} A_i·B_j·r^(i+j) − 2^W·(s_a·B + s_b·A),     result = ⌊P/2^fraction⌋ mod 2^W
/// ```
pub fn fixed_mul(a: i64, b: i64, bits: u32, fraction: u32, digit_bits: u32) -> i64 {
    let (bits, digit_bits) = (bits.clamp(1, 64), digit_bits.clamp(1, 64));
    let (count, least) = (bits / digit_bits, (fraction / digit_bits).saturating_sub(2));
    let (whole_a, whole_b) = (u128::from(unsigned(a, bits)), u128::from(unsigned(b, bits)));
    let digit = |whole: u128, i: u32| (whole >> (digit_bits * i)) & ((1 << digit_bits) - 1);
    // Modulo 2^128, which is enough: bits of P from 2^(fraction + W) on do not count.
    let mut product = 0_u128;
    for i in 0..count {
        for j in (0..count).filter(|j| i + j >= least) {
            product = product.wrapping_add((digit(whole_a, i) * digit(whole_b, j)) << (digit_bits * (i + j)));
        }
    }
    let sign = |whole: u128| whole >> (bits - 1);
    let correction = (sign(whole_a) * whole_b).wrapping_add(sign(whole_b) * whole_a);
    product = product.wrapping_sub(correction << bits);
    signed(product.checked_shr(fraction).unwrap_or(0) as i128, bits)
}

/// `a < b`, signed.
pub fn lt(a: i64, b: i64, bits: u32) -> bool {
    signed(a.into(), bits) < signed(b.into(), bits)
}

/// `a < b`, unsigned.
pub fn lt_unsigned(a: i64, b: i64, bits: u32) -> bool {
    unsigned(a, bits) < unsigned(b, bits)
}

/// `max(a, 0)`, signed.
pub fn relu(a: i64, bits: u32) -> i64 {
    signed(a.into(), bits).max(0)
}

/// `a·2^amount`.
pub fn shift_left(a: i64, amount: u32, bits: u32) -> i64 {
    if amount < bits.clamp(1, 64) { signed(i128::from(a) << amount, bits) } else { 0 }
}

/// `⌊a/2^amount⌋`, signed.
pub fn shift_right(a: i64, amount: u32, bits: u32) -> i64 {
    signed(a.into(), bits) >> amount.min(63)
}

/// `⌊a/2^amount⌋`, unsigned; the result as two's complement.
pub fn shift_right_unsigned(a: i64, amount: u32, bits: u32) -> i64 {
    signed((u128::from(unsigned(a, bits)) >> amount.min(64)) as i128, bits)
}

/// Quotient and remainder, unsigned; the results as two's complement. By 0: all ones, and `a`.
pub fn div_rem_unsigned(a: i64, d: i64, bits: u32) -> (i64, i64) {
    let (a, d) = (unsigned(a, bits), unsigned(d, bits));
    let parts = a.checked_div(d).map_or((u64::MAX, a), |quotient| (quotient, a % d));
    (signed(parts.0.into(), bits), signed(parts.1.into(), bits))
}

/// Quotient and remainder, signed, rounded towards 0. By 0: −1 for `a ≥ 0`, 1 for `a < 0`, and `a`.
pub fn div_rem(a: i64, d: i64, bits: u32) -> (i64, i64) {
    let (a, d) = (i128::from(signed(a.into(), bits)), i128::from(signed(d.into(), bits)));
    match d {
        0 => (if a < 0 { 1 } else { -1 }, a as i64),
        _ => (signed(a / d, bits), signed(a % d, bits)),
    }
}
