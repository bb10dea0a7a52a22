//! Refreshes, and the parameters of the encryption.

use serde::{Deserialize, Serialize};

use super::{Auto, Setting};

/// `[refresh]`: who brings noise and scales back, and where.
///
/// ```
/// use nn_encrypted::recipe::{Backward, Refresh};
///
/// let refresh = Refresh { backward: Backward::Client, ..Refresh::default() };
/// assert_eq!(refresh.tensors.len(), 5);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    /// Who does it.
    pub strategy: RefreshStrategy,
    /// Who computes gradients and updates.
    pub backward: Backward,
    /// With strategy `client`, the tensors that are refreshed; weight and momentum always. In floating point and in the twin a
    /// tensor left out keeps its scale and is not saturated; the planner refuses it where the layout needs its refresh.
    pub tensors: Vec<RefreshTensor>,
}

impl Default for Refresh {
    fn default() -> Self {
        use RefreshTensor::{Error, Momentum, Output, Preactivation, Weight};
        Self {
            strategy: RefreshStrategy::Client,
            backward: Backward::Encrypted,
            tensors: vec![Preactivation, Output, Error, Weight, Momentum],
        }
    }
}

/// Who refreshes.
///
/// ```
/// use nn_encrypted::recipe::{Recipe, RefreshStrategy};
///
/// let recipe = Recipe::load("ckks_sgd", &[])?;
/// assert_eq!(recipe.refresh.strategy, RefreshStrategy::Bootstrap);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshStrategy {
    /// The client: decrypts, rounds, saturates and encrypts again.
    Client,
    /// The server, by bootstrapping in the scheme of the layers with weights.
    Bootstrap,
    /// The server, by cleaning integers in bulk through another scheme.
    Clean,
    /// Nobody: integers and noise grow until the end.
    None,
}

/// `backward`: who computes gradients and updates.
///
/// ```
/// use nn_encrypted::recipe::{Backward, Recipe};
///
/// let recipe = Recipe::load("onoufriou2021", &[])?;
/// assert_eq!(recipe.refresh.backward, Backward::Client);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backward {
    /// The server, on ciphertexts.
    #[default]
    Encrypted,
    /// The client, in the clear, from decrypted outputs; it sends the next weights, encrypted.
    Client,
}

/// A tensor that can be refreshed.
///
/// ```
/// use nn_encrypted::recipe::{Refresh, RefreshTensor};
///
/// assert!(Refresh::default().tensors.contains(&RefreshTensor::Momentum));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTensor {
    /// The pre-activations of a hidden layer.
    Preactivation,
    /// The pre-activations of the last layer with weights.
    Output,
    /// The error of a hidden layer.
    Error,
    /// Weights and biases.
    Weight,
    /// Momentum.
    Momentum,
}

/// `[parameters]`: of the encryption.
///
/// ```
/// use nn_encrypted::recipe::{Parameters, Secret};
///
/// let parameters = Parameters { secret: Secret::Sparse, ..Parameters::default() };
/// assert_eq!(parameters.security, 128);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Bits of security: 128.
    pub security: u32,
    /// The ring dimension N, a power of two.
    pub ring_dimension: Setting,
    /// Distribution of the secret where a scheme bootstraps.
    pub secret: Secret,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { security: 128, ring_dimension: Setting::Auto(Auto::Auto), secret: Secret::Uniform }
    }
}

/// `secret`: its distribution.
///
/// ```
/// use nn_encrypted::recipe::{Parameters, Secret};
///
/// assert_eq!(Parameters::default().secret, Secret::Uniform);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// Uniform ternary.
    #[default]
    Uniform,
    /// Ternary of low weight, with bootstrapping: three more bits of precision, and younger attacks.
    Sparse,
}

/// `encryption`: the key under which mini-batches are encrypted.
///
/// ```
/// use nn_encrypted::recipe::{Encryption, Recipe};
///
/// let recipe = Recipe::load("hesamifard2017", &["encryption=public".to_owned()])?;
/// assert_eq!(recipe.encryption, Encryption::Public);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// The secret one: its owner encrypts, in half the space.
    #[default]
    Secret,
    /// The public one: whoever has the rows may encrypt them. Plans begin from its noise, and ciphertexts carry no seed.
    Public,
}

impl Encryption {
    pub(super) fn is_secret(&self) -> bool {
        *self == Self::Secret
    }
}
