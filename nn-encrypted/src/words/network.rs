//! The network over any arithmetic: forward pass, errors, gradients and update, each in few and large calls.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::Array2;

use super::{Arithmetic, Batch, WordError};
use crate::recipe::{WordLayer, WordModel};

/// A multilayer perceptron with a sigmoid after every layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network<W> {
    /// Its layers, input first.
    pub layers: Vec<Layer<W>>,
}

/// The weights of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer<W> {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// `w_ij`, the weights of an output `i` behind those of the one before.
    pub weight: Vec<W>,
    /// `b_i`.
    pub bias: Vec<W>,
}

/// What the forward pass of a mini-batch leaves for the backward pass; all sample after sample.
struct Forward<W> {
    /// The inputs of each layer.
    inputs: Vec<Vec<W>>,
    /// The derivatives at the weighted sums of each layer.
    slopes: Vec<Vec<W>>,
    /// The outputs of the last layer.
    outputs: Vec<W>,
}

/// Gradients of a layer, summed over the samples.
struct Gradient<W> {
    weight: Vec<W>,
    bias: Vec<W>,
}

/// What the backward pass of a layer gives.
struct Backward<W> {
    gradient: Gradient<W>,
    /// Errors of the layer before; none before the first.
    errors_before: Vec<W>,
}

impl<W> Layer<W> {
    /// The weights of one output.
    fn row(&self, output: usize) -> &[W] {
        &self.weight[output * self.inputs..][..self.inputs]
    }

    /// Weights, then biases.
    pub fn words(&self) -> impl Iterator<Item = &W> {
        self.weight.iter().chain(&self.bias)
    }
}

/// An arithmetic that can be stopped between two calls.
struct Engine<'a, A> {
    words: &'a A,
    stop: &'a AtomicBool,
}

impl<'a, A: Arithmetic> Engine<'a, A> {
    /// The arithmetic, unless it is to stop.
    fn go(&self) -> Result<&'a A, WordError> {
        if self.stop.load(Ordering::SeqCst) { Err(WordError::Stopped) } else { Ok(self.words) }
    }

    /// The weighted sums of a layer.
    fn weighted(&self, layer: &Layer<A::Word>, inputs: &[A::Word]) -> Result<Vec<A::Word>, WordError> {
        let mut pairs = Vec::with_capacity(inputs.len() * layer.outputs);
        for sample in inputs.chunks_exact(layer.inputs) {
            for output in 0..layer.outputs {
                pairs.extend(layer.row(output).iter().zip(sample));
            }
        }
        if layer.inputs == 1 {
            // One product a sum: it takes the bias in.
            let bias: Vec<&A::Word> = layer.bias.iter().cycle().take(pairs.len()).collect();
            return self.go()?.mul_add(&pairs, &bias);
        }
        let products = self.go()?.mul(&pairs)?;
        let terms = products.chunks_exact(layer.inputs).zip(layer.bias.iter().cycle());
        let groups: Vec<Vec<&A::Word>> =
            terms.map(|(terms, bias)| terms.iter().chain([bias]).collect()).collect();
        self.go()?.sum(&groups)
    }

    fn forward(&self, network: &Network<A::Word>, x: &[A::Word]) -> Result<Forward<A::Word>, WordError> {
        let mut forward = Forward { inputs: vec![], slopes: vec![], outputs: x.to_vec() };
        for layer in &network.layers {
            let sums = self.weighted(layer, &forward.outputs)?;
            let (values, slopes) = self.go()?.sigmoid_and_derivative(&refs(&sums))?;
            forward.inputs.push(std::mem::replace(&mut forward.outputs, values));
            forward.slopes.push(slopes);
        }
        Ok(forward)
    }

    /// The errors at the outputs: `(a - t)·σ'`.
    fn output_errors(
        &self,
        forward: &Forward<A::Word>,
        batch: &Batch<A::Word>,
    ) -> Result<Vec<A::Word>, WordError> {
        let misses = self.go()?.sub(&pairs(&forward.outputs, &batch.targets))?;
        let slopes = forward.slopes.last().map_or(&[][..], Vec::as_slice);
        self.go()?.mul(&pairs(&misses, slopes))
    }

    /// The gradients of a layer, and the errors of the one before, from the errors of this one.
    ///
    /// Products of errors with inputs and with weights are one call, their sums over samples and over outputs another.
    fn backward(
        &self,
        layer: &Layer<A::Word>,
        inputs: &[A::Word],
        errors: &[A::Word],
        slopes_before: Option<&[A::Word]>,
    ) -> Result<Backward<A::Word>, WordError> {
        let samples = errors.len() / layer.outputs;
        let mut factors = Vec::new();
        for (error, input) in errors.chunks_exact(layer.outputs).zip(inputs.chunks_exact(layer.inputs)) {
            factors.extend(error.iter().flat_map(|error| input.iter().map(move |input| (error, input))));
        }
        let weights = layer.outputs * layer.inputs;
        if slopes_before.is_some() {
            for error in errors.chunks_exact(layer.outputs) {
                let column =
                    |j: usize| error.iter().enumerate().map(move |(i, error)| (&layer.row(i)[j], error));
                factors.extend((0..layer.inputs).flat_map(column));
            }
        }
        let products = self.go()?.mul(&factors)?;
        let (gradients, back) = products.split_at(samples * weights);
        let mut groups = columns(gradients, weights);
        groups.extend(columns(errors, layer.outputs));
        groups.extend(back.chunks_exact(layer.outputs).map(|group| group.iter().collect()));
        let mut sums = self.go()?.sum(&groups)?;
        let carried = sums.split_off(weights + layer.outputs);
        let bias = sums.split_off(weights);
        let errors = match slopes_before {
            Some(slopes) => self.go()?.mul(&pairs(&carried, slopes))?,
            None => vec![],
        };
        Ok(Backward { gradient: Gradient { weight: sums, bias }, errors_before: errors })
    }

    /// The gradients of all layers, input first.
    fn gradients(
        &self,
        network: &Network<A::Word>,
        batch: &Batch<A::Word>,
    ) -> Result<Vec<Gradient<A::Word>>, WordError> {
        let forward = self.forward(network, &batch.x)?;
        let mut errors = self.output_errors(&forward, batch)?;
        let mut gradients = Vec::new();
        for (l, layer) in network.layers.iter().enumerate().rev() {
            let before = l.checked_sub(1).map(|before| forward.slopes[before].as_slice());
            let Backward { gradient, errors_before } =
                self.backward(layer, &forward.inputs[l], &errors, before)?;
            gradients.push(gradient);
            errors = errors_before;
        }
        gradients.reverse();
        Ok(gradients)
    }
}

