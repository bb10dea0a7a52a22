//! Tables as rows of cells.

use std::io::Read;

use super::DataError;

/// Which columns of a table are what. A column is meant by its name, or by its number from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column that holds the class.
    pub label: String,
    /// Columns that are neither class nor feature.
    pub ignore: Vec<String>,
    /// The first row is a sample, and columns have numbers only. Without it a table whose label is given by name has a
    /// header; so has one whose label is given by number if a feature of the first row is a word above a number, or if
    /// all of them are words.
    pub no_header: bool,
    /// The separator of two cells.
    pub separator: Separator,
}

/// The separator of two cells of a table.
///
/// ```
/// use nn_encrypted::data::Separator;
///
/// assert_eq!(Separator::default(), Separator::Comma);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Separator {
    /// A comma; cells may be quoted.
    #[default]
    Comma,
    /// Blanks and tabs, any number of them.
    Blanks,
}

/// The text with one comma for the blanks between two cells.
pub(super) fn blanks_to_commas(mut reader: impl Read, file: &str) -> Result<String, DataError> {
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|error| fault(file, &error.to_string()))?;
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(",");
    Ok(text.lines().map(line).collect::<Vec<_>>().join("\n"))
}

/// A row of a table and its line.
pub(super) type Record = (u64, Vec<String>);

/// All rows with their line numbers, all of the same length.
pub(super) fn records(reader: impl Read, file: &str) -> Result<Vec<Record>, DataError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut rows: Vec<Record> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            DataError::Line { file: file.to_owned(), line, what: error.to_string() }
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row: Vec<String> = record.iter().map(str::to_owned).collect();
        if let Some(first) = rows.first() {
            if row.len() != first.1.len() {
                let what = format!("{} columns; the first row has {}", row.len(), first.1.len());
                return Err(DataError::Line { file: file.to_owned(), line, what });
            }
        } else if let Some(rest) = row[0].strip_prefix('\u{feff}') {
            row[0] = rest.to_owned();
        }
        rows.push((line, row));
    }
    Ok(rows)
}

/// An error of a whole file.
pub(super) fn fault(file: &str, what: &str) -> DataError {
    DataError::File { file: file.to_owned(), what: what.to_owned() }
}
