//! Training in floating point, the measure of what quantization and polynomials cost.
//!
//! The same data, batches, initial weights and update rule as the [`twin`](crate::twin), without rounding or bounds,
//! and with any activation. Equal on machines with the same floating-point units; elsewhere up to rounding.

mod logistic;
mod sweep;

use ndarray::{Array1, Array2, ArrayRef2, Axis};

pub use self::logistic::Logistic;
pub use self::sweep::{Run, Sweep, SweepError, sweep};
use crate::activation::Function;
use crate::data::{Batches, Samples};
use crate::metrics;
use crate::recipe::{Model, Network, Recipe};

/// A network in floating-point training.
#[derive(Debug, Clone)]
pub struct Clear {
    layers: Vec<Layer>,
    learning_rate: f64,
    momentum: f64,
    batch_divisor: f64,
    input_unit: f64,
}

#[derive(Debug, Clone)]
struct Layer {
    weight: Array2<f64>,
    bias: Array1<f64>,
    weight_momentum: Array2<f64>,
    bias_momentum: Array1<f64>,
    activation: Option<Function>,
}

/// The gradients of a layer, summed over a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// inputs x outputs.
    pub weight: Array2<f64>,
    /// outputs.
    pub bias: Array1<f64>,
}

impl Clear {
    /// A network with the initial weights of a seed and the polynomials of the recipe.
    #[must_use]
    pub fn new(recipe: &Recipe, network: &Network, seed: u64) -> Self {
        let polynomials = network.layers.iter().map(|layer| {
            layer.activation.as_ref().map(|activation| Function::Polynomial(activation.polynomial.clone()))
        });
        Self::with_activations(recipe, network, seed, polynomials)
    }

    /// A network with one function in place of every activation.
    #[must_use]
    pub fn with_function(recipe: &Recipe, network: &Network, seed: u64, function: &Function) -> Self {
        let functions =
            network.layers.iter().map(|layer| layer.activation.as_ref().map(|_| function.clone()));
        Self::with_activations(recipe, network, seed, functions)
    }

    fn with_activations(
        recipe: &Recipe,
        network: &Network,
        seed: u64,
        activations: impl Iterator<Item = Option<Function>>,
    ) -> Self {
        let unit = 2_f64.powi(recipe.quantization.weight_bits as i32);
        let model = Model::initial(recipe, network, seed);
        let layers = model.layers.iter().zip(activations).map(|(state, activation)| Layer {
            weight: state.weight.mapv(|w| w as f64 / unit),
            bias: state.bias.mapv(|b| b as f64 / unit),
            weight_momentum: Array2::zeros(state.weight.dim()),
            bias_momentum: Array1::zeros(state.bias.dim()),
            activation,
        });
        Self {
            layers: layers.collect(),
            learning_rate: recipe.optimizer.learning_rate.to_f64(),
            momentum: recipe.optimizer.momentum.to_f64(),
            batch_divisor: 2_f64.powi(recipe.optimizer.batch_shift() as i32),
            input_unit: 2_f64.powi(recipe.quantization.input_bits as i32),
        }
    }

