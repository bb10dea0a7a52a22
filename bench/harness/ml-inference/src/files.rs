//! Files where the harness has them, below the folder that it is run in.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Failure, Size};

/// The folders of one instance.
pub struct Files {
    root: PathBuf,
    size: Size,
}

impl Files {
    /// Those of an instance, below the folder `root`.
    pub fn new(root: &Path, size: Size) -> Self {
        Self { root: root.to_owned(), size }
    }

    /// The instance.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The images, as text.
    pub fn images(&self) -> PathBuf {
        self.root.join("datasets").join(self.size.name).join("intermediate/test_pixels.txt")
    }

    /// A file below `io`, which the harness makes anew. Its folder is made.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn io(&self, inner: &str) -> Result<PathBuf, Failure> {
        let path = self.root.join("io").join(self.size.name).join(inner);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(path)
    }

    /// Writes a file below `io`.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn write(&self, inner: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.io(inner)?;
        Ok(fs::write(&path, bytes).map_err(|error| named(&path, &error))?)
    }

    /// Writes a secret: nobody else may read it, and none is written over.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn write_secret(&self, inner: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.io(inner)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| named(&path, &error))?;
        Ok(file.write_all(bytes)?)
    }

    /// Reads a file below `io`.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn read(&self, inner: &str) -> Result<Vec<u8>, Failure> {
        read(&self.io(inner)?)
    }

    /// Reads a file below `io`, if it is there.
    ///
    /// # Errors
    /// If it is and cannot be read.
    pub fn read_if_there(&self, inner: &str) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.io(inner)?;
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            other => Ok(Some(other.map_err(|error| named(&path, &error))?)),
        }
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn read_secret(&self, inner: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Ok(Zeroizing::new(self.read(inner)?))
    }
}

/// An error with the file that it is about.
pub fn named(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Reads a file.
///
/// # Errors
/// If that is not possible.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(path).map_err(|error| named(path, &error))?)
}

/// As many parts as there should be, each behind its length of 8 bytes, and nothing behind them.
///
/// # Errors
/// If there are others.
pub fn parts(mut bytes: &[u8], count: usize) -> Result<Vec<&[u8]>, Failure> {
    let mut parts = Vec::new();
    for part in 0..count {
        let (length, rest) =
            bytes.split_first_chunk::<8>().ok_or_else(|| format!("part {part} is missing"))?;
        let length = usize::try_from(u64::from_le_bytes(*length))?;
        let (found, rest) = rest.split_at_checked(length).ok_or_else(|| format!("part {part} is cut off"))?;
        parts.push(found);
        bytes = rest;
    }
    if bytes.is_empty() {
        Ok(parts)
    } else {
        Err(format!("{} bytes follow the last part", bytes.len()).into())
    }
}

/// Parts behind their lengths, as [`parts`] reads them.
pub fn joined(all: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(all.iter().map(|part| 8 + part.len()).sum());
    for part in all {
        out.extend((part.len() as u64).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}
