//! From measured values to integers: `x = round(normalized · 2^f)`, saturated to a bound.
//!
//! What a normalization needs to know of the data it learns from the training part alone. Only the four basic
//! operations and the square root are used, which IEEE 754 rounds alike on every machine.

use ndarray::{Array2, ArrayRef1, ArrayRef2, CowArray, Ix2};
use serde::{Deserialize, Serialize};

use super::whiten;

/// How a feature becomes a number of about size 1; saturated to ±`limit` afterwards.
///
/// ```
/// use nn_encrypted::data::Normalization;
///
/// let pixels = Normalization::Affine { divisor: 255.0, center: 0.125, limit: 0.875 };
/// assert_ne!(pixels, Normalization::MinMax { limit: 0.875 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Normalization {
    /// `raw / divisor - center`, the same for all features.
    Affine {
        /// The divisor of a raw value.
        divisor: f64,
        /// The value subtracted then.
        center: f64,
        /// The largest magnitude.
        limit: f64,
    },
    /// The range of each feature in the training part becomes [-limit, limit].
    MinMax {
        /// The largest magnitude.
        limit: f64,
    },
    /// `scale · (raw - mean) / deviation` with mean and deviation of each feature in the training part.
    Standardize {
        /// The deviation afterwards.
        scale: f64,
        /// The largest magnitude.
        limit: f64,
    },
    /// `scale · L⁻¹(raw - mean)` with `L·Lᵀ` the covariance of the training part: no feature repeats earlier ones, each
    /// has the deviation `scale`.
    Whiten {
        /// How many square roots are taken first, signs kept. Three of them make measures that grow by a factor grow
        /// nearly by a difference, as a logarithm would, but are the same on every machine.
        #[serde(default)]
        roots: u32,
        /// The deviation afterwards.
        scale: f64,
        /// The largest magnitude.
        limit: f64,
    },
}

impl Normalization {
    /// The largest magnitude.
    #[must_use]
    pub(crate) fn limit(&self) -> f64 {
        match *self {
            Self::Affine { limit, .. }
            | Self::MinMax { limit }
            | Self::Standardize { limit, .. }
            | Self::Whiten { limit, .. } => limit,
        }
    }

    /// Learns from the rows of the training part; results have `fraction_bits` fractional bits.
    #[must_use]
    pub(crate) fn fit(&self, x: &ArrayRef2<f64>, train: &[usize], fraction_bits: u32) -> Scale {
        let x = &self.rooted(x);
        let maps = x.columns().into_iter().map(|column| self.map(&column, train)).collect();
        let unit = (1_u64 << fraction_bits) as f64;
        let mut scale =
            Scale { rule: *self, maps, lower: None, unit, bound: (self.limit() * unit).floor() as i32 };
        if matches!(self, Self::Whiten { .. }) {
            scale.lower = Some(scale.correlation(x, train));
        }
        scale
    }

    /// The values before they are mapped.
    fn rooted<'x>(&self, x: &'x ArrayRef2<f64>) -> CowArray<'x, f64, Ix2> {
        let roots = if let Self::Whiten { roots, .. } = *self { roots } else { 0 };
        if roots == 0 {
            return x.view().into();
        }
        let rooted = x.mapv(|value| (0..roots).fold(value.abs(), |root, _| root.sqrt()).copysign(value));
        rooted.into()
    }

    /// (offset, divisor, center) such that a value becomes `(raw - offset) / divisor - center`.
    fn map(&self, column: &ArrayRef1<f64>, rows: &[usize]) -> (f64, f64, f64) {
        let values = || rows.iter().map(|&row| column[row]);
        match *self {
            Self::Affine { divisor, center, .. } => (0.0, divisor, center),
            Self::MinMax { limit } => {
                let low = values().fold(f64::INFINITY, f64::min);
                let high = values().fold(f64::NEG_INFINITY, f64::max);
                let half = (high - low) / 2.0;
                (low + half, constant(half) / limit, 0.0)
            }
            Self::Standardize { scale, .. } | Self::Whiten { scale, .. } => {
                let n = rows.len() as f64;
                let mean = values().sum::<f64>() / n;
                let variance = values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
                (mean, constant(variance.sqrt()) / scale, 0.0)
            }
        }
    }
}

/// A learnt normalization.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    rule: Normalization,
    maps: Vec<(f64, f64, f64)>,
    /// Factor of the correlations of the mapped features, relative to their variance.
    lower: Option<Array2<f64>>,
    unit: f64,
    bound: i32,
}

impl Scale {
    /// The magnitude that no result exceeds.
    #[must_use]
    pub(crate) fn bound(&self) -> i32 {
        self.bound
    }

    /// The first feature whose values are too far apart for their middle and width to be numbers.
    pub(super) fn overflowing(&self) -> Option<usize> {
        let finite = |&(offset, divisor, center): &(f64, f64, f64)| (offset + divisor + center).is_finite();
        self.maps.iter().position(|map| !finite(map))
    }

    /// The integers of some rows of a table with the features learnt from, and how many of them were saturated.
    #[must_use]
    pub(crate) fn apply(&self, x: &ArrayRef2<f64>, rows: &[usize]) -> (Array2<i32>, u64) {
        let mut saturated = 0;
        let bound = f64::from(self.bound);
        let mut result = Array2::zeros((rows.len(), x.ncols()));
        let x = &self.rule.rooted(x);
        for (to, &row) in result.rows_mut().into_iter().zip(rows) {
            let mut mapped = self.mapped(x, row);
            if let Some(lower) = &self.lower {
                whiten::solve(lower, &mut mapped);
            }
            for (to, value) in to.into_iter().zip(mapped) {
                let value = (value * self.unit).round();
                saturated += u64::from(value.abs() > bound);
                *to = value.clamp(-bound, bound) as i32;
            }
        }
        (result, saturated)
    }

