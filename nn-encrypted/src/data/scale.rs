//! A normalization learnt from the training part, and applied.

mod given;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::normalize::constant;
use super::{Normalization, Schema, Series, Table, whiten};

/// The features of a table.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) schema: &'a Schema,
    pub(super) table: &'a Table,
}

impl Raw<'_> {
    fn get(&self, row: usize, feature: usize) -> f64 {
        self.schema.value(self.table, row, feature)
    }
}

/// A learnt normalization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    rule: Normalization,
    /// Fractional bits of results.
    fraction_bits: u32,
    /// The mean of each feature in the training part, which stands for what is missing.
    means: Vec<f64>,
    /// Least and largest value of each feature in the training part.
    ranges: Vec<[f64; 2]>,
    /// Of features of a frozen network: brought to the range of pixels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pixels: bool,
    maps: Vec<(f64, f64, f64)>,
    /// Rows of the factor of the correlations of the mapped features, relative to their variance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lower: Vec<Vec<f64>>,
}

/// The largest pixel.
const WHITE: f64 = 255.0;

impl Scale {
    /// Learns from the rows of the training part; results have `fraction_bits` fractional bits. Features of a frozen network are brought
    /// to the range of `pixels`, whose normalization the settings have: the largest value of each in the training part becomes 255; one
    /// that is nowhere positive there is left as it is.
    ///
    /// # Errors
    /// If a feature is missing in the whole training part, or its values are too large or too far apart: which, and why.
    pub(super) fn fit(
        rule: &Normalization,
        raw: Raw<'_>,
        train: &[usize],
        fraction_bits: u32,
        pixels: bool,
    ) -> Result<Self, (usize, &'static str)> {
        let (means, ranges, maps) = (vec![], vec![], vec![]);
        let mut scale = Self { rule: *rule, fraction_bits, means, ranges, pixels, maps, lower: vec![] };
        for feature in 0..raw.schema.features.len() {
            let values = || train.iter().map(|&row| raw.get(row, feature)).filter(|value| !value.is_nan());
            let (count, range) = values()
                .fold((0, [f64::INFINITY, f64::NEG_INFINITY]), |(count, range), value| {
                    (count + 1, [range[0].min(value), range[1].max(value)])
                });
            if count == 0 {
                return Err((feature, "nothing of it is in the training part"));
            }
            // Only where something is missing the mean is used.
            let mean = if count < train.len() { values().sum::<f64>() / count as f64 } else { 0.0 };
            scale.means.push(mean);
            scale.ranges.push(range);
            let map = rule.map(|| train.iter().map(|&row| scale.rooted(raw, row, feature)));
            if !(map.0 + map.1 + map.2).is_finite() {
                return Err((feature, "its values are too large or too far apart to be normalized"));
            }
            scale.maps.push(map);
        }
        if matches!(rule, Normalization::Whiten { .. }) {
            let lower = scale.correlation(raw, train);
            scale.lower = lower.rows().into_iter().map(|row| row.to_vec()).collect();
        }
        Ok(scale)
    }

    /// A normalization that learns nothing; none of a rule that does.
    pub(super) fn fixed(rule: &Normalization, features: usize, fraction_bits: u32) -> Option<Self> {
        let Normalization::Affine { divisor, center, limit } = *rule else { return None };
        // What it maps into its limit is what there may be.
        let range = [(center - limit) * divisor, (center + limit) * divisor];
        Some(Self {
            rule: *rule,
            fraction_bits,
            means: vec![0.0; features],
            ranges: vec![range; features],
            pixels: false,
            maps: vec![(0.0, divisor, center); features],
            lower: vec![],
        })
    }

    /// With one map for all features: of a series.
    pub(super) fn with_one_map(mut self, series: &Series) -> Self {
        if !matches!(self.rule, Normalization::Affine { .. }) {
            self.maps.fill((0.0, series.divisor, series.center));
        }
        self
    }

    /// The magnitude that no result exceeds.
    #[must_use]
    pub(crate) fn bound(&self) -> i32 {
        (self.rule.limit() * self.unit()).floor() as i32
    }

    /// Fractional bits of results.
    #[must_use]
    pub(crate) fn fraction_bits(&self) -> u32 {
        self.fraction_bits
    }

