//! The folder of a run: `client/` with what decrypts and what was decrypted, `server/` with what a server holds.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use he_bgv::SecretKey;
use he_core::wire::WireError;
use zeroize::Zeroizing;

use super::weights::Tensors;
use super::{Measure, Predictions, Report, RunError, weights};
use crate::plan::Plan;
use crate::recipe::{AnyRecipe, Model, Network, Recipe};
use crate::roles::{Server, ServerError};

/// Paths of a run and how they are written.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// Largest evaluation keys that are read back.
const LARGEST_EVALUATION_KEYS: u64 = 1 << 32;
/// Largest checkpoint that is read back.
const LARGEST_FILE: u64 = 1 << 32;
/// Largest model that is read back: weights and momentum of the largest network.
const LARGEST_MODEL: u64 = 1 << 29;
/// Largest report that is read back.
const LARGEST_REPORT: u64 = 1 << 20;
/// Largest secret key that is read back: one byte a coefficient and an envelope.
const LARGEST_KEY: u64 = 1 << 18;

impl RunFolder {
    /// The folder at `root`; made when first written to.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn client(&self, name: &str) -> PathBuf {
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
    pub(super) fn write(&self, path: &Path, bytes: &[u8], private: bool) -> Result<(), RunError> {
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
    fn read_at_most(&self, path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, RunError> {
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

    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, RunError> {
        Ok(std::mem::take(&mut *self.read_at_most(path, LARGEST_FILE)?))
    }

    /// Path of the recipe.
    pub fn recipe(&self) -> PathBuf {
        self.root.join("recipe.toml")
    }

    /// Begins a run: from here on the folder is one of an unfinished run of this recipe.
    ///
    /// # Errors
    /// If the recipe cannot be written, or an earlier report cannot be removed.
    pub fn begin(&self, recipe: &Recipe) -> Result<(), RunError> {
        self.begin_with(&recipe.to_toml()?)
    }

    /// As [`begin`](Self::begin), with a recipe of any kind as text.
    pub(super) fn begin_with(&self, recipe: &str) -> Result<(), RunError> {
        self.remove(&self.report())?;
        self.write(&self.recipe(), recipe.as_bytes(), false)
    }

    /// Refuses a folder with the checkpoints of a run that is not finished.
    ///
    /// # Errors
    /// If it is one, or cannot be read.
    pub(super) fn refuse_unfinished(&self) -> Result<(), RunError> {
        if self.report().exists() || self.generations()?.is_empty() {
            return Ok(());
        }
        Err(RunError::Unfinished { out: self.root.clone() })
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

    /// Reads the recipe, of whatever kind.
    pub(super) fn read_any_recipe(&self) -> Result<AnyRecipe, RunError> {
        Ok(AnyRecipe::load(&self.recipe().to_string_lossy(), &[])?)
    }

    /// Path of the report; it is written last, so where it is the run is finished.
    pub fn report(&self) -> PathBuf {
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
    pub fn write_timings(&self, seconds: &[f64]) -> Result<(), RunError> {
        let rows = (1..).zip(seconds).map(|(step, seconds)| format!("{step},{seconds:.4}\n"));
        let text: String = std::iter::once("step,seconds\n".to_owned()).chain(rows).collect();
        self.write(&self.root.join("timings.csv"), text.as_bytes(), false)
    }

    /// Draws `learning-curve.svg`, for its owner only, as the report.
    ///
    /// # Errors
    /// If it cannot be drawn or written.
    pub fn write_curve(&self, title: &str, measure: Measure, scores: &[f64]) -> Result<(), RunError> {
        let path = self.root.join("learning-curve.svg");
        let io = |source| RunError::Io { path: path.clone(), source };
        let (draft, _) = self.draft(&path, true).map_err(io)?;
        super::curve::draw(&draft, title, measure, scores)?;
        fs::rename(&draft, &path).map_err(io)
    }

    /// Writes the secret keys, one for each plaintext prime, for their owner only.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_secret_keys(&self, keys: &[SecretKey]) -> Result<(), RunError> {
        keys.iter().enumerate().try_for_each(|(i, key)| self.write_secret(i, &key.to_secret_bytes()))
    }

    /// Writes the bytes of secret key `i`.
    pub(super) fn write_secret(&self, i: usize, bytes: &[u8]) -> Result<(), RunError> {
        self.write(&self.client(&secret_name(i)), bytes, true)
    }

    /// Reads secret key `i`; `open` takes its bytes.
    pub(super) fn read_secret<K>(
        &self,
        i: usize,
        open: impl FnOnce(&[u8]) -> Result<K, WireError>,
    ) -> Result<K, RunError> {
        let path = self.client(&secret_name(i));
        let bytes = self.read_at_most(&path, LARGEST_KEY)?;
        open(&bytes).map_err(|error| RunError::File { path, what: error.to_string() })
    }

    /// Reads the secret keys for a plan.
    ///
    /// # Errors
    /// If they cannot be read or belong to other parameters.
    pub fn read_secret_keys(&self, plan: &Plan) -> Result<Vec<SecretKey>, RunError> {
        let read = |(i, instance): (usize, &crate::plan::Instance)| {
            self.read_secret(i, |bytes| SecretKey::from_secret_bytes(&instance.params, bytes))
        };
        plan.instances.iter().enumerate().map(read).collect()
    }

    /// Path of the evaluation keys of a plaintext prime.
    pub(super) fn evaluation_key(&self, i: usize) -> PathBuf {
        self.server(&format!("evaluation-{i}.keys"))
    }

    /// Writes the evaluation keys.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_evaluation_keys(&self, keys: &[Vec<u8>]) -> Result<(), RunError> {
        for (i, key) in keys.iter().enumerate() {
            self.write(&self.evaluation_key(i), key, false)?;
        }
        Ok(())
    }

    /// Reads the evaluation keys, still sealed.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read_evaluation_keys(&self, plan: &Plan) -> Result<Vec<Vec<u8>>, RunError> {
        (0..plan.instances.len()).map(|set| self.read_evaluation_key(set)).collect()
    }

    /// Reads one set of evaluation keys, still sealed.
    pub(super) fn read_evaluation_key(&self, set: usize) -> Result<Vec<u8>, RunError> {
        let mut bytes = self.read_at_most(&self.evaluation_key(set), LARGEST_EVALUATION_KEYS)?;
        Ok(std::mem::take(&mut *bytes))
    }

    /// A server with evaluation keys that were read here.
    ///
    /// # Errors
    /// If they are damaged or belong to other parameters.
    pub fn server_with(&self, plan: &Arc<Plan>, keys: &[Vec<u8>]) -> Result<Server, RunError> {
        Server::new(plan, keys).map_err(|error| match error {
            ServerError::Keys { set, source } => {
                RunError::File { path: self.evaluation_key(set), what: source.to_string() }
            }
            other => other.into(),
        })
    }

    /// Writes what the server ends with: the plan in words and the encrypted weights.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_server(&self, plan: &str, model: &[u8]) -> Result<(), RunError> {
        self.write(&self.server("plan.txt"), plan.as_bytes(), false)?;
        self.write(&self.server("model.ciphertext"), model, false)
    }

    /// Writes the decrypted model as integers at the scale of the recipe, for their owner only.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_model(&self, model: &Model) -> Result<(), RunError> {
        self.write_weights(model)
    }

