//! From a recipe's network to steps, refreshes and proven bounds.

use std::collections::BTreeMap;

use super::step::{Refresh, Step};
use super::tensor::Tensor;
use super::{PlanError, candidate};
use crate::activation::DyadicPolynomial;
use crate::recipe::{Linear, Network, Recipe, Tensor as Refreshed};

/// Steps of training and of prediction, what the client does between them, and the largest magnitude of every tensor.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) training: Vec<Step>,
    pub(super) prediction: Vec<Step>,
    pub(super) rounds: Vec<Vec<Refresh>>,
    pub(super) bounds: BTreeMap<Tensor, i128>,
}

/// The integer that stands for a real bound at a scale.
fn scaled(bound: f64, bits: u32) -> i64 {
    (bound * f64::from(bits).exp2()) as i64
}

/// Products, sums and shifts of magnitudes stop at the largest integer there is, which no plaintext modulus holds.
fn times(a: i128, b: i128) -> i128 {
    a.saturating_mul(b)
}

/// `a·2^bits`, as [`times`].
fn shifted(a: i128, bits: u32) -> i128 {
    if bits < 126 { times(a, 1 << bits) } else { i128::MAX }
}

/// A constant of a step that computes `tensor`.
fn constant(value: i128, tensor: Tensor) -> Result<i64, PlanError> {
    i64::try_from(value).map_err(|_| candidate::wraps(tensor, value))
}

/// Bits to round away, from the scale of a tensor as computed to that of its refresh.
fn rounding(tensor: Tensor, from: u32, to: u32) -> Result<u32, PlanError> {
    from.checked_sub(to).ok_or(PlanError::Scale { tensor, from, to })
}

/// The largest magnitude of a polynomial on the integers of `[−bound, bound]`: exact where the interval is short,
/// `Σ |c_i|·bound^i` otherwise.
fn polynomial_bound(polynomial: &DyadicPolynomial, bound: i64) -> i128 {
    let coefficients = || polynomial.coefficients_int.iter().rev().map(|&c| i128::from(c));
    let most = coefficients().fold(0i128, |sum, c| times(sum, bound.into()).saturating_add(c.abs()));
    if most == i128::MAX || bound > 1 << 16 {
        return most;
    }
    let value = |z: i128| coefficients().fold(0i128, |sum, c| sum * z + c).abs();
    (-i128::from(bound)..=i128::from(bound)).map(value).max().unwrap_or(0)
}

/// Checks what this lowering relies on.
fn check(recipe: &Recipe, network: &Network) -> Result<(), PlanError> {
    let needed = [
        (Refreshed::Preactivation, network.layers.len() > 1),
        (Refreshed::Output, true),
        (Refreshed::Error, network.layers.len() > 1),
        (Refreshed::Weight, true),
        (Refreshed::Momentum, true),
    ];
    let missing = needed.iter().find(|(tensor, used)| *used && !recipe.refresh.tensors.contains(tensor));
    if let Some((tensor, _)) = missing {
        return Err(PlanError::Unspread { tensor: format!("{tensor:?}").to_lowercase() });
    }
    for (layer, place) in network.layers.iter().flat_map(|layer| {
        let activation = layer.activation.as_ref().map(|a| (a.scheme, a.index));
        [(layer.scheme, layer.index)].into_iter().chain(activation)
    }) {
        if layer != crate::recipe::Scheme::Bgv {
            return Err(PlanError::Scheme { layer: place, scheme: layer.to_string() });
        }
    }
    Ok(())
}

/// Lowers the network for mini-batches of `batch` images whose features are at most `input_bound` in magnitude.
pub(super) fn lower(
    recipe: &Recipe,
    network: &Network,
    batch: usize,
    input_bound: i64,
) -> Result<Program, PlanError> {
    check(recipe, network)?;
    let mut lowering = Lowering { recipe, network, batch, program: Program::empty(), inputs: vec![] };
    lowering.sources(input_bound);
    lowering.forward()?;
    lowering.program.prediction = lowering.program.training.clone();
    lowering.backward()?;
    lowering.gradient()?;
    lowering.update()?;
    Ok(lowering.program)
}

impl Program {
    fn empty() -> Self {
        Self { training: vec![Step::Expand], prediction: vec![], rounds: vec![], bounds: BTreeMap::new() }
    }
}

