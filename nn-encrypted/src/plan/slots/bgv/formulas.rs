//! The constants of a step, as integers at the scales of the tensors.

use super::refusal;
use crate::activation::Dyadic;
use crate::engine::slots::{Formulas, LayerFormulas, LossFormula};
use crate::network::{Matrix, Network};
use crate::numbers::fixed::Scales;
use crate::plan::Result;
use crate::program::Tensor;
use crate::recipe::Recipe;

/// Products, sums and shifts of magnitudes stop at the largest integer there is, which no plaintext modulus holds.
pub(in crate::plan::slots) fn times(a: i128, b: i128) -> i128 {
    a.saturating_mul(b)
}

/// `a·2^bits`, as [`times`].
pub(in crate::plan::slots) fn shifted(a: i128, bits: u32) -> i128 {
    if bits < 126 {
        times(a, 1 << bits)
    } else if a == 0 {
        0
    } else {
        times(a.signum(), i128::MAX)
    }
}

/// A recipe's numbers for its network.
pub(in crate::plan::slots) struct Numbers<'a> {
    pub(in crate::plan::slots) recipe: &'a Recipe,
    pub(in crate::plan::slots) network: &'a Network,
    /// Fractional bits.
    pub(in crate::plan::slots) scales: &'a Scales,
    pub(in crate::plan::slots) formulas: Formulas<i64>,
    /// Of each layer.
    pub(in crate::plan::slots) places: Vec<Places>,
}

/// Largest numbers of entries in a matrix.
pub(in crate::plan::slots) struct Places {
    /// Inputs of an output.
    pub(in crate::plan::slots) of_output: usize,
    /// Outputs of an input.
    pub(in crate::plan::slots) of_input: usize,
    pub(in crate::plan::slots) of_weight: usize,
    /// Outputs of a bias.
    pub(in crate::plan::slots) of_bias: usize,
}

impl Places {
    fn new(matrix: &Matrix) -> Self {
        let count =
            |line: ndarray::ArrayView1<'_, Option<crate::network::Entry>>| line.iter().flatten().count();
        Self {
            of_output: matrix.entries.columns().into_iter().map(count).max().unwrap_or(0),
            of_input: matrix.entries.rows().into_iter().map(count).max().unwrap_or(0),
            of_weight: most(matrix.entries.iter().flatten().map(|entry| entry.weight)),
            of_bias: most(matrix.bias.iter().copied()),
        }
    }
}

/// How often the most frequent index occurs.
fn most(indices: impl Iterator<Item = usize>) -> usize {
    let mut counts: Vec<usize> = Vec::new();
    for index in indices {
        if index >= counts.len() {
            counts.resize(index + 1, 0);
        }
        counts[index] += 1;
    }
    counts.into_iter().max().unwrap_or(0)
}

impl<'a> Numbers<'a> {
    /// The numbers of a recipe.
    ///
    /// # Errors
    /// If a constant does not fit an integer.
    pub(in crate::plan::slots) fn new(
        recipe: &'a Recipe,
        network: &'a Network,
        scales: &'a Scales,
    ) -> Result<Self> {
        let formulas = formulas(recipe, network, scales)?;
        let places = network.layers.iter().map(|layer| Places::new(&layer.matrix)).collect();
        Ok(Self { recipe, network, scales, formulas, places })
    }

    pub(in crate::plan::slots) fn last(&self) -> usize {
        self.network.depth().saturating_sub(1)
    }

    /// Bits of the low part of the weights.
    pub(in crate::plan::slots) fn low_bits(&self) -> u32 {
        self.scales.weight.saturating_sub(self.scales.product_weight)
    }
}

/// Those of momentum; with Nesterov's rule, which keeps momentum times the step width, without those of the width.
pub(in crate::plan::slots) fn gradient_bits(recipe: &Recipe, scales: &Scales) -> u32 {
    let rate = if recipe.optimizer.nesterov { scales.learning_rate.bits() } else { 0 };
    scales.momentum_sum() - rate
}

