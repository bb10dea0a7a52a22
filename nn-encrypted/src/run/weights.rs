//! Models of a recipe as bytes.

use std::fs;
use std::path::Path;

use super::RunError;
use crate::model::{Model, ModelError};
use crate::network::Network;
use crate::numbers::{model_grids, weight_grid};
use crate::recipe::Recipe;

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

/// Writes the model of a recipe to a file.
pub(crate) fn write_model(
    path: &Path,
    recipe: &Recipe,
    network: &Network,
    model: &Model,
) -> Result<(), RunError> {
    let bytes = to_bytes(recipe, network, model)
        .map_err(|error| RunError::File { path: path.to_owned(), what: error.to_string() })?;
    fs::write(path, bytes).map_err(|source| RunError::Io { path: path.to_owned(), source })
}

/// Reads it.
pub(crate) fn read_model(path: &Path, recipe: &Recipe, network: &Network) -> Result<Model, RunError> {
    let bytes = fs::read(path).map_err(|source| RunError::Io { path: path.to_owned(), source })?;
    from_bytes(recipe, network, &bytes)
        .map_err(|error| RunError::File { path: path.to_owned(), what: error.to_string() })
}
