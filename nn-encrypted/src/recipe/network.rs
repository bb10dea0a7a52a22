//! The network of a recipe for given data, with the scale of every tensor.

use super::{Recipe, RecipeError, Scheme, Tensor};
use crate::activation::{DyadicPolynomial, Function, Polynomial};

/// A fully connected network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its linear layers, each with the activation behind it.
    pub layers: Vec<Linear>,
}

/// A linear layer, what follows it, and the fractional bits of its integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// `linear1`, `linear2`, ...
    pub name: String,
    /// Its place among the layers of the recipe, from 0.
    pub index: usize,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// The scheme it runs in.
    pub scheme: Scheme,
    /// What follows; nothing after the last.
    pub activation: Option<Activation>,
    /// Fractional bits of the inputs.
    pub input_bits: u32,
    /// Fractional bits of the weighted sums as computed.
    pub sum_bits: u32,
    /// Fractional bits of the weighted sums as used: after their refresh, if they have one.
    pub preactivation_bits: u32,
    /// Fractional bits of the error as computed.
    pub error_sum_bits: u32,
    /// Fractional bits of the error as used: after its refresh, if it has one.
    pub error_bits: u32,
    /// Fractional bits of the gradient summed over a batch.
    pub gradient_bits: u32,
    /// Fractional bits of the new momentum as computed.
    pub momentum_sum_bits: u32,
    /// Fractional bits of the new weights as computed.
    pub weight_sum_bits: u32,
}

/// An activation in exact integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Its place among the layers of the recipe, from 0.
    pub index: usize,
    /// The scheme it runs in.
    pub scheme: Scheme,
    /// The function the polynomial stands for.
    pub function: Function,
    /// The polynomial over the reals.
    pub polynomial: Polynomial,
    /// The polynomial on the integers of the pre-activations.
    pub value: DyadicPolynomial,
    /// Its derivative on the same integers.
    pub derivative: DyadicPolynomial,
}

/// Fractional bits of a tensor: integers of so many are below 2^63.
const MOST_BITS: u32 = 62;
/// Weights of all layers.
const MOST_WEIGHTS: usize = 1 << 24;

impl Network {
    pub(super) fn new(recipe: &Recipe, features: usize, classes: usize) -> Result<Self, RecipeError> {
        count_weights(recipe, features, classes)?;
        let mut layers = Self::forward(recipe, features, classes)?;
        let refreshed = recipe.refresh.tensors.contains(&Tensor::Error);
        let q = &recipe.quantization;
        let mut following: Option<u32> = None; // fractional bits of the error of the layer behind
        for layer in layers.iter_mut().rev() {
            if let (Some(error), Some(activation)) = (following, &layer.activation) {
                layer.error_sum_bits = error + q.product_weight_bits + activation.derivative.fraction_bits;
                layer.error_bits = if refreshed { q.error_bits } else { layer.error_sum_bits };
                let field = "quantization.error_bits";
                scale(recipe, layer.index, "errors", layer.error_sum_bits, (field, layer.error_bits))?;
            } else {
                layer.error_sum_bits = layer.preactivation_bits;
                layer.error_bits = layer.preactivation_bits;
            }
            following = Some(layer.error_bits);
            update(layer, recipe)?;
        }
        Ok(Self { layers })
    }

    /// The layers with all scales of the forward pass.
    fn forward(recipe: &Recipe, features: usize, classes: usize) -> Result<Vec<Linear>, RecipeError> {
        let q = &recipe.quantization;
        let refreshed = |tensor| recipe.refresh.tensors.contains(&tensor);
        let last = recipe.layers.len().saturating_sub(1);
        let mut layers = Vec::new();
        let (mut inputs, mut input_bits) = (features, q.input_bits);
        for index in (0..=last).step_by(2) {
            let layer = &recipe.layers[index];
            let outputs = layer.out_features.unwrap_or(classes);
            if index == last && outputs != classes {
                let what = format!("`out_features` = {outputs}; the data has {classes} classes");
                return Err(wrong(recipe, index, what));
            }
            let sum_bits = input_bits + q.product_weight_bits;
            let (tensor, field, bits) = if index == last {
                (Tensor::Output, "quantization.output_bits", q.output_bits)
            } else {
                (Tensor::Preactivation, "quantization.preactivation_bits", q.preactivation_bits)
            };
            let preactivation_bits = if refreshed(tensor) { bits } else { sum_bits };
            scale(recipe, index, "weighted sums", sum_bits, (field, preactivation_bits))?;
            let activation = match recipe.layers.get(index + 1) {
                Some(_) => Some(activation(recipe, index + 1, preactivation_bits)?),
                None => None,
            };
            let next_bits = activation.as_ref().map_or(0, |activation| activation.value.fraction_bits);
            layers.push(Linear {
                name: format!("linear{}", layers.len() + 1),
                index,
                inputs,
                outputs,
                scheme: layer.scheme,
                activation,
                input_bits,
                sum_bits,
                preactivation_bits,
                error_sum_bits: 0,
                error_bits: 0,
                gradient_bits: 0,
                momentum_sum_bits: 0,
                weight_sum_bits: 0,
            });
            (inputs, input_bits) = (outputs, next_bits);
        }
        Ok(layers)
    }

