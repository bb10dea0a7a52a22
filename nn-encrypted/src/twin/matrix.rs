//! Exact products of integer matrices.

use ndarray::{Array2, ArrayRef2, LinalgScalar};

use super::TwinError;

/// Up to here every integer, and so every partial sum, is a float exactly.
const EXACT_IN_F32: u128 = 1 << 24;
const EXACT_IN_F64: u128 = 1 << 53;

/// The largest magnitude of a matrix.
pub(super) fn max_abs<'a>(values: impl IntoIterator<Item = &'a i64>) -> u64 {
    values.into_iter().map(|value| value.unsigned_abs()).max().unwrap_or(0)
}

/// `a·b`, exactly: before it is computed, the largest magnitudes prove that no sum can overflow.
pub(super) fn product(
    tensor: &str,
    a: &ArrayRef2<i64>,
    b: &ArrayRef2<i64>,
) -> Result<Array2<i64>, TwinError> {
    if a.ncols() != b.nrows() {
        return Err(TwinError::Shape {
            what: "inner sides of a product",
            found: b.nrows(),
            needed: a.ncols(),
        });
    }
    let overflow = || TwinError::Overflow { tensor: tensor.to_owned() };
    let factors = u128::from(max_abs(a)) * u128::from(max_abs(b));
    let bound = factors.checked_mul(a.ncols() as u128).ok_or_else(overflow)?;
    if bound <= EXACT_IN_F32 {
        Ok(in_floats(a, b, |n| n as f32, |x| x as i64))
    } else if bound <= EXACT_IN_F64 {
        Ok(in_floats(a, b, |n| n as f64, |x| x as i64))
    } else if bound <= i64::MAX as u128 {
        Ok(in_integers(a, b))
    } else {
        Err(overflow())
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;
    use ndarray::arr2;
    use proptest::prelude::*;

    #[test]
    fn both_ways_agree_and_overflow_is_refused() {
        let a = arr2(&[[1, -2], [3, 4]]);
        assert_eq!(product("t", &a, &a).unwrap(), &arr2(&[[-5, -10], [15, 10]]));
        let large = arr2(&[[1_i64 << 40, 1]]);
        let sum = product("t", &large, &arr2(&[[1_i64 << 21], [1]])).unwrap();
        assert_eq!(sum, arr2(&[[(1_i64 << 61) + 1]])); // beyond the exact floats
        let error = product("z", &large, &arr2(&[[1_i64 << 23], [1]])).unwrap_err();
        assert!(error.to_string().starts_with("z: a value does not fit 63 bits"));
        assert!(product("t", &a, &arr2(&[[1]])).is_err());
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