    fn unit(&self) -> f64 {
        (1_u64 << self.fraction_bits) as f64
    }

    /// A value before it is mapped.
    fn rooted(&self, raw: Raw<'_>, row: usize, feature: usize) -> f64 {
        let mut value = raw.get(row, feature);
        if value.is_nan() {
            value = self.means[feature];
        }
        let largest = self.ranges[feature][1];
        if self.pixels && largest > 0.0 {
            value = value / largest * WHITE;
        }
        match self.rule.roots() {
            0 => value,
            roots => (0..roots).fold(value.abs(), |root, _| root.sqrt()).copysign(value),
        }
    }

    /// The integers of some rows of a table with the features learnt from, and how many of them were saturated.
    #[must_use]
    pub(super) fn apply(&self, raw: Raw<'_>, rows: &[usize]) -> (Array2<i32>, u64) {
        let mut saturated = 0;
        let (bound, unit) = (f64::from(self.bound()), self.unit());
        let mut result = Array2::zeros((rows.len(), self.maps.len()));
        let lower = self.lower();
        for (to, &row) in result.rows_mut().into_iter().zip(rows) {
            let mut mapped = self.mapped(raw, row);
            if let Some(lower) = &lower {
                whiten::solve(lower, &mut mapped);
            }
            for (to, value) in to.into_iter().zip(mapped) {
                let value = (value * unit).round();
                saturated += u64::from(value.abs() > bound);
                *to = value.clamp(-bound, bound) as i32;
            }
        }
        (result, saturated)
    }

    /// How many values of each feature are beyond those of the training part.
    pub(super) fn beyond(&self, raw: Raw<'_>) -> Vec<usize> {
        let outside = |feature: usize| {
            let [low, high] = self.ranges[feature];
            let values = (0..raw.table.rows()).map(|row| raw.get(row, feature));
            values.filter(|value| *value < low || *value > high).count()
        };
        (0..self.ranges.len()).map(outside).collect()
    }

    fn lower(&self) -> Option<Array2<f64>> {
        let n = self.lower.len();
        (n > 0).then(|| Array2::from_shape_fn((n, n), |(row, column)| self.lower[row][column]))
    }

    /// The features of a row, each on its own.
    fn mapped(&self, raw: Raw<'_>, row: usize) -> Vec<f64> {
        let map = |(feature, &(offset, divisor, center)): (usize, &(f64, f64, f64))| {
            (self.rooted(raw, row, feature) - offset) / divisor - center
        };
        self.maps.iter().enumerate().map(map).collect()
    }

    /// The factor of the correlations: features of one deviation in, features of the same deviation out.
    fn correlation(&self, raw: Raw<'_>, rows: &[usize]) -> Array2<f64> {
        let mut covariance = Array2::<f64>::zeros((self.maps.len(), self.maps.len()));
        for &row in rows {
            let mapped = self.mapped(raw, row);
            for ((i, j), sum) in covariance.indexed_iter_mut() {
                *sum += mapped[i] * mapped[j];
            }
        }
        let largest = covariance.diag().fold(0.0, |a: f64, &b| a.max(b));
        whiten::factor(&(covariance / constant(largest)))
    }

