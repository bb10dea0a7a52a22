//! Data sets, ready to train on.

use std::path::Path;

use ndarray::{Array2, Axis};

use super::limits::{MOST_REPEATED, MOST_WHITENED};
use super::{Balance, Coding, Data, DataError, Dataset, Normalization, Series, Source, load, select, split};

/// The largest pixel.
const WHITE: f64 = 255.0;

/// Samples as integers.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let (x, labels) = session.data.train.select(&[0, 1, 2]);
/// assert_eq!((x.dim(), labels.len()), ((3, 4), 3));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
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

/// A data set split and normalized as its settings say.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// let data = &session.data;
/// assert_eq!((data.classes.len(), data.test.labels.len()), (3, 30));
/// assert!(data.train.x.iter().all(|x| x.abs() <= data.bound));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
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
    /// Rows and columns if the features are the pixels of images, row after row.
    pub sides: Option<[usize; 2]>,
    /// Outputs of a network: one a class, or one for a series and for two classes with `outputs = "single"`.
    pub outputs: usize,
}

impl Prepared {
    /// These data, if their labels are classes.
    ///
    /// # Errors
    /// If they are a series.
    pub(crate) fn with_classes(self) -> Result<Self, DataError> {
        if self.series.is_none() {
            return Ok(self);
        }
        let what = "data.set is a series of measured values; this kind of recipe needs classes".to_owned();
        Err(DataError::Setting { set: self.name, what })
    }
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
    let once = data.class_sizes(0..data.labels.len()).into_iter().position(|size| size == 1);
    once.map_or(Ok(()), |class| {
        let what = format!("class `{}` occurs once; two or more samples are needed", data.classes[class]);
        Err(DataError::Setting { set: data.name.clone(), what })
    })
}

/// Rows can be repeated only of a class that has some, and only so often.
fn repeatable(data: &Dataset, train: &[usize]) -> Result<(), DataError> {
    let fault = |what: String| Err(DataError::Setting { set: data.name.clone(), what });
    let sizes = data.class_sizes(train.iter().copied());
    if let Some(class) = sizes.iter().position(|size| *size == 0) {
        return fault(format!(
            "class `{}` has no training sample to repeat; data.stratify = true or a smaller data.test is needed",
            data.classes[class]
        ));
    }
    let repeated = sizes.iter().max().map_or(0, |most| most.saturating_mul(sizes.len()));
    if repeated > MOST_REPEATED {
        return fault(format!(
            "data.balance repeats samples until there are {repeated}; at most {MOST_REPEATED} are trained on"
        ));
    }
    Ok(())
}

/// Whitening learns as many numbers as there are pairs of features.
fn can_be_whitened(data: &Dataset, settings: &Data) -> Result<(), DataError> {
    let features = data.x.ncols();
    if !matches!(settings.normalize, Normalization::Whiten { .. }) || features <= MOST_WHITENED {
        return Ok(());
    }
    let what = format!(
        "data.normalize.method = \"whiten\" of {features} columns; at most {MOST_WHITENED} are whitened"
    );
    Err(DataError::Setting { set: data.name.clone(), what })
}

/// Outputs of a network, one a class or a single one.
fn outputs(data: &Dataset, coding: Coding) -> Result<usize, DataError> {
    let classes = data.classes.len();
    match coding {
        _ if data.series.is_some() => Ok(1),
        Coding::OneHot => Ok(classes),
        Coding::Single if classes == 2 => Ok(1),
        Coding::Single => {
            let what = format!(
                "data.outputs = \"single\"; the data has {classes} classes, 2 are needed: see data.positive"
            );
            Err(DataError::Setting { set: data.name.clone(), what })
        }
    }
}

/// Brings features of a frozen network to the range of pixels, whose normalization the settings have: the largest value of each
/// feature in the training part becomes 255. A feature that is nowhere positive there is left as it is.
fn like_pixels(x: &mut Array2<f64>, train: &[usize]) {
    for mut feature in x.columns_mut() {
        let largest = train.iter().map(|&row| feature[row]).fold(0.0, f64::max);
        if largest > 0.0 {
            feature.mapv_inplace(|value| value / largest * WHITE);
        }
    }
}

