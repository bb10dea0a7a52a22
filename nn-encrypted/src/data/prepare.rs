//! The data of a recipe, ready to train on.

use std::path::Path;

use ndarray::{Array2, Axis};

use super::{Balance, DataError, Dataset, Source, load, select, split};
use crate::recipe::{Data, Recipe};

/// Samples as integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// One row a sample; fixed point with the fractional bits asked for.
    pub x: Array2<i32>,
    /// One class index a sample.
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
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The samples to train on.
    pub train: Samples,
    /// The samples to test on.
    pub test: Samples,
    /// Fractional bits of the values.
    pub fraction_bits: u32,
    /// No value exceeds this magnitude.
    pub bound: i32,
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
    prepare_set(&recipe.data, recipe.seed, recipe.quantization.input_bits, data_dir)
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
    let source = Source::new(&settings.set, settings.label.as_deref(), &settings.ignore, settings.no_header)?;
    let data = select::chosen(load(&source, data_dir)?, &settings.columns, settings.positive.as_deref())?;
    enough_of_each(&data)?;
    let parts = split(&data, settings.test, settings.stratify, seed)?;
    if settings.balance == Balance::Resample {
        none_missing(&data, &parts.train)?;
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
    })
}