    /// Why a normalization does not fit the training part, if it does not: too many values are saturated, or all of them are so close
    /// that little is left of them.
    pub(super) fn misfit(&self, x: &Array2<i32>, saturated: u64) -> Option<String> {
        let share = saturated as f64 / x.len().max(1) as f64;
        let affine = matches!(self.rule, Normalization::Affine { .. });
        let widest = if affine { widest(x) } else { 0 };
        let narrow = affine && 2 * widest < self.bound();
        let cut = share > MOST_SATURATED;
        if !cut && !narrow {
            return None;
        }
        let [low, high] =
            self.ranges.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], range| {
                [low.min(range[0]), high.max(range[1])]
            });
        let found = if cut {
            format!("cuts {:.0} % of them to its limit", 100.0 * share)
        } else {
            format!("spreads them over {widest} of {} steps", 2 * self.bound())
        };
        Some(format!(
            "the features are from {low} to {high}, and data.normalize {found}; one that fits is \
             data.normalize = {{ method = \"standardize\", scale = 0.5, limit = 1.5 }}, or a variant of the recipe, such as --variant csv"
        ))
    }

    /// Whether this is of so many features and all its numbers can be used, as they must be when they come from outside.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self, features: usize) -> Result<(), String> {
        let lengths = [self.means.len(), self.ranges.len(), self.maps.len()];
        let square = self.lower.is_empty() || self.lower.len() == features;
        if lengths != [features; 3] || !square || self.lower.iter().any(|row| row.len() != features) {
            return Err(format!("statistics of {} features; {features} are needed", self.maps.len()));
        }
        let ranges = self.ranges.iter().flatten();
        let maps = self.maps.iter().flat_map(|(a, b, c)| [a, b, c]);
        let mut all = self.means.iter().chain(ranges).chain(maps).chain(self.lower.iter().flatten());
        let limit = self.rule.limit();
        if self.fraction_bits > MOST_BITS || !(limit > 0.0 && limit <= 1024.0) || !all.all(|v| v.is_finite())
        {
            return Err("a statistic is no finite number, or a limit or its bits are too large".to_owned());
        }
        Ok(())
    }
}

/// The largest distance of two values of one feature; in one pass over the rows, as they lie in memory.
fn widest(x: &Array2<i32>) -> i32 {
    let mut ranges = vec![[i32::MAX, i32::MIN]; x.ncols()];
    for row in x.rows() {
        for (range, &value) in ranges.iter_mut().zip(row) {
            *range = [range[0].min(value), range[1].max(value)];
        }
    }
    ranges.into_iter().map(|[low, high]| high.saturating_sub(low)).max().unwrap_or(0).max(0)
}