    /// As [`write_model`](Self::write_model), for a model of any kind.
    pub(super) fn write_weights(&self, model: &impl Tensors) -> Result<(), RunError> {
        let path = self.client("model.safetensors");
        let bytes = weights::to_bytes(model).map_err(|what| RunError::File { path: path.clone(), what })?;
        self.write(&path, &bytes, true)
    }

    /// Reads the decrypted model of a network.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or a value above the bound of the recipe.
    pub fn read_model(&self, network: &Network, recipe: &Recipe) -> Result<Model, RunError> {
        self.read_weights(|bytes| weights::from_bytes(bytes, network, recipe))
    }

    /// Reads a decrypted model; `open` takes its bytes.
    pub(super) fn read_weights<M>(
        &self,
        open: impl FnOnce(&[u8]) -> Result<M, String>,
    ) -> Result<M, RunError> {
        let path = self.client("model.safetensors");
        let bytes = self.read_at_most(&path, LARGEST_MODEL)?;
        open(&bytes).map_err(|what| RunError::File { path, what })
    }

    /// Writes predictions: sample number, predicted class, label; of a series predicted and measured value.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_predictions(
        &self,
        classes: &[String],
        predicted: &Predictions,
        labels: &[usize],
    ) -> Result<(), RunError> {
        let name = |class: usize| classes.get(class).map_or("?", String::as_str);
        let (header, rows): (_, Vec<String>) = match predicted {
            Predictions::Classes(predicted) => {
                let row = |(p, l): (&usize, &usize)| format!("{},{}", name(*p), name(*l));
                ("sample,predicted,label\n", predicted.iter().zip(labels).map(row).collect())
            }
            Predictions::Values(predicted) => {
                let row = |(p, l): (&f64, &usize)| format!("{p:.2},{l}");
                ("sample,predicted,measured\n", predicted.iter().zip(labels).map(row).collect())
            }
        };
        let rows = rows.iter().enumerate().map(|(i, row)| format!("{i},{row}\n"));
        let text: String = std::iter::once(header.to_owned()).chain(rows).collect();
        self.write(&self.client("predictions.csv"), text.as_bytes(), true)
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

fn secret_name(i: usize) -> String {
    if i == 0 { "secret.key".into() } else { format!("secret-{i}.key") }
}
