//! The data of a recipe, ready to train on.

use std::path::Path;

use ndarray::{Array2, Axis};

use super::{Balance, DataError, Dataset, Series, Source, frozen, load, select, split};
use crate::recipe::{Data, Recipe};

/// Samples as integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// One row a sample; fixed point with the fractional bits asked for.
    pub x: Array2<i32>,
    /// One class index a sample; of a series the measured value, a whole number of its unit.
    pub labels: Vec<usize>,
    /// How many values of `x` were saturated to the bound.
    pub saturated: u64,
}

impl Samples {
    /// Some of the rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> (Array2<i32>, Vec<usize>) {
        (self.x.select(Axis(0), rows), rows.iter().map(|&row| self.labels[row]).collect())
    }
}

/// A data set split and normalized as a recipe says.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The name of the data set.
    pub name: String,
    /// The names of the features.
    pub features: Vec<String>,
    /// The names of the classes; none of a series.
    pub classes: Vec<String>,
    /// The samples to train on.
    pub train: Samples,
    /// The samples to test on.
    pub test: Samples,
    /// Fractional bits of the values.
    pub fraction_bits: u32,
    /// No value exceeds this magnitude.
    pub bound: i32,
    /// For a series: how labels become targets.
    pub series: Option<Series>,
    /// For a series: its values before the first label of `train`.
    pub before: Vec<usize>,
}

/// A series has no classes to balance or choose from, and one normalization for features and targets.
fn fits_series(settings: &Data) -> Result<Series, DataError> {
    let found = [
        (settings.stratify, "data.stratify = true"),
        (settings.balance != Balance::None, "data.balance"),
        (settings.positive.is_some(), "data.positive"),
    ];
    if let Some((_, setting)) = found.iter().find(|(set, _)| *set) {
        let what = format!("{setting} needs classes; it is a series of measured values");
        return Err(DataError::Setting { set: settings.set.clone(), what });
    }
    Series::of(&settings.normalize, &settings.set)
}

/// A class with a single sample cannot be learnt and tested.
fn enough_of_each(data: &Dataset) -> Result<(), DataError> {
    let once = (0..data.classes.len()).find(|class| data.labels.iter().filter(|l| *l == class).count() == 1);
    once.map_or(Ok(()), |class| {
        let what = format!("class `{}` occurs once; two or more samples are needed", data.classes[class]);
        Err(DataError::Setting { set: data.name.clone(), what })
    })
}

/// Rows can be repeated only of a class that has some.
fn none_missing(data: &Dataset, train: &[usize]) -> Result<(), DataError> {
    let missing = (0..data.classes.len()).find(|class| train.iter().all(|&row| data.labels[row] != *class));
    missing.map_or(Ok(()), |class| {
        let what = format!(
            "class `{}` has no training sample to repeat; data.stratify = true or a smaller data.test is needed",
            data.classes[class]
        );
        Err(DataError::Setting { set: data.name.clone(), what })
    })
}

/// Loads, splits and normalizes the data set of a recipe.
///
/// # Errors
/// If the data cannot be read, or a setting of the recipe does not fit it.
pub fn prepare(recipe: &Recipe, data_dir: Option<&Path>) -> Result<Prepared, DataError> {
    prepare_classes(&recipe.data, recipe.seed, recipe.quantization.input_bits, data_dir)
}

/// Loads, splits by seed and normalizes a data set; the values have `fraction_bits` fractional bits.
///
/// # Errors
/// If the data cannot be read, or a setting does not fit it.
pub fn prepare_set(
    settings: &Data,
    seed: u64,
    fraction_bits: u32,
    data_dir: Option<&Path>,
) -> Result<Prepared, DataError> {
    prepared(read(settings, data_dir)?, settings, seed, fraction_bits)
}

/// As [`prepare_set`], for a recipe that tells classes apart.
///
/// # Errors
/// As [`prepare_set`], and if the data set is a series.
pub fn prepare_classes(
    settings: &Data,
    seed: u64,
    fraction_bits: u32,
    data_dir: Option<&Path>,
) -> Result<Prepared, DataError> {
    let data = read(settings, data_dir)?;
    if data.series.is_some() {
        let what = "data.set is a series of measured values; this kind of recipe needs classes".to_owned();
        return Err(DataError::Setting { set: data.name, what });
    }
    prepared(data, settings, seed, fraction_bits)
}

fn read(settings: &Data, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    let source = Source::new(&settings.set, settings.label.as_deref(), &settings.ignore, settings.no_header)?;
    load(&source, data_dir)
}

