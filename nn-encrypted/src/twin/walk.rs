//! The walk through a network: the order of training, with any numbers.

use std::collections::VecDeque;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2, Axis};

use super::computed::Computed;
use super::error::{Result, TwinError};
use super::layers;
use super::numbers::{Numbers, Pass, Phases, by_table};
use super::range::{Ranges, TensorRange};
use super::reals::Reals;
use super::tensor::Tensor;
use crate::activation::Function;
use crate::model::{LayerState, Model};
use crate::network::{Layer, Network};
use crate::recipe::{Loss, Recipe, RefreshTensor};

/// Rows that are classified at once, but with lookup tables, where the order of all lookups counts.
const ROWS: usize = 1024;

/// A network in training, and the numbers of each layer with weights.
#[derive(Debug, Clone)]
pub struct Walk {
    pub(super) network: Network,
    numbers: Vec<Arc<dyn Numbers>>,
    pub(crate) model: Model,
    /// The numbers that the model stands for, where a float has not all of their bits: the next step goes on from them.
    exact: Vec<Kept>,
    ranges: Ranges,
    /// Of the next step or classification.
    pub(super) phases: Phases,
    /// Of the next step or classification: approximate tensors as a client rounded them.
    pub(super) rounded: VecDeque<Array2<f64>>,
}

/// Weights and biases of a layer, each with its momenta.
type Kept = [[Tensor; 2]; 2];

/// The trace of a mini-batch; an item for each layer with weights.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Whether a step is traced, no classification.
    step: bool,
    kept: Vec<Kept>,
    /// Weights as they entered products.
    weights: Vec<Tensor>,
    /// Inputs as patches.
    inputs: Vec<Tensor>,
    /// As refreshed.
    pub(super) preactivations: Vec<Tensor>,
    /// Of the activation behind each layer.
    derivatives: Vec<Option<Tensor>>,
    /// As refreshed.
    pub(super) errors: Vec<Tensor>,
    /// Of weights and of biases, summed over the mini-batch.
    pub(super) gradients: Vec<[Tensor; 2]>,
    /// Of a classification: the values that each layer gives the next.
    values: Vec<Tensor>,
}

impl Walk {
    pub(super) fn new(network: &Network, numbers: Vec<Arc<dyn Numbers>>, model: Model) -> Result<Self> {
        let (ranges, phases) = (Ranges::default(), Phases::default());
        let mut walk = Self {
            network: network.clone(),
            numbers,
            model,
            exact: vec![],
            ranges,
            phases,
            rounded: VecDeque::new(),
        };
        TwinError::unless_equal("layers of a model", walk.model.layers.len(), network.depth().max(1))?;
        let mut pass = Pass::new(network, Ranges::default(), Phases::default());
        for (l, state) in walk.model.layers.iter().enumerate() {
            layers::check(&network.layers[l], state)?;
            for [w, v] in walk.kept(l, state)? {
                walk.numbers[l].refresh(w, pass.to(l, RefreshTensor::Weight))?;
                walk.numbers[l].refresh(v, pass.to(l, RefreshTensor::Momentum))?;
            }
        }
        walk.ranges = pass.ranges;
        Ok(walk)
    }

