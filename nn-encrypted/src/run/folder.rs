//! The folder of a run: `client/` with what decrypts and what was decrypted, `server/` with what a server holds.
//!
//! `client/model.private.safetensors` is the model as it was decrypted: it stays with the owner of the keys.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg(feature = "cli")]
use super::Measure;
use super::{Report, RunError, Unlock};
use crate::recipe::Recipe;

/// Paths of a run and how they are written.
///
/// ```
/// use nn_encrypted::run::RunFolder;
///
/// let folder = RunFolder::new("no such folder");
/// assert!(folder.read_report().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
    unlock: Unlock,
}

/// Largest checkpoint that is read back.
const LARGEST_FILE: u64 = 1 << 32;
/// Largest report that is read back.
const LARGEST_REPORT: u64 = 1 << 20;

/// The decrypted model, below the root.
pub(super) const PRIVATE_MODEL: &str = "client/model.private.safetensors";
/// Its names in folders of earlier versions.
pub(super) const EARLIER_MODELS: [&str; 2] = ["client/private-model.safetensors", "client/model.safetensors"];

impl RunFolder {
    /// The folder at `root`; made when first written to.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), unlock: Unlock::default() }
    }

    /// The folder of a run that a file lies in the `client` of, or the one around any other file.
    pub(super) fn around(path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        match folder.parent() {
            Some(root) if folder.ends_with("client") => Self::new(root),
            _ => Self::new(folder),
        }
    }

    /// With a way to the passphrase of its secret keys, if they are under one.
    #[must_use]
    pub(crate) fn unlocked_by(self, unlock: &Unlock) -> Self {
        Self { unlock: unlock.clone(), ..self }
    }

    pub(super) fn unlock(&self) -> &Unlock {
        &self.unlock
    }

    /// Its path.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn client(&self, name: &str) -> PathBuf {
        self.root.join("client").join(name)
    }

    pub(super) fn server(&self, name: &str) -> PathBuf {
        self.root.join("server").join(name)
    }

    /// Makes a folder; that of the client can be entered by its owner only.
    fn make(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(&self.root)?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if folder == self.root.join("client") {
            use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
            builder.mode(0o700).create(folder)?;
            // It may have been there before, open to others.
            return fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        }
        builder.create(folder)
    }

    /// A new, empty file beside `path`, to be renamed to it when it is whole.
    fn draft(&self, path: &Path, private: bool) -> std::io::Result<(PathBuf, fs::File)> {
        self.make(path.parent().unwrap_or(&self.root))?;
        let draft = path.with_extension("draft");
        // A draft left behind might be open to others: the file is made anew, with its mode.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = options(private).create_new(true).open(&draft)?;
        Ok((draft, file))
    }

    /// Writes a file whole or not at all; `private` ones can be read by their owner only. When it returns, the file
    /// is on disk under its name.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8], private: bool) -> Result<(), RunError> {
        let io = |source| RunError::Io { path: path.to_owned(), source };
        let (draft, mut file) = self.draft(path, private).map_err(io)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&draft, path)).map_err(|source| {
            // On a full disk the space is needed; the first error is the one to tell.
            let _ = fs::remove_file(&draft);
            io(source)
        })?;
        self.sync_folder_of(path).map_err(io)
    }

    /// Brings the names in a folder to disk; not every system has a way to.
    fn sync_folder_of(&self, path: &Path) -> std::io::Result<()> {
        if cfg!(unix) {
            fs::File::open(path.parent().unwrap_or(&self.root))?.sync_all()?;
        }
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), RunError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(RunError::Io { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// The bytes of a file of at most `most`, in memory of exactly its length, so that no part of it is left behind in
    /// memory that was outgrown.
    pub(super) fn read_at_most(&self, path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, RunError> {
        let io = |source| RunError::Io { path: path.to_owned(), source };
        let mut file = fs::File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length > most {
            let what = format!("{length} bytes, at most {most} are read");
            return Err(RunError::File { path: path.to_owned(), what });
        }
        let mut bytes = Zeroizing::new(vec![0; length as usize]);
        file.read_exact(&mut bytes).map_err(io)?;
        Ok(bytes)
    }

    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, RunError> {
        Ok(std::mem::take(&mut *self.read_at_most(path, LARGEST_FILE)?))
    }

    /// Path of the recipe.
    pub(crate) fn recipe(&self) -> PathBuf {
        self.root.join("recipe.toml")
    }

    /// Begins a run: from here on the folder is one of an unfinished run of this recipe.
    ///
    /// # Errors
    /// If the recipe cannot be written, or an earlier run cannot be removed.
    pub fn begin(&self, recipe: &Recipe) -> Result<(), RunError> {
        let text = recipe.to_toml()?;
        self.remove(&self.report())?;
        self.remove(&self.exports())?;
        self.remove(&self.root.join("events.jsonl"))?;
        [PRIVATE_MODEL]
            .iter()
            .chain(&EARLIER_MODELS)
            .try_for_each(|name| self.remove(&self.root.join(name)))?;
        self.write(&self.recipe(), text.as_bytes(), false)
    }

    /// Refuses a folder with a run: one that is not finished, and a finished one that is not to be overwritten.
    ///
    /// # Errors
    /// If it is one, or cannot be read.
    pub(crate) fn refuse_run(&self, overwrite: bool) -> Result<(), RunError> {
        if self.report().exists() {
            return if overwrite { Ok(()) } else { Err(RunError::Finished { out: self.root.clone() }) };
        }
        if self.generations()?.is_empty() {
            return Ok(());
        }
        Err(RunError::Unfinished { out: self.root.clone() })
    }

    /// Whether there are secret keys of an earlier run.
    pub(super) fn has_secrets(&self) -> bool {
        self.client("secret.key").exists()
    }

    /// Puts the files of the owner of an earlier run aside, for its secret keys are never replaced: `client` becomes `client-1`, or the
    /// next number that is free.
    ///
    /// # Errors
    /// If the folder cannot be renamed.
    pub(super) fn keep_secrets(&self) -> Result<(), RunError> {
        let path = self.client("");
        let free = (1..).map(|n: u32| self.root.join(format!("client-{n}"))).find(|place| !place.exists());
        let free = free.unwrap_or_default();
        let renamed = fs::rename(&path, &free);
        renamed.map_err(|source| RunError::Io { path, source })?;
        // What was made with them goes with them.
        for beside in [self.job_path(), self.public_path()] {
            let to = free.join(beside.file_name().unwrap_or_default());
            match fs::rename(&beside, to) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RunError::Io { path: beside, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A file to be locked, and its path.
    pub(super) fn lock_file(&self) -> Result<(PathBuf, fs::File), RunError> {
        let path = self.client("lock");
        let open = || {
            self.make(&self.client(""))?;
            options(true).create(true).truncate(false).open(&path)
        };
        let file = open().map_err(|source| RunError::Io { path: path.clone(), source })?;
        Ok((path, file))
    }

    /// Reads the recipe.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn read_recipe(&self) -> Result<Recipe, RunError> {
        Ok(Recipe::load(&self.recipe().to_string_lossy(), &[])?)
    }

    /// Path of the report; it is written last, so where it is the run is finished.
    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.json")
    }

    /// Writes `report.json`, for its owner only: it holds accuracies, which the client alone knows.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_report(&self, report: &Report) -> Result<(), RunError> {
        let path = self.report();
        let text = serde_json::to_string_pretty(report)
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        self.write(&path, text.as_bytes(), true)
    }

    /// Reads `report.json`.
    ///
    /// # Errors
    /// If it cannot be read or is no report.
    pub fn read_report(&self) -> Result<Report, RunError> {
        let path = self.report();
        let bytes = self.read_at_most(&path, LARGEST_REPORT)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::File { path, what: error.to_string() })
    }

    /// Writes `timings.csv`: the wall-clock seconds of each step, those before a resumption included.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_timings(&self, seconds: &[f64]) -> Result<(), RunError> {
        let rows = (1..).zip(seconds).map(|(step, seconds)| format!("{step},{seconds:.4}\n"));
        let text: String = std::iter::once("step,seconds\n".to_owned()).chain(rows).collect();
        self.write(&self.root.join("timings.csv"), text.as_bytes(), false)
    }

    /// Writes `report.html`, for its owner only.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write_page(&self, page: &str) -> Result<(), RunError> {
        self.write(&self.root.join("report.html"), page.as_bytes(), true)
    }

    /// Adds a line to `events.jsonl`, for its owner only: what happened in a run, for programs that draw it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn note_event(&self, event: &serde_json::Value) -> Result<(), RunError> {
        let path = self.root.join("events.jsonl");
        let io = |source| RunError::Io { path: path.clone(), source };
        let mut file = options(true).append(true).create(true).open(&path).map_err(io)?;
        file.write_all(format!("{event}\n").as_bytes()).map_err(io)
    }

    /// Draws `learning-curve.svg`, for its owner only, as the report.
    ///
    /// # Errors
    /// If it cannot be drawn or written.
    #[cfg(feature = "cli")]
    pub(crate) fn write_curve(&self, title: &str, measure: Measure, scores: &[f64]) -> Result<(), RunError> {
        let path = self.root.join("learning-curve.svg");
        let io = |source| RunError::Io { path: path.clone(), source };
        let (draft, _) = self.draft(&path, true).map_err(io)?;
        super::curve::draw(&draft, title, measure, scores)?;
        fs::rename(&draft, &path).map_err(io)
    }

    /// Writes the plan as cryptographers read it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write_plan(&self, plan: &str) -> Result<(), RunError> {
        self.write(&self.server("plan.txt"), plan.as_bytes(), false)
    }

    /// Writes what the server ends with: the encrypted weights.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_server(&self, model: &[u8]) -> Result<(), RunError> {
        self.write(&self.server("model.ciphertext"), model, false)
    }

    /// Path of the decrypted model; folders of earlier versions have it under another name.
    pub(super) fn model(&self) -> PathBuf {
        let path = self.root.join(PRIVATE_MODEL);
        let earlier = EARLIER_MODELS.iter().map(|name| self.root.join(name)).find(|earlier| earlier.exists());
        earlier.filter(|_| !path.exists()).unwrap_or(path)
    }
}

/// Options of a file that is written; `private` ones can be read by their owner only.
fn options(private: bool) -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if private { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = private;
    options
}
