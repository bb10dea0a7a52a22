//! The best that floating point and an exact activation reach over a grid of settings.

use rayon::prelude::*;
use serde::Serialize;

use super::Clear;
use crate::activation::{Dyadic, Function};
use crate::data::{Batches, DataError, prepare};
use crate::recipe::{Recipe, RecipeError};

/// One setting of a sweep, averaged over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The learning rate.
    pub learning_rate: f64,
    /// The deviation of the initial weights times the root of the inputs.
    pub init_gain: f64,
    /// The mean test accuracy after the last epoch.
    pub accuracy: f64,
    /// The lowest test accuracy of a seed after the last epoch.
    pub worst: f64,
}

/// All settings of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    /// The runs in the order of the grid.
    pub runs: Vec<Run>,
}

/// Why a sweep cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The recipe does not fit the data.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

impl Sweep {
    /// The run with the best mean accuracy; `None` of an empty grid.
    #[must_use]
    pub fn best(&self) -> Option<&Run> {
        self.runs.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))
    }
}

/// Trains the network of a recipe in floating point with an exact `function` for every activation, for each learning
/// rate and initial gain, once a seed; a seed decides the split of the data, the batches and the initial weights.
///
/// # Errors
/// If the recipe does not fit the data.
pub fn sweep(
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
        let data = prepare(&recipe, data_dir)?;
        let network = recipe.network(data.features.len(), data.classes.len())?;
        let batches = Batches::of(&recipe, &data.train.labels);
        let train = |&(rate, gain): &(Dyadic, f64)| {
            let mut recipe = recipe.clone();
            (recipe.optimizer.learning_rate, recipe.optimizer.init_gain) = (rate, Some(gain));
            let mut net = Clear::with_function(&recipe, &network, seed, function);
            (0..recipe.optimizer.epochs).for_each(|epoch| net.epoch(&data.train, &batches, epoch));
            net.accuracy(&data.test)
        };
        let found: Vec<f64> = grid.par_iter().map(train).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_covered() {
        let settings = ["optimizer.epochs=1".to_owned(), "data.set=iris".to_owned()];
        let recipe = Recipe::load("hesamifard2017", &settings).unwrap();
        let rates = [Dyadic::new(1, 3), Dyadic::new(1, 0)];
        let sweep = sweep(&recipe, &Function::Sigmoid, &rates, &[1.0, 2.0], &[1, 2], None).unwrap();
        assert_eq!(sweep.runs.len(), 4);
        assert_eq!((sweep.runs[1].learning_rate, sweep.runs[1].init_gain), (0.125, 2.0));
        let best = sweep.best().unwrap();
        assert!(sweep.runs.iter().all(|run| run.worst <= run.accuracy && run.accuracy <= best.accuracy));
    }
}
