//! The roles of a table's columns.

use std::collections::{BTreeSet, HashMap};

use csv::StringRecord;

use super::DataError;
use super::limits::listed;
use super::records::{CsvOptions, fault};

/// Which column is what.
pub(super) struct Columns {
    /// Their names, or their numbers from 1.
    pub(super) names: Vec<String>,
    /// Whether the first row holds the names.
    pub(super) header: bool,
    /// The column of the class.
    pub(super) label: usize,
    /// The columns of the features.
    pub(super) features: Vec<usize>,
}

impl Columns {
    /// From the first row of a table, and the second to tell a header by.
    pub(super) fn find(
        first: &StringRecord,
        second: Option<&StringRecord>,
        file: &str,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let by_name = by_name(first.iter().map(str::trim));
        let find = |column: &str| {
            let place = if options.no_header || column.parse::<f64>().is_ok() {
                column.parse().ok().filter(|n| (1..=first.len()).contains(n)).map(|n: usize| n - 1)
            } else {
                by_name.get(column).copied()
            };
            place.ok_or_else(|| match options.no_header {
                true => no_column(file, column, [format!("1 to {}", first.len()).as_str()].into_iter()),
                false => no_column(file, column, first.iter().collect::<Vec<_>>().into_iter()),
            })
        };
        let label = find(&options.label)?;
        let ignored = options.ignore.iter().map(|column| find(column)).collect::<Result<BTreeSet<_>, _>>()?;
        let features: Vec<usize> =
            (0..first.len()).filter(|column| *column != label && !ignored.contains(column)).collect();
        if features.is_empty() {
            return Err(fault(file, "no column is left for a feature"));
        }
        let header = !options.no_header
            && (options.label.parse::<f64>().is_err() || looks_like_a_header(first, second, &features));
        let name =
            |(i, cell): (usize, &str)| if header { cell.trim().to_owned() } else { (i + 1).to_string() };
        let names = first.iter().enumerate().map(name).collect();
        Ok(Self { names, header, label, features })
    }

    /// An error in a cell.
    pub(super) fn cell(&self, file: &str, line: u64, column: usize, what: String) -> DataError {
        DataError::Cell { file: file.to_owned(), line, column: self.names[column].clone(), what }
    }
}

/// The place of each name, the first of those that are there twice.
pub(super) fn by_name<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut places = HashMap::new();
    for (place, name) in names.enumerate() {
        places.entry(name).or_insert(place);
    }
    places
}

/// That a table has no such column.
pub(super) fn no_column<'a>(
    file: &str,
    column: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> DataError {
    DataError::NoColumn { file: file.to_owned(), column: column.to_owned(), available: listed(names) }
}

/// Whether a word of the first row stands above a number, or all its features are words.
fn looks_like_a_header(first: &StringRecord, second: Option<&StringRecord>, features: &[usize]) -> bool {
    let word = |row: Option<&StringRecord>, column: usize| {
        row.is_some_and(|cells| cells[column].trim().parse::<f64>().is_err())
    };
    features.iter().any(|&column| word(Some(first), column) && !word(second, column))
        || features.iter().all(|&column| word(Some(first), column))
}

/// The fault of a cell that holds nothing.
pub(super) fn missing_cell(cell: &str) -> Option<String> {
    let words = ["", "?", "na", "nan", "null"];
    words
        .iter()
        .any(|word| cell.eq_ignore_ascii_case(word))
        .then(|| format!("the value is missing (`{cell}`)"))
}
