//! The transposition of eight vectors of eight floats.

use pulp::Simd;
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use pulp::core_arch::x86::Avx512f;

/// Lane `j` of vector `i` as lane `i` of vector `j`.
///
/// # Panics
/// If vectors have other than eight lanes.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(simd: S, rows: [S::f64s; 8]) -> [S::f64s; 8] {
    assert_eq!(S::F64_LANES, 8, "eight rows of eight lanes");
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V4>() {
        return pulp::bytemuck::cast(shuffled(simd.avx512f, pulp::bytemuck::cast(rows)));
    }
    let _ = simd;
    let rows: [[f64; 8]; 8] = pulp::bytemuck::cast(rows);
    let mut columns = [[0.0; 8]; 8];
    for (i, row) in rows.iter().enumerate() {
        for (column, &x) in columns.iter_mut().zip(row) {
            column[i] = x;
        }
    }
    pulp::bytemuck::cast(columns)
}

#[cfg(all(feature = "avx512", target_arch = "x86"))]
type Row = std::arch::x86::__m512d;
#[cfg(all(feature = "avx512", target_arch = "x86_64"))]
type Row = std::arch::x86_64::__m512d;

/// Pairs of rows are transposed in blocks of two by two, then the blocks.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
#[inline(always)]
pub(crate) fn shuffled(avx: Avx512f, [r0, r1, r2, r3, r4, r5, r6, r7]: [Row; 8]) -> [Row; 8] {
    let (low, high) = (|a, b| avx._mm512_unpacklo_pd(a, b), |a, b| avx._mm512_unpackhi_pd(a, b));
    let [c0, c2, c4, c6] = blocks(avx, [low(r0, r1), low(r2, r3), low(r4, r5), low(r6, r7)]);
    let [c1, c3, c5, c7] = blocks(avx, [high(r0, r1), high(r2, r3), high(r4, r5), high(r6, r7)]);
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// The transposition of four vectors of four pairs.
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
#[inline(always)]
fn blocks(avx: Avx512f, [a, b, c, d]: [Row; 4]) -> [Row; 4] {
    let even = |a, b| avx._mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
    let odd = |a, b| avx._mm512_shuffle_f64x2::<0b11_01_11_01>(a, b);
    let (ab, cd, ab_, cd_) = (even(a, b), even(c, d), odd(a, b), odd(c, d));
    [even(ab, cd), even(ab_, cd_), odd(ab, cd), odd(ab_, cd_)]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Check;

    impl pulp::WithSimd for Check {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            if S::F64_LANES != 8 {
                return;
            }
            let number = |i: usize, j: usize| (8 * i + j) as f64;
            let rows: [[f64; 8]; 8] = std::array::from_fn(|i| std::array::from_fn(|j| number(i, j)));
            let columns: [[f64; 8]; 8] = std::array::from_fn(|i| std::array::from_fn(|j| number(j, i)));
            let found = transpose(simd, pulp::bytemuck::cast::<_, [S::f64s; 8]>(rows));
            assert_eq!(pulp::bytemuck::cast::<_, [[f64; 8]; 8]>(found), columns);
        }
    }

    #[test]
    fn rows_become_columns_on_this_machine_and_on_any() {
        pulp::Arch::new().dispatch(Check);
        pulp::WithSimd::with_simd(Check, pulp::Scalar512b);
    }
}