    /// The features of a row, each on its own.
    fn mapped(&self, x: &ArrayRef2<f64>, row: usize) -> Vec<f64> {
        let map =
            |(&raw, &(offset, divisor, center)): (&f64, &(f64, f64, f64))| (raw - offset) / divisor - center;
        x.row(row).iter().zip(&self.maps).map(map).collect()
    }

    /// The factor of the correlations: features of one deviation in, features of the same deviation out.
    fn correlation(&self, x: &ArrayRef2<f64>, rows: &[usize]) -> Array2<f64> {
        let mut covariance = Array2::<f64>::zeros((x.ncols(), x.ncols()));
        for &row in rows {
            let mapped = self.mapped(x, row);
            for ((i, j), sum) in covariance.indexed_iter_mut() {
                *sum += mapped[i] * mapped[j];
            }
        }
        let largest = covariance.diag().fold(0.0, |a: f64, &b| a.max(b));
        whiten::factor(&(covariance / constant(largest)))
    }
}

/// A width to divide by; that of a constant is 1.
fn constant(width: f64) -> f64 {
    if width > 0.0 { width } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn digits_become_pixel_minus_5() {
        let rule = Normalization::Affine { divisor: 16.0, center: 0.3125, limit: 0.6875 };
        let raw = Array2::from_shape_fn((17, 1), |(i, _)| i as f64);
        let rows: Vec<usize> = (0..17).collect();
        let scale = rule.fit(&raw, &rows, 4);
        assert_eq!(scale.bound(), 11);
        let (x, saturated) = scale.apply(&raw, &rows);
        assert!(x.iter().copied().eq(-5..=11));
        assert_eq!(saturated, 0);
    }

    #[test]
    fn mnist_becomes_a_sixteenth_minus_2() {
        let rule = Normalization::Affine { divisor: 255.0, center: 0.125, limit: 0.875 };
        let raw = Array2::from_shape_fn((256, 1), |(i, _)| i as f64);
        let rows: Vec<usize> = (0..256).collect();
        let scale = rule.fit(&raw, &rows, 4);
        assert_eq!(scale.bound(), 14);
        let (x, _) = scale.apply(&raw, &rows);
        for (p, &v) in x.iter().enumerate() {
            assert_eq!(i64::from(v), ((32 * p as i64 + 255) / 510) - 2, "pixel {p}"); // round(16p/255) - 2
        }
    }

    #[test]
    fn learnt_from_the_training_part_and_saturated() {
        let x = arr2(&[[0.0, 7.0], [10.0, 7.0], [5.0, 7.0], [25.0, 9.0], [-1.0, 0.0]]);
        let (train, test) = ([0, 1], [2, 3, 4]);
        let scale = Normalization::MinMax { limit: 1.0 }.fit(&x, &train, 4);
        assert_eq!(scale.apply(&x, &train), (arr2(&[[-16, 0], [16, 0]]), 0));
        assert_eq!(scale.apply(&x, &test), (arr2(&[[0, 0], [16, 16], [-16, -16]]), 4));
        let scale = Normalization::Standardize { scale: 0.5, limit: 1.0 }.fit(&x, &train, 4);
        assert_eq!(scale.apply(&x, &train), (arr2(&[[-8, 0], [8, 0]]), 0));
    }

    #[test]
    fn roots_keep_signs_and_tell_factors_apart() {
        let rule = Normalization::Whiten { roots: 3, scale: 1.0, limit: 4.0 };
        let x = arr2(&[[256.0], [-256.0], [0.0], [1.0]]);
        assert_eq!(rule.rooted(&x).to_owned(), arr2(&[[2.0], [-2.0], [0.0], [1.0]]));
        let powers = Array2::from_shape_fn((9, 1), |(row, _)| 2_f64.powi(row as i32));
        let rows: Vec<usize> = (0..9).collect();
        let (y, _) = rule.fit(&powers, &rows, 8).apply(&powers, &rows);
        let (first, last) = (y[(1, 0)] - y[(0, 0)], y[(8, 0)] - y[(7, 0)]);
        assert!(f64::from(last) < 2.0 * f64::from(first), "{first} {last}"); // without roots it is 128 times
    }

    #[test]
    fn whitened_features_do_not_repeat_each_other() {
        let x = Array2::from_shape_fn((64, 3), |(row, feature)| {
            let (a, b) = ((row % 8) as f64, (row / 8) as f64);
            [100.0 * a, 100.0 * a + b, 3.0 * b][feature]
        });
        let rows: Vec<usize> = (0..64).collect();
        let scale = Normalization::Whiten { roots: 0, scale: 0.5, limit: 4.0 }.fit(&x, &rows, 12);
        let (y, _) = scale.apply(&x, &rows);
        let moment = |i: usize, j: usize| {
            let product = |row: &usize| f64::from(y[(*row, i)]) * f64::from(y[(*row, j)]) / 4096.0 / 4096.0;
            rows.iter().map(product).sum::<f64>() / 64.0
        };
        assert!((moment(0, 0) - 0.25).abs() < 1e-3 && (moment(1, 1) - 0.25).abs() < 1e-3);
        assert!(moment(0, 1).abs() < 1e-3);
        assert!(y.column(2).iter().all(|&v| v == 0)); // the first two determine it
    }
}
