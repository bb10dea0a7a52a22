//! Data sets, ready to train on.

use ndarray::Array2;

use super::limits::{MOST_REPEATED, MOST_WHITENED};
use super::scale::{Raw, Scale};
use super::split::Split;
use super::{
    Balance, Coding, Data, DataError, Dataset, Intake, Normalization, Samples, Schema, Series, select, split,
};

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
    /// For measured values: how they become targets.
    pub series: Option<Series>,
    /// For a series: its values before the first one of `train`.
    pub before: Vec<f64>,
    /// Rows and columns if the features are the pixels of images, row after row.
    pub sides: Option<[usize; 2]>,
    /// Outputs of a network: one a class, or one for measured values and for two classes with `outputs = "single"`.
    pub outputs: usize,
    /// The statistics of the training part, and the columns by which further rows are read.
    pub(crate) intake: Intake,
    /// Notes to a user on how the data were read.
    pub(crate) notes: Vec<String>,
}

impl Prepared {
    /// These data, if their labels are classes.
    ///
    /// # Errors
    /// If they are measured values.
    pub(crate) fn with_classes(self) -> Result<Self, DataError> {
        if self.series.is_none() {
            return Ok(self);
        }
        let what = "the labels are measured values, or a series of them; this kind of recipe needs classes"
            .to_owned();
        Err(DataError::Setting { set: self.name, what })
    }

    /// The data that a model was trained on, without samples.
    ///
    /// # Errors
    /// If the classes do not fit the coding of outputs.
    pub(crate) fn without_samples(intake: Intake, settings: &Data) -> Result<Self, DataError> {
        let none = || Samples {
            x: Array2::zeros((0, intake.features().features.len())),
            labels: vec![],
            values: vec![],
            rows: vec![],
            saturated: 0,
        };
        Ok(Self {
            name: intake.name.clone(),
            features: intake.features().names(),
            classes: intake.schema.classes.clone(),
            train: none(),
            test: none(),
            fraction_bits: intake.scale.fraction_bits(),
            bound: intake.scale.bound(),
            series: intake.series,
            before: vec![],
            sides: intake.sides,
            outputs: outputs(&intake.name, intake.schema.classes.len(), settings.outputs)?,
            intake,
            notes: vec![],
        })
    }
}

/// Measured values have no classes to balance or choose from.
fn asks_for_no_classes(settings: &Data) -> Result<(), DataError> {
    let found = [
        (settings.stratify, "data.stratify = true"),
        (settings.balance != Balance::None, "data.balance"),
        (settings.positive.is_some(), "data.positive"),
    ];
    match found.iter().find(|(set, _)| *set) {
        None => Ok(()),
        Some((_, setting)) => Err(DataError::Setting {
            set: settings.set.clone(),
            what: format!("{setting} needs classes; the labels are measured values"),
        }),
    }
}

/// How measured values become targets; those of a series have one normalization for features and targets.
fn of_measured(data: &Dataset, settings: &Data, train: &[usize]) -> Result<Series, DataError> {
    let fault = |what: String| DataError::Setting { set: settings.set.clone(), what };
    let before = data.series.iter().flatten().copied();
    let values: Vec<f64> = before.chain(train.iter().map(|&row| data.values[row])).collect();
    settings.normalize.series(&values, data.series.is_some()).map_err(fault)
}

/// Classes that can be learnt: each has more than one sample, and they are no measured values.
fn are_classes(data: &Dataset) -> Result<(), DataError> {
    let (classes, rows) = (data.schema.classes.len(), data.labels.len());
    let fault = |what: String| Err(DataError::Setting { set: data.name.clone(), what });
    let numbers = data.schema.classes.iter().all(|class| class.parse::<f64>().is_ok());
    if numbers && classes > MEASURED && 2 * classes > rows {
        return fault(format!(
            "the label has {classes} different numbers in {rows} rows: measured values, and as classes they cannot be told \
             apart; they are predicted with --set data.outputs=measured, by recipes in CKKS, or in BGV with a client"
        ));
    }
    match data.class_sizes(0..rows).into_iter().position(|size| size == 1) {
        None => Ok(()),
        Some(class) => fault(format!(
            "class `{}` occurs once; two or more samples are needed",
            data.schema.classes[class]
        )),
    }
}

