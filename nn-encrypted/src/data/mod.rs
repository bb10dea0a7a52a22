//! Data sets: read, split by seed, and turned into integers with a proven bound.

mod batches;
mod catalog;
mod columns;
pub(crate) mod csv;
mod embedded;
mod error;
mod features;
pub(crate) mod idx;
pub(crate) mod limits;
mod mnist;
mod naive;
mod normalize;
mod open;
mod prepare;
pub(crate) mod random;
pub(crate) mod records;
mod select;
mod series;
mod settings;
mod split;
mod whiten;
mod words;

use std::path::{Path, PathBuf};

use ndarray::Array2;

pub use self::batches::{Balance, Batches};
pub use self::catalog::{Form, KNOWN, Known, KnownFile, KnownTable};
pub(crate) use self::csv::read_csv;
pub(crate) use self::embedded::{digits, iris, milk};
pub use self::error::DataError;
pub(crate) use self::idx::{Images, read_images, read_labels};
pub(crate) use self::mnist::mnist;
pub(crate) use self::naive::Naive;
pub use self::normalize::Normalization;
pub use self::prepare::{Prepared, Samples};
pub(crate) use self::prepare::{prepare, read};
pub(crate) use self::records::CsvOptions;
pub use self::records::Separator;
pub use self::series::Series;
pub use self::settings::{Coding, Data};
pub use self::split::TestPart;
pub(crate) use self::split::split;

/// A labelled table of numbers, as read.
///
/// ```
/// use ndarray::arr2;
/// use nn_encrypted::data::Dataset;
///
/// let data = Dataset {
///     name: "points".to_owned(),
///     features: vec!["x".to_owned(), "y".to_owned()],
///     classes: vec!["left".to_owned(), "right".to_owned()],
///     x: arr2(&[[-1.0, 0.5], [1.0, 0.25]]),
///     labels: vec![0, 1],
///     own_test: None,
///     series: None,
///     sides: None,
///     frozen: None,
/// };
/// assert_eq!(data.x.ncols(), data.features.len());
/// ```
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

impl Dataset {
    /// How many of some rows each class has.
    fn class_sizes(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut sizes = vec![0; self.classes.len()];
        for row in rows {
            // Labels of a series are no classes.
            if let Some(size) = sizes.get_mut(self.labels[row]) {
                *size += 1;
            }
        }
        sizes
    }
}

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
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
    pub(crate) fn new(
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
pub(crate) fn is_csv(set: &str) -> bool {
    Path::new(set).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("csv"))
}

/// Reads a data set; `data_dir` is searched for the files of sets that are not embedded.
///
/// # Errors
/// If a file is missing or faulty.
pub(crate) fn load(source: &Source, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
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
