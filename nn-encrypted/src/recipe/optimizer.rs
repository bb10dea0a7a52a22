//! Loss and optimizer.

use serde::{Deserialize, Serialize};

use super::Scalar;

/// `loss`: what is minimized; see the [formulas](super).
///
/// ```
/// use nn_encrypted::recipe::{Loss, Recipe};
///
/// let recipe = Recipe::load("hesamifard2017", &[])?;
/// assert_eq!(recipe.loss, Loss::Quadratic);
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Half the sum of squared differences to the targets.
    #[default]
    Quadratic,
    /// Cross-entropy of a sigmoid for each output.
    CrossEntropy,
}

/// `[optimizer]`: stochastic gradient descent with momentum; see the [formulas](super).
///
/// ```
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("hesamifard2017", &["optimizer.learning_rate=1/16".to_owned()])?;
/// assert_eq!((recipe.optimizer.learning_rate.value(), recipe.optimizer.batch_size), (0.0625, 60));
/// # Ok::<(), nn_encrypted::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The step width, of mean gradients: above 0, up to 64.
    pub learning_rate: Scalar,
    /// How much of the last step is kept: 0 or more, below 1.
    #[serde(default = "zero")]
    pub momentum: Scalar,
    /// Nesterov's rule.
    #[serde(default)]
    pub nesterov: bool,
    /// Samples a step, 1 to 65536.
    pub batch_size: usize,
    /// Passes over the training part, 1 to 100000.
    pub epochs: usize,
    /// Deviation of the initial weights times the root of the inputs of a neuron; 0.7 with Square, else 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_gain: Option<f64>,
}

fn zero() -> Scalar {
    Scalar::from(crate::activation::Dyadic::new(0, 0))
}

impl Optimizer {
    /// The `k` of the smallest power `2^k` not below the batch size, by which exact schemes divide summed gradients.
    #[must_use]
    pub(crate) fn batch_shift(&self) -> u32 {
        self.batch_size.next_power_of_two().trailing_zeros()
    }

    /// The `κ` of the factor `2^−κ` between summed gradients and steps of the weights, for a learning rate that is a power of two up
    /// to `2^k`, the divisor of summed gradients; none of others.
    #[must_use]
    pub(crate) fn update_shift(&self) -> Option<u32> {
        let rate = self.learning_rate.dyadic().filter(|rate| rate.numerator() > 0)?;
        let above = u32::try_from(rate.numerator()).ok().filter(|n| n.is_power_of_two())?.trailing_zeros();
        (self.batch_shift() + rate.bits()).checked_sub(above)
    }
}
