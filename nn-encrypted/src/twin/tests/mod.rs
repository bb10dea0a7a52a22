mod gradients;
mod hand;
mod mixed;
mod runs;

use ndarray::{Array2, ArrayRef2};

use super::*;
use crate::clear::Clear;
use crate::data::{Batches, Coding, Prepared, Samples};
use crate::frozen;
use crate::numbers::weight_grid;

/// Changes as the command line has them.
pub(super) fn strings(settings: &[&str]) -> Vec<String> {
    settings.iter().map(|setting| setting.replace('\n', " ")).collect()
}

pub(super) fn recipe(name: &str, settings: &[&str]) -> Recipe {
    Recipe::load(name, &strings(settings)).unwrap()
}

pub(super) fn initial(recipe: &Recipe, network: &Network) -> Model {
    Model::initial(network, recipe.init_gain(), recipe.seed, |l| weight_grid(recipe, &network.layers[l]))
}

/// Numbers of magnitudes up to 0.9 that are multiples of a tenth.
pub(super) fn wave(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(a, b)| ((a * 7 + b * 13) % 19) as f64 / 10.0 - 0.9)
}

/// Rounded down to multiples of `2^-bits`.
pub(super) fn multiples(x: &ArrayRef2<f64>, bits: i32) -> Array2<f64> {
    x.mapv(|x| (x * 2_f64.powi(bits)).floor() / 2_f64.powi(bits))
}

/// A recipe with its data, mini-batches and first model.
pub(super) struct Run {
    pub(super) recipe: Recipe,
    pub(super) network: Network,
    pub(super) data: Prepared,
    pub(super) batches: Batches,
    pub(super) outputs: usize,
    model: Model,
}

impl Run {
    pub(super) fn new(name: &str, settings: &[&str], bits: u32) -> Self {
        let recipe = recipe(name, settings);
        let data = frozen::prepare(&recipe.data, recipe.seed, bits, None).unwrap();
        let outputs = match (data.series, recipe.data.outputs) {
            (None, Coding::OneHot) => data.classes.len(),
            _ => 1,
        };
        let network = Network::new(&recipe, data.features.len(), data.sides, outputs).unwrap();
        let size = recipe.optimizer.batch_size;
        let batches = match data.series {
            Some(_) => Batches::new(data.train.count(), size, recipe.seed),
            None => Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed),
        };
        let model = initial(&recipe, &network);
        Self { recipe, network, data, batches, outputs, model }
    }

    pub(super) fn twin(&self, reader: Option<TableReader>) -> Twin {
        Twin::new(&self.recipe, &self.network, self.model.clone(), reader).unwrap()
    }

    pub(super) fn clear(&self) -> Clear {
        Clear::floating(&self.recipe, &self.network, self.model.clone(), None).unwrap()
    }

    pub(super) fn real(&self, x: &ArrayRef2<i32>) -> Array2<f64> {
        x.mapv(|x| f64::from(x) / f64::from(self.data.fraction_bits).exp2())
    }

    /// Features of each step, its targets and those that are not smoothed; measured ones of a series.
    pub(super) fn steps(&self) -> impl Iterator<Item = [Array2<f64>; 3]> {
        self.batches.schedule(0).map(|batch| {
            let rows = self.batches.rows(batch);
            let (x, labels) = self.data.train.select(rows);
            let [soft, hard] = match &self.data.series {
                Some(series) => {
                    let target = |(row, _)| series.target(self.data.train.values[rows[row]]);
                    [0; 2].map(|_| Array2::from_shape_fn((rows.len(), self.outputs), target))
                }
                None => [targets, hard_targets].map(|of| of(&self.recipe, &labels, self.outputs).unwrap()),
            };
            [self.real(&x), soft, hard]
        })
    }

    pub(super) fn test(&self) -> &Samples {
        &self.data.test
    }
}
