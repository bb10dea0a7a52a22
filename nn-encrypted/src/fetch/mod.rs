//! Downloads of known data sets: from the official place, else from a mirror, checked by digest, resumed when broken.
//!
//! What is checked is the digest inside the program, so a mirror or a network that alters a file is found out; TLS is the
//! way in that servers ask for. A file has its name only when it is whole and right.

mod digest;
mod download;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(crate) use self::digest::digest;
pub use self::download::Source;
use crate::data::{Known, KnownFile};

/// Attempts at one place, each of which goes on where the last one broke.
const ATTEMPTS: usize = 4;

/// Why a file could not be fetched.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file of this name is there, and is another one.
    #[error("{}: SHA-256 {found}; {needed} is needed: move the file away to fetch it", path.display())]
    Present {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The digest it should have.
        needed: &'static str,
    },
    /// No place gave the file.
    #[error("{file} cannot be fetched:{}", attempts.iter().map(|line| format!("\n  {line}")).collect::<String>())]
    Failed {
        /// The file.
        file: &'static str,
        /// Each place and what was wrong.
        attempts: Vec<String>,
    },
    /// A file on this machine cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl FetchError {
    /// Whether the user's files are at fault rather than the network.
    #[must_use]
    pub(crate) fn is_input(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Fetches the files of a data set that are not there yet into its folder below `data_dir`; `say` is told about each.
///
/// # Errors
/// If a file cannot be had, or another one has its name.
pub fn fetch(set: &Known, data_dir: &Path, mut say: impl FnMut(&str)) -> Result<(), FetchError> {
    for file in set.files {
        let there = set.locate(data_dir, file.name).ok();
        let sources: Vec<Source<'_>> = file.sources.iter().map(|url| Source { url }).collect();
        let folder = data_dir.join(set.folder);
        let path = match there {
            Some(path) => check_present(file, path)?,
            None => fetch_file(file, &sources, &folder, &mut say)?,
        };
        say(&format!("{}: {}", file.name, path.display()));
    }
    Ok(())
}

fn check_present(file: &KnownFile, path: PathBuf) -> Result<PathBuf, FetchError> {
    let found = digest(file, &path).map_err(FetchError::io(&path))?;
    if found == file.sha256 {
        return Ok(path);
    }
    Err(FetchError::Present { path, found, needed: file.sha256 })
}

/// Fetches a file from the first of the sources that gives it whole, into `folder`.
///
/// # Errors
/// If none does; what is wrong is then gone, what is broken waits in a `.part` file for the next call.
pub fn fetch_file(
    file: &KnownFile,
    sources: &[Source<'_>],
    folder: &Path,
    mut say: impl FnMut(&str),
) -> Result<PathBuf, FetchError> {
    fs::create_dir_all(folder).map_err(FetchError::io(folder))?;
    let path = folder.join(file.name);
    let mut attempts = Vec::new();
    for source in sources {
        say(&format!("{} from {}", file.name, source.url));
        let part = folder.join(source.part_name(file.name));
        match whole(file, source, &part).and_then(|()| right(file, &part)) {
            Ok(()) => {
                fs::rename(&part, &path).map_err(FetchError::io(&path))?;
                return Ok(path);
            }
            Err(what) => attempts.push(format!("{}: {what}", source.url)),
        }
    }
    Err(FetchError::Failed { file: file.name, attempts })
}

/// Downloads until the part is whole, as long as every attempt brings it further.
fn whole(file: &KnownFile, source: &Source<'_>, part: &Path) -> Result<(), String> {
    let length = || fs::metadata(part).map_or(0, |data| data.len());
    let mut attempt = 1;
    loop {
        let before = length();
        match source.download(part, file.most_bytes) {
            Err(what) if attempt == ATTEMPTS || length() <= before => return Err(what),
            Err(_) => attempt += 1,
            Ok(()) => return Ok(()),
        }
    }
}

/// Checks the digest; a part that is wrong is removed.
fn right(file: &KnownFile, part: &Path) -> Result<(), String> {
    let found = match digest(file, part) {
        Ok(found) if found == file.sha256 => return Ok(()),
        Ok(found) => format!("SHA-256 {found}; {} is needed", file.sha256),
        Err(error) => error.to_string(),
    };
    match fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{found}; {error}")),
        _ => Err(found),
    }
}

he_core::debug_as_displayed!(FetchError);