struct Lowering<'a> {
    recipe: &'a Recipe,
    network: &'a Network,
    batch: usize,
    program: Program,
    /// Input tensor of each layer.
    inputs: Vec<Tensor>,
}

impl Lowering<'_> {
    fn bound(&self, tensor: Tensor) -> i128 {
        self.program.bounds.get(&tensor).copied().unwrap_or(0)
    }

    fn set(&mut self, tensor: Tensor, bound: i128) {
        self.program.bounds.insert(tensor, bound);
    }

    fn push(&mut self, step: Step) {
        self.program.training.push(step);
    }

    fn round(&mut self, refreshes: Vec<Refresh>) {
        self.push(Step::Refresh { round: self.program.rounds.len() });
        self.program.rounds.push(refreshes);
    }

    fn sources(&mut self, input_bound: i64) {
        let q = &self.recipe.quantization;
        let weight = scaled(q.bounds.weight, q.weight_bits);
        let low_bits = q.weight_bits - q.product_weight_bits;
        let half = (1i64 << low_bits) >> 1;
        self.set(Tensor::Input, i128::from(input_bound));
        self.set(Tensor::High, i128::from((weight + half) >> low_bits));
        self.set(Tensor::Low, i128::from(half));
        self.set(Tensor::Weights, self.bound(Tensor::High));
        self.set(Tensor::Momentum, i128::from(scaled(q.bounds.momentum, q.momentum_bits)));
        let output_bits = self.network.layers.last().map_or(0, |layer| layer.preactivation_bits);
        self.set(Tensor::Labels, shifted(1, output_bits));
    }

    fn forward(&mut self) -> Result<(), PlanError> {
        let q = &self.recipe.quantization;
        let mut input = Tensor::Input;
        for (l, layer) in self.network.layers.iter().enumerate() {
            self.inputs.push(input);
            let to = Tensor::Sum(l);
            let one = constant(shifted(1, layer.input_bits), to)?;
            self.push(Step::Forward { layer: l, input, one });
            let high = self.bound(Tensor::High);
            let products = times(layer.inputs as i128, times(self.bound(input), high));
            self.set(to, products.saturating_add(shifted(high, layer.input_bits)));
            let real = if layer.activation.is_some() { q.bounds.preactivation } else { q.bounds.output };
            let bound = scaled(real, layer.preactivation_bits);
            let shift = rounding(to, layer.sum_bits, layer.preactivation_bits)?;
            self.round(vec![Refresh::Rows { from: to, to: Tensor::Preactivation(l), shift, bound }]);
            self.set(Tensor::Preactivation(l), i128::from(bound));
            if let Some(activation) = &layer.activation {
                self.polynomial(l, Tensor::Activation(l), &activation.value, bound);
                input = Tensor::Activation(l);
            }
        }
        Ok(())
    }

    fn polynomial(&mut self, l: usize, to: Tensor, polynomial: &DyadicPolynomial, bound: i64) {
        let coefficients = polynomial.coefficients_int.clone();
        self.push(Step::Polynomial { from: Tensor::Preactivation(l), to, coefficients });
        self.set(to, polynomial_bound(polynomial, bound));
    }

    fn backward(&mut self) -> Result<(), PlanError> {
        let last = self.network.layers.len() - 1;
        let terms = vec![(1, Tensor::Preactivation(last)), (-1, Tensor::Labels)];
        self.push(Step::Combine { terms, to: Tensor::Error(last) });
        let error = self.bound(Tensor::Preactivation(last)).saturating_add(self.bound(Tensor::Labels));
        self.set(Tensor::Error(last), error);
        for l in (1..=last).rev() {
            let (layer, below) = (&self.network.layers[l], &self.network.layers[l - 1]);
            let Some(activation) = &below.activation else {
                continue;
            };
            self.push(Step::Backward { layer: l });
            let product = times(self.bound(Tensor::Error(l)), self.bound(Tensor::High));
            let sum = times(layer.outputs as i128, product);
            self.set(Tensor::ErrorSum(l - 1), sum);
            let preactivation = self.bound(Tensor::Preactivation(l - 1)) as i64;
            self.polynomial(l - 1, Tensor::Slope(l - 1), &activation.derivative, preactivation);
            let to = Tensor::RawError(l - 1);
            self.push(Step::Multiply { left: Tensor::ErrorSum(l - 1), right: Tensor::Slope(l - 1), to });
            self.set(to, times(sum, self.bound(Tensor::Slope(l - 1))));
            let bound = scaled(self.recipe.quantization.bounds.error, below.error_bits);
            let shift = rounding(to, below.error_sum_bits, below.error_bits)?;
            self.round(vec![Refresh::Rows { from: to, to: Tensor::Error(l - 1), shift, bound }]);
            self.set(Tensor::Error(l - 1), i128::from(bound));
        }
        Ok(())
    }

    /// Fractional bits of the momentum of all layers, before its refresh.
    fn momentum_bits(&self) -> u32 {
        self.network.layers.iter().map(|layer| layer.momentum_sum_bits).max().unwrap_or(0)
    }

    fn gradient(&mut self) -> Result<(), PlanError> {
        let (to, k) = (self.momentum_bits(), self.recipe.optimizer.batch_shift());
        let mut scales = Vec::new();
        let mut total = 0;
        for (l, layer) in self.network.layers.iter().enumerate() {
            let input = self.inputs[l];
            self.push(Step::Outer { layer: l, input });
            let scale = shifted(1, rounding(Tensor::Gradient, to, layer.gradient_bits + k)?);
            let one = shifted(1, layer.input_bits);
            let bias = constant(times(scale, one), Tensor::Gradient)?;
            scales.push((constant(scale, Tensor::Gradient)?, bias));
            let error = times(self.bound(Tensor::Error(l)), self.batch as i128);
            let products = times(error, self.bound(input));
            self.set(Tensor::Products(l), products);
            total = total.max(times(products.max(times(error, one)), scale));
        }
        self.push(Step::Collect { scales });
        self.set(Tensor::Gradient, total);
        Ok(())
    }

    fn update(&mut self) -> Result<(), PlanError> {
        let (q, optimizer) = (&self.recipe.quantization, &self.recipe.optimizer);
        let (momentum, rate) = (optimizer.momentum, optimizer.learning_rate);
        let (new_v, new_w) = (Tensor::NewMomentum, Tensor::NewWeights);
        let v_bits = self.momentum_bits();
        let w_bits = q.weight_bits.max(v_bits + rate.bits());
        let v_shift = rounding(new_v, v_bits, q.momentum_bits)?;
        let w_shift = rounding(new_w, w_bits, q.weight_bits)?;
        let of_v = shifted(momentum.numerator().into(), rounding(new_v, v_shift, momentum.bits())?);
        let of_w = shifted(1, w_shift);
        let of_step = shifted(rate.numerator().into(), rounding(new_w, w_bits, v_bits + rate.bits())?);
        let low_bits = q.weight_bits - q.product_weight_bits;
        let v_bound = times(of_v.saturating_abs(), self.bound(Tensor::Momentum));
        let v_bound = v_bound.saturating_add(self.bound(Tensor::Gradient));
        let weight = scaled(q.bounds.weight, q.weight_bits);
        self.set(new_v, v_bound);
        let moved = times(of_step.saturating_abs(), v_bound);
        self.set(new_w, times(of_w, weight.into()).saturating_add(moved));
        let mut v = vec![(1, Tensor::Gradient)];
        if of_v != 0 {
            v.push((constant(of_v, new_v)?, Tensor::Momentum));
        }
        let high = constant(shifted(of_w, low_bits), new_w)?;
        let mut w = vec![(high, Tensor::High), (constant(of_w, new_w)?, Tensor::Low)];
        for &(c, tensor) in &v {
            w.push((constant(times(-of_step, c.into()), new_w)?, tensor));
        }
        self.push(Step::Combine { terms: v, to: new_v });
        self.push(Step::Combine { terms: w, to: new_w });
        let kept = scaled(q.bounds.momentum, q.momentum_bits);
        self.round(vec![
            Refresh::Weights { shift: w_shift, bound: weight, low_bits },
            Refresh::Momentum { shift: v_shift, bound: kept },
        ]);
        Ok(())
    }
}

/// Inputs and outputs of a layer.
pub(super) fn shape(layer: &Linear) -> (usize, usize) {
    (layer.inputs, layer.outputs)
}