fn prepared(data: Dataset, settings: &Data, seed: u64, fraction_bits: u32) -> Result<Prepared, DataError> {
    let series = data.series.as_ref().map(|_| fits_series(settings)).transpose()?;
    let data = match &settings.frozen {
        Some(network) => frozen::features(data, network)?,
        None => data,
    };
    let mut data = select::chosen(data, &settings.columns, settings.positive.as_deref())?;
    enough_of_each(&data)?;
    let parts = split(&data, settings.test, settings.stratify, seed)?;
    if settings.balance == Balance::Resample {
        none_missing(&data, &parts.train)?;
    }
    if settings.frozen.is_some() {
        frozen::like_pixels(&mut data.x, &parts.train);
    }
    let scale = settings.normalize.fit(&data.x, &parts.train, fraction_bits);
    if let Some(feature) = scale.overflowing() {
        let what = format!(
            "column `{}`: its values are too large or too far apart to be normalized",
            data.features[feature]
        );
        return Err(DataError::Setting { set: settings.set.clone(), what });
    }
    let samples = |rows: &[usize]| {
        let (x, saturated) = scale.apply(&data.x, rows);
        Samples { x, labels: rows.iter().map(|&row| data.labels[row]).collect(), saturated }
    };
    let (train, test) = (samples(&parts.train), samples(&parts.test));
    Ok(Prepared {
        name: data.name,
        features: data.features,
        classes: data.classes,
        train,
        test,
        fraction_bits,
        bound: scale.bound(),
        series,
        before: data.series.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Naive, Normalization, TestPart};

    fn milk() -> Data {
        Data {
            set: "milk".to_owned(),
            label: None,
            ignore: vec![],
            no_header: false,
            columns: vec![],
            frozen: None,
            positive: None,
            test: TestPart::Count(24),
            stratify: false,
            balance: Balance::None,
            normalize: Normalization::Affine { divisor: 256.0, center: 3.0, limit: 1.0 },
        }
    }

    #[test]
    fn a_series_ends_with_its_test_part() {
        let data = prepare_set(&milk(), 5, 8, None).unwrap();
        assert_eq!((data.train.x.dim(), data.test.x.dim()), ((132, 12), (24, 12)));
        assert_eq!((data.before[0], data.train.labels[0], data.test.labels[23]), (589, 600, 843));
        assert_eq!(data.train.x[(0, 0)], 589 - 3 * 256);
        assert_eq!(data.test.x[(1, 11)], data.test.labels[0] as i32 - 3 * 256);
        assert_eq!(data.series, Some(Series { divisor: 256.0, center: 3.0 }));
        let found = Naive::of(&data).unwrap();
        let expected = Naive { mean: 13.960, last: 4.802, season: 1.509 };
        for (found, expected) in
            [(found.mean, expected.mean), (found.last, expected.last), (found.season, expected.season)]
        {
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
        // Neither the columns chosen nor their format have a part in it.
        let lag = Data { columns: vec!["lag 1".to_owned()], ..milk() };
        assert_eq!(Naive::of(&prepare_set(&lag, 5, 2, None).unwrap()), Some(found));
    }

    #[test]
    fn what_a_series_cannot_be_asked_for() {
        let message = |data: &Data| prepare_set(data, 5, 8, None).unwrap_err().to_string();
        let min_max = Normalization::MinMax { limit: 1.0 };
        for (data, words) in [
            (Data { stratify: true, ..milk() }, "data.stratify = true needs classes"),
            (Data { balance: Balance::Resample, ..milk() }, "data.balance needs classes"),
            (Data { positive: Some("1".to_owned()), ..milk() }, "data.positive needs classes"),
            (Data { normalize: min_max, ..milk() }, "data.normalize.method = \"affine\" is needed"),
            (Data { test: TestPart::Count(156), ..milk() }, "data.test takes 156 of 156 rows"),
        ] {
            assert!(message(&data).contains(words), "{}", message(&data));
        }
        let error = prepare_classes(&milk(), 5, 8, None).unwrap_err().to_string();
        assert!(error.starts_with("data set milk: data.set is a series"), "{error}");
        let iris = prepare_set(&Data { set: "iris".to_owned(), ..milk() }, 5, 8, None).unwrap();
        assert_eq!((iris.series, Naive::of(&iris)), (None, None));
    }

    #[test]
    fn images_become_integers_of_frozen_features() {
        let x =
            Array2::from_shape_fn((40, 784), |(row, place)| ((row * 31 + place * place * 7) % 256) as f64);
        let images = Dataset {
            name: "noise".to_owned(),
            features: (0..784).map(|place| place.to_string()).collect(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            x,
            labels: (0..40).map(|row| row % 2).collect(),
            own_test: None,
            series: None,
        };
        let normalize = Normalization::Affine { divisor: 255.0, center: 0.0, limit: 1.0 };
        let settings = Data {
            set: "noise".to_owned(),
            frozen: Some("digits-cnn".to_owned()),
            test: TestPart::Count(10),
            normalize,
            ..milk()
        };
        let data = prepared(images.clone(), &settings, 5, 8).unwrap();
        assert_eq!((data.train.x.dim(), data.test.x.dim()), ((30, 400), (10, 400)));
        assert_eq!((data.bound, data.train.saturated), (256, 0));
        // The scale is that of the training part alone.
        for feature in data.train.x.columns() {
            assert!(matches!(feature.iter().max(), Some(0 | 256)) && feature.iter().all(|&value| value >= 0));
        }
        assert!(data.test.saturated > 0 && data.test.x.iter().all(|&value| (0..=256).contains(&value)));
        // Columns are those of the features then.
        let settings = Data { columns: vec!["frozen_3_0_4".to_owned()], ..settings };
        assert_eq!(prepared(images, &settings, 5, 8).unwrap().train.x.dim(), (30, 1));
    }
}
