//! Data sets: read, split by seed, and turned into integers with a proven bound.

mod batches;
mod catalog;
mod columns;
pub(crate) mod csv;
mod dialect;
mod embedded;
mod error;
mod features;
pub(crate) mod idx;
mod intake;
pub(crate) mod limits;
mod naive;
mod normalize;
mod open;
mod owned;
mod pictures;
mod prepare;
pub(crate) mod random;
pub(crate) mod records;
mod rows;
mod samples;
mod scale;
mod schema;
mod select;
mod series;
mod settings;
mod source;
mod split;
mod table;
mod whiten;
mod words;

pub use self::batches::{Balance, Batches};
pub use self::catalog::{Form, KNOWN, Known, KnownFile, KnownTable};
pub use self::dialect::Separator;
pub(crate) use self::embedded::digits;
#[cfg(test)]
pub(crate) use self::embedded::{iris, milk};
pub use self::error::DataError;
pub(crate) use self::intake::{Further, Intake};
pub(crate) use self::naive::Naive;
pub use self::normalize::Normalization;
pub(crate) use self::owned::{ELSEWHERE, Fixed, elsewhere, owned};
pub use self::prepare::Prepared;
pub(crate) use self::prepare::prepare;
pub(crate) use self::rows::NAME as ROWS;
pub use self::rows::{Labels, Rows};
pub use self::samples::Samples;
pub(crate) use self::scale::Scale;
pub(crate) use self::schema::Schema;
pub use self::series::Series;
pub use self::settings::{Coding, Data};
pub(crate) use self::source::{is_known, read, unlabelled, variant};
pub use self::split::TestPart;
pub(crate) use self::split::split;
pub(crate) use self::table::Table;

/// Where data sets are looked for if nothing else is said.
pub const DATA_DIR: &str = "data";

/// A labelled table of numbers, as read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Dataset {
    /// Its name.
    pub(crate) name: String,
    /// Columns, features and classes.
    pub(crate) schema: Schema,
    /// One row a sample; what is missing is no number.
    pub(crate) table: Table,
    /// One class index a sample, below the number of classes; none of measured values, or where there are no labels.
    pub(crate) labels: Vec<usize>,
    /// One measured value a sample: the label, or of a series the value behind the window.
    pub(crate) values: Vec<f64>,
    /// The number of each sample among the rows of its table, from 1.
    pub(crate) rows: Vec<usize>,
    /// The group of each sample, if there are groups.
    pub(crate) groups: Vec<usize>,
    /// The name of each sample, if they have names.
    pub(crate) ids: Vec<String>,
    /// How many rows at the end are the data set's own test part.
    pub(crate) own_test: Option<usize>,
    /// For a series: its values before the first one that is predicted. The samples are in order of time then.
    pub(crate) series: Option<Vec<f64>>,
    /// Rows and columns if the features are the pixels of images, row after row.
    pub(crate) sides: Option<[usize; 2]>,
    /// The frozen network whose features these are, and the columns of the images that it was given.
    pub(crate) frozen: Option<(String, Schema)>,
    /// Notes to a user on how it was read.
    pub(crate) notes: Vec<String>,
}

impl Dataset {
    /// How many of some rows each class has.
    fn class_sizes(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut sizes = vec![0; self.schema.classes.len()];
        if !self.labels.is_empty() {
            rows.for_each(|row| sizes[self.labels[row]] += 1);
        }
        sizes
    }

    /// Whether a column is one that features are made of, or that of the label.
    fn is_column(&self, name: &str) -> bool {
        let label = self.schema.label.as_deref() == Some(name);
        label || self.schema.columns.iter().any(|field| field.name == name)
    }

    /// Keeps some of the samples.
    fn keep(&mut self, rows: &[usize]) {
        fn kept<T: Clone>(all: &mut Vec<T>, rows: &[usize]) {
            if !all.is_empty() {
                *all = rows.iter().map(|&row| all[row].clone()).collect();
            }
        }
        self.table = self.table.part(rows, &(0..self.table.columns()).collect::<Vec<_>>());
        kept(&mut self.labels, rows);
        kept(&mut self.values, rows);
        kept(&mut self.rows, rows);
        kept(&mut self.groups, rows);
        kept(&mut self.ids, rows);
    }

    /// Adds the samples of another table with the same columns, as its own test part.
    fn append_test(&mut self, test: Self) {
        self.own_test = Some(test.table.rows());
        self.table.append(&test.table);
        self.labels.extend(test.labels);
        self.values.extend(test.values);
        self.rows.extend(test.rows);
        self.notes.extend(test.notes);
    }

    /// All features.
    #[must_use]
    pub(crate) fn x(&self) -> ndarray::Array2<f64> {
        let value = |(row, feature)| self.schema.value(&self.table, row, feature);
        ndarray::Array2::from_shape_fn((self.table.rows(), self.schema.features.len()), value)
    }
}
