//! The roles of a table's columns.

use super::DataError;
use super::records::{CsvOptions, Record, fault};

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
    pub(super) fn find(rows: &[Record], file: &str, options: &CsvOptions) -> Result<Self, DataError> {
        let Some((_, first)) = rows.first() else {
            return Err(fault(file, "no rows; a header or a first sample is needed"));
        };
        let find = |column: &str| {
            find_column(first, column, options.no_header).ok_or_else(|| DataError::NoColumn {
                file: file.to_owned(),
                column: column.to_owned(),
                available: if options.no_header { format!("1 to {}", first.len()) } else { first.join(", ") },
            })
        };
        let label = find(&options.label)?;
        let ignored = options.ignore.iter().map(|column| find(column)).collect::<Result<Vec<_>, _>>()?;
        let features: Vec<usize> =
            (0..first.len()).filter(|column| *column != label && !ignored.contains(column)).collect();
        if features.is_empty() {
            return Err(fault(file, "no column is left for a feature"));
        }
        let header = !options.no_header
            && (options.label.parse::<f64>().is_err() || looks_like_a_header(rows, &features));
        let names = (0..first.len())
            .map(|i| if header { first[i].trim().to_owned() } else { (i + 1).to_string() })
            .collect();
        Ok(Self { names, header, label, features })
    }

    /// An error in a cell.
    pub(super) fn cell(&self, file: &str, line: u64, column: usize, what: String) -> DataError {
        DataError::Cell { file: file.to_owned(), line, column: self.names[column].clone(), what }
    }
}

/// Whether a word of the first row stands above a number, or all its features are words.
fn looks_like_a_header(rows: &[Record], features: &[usize]) -> bool {
    let word = |row: usize, column: usize| {
        rows.get(row).is_some_and(|(_, cells)| cells[column].trim().parse::<f64>().is_err())
    };
    features.iter().any(|&column| word(0, column) && !word(1, column))
        || features.iter().all(|&column| word(0, column))
}

/// The index of a column meant by its number from 1 or, if it is no number, by its name.
fn find_column(first: &[String], column: &str, no_header: bool) -> Option<usize> {
    if no_header || column.parse::<f64>().is_ok() {
        return column.parse::<usize>().ok().filter(|n| (1..=first.len()).contains(n)).map(|n| n - 1);
    }
    first.iter().position(|cell| cell.trim() == column)
}

/// The fault of a cell that holds nothing.
pub(super) fn missing_cell(cell: &str) -> Option<String> {
    let words = ["", "?", "na", "nan", "null"];
    words.contains(&cell.to_ascii_lowercase().as_str()).then(|| format!("the value is missing (`{cell}`)"))
}
