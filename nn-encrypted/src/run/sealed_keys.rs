//! Evaluation keys as they are sent: in memory, or in files that are read piece by piece.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use he_core::wire::DIGEST_BYTES;

use super::RunError;
use super::digest::digest_of;
use super::encrypted::SentKeys;
use crate::engine::KeyStream;

/// Evaluation keys of a kind, sealed.
pub(crate) enum SealedKey {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file of so many bytes.
    File(PathBuf, u64),
}

/// Evaluation keys of a run, sealed: of each engine those of each kind.
///
/// ```no_run
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{RunFolder, SealedKeys, Session};
///
/// let folder = RunFolder::new("runs/iris");
/// let plan = Session::new(folder.read_recipe()?, None)?.plan()?;
/// let keys: SealedKeys = folder.read_evaluation_keys(&plan)?;
/// let server = folder.server_with(&plan, &keys)?;
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
pub struct SealedKeys(Vec<Vec<SealedKey>>);

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunError {
    |source| RunError::Io { path: path.to_owned(), source }
}

/// Largest evaluation keys that are read back.
const LARGEST: u64 = 1 << 32;

impl SealedKey {
    /// Those of a file.
    ///
    /// # Errors
    /// If it is not there, or longer than any keys are.
    pub(super) fn file(path: PathBuf) -> Result<Self, RunError> {
        let length = std::fs::metadata(&path).map_err(io(&path))?.len();
        if length > LARGEST {
            let what = format!("{length} bytes, at most {LARGEST} are read");
            return Err(RunError::File { path, what });
        }
        Ok(Self::File(path, length))
    }

    /// Bytes that they take.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Their bytes, to be read once.
    pub(crate) fn open(&self) -> Result<KeyStream<'_>, RunError> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(&bytes[..]),
            Self::File(path, length) => Box::new(File::open(path).map_err(io(path))?.take(*length)),
        })
    }

    /// As many bytes as there is room for, from an offset on.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), RunError> {
        match self {
            Self::Bytes(bytes) => {
                let start = offset as usize;
                out.copy_from_slice(&bytes[start..start + out.len()]);
                Ok(())
            }
            Self::File(path, _) => {
                let mut file = File::open(path).map_err(io(path))?;
                let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(out));
                read.map_err(io(path))
            }
        }
    }

    /// The digest that they end with, as far as they have one.
    fn digest(&self) -> Result<Vec<u8>, RunError> {
        let count = self.length().min(DIGEST_BYTES as u64);
        let mut digest = vec![0; count as usize];
        self.read_at(self.length() - count, &mut digest)?;
        Ok(digest)
    }
}

impl SealedKeys {
    /// Keys in memory.
    pub(super) fn in_memory(keys: SentKeys) -> Self {
        Self(keys.into_iter().map(|keys| keys.into_iter().map(SealedKey::Bytes).collect()).collect())
    }

    /// Keys in files.
    pub(super) fn in_files(keys: Vec<Vec<SealedKey>>) -> Self {
        Self(keys)
    }

    /// Those of every kind, engine by engine.
    pub(crate) fn all(&self) -> impl Iterator<Item = &SealedKey> {
        self.0.iter().flatten()
    }

    /// Bytes of all of them.
    pub(super) fn length(&self) -> u64 {
        self.all().map(SealedKey::length).sum()
    }

    /// The digest of all of them, as they say it.
    pub(crate) fn digest(&self) -> Result<[u8; 32], RunError> {
        Ok(digest_of(self.all().map(SealedKey::digest).collect::<Result<Vec<_>, _>>()?))
    }

    /// The bytes of each, to be read once.
    pub(super) fn open(&self) -> Result<Vec<Vec<KeyStream<'_>>>, RunError> {
        self.0.iter().map(|keys| keys.iter().map(SealedKey::open).collect()).collect()
    }
}

he_core::brief_debug!(SealedKeys: |a| count = a.all().count(), bytes = a.length());