    /// The outputs for samples as [`Samples`] holds them, one row a sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn outputs(&self, x: &ArrayRef2<i32>) -> Array2<f64> {
        self.forward(x).1.pop().unwrap_or_default()
    }

    /// Inputs and pre-activations of every layer.
    fn forward(&self, x: &ArrayRef2<i32>) -> (Vec<Array2<f64>>, Vec<Array2<f64>>) {
        let (mut inputs, mut sums) = (Vec::new(), Vec::new());
        let mut input = x.mapv(|x| f64::from(x) / self.input_unit);
        for layer in &self.layers {
            let z = input.dot(&layer.weight) + &layer.bias;
            let next = layer.activation.as_ref().map(|function| z.mapv(|z| function.value(z)));
            inputs.push(std::mem::replace(&mut input, next.unwrap_or_default()));
            sums.push(z);
        }
        (inputs, sums)
    }

    /// The gradients of half the sum of squared differences to the one-hot labels, summed over the batch.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn gradients(&self, x: &ArrayRef2<i32>, labels: &[usize]) -> Vec<Gradient> {
        let (inputs, sums) = self.forward(x);
        let mut error = sums.last().cloned().unwrap_or_default();
        for (mut row, &label) in error.rows_mut().into_iter().zip(labels) {
            if let Some(output) = row.get_mut(label) {
                *output -= 1.0;
            }
        }
        let mut gradients = Vec::with_capacity(self.layers.len());
        for (l, input) in inputs.iter().enumerate().rev() {
            gradients.push(Gradient { weight: input.t().dot(&error), bias: error.sum_axis(Axis(0)) });
            let below = l.checked_sub(1).and_then(|l| Some((self.layers[l].activation.as_ref()?, &sums[l])));
            if let Some((function, z)) = below {
                error = error.dot(&self.layers[l].weight.t());
                error.zip_mut_with(z, |error, &z| *error *= function.derivative(z));
            }
        }
        gradients.reverse();
        gradients
    }

    /// Trains on one batch.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    pub fn step(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) {
        let gradients = self.gradients(x, labels);
        let (momentum, divisor, rate) = (self.momentum, self.batch_divisor, self.learning_rate);
        for (layer, gradient) in self.layers.iter_mut().zip(&gradients) {
            layer.weight_momentum.zip_mut_with(&gradient.weight, |v, g| *v = momentum * *v + g / divisor);
            layer.bias_momentum.zip_mut_with(&gradient.bias, |v, g| *v = momentum * *v + g / divisor);
            layer.weight.scaled_add(-rate, &layer.weight_momentum);
            layer.bias.scaled_add(-rate, &layer.bias_momentum);
        }
    }

    /// Trains on all batches of an epoch (counted from 0) in their order.
    ///
    /// # Panics
    /// If the samples have another number of features than the network has inputs.
    pub fn epoch(&mut self, samples: &Samples, batches: &Batches, epoch: usize) {
        for batch in batches.order(epoch) {
            let (x, labels) = samples.select(batches.rows(batch));
            self.step(&x, &labels);
        }
    }

    /// The class of each sample: the largest output, the first of equals.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn predict(&self, x: &ArrayRef2<i32>) -> Vec<usize> {
        let chunks = x.axis_chunks_iter(Axis(0), 1024);
        chunks
            .flat_map(|rows| self.outputs(&rows).rows().into_iter().map(metrics::argmax).collect::<Vec<_>>())
            .collect()
    }

    /// The part of samples that are classified right.
    ///
    /// # Panics
    /// If the samples have another number of features than the network has inputs.
    #[must_use]
    pub fn accuracy(&self, samples: &Samples) -> f64 {
        metrics::accuracy(&self.predict(&samples.x), &samples.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prepare;
    use crate::recipe::Recipe;

    fn loss(net: &Clear, x: &ArrayRef2<i32>, labels: &[usize]) -> f64 {
        let outputs = net.outputs(x);
        let target = |r: usize, c: usize| f64::from(u8::from(labels[r] == c));
        outputs.indexed_iter().map(|((r, c), z)| (z - target(r, c)).powi(2)).sum::<f64>() / 2.0
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let recipe = Recipe::builtin("hesamifard2017").unwrap();
        let data = prepare(&recipe, None).unwrap();
        let network = recipe.network(64, 10).unwrap();
        let (x, labels) = data.train.select(&[3, 5, 8, 13]);
        for function in [Function::Sigmoid, Function::Tanh] {
            let net = Clear::with_function(&recipe, &network, 1, &function);
            let gradients = net.gradients(&x, &labels);
            for (l, gradient) in gradients.iter().enumerate() {
                for place in [(0, 0), (9, 3), (15, 9)] {
                    let shifted = |h: f64| {
                        let mut net = net.clone();
                        net.layers[l].weight[place] += h;
                        loss(&net, &x, &labels)
                    };
                    let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                    assert!((slope - gradient.weight[place]).abs() < 1e-7, "{function:?} {l} {place:?}");
                }
                let shifted = |h: f64| {
                    let mut net = net.clone();
                    net.layers[l].bias[2] += h;
                    loss(&net, &x, &labels)
                };
                let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((slope - gradient.bias[2]).abs() < 1e-7, "bias {l}");
            }
        }
    }

    #[test]
    fn the_polynomial_network_learns_the_digits() {
        let recipe = Recipe::builtin("hesamifard2017").unwrap();
        let data = prepare(&recipe, None).unwrap();
        let network = recipe.network(64, 10).unwrap();
        let batches = Batches::new(data.train.labels.len(), recipe.optimizer.batch_size, 1);
        let train = || {
            let mut net = Clear::new(&recipe, &network, 1);
            (0..10).for_each(|epoch| net.epoch(&data.train, &batches, epoch));
            net.accuracy(&data.test)
        };
        let accuracy = train();
        assert!(accuracy > 0.93, "{accuracy}");
        assert_eq!(accuracy, train());
    }
}
