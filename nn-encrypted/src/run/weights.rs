//! Models of a recipe as bytes and files.

use std::path::Path;

use super::bundle::{self, Bundle, is_bundle};
use super::digest::hex;
use super::folder::PRIVATE_MODEL;
use super::{RunError, RunFolder, Session};
use crate::model::{Model, ModelError};
use crate::network::Network;
use crate::numbers::{model_grids, weight_grid};
use crate::recipe::Recipe;

/// Largest model that is read back: weights and momentum of the largest network.
const LARGEST_MODEL: u64 = 1 << 29;

/// The bytes of a model, which say the recipe's name and the fractional bits of each layer's weights.
pub(super) fn to_bytes(recipe: &Recipe, network: &Network, model: &Model) -> Result<Vec<u8>, ModelError> {
    let bits = network.layers.iter().filter_map(|layer| {
        Some((format!("{}.fraction_bits", layer.name), weight_grid(recipe, layer).bits?.to_string()))
    });
    model.to_bytes(network, bits.chain([("recipe".to_owned(), recipe.name.clone())]))
}

/// The model in bytes, of which every number is one that a training can hold.
pub(super) fn from_bytes(recipe: &Recipe, network: &Network, bytes: &[u8]) -> Result<Model, ModelError> {
    let model = Model::from_bytes(network, bytes)?;
    model.check(network, |l| model_grids(recipe, &network.layers[l]))?;
    Ok(model)
}

fn wrong(path: &Path, error: &ModelError) -> RunError {
    RunError::File { path: path.to_owned(), what: error.to_string() }
}

/// A model with all that further rows need, as bytes.
pub(crate) fn model_bytes(session: &Session, model: &Model) -> Result<Vec<u8>, RunError> {
    bundle::to_bytes(session, model).map_err(|error| wrong(Path::new(PRIVATE_MODEL), &error))
}

/// Writes a model with all that further rows need to a file, for its owner only.
fn write_model(path: &Path, session: &Session, model: &Model) -> Result<(), RunError> {
    let bytes = bundle::to_bytes(session, model).map_err(|error| wrong(path, &error))?;
    write_private(path, &bytes)
}

/// Writes a file whole or not at all, for its owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let path = std::path::absolute(path).map_err(|source| RunError::Io { path: path.into(), source })?;
    RunFolder::around(&path).write(&path, bytes, true)
}

/// Session and model in bytes of a model with all that further rows need.
pub(crate) fn model_of_bytes(bytes: &[u8]) -> Result<(Session, Model), RunError> {
    let path = Path::new(PRIVATE_MODEL);
    let Bundle { session, model, frozen, .. } =
        Bundle::from_bytes(bytes).map_err(|error| wrong(path, &error))?;
    if frozen.is_some() {
        let what = "has a frozen network of its own; classify with the command line".into();
        return Err(RunError::File { path: path.to_owned(), what });
    }
    Ok((session, model))
}

/// The bytes of a file of a model.
pub(crate) fn model_file(path: &Path) -> Result<Vec<u8>, RunError> {
    Ok(std::mem::take(&mut *RunFolder::around(path).read_at_most(path, LARGEST_MODEL)?))
}

/// Reads a model of a network that is known: of this version, or of an earlier one.
fn read_model(path: &Path, recipe: &Recipe, network: &Network) -> Result<Model, RunError> {
    let bytes = model_file(path)?;
    let model = is_bundle(&bytes).and_then(|bundle| match bundle {
        true => bundle::model(recipe, network, &bytes),
        false => from_bytes(recipe, network, &bytes),
    });
    model.map_err(|error| wrong(path, &error))
}

/// Reads a model with all that further rows need.
pub(super) fn read_bundle(path: &Path) -> Result<Bundle, RunError> {
    Bundle::from_bytes(&model_file(path)?).map_err(|error| wrong(path, &error))
}

impl RunFolder {
    /// Writes the decrypted model with all that further rows need, for its owner only: `client/model.private.safetensors`.
    ///
    /// # Errors
    /// If it cannot be written, or has a number that a training of the recipe cannot hold.
    pub fn write_model(&self, session: &Session, model: &Model) -> Result<(), RunError> {
        write_model(&self.root().join(PRIVATE_MODEL), session, model)
    }

    /// Reads the decrypted model of a network.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or a number that a training of the recipe cannot hold.
    pub fn read_model(&self, recipe: &Recipe, network: &Network) -> Result<Model, RunError> {
        read_model(&self.model(), recipe, network)
    }

    /// The decrypted model of a finished run, if that was trained on the samples of a session.
    pub(crate) fn model_of(&self, session: &Session) -> Result<Model, RunError> {
        let path = self.model();
        let Bundle { model, samples, .. } = read_bundle(&path)?;
        if samples == hex(&session.digest()) {
            return Ok(model);
        }
        let what = "is finished, and was trained on other rows than these".into();
        Err(RunError::File { path, what })
    }
}
