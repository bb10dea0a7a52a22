//! Numbers of slots to rotate by.

/// A number of slots to rotate by: to the left, and to the right where it is negative.
///
/// ```
/// use he_core::ring::Steps;
///
/// // Of eight slots: two to the left, three to the right, and once around besides.
/// assert_eq!([2.modulo(8), (-3).modulo(8), (-11_i64).modulo(8)], [2, 5, 5]);
/// assert_eq!([10_usize.modulo(8), usize::MAX.modulo(8)], [2, 7]);
/// ```
pub trait Steps: Copy + Send + Sync {
    /// The steps to the left, below `period`, that do the same in a cycle of so many slots.
    ///
    /// # Panics
    /// If the period is 0.
    fn modulo(self, period: usize) -> usize;
}

macro_rules! steps {
    ($($integer:ty: $wide:expr),+) => { $(
        impl Steps for $integer {
            #[inline]
            fn modulo(self, period: usize) -> usize {
                let wide: fn(Self) -> i128 = $wide;
                wide(self).rem_euclid(period as i128) as usize
            }
        }
    )+ };
}

steps!(i32: i128::from, i64: i128::from, isize: |k| k as i128);
steps!(u32: i128::from, u64: i128::from, usize: |k| k as i128);
