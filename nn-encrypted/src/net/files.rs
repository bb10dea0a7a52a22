//! Files that are written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::run::RunError;

/// Writes a file that its owner alone can read, whole or not at all.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let draft = path.with_extension("draft");
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&draft);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| RunError::Io { path: path.to_owned(), source })
}

/// A file that is not what it should be.
pub(super) fn wrong(path: &Path, what: impl ToString) -> RunError {
    RunError::File { path: path.to_owned(), what: what.to_string() }
}
