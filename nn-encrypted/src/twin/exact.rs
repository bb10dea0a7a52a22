//! Exact arithmetic of integers and of integer matrices: every result fits an `i64`, or there is none.

use ndarray::{Array2, ArrayRef2, LinalgScalar};

/// Up to here every integer, and so every partial sum, is a float exactly.
const EXACT_IN_F32: u128 = 1 << 24;
const EXACT_IN_F64: u128 = 1 << 53;

/// `n / 2^shift`, rounded half away from zero; 0 for shifts above 63.
pub(super) fn round_shift(n: i64, shift: u32) -> i64 {
    if shift == 0 {
        return n;
    }
    if shift > 63 {
        return 0;
    }
    let magnitude = n.unsigned_abs();
    let rounded = ((magnitude >> shift) + ((magnitude >> (shift - 1)) & 1)) as i64;
    let sign = n >> 63; // 0 or -1
    (rounded ^ sign) - sign
}

/// `2^bits`, if it is an `i64`.
pub(super) fn power(bits: u32) -> Option<i64> {
    (bits < 63).then(|| 1 << bits)
}

/// The largest magnitude of a matrix.
pub(super) fn max_abs(values: &ArrayRef2<i64>) -> u64 {
    let larger = |most: u64, value: &i64| most.max(value.unsigned_abs());
    values
        .as_slice_memory_order()
        .map_or_else(|| values.iter().fold(0, larger), |all| all.iter().fold(0, larger))
}

/// `a·b`; before it is computed, the largest magnitudes prove that no sum can overflow.
pub(super) fn product(a: &ArrayRef2<i64>, b: &ArrayRef2<i64>) -> Option<Array2<i64>> {
    let factors = u128::from(max_abs(a)) * u128::from(max_abs(b));
    let bound = factors.checked_mul(a.ncols() as u128)?;
    if bound <= EXACT_IN_F32 {
        Some(in_floats(a, b, |n| n as f32, |x| x as i64))
    } else if bound <= EXACT_IN_F64 {
        Some(in_floats(a, b, |n| n as f64, |x| x as i64))
    } else {
        (bound <= i64::MAX as u128).then(|| in_integers(a, b))
    }
}

/// The fast way: floats that hold every partial sum are exact.
fn in_floats<F: LinalgScalar>(
    a: &ArrayRef2<i64>,
    b: &ArrayRef2<i64>,
    float: impl Fn(i64) -> F,
    integer: impl Fn(F) -> i64,
) -> Array2<i64> {
    a.mapv(&float).dot(&b.mapv(&float)).mapv(integer)
}

fn in_integers(a: &ArrayRef2<i64>, b: &ArrayRef2<i64>) -> Array2<i64> {
    let mut result = Array2::zeros((a.nrows(), b.ncols()));
    for (mut to, row) in result.rows_mut().into_iter().zip(a.rows()) {
        for (&factor, from) in row.iter().zip(b.rows()) {
            to.zip_mut_with(&from, |sum: &mut i64, &value| *sum += factor * value);
        }
    }
    result
}

/// `a·factor_a + b·factor_b`, where a single row of `b` is added to every row of `a`.
pub(super) fn combine(
    a: &ArrayRef2<i64>,
    factor_a: i64,
    b: &ArrayRef2<i64>,
    factor_b: i64,
) -> Option<Array2<i64>> {
    let of = |largest: u64, factor: i64| u128::from(largest) * u128::from(factor.unsigned_abs());
    let bound = of(max_abs(a), factor_a).checked_add(of(max_abs(b), factor_b))?;
    let fits = bound <= i64::MAX as u128;
    let b = b.broadcast(a.dim()).filter(|_| fits)?;
    let mut sum = a.to_owned();
    sum.zip_mut_with(&b, |a, b| *a = *a * factor_a + b * factor_b);
    Some(sum)
}

/// The products of entries at the same places.
pub(super) fn times(a: &ArrayRef2<i64>, b: &ArrayRef2<i64>) -> Option<Array2<i64>> {
    let bound = u128::from(max_abs(a)) * u128::from(max_abs(b));
    (bound <= i64::MAX as u128).then(|| a * b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;
    use ndarray::arr2;
    use proptest::prelude::*;

    #[test]
    fn half_away_from_zero() {
        let table =
            [(5, 1, 3), (-5, 1, -3), (4, 1, 2), (-4, 1, -2), (7, 2, 2), (-7, 2, -2), (6, 2, 2), (-6, 2, -2)];
        for (n, shift, expected) in table {
            assert_eq!(round_shift(n, shift), expected, "{n} / 2^{shift}");
        }
        assert_eq!((round_shift(127, 8), round_shift(128, 8), round_shift(-128, 8)), (0, 1, -1));
        assert_eq!((round_shift(-9, 0), round_shift(i64::MAX, 63), round_shift(i64::MIN, 63)), (-9, 1, -1));
        assert_eq!((round_shift(i64::MIN, 64), round_shift(i64::MIN, 1)), (0, i64::MIN / 2));
        for n in -1000..1000 {
            let exact = n as f64 / 16.0;
            assert_eq!(round_shift(n, 4), exact.round() as i64, "{n}"); // f64::round is half away from zero
        }
    }

    #[test]
    fn scales_and_overflow() {
        assert_eq!((power(62), power(63)), (Some(1 << 62), None));
        let (a, row) = (arr2(&[[1, -2], [3, 4]]), arr2(&[[10, 20]]));
        assert_eq!(combine(&a, 2, &row, -1), Some(arr2(&[[-8, -24], [-4, -12]])));
        assert_eq!(combine(&a, i64::MAX / 4, &row, 1), None);
        assert_eq!((times(&a, &a), times(&a, &(a.clone() << 61))), (Some(arr2(&[[1, 4], [9, 16]])), None));
    }

    #[test]
    fn both_ways_agree_and_overflow_is_refused() {
        let a = arr2(&[[1, -2], [3, 4]]);
        assert_eq!(product(&a, &a), Some(arr2(&[[-5, -10], [15, 10]])));
        let large = arr2(&[[1_i64 << 40, 1]]);
        let sum = product(&large, &arr2(&[[1_i64 << 21], [1]])).unwrap();
        assert_eq!(sum, arr2(&[[(1_i64 << 61) + 1]])); // beyond the exact floats
        assert_eq!(product(&large, &arr2(&[[1_i64 << 23], [1]])), None);
    }

    proptest! {
        #[test]
        fn floats_equal_integers(values in proptest::collection::vec(-(1_i64 << 24)..1 << 24, 30)) {
            let a = ArrayView2::from_shape((3, 5), &values[..15]).unwrap();
            let b = ArrayView2::from_shape((5, 3), &values[15..]).unwrap();
            prop_assert_eq!(in_floats(&a, &b, |n| n as f64, |x| x as i64), in_integers(&a, &b));
            let (a, b) = (a.mapv(|n| n >> 14), b.mapv(|n| n >> 14));
            prop_assert_eq!(in_floats(&a, &b, |n| n as f32, |x| x as i64), in_integers(&a, &b));
        }
    }
}
