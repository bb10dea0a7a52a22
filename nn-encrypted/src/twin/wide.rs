//! Exact matrices of integers without a bound, where nothing takes fractional bits away.

use ndarray::{Array2, ArrayRef2, Axis};
use num_bigint::{BigInt, BigUint, Sign};

/// Bits of a float's significand, below the first.
const SIGNIFICAND: u32 = 52;

/// `x·2^bits`, rounded half away from zero.
pub(super) fn integer(x: f64, bits: u32) -> BigInt {
    let raw = x.to_bits();
    let (exponent, fraction) = (raw >> SIGNIFICAND & 0x7ff, raw & ((1 << SIGNIFICAND) - 1));
    let significand = BigUint::from(if exponent > 0 { fraction | 1 << SIGNIFICAND } else { fraction });
    let shift = exponent.max(1) as i64 - 1075 + i64::from(bits);
    let magnitude = match shift {
        0.. => significand << shift as u64,
        _ => ((significand << 1_u32 >> shift.unsigned_abs()) + 1_u32) >> 1_u32,
    };
    BigInt::from_biguint(if x < 0.0 { Sign::Minus } else { Sign::Plus }, magnitude)
}

/// `n/2^bits` as the nearest float, of two equally near the even one.
pub(super) fn float(n: &BigInt, bits: u32) -> f64 {
    let shift = n.bits().saturating_sub(64);
    let high = n.magnitude() >> shift;
    // One bit for all that are cut off: what is rounded lies on the right side of a middle.
    let rest = u64::from(shift > 0 && n.magnitude().trailing_zeros().is_some_and(|zeros| zeros < shift));
    let high = high.iter_u64_digits().next().unwrap_or(0) | rest;
    let value = high as f64 * 2_f64.powi((shift as i64 - i64::from(bits)) as i32);
    if n.sign() == Sign::Minus { -value } else { value }
}

/// `a·b`.
pub(super) fn product(a: &ArrayRef2<BigInt>, b: &ArrayRef2<BigInt>) -> Array2<BigInt> {
    let mut result = Array2::zeros((a.nrows(), b.ncols()));
    for (mut to, row) in result.rows_mut().into_iter().zip(a.rows()) {
        for (factor, from) in row.iter().zip(b.rows()) {
            to.zip_mut_with(&from, |sum: &mut BigInt, value| *sum += factor * value);
        }
    }
    result
}

/// `a·factor_a·2^shift_a + b·factor_b·2^shift_b`, where a single row of `b` is added to every row of `a`; none of another shape.
pub(super) fn combine(
    a: &ArrayRef2<BigInt>,
    (factor_a, shift_a): (i64, u32),
    b: &ArrayRef2<BigInt>,
    (factor_b, shift_b): (i64, u32),
) -> Option<Array2<BigInt>> {
    let mut sum = a.to_owned();
    let b = b.broadcast(a.dim())?;
    sum.zip_mut_with(&b, |a, b| {
        *a = ((&*a * factor_a) << shift_a) + ((b * factor_b) << shift_b);
    });
    Some(sum)
}

/// The products of entries at the same places.
pub(super) fn times(a: &ArrayRef2<BigInt>, b: &ArrayRef2<BigInt>) -> Option<Array2<BigInt>> {
    let mut products = a.to_owned();
    let b = b.broadcast(a.dim())?;
    products.zip_mut_with(&b, |a, b| *a *= b);
    Some(products)
}

pub(super) fn sum_rows(values: &ArrayRef2<BigInt>) -> Array2<BigInt> {
    values.sum_axis(Axis(0)).insert_axis(Axis(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn floats_come_back_and_integers_are_rounded_to_the_nearest(x in any::<i64>(), y in any::<i64>(), up in 0_u32..200) {
            let real = x as f64 / 1024.0;
            prop_assert_eq!(float(&integer(real, 20), 20), real);
            prop_assert_eq!(float(&(integer(real, 20) << up), 20 + up), real);
            prop_assert_eq!(float(&BigInt::from(x), 3), x as f64 / 8.0);
            let long = i128::from(x) << 64 | i128::from(y.unsigned_abs());
            prop_assert_eq!(float(&BigInt::from(long), 0), long as f64);
            prop_assert_eq!(integer(real, 4), BigInt::from((real * 16.0).round() as i64));
        }
    }

    #[test]
    fn middles_go_to_even_ones_and_a_bit_far_below_decides() {
        let middle: BigInt = (BigInt::from((1_u64 << 53) + 1)) << 100_u32;
        assert_eq!(float(&middle, 100), (1_u64 << 53) as f64);
        assert_eq!(float(&(middle.clone() + 1_i32), 100), ((1_u64 << 53) + 2) as f64);
        assert_eq!(float(&-(middle.clone() + 1_i32), 100), -((1_u64 << 53) as f64 + 2.0));
        assert_eq!(
            (float(&BigInt::ZERO, 7), integer(0.0, 9), integer(-0.5, 0)),
            (0.0, BigInt::ZERO, BigInt::from(-1))
        );
    }
}
