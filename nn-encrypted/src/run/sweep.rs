//! How far the twin stays behind the best of floating-point training with the exact centred sigmoid.

use std::fmt;
use std::path::Path;

use super::RunError;
use super::session::Session;
use super::study::trained;
use crate::activation::{Dyadic, Function};
use crate::clear::{self, Sweep, SweepError};
use crate::recipe::Recipe;

/// Seeds over which accuracies are averaged; a seed decides split, batches and initial weights.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// Passes of every run: a full run, more than the recipe's own number.
const EPOCHS: usize = 40;

/// The grid's accuracies beside the twin's.
pub(crate) struct Comparison {
    sweep: Sweep,
    /// Mean and worst test accuracy of the twin.
    twin: (f64, f64),
}

/// Trains a recipe's network in floating point with the exact centred sigmoid over a grid of learning rates and initial
/// gains, and the recipe's twin, each for 40 epochs and 5 seeds.
///
/// # Errors
/// If the data or the recipe cannot be used.
pub(crate) fn sweep(mut recipe: Recipe, data_dir: Option<&Path>) -> Result<Comparison, RunError> {
    recipe.optimizer.epochs = EPOCHS;
    let rates =
        [Dyadic::new(1, 2), Dyadic::new(1, 1), Dyadic::new(3, 2), Dyadic::new(1, 0), Dyadic::new(3, 1)];
    let sweep = clear::sweep(&recipe, &Function::CentredSigmoid, &rates, &[1.0, 2.0, 3.0], &SEEDS, data_dir)
        .map_err(|error| match error {
            SweepError::Data(error) => RunError::Data(error),
            SweepError::Recipe(error) => RunError::from(error),
            SweepError::Training(error) => RunError::from(error),
        })?;
    let mut accuracies = Vec::new();
    for seed in SEEDS {
        let session = Session::new(Recipe { seed, ..recipe.clone() }, data_dir)?;
        accuracies.push(session.score(&mut trained(&session)?, &session.data.test)?);
    }
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let worst = accuracies.iter().copied().fold(1.0, f64::min);
    Ok(Comparison { sweep, twin: (mean, worst) })
}

impl Comparison {
    /// Mean accuracy of the best setting of the grid less that of the twin, in points.
    pub(crate) fn behind(&self) -> f64 {
        let best = self.sweep.best().map_or(0.0, |run| run.accuracy);
        100.0 * (best - self.twin.0)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "floating point, exact centred sigmoid, {EPOCHS} epochs, {} seeds:", SEEDS.len())?;
        writeln!(f, "  rate   gain   mean     worst")?;
        for run in &self.sweep.runs {
            let (mean, worst) = (100.0 * run.accuracy, 100.0 * run.worst);
            writeln!(f, "  {:<6} {:<6} {mean:.2} %  {worst:.2} %", run.learning_rate, run.init_gain)?;
        }
        writeln!(
            f,
            "twin of the recipe: mean {:.2} %, worst {:.2} %",
            100.0 * self.twin.0,
            100.0 * self.twin.1
        )?;
        write!(f, "best of the grid less the twin: {:.2} percentage points", self.behind())
    }
}
