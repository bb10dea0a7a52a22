//! The same training in floating point, the measure of what integers and tables cost.

use ndarray::{Array1, Array2, ArrayRef2, Axis};

use crate::activation::sigmoid;
use crate::recipe::{MixedRecipe, WordModel};

/// A network in floating-point training: the same data, batches, first weights and update, without rounding.
#[derive(Debug, Clone)]
pub struct MixedClear {
    layers: Vec<Layer>,
    learning_rate: f64,
    unit: f64,
}

/// A layer, or its gradients summed over a mini-batch.
#[derive(Debug, Clone)]
struct Layer {
    /// inputs x outputs.
    weight: Array2<f64>,
    bias: Array1<f64>,
}

impl MixedClear {
    /// A network that starts from the integers of a model.
    #[must_use]
    pub fn new(recipe: &MixedRecipe, model: &WordModel) -> Self {
        let unit = f64::from(recipe.weight_bits()).exp2();
        let real = |w: i64| w as f64 / unit;
        let layers = (model.layers.iter())
            .map(|layer| Layer { weight: layer.weight.mapv(real), bias: layer.bias.mapv(real) });
        Self {
            layers: layers.collect(),
            learning_rate: recipe.optimizer.learning_rate.to_f64(),
            unit: f64::from(recipe.quantization.activation_bits).exp2(),
        }
    }

    /// The inputs of every layer, then the weighted sums of the outputs.
    fn forward(&self, x: &ArrayRef2<i32>) -> Vec<Array2<f64>> {
        let mut values = vec![x.mapv(|x| f64::from(x) / self.unit)];
        for (l, layer) in self.layers.iter().enumerate() {
            let sums = values[l].dot(&layer.weight) + &layer.bias;
            values.push(if l + 1 < self.layers.len() { sums.mapv(|z| z.max(0.0)) } else { sums });
        }
        values
    }

    /// The gradients of the loss whose error at the outputs is output minus label.
    fn gradients(&self, x: &ArrayRef2<i32>, labels: &[usize]) -> Vec<Layer> {
        let mut values = self.forward(x);
        let mut error = values.pop().map_or_else(|| Array2::zeros((0, 0)), |sums| sums.mapv(sigmoid));
        for (row, &label) in labels.iter().enumerate() {
            error[(row, label)] -= 1.0;
        }
        let mut gradients = Vec::new();
        for (l, layer) in self.layers.iter().enumerate().rev() {
            gradients.push(Layer { weight: values[l].t().dot(&error), bias: error.sum_axis(Axis(0)) });
            let passes = values[l].mapv(|a| f64::from(u8::from(a > 0.0)));
            error = error.dot(&layer.weight.t()) * passes;
        }
        gradients.reverse();
        gradients
    }

    /// Trains on one mini-batch.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs, or a label is none.
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
        self.forward(x).last().map_or_else(Vec::new, classes)
    }
}

/// The place of the largest value of each row, the first of equals.
pub fn classes<T: PartialOrd + Copy>(sums: &Array2<T>) -> Vec<usize> {
    let largest = |row: ndarray::ArrayView1<'_, T>| {
        (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
    };
    sums.rows().into_iter().map(largest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::AnyRecipe;

    /// The loss whose error at the outputs is output minus label: cross-entropy.
    fn loss(net: &MixedClear, x: &ArrayRef2<i32>, labels: &[usize]) -> f64 {
        let outputs = net.forward(x).last().unwrap().mapv(sigmoid);
        let part = |((row, output), &p): ((usize, usize), &f64)| {
            if labels[row] == output { -p.ln() } else { -(1.0 - p).ln() }
        };
        outputs.indexed_iter().map(part).sum()
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let AnyRecipe::Mixed(recipe) = AnyRecipe::load("glyph2020", &[]).unwrap() else { panic!("kind") };
        let x = Array2::from_shape_fn((5, 4), |(row, column)| (row * 5 + column * 7) as i32 % 16);
        let labels = [0, 2, 1, 1, 0];
        let model = WordModel::normal(1, &[4, 5, 3], 1.0, recipe.weight_bits(), 1 << 25);
        let net = MixedClear::new(&recipe, &model);
        for (l, gradient) in net.gradients(&x, &labels).iter().enumerate() {
            let slope = |change: &dyn Fn(&mut Layer, f64)| {
                let shifted = |h: f64| {
                    let mut net = net.clone();
                    change(&mut net.layers[l], h);
                    loss(&net, &x, &labels)
                };
                (shifted(1e-6) - shifted(-1e-6)) / 2e-6
            };
            for place in [(0, 0), (1, 2), (3, 1)] {
                let found = slope(&|layer, h| layer.weight[place] += h);
                assert!((found - gradient.weight[place]).abs() < 1e-6, "{l} {place:?}");
            }
            let found = slope(&|layer, h| layer.bias[2] += h);
            assert!((found - gradient.bias[2]).abs() < 1e-6, "{l} bias");
        }
    }
}
