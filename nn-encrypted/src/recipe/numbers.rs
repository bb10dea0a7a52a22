//! Fixed-point formats and largest magnitudes.

use serde::{Deserialize, Serialize};

/// `[numbers]`: fractional bits where a scheme is exact, and bounds, which every scheme needs.
///
/// ```
/// use nn_encrypted::recipe::Numbers;
///
/// let numbers = Numbers { weight_bits: 12, ..Numbers::default() };
/// assert!(numbers.weight_bits > numbers.product_weight_bits);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Numbers {
    /// Of the features, and of the results of lookup tables between layers.
    pub input_bits: u32,
    /// Of the weights as they are kept.
    pub weight_bits: u32,
    /// Of the weights as they enter products.
    pub product_weight_bits: u32,
    /// Of hidden pre-activations after a refresh.
    pub preactivation_bits: u32,
    /// Of the outputs after a refresh, and of the targets.
    pub output_bits: u32,
    /// Of errors: after a refresh, or as lookup tables give them.
    pub error_bits: u32,
    /// Of momentum after a refresh.
    pub momentum_bits: u32,
    /// Bits of the plaintext modulus of exact schemes.
    pub plaintext_bits: Setting,
    /// Bits of a fixed-point integer where layers with weights are in `tfhe`: 8, 16 or 32.
    pub word_bits: u32,
    /// Of them behind the point; `"auto"` is 4, 10 or 20.
    pub fraction_bits: Setting,
    /// How such integers are encrypted.
    pub words: WordCoding,
    /// The twin's assumption of mod-switched phases, by which tables are looked up, where none are recorded.
    pub phases: Phases,
    /// Largest magnitudes; what happens beyond them is the refresh's affair, and is counted.
    pub bounds: Bounds,
}

impl Default for Numbers {
    fn default() -> Self {
        let auto = Setting::Auto(Auto::Auto);
        Self {
            input_bits: 4,
            weight_bits: 14,
            product_weight_bits: 6,
            preactivation_bits: 4,
            output_bits: 6,
            error_bits: 6,
            momentum_bits: 12,
            plaintext_bits: auto,
            word_bits: 16,
            fraction_bits: auto,
            words: WordCoding::Digits,
            phases: Phases::Sampled,
            bounds: Bounds::default(),
        }
    }
}

impl Numbers {
    /// Bits behind the point of a fixed-point integer of `word_bits`.
    #[must_use]
    pub(crate) fn word_fraction_bits(&self) -> u32 {
        let auto = match self.word_bits {
            8 => 4,
            16 => 10,
            bits => bits / 2 + bits / 8,
        };
        self.fraction_bits.value().map_or(auto, |bits| u32::try_from(bits).unwrap_or(u32::MAX))
    }
}

/// `[numbers.bounds]`: largest magnitudes of the real values, known to all.
///
/// ```
/// use nn_encrypted::recipe::Bounds;
///
/// let bounds = Bounds { preactivation: 4.0, ..Bounds::default() };
/// assert_eq!(bounds.weight, 1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Of hidden pre-activations.
    pub preactivation: f64,
    /// Of the pre-activations of the last layer with weights: the logits.
    pub output: f64,
    /// Of errors of hidden layers.
    pub error: f64,
    /// Of weights and biases.
    pub weight: f64,
    /// Of momentum; with `nesterov`, of momentum times the learning rate.
    pub momentum: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { preactivation: 2.5, output: 2.5, error: 6.0, weight: 1.0, momentum: 1.0 }
    }
}

/// How fixed-point integers are encrypted in `tfhe`, and so how a sigmoid of them is computed.
///
/// ```
/// use nn_encrypted::recipe::{Recipe, WordCoding};
///
/// let recipe = Recipe::load("tbmpnet2021", &["numbers.words=bits".to_owned()])?;
/// assert_eq!(recipe.numbers.words, WordCoding::Bits);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordCoding {
    /// Digit by digit, in base 4; functions are looked up in tables.
    Digits,
    /// Bit by bit; arithmetic, exponential and division are circuits of gates.
    Bits,
}

/// How the twin finds a place in a table.
///
/// ```
/// use nn_encrypted::recipe::{Numbers, Phases};
///
/// assert_eq!(Numbers::default().phases, Phases::Sampled);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phases {
    /// Without an error.
    Exact,
    /// With an error drawn from the distribution of encrypted ones.
    Sampled,
}

/// `"auto"` or a number.
///
/// ```
/// use nn_encrypted::recipe::{Recipe, Setting};
///
/// let recipe = Recipe::load("hesamifard2017", &["parameters.ring_dimension=16384".to_owned()])?;
/// assert_eq!(recipe.parameters.ring_dimension, Setting::Value(16384));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// The planner chooses.
    Auto(Auto),
    /// This and no other.
    Value(usize),
}

/// The word `"auto"`.
///
/// ```
/// use nn_encrypted::recipe::{Auto, Recipe, Setting};
///
/// let recipe = Recipe::load("hesamifard2017", &[])?;
/// assert_eq!(recipe.parameters.ring_dimension, Setting::Auto(Auto::Auto));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// The planner chooses.
    Auto,
}

impl Setting {
    /// The number, if one is set.
    #[must_use]
    pub(crate) fn value(self) -> Option<usize> {
        match self {
            Self::Auto(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}
