//! Fixed point: the fractional bits of every tensor of a training step in an exact scheme that rounds at refreshes alone.
//!
//! A real number `v` is the integer `v·2^f`; `f` is known beforehand for every tensor. With the fractional bits of the recipe,
//! the input `A` of a layer, its matrix `M = c·W` (`c = 1` but behind a pooling) and its weights `W` as they enter products:
//!
//! - pre-activations as computed: `f(A) + f(W) + f(c)`, after their refresh as the recipe says;
//! - an activation of degree `d`: `d·f(Z)` and the bits of its coefficients, in lowest terms;
//! - gradients with respect to the input of a layer: `f(D) + f(W) + f(c)`, and the bits of the derivative for the error below;
//! - gradients: `f(A) + f(D) + f(c)`, and `k` more of the mean, by division by the smallest `2^k` not below the batch size;
//! - momentum and weights as computed: as many as all their terms need, so that nothing is rounded before the refresh.
//!
//! A tensor without a refresh keeps the bits it has.

use crate::activation::{Dyadic, DyadicPolynomial, Polynomial};
use crate::network::{Layer, Network};
use crate::recipe::{Loss, Numbers, Recipe, RefreshTensor, Scalar};

/// Fractional bits of a tensor: integers of so many are below 2^63.
const MOST_BITS: u32 = 62;
/// Bits of the mean of a number of positions that is no power of two, beyond those of the number: its constant is wrong by
/// less than a part in `2^9`.
const MEAN_BITS: u32 = 8;

/// The fractional bits of all tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// Layers with weights, input first.
    pub layers: Vec<LayerScales>,
    pub targets: u32,
    /// Weights as they are kept.
    pub weight: u32,
    /// Weights as they enter products.
    pub product_weight: u32,
    /// Momentum as it is kept.
    pub momentum: u32,
    /// The `k` of the division of summed gradients by `2^k`.
    pub batch_shift: u32,
    /// The step width.
    pub learning_rate: Dyadic,
    /// How much of the last step is kept.
    pub momentum_rate: Dyadic,
}

/// The fractional bits of the tensors of a layer with weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerScales {
    /// The constant beside every weight in the matrix of the layer: 1, or one over the positions of a pooling, rounded if their
    /// number is no power of two.
    pub constant: Dyadic,
    pub input: u32,
    /// The pre-activations as computed.
    pub sum: u32,
    /// The pre-activations as used: after their refresh, if they have one.
    pub preactivation: u32,
    /// The activation behind the layer and its derivative, as polynomials of the integers of the pre-activations; none of a
    /// lookup table, and where nothing is behind the last layer.
    pub activation: Option<[DyadicPolynomial; 2]>,
    /// The error as computed.
    pub error_sum: u32,
    /// The error as used: after its refresh, if it has one.
    pub error: u32,
    /// The gradient summed over a mini-batch.
    pub gradient: u32,
    /// The momentum as computed.
    pub momentum_sum: u32,
    /// The weights as computed.
    pub weight_sum: u32,
}