    /// The widths from the features to the classes.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let first = self.layers.first().map(|layer| layer.inputs);
        first.into_iter().chain(self.layers.iter().map(|layer| layer.outputs)).collect()
    }
}

fn wrong(recipe: &Recipe, index: usize, what: String) -> RecipeError {
    RecipeError::Layer { index, kind: recipe.layers[index].kind.to_string(), what }
}

/// Refuses a network with too many weights before memory is taken for any.
fn count_weights(recipe: &Recipe, features: usize, classes: usize) -> Result<(), RecipeError> {
    let (mut inputs, mut weights) = (features, 0usize);
    for (index, layer) in recipe.layers.iter().enumerate().step_by(2) {
        let outputs = layer.out_features.unwrap_or(classes);
        weights = weights.saturating_add(inputs.saturating_mul(outputs));
        if weights > MOST_WEIGHTS {
            let what = format!(
                "{inputs} inputs and {outputs} outputs make {weights} weights up to here; at most {MOST_WEIGHTS} are possible"
            );
            return Err(wrong(recipe, index, what));
        }
        inputs = outputs;
    }
    Ok(())
}

/// Checks the fractional bits of a tensor as computed against those after its refresh, which only takes bits away.
fn scale(
    recipe: &Recipe,
    index: usize,
    tensor: &str,
    sum: u32,
    (field, bits): (&str, u32),
) -> Result<(), RecipeError> {
    let what = if sum > MOST_BITS {
        format!(
            "its {tensor} have {sum} fractional bits; at most {MOST_BITS} bits are possible: refresh more"
        )
    } else if sum < bits {
        format!(
            "its {tensor} have {sum} fractional bits, fewer than `{field}` = {bits}; at most {sum} is needed"
        )
    } else {
        return Ok(());
    };
    Err(wrong(recipe, index, what))
}

fn activation(recipe: &Recipe, index: usize, input_bits: u32) -> Result<Activation, RecipeError> {
    let layer = &recipe.layers[index];
    let wrong = |what: &str| wrong(recipe, index, what.to_owned());
    let function = layer.function().ok_or_else(|| wrong("an activation is needed here"))?;
    let bound = recipe.quantization.bounds.preactivation;
    let polynomial = layer.polynomial(bound).ok_or_else(|| wrong("an activation is needed here"))?;
    if polynomial.degree() == 0 {
        return Err(wrong("its polynomial is constant; nothing before it could learn"));
    }
    let too_large =
        || wrong("its coefficients do not fit 62 bits at the scale of its inputs; refresh those first");
    let value = polynomial.on_fixed_point(input_bits).ok_or_else(too_large)?;
    let derivative = value.derivative(input_bits).ok_or_else(too_large)?;
    Ok(Activation { index, scheme: layer.scheme, function, polynomial, value, derivative })
}

/// The scales of gradient, momentum and weights.
fn update(layer: &mut Linear, recipe: &Recipe) -> Result<(), RecipeError> {
    let (q, optimizer) = (&recipe.quantization, &recipe.optimizer);
    layer.gradient_bits = layer.input_bits + layer.error_bits;
    let mean_bits = layer.gradient_bits + optimizer.batch_shift();
    layer.momentum_sum_bits = mean_bits.max(q.momentum_bits + optimizer.momentum.bits());
    layer.weight_sum_bits = q.weight_bits.max(layer.momentum_sum_bits + optimizer.learning_rate.bits());
    for (tensor, bits) in [("new momenta", layer.momentum_sum_bits), ("new weights", layer.weight_sum_bits)] {
        if bits > MOST_BITS {
            let what =
                format!("its {tensor} have {bits} fractional bits; at most {MOST_BITS} bits are possible");
            return Err(wrong(recipe, layer.index, what));
        }
    }
    Ok(())
}
