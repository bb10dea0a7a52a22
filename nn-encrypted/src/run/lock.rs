//! One process in a run folder.

use std::fs::File;

use super::{Options, RunError, RunFolder};

const TAKEN: &str = "another process trains in this folder";

/// A run folder that no other process trains in, as long as this is not dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "locked as long as it is open")] File);

impl Lock {
    /// Locks a folder, and looks once more what is in it: another process may have ended a run there just now.
    pub(super) fn new(folder: &RunFolder, options: &Options) -> Result<Self, RunError> {
        let lock = Self::taken(folder, options)?;
        // Keys that were made before a training are for it.
        let made_before = folder.job_path().exists() && !folder.report().exists();
        if options.resume || made_before || !folder.has_secrets() {
            return Ok(lock);
        }
        // What is put aside takes this lock with it.
        folder.keep_secrets()?;
        let (path, file) = folder.lock_file()?;
        file.try_lock().map_err(|_| RunError::File { path, what: TAKEN.into() })?;
        Ok(Self(file))
    }

    fn taken(folder: &RunFolder, &Options { resume, overwrite, .. }: &Options) -> Result<Self, RunError> {
        let (path, file) = folder.lock_file()?;
        match file.try_lock() {
            Ok(()) if resume && folder.report().exists() => {
                let what = "another process has just finished this run".into();
                Err(RunError::File { path: folder.report(), what })
            }
            Ok(()) if resume => Ok(Self(file)),
            Ok(()) => folder.refuse_run(overwrite).map(|()| Self(file)),
            Err(std::fs::TryLockError::WouldBlock) => Err(RunError::File { path, what: TAKEN.into() }),
            Err(std::fs::TryLockError::Error(source)) => Err(RunError::Io { path, source }),
        }
    }
}
