//! The twin: the same training on plain integer matrices, sample by sample, as the [formulas](super) have it.
//!
//! It shares no code with the network that runs on ciphertexts, and an encrypted run is compared with it.
//!
//! - Forward: `z_i = Σ_j mul(w_ij, a_j) + b_i`, `a' = σ(z)`.
//! - Errors: `δ_i = mul(a_i - t_i, σ'(z_i))` at the outputs, `δ_i = mul(Σ_k mul(w_ki, δ_k), σ'(z_i))` before.
//! - Update after a mini-batch: `w_ij ← w_ij - ⌊Σ mul(δ_i, a_j) / 2^k⌋` and `b_i ← b_i - ⌊Σ δ_i / 2^k⌋`, the sums over its
//!   samples.

mod exponential;
mod fixed;

use std::cell::Cell;

use ndarray::{Array1, Array2, ArrayRef2};

use self::fixed::Fixed;
use crate::data::Samples;
use crate::metrics;
use crate::recipe::{Coding, WordLayer, WordModel, WordRecipe};

/// A network in training on integers.
#[derive(Debug, Clone)]
pub struct WordTwin {
    fixed: Fixed,
    coding: Coding,
    shift: u32,
    model: WordModel,
    wraps: Cell<u64>,
}

/// What a sample leaves behind on its way forward.
struct Passed {
    /// Inputs of each layer, then the outputs.
    values: Vec<Array1<i64>>,
    /// Derivatives at the weighted sums of each layer.
    slopes: Vec<Array1<i64>>,
}

impl WordTwin {
    /// A network that goes on from given weights.
    #[must_use]
    pub fn new(recipe: &WordRecipe, model: WordModel) -> Self {
        let fixed =
            Fixed { bits: recipe.word_bits, fraction: recipe.fraction_bits(), kind: recipe.activation };
        let shift = recipe.optimizer.shift().unwrap_or(0);
        Self { fixed, coding: recipe.outputs, shift, model, wraps: Cell::new(0) }
    }

    /// Weights and biases.
    #[must_use]
    pub fn model(&self) -> &WordModel {
        &self.model
    }

    /// How many results did not fit a word and wrapped, since the start.
    #[must_use]
    pub fn wraps(&self) -> u64 {
        self.wraps.get()
    }

    /// The word of an integer, counted if it is another.
    fn word(&self, value: i128) -> i64 {
        let word = self.fixed.wrapped(value);
        self.wraps.set(self.wraps.get() + u64::from(i128::from(word) != value));
        word
    }

    fn mul(&self, a: i64, b: i64) -> i64 {
        self.word(self.fixed.product(a, b))
    }

    fn forward(&self, x: impl Iterator<Item = i64>) -> Passed {
        let mut passed = Passed { values: vec![x.collect()], slopes: vec![] };
        for layer in &self.model.layers {
            let mut values = Array1::zeros(layer.bias.len());
            let mut slopes = values.clone();
            for i in 0..layer.bias.len() {
                let mut sum = i128::from(layer.bias[i]);
                for (j, &a) in passed.values[passed.values.len() - 1].iter().enumerate() {
                    sum += i128::from(self.mul(layer.weight[(j, i)], a));
                }
                (values[i], slopes[i]) = self.fixed.sigmoid(self.word(sum));
            }
            passed.values.push(values);
            passed.slopes.push(slopes);
        }
        passed
    }

    fn target(&self, label: usize, output: usize) -> i64 {
        let hit = match self.coding {
            Coding::OneHot => label == output,
            Coding::Single => label == 1,
        };
        if hit { 1 << self.fixed.fraction } else { 0 }
    }

    /// The errors of each layer for a sample.
    fn errors(&self, passed: &Passed, label: usize) -> Vec<Array1<i64>> {
        let last = self.model.layers.len() - 1;
        let mut errors = vec![Array1::zeros(0); last + 1];
        errors[last] = Array1::from_shape_fn(self.model.layers[last].bias.len(), |i| {
            let miss = passed.values[last + 1][i] - self.target(label, i);
            self.mul(self.word(i128::from(miss)), passed.slopes[last][i])
        });
        for l in (0..last).rev() {
            let after = &self.model.layers[l + 1];
            errors[l] = Array1::from_shape_fn(after.weight.nrows(), |i| {
                let mut sum = 0;
                for (k, &error) in errors[l + 1].iter().enumerate() {
                    sum += i128::from(self.mul(after.weight[(i, k)], error));
                }
                self.mul(self.word(sum), passed.slopes[l][i])
            });
        }
        errors
    }

    /// Trains on one mini-batch; one row of `x` a sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    pub fn step(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) {
        let zeros = |layer: &WordLayer| (Array2::zeros(layer.weight.dim()), Array1::zeros(layer.bias.len()));
        let mut sums: Vec<(Array2<i128>, Array1<i128>)> = self.model.layers.iter().map(zeros).collect();
        for (row, &label) in x.rows().into_iter().zip(labels) {
            let passed = self.forward(row.iter().copied().map(i64::from));
            for (l, errors) in self.errors(&passed, label).iter().enumerate() {
                for (i, &error) in errors.iter().enumerate() {
                    for (j, &a) in passed.values[l].iter().enumerate() {
                        sums[l].0[(j, i)] += i128::from(self.mul(error, a));
                    }
                    sums[l].1[i] += i128::from(error);
                }
            }
        }
        let moved = |w: i64, gradient: i128| {
            let change = self.word(gradient).div_euclid(1 << self.shift);
            self.word(i128::from(w) - i128::from(change))
        };
        let mut model = self.model.clone();
        for (layer, (weight, bias)) in model.layers.iter_mut().zip(&sums) {
            layer.weight.zip_mut_with(weight, |w, g| *w = moved(*w, *g));
            layer.bias.zip_mut_with(bias, |b, g| *b = moved(*b, *g));
        }
        self.model = model;
    }

    /// The outputs for samples, one row a sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn outputs(&self, x: &ArrayRef2<i32>) -> Array2<i64> {
        let before = self.wraps.get();
        let outputs = self.model.layers.last().map_or(0, |layer| layer.bias.len());
        let mut all = Array2::zeros((x.nrows(), outputs));
        for (row, mut to) in x.rows().into_iter().zip(all.rows_mut()) {
            if let Some(values) = self.forward(row.iter().copied().map(i64::from)).values.last() {
                to.assign(values);
            }
        }
        self.wraps.set(before);
        all
    }

    /// The class of each sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn predict(&self, x: &ArrayRef2<i32>) -> Vec<usize> {
        classes(&self.outputs(x), self.coding, 1_i64 << self.fixed.fraction >> 1)
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

/// The class that each row of outputs tells: the largest, the first of equals; of a single one, whether it is above `half`.
pub(crate) fn classes<T: PartialOrd + Copy>(outputs: &ArrayRef2<T>, coding: Coding, half: T) -> Vec<usize> {
    let class = |row: ndarray::ArrayView1<'_, T>| match coding {
        Coding::OneHot => metrics::argmax(row.iter().copied()),
        Coding::Single => usize::from(row.iter().any(|&output| output > half)),
    };
    outputs.rows().into_iter().map(class).collect()
}

/// The sigmoid and its derivative, for comparison.
#[cfg(test)]
pub(super) fn sigmoid(recipe: &WordRecipe, word: i64) -> (i64, i64) {
    WordTwin::new(recipe, WordModel { layers: vec![] }).fixed.sigmoid(word)
}

#[cfg(test)]
mod tests;
