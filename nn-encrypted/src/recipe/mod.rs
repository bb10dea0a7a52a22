//! Recipes: what is trained, on what, and with which numbers, as a TOML file.
//!
//! A recipe may hold `[variants.NAME]` tables, each of which overrides other fields when the data set is `NAME` (`csv`
//! for any CSV file): tables are merged, everything else is replaced. Further variants can be asked for by a setting
//! `variant=NAME`; they come after that of the data set. Other settings of the command line come after all variants.

mod error;
mod file;
mod initial;
mod kind;
mod layer;
mod mixed;
mod network;
mod reals;
mod section;
mod validate;
mod words;

use serde::{Deserialize, Serialize};

pub use self::error::RecipeError;
pub use self::initial::{LayerState, Model};
pub use self::kind::AnyRecipe;
pub use self::layer::{Fit, Layer, LayerKind, Scheme};
pub use self::mixed::{
    MixedBounds, MixedKind, MixedLayer, MixedLayerKind, MixedQuantization, MixedRecipe, Readings,
};
pub use self::network::{Activation, Linear, Network};
pub use self::reals::{
    Backward, CrossEntropy, Entry, MatrixLayer, RealBounds, RealFit, RealKind, RealLayer, RealLayerKind,
    RealLayerState, RealLoss, RealModel, RealNetwork, RealOptimizer, RealParameters, RealRecipe, Secret,
};
pub(crate) use self::reals::{Extent, blocks, layer_name};
pub use self::section::{
    Auto, Bounds, Data, Loss, Optimizer, Parameters, Quantization, Refresh, RefreshStrategy, Setting, Tensor,
};
pub use self::words::{Coding, Descent, Sigmoid, WordKind, WordLayer, WordModel, WordRecipe};

/// A complete training task in which a client refreshes ciphertexts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Decides the split, the batches and the initial weights.
    #[serde(default)]
    pub seed: u64,
    /// What is minimized.
    #[serde(default)]
    pub loss: Loss,
    /// The data set and how it becomes numbers.
    pub data: Data,
    /// The network, input first.
    pub layers: Vec<Layer>,
    /// How the weights move.
    pub optimizer: Optimizer,
    /// The fixed-point formats.
    #[serde(default)]
    pub quantization: Quantization,
    /// How noise and scales are brought back.
    #[serde(default)]
    pub refresh: Refresh,
    /// The parameters of the encryption.
    #[serde(default)]
    pub parameters: Parameters,
}

impl Recipe {
    /// The names of the recipes inside the program.
    #[must_use]
    pub fn builtin_names() -> Vec<&'static str> {
        file::BUILTIN.iter().map(|(name, _)| *name).collect()
    }

    /// A recipe inside the program, with its own data set.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn builtin(name: &str) -> Result<Self, RecipeError> {
        Self::load(name, &[])
    }

    /// A built-in recipe by its name, or a TOML file by its path, with settings `key.path=value` on top, in order.
    ///
    /// The variant of the data set (after `data.set=...` among the settings) is applied before the settings.
    ///
    /// # Errors
    /// If it cannot be found or read, or is not valid.
    pub fn load(name_or_path: &str, settings: &[String]) -> Result<Self, RecipeError> {
        Self::from_toml(&file::find(name_or_path)?, name_or_path, settings)
    }

    /// A recipe from TOML; `name` is for errors.
    ///
    /// # Errors
    /// If the text or a setting is faulty, or the recipe is not valid.
    pub fn from_toml(text: &str, name: &str, settings: &[String]) -> Result<Self, RecipeError> {
        match AnyRecipe::from_toml(text, name, settings)? {
            AnyRecipe::Refreshed(recipe) => Ok(recipe),
            AnyRecipe::Words(_) => Err(other_kind("words")),
            AnyRecipe::Reals(_) => Err(other_kind("reals")),
            AnyRecipe::Mixed(_) => Err(other_kind("mixed")),
        }
    }

    /// The recipe as TOML, every field written out.
    ///
    /// # Errors
    /// If a number does not fit TOML (a seed above 2^63 - 1).
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string(self)
            .map_err(|error| RecipeError::Syntax { name: self.name.clone(), message: error.to_string() })
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field or layer that cannot be used, and what it should be.
    pub fn validate(&self) -> Result<(), RecipeError> {
        validate::validate(self)
    }

    /// The network for so many features and classes, with the scale of every tensor.
    ///
    /// # Errors
    /// If the last layer has another width than there are classes, there are too many weights, a polynomial is constant,
    /// or a scale becomes too large or is finer than what is computed.
    pub fn network(&self, features: usize, classes: usize) -> Result<Network, RecipeError> {
        Network::new(self, features, classes)
    }

    /// The standard deviation of the initial weights, times the root of the number of inputs.
    #[must_use]
    pub fn init_gain(&self) -> f64 {
        let square = self.layers.iter().any(|layer| layer.kind == LayerKind::Square);
        self.optimizer.init_gain.unwrap_or(if square { 0.7 } else { 1.0 })
    }
}

fn other_kind(kind: &str) -> RecipeError {
    RecipeError::field("kind", format!("\"{kind}\"; a recipe with client refreshes is needed here"))
}

#[cfg(test)]
mod tests;
