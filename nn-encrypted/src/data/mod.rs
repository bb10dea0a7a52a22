//! Data sets: read, split by seed, and turned into integers with a proven bound.

mod batches;
mod catalog;
mod columns;
mod csv;
mod embedded;
mod error;
mod features;
mod idx;
mod mnist;
mod naive;
mod normalize;
mod open;
mod prepare;
pub mod random;
mod records;
mod select;
mod series;
mod settings;
mod split;
mod whiten;

use std::path::{Path, PathBuf};

use ndarray::Array2;

pub use self::batches::{Balance, Batches};
pub use self::catalog::{Form, KNOWN, Known, KnownFile, KnownTable};
pub use self::csv::{parse as parse_csv, read_csv};
pub use self::embedded::{digits, iris, milk};
pub use self::error::DataError;
pub use self::idx::{Images, images as parse_images, labels as parse_labels, read_images, read_labels};
pub use self::mnist::mnist;
pub use self::naive::Naive;
pub use self::normalize::{Normalization, Scale};
pub use self::prepare::{Prepared, Samples, prepare, read};
pub use self::records::{CsvOptions, Separator};
pub use self::series::Series;
pub use self::settings::{Coding, Data};
pub use self::split::{Split, TestPart, split};

/// A labelled table of numbers, as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The names of the columns of `x`.
    pub features: Vec<String>,
    /// The names of the classes; none of a series.
    pub classes: Vec<String>,
    /// One row a sample, one column a feature, every value finite.
    pub x: Array2<f64>,
    /// One class index a sample, below `classes.len()`. Of a series: the measured value behind the window.
    pub labels: Vec<usize>,
    /// How many rows at the end are the data set's own test part.
    pub own_test: Option<usize>,
    /// For a series: its values before the first label. The samples are in order of time then.
    pub series: Option<Vec<usize>>,
    /// Rows and columns if the columns of `x` are the pixels of images, row after row.
    pub sides: Option<[usize; 2]>,
    /// The frozen network whose features the columns of `x` are.
    pub frozen: Option<String>,
}

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A data set known by name.
    Known(&'static Known),
    /// A CSV file.
    Csv {
        /// The file.
        path: PathBuf,
        /// Which columns it has.
        options: CsvOptions,
    },
}

impl Source {
    /// The source named `set`: one of [`KNOWN`], or a path that ends in `.csv`.
    ///
    /// # Errors
    /// If there is no such set, or a CSV file comes without the name of its label column.
    pub fn new(
        set: &str,
        label: Option<&str>,
        ignore: &[String],
        no_header: bool,
    ) -> Result<Self, DataError> {
        if !is_csv(set) {
            return Known::find(set).map(Self::Known);
        }
        let label = label.ok_or_else(|| DataError::Setting {
            set: set.to_owned(),
            what: "which column holds the class? give its name, or its number from 1, with --label"
                .to_owned(),
        })?;
        let options = CsvOptions {
            label: label.to_owned(),
            ignore: ignore.to_vec(),
            no_header,
            ..CsvOptions::default()
        };
        Ok(Self::Csv { path: PathBuf::from(set), options })
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
    let set = match source {
        Source::Csv { path, options } => return read_csv(path, options),
        Source::Known(set) => set,
    };
    let dir = data_dir.unwrap_or(Path::new(DATA_DIR));
    match (set.name, &set.table, set.files) {
        (_, Some(table), [file]) => csv::read_table(&set.locate(dir, file.name)?, set.name, &table.options()),
        ("digits", ..) => digits(),
        ("iris", ..) => iris(),
        ("milk", ..) => milk(),
        _ => mnist(dir),
    }
}

/// Where data sets are looked for if nothing else is said.
pub const DATA_DIR: &str = "data";
