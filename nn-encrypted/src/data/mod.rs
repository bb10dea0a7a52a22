//! Data sets: read, split by seed, and turned into integers with a proven bound.

mod batches;
mod csv;
mod embedded;
mod error;
mod idx;
mod mnist;
mod normalize;
mod open;
mod prepare;
pub mod random;
mod split;

use std::path::{Path, PathBuf};

use ndarray::Array2;

pub use self::batches::Batches;
pub use self::csv::{CsvOptions, parse as parse_csv, read_csv};
pub use self::embedded::{digits, iris};
pub use self::error::DataError;
pub use self::idx::{Images, images as parse_images, labels as parse_labels, read_images, read_labels};
pub use self::mnist::mnist;
pub use self::normalize::{Normalization, Scale};
pub use self::prepare::{Prepared, Samples, prepare};
pub use self::split::{Split, TestPart, split};

/// A labelled table of numbers, as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The names of the columns of `x`.
    pub features: Vec<String>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// One row a sample, one column a feature, every value finite.
    pub x: Array2<f64>,
    /// One class index a sample, below `classes.len()`.
    pub labels: Vec<usize>,
    /// How many rows at the end are the data set's own test part.
    pub own_test: Option<usize>,
}

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The embedded 8x8 digits.
    Digits,
    /// The embedded iris.
    Iris,
    /// MNIST, from a folder.
    Mnist,
    /// A CSV file.
    Csv {
        /// The file.
        path: PathBuf,
        /// Which columns it has.
        options: CsvOptions,
    },
}

impl Source {
    /// The source named `set`: `digits`, `iris`, `mnist`, or a path that ends in `.csv`.
    ///
    /// # Errors
    /// If there is no such set, or a CSV file comes without the name of its label column.
    pub fn new(set: &str, label: Option<&str>, ignore: &[String]) -> Result<Self, DataError> {
        match set {
            "digits" => Ok(Self::Digits),
            "iris" => Ok(Self::Iris),
            "mnist" => Ok(Self::Mnist),
            path if is_csv(path) => {
                let label = label.ok_or_else(|| DataError::Setting {
                    set: path.to_owned(),
                    what: "which column holds the class? give its name, or its number from 1, with --label"
                        .to_owned(),
                })?;
                let options = CsvOptions { label: label.to_owned(), ignore: ignore.to_vec() };
                Ok(Self::Csv { path: PathBuf::from(path), options })
            }
            other => Err(DataError::UnknownSet(other.to_owned())),
        }
    }
}

/// Whether a data set's name is the path of a CSV file.
#[must_use]
pub fn is_csv(set: &str) -> bool {
    Path::new(set).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("csv"))
}

/// Reads a data set; `data_dir` is searched for the files of sets that are not embedded.
///
/// # Errors
/// If a file is missing or faulty.
pub fn load(source: &Source, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    match source {
        Source::Digits => digits(),
        Source::Iris => iris(),
        Source::Mnist => mnist(data_dir.unwrap_or(Path::new("data"))),
        Source::Csv { path, options } => read_csv(path, options),
    }
}
