//! Recipes of networks whose layers run in different schemes, trained without a client.

mod validate;

use serde::{Deserialize, Serialize};

use super::{Auto, Coding, Data, Descent, Loss, RecipeError, Scheme, Setting, Sigmoid, WordKind, WordRecipe};

/// A complete training task on exact integers: sums and products in one scheme, tables in another, a bridge between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixedRecipe {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Tells this kind of recipe from others.
    pub kind: MixedKind,
    /// Decides the split, the batches and the initial weights.
    #[serde(default)]
    pub seed: u64,
    /// What is minimized.
    #[serde(default)]
    pub loss: Loss,
    /// The data set and how it becomes numbers.
    pub data: Data,
    /// The network, input first: Linear and activations in turn, one of the outputs last.
    pub layers: Vec<MixedLayer>,
    /// How the weights move.
    pub optimizer: Descent,
    /// The fixed-point formats.
    #[serde(default)]
    pub quantization: MixedQuantization,
}

/// `kind`: the one of this recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixedKind {
    /// Several schemes.
    Mixed,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixedLayer {
    /// What it computes.
    pub kind: MixedLayerKind,
    /// The encryption scheme it runs in.
    pub scheme: Scheme,
    /// Linear: its width; the last may leave it out and gets one output a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_features: Option<usize>,
}

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MixedLayerKind {
    /// Weighted sums and a bias.
    Linear,
    /// max(z, 0), between layers.
    ReLU,
    /// 1/(1 + exp(−z)), of the outputs.
    Sigmoid,
}

impl std::fmt::Display for MixedLayerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// `[quantization]`: fractional bits, and the ranges of what tables read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixedQuantization {
    /// `log2` of the modulus of the integers.
    pub plaintext_bits: u32,
    /// Of features and activations.
    pub activation_bits: u32,
    /// Of errors, outputs and labels.
    pub error_bits: u32,
    /// Largest magnitudes of what tables read; what is larger wraps around.
    pub bounds: MixedBounds,
    /// What the twin assumes of readings where none are recorded.
    pub readings: Readings,
}

impl Default for MixedQuantization {
    fn default() -> Self {
        Self {
            plaintext_bits: 26,
            activation_bits: 4,
            error_bits: 6,
            bounds: MixedBounds::default(),
            readings: Readings::Sampled,
        }
    }
}

/// Largest magnitudes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixedBounds {
    /// Of weighted sums before a hidden activation.
    pub preactivation: f64,
    /// Of weighted sums before the outputs.
    pub output: f64,
    /// Of errors that are handed back.
    pub error: f64,
}

impl Default for MixedBounds {
    fn default() -> Self {
        Self { preactivation: 8.0, output: 8.0, error: 1.0 }
    }
}

/// `readings`: how a table's place is found in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readings {
    /// Without an error.
    Exact,
    /// With an error drawn from the distribution of encrypted readings.
    Sampled,
}

impl MixedRecipe {
    /// The widths of the network for so many features and classes, input first.
    ///
    /// # Errors
    /// If the last layer has another width than there are classes, or there are too many weights.
    pub fn widths(&self, features: usize, classes: usize) -> Result<Vec<usize>, RecipeError> {
        validate::widths(self, features, classes)
    }

    /// The same task on words in digits of TFHE, a network of sigmoids: what remains if Linear layers are in TFHE too. The error at
    /// the outputs has the slope of the sigmoid there, as quadratic loss has it.
    #[must_use]
    pub fn words(&self) -> WordRecipe {
        let linear = self.layers.iter().filter(|layer| layer.kind == MixedLayerKind::Linear);
        let widths: Vec<usize> = linear.filter_map(|layer| layer.out_features).collect();
        let hidden = widths[..widths.len().min(self.layers.len() / 2 - 1)].to_vec();
        WordRecipe {
            name: self.name.clone(),
            description: self.description.clone(),
            kind: WordKind::Words,
            seed: self.seed,
            loss: self.loss,
            activation: Sigmoid::Table,
            word_bits: 16,
            fraction_bits: Setting::Auto(Auto::Auto),
            hidden,
            outputs: Coding::OneHot,
            data: self.data.clone(),
            optimizer: self.optimizer.clone(),
        }
    }

    /// Fractional bits of weights, at which a sum of products of activations and errors is an update.
    #[must_use]
    pub fn weight_bits(&self) -> u32 {
        let q = self.quantization;
        q.activation_bits + q.error_bits + self.optimizer.shift().unwrap_or(0)
    }

    /// The recipe as TOML, every field written out.
    ///
    /// # Errors
    /// If a number does not fit TOML.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string(self)
            .map_err(|error| RecipeError::Syntax { name: self.name.clone(), message: error.to_string() })
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot be used, and what it should be.
    pub fn validate(&self) -> Result<(), RecipeError> {
        validate::validate(self)
    }
}

#[cfg(test)]
mod tests;