/// Reads the data set that settings name.
///
/// # Errors
/// If the data cannot be read.
pub(crate) fn read(settings: &Data, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    let source = Source::new(&settings.set, settings.label.as_deref(), &settings.ignore, settings.no_header)?;
    load(&source, data_dir)
}

/// Splits by seed and normalizes a data set; the values have `fraction_bits` fractional bits.
///
/// # Errors
/// If a setting does not fit the data. With `frozen`, the data must have the features of that network already.
pub(crate) fn prepare(
    data: Dataset,
    settings: &Data,
    seed: u64,
    fraction_bits: u32,
) -> Result<Prepared, DataError> {
    let series = data.series.as_ref().map(|_| fits_series(settings)).transpose()?;
    if data.frozen != settings.frozen {
        let text = |frozen: &Option<String>| {
            frozen.as_ref().map_or_else(|| "none".to_owned(), |name| format!("{name:?}"))
        };
        let (asked, found) = (text(&settings.frozen), text(&data.frozen));
        let what = format!("data.frozen = {asked}; these are features of {found}");
        return Err(DataError::Setting { set: settings.set.clone(), what });
    }
    let mut data = select::chosen(data, &settings.columns, settings.positive.as_deref())?;
    let outputs = outputs(&data, settings.outputs)?;
    enough_of_each(&data)?;
    can_be_whitened(&data, settings)?;
    let parts = split(&data, settings.test, settings.stratify, seed)?;
    if settings.balance == Balance::Resample {
        repeatable(&data, &parts.train)?;
    }
    if settings.frozen.is_some() {
        like_pixels(&mut data.x, &parts.train);
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
        sides: data.sides,
        outputs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Naive, TestPart};

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
            outputs: crate::data::Coding::OneHot,
            normalize: Normalization::Affine { divisor: 256.0, center: 3.0, limit: 1.0 },
        }
    }

    fn prepared(settings: &Data, fraction_bits: u32) -> Result<Prepared, DataError> {
        prepare(read(settings, None)?, settings, 5, fraction_bits)
    }

    #[test]
    fn a_series_ends_with_its_test_part() {
        let data = prepared(&milk(), 8).unwrap();
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
        assert_eq!(Naive::of(&prepared(&lag, 2).unwrap()), Some(found));
    }

    #[test]
    fn what_a_series_cannot_be_asked_for() {
        let message = |data: &Data| prepared(data, 8).unwrap_err().to_string();
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
        let error = prepared(&milk(), 8).unwrap().with_classes().unwrap_err().to_string();
        assert!(error.starts_with("data set milk: data.set is a series"), "{error}");
        let iris = prepared(&Data { set: "iris".to_owned(), ..milk() }, 8).unwrap();
        assert_eq!((iris.series, iris.outputs, Naive::of(&iris)), (None, 3, None));
        assert_eq!(prepared(&milk(), 8).unwrap().outputs, 1);
        let single = Data { set: "iris".to_owned(), outputs: Coding::Single, ..milk() };
        let error = prepared(&single, 8).unwrap_err().to_string();
        assert!(
            error.starts_with("data set iris: data.outputs = \"single\"; the data has 3 classes"),
            "{error}"
        );
        assert_eq!(prepared(&Data { positive: Some("setosa".to_owned()), ..single }, 8).unwrap().outputs, 1);
        let frozen = Data { set: "digits".to_owned(), frozen: Some("digits-cnn".to_owned()), ..milk() };
        let error = prepared(&frozen, 8).unwrap_err().to_string();
        assert_eq!(error, "data set digits: data.frozen = \"digits-cnn\"; these are features of none");
        assert_eq!(prepared(&Data { frozen: None, ..frozen }, 8).unwrap().sides, Some([8, 8]));
    }
}
