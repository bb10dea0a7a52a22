//! Faults of data.

use std::path::PathBuf;

/// A data set that cannot be used, with the place of the fault.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A data set was asked for that is neither known by name nor a file.
    #[error("unknown data set `{set}`: known are {known}; or give the path of a table")]
    UnknownSet {
        /// The name asked for.
        set: String,
        /// The names there are.
        known: String,
    },
    /// A file of a known data set is in none of the folders searched.
    #[error(
        "data set {set}: {file} (or {file}.gz) is not in {searched}; give its folder with --data-dir, or download it with: nn-encrypted data fetch {set}"
    )]
    NotFound {
        /// The data set.
        set: &'static str,
        /// The missing file.
        file: String,
        /// The folders searched.
        searched: String,
    },
    /// A line of a CSV file is faulty.
    #[error("{file}:{line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// Found and needed.
        what: String,
    },
    /// A cell of a CSV file is faulty.
    #[error("{file}:{line}: column `{column}`: {what}")]
    Cell {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column's name, or its number from 1.
        column: String,
        /// Found and needed.
        what: String,
    },
    /// A column was asked for that the file does not have.
    #[error("{file}: no column `{column}`; the columns are {available}")]
    NoColumn {
        /// The file.
        file: String,
        /// The column asked for.
        column: String,
        /// The columns there are.
        available: String,
    },
    /// A file is faulty as a whole.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: String,
        /// Found and needed.
        what: String,
    },
    /// A setting of the recipe does not fit the data.
    #[error("data set {set}: {what}")]
    Setting {
        /// The data set.
        set: String,
        /// Found and needed.
        what: String,
    },
}

he_core::debug_as_displayed!(DataError);
