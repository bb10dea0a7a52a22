//! Recipes on real numbers in CKKS: a server trains alone, or a client takes the backward pass in the clear.

mod initial;
mod layer;
mod model;
mod network;
mod shape;
mod validate;

use serde::{Deserialize, Serialize};

pub use self::model::{Entry, MatrixLayer, RealLayerState, RealModel, RealNetwork};
pub(crate) use self::network::layer_name;
pub(crate) use self::shape::{Extent, blocks};
use super::{Data, RecipeError, Scheme};
use crate::activation::FitMethod;

/// A complete training task on encrypted real numbers.
///
/// With the gradient `G` averaged over a mini-batch, Nesterov's rule in terms of the weights that products see (those
/// that look ahead) is `V ← momentum·V − learning_rate·G`, `W ← W − learning_rate·G + momentum·V`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealRecipe {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Tells this kind of recipe from others.
    pub kind: RealKind,
    /// Decides the split, the batches and the initial weights.
    #[serde(default)]
    pub seed: u64,
    /// What is minimized.
    #[serde(default)]
    pub loss: RealLoss,
    /// Who computes gradients and updates.
    #[serde(default)]
    pub backward: Backward,
    /// The data set and how it becomes numbers.
    pub data: Data,
    /// The network, input first: layers with weights, each but the last with an activation behind it; a pooling may stand
    /// between an activation and the next layer with weights.
    pub layers: Vec<RealLayer>,
    /// How the weights move.
    pub optimizer: RealOptimizer,
    /// Largest magnitudes of the tensors, known to all.
    #[serde(default)]
    pub bounds: RealBounds,
    /// With `loss = "cross_entropy"`: what stands for the sigmoid.
    #[serde(default)]
    pub cross_entropy: CrossEntropy,
    /// The parameters of the encryption.
    #[serde(default)]
    pub parameters: RealParameters,
}

/// `kind`: the one of this recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RealKind {
    /// Encrypted real numbers.
    Reals,
}

/// `loss`: what is minimized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RealLoss {
    /// Half the sum of squared differences to the targets: the error of the last layer is `Z − Y`.
    #[default]
    Quadratic,
    /// Cross-entropy of a sigmoid for each class, with smoothed targets: the error is `σ(Z) − Y`.
    CrossEntropy,
}

/// `backward`: who computes gradients and updates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backward {
    /// The server, on ciphertexts.
    #[default]
    Encrypted,
    /// The client, in the clear, from decrypted outputs; it sends the next weights, encrypted.
    Client,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealLayer {
    /// What it computes.
    pub kind: RealLayerKind,
    /// The encryption scheme it runs in: `ckks`.
    pub scheme: Scheme,
    /// Linear: its width; the last may leave it out and gets one output a class, or one for a series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_features: Option<usize>,
    /// Conv1d: channels of its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Conv1d: taps; AvgPool1d: positions that become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<usize>,
    /// Polynomial: its coefficients, constant first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficients: Option<Vec<f64>>,
    /// Sigmoid, Tanh: the polynomial that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polynomial: Option<RealFit>,
}

/// What a layer computes. Features of several channels are counted channel after channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RealLayerKind {
    /// Weighted sums and a bias.
    Linear,
    /// A convolution along the positions of each channel, stride 1, without padding, and a bias for each channel.
    Conv1d,
    /// Means of so many neighbouring positions.
    AvgPool1d,
    /// z
    Identity,
    /// z²
    Square,
    /// z/2 + z²/4
    Quadratic,
    /// z − z³/8
    Cubic,
    /// A polynomial.
    Polynomial,
    /// A polynomial close to σ(z) = 1/(1 + e^-z).
    Sigmoid,
    /// A polynomial close to the hyperbolic tangent.
    Tanh,
}

/// How a polynomial is fitted to a function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealFit {
    /// What "close" means.
    pub method: FitMethod,
    /// 2 or 3.
    pub degree: usize,
    /// From where to where.
    pub interval: [f64; 2],
}

impl Default for RealFit {
    fn default() -> Self {
        Self { method: FitMethod::LeastSquares, degree: 3, interval: [-2.0, 2.0] }
    }
}

/// `[optimizer]`: stochastic gradient descent with Nesterov momentum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealOptimizer {
    /// The step width, of gradients averaged over a mini-batch.
    pub learning_rate: f64,
    /// How much of the last step is kept.
    pub momentum: f64,
    /// Samples a step.
    pub batch_size: usize,
    /// Passes over the training part.
    pub epochs: usize,
    /// Deviation of the initial weights times the root of the inputs.
    pub init_gain: f64,
}

/// `[bounds]`: no value is larger in magnitude; what is encrypted is scaled by them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealBounds {
    /// Of weighted sums of hidden layers.
    pub preactivation: f64,
    /// Of the weighted sums of the last layer.
    pub output: f64,
    /// Of errors of hidden layers.
    pub error: f64,
    /// Of weights and biases.
    pub weight: f64,
    /// Of momentum.
    pub momentum: f64,
}

impl Default for RealBounds {
    fn default() -> Self {
        Self { preactivation: 4.0, output: 4.0, error: 4.0, weight: 2.0, momentum: 0.5 }
    }
}

/// `[cross_entropy]`: the polynomial for the sigmoid of the outputs, and the smoothing of targets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossEntropy {
    /// 3, 5 or 7.
    pub degree: usize,
    /// It is close on [-limit, limit].
    pub limit: f64,
    /// Targets are this and one less this.
    pub smoothing: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        Self { degree: 5, limit: 8.0, smoothing: 0.1 }
    }
}

/// `[parameters]`: of the encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealParameters {
    /// Bits of security.
    pub security: u32,
    /// Distribution of the secret.
    pub secret: Secret,
}

impl Default for RealParameters {
    fn default() -> Self {
        Self { security: 128, secret: Secret::Uniform }
    }
}

/// `secret`: its distribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// Uniform ternary.
    #[default]
    Uniform,
    /// Ternary of weight 192, with bootstrapping: four more bits of precision, and younger attacks.
    Sparse,
}

impl RealRecipe {
    /// The network for so many features and outputs: one a class, or one for a series.
    ///
    /// # Errors
    /// If the last layer has another width, a kernel does not fit its positions, or there are too many weights.
    pub fn network(&self, features: usize, outputs: usize) -> Result<RealNetwork, RecipeError> {
        network::network(self, features, outputs)
    }

    /// The features, then the width of each layer with weights.
    ///
    /// # Errors
    /// As [`RealRecipe::network`].
    pub fn widths(&self, features: usize, outputs: usize) -> Result<Vec<usize>, RecipeError> {
        let blocks = blocks(self, features, outputs)?;
        Ok([features].into_iter().chain(blocks.iter().map(|block| block.output.size())).collect())
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field or layer that cannot be used, and what it should be.
    pub fn validate(&self) -> Result<(), RecipeError> {
        validate::validate(self)
    }

    /// The recipe as TOML, every field written out.
    ///
    /// # Errors
    /// If a number does not fit TOML.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string(self)
            .map_err(|error| RecipeError::Syntax { name: self.name.clone(), message: error.to_string() })
    }
}

#[cfg(test)]
mod tests;
