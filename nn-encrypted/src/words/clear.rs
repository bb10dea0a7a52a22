//! The same training in floating point, the measure of what words and tables cost.

use ndarray::{Array1, Array2, ArrayRef2, Axis};

use super::twin::classes;
use crate::activation::sigmoid;
use crate::data::Samples;
use crate::metrics;
use crate::recipe::{Coding, WordModel, WordRecipe};

/// A network in floating-point training: the same data, batches, first weights and update, without rounding.
#[derive(Debug, Clone)]
pub struct WordClear {
    layers: Vec<Layer>,
    coding: Coding,
    learning_rate: f64,
    unit: f64,
}

/// A layer, or its gradients summed over a mini-batch.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    /// inputs x outputs.
    weight: Array2<f64>,
    bias: Array1<f64>,
}

impl WordClear {
    /// A network that starts from the words of a model.
    #[must_use]
    pub fn new(recipe: &WordRecipe, model: &WordModel) -> Self {
        let unit = 2_f64.powi(recipe.fraction_bits() as i32);
        let real = |word: i64| word as f64 / unit;
        let layers = (model.layers.iter())
            .map(|layer| Layer { weight: layer.weight.mapv(real), bias: layer.bias.mapv(real) });
        let learning_rate = recipe.optimizer.learning_rate.to_f64();
        Self { layers: layers.collect(), coding: recipe.outputs, learning_rate, unit }
    }

    /// The inputs of every layer, then the outputs.
    fn forward(&self, x: &ArrayRef2<i32>) -> Vec<Array2<f64>> {
        let mut values = vec![x.mapv(|x| f64::from(x) / self.unit)];
        for (l, layer) in self.layers.iter().enumerate() {
            values.push((values[l].dot(&layer.weight) + &layer.bias).mapv(sigmoid));
        }
        values
    }

    fn targets(&self, labels: &[usize], outputs: usize) -> Array2<f64> {
        Array2::from_shape_fn((labels.len(), outputs), |(row, output)| {
            let hit = match self.coding {
                Coding::OneHot => labels[row] == output,
                Coding::Single => labels[row] == 1,
            };
            f64::from(u8::from(hit))
        })
    }

    /// The gradients of half the sum of squared differences to the targets.
    fn gradients(&self, x: &ArrayRef2<i32>, labels: &[usize]) -> Vec<Layer> {
        let values = self.forward(x);
        let outputs = &values[self.layers.len()];
        let mut back = outputs - &self.targets(labels, outputs.ncols());
        let mut gradients = Vec::new();
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let error = back * values[l + 1].mapv(|a| a * (1.0 - a));
            back = error.dot(&layer.weight.t());
            gradients.push(Layer { weight: values[l].t().dot(&error), bias: error.sum_axis(Axis(0)) });
        }
        gradients.reverse();
        gradients
    }

    /// Trains on one mini-batch.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    pub fn step(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) {
        let gradients = self.gradients(x, labels);
        for (layer, gradient) in self.layers.iter_mut().zip(&gradients) {
            layer.weight.scaled_add(-self.learning_rate, &gradient.weight);
            layer.bias.scaled_add(-self.learning_rate, &gradient.bias);
        }
    }

    /// The class of each sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn predict(&self, x: &ArrayRef2<i32>) -> Vec<usize> {
        self.forward(x).last().map_or_else(Vec::new, |outputs| classes(outputs, self.coding, 0.5))
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
    use crate::recipe::AnyRecipe;

    fn loss(net: &WordClear, x: &ArrayRef2<i32>, labels: &[usize]) -> f64 {
        let values = net.forward(x);
        let outputs = &values[net.layers.len()];
        (outputs - &net.targets(labels, outputs.ncols())).mapv(|d| d * d / 2.0).sum()
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let AnyRecipe::Words(recipe) = AnyRecipe::load("tbmpnet2021", &[]).unwrap() else { panic!("kind") };
        let x =
            Array2::from_shape_fn((5, 4), |(row, column)| (row * 531 + column * 977) as i32 % 2048 - 1024);
        let labels = [0, 2, 1, 1, 0];
        let net = WordClear::new(&recipe, &WordModel::initial(&recipe, &[4, 5, 6, 3]));
        for (l, gradient) in net.gradients(&x, &labels).iter().enumerate() {
            let slope = |change: &dyn Fn(&mut Layer, f64)| {
                let shifted = |h: f64| {
                    let mut net = net.clone();
                    change(&mut net.layers[l], h);
                    loss(&net, &x, &labels)
                };
                (shifted(1e-5) - shifted(-1e-5)) / 2e-5
            };
            for place in [(0, 0), (1, 2), (3, 1)] {
                let found = slope(&|layer, h| layer.weight[place] += h);
                assert!((found - gradient.weight[place]).abs() < 1e-8, "{l} {place:?}");
            }
            let found = slope(&|layer, h| layer.bias[2] += h);
            assert!((found - gradient.bias[2]).abs() < 1e-8, "{l} bias");
        }
    }
}
