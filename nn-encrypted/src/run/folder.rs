//! The folder of a run: `client/` with what decrypts and what was decrypted, `server/` with what a server holds.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use he_bgv::SecretKey;
use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use zeroize::Zeroizing;

use super::{Report, RunError};
use crate::plan::Plan;
use crate::recipe::{LayerState, Model, Network, Recipe};
use crate::roles::{Server, ServerError};

/// Paths of a run and how they are written.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// Largest evaluation keys that are read back.
const LARGEST_EVALUATION_KEYS: u64 = 1 << 32;
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

    fn client(&self, name: &str) -> PathBuf {
        self.root.join("client").join(name)
    }

    fn server(&self, name: &str) -> PathBuf {
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
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(if private { 0o600 } else { 0o644 });
        }
        #[cfg(not(unix))]
        let _ = private;
        let file = options.open(&draft)?;
        Ok((draft, file))
    }

    /// Writes a file whole or not at all; `private` ones can be read by their owner only.
    fn write(&self, path: &Path, bytes: &[u8], private: bool) -> Result<(), RunError> {
        let io = |source| RunError::Io { path: path.to_owned(), source };
        let (draft, mut file) = self.draft(path, private).map_err(io)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&draft, path).map_err(io)
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

    /// Writes the recipe, complete.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_recipe(&self, recipe: &Recipe) -> Result<(), RunError> {
        self.write(&self.root.join("recipe.toml"), recipe.to_toml()?.as_bytes(), false)
    }

    /// Reads the recipe.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn read_recipe(&self) -> Result<Recipe, RunError> {
        Ok(Recipe::load(&self.root.join("recipe.toml").to_string_lossy(), &[])?)
    }

    /// Writes `report.json`, for its owner only: it holds accuracies, which the client alone knows.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_report(&self, report: &Report) -> Result<(), RunError> {
        let path = self.root.join("report.json");
        let text = serde_json::to_string_pretty(report)
            .map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
        self.write(&path, text.as_bytes(), true)
    }

    /// Reads `report.json`.
    ///
    /// # Errors
    /// If it cannot be read or is no report.
    pub fn read_report(&self) -> Result<Report, RunError> {
        let path = self.root.join("report.json");
        let bytes = self.read_at_most(&path, LARGEST_REPORT)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::File { path, what: error.to_string() })
    }

    /// Draws `learning-curve.svg`, for its owner only, as the report.
    ///
    /// # Errors
    /// If it cannot be drawn or written.
    pub fn write_curve(&self, title: &str, accuracies: &[f64]) -> Result<(), RunError> {
        let path = self.root.join("learning-curve.svg");
        let io = |source| RunError::Io { path: path.clone(), source };
        let (draft, _) = self.draft(&path, true).map_err(io)?;
        super::curve::draw(&draft, title, accuracies)?;
        fs::rename(&draft, &path).map_err(io)
    }

    /// Writes the secret keys, one for each plaintext prime, for their owner only.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_secret_keys(&self, keys: &[SecretKey]) -> Result<(), RunError> {
        for (i, key) in keys.iter().enumerate() {
            self.write(&self.client(&secret_name(i)), &key.to_secret_bytes(), true)?;
        }
        Ok(())
    }

    /// Reads the secret keys for a plan.
    ///
    /// # Errors
    /// If they cannot be read or belong to other parameters.
    pub fn read_secret_keys(&self, plan: &Plan) -> Result<Vec<SecretKey>, RunError> {
        let read = |(i, instance): (usize, &crate::plan::Instance)| {
            let path = self.client(&secret_name(i));
            let bytes = self.read_at_most(&path, LARGEST_KEY)?;
            SecretKey::from_secret_bytes(&instance.params, &bytes)
                .map_err(|error| RunError::File { path, what: error.to_string() })
        };
        plan.instances.iter().enumerate().map(read).collect()
    }

    /// Writes the evaluation keys.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_evaluation_keys(&self, keys: &[Vec<u8>]) -> Result<(), RunError> {
        for (i, key) in keys.iter().enumerate() {
            self.write(&self.evaluation_keys(i), key, false)?;
        }
        Ok(())
    }

    fn evaluation_keys(&self, set: usize) -> PathBuf {
        self.server(&format!("evaluation-{set}.keys"))
    }

    /// Reads the evaluation keys for a plan, and starts a server with them.
    ///
    /// # Errors
    /// If they cannot be read or belong to other parameters.
    pub fn read_server(&self, plan: &Arc<Plan>) -> Result<Server, RunError> {
        let read = |set| {
            let mut bytes = self.read_at_most(&self.evaluation_keys(set), LARGEST_EVALUATION_KEYS)?;
            Ok(std::mem::take(&mut *bytes))
        };
        let keys = (0..plan.instances.len()).map(read).collect::<Result<Vec<_>, RunError>>()?;
        Server::new(plan, &keys).map_err(|error| match error {
            ServerError::Keys { set, source } => {
                RunError::File { path: self.evaluation_keys(set), what: source.to_string() }
            }
            other => other.into(),
        })
    }

    /// Writes what the server ends with: the plan in words and the encrypted weights.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_server(&self, plan: &Plan, model: &[u8]) -> Result<(), RunError> {
        self.write(&self.server("plan.txt"), plan.to_string().as_bytes(), false)?;
        self.write(&self.server("model.ciphertext"), model, false)
    }

    /// Writes the decrypted model as integers at the scale of the recipe, for their owner only.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_model(&self, model: &Model) -> Result<(), RunError> {
        let path = self.client("model.safetensors");
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (l, layer) in model.layers.iter().enumerate() {
            let matrices = [("weight", &layer.weight), ("weight_momentum", &layer.weight_momentum)];
            let vectors = [("bias", &layer.bias), ("bias_momentum", &layer.bias_momentum)];
            let name = |kind: &str| format!("linear{}.{kind}", l + 1);
            let bytes =
                |values: &mut dyn Iterator<Item = &i64>| values.flat_map(|v| v.to_le_bytes()).collect();
            tensors.extend(matrices.map(|(kind, m)| (name(kind), m.shape().to_vec(), bytes(&mut m.iter()))));
            tensors.extend(vectors.map(|(kind, v)| (name(kind), v.shape().to_vec(), bytes(&mut v.iter()))));
        }
        let wrong = |error: safetensors::SafeTensorError| RunError::File {
            path: path.clone(),
            what: error.to_string(),
        };
        let views = (tensors.iter())
            .map(|(name, shape, data)| Ok((name.clone(), TensorView::new(Dtype::I64, shape.clone(), data)?)))
            .collect::<Result<HashMap<_, _>, _>>()
            .map_err(wrong)?;
        let bytes = safetensors::serialize(views, None).map_err(wrong)?;
        self.write(&path, &bytes, true)
    }

    /// Reads the decrypted model of a network.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or a value above the bound of the recipe.
    pub fn read_model(&self, network: &Network, recipe: &Recipe) -> Result<Model, RunError> {
        let q = &recipe.quantization;
        let scaled = |bound: f64, bits: u32| (bound * f64::from(bits).exp2()) as u64;
        let largest_weight = scaled(q.bounds.weight, q.weight_bits);
        let largest_momentum = scaled(q.bounds.momentum, q.momentum_bits);
        let path = self.client("model.safetensors");
        let bytes = self.read_at_most(&path, LARGEST_MODEL)?;
        let wrong = |what: String| RunError::File { path: path.clone(), what };
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let read = |name: String, shape: &[usize]| {
            let view = tensors.tensor(&name).map_err(|error| wrong(format!("{name}: {error}")))?;
            if view.shape() != shape || view.dtype() != Dtype::I64 {
                return Err(wrong(format!(
                    "{name} is {:?} of shape {:?}, needed I64 of {shape:?}",
                    view.dtype(),
                    view.shape()
                )));
            }
            let words =
                view.data().chunks_exact(8).map(|c| i64::from_le_bytes(c.try_into().unwrap_or_default()));
            let words: Vec<i64> = words.collect();
            let most = if name.ends_with("momentum") { largest_momentum } else { largest_weight };
            match words.iter().find(|word| word.unsigned_abs() > most) {
                Some(word) => Err(wrong(format!("{name} has {word}, needed at most {most} in magnitude"))),
                None => Ok(words),
            }
        };
        let mut layers = Vec::new();
        for (l, layer) in network.layers.iter().enumerate() {
            let name = |kind: &str| format!("linear{}.{kind}", l + 1);
            let shape = [layer.inputs, layer.outputs];
            let matrix = |values: Vec<i64>| {
                Array2::from_shape_vec(shape, values).map_err(|error| wrong(error.to_string()))
            };
            layers.push(LayerState {
                weight: matrix(read(name("weight"), &shape)?)?,
                bias: Array1::from_vec(read(name("bias"), &shape[1..])?),
                weight_momentum: matrix(read(name("weight_momentum"), &shape)?)?,
                bias_momentum: Array1::from_vec(read(name("bias_momentum"), &shape[1..])?),
            });
        }
        Ok(Model { layers })
    }

    /// Writes predictions: sample number, predicted class, label.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_predictions(
        &self,
        classes: &[String],
        predicted: &[usize],
        labels: &[usize],
    ) -> Result<(), RunError> {
        let mut text = String::from("sample,predicted,label\n");
        for (i, (p, l)) in predicted.iter().zip(labels).enumerate() {
            let name = |class: usize| classes.get(class).map_or("?", String::as_str);
            text.push_str(&format!("{i},{},{}\n", name(*p), name(*l)));
        }
        self.write(&self.client("predictions.csv"), text.as_bytes(), true)
    }
}

fn secret_name(i: usize) -> String {
    if i == 0 { "secret.key".into() } else { format!("secret-{i}.key") }
}
