//! From measured values to integers: `x = round(normalized · 2^f)`, saturated to a bound.
//!
//! What a normalization needs to know of the data it learns from the training part alone. Only the four basic
//! operations and the square root are used, which IEEE 754 rounds alike on every machine.

use serde::{Deserialize, Serialize};

use super::Series;

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

    /// How many square roots are taken first.
    pub(super) fn roots(&self) -> u32 {
        if let Self::Whiten { roots, .. } = *self { roots } else { 0 }
    }

    /// (offset, divisor, center) such that a value becomes `(raw - offset) / divisor - center`, learnt from values.
    pub(super) fn map<V: Iterator<Item = f64>>(&self, values: impl Fn() -> V) -> (f64, f64, f64) {
        match *self {
            Self::Affine { divisor, center, .. } => (0.0, divisor, center),
            Self::MinMax { limit } => {
                let low = values().fold(f64::INFINITY, f64::min);
                let high = values().fold(f64::NEG_INFINITY, f64::max);
                let half = (high - low) / 2.0;
                (low + half, constant(half) / limit, 0.0)
            }
            Self::Standardize { scale, .. } | Self::Whiten { scale, .. } => {
                let n = values().count() as f64;
                let mean = values().sum::<f64>() / n;
                let variance = values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
                (mean, constant(variance.sqrt()) / scale, 0.0)
            }
        }
    }

    /// How measured values become targets, learnt from those of the training part: as features do, but for normalizations that say
    /// nothing of labels, with the deviation that features have.
    ///
    /// # Errors
    /// If the values of a series are to be whitened.
    pub(super) fn series(&self, values: &[f64], of_series: bool) -> Result<Series, String> {
        let rule = match *self {
            Self::Whiten { .. } if of_series => {
                return Err("data.normalize.method = \"affine\", \"min_max\" or \"standardize\" is needed for a series".to_owned());
            }
            Self::Affine { limit, .. } if !of_series => Self::Standardize { scale: limit / 2.0, limit },
            rule => rule,
        };
        let (offset, divisor, center) = rule.map(|| values.iter().copied());
        let series = Series { divisor, center: offset / divisor + center };
        if (series.divisor + series.center).is_finite() {
            return Ok(series);
        }
        Err("the measured values are too large or too far apart to be normalized".to_owned())
    }
}

/// A width to divide by; that of a constant is 1.
pub(super) fn constant(width: f64) -> f64 {
    if width > 0.0 { width } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_values_are_normalized_as_features_or_by_their_deviation() {
        let values = [1.0, 3.0];
        let of = |rule: Normalization, series| rule.series(&values, series).unwrap();
        let whiten = Normalization::Whiten { roots: 0, scale: 0.5, limit: 1.0 };
        assert_eq!(of(whiten, false), Series { divisor: 2.0, center: 1.0 });
        let affine = Normalization::Affine { divisor: 256.0, center: 2.75, limit: 1.0 };
        assert_eq!(
            (of(affine, true), of(affine, false)),
            (Series { divisor: 256.0, center: 2.75 }, of(whiten, false))
        );
        let min_max = of(Normalization::MinMax { limit: 1.0 }, true);
        assert_eq!((min_max.target(1.0), min_max.target(3.0)), (-1.0, 1.0));
        let message = whiten.series(&values, true).unwrap_err();
        assert!(message.starts_with("data.normalize.method = \"affine\""), "{message}");
    }
}
