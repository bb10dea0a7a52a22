//! Recipes: what is trained, on what, in which schemes and with which numbers, as a TOML file.
//!
//! There is one kind of recipe. A layer's `scheme` says where it is computed; everything else has one meaning in every scheme:
//!
//! - with the gradient `G` of a mini-batch, its mean over the samples: `V ← momentum·V + G`, `W ← W − learning_rate·V`; with
//!   `nesterov` instead `W ← W − learning_rate·(G + momentum·V)`. Exact schemes divide the sum by the smallest power of two
//!   that is not below `batch_size`, and the plan says by which;
//! - `loss = "quadratic"`: half the sum of squared differences between outputs and targets, so that the error at the
//!   pre-activations `Z` of the last layer with weights is `Z − Y`, or `(σ(Z) − Y)·σ'(Z)` if a Sigmoid stands behind it;
//!   `loss = "cross_entropy"`, with a Sigmoid last: `σ(Z) − Y`;
//! - `Sigmoid` is `1/(1 + e^−z)`, computed exactly, by a table or by a polynomial, as layer and scheme say.
//!
//! A recipe may hold `[variants.NAME]` tables, each of which overrides other fields: tables are merged, everything else is replaced.
//! They are asked for by a setting `variant=NAME`; in the recipes inside the program that of the data set, `csv` of any table and
//! `mnist` of a folder of images, comes before them unasked. Other settings of the command line come after all variants. Layers are
//! counted from 1.

mod error;
mod file;
mod layer;
mod numbers;
mod optimizer;
mod rates;
mod refresh;
mod scalar;
mod validate;

use serde::{Deserialize, Serialize};

pub use self::error::RecipeError;
pub(crate) use self::layer::Arithmetic;
pub use self::layer::{Fit, Kernel, Layer, LayerKind, Scheme};
pub use self::numbers::{Auto, Bounds, Numbers, Phases, Setting, WordCoding};
pub use self::optimizer::{Loss, Optimizer};
pub use self::refresh::{Backward, Encryption, Parameters, Refresh, RefreshStrategy, RefreshTensor, Secret};
pub use self::scalar::Scalar;
pub use crate::activation::FitMethod;
pub use crate::data::{Coding, Data};

/// A complete training task.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("hesamifard2017", &["optimizer.epochs=3".to_owned()])?;
/// assert_eq!((recipe.layers.len(), recipe.optimizer.epochs), (5, 3));
/// assert_eq!(Recipe::from_toml(&recipe.to_toml()?, "again", &[])?, recipe);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    pub name: String,
    /// A sentence about it.
    #[serde(default)]
    pub description: String,
    /// Decides the split, the batches and the initial weights.
    #[serde(default)]
    pub seed: u64,
    /// The loss that is minimized.
    #[serde(default)]
    pub loss: Loss,
    /// With cross-entropy: targets are this and one less this; 0 or more, below 0.5.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub target_smoothing: f64,
    /// The key under which mini-batches are encrypted.
    #[serde(default, skip_serializing_if = "Encryption::is_secret")]
    pub encryption: Encryption,
    /// The data set and how it becomes numbers.
    pub data: Data,
    /// The network, input first: layers with weights, each with at most one activation behind it; a pooling may stand before
    /// a layer with weights other than the first.
    pub layers: Vec<Layer>,
    /// Bits of fixed-point numbers where a scheme is exact, and largest magnitudes.
    #[serde(default)]
    pub numbers: Numbers,
    /// Who refreshes what, and who computes gradients.
    #[serde(default)]
    pub refresh: Refresh,
    /// The parameters of the encryption.
    #[serde(default)]
    pub parameters: Parameters,
    /// How the weights move. It has no default and is written last: half a file is no recipe.
    pub optimizer: Optimizer,
}

/// A recipe as it was read.
pub(crate) struct Loaded {
    pub(crate) recipe: Recipe,
    /// Words to its user.
    pub(crate) words: Vec<String>,
    /// Whether the recipe gives bounds.
    pub(crate) bounded: bool,
}