/// Different numbers that are never taken for measured values.
const MEASURED: usize = 20;

/// Rows can be repeated only of a class that has some, and only so often.
fn repeatable(data: &Dataset, train: &[usize]) -> Result<(), DataError> {
    let fault = |what: String| Err(DataError::Setting { set: data.name.clone(), what });
    let sizes = data.class_sizes(train.iter().copied());
    if let Some(class) = sizes.iter().position(|size| *size == 0) {
        return fault(format!(
            "class `{}` has no training sample to repeat; data.stratify = true or a smaller data.test is needed",
            data.schema.classes[class]
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
    let features = data.schema.features.len();
    if !matches!(settings.normalize, Normalization::Whiten { .. }) || features <= MOST_WHITENED {
        return Ok(());
    }
    let what = format!(
        "data.normalize.method = \"whiten\" of {features} columns; at most {MOST_WHITENED} are whitened"
    );
    Err(DataError::Setting { set: data.name.clone(), what })
}

/// Outputs of a network: one a class or a single one, and one of measured values, which have no classes.
pub(super) fn outputs(set: &str, classes: usize, coding: Coding) -> Result<usize, DataError> {
    match coding {
        _ if classes == 0 => Ok(1),
        Coding::Single if classes == 2 => Ok(1),
        Coding::Single => {
            let what = format!(
                "data.outputs = \"single\"; the data has {classes} classes, 2 are needed: see data.positive"
            );
            Err(DataError::Setting { set: set.to_owned(), what })
        }
        Coding::OneHot | Coding::Measured => Ok(classes),
    }
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
    let frozen = data.frozen.as_ref().map(|(name, _)| name.clone());
    if frozen != settings.frozen {
        let text = |frozen: &Option<String>| {
            frozen.as_ref().map_or_else(|| "none".to_owned(), |name| format!("{name:?}"))
        };
        let (asked, found) = (text(&settings.frozen), text(&frozen));
        let what = format!("data.frozen = {asked}; these are features of {found}");
        return Err(DataError::Setting { set: settings.set.clone(), what });
    }
    if !data.values.is_empty() {
        asks_for_no_classes(settings)?;
    }
    let data = select::chosen(data, &settings.columns, settings.positive.as_deref())?;
    let outputs = outputs(&data.name, data.schema.classes.len(), settings.outputs)?;
    are_classes(&data)?;
    can_be_whitened(&data, settings)?;
    let parts = split(&data, &settings.test, settings.stratify, seed)?;
    if settings.balance == Balance::Resample && !data.labels.is_empty() {
        repeatable(&data, &parts.train)?;
    }
    let measured = !data.values.is_empty();
    let series = measured.then(|| of_measured(&data, settings, &parts.train)).transpose()?;
    normalized(data, settings, parts, fraction_bits, series, outputs)
}

/// The parts of a data set as integers.
fn normalized(
    data: Dataset,
    settings: &Data,
    parts: Split,
    fraction_bits: u32,
    series: Option<Series>,
    outputs: usize,
) -> Result<Prepared, DataError> {
    let fault = |what: String| DataError::Setting { set: settings.set.clone(), what };
    let raw = Raw { schema: &data.schema, table: &data.table };
    let scale = Scale::fit(&settings.normalize, raw, &parts.train, fraction_bits, data.frozen.is_some())
        .map_err(|(feature, why)| fault(format!("column `{}`: {why}", data.schema.names()[feature])))?;
    let scale = match &series {
        Some(series) if data.series.is_some() => scale.with_one_map(series),
        _ => scale,
    };
    let samples = |rows: &[usize]| {
        let (x, saturated) = scale.apply(raw, rows);
        let labels = rows.iter().filter_map(|&row| data.labels.get(row).copied()).collect();
        let values = rows.iter().filter_map(|&row| data.values.get(row).copied()).collect();
        let numbers = rows.iter().filter_map(|&row| data.rows.get(row).copied()).collect();
        Samples { x, labels, values, rows: numbers, saturated }
    };
    let (train, test) = (samples(&parts.train), samples(&parts.test));
    if let Some(what) = scale.misfit(&train.x, train.saturated) {
        return Err(fault(what));
    }
    let (classes, features) = (data.schema.classes.clone(), data.schema.names());
    let (schema, frozen) = match data.frozen {
        Some((_, pixels)) => {
            (Schema { classes: classes.clone(), rest: data.schema.rest, ..pixels }, Some(data.schema))
        }
        None => (data.schema, None),
    };
    let (bound, rows) = (scale.bound(), train.count());
    let intake = Intake { name: data.name.clone(), schema, frozen, scale, series, sides: data.sides, rows };
    Ok(Prepared {
        name: data.name,
        features,
        classes,
        train,
        test,
        fraction_bits,
        bound,
        series,
        before: data.series.unwrap_or_default(),
        sides: data.sides,
        outputs,
        intake,
        notes: data.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Naive, TestPart, read};

    fn milk() -> Data {
        let normalize = Normalization::Affine { divisor: 256.0, center: 3.0, limit: 1.0 };
        Data::of("milk", TestPart::Count(24), normalize)
    }

    fn prepared(settings: &Data, fraction_bits: u32) -> Result<Prepared, DataError> {
        prepare(read(settings, None)?, settings, 5, fraction_bits)
    }

    #[test]
    fn a_series_ends_with_its_test_part() {
        let data = prepared(&milk(), 8).unwrap();
        assert_eq!((data.train.x.dim(), data.test.x.dim()), ((132, 12), (24, 12)));
        assert_eq!((data.before[0], data.train.values[0], data.test.values[23]), (589.0, 600.0, 843.0));
        assert_eq!(data.train.x[(0, 0)], 589 - 3 * 256);
        assert_eq!(data.test.x[(1, 11)], data.test.values[0] as i32 - 3 * 256);
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
        let whiten = Normalization::Whiten { roots: 0, scale: 0.5, limit: 1.0 };
        for (data, words) in [
            (Data { stratify: true, ..milk() }, "data.stratify = true needs classes"),
            (Data { balance: Balance::Resample, ..milk() }, "data.balance needs classes"),
            (Data { positive: Some("1".to_owned()), ..milk() }, "data.positive needs classes"),
            (Data { normalize: whiten, ..milk() }, "data.normalize.method = \"affine\", \"min_max\" or"),
            (Data { test: TestPart::Count(156), ..milk() }, "data.test takes 156 of 156 rows"),
        ] {
            assert!(message(&data).contains(words), "{}", message(&data));
        }
        let error = prepared(&milk(), 8).unwrap().with_classes().unwrap_err().to_string();
        assert!(error.starts_with("data set milk: the labels are measured values"), "{error}");
        let min_max = Normalization::MinMax { limit: 1.0 };
        let iris = prepared(&Data { set: "iris".to_owned(), normalize: min_max, ..milk() }, 8).unwrap();
        assert_eq!((iris.series, iris.outputs, Naive::of(&iris)), (None, 3, None));
        assert_eq!(prepared(&milk(), 8).unwrap().outputs, 1);
        let single = Data { set: "iris".to_owned(), outputs: Coding::Single, normalize: min_max, ..milk() };
        let error = prepared(&single, 8).unwrap_err().to_string();
        assert!(
            error.starts_with("data set iris: data.outputs = \"single\"; the data has 3 classes"),
            "{error}"
        );
        assert_eq!(prepared(&Data { positive: Some("setosa".to_owned()), ..single }, 8).unwrap().outputs, 1);
        let frozen = Data { set: "digits".to_owned(), frozen: Some("digits-cnn".to_owned()), ..milk() };
        let error = prepared(&frozen, 8).unwrap_err().to_string();
        assert_eq!(error, "data set digits: data.frozen = \"digits-cnn\"; these are features of none");
        let pixels = Normalization::Affine { divisor: 16.0, center: 0.3, limit: 1.0 };
        let plain = Data { frozen: None, normalize: pixels, ..frozen };
        assert_eq!(prepared(&plain, 8).unwrap().sides, Some([8, 8]));
    }
}
