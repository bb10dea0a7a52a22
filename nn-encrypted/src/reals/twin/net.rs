//! The steps of training, with any functions.

use ndarray::{Array2, ArrayRef2};

use super::function::Function;
use super::stage::{Gradient, Stage};
use crate::activation::exp;
use crate::recipe::{RealLayer, RealRecipe, RecipeError, blocks};
use crate::recipe::{RealLayerState, RealModel};

/// A network in training.
#[derive(Debug, Clone)]
pub(in crate::reals) struct Net {
    stages: Vec<Stage>,
    head: Head,
    pub(in crate::reals) model: RealModel,
    learning_rate: f64,
    momentum: f64,
    batch_size: f64,
}

/// From the outputs of the last layer to what is compared with the targets.
#[derive(Debug, Clone)]
pub(in crate::reals) enum Head {
    /// The outputs themselves.
    Identity,
    /// A function of each.
    Function(Function),
    /// e^z over the sum of all e^z.
    Softmax,
}

/// What a step saw.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// The weighted sums of each layer with weights.
    pub(super) sums: Vec<Array2<f64>>,
    /// The errors of the same.
    pub(super) errors: Vec<Array2<f64>>,
    /// The gradients of its weights, summed over the samples.
    pub(super) gradients: Vec<Gradient>,
}

impl Net {
    pub(in crate::reals) fn new(
        recipe: &RealRecipe,
        features: usize,
        outputs: usize,
        model: RealModel,
        function: fn(&RealLayer) -> Function,
        head: Head,
    ) -> Result<Self, RecipeError> {
        let blocks = blocks(recipe, features, outputs)?;
        let wrong = |what: String| Err(RecipeError::field("layers", what));
        if model.layers.len() != blocks.len() {
            let (found, needed) = (model.layers.len(), blocks.len());
            return wrong(format!("a model of {found} layers is given; {needed} are needed"));
        }
        let mut stages = Vec::new();
        for (block, state) in blocks.iter().zip(&model.layers) {
            let (shape, biases) = (block.shape(), block.biases());
            if !fits(state, &shape, biases) {
                return wrong(format!(
                    "a model with weights {:?} is given; {shape:?} and {biases} biases are needed",
                    state.shape
                ));
            }
            if block.pool > 1 {
                stages.push(Stage::Pool(block.pool));
            }
            stages.push(match shape.len() {
                3 => Stage::Conv { input: block.pooled(), output: block.output },
                _ => Stage::Linear,
            });
            stages.extend(block.activation.map(|layer| Stage::Activation(function(layer))));
        }
        Ok(Self {
            stages,
            head,
            model,
            learning_rate: recipe.optimizer.learning_rate,
            momentum: recipe.optimizer.momentum,
            batch_size: recipe.optimizer.batch_size as f64,
        })
    }

    /// What goes into each stage, then the outputs.
    fn forward(&self, x: &ArrayRef2<f64>) -> Vec<Array2<f64>> {
        let mut states = self.model.layers.iter();
        let mut values = vec![x.to_owned()];
        for (index, stage) in self.stages.iter().enumerate() {
            let state = if stage.has_weights() { states.next() } else { None };
            values.push(stage.forward(state, &values[index]));
        }
        values
    }

    /// The weighted sums of the last layer, one row a sample.
    pub(in crate::reals) fn outputs(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.forward(x).pop().unwrap_or_default()
    }

    /// What a mini-batch says.
    pub(super) fn trace(&self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Trace {
        let values = self.forward(x);
        let mut error = self.head.value(&values[self.stages.len()]) - targets;
        let mut trace = Trace { sums: vec![], errors: vec![], gradients: vec![] };
        let mut states = self.model.layers.iter().rev();
        for (index, stage) in self.stages.iter().enumerate().rev() {
            let state = if stage.has_weights() { states.next() } else { None };
            if let Some(state) = state {
                trace.gradients.push(stage.gradient(state, &values[index], &error));
                trace.sums.push(values[index + 1].clone());
                trace.errors.push(error.clone());
            }
            if index > 0 {
                error = stage.backward(state, &values[index], error);
            }
        }
        trace.sums.reverse();
        trace.errors.reverse();
        trace.gradients.reverse();
        trace
    }

    /// Trains on one mini-batch.
    pub(in crate::reals) fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) {
        let trace = self.trace(x, targets);
        self.update(&trace.gradients);
    }

    /// Moves the weights.
    pub(super) fn update(&mut self, gradients: &[Gradient]) {
        let (rate, momentum, size) = (self.learning_rate, self.momentum, self.batch_size);
        let update = |weights: &mut [f64], momenta: &mut [f64], gradient: &[f64]| {
            for ((w, v), sum) in weights.iter_mut().zip(momenta).zip(gradient) {
                let step = rate * sum / size;
                *v = momentum * *v - step;
                *w += momentum * *v - step;
            }
        };
        for (layer, gradient) in self.model.layers.iter_mut().zip(gradients) {
            update(&mut layer.weight, &mut layer.weight_momentum, &gradient.weight);
            update(&mut layer.bias, &mut layer.bias_momentum, &gradient.bias);
        }
    }
}

fn fits(state: &RealLayerState, shape: &[usize], biases: usize) -> bool {
    let weights: usize = shape.iter().product();
    state.shape == shape
        && [state.weight.len(), state.weight_momentum.len()] == [weights; 2]
        && [state.bias.len(), state.bias_momentum.len()] == [biases; 2]
}

impl Head {
    fn value(&self, z: &Array2<f64>) -> Array2<f64> {
        match self {
            Self::Identity => z.clone(),
            Self::Function(function) => z.mapv(|z| function.value(z)),
            Self::Softmax => {
                let mut shares = z.clone();
                for mut row in shares.rows_mut() {
                    let largest = row.fold(f64::NEG_INFINITY, |a: f64, &z| a.max(z));
                    row.mapv_inplace(|z| exp(z - largest));
                    let sum = row.sum();
                    row.mapv_inplace(|share| share / sum);
                }
                shares
            }
        }
    }
}