/// Numbers that have no format.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// More fractional bits than integers have.
    #[error(
        "layer {layer} ({kind}): its {tensor} have {bits} fractional bits; at most {MOST_BITS} bits are possible: refresh more"
    )]
    TooMany { layer: usize, kind: String, tensor: &'static str, bits: u32 },
    /// A field with a value for which there is no format.
    #[error("{what}")]
    Field { field: &'static str, what: String },
}

impl Scales {
    /// The scales of a network.
    ///
    /// # Errors
    /// If a tensor has more fractional bits than fit an integer, or fewer than its refresh is asked for; the layer is named.
    pub fn new(recipe: &Recipe, network: &Network) -> Result<Self, ScaleError> {
        let (numbers, optimizer) = (&recipe.numbers, &recipe.optimizer);
        let mut scales = Self {
            layers: Vec::new(),
            targets: numbers.output_bits,
            weight: numbers.weight_bits,
            product_weight: numbers.product_weight_bits,
            momentum: numbers.momentum_bits,
            batch_shift: optimizer.batch_shift(),
            learning_rate: dyadic("optimizer.learning_rate", optimizer.learning_rate)?,
            momentum_rate: dyadic("optimizer.momentum", optimizer.momentum)?,
        };
        let mut input = numbers.input_bits;
        for (l, layer) in network.layers.iter().enumerate() {
            let made = forward(recipe, layer, l + 1 == network.depth(), input)?;
            input = match (&made.activation, &layer.activation) {
                (Some([value, _]), _) => value.fraction_bits,
                (None, Some(_)) => numbers.input_bits,
                (None, None) => made.preactivation,
            };
            scales.layers.push(made);
        }
        scales.errors(recipe, network)?;
        for (scale, layer) in scales.layers.iter_mut().zip(&network.layers) {
            update(recipe, layer, scale, (scales.momentum_rate, scales.learning_rate))?;
        }
        Ok(scales)
    }

    /// The scales of targets and errors.
    fn errors(&mut self, recipe: &Recipe, network: &Network) -> Result<(), ScaleError> {
        let refreshed = recipe.refresh.tensors.contains(&RefreshTensor::Error);
        let mut behind: Option<(u32, u32)> = None; // of the error of the layer behind, and of the constant beside its weights
        for (scale, layer) in self.layers.iter_mut().zip(&network.layers).rev() {
            let derivative = scale.activation.as_ref().map_or(0, |[_, derivative]| derivative.fraction_bits);
            if let Some((error, constant)) = behind {
                scale.error_sum = error + self.product_weight + constant + derivative;
                scale.error = if refreshed { recipe.numbers.error_bits } else { scale.error_sum };
                check(layer, "errors", scale.error_sum, ("numbers.error_bits", scale.error))?;
            } else {
                let value = scale.activation.as_ref().map(|[value, _]| value.fraction_bits);
                self.targets = value.unwrap_or(scale.preactivation);
                scale.error_sum = match recipe.loss {
                    Loss::Quadratic => self.targets + derivative,
                    Loss::CrossEntropy => self.targets,
                };
                scale.error = scale.error_sum;
                check(layer, "errors", scale.error, ("numbers.error_bits", 0))?;
            }
            behind = Some((scale.error, scale.constant.bits()));
        }
        Ok(())
    }

    /// Fractional bits of the momentum of all layers as computed, at one scale.
    pub fn momentum_sum(&self) -> u32 {
        self.layers.iter().map(|layer| layer.momentum_sum).max().unwrap_or(0)
    }

    /// Fractional bits of the weights of all layers as computed, at one scale.
    pub fn weight_sum(&self) -> u32 {
        self.layers.iter().map(|layer| layer.weight_sum).max().unwrap_or(0)
    }
}

impl LayerScales {
    /// The bits by which a weight with its constant adds to those of the other factor of a product.
    fn matrix(&self, numbers: &Numbers) -> u32 {
        numbers.product_weight_bits + self.constant.bits()
    }
}

fn dyadic(field: &'static str, value: Scalar) -> Result<Dyadic, ScaleError> {
    value.dyadic().ok_or_else(|| {
        let most = Dyadic::MAX_BITS;
        let what = format!(
            "`{field}` = {value}; n/2^k with k up to {most} is needed, such as 1/8, where a scheme is exact"
        );
        ScaleError::Field { field, what }
    })
}

/// One over so many positions, as exact schemes have it.
pub(crate) fn mean(positions: usize) -> Dyadic {
    let bits = positions.max(1).next_power_of_two().trailing_zeros();
    if positions.is_power_of_two() {
        return Dyadic::new(1, bits);
    }
    let bits = bits + MEAN_BITS;
    Dyadic::new((f64::from(bits).exp2() / positions as f64).round() as i64, bits)
}

fn forward(recipe: &Recipe, layer: &Layer, last: bool, input: u32) -> Result<LayerScales, ScaleError> {
    let numbers = &recipe.numbers;
    let mut scale =
        LayerScales { constant: mean(layer.pool[0] * layer.pool[1]), input, ..LayerScales::default() };
    scale.sum = input + scale.matrix(numbers);
    let (tensor, field, bits) = if last {
        (RefreshTensor::Output, "numbers.output_bits", numbers.output_bits)
    } else {
        (RefreshTensor::Preactivation, "numbers.preactivation_bits", numbers.preactivation_bits)
    };
    scale.preactivation = if recipe.refresh.tensors.contains(&tensor) { bits } else { scale.sum };
    check(layer, "pre-activations", scale.sum, (field, scale.preactivation))?;
    let identity = Polynomial::new(vec![0, 1], 0);
    let polynomial = match &layer.activation {
        Some(activation) => activation.dyadic.as_ref().map(|p| (p, activation.index, activation.kind)),
        None if last => None,
        None => Some((&identity, layer.index, layer.kind)),
    };
    if let Some((polynomial, index, kind)) = polynomial {
        let fixed = || {
            let value = polynomial.on_fixed_point(scale.preactivation)?;
            let derivative = value.derivative(scale.preactivation)?;
            Some([value, derivative])
        };
        let too_large = || {
            let what = format!(
                "layer {index} ({kind}): its coefficients do not fit {MOST_BITS} bits at the scale of its inputs; refresh those first"
            );
            ScaleError::Field { field: "numbers.preactivation_bits", what }
        };
        scale.activation = Some(fixed().ok_or_else(too_large)?);
    }
    Ok(scale)
}

/// The scales of gradient, momentum and weights.
fn update(
    recipe: &Recipe,
    layer: &Layer,
    scale: &mut LayerScales,
    (momentum, rate): (Dyadic, Dyadic),
) -> Result<(), ScaleError> {
    let (numbers, optimizer) = (&recipe.numbers, &recipe.optimizer);
    scale.gradient = scale.input + scale.error + scale.constant.bits();
    let mean = scale.gradient + optimizer.batch_shift();
    let kept = numbers.momentum_bits + momentum.bits();
    if optimizer.nesterov {
        scale.momentum_sum = kept.max(mean + rate.bits());
        scale.weight_sum = numbers.weight_bits.max(scale.momentum_sum + momentum.bits());
    } else {
        scale.momentum_sum = kept.max(mean);
        scale.weight_sum = numbers.weight_bits.max(scale.momentum_sum + rate.bits());
    }
    check(layer, "new momenta", scale.momentum_sum, ("numbers.momentum_bits", numbers.momentum_bits))?;
    check(layer, "new weights", scale.weight_sum, ("numbers.weight_bits", numbers.weight_bits))
}

/// Checks the fractional bits of a tensor as computed against those after its refresh, which only takes bits away.
fn check(
    layer: &Layer,
    tensor: &'static str,
    bits: u32,
    (field, wanted): (&'static str, u32),
) -> Result<(), ScaleError> {
    let (index, kind) = layer.place();
    if bits > MOST_BITS {
        return Err(ScaleError::TooMany { layer: index, kind, tensor, bits });
    }
    if bits < wanted {
        let what = format!(
            "layer {index} ({kind}): its {tensor} have {bits} fractional bits, fewer than `{field}` = {wanted}; at most {bits} is needed"
        );
        return Err(ScaleError::Field { field, what });
    }
    Ok(())
}

he_core::debug_as_displayed!(ScaleError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_powers_of_two_are_exact_and_the_others_close() {
        for positions in 1..=256_usize {
            let (found, exact) = (mean(positions).to_f64(), 1.0 / positions as f64);
            assert!((found - exact).abs() <= exact / 512.0, "{positions}");
            assert_eq!(found == exact, positions.is_power_of_two(), "{positions}");
        }
    }
}