impl Recipe {
    /// The names of the recipes inside the program.
    #[must_use]
    pub fn builtin_names() -> Vec<&'static str> {
        file::BUILTIN.iter().map(|(name, _)| *name).collect()
    }

    /// A built-in recipe by its name, or a TOML file by its path, with settings `key.path=value` on top, in order.
    ///
    /// In a built-in recipe the variant of the data set (after `data.set=...` among the settings) is applied before the settings; a file
    /// is taken at its word.
    ///
    /// # Errors
    /// If it cannot be found or read, or is not valid.
    pub fn load(name_or_path: &str, settings: &[String]) -> Result<Self, RecipeError> {
        Ok(Self::load_with_words(name_or_path, settings)?.recipe)
    }

    /// As [`load`](Self::load), for rows in memory: a built-in recipe gets its variant for tables.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn for_rows(name_or_path: &str, settings: &[String]) -> Result<Self, RecipeError> {
        let set = format!("data.set={}", crate::data::ROWS);
        let settings: Vec<String> = [set].into_iter().chain(settings.iter().cloned()).collect();
        Self::load(name_or_path, &settings)
    }

    /// With other hidden layers: so many Linear layers of these widths, each with the activation of the first, and the layers that
    /// were last.
    ///
    /// ```
    /// use nn_encrypted::recipe::Recipe;
    ///
    /// let recipe = Recipe::load("hesamifard2017", &[])?.with_hidden(&[24, 12, 6])?;
    /// let widths: Vec<_> = recipe.layers.iter().filter_map(|layer| layer.out_features).collect();
    /// assert_eq!((recipe.layers.len(), widths), (7, vec![24, 12, 6]));
    /// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
    /// ```
    ///
    /// # Errors
    /// If a layer with weights is not Linear, there is no hidden one to take after, or the recipe is not valid then.
    pub fn with_hidden(mut self, widths: &[usize]) -> Result<Self, RecipeError> {
        let weights: Vec<usize> =
            (0..self.layers.len()).filter(|&place| self.layers[place].kind.has_weights()).collect();
        let linear = weights.iter().all(|&place| self.layers[place].kind == LayerKind::Linear);
        let (Some(&last), true) = (weights.last(), linear) else {
            return Err(RecipeError::field("layers", "have no widths: all with weights must be Linear"));
        };
        let tail = self.layers.split_off(last);
        if self.layers.is_empty() && !widths.is_empty() {
            return Err(RecipeError::field("layers", "have no hidden layer to take after"));
        }
        let group: Vec<Layer> = self.layers.drain(..weights.get(1).copied().unwrap_or(0)).collect();
        let hidden = widths.iter().flat_map(|&width| {
            group.iter().cloned().map(move |mut layer| {
                if layer.kind.has_weights() {
                    layer.out_features = Some(width);
                }
                layer
            })
        });
        self.layers = hidden.chain(tail).collect();
        self.validate()?;
        Ok(self)
    }

    /// As [`load`](Self::load), with words on the variant for its data that a recipe in a file has and that was not asked for, and on
    /// rates that were rounded.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn load_with_words(name_or_path: &str, settings: &[String]) -> Result<Loaded, RecipeError> {
        let (text, builtin) = (file::find(name_or_path)?, Self::builtin_names().contains(&name_or_path));
        let file::Found { mut recipe, left_out, bounded } =
            file::read(&text, name_or_path, settings, builtin)?;
        let mut words = rates::round(&mut recipe);
        recipe.validate()?;
        words.extend(left_out.map(|variant| {
            format!(
                "{name_or_path} has a variant `{variant}` for these data, which is not applied; it is with --variant {variant}"
            )
        }));
        Ok(Loaded { recipe, words, bounded })
    }

    /// The text of a built-in recipe.
    ///
    /// # Errors
    /// If there is none of this name.
    pub(crate) fn text(name: &str) -> Result<&'static str, RecipeError> {
        file::builtin(name)
    }

    /// A recipe from TOML; `name` is for errors.
    ///
    /// # Errors
    /// If the text or a setting is faulty, or the recipe is not valid.
    pub fn from_toml(text: &str, name: &str, settings: &[String]) -> Result<Self, RecipeError> {
        let mut recipe = file::read(text, name, settings, false)?.recipe;
        rates::round(&mut recipe);
        recipe.validate()?;
        Ok(recipe)
    }

    /// The recipe as TOML, every field written out.
    ///
    /// # Errors
    /// If a number does not fit TOML (a seed above 2^63 - 1).
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string(self)
            .map_err(|error| RecipeError::Syntax { name: self.name.clone(), message: error.to_string() })
    }

    /// Checks every field that does not depend on the data.
    ///
    /// # Errors
    /// Names the first field or layer that cannot be used, and what it should be.
    pub(crate) fn validate(&self) -> Result<(), RecipeError> {
        validate::validate(self)
    }

    /// Deviation of the initial weights times the root of the inputs of a neuron.
    #[must_use]
    pub(crate) fn init_gain(&self) -> f64 {
        let square = self.layers.iter().any(|layer| layer.kind == LayerKind::Square);
        self.optimizer.init_gain.unwrap_or(if square { 0.7 } else { 1.0 })
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[cfg(test)]
mod tests;