/// A constant of the formula of `tensor`.
fn constant(network: &Network, value: i128, tensor: Tensor) -> Result<i64> {
    i64::try_from(value).map_err(|_| refusal::wraps(network, tensor, None, value))
}

fn formulas(recipe: &Recipe, network: &Network, scales: &Scales) -> Result<Formulas<i64>> {
    let gradient_bits = gradient_bits(recipe, scales);
    let mut layers = Vec::new();
    for (l, layer) in scales.layers.iter().enumerate() {
        let one = shifted(1, layer.input + layer.constant.bits());
        let scale = shifted(1, gradient_bits - layer.gradient - scales.batch_shift);
        let gradient = |value| constant(network, value, Tensor::Gradient);
        layers.push(LayerFormulas {
            one: constant(network, one, Tensor::Sum(l))?,
            constant: layer.constant.numerator(),
            activation: layer
                .activation
                .clone()
                .map(|both| both.map(|polynomial| polynomial.coefficients_int)),
            gradient: (
                gradient(times(scale, i128::from(layer.constant.numerator())))?,
                gradient(times(scale, one))?,
            ),
        });
    }
    let momentum = momentum(recipe, network, scales)?;
    let weights = weights(recipe, network, scales, &momentum)?;
    Ok(Formulas { layers, momentum, weights, loss: LossFormula::of(network) })
}

/// `value` at `from + value.bits()` fractional bits times `2^(to − from − value.bits())`: a factor that leads from one scale to
/// another.
fn factor(value: Dyadic, from: u32, to: u32) -> i128 {
    shifted(value.numerator().into(), to - from - value.bits())
}

/// `V ← μV + G`; with Nesterov's rule `U ← μU − ηG`.
fn momentum(recipe: &Recipe, network: &Network, scales: &Scales) -> Result<Vec<(i64, Tensor)>> {
    let to = Tensor::NewMomentum;
    let bits = scales.momentum_sum();
    let of_gradient = if recipe.optimizer.nesterov {
        -factor(scales.learning_rate, gradient_bits(recipe, scales), bits)
    } else {
        1
    };
    let mut terms = vec![(constant(network, of_gradient, to)?, Tensor::Gradient)];
    let kept = factor(scales.momentum_rate, scales.momentum, bits);
    if kept != 0 {
        terms.push((constant(network, kept, to)?, Tensor::Momentum));
    }
    Ok(terms)
}

/// `W ← W − ηV`; with Nesterov's rule `W ← W + μU − ηG`.
fn weights(
    recipe: &Recipe,
    network: &Network,
    scales: &Scales,
    momentum: &[(i64, Tensor)],
) -> Result<Vec<(i64, Tensor)>> {
    let to = Tensor::NewWeights;
    let (v_bits, w_bits) = (scales.momentum_sum(), scales.weight_sum());
    let unit = shifted(1, w_bits - scales.weight);
    let high = shifted(unit, scales.weight - scales.product_weight);
    let mut terms = vec![
        (constant(network, high, to)?, Tensor::Weights),
        (constant(network, unit, to)?, Tensor::LowWeights),
    ];
    let (of_momentum, of_gradient) = if recipe.optimizer.nesterov {
        let gradient = factor(scales.learning_rate, gradient_bits(recipe, scales), w_bits);
        (factor(scales.momentum_rate, v_bits, w_bits), -gradient)
    } else {
        (-factor(scales.learning_rate, v_bits, w_bits), 0)
    };
    for &(c, tensor) in momentum {
        let further = if tensor == Tensor::Gradient { of_gradient } else { 0 };
        let c = times(of_momentum, c.into()).saturating_add(further);
        if c != 0 {
            terms.push((constant(network, c, to)?, tensor));
        }
    }
    Ok(terms)
}