/// Fractional bits of a feature, at most.
const MOST_BITS: u32 = 20;
/// The largest part of the training part that may be saturated.
const MOST_SATURATED: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    /// A table of numbers and how they are normalized, learnt from some of its rows.
    struct Learnt {
        schema: Schema,
        table: Table,
        scale: Scale,
    }

    impl Learnt {
        fn new(rule: Normalization, x: &Array2<f64>, train: &[usize], fraction_bits: u32) -> Self {
            let schema = Schema::numbers((0..x.ncols()).map(|i| i.to_string()), vec![]);
            let table = Table::of(x.ncols(), x.rows().into_iter().map(|row| row.to_vec()));
            let scale =
                Scale::fit(&rule, Raw { schema: &schema, table: &table }, train, fraction_bits, false);
            Self { scale: scale.unwrap(), schema, table }
        }

        fn apply(&self, rows: &[usize]) -> (Array2<i32>, u64) {
            self.scale.apply(self.raw(), rows)
        }

        fn raw(&self) -> Raw<'_> {
            Raw { schema: &self.schema, table: &self.table }
        }
    }

    #[test]
    fn digits_become_pixel_minus_5() {
        let rule = Normalization::Affine { divisor: 16.0, center: 0.3125, limit: 0.6875 };
        let raw = Array2::from_shape_fn((17, 1), |(i, _)| i as f64);
        let rows: Vec<usize> = (0..17).collect();
        let scale = Learnt::new(rule, &raw, &rows, 4);
        assert_eq!(scale.scale.bound(), 11);
        let (x, saturated) = scale.apply(&rows);
        assert!(x.iter().copied().eq(-5..=11));
        assert_eq!(saturated, 0);
    }

    #[test]
    fn mnist_becomes_a_sixteenth_minus_2() {
        let rule = Normalization::Affine { divisor: 255.0, center: 0.125, limit: 0.875 };
        let raw = Array2::from_shape_fn((256, 1), |(i, _)| i as f64);
        let rows: Vec<usize> = (0..256).collect();
        let scale = Learnt::new(rule, &raw, &rows, 4);
        assert_eq!(scale.scale.bound(), 14);
        let (x, _) = scale.apply(&rows);
        for (p, &v) in x.iter().enumerate() {
            assert_eq!(i64::from(v), ((32 * p as i64 + 255) / 510) - 2, "pixel {p}"); // round(16p/255) - 2
        }
    }

    #[test]
    fn learnt_from_the_training_part_and_saturated() {
        let x = arr2(&[[0.0, 7.0], [10.0, 7.0], [5.0, 7.0], [25.0, 9.0], [-1.0, 0.0]]);
        let (train, test) = ([0, 1], [2, 3, 4]);
        let scale = Learnt::new(Normalization::MinMax { limit: 1.0 }, &x, &train, 4);
        assert_eq!(scale.apply(&train), (arr2(&[[-16, 0], [16, 0]]), 0));
        assert_eq!(scale.apply(&test), (arr2(&[[0, 0], [16, 16], [-16, -16]]), 4));
        let scale = Learnt::new(Normalization::Standardize { scale: 0.5, limit: 1.0 }, &x, &train, 4);
        assert_eq!(scale.apply(&train), (arr2(&[[-8, 0], [8, 0]]), 0));
    }

    #[test]
    fn roots_keep_signs_and_tell_factors_apart() {
        let rule = Normalization::Whiten { roots: 3, scale: 1.0, limit: 4.0 };
        let x = arr2(&[[256.0], [-256.0], [0.0], [1.0]]);
        let learnt = Learnt::new(rule, &x, &[0, 1, 2, 3], 8);
        let rooted = [0, 1, 2, 3].map(|row| learnt.scale.rooted(learnt.raw(), row, 0));
        assert_eq!(rooted, [2.0, -2.0, 0.0, 1.0]);
        let powers = Array2::from_shape_fn((9, 1), |(row, _)| 2_f64.powi(row as i32));
        let rows: Vec<usize> = (0..9).collect();
        let (y, _) = Learnt::new(rule, &powers, &rows, 8).apply(&rows);
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
        let scale = Learnt::new(Normalization::Whiten { roots: 0, scale: 0.5, limit: 4.0 }, &x, &rows, 12);
        let (y, _) = scale.apply(&rows);
        let moment = |i: usize, j: usize| {
            let product = |row: &usize| f64::from(y[(*row, i)]) * f64::from(y[(*row, j)]) / 4096.0 / 4096.0;
            rows.iter().map(product).sum::<f64>() / 64.0
        };
        assert!((moment(0, 0) - 0.25).abs() < 1e-3 && (moment(1, 1) - 0.25).abs() < 1e-3);
        assert!(moment(0, 1).abs() < 1e-3);
        assert!(y.column(2).iter().all(|&v| v == 0)); // the first two determine it
    }

    #[test]
    fn the_mean_of_the_training_part_stands_for_what_is_missing() {
        let x = arr2(&[[1.0], [f64::NAN], [4.0], [f64::NAN], [100.0]]);
        let learnt =
            Learnt::new(Normalization::Affine { divisor: 1.0, center: 0.0, limit: 100.0 }, &x, &[0, 1, 2], 1);
        assert_eq!(learnt.apply(&[3, 0]).0, arr2(&[[5], [2]]));
        assert_eq!((learnt.scale.beyond(learnt.raw()), learnt.scale.check(1)), (vec![1], Ok(())));
        assert!(learnt.scale.check(2).is_err());
        let schema = learnt.schema.clone();
        let nothing =
            Scale::fit(&learnt.scale.rule, Raw { schema: &schema, table: &learnt.table }, &[1, 3], 1, false);
        assert_eq!(nothing, Err((0, "nothing of it is in the training part")));
    }

    #[test]
    fn a_normalization_that_does_not_fit_is_told() {
        let pixels = Normalization::Affine { divisor: 16.0, center: 0.0, limit: 1.0 };
        let told = |rows: &[[f64; 2]]| {
            let all: Vec<usize> = (0..rows.len()).collect();
            let learnt = Learnt::new(pixels, &arr2(rows), &all, 4);
            let (x, saturated) = learnt.apply(&all);
            learnt.scale.misfit(&x, saturated)
        };
        assert_eq!(told(&[[0.0, 16.0], [7.0, 3.0], [1.0, 15.0]]), None);
        assert!(
            told(&[[0.0, 900.0], [7.0, 300.0]])
                .unwrap()
                .contains("from 0 to 900, and data.normalize cuts 50 %")
        );
        assert!(told(&[[0.0, 1.5], [2.0, 3.0]]).unwrap().contains("spreads them over 2 of 32 steps"));
    }
}
