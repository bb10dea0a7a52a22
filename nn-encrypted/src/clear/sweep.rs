//! The best that floating point and an exact activation reach over a grid of settings.

use rayon::prelude::*;
use serde::Serialize;

use super::Clear;
use crate::activation::{Dyadic, Function};
use crate::data::{Batches, DataError, Prepared, Samples};
use crate::frozen;
use crate::metrics;
use crate::model::Model;
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::recipe::{Recipe, RecipeError, Scalar};
use crate::twin::{TwinError, classes, hard_targets};

/// One setting of a sweep, averaged over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Run {
    pub learning_rate: f64,
    /// The deviation of the initial weights times the root of the inputs.
    pub init_gain: f64,
    /// The mean test accuracy after the last epoch; that of a training whose numbers leave floating point is 0.
    pub accuracy: f64,
    /// The lowest test accuracy of a seed after the last epoch.
    pub worst: f64,
}

/// All settings of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sweep {
    /// The runs in the order of the grid.
    pub runs: Vec<Run>,
}

/// Why a sweep cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The recipe does not fit the data.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A training cannot begin or go on.
    #[error(transparent)]
    Training(#[from] TwinError),
}

impl Sweep {
    /// The run with the best mean accuracy; `None` of an empty grid.
    pub(crate) fn best(&self) -> Option<&Run> {
        self.runs.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))
    }
}

/// Trains the network of a recipe in floating point with an exact `function` for every activation, for each learning
/// rate and initial gain, once a seed; a seed decides the split of the data, the batches and the initial weights.
///
/// # Errors
/// If the recipe does not fit the data.
pub(crate) fn sweep(
    recipe: &Recipe,
    function: &Function,
    learning_rates: &[Dyadic],
    init_gains: &[f64],
    seeds: &[u64],
    data_dir: Option<&std::path::Path>,
) -> Result<Sweep, SweepError> {
    let grid: Vec<(Dyadic, f64)> =
        learning_rates.iter().flat_map(|&rate| init_gains.iter().map(move |&gain| (rate, gain))).collect();
    let mut accuracies = vec![Vec::new(); grid.len()];
    for &seed in seeds {
        let recipe = Recipe { seed, ..recipe.clone() };
        let data =
            frozen::prepare(&recipe.data, seed, recipe.numbers.input_bits, data_dir)?.with_classes()?;
        let network = Network::new(&recipe, data.features.len(), data.sides, data.classes.len())?;
        let train = |&(rate, gain): &(Dyadic, f64)| {
            let mut recipe = recipe.clone();
            recipe.optimizer.learning_rate = Scalar::from(rate);
            recipe.optimizer.init_gain = Some(gain);
            accuracy(&recipe, &network, &data, function)
        };
        let found: Vec<f64> = grid.par_iter().map(train).collect::<Result<_, TwinError>>()?;
        accuracies.iter_mut().zip(found).for_each(|(all, accuracy)| all.push(accuracy));
    }
    let runs = grid.iter().zip(&accuracies).map(|((rate, gain), accuracies)| Run {
        learning_rate: rate.to_f64(),
        init_gain: *gain,
        accuracy: accuracies.iter().sum::<f64>() / accuracies.len().max(1) as f64,
        worst: accuracies.iter().copied().fold(1.0, f64::min),
    });
    Ok(Sweep { runs: runs.collect() })
}

/// The test accuracy after all epochs.
fn accuracy(
    recipe: &Recipe,
    network: &Network,
    data: &Prepared,
    function: &Function,
) -> Result<f64, TwinError> {
    let unit = f64::from(data.fraction_bits).exp2();
    let real = |x: ndarray::Array2<i32>| x.mapv(|x| f64::from(x) / unit);
    let grid = |l: usize| weight_grid(recipe, &network.layers[l]);
    let model = Model::initial(network, recipe.init_gain(), recipe.seed, grid);
    let mut net = Clear::floating(recipe, network, model, Some(function))?;
    let (optimizer, labels) = (&recipe.optimizer, &data.train.labels);
    let batches = Batches::balanced(recipe.data.balance, labels, optimizer.batch_size, recipe.seed);
    let outputs = network.layers.last().map_or(0, crate::network::Layer::outputs);
    let mut train = |samples: &Samples| -> Result<f64, TwinError> {
        for batch in (0..optimizer.epochs).flat_map(|epoch| batches.order(epoch)) {
            let (x, labels) = samples.select(batches.rows(batch));
            net.step(&real(x), &hard_targets(recipe, &labels, outputs)?)?;
        }
        let found = classes(recipe, &net.outputs(&real(data.test.x.clone()))?);
        Ok(metrics::accuracy(&found, &data.test.labels))
    };
    match train(&data.train) {
        Err(TwinError::NotFinite { .. }) => Ok(0.0),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_covered() {
        let settings = ["optimizer.epochs=1".to_owned(), "data.set=iris".to_owned()];
        let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
        let rates = [Dyadic::new(1, 3), Dyadic::new(1, 0)];
        let sweep = sweep(&recipe, &Function::CentredSigmoid, &rates, &[1.0, 2.0], &[1, 2], None).unwrap();
        assert_eq!(sweep.runs.len(), 4);
        assert_eq!((sweep.runs[1].learning_rate, sweep.runs[1].init_gain), (0.125, 2.0));
        let best = sweep.best().unwrap();
        assert!(sweep.runs.iter().all(|run| run.worst <= run.accuracy && run.accuracy <= best.accuracy));
    }
}