impl<W: Clone> Network<W> {
    /// The network after a step: `w - ⌊G / 2^shift⌋` with the gradient summed over the mini-batch, all layers at once.
    ///
    /// # Errors
    /// If the scheme refuses, or `stop` was set; `self` is what it was.
    pub fn step<A: Arithmetic<Word = W>>(
        &self,
        words: &A,
        batch: &Batch<W>,
        shift: u32,
        stop: &AtomicBool,
    ) -> Result<Self, WordError> {
        let engine = Engine { words, stop };
        let gradients = engine.gradients(self, batch)?;
        let all = gradients.iter().flat_map(|gradient| gradient.weight.iter().chain(&gradient.bias));
        let changes = engine.go()?.shift_right(&all.collect::<Vec<_>>(), shift)?;
        let old: Vec<&W> = self.layers.iter().flat_map(Layer::words).collect();
        let new = engine.go()?.sub(&old.into_iter().zip(&changes).collect::<Vec<_>>())?;
        Ok(self.with_words(&mut new.into_iter()))
    }

    /// The outputs for samples.
    ///
    /// # Errors
    /// If the scheme refuses, or `stop` was set.
    pub fn outputs<A: Arithmetic<Word = W>>(
        &self,
        words: &A,
        x: &[W],
        stop: &AtomicBool,
    ) -> Result<Vec<W>, WordError> {
        let engine = Engine { words, stop };
        let mut values = x.to_vec();
        for layer in &self.layers {
            let sums = engine.weighted(layer, &values)?;
            values = engine.go()?.sigmoid(&refs(&sums))?;
        }
        Ok(values)
    }
}

impl<W> Network<W> {
    /// A network of the same shape with other words, in the order of [`Layer::words`].
    pub fn with_words<V>(&self, words: &mut impl Iterator<Item = V>) -> Network<V> {
        let mut layer = |layer: &Layer<W>| Layer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weight: words.by_ref().take(layer.weight.len()).collect(),
            bias: words.by_ref().take(layer.bias.len()).collect(),
        };
        Network { layers: self.layers.iter().map(&mut layer).collect() }
    }
}

fn refs<W>(words: &[W]) -> Vec<&W> {
    words.iter().collect()
}

fn pairs<'w, W>(a: &'w [W], b: &'w [W]) -> Vec<(&'w W, &'w W)> {
    a.iter().zip(b).collect()
}

/// The words at the same place of every sample.
fn columns<W>(words: &[W], each: usize) -> Vec<Vec<&W>> {
    (0..each).map(|place| words.iter().skip(place).step_by(each).collect()).collect()
}

impl From<&WordModel> for Network<i64> {
    fn from(model: &WordModel) -> Self {
        let layer = |layer: &WordLayer| Layer {
            inputs: layer.weight.nrows(),
            outputs: layer.weight.ncols(),
            weight: layer.weight.t().iter().copied().collect(),
            bias: layer.bias.to_vec(),
        };
        Self { layers: model.layers.iter().map(layer).collect() }
    }
}

impl From<&Network<i64>> for WordModel {
    fn from(network: &Network<i64>) -> Self {
        let layer = |layer: &Layer<i64>| WordLayer {
            weight: Array2::from_shape_fn((layer.inputs, layer.outputs), |(j, i)| layer.row(i)[j]),
            bias: layer.bias.iter().copied().collect(),
        };
        Self { layers: network.layers.iter().map(layer).collect() }
    }
}
