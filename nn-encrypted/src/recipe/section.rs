//! The tables of a recipe.

use serde::{Deserialize, Deserializer, Serialize};

use crate::activation::Dyadic;
use crate::data::{Balance, Normalization, TestPart};

/// `[data]`: the data set and how it becomes numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// A data set known by name, such as `digits`, or the path of a CSV file.
    pub set: String,
    /// CSV: the column of the class, by name or by number from 1.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "label")]
    pub label: Option<String>,
    /// CSV: columns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// CSV: the first row is a sample; columns are meant by their numbers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_header: bool,
    /// Names of the features to use; all without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Images of 28x28 pixels become the features of a frozen network: `digits-cnn`, or the path of a file that
    /// `pretrain` wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// A class to be told apart from all others, which become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// The size of the test part, unless the data set has one of its own; of a series it is the end.
    pub test: TestPart,
    /// Every class has the same part of its samples in the test part.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stratify: bool,
    /// How rare classes are dealt with in training.
    #[serde(default)]
    pub balance: Balance,
    /// From measured values to numbers of about size 1.
    pub normalize: Normalization,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A column's name or its number, as text.
fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Column {
        Name(String),
        Number(u64),
    }
    Column::deserialize(deserializer).map(|column| match column {
        Column::Name(name) => Some(name),
        Column::Number(number) => Some(number.to_string()),
    })
}

/// `loss`: what is minimized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Half the sum of squared differences to the one-hot labels.
    #[default]
    Quadratic,
}

/// `[optimizer]`: stochastic gradient descent with momentum.
///
/// `V ← momentum·V + G/2^k` with the smallest 2^k not below the batch size, then `W ← W - learning_rate·V`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The step width.
    pub learning_rate: Dyadic,
    /// How much of the last step is kept.
    pub momentum: Dyadic,
    /// Samples a step.
    pub batch_size: usize,
    /// Passes over the training part.
    pub epochs: usize,
    /// Deviation of the initial weights times the root of the inputs; 0.7 with Square, else 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_gain: Option<f64>,
}

/// `[quantization]`: fractional bits of the fixed-point formats, and bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quantization {
    /// Of the features.
    pub input_bits: u32,
    /// Of the weights as they are kept.
    pub weight_bits: u32,
    /// Of the weights as they enter products.
    pub product_weight_bits: u32,
    /// Of hidden pre-activations after a refresh.
    pub preactivation_bits: u32,
    /// Of the outputs after a refresh, and of the labels.
    pub output_bits: u32,
    /// Of errors after a refresh.
    pub error_bits: u32,
    /// Of momentum after a refresh.
    pub momentum_bits: u32,
    /// Largest magnitudes after a refresh; what is larger is saturated.
    pub bounds: Bounds,
}

impl Default for Quantization {
    fn default() -> Self {
        Self {
            input_bits: 4,
            weight_bits: 14,
            product_weight_bits: 6,
            preactivation_bits: 4,
            output_bits: 6,
            error_bits: 6,
            momentum_bits: 12,
            bounds: Bounds::default(),
        }
    }
}

/// `[quantization.bounds]`: largest magnitudes of the real values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Of hidden pre-activations.
    pub preactivation: f64,
    /// Of the outputs.
    pub output: f64,
    /// Of errors.
    pub error: f64,
    /// Of weights.
    pub weight: f64,
    /// Of momentum.
    pub momentum: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { preactivation: 2.5, output: 2.5, error: 6.0, weight: 1.0, momentum: 1.0 }
    }
}

/// `[refresh]`: who brings noise and scales back, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    /// Who does it.
    pub strategy: RefreshStrategy,
    /// Which tensors; weight and momentum always. In floating point and in the twin a tensor left out keeps its scale and
    /// is not saturated. An encrypted run needs every tensor of the network here, and the planner refuses a recipe that
    /// leaves one out: only a refresh spreads a tensor along the axis of the next product.
    pub tensors: Vec<Tensor>,
}

impl Default for Refresh {
    fn default() -> Self {
        let tensors =
            vec![Tensor::Preactivation, Tensor::Output, Tensor::Error, Tensor::Weight, Tensor::Momentum];
        Self { strategy: RefreshStrategy::Client, tensors }
    }
}

/// Who refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshStrategy {
    /// The client: decrypts, rounds, saturates and encrypts again.
    Client,
}

/// A tensor that can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tensor {
    /// The weighted sums of a hidden layer.
    Preactivation,
    /// The weighted sums of the last layer.
    Output,
    /// The error of a hidden layer.
    Error,
    /// Weights and biases.
    Weight,
    /// Momentum.
    Momentum,
}

/// `[parameters]`: of the encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Bits of security.
    pub security: u32,
    /// The ring dimension N.
    pub ring_dimension: Setting,
    /// Bits of the plaintext modulus t.
    pub plaintext_bits: Setting,
}

impl Default for Parameters {
    fn default() -> Self {
        let auto = Setting::Auto(Auto::Auto);
        Self { security: 128, ring_dimension: auto, plaintext_bits: auto }
    }
}

/// `"auto"` or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// The planner chooses.
    Auto(Auto),
    /// This and no other.
    Value(usize),
}

/// The word `"auto"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// The planner chooses.
    Auto,
}

impl Setting {
    /// The number, if one is set.
    #[must_use]
    pub fn value(self) -> Option<usize> {
        match self {
            Self::Auto(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl Optimizer {
    /// The k of the smallest power 2^k not below the batch size, by which gradients are divided.
    #[must_use]
    pub fn batch_shift(&self) -> u32 {
        self.batch_size.next_power_of_two().trailing_zeros()
    }
}
