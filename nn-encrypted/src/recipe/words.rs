//! Recipes that a server trains alone: encrypted words in two's-complement fixed point.

mod initial;
mod validate;

use serde::{Deserialize, Serialize};

pub use self::initial::{WordLayer, WordModel};
pub(super) use self::validate::descent;
use super::{Data, Loss, RecipeError, Setting};
use crate::activation::Dyadic;

/// A complete training task without refreshes: a multilayer perceptron with a sigmoid after every layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordRecipe {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Tells this kind of recipe from others.
    pub kind: WordKind,
    /// Decides the split, the batches and the initial weights.
    #[serde(default)]
    pub seed: u64,
    /// What is minimized.
    #[serde(default)]
    pub loss: Loss,
    /// How words are encrypted and computed with.
    pub activation: Sigmoid,
    /// Bits of a word: 8, 16 or 32.
    pub word_bits: u32,
    /// Bits of a word behind the point; `"auto"` is 4, 10 or 20.
    pub fraction_bits: Setting,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// How classes become outputs.
    #[serde(default)]
    pub outputs: Coding,
    /// The data set and how it becomes numbers.
    pub data: Data,
    /// How the weights move.
    pub optimizer: Descent,
}

/// `kind`: the one of this recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordKind {
    /// Encrypted words.
    Words,
}

/// `activation`: how the sigmoid is computed, which decides how words are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sigmoid {
    /// Words are encrypted bit by bit; arithmetic, exponential and division are circuits of gates.
    Circuit,
    /// Words are encrypted digit by digit, in base 4; the sigmoid and its derivative are looked up in tables.
    Table,
}

/// `outputs`: how classes become outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// An output for each class, 1 for the right one; the largest decides.
    #[default]
    OneHot,
    /// One output, near 1 for the second of two classes; a half decides.
    Single,
}

/// `[optimizer]`: stochastic gradient descent, `w ← w - ⌊G·2^-k⌋` with the gradient `G` summed over a mini-batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descent {
    /// The step width, a power of two 2^-k.
    pub learning_rate: Dyadic,
    /// Samples a step.
    pub batch_size: usize,
    /// Passes over the training part.
    pub epochs: usize,
    /// Deviation of the initial weights times the root of the inputs.
    #[serde(default = "one")]
    pub init_gain: f64,
}

fn one() -> f64 {
    1.0
}

impl Descent {
    /// The k of the learning rate 2^-k, if it is one.
    #[must_use]
    pub fn shift(&self) -> Option<u32> {
        (self.learning_rate.numerator() == 1).then(|| self.learning_rate.bits())
    }
}

impl WordRecipe {
    /// Bits of a word behind the point.
    #[must_use]
    pub fn fraction_bits(&self) -> u32 {
        let auto = match self.word_bits {
            8 => 4,
            16 => 10,
            bits => bits / 2 + bits / 8,
        };
        self.fraction_bits.value().map_or(auto, |bits| u32::try_from(bits).unwrap_or(u32::MAX))
    }

    /// The widths of the network for so many features and classes, input first.
    ///
    /// # Errors
    /// If there are too many weights, or a single output is to tell apart other than two classes.
    pub fn widths(&self, features: usize, classes: usize) -> Result<Vec<usize>, RecipeError> {
        validate::widths(self, features, classes)
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
