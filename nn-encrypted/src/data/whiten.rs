//! Features without correlation: `y = L⁻¹·(x - mean)` with `L·Lᵀ` the covariance of the training part.
//!
//! `L` is lower triangular (Cholesky), so that each feature keeps what the ones before it do not tell already.

use ndarray::Array2;

/// A pivot below this part of a feature's variance is taken for 0: earlier features determine it.
const SMALLEST_PIVOT: f64 = 1e-9;

/// The lower triangular factor of a covariance; a feature that earlier ones determine has 0 on the diagonal.
pub(super) fn factor(covariance: &Array2<f64>) -> Array2<f64> {
    let n = covariance.nrows();
    let mut lower = Array2::zeros((n, n));
    for j in 0..n {
        let known =
            |i: usize, lower: &Array2<f64>| (0..j).map(|k| lower[(i, k)] * lower[(j, k)]).sum::<f64>();
        let pivot = covariance[(j, j)] - known(j, &lower);
        if pivot <= SMALLEST_PIVOT * covariance[(j, j)] {
            continue;
        }
        let root = pivot.sqrt();
        for i in j..n {
            lower[(i, j)] = (covariance[(i, j)] - known(i, &lower)) / root;
        }
    }
    lower
}

/// Replaces a centred sample by its coordinates without correlation; determined features become 0.
pub(super) fn solve(lower: &Array2<f64>, sample: &mut [f64]) {
    for j in 0..sample.len() {
        let known: f64 = (0..j).map(|k| lower[(j, k)] * sample[k]).sum();
        let pivot = lower[(j, j)];
        sample[j] = if pivot > 0.0 { (sample[j] - known) / pivot } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_factor_and_a_determined_feature() {
        let covariance = ndarray::arr2(&[[4.0, 2.0, 4.0], [2.0, 10.0, 2.0], [4.0, 2.0, 4.0]]);
        let lower = factor(&covariance);
        assert_eq!(lower, ndarray::arr2(&[[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [2.0, 0.0, 0.0]]));
        let mut sample = [2.0, 7.0, 2.0];
        solve(&lower, &mut sample);
        assert_eq!(sample, [1.0, 2.0, 0.0]);
    }
}