    /// In floating point; with one function in place of every activation, if it is given.
    ///
    /// # Errors
    /// If the model is of another network.
    pub fn floating(
        recipe: &Recipe,
        network: &Network,
        model: Model,
        function: Option<&Function>,
    ) -> Result<Self> {
        let one =
            |layer: &Layer| Arc::new(Reals::floating(recipe, layer, function.cloned())) as Arc<dyn Numbers>;
        Self::new(network, network.layers.iter().map(one).collect(), model)
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = &TensorRange> {
        self.ranges.values()
    }

    /// The largest magnitude of a kind of tensor since the start, or of first weights.
    pub(crate) fn largest(&self, tensor: RefreshTensor) -> f64 {
        let seen =
            self.ranges.iter().filter(|((_, kind), _)| *kind == tensor).map(|(_, range)| range.largest);
        let kept = self.model.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias));
        let kept = kept.filter(|_| tensor == RefreshTensor::Weight).map(|weight| weight.abs());
        seen.chain(kept).fold(0.0, f64::max)
    }

    fn pass(&mut self) -> (&Self, Pass<'_>) {
        let (phases, rounded) = (std::mem::take(&mut self.phases), std::mem::take(&mut self.rounded));
        let this = &*self;
        (this, Pass { rounded, ..Pass::new(&this.network, this.ranges.clone(), phases) })
    }

    /// Trains on one mini-batch; one row a sample.
    ///
    /// # Errors
    /// If a shape is wrong, or a number overflows or is not finite; the model is unchanged then.
    pub fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<()> {
        self.stepped(x, targets, false).map(drop)
    }

    /// As [`step`](Self::step); the tensors of the step before their refresh, in the order in which they are computed.
    pub(super) fn recorded_step(
        &mut self,
        x: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Vec<Computed>> {
        self.stepped(x, targets, true)
    }

    fn stepped(
        &mut self,
        x: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
        record: bool,
    ) -> Result<Vec<Computed>> {
        let (this, mut pass) = self.pass();
        pass.computed = record.then(Vec::new);
        let trace = this.trace(x, targets, &mut pass)?;
        let (model, exact) = this.updated(&trace, &mut pass)?;
        let computed = pass.computed.take().unwrap_or_default();
        let ranges = finished(pass)?;
        (self.model, self.exact, self.ranges) = (model, exact, ranges);
        Ok(computed)
    }

    /// The pre-activations of the last layer, refreshed; with quadratic loss the outputs of its activation.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn outputs(&mut self, x: &ArrayRef2<f64>) -> Result<Array2<f64>> {
        let (this, mut pass) = self.pass();
        let whole = this.network.loss == Loss::Quadratic;
        let whole_batch = !pass.rounded.is_empty() || this.network.layers.iter().any(by_table);
        let rows = if whole_batch { x.nrows().max(1) } else { ROWS };
        let mut outputs = Array2::zeros((x.nrows(), this.last().outputs()));
        let parts = outputs.axis_chunks_iter_mut(Axis(0), rows);
        for (x, mut part) in x.axis_chunks_iter(Axis(0), rows).zip(parts) {
            part.assign(&*this.forward(&x, whole, &mut Trace::default(), &mut pass)?.real());
        }
        self.ranges = finished(pass)?;
        Ok(outputs)
    }

    /// The refreshed pre-activations of each layer for samples, and the values that it gives the next.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(super) fn traced_outputs(&mut self, x: &ArrayRef2<f64>) -> Result<Vec<[Array2<f64>; 2]>> {
        let (this, mut pass) = self.pass();
        let (whole, mut trace) = (this.network.loss == Loss::Quadratic, Trace::default());
        this.forward(x, whole, &mut trace, &mut pass)?;
        self.ranges = finished(pass)?;
        let both = trace.preactivations.iter().zip(&trace.values);
        Ok(both.map(|(z, value)| [z, value].map(|tensor| tensor.real().into_owned())).collect())
    }

    /// The last of the layers with weights; there is one.
    fn last(&self) -> &Layer {
        &self.network.layers[self.network.depth() - 1]
    }

    /// The tensor of the pre-activations of a layer.
    fn preactivation(&self, l: usize) -> RefreshTensor {
        if l + 1 == self.network.depth() { RefreshTensor::Output } else { RefreshTensor::Preactivation }
    }

    fn kept(&self, l: usize, state: &LayerState) -> Result<Kept> {
        let (layer, numbers) = (&self.network.layers[l], &self.numbers[l]);
        let row = |values: &[f64]| Array2::from_shape_fn((1, values.len()), |(_, at)| values[at]);
        let [weights, momenta] = [&state.weight, &state.weight_momentum].map(|of| layers::matrix(layer, of));
        Ok([numbers.kept(&weights, &momenta)?, numbers.kept(&row(&state.bias), &row(&state.bias_momentum))?])
    }

    /// The outputs behind the last layer, and if `whole` behind its activation.
    fn forward(
        &self,
        x: &ArrayRef2<f64>,
        whole: bool,
        trace: &mut Trace,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        TwinError::unless_equal("features", x.ncols(), self.network.layers[0].inputs())?;
        let mut values = self.numbers[0].features(x)?;
        for (l, (layer, state)) in self.network.layers.iter().zip(&self.model.layers).enumerate() {
            let (numbers, pass) = (&self.numbers[l], pass.to(l, self.preactivation(l)));
            // The activation is computed with the numbers of the layer behind it.
            let next = self.numbers.get(l + 1).unwrap_or(numbers);
            let exact = self.exact.get(l).filter(|_| trace.step);
            let kept = exact.map_or_else(|| self.kept(l, state), |exact| Ok(exact.clone()))?;
            let [weights, bias] = [0, 1].map(|i: usize| numbers.in_products(&kept[i][0]));
            let input = layers::patches(layer, values, |sums, count| numbers.mean(sums, count, pass));
            let input = pass.fits(input?)?;
            let products = numbers.product(&input, &weights, pass)?;
            let sums = layers::joined(layer, pass.fits(products.plus(&bias))?);
            let computed = numbers.computed(sums, pass)?;
            pass.record(|| computed.clone());
            let z = next.refresh(computed, pass)?;
            let activation = layer.activation.as_ref().filter(|_| whole || l + 1 < self.network.depth());
            let activated = activation.map(|activation| next.activate(activation, &z, pass)).transpose()?;
            let (value, derivative) = activated.map_or_else(|| (z.clone(), None), |[a, d]| (a, Some(d)));
            trace.kept.push(kept);
            trace.weights.push(weights);
            trace.inputs.push(input);
            trace.preactivations.push(z);
            trace.derivatives.push(derivative);
            if !trace.step {
                trace.values.push(value.clone());
            }
            values = value;
        }
        Ok(values)
    }

    /// The gradients of a mini-batch.
    fn trace(&self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>, pass: &mut Pass<'_>) -> Result<Trace> {
        let (network, mut trace) = (&self.network, Trace { step: true, ..Trace::default() });
        TwinError::unless_equal("targets of a sample", targets.ncols(), self.last().outputs())?;
        TwinError::unless_equal("samples with targets", targets.nrows(), x.nrows())?;
        let outputs = self.forward(x, true, &mut trace, pass)?;
        let mut error = self.error(outputs, targets, &trace, pass)?;
        for (l, layer) in network.layers.iter().enumerate().rev() {
            let numbers = &self.numbers[l];
            trace.errors.push(error.clone());
            let by_position = layers::split(layer, error);
            let pass = pass.to(l, RefreshTensor::Weight);
            let gradient = numbers.product(&trace.inputs[l].t(), &by_position, pass)?;
            trace.gradients.push([gradient, pass.fits(by_position.sum_rows())?]);
            let Some(before) = l.checked_sub(1) else { break };
            let pass = pass.to(before, RefreshTensor::Error);
            let back = numbers.product(&by_position, &trace.weights[l].t(), pass)?;
            let back = layers::by_inputs(layer, back, |sums, count| numbers.mean(sums, count, pass))?;
            let back = pass.fits(back)?;
            let computed = self.derived(before, back, &trace, pass)?;
            pass.record(|| computed.clone());
            error = self.numbers[before].refresh(computed, pass)?;
        }
        trace.errors.reverse();
        trace.gradients.reverse();
        Ok(trace)
    }

    /// The error at the last pre-activations.
    fn error(
        &self,
        outputs: Tensor,
        targets: &ArrayRef2<f64>,
        trace: &Trace,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        let last = self.network.depth() - 1;
        let pass = pass.to(last, RefreshTensor::Error);
        if let Some(activation) = &self.network.layers[last].activation {
            let z = &trace.preactivations[last];
            if let Some(error) = self.numbers[last].loss(activation, z, targets, pass)? {
                return Ok(error);
            }
        }
        let targets = self.numbers[last].targets(targets);
        let error = pass.fits(outputs.minus(&targets))?;
        if self.network.loss == Loss::Quadratic { self.derived(last, error, trace, pass) } else { Ok(error) }
    }

    /// The error at the pre-activations of a layer, from the gradient with respect to the outputs of its activation.
    fn derived(&self, l: usize, gradient: Tensor, trace: &Trace, pass: &mut Pass<'_>) -> Result<Tensor> {
        match (&self.network.layers[l].activation, &trace.derivatives[l]) {
            (Some(activation), Some(derivative)) => {
                let numbers = self.numbers.get(l + 1).unwrap_or(&self.numbers[l]);
                numbers.derive(activation, &gradient, derivative, pass)
            }
            _ => Ok(gradient),
        }
    }

    /// The model after a mini-batch, and the numbers that it stands for where it has not all of their bits.
    fn updated(&self, trace: &Trace, pass: &mut Pass<'_>) -> Result<(Model, Vec<Kept>)> {
        let (mut model, mut exact) = (Model { layers: vec![] }, Vec::new());
        for (l, layer) in self.network.layers.iter().enumerate() {
            let numbers = &self.numbers[l];
            let mut moved = |i: usize| -> Result<[Tensor; 2]> {
                let pass = pass.to(l, RefreshTensor::Weight);
                let [w, v] = numbers.update(&trace.kept[l][i], &trace.gradients[l][i], pass)?;
                // Biases are one row in any case.
                let in_order = |tensor: &Tensor| {
                    if i == 0 { layers::row_in_order(layer, tensor) } else { tensor.clone() }
                };
                pass.record(|| in_order(&w));
                let w = numbers.refresh(w, pass)?;
                let pass = pass.to(l, RefreshTensor::Momentum);
                pass.record(|| in_order(&v));
                Ok([w, numbers.refresh(v, pass)?])
            };
            let kept = [moved(0)?, moved(1)?];
            let [[w, v], [b, c]] = kept.each_ref().map(|both| both.each_ref().map(|tensor| tensor.real()));
            model.layers.push(LayerState {
                shape: layer.shape(),
                weight: layers::in_order(layer, &w),
                bias: b.iter().copied().collect(),
                weight_momentum: layers::in_order(layer, &v),
                bias_momentum: c.iter().copied().collect(),
            });
            if matches!(kept[0][0], Tensor::Wide(..)) {
                exact.push(kept);
            }
        }
        Ok((model, if exact.len() == self.network.depth() { exact } else { vec![] }))
    }

    /// The trace of a mini-batch, for comparison.
    #[cfg(test)]
    pub(super) fn traced(&self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Trace> {
        self.trace(x, targets, &mut Pass::new(&self.network, Ranges::default(), Phases::default()))
    }
}

/// The ranges after a walk; refuses recorded phases that no lookup used.
fn finished(pass: Pass<'_>) -> Result<Ranges> {
    let left = if let Phases::Recorded(left) = &pass.phases { left.len() } else { 0 };
    TwinError::unless_equal("recorded phases that no lookup used", left, 0)?;
    TwinError::unless_equal("recorded tensors that no refresh rounded", pass.rounded.len(), 0)?;
    Ok(pass.ranges)
}
