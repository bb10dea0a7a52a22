//! Opening data files, none of which may be larger than memory should hold.

use std::fs::File;
use std::io::{Read, Take};
use std::path::Path;

use super::DataError;
use super::limits::LARGEST_FILE;

/// A data file, from its start.
pub(super) fn open(path: &Path) -> Result<Take<File>, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > LARGEST_FILE {
        let what = format!("{length} bytes; at most {LARGEST_FILE} are read");
        return Err(DataError::File { file: path.display().to_string(), what });
    }
    Ok(file.take(LARGEST_FILE))
}
