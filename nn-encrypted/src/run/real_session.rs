//! Recipe, data and network of a run on real numbers.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2};

use super::RunError;
use super::measure::{Measure, Predictions};
use super::real_weights::reals_from_bytes;
use super::report::RangeSummary;
use super::task::{Exact, Learner, Task, check_batch};
use crate::data::{self, Batches, Prepared, Samples, Series};
use crate::metrics;
use crate::reals::{RealClear, RealPlan, RealTwin, one_hot, targets};
use crate::recipe::{RealLoss, RealModel, RealNetwork, RealRecipe, RecipeError};

/// Fractional bits of features, which are read as integers.
const INPUT_BITS: u32 = 20;
/// Fractional bits of decrypted outputs.
const OUTPUT_BITS: u32 = 40;
/// How far the model of an encrypted run may be from the twin's.
const TOLERANCE: f64 = 1.0 / 16384.0;
/// How far decrypted outputs may be from the twin's.
const OUTPUT_TOLERANCE: f64 = 1.0 / 1024.0;

/// Recipe, data and network of a run on real numbers.
pub struct RealSession {
    /// The recipe.
    pub recipe: RealRecipe,
    /// The data.
    pub data: Prepared,
    /// The network.
    pub network: RealNetwork,
    /// The weights to start from.
    pub first: RealModel,
    /// The mini-batches.
    pub batches: Batches,
    outputs: usize,
    /// From the first weights.
    twin: RealTwin,
    clear: RealClear,
}

/// Features as real numbers.
pub(super) fn features(x: &ArrayRef2<i32>) -> Array2<f64> {
    x.mapv(|x| f64::from(x) / f64::from(INPUT_BITS).exp2())
}

/// Outputs in fixed point.
pub(super) fn fixed(outputs: &ArrayRef2<f64>) -> Array2<i64> {
    outputs.mapv(|z| (z * f64::from(OUTPUT_BITS).exp2()).round() as i64)
}

fn float(z: i64) -> f64 {
    z as f64 / f64::from(OUTPUT_BITS).exp2()
}

impl RealSession {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used.
    pub fn new(recipe: RealRecipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        let data = data::prepare_set(&recipe.data, recipe.seed, INPUT_BITS, data_dir)?;
        if data.series.is_some() && recipe.loss == RealLoss::CrossEntropy {
            let what = format!("\"cross_entropy\"; `{}` is a series and has no classes", data.name);
            return Err(RecipeError::field("loss", what).into());
        }
        let outputs = if data.series.is_some() { 1 } else { data.classes.len() };
        let network = recipe.network(data.features.len(), outputs)?;
        let first = RealModel::initial(&recipe, data.features.len(), outputs)?;
        let twin = RealTwin::new(&recipe, data.features.len(), outputs, first.clone())?;
        let clear = RealClear::new(&recipe, data.features.len(), outputs, first.clone())?;
        let size = recipe.optimizer.batch_size;
        let batches = Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed);
        check_batch(size, &batches)?;
        Ok(Self { recipe, data, network, first, batches, outputs, twin, clear })
    }

    /// The plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Arc<RealPlan>, RunError> {
        let bound = f64::from(self.data.bound) / f64::from(INPUT_BITS).exp2();
        Ok(Arc::new(RealPlan::new(&self.recipe, &self.network, &self.first, bound)?))
    }

    /// Features and targets of a mini-batch, as they are encrypted.
    pub fn batch(&self, batch: usize) -> (Array2<f64>, Array2<f64>) {
        let (x, labels) = self.samples_of(batch);
        (features(&x), self.goal().targets(&labels))
    }

    fn goal(&self) -> Goal {
        Goal { series: self.data.series, recipe: self.recipe.clone(), outputs: self.outputs }
    }
}

/// What labels mean.
#[derive(Clone)]
pub(super) struct Goal {
    series: Option<Series>,
    recipe: RealRecipe,
    outputs: usize,
}

impl Goal {
    fn series(&self, series: Series, labels: &[usize]) -> Array2<f64> {
        Array2::from_shape_fn((labels.len(), 1), |(row, _)| series.target(labels[row]))
    }

    fn targets(&self, labels: &[usize]) -> Array2<f64> {
        match self.series {
            Some(series) => self.series(series, labels),
            None => targets(&self.recipe, labels, self.outputs),
        }
    }

    /// Without smoothing.
    fn hard(&self, labels: &[usize]) -> Array2<f64> {
        match self.series {
            Some(series) => self.series(series, labels),
            None => one_hot(labels, self.outputs),
        }
    }

    fn predictions(&self, outputs: &Array2<f64>) -> Predictions {
        match &self.series {
            Some(series) => Predictions::values(series, outputs.iter().copied()),
            None => Predictions::Classes(outputs.rows().into_iter().map(metrics::argmax).collect()),
        }
    }

    fn classes(&self, outputs: &Array2<f64>) -> Vec<usize> {
        match self.predictions(outputs) {
            Predictions::Classes(classes) => classes,
            Predictions::Values(values) => values.iter().map(|value| value.max(0.0) as usize).collect(),
        }
    }
}

/// A network in training in the clear.
pub(super) trait Net {
    /// The weighted sums of the last layer.
    fn sums(&self, x: &ArrayRef2<f64>) -> Array2<f64>;
    /// A step.
    fn learn(&mut self, x: &ArrayRef2<f64>, goal: &Goal, labels: &[usize]);
}

impl Net for RealTwin {
    fn sums(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.outputs(x)
    }

    fn learn(&mut self, x: &ArrayRef2<f64>, goal: &Goal, labels: &[usize]) {
        self.step(x, &goal.targets(labels));
    }
}

impl Net for RealClear {
    fn sums(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.outputs(x)
    }

    fn learn(&mut self, x: &ArrayRef2<f64>, goal: &Goal, labels: &[usize]) {
        self.step(x, &goal.hard(labels));
    }
}

/// A network with what its labels mean.
pub(super) struct Aimed<N> {
    net: N,
    goal: Goal,
}

impl Task for RealSession {
    type Model = RealModel;
    type Twin = Aimed<RealTwin>;
    type Clear = Aimed<RealClear>;

    fn data(&self) -> &Prepared {
        &self.data
    }

    fn batches(&self) -> &Batches {
        &self.batches
    }

    fn epochs(&self) -> usize {
        self.recipe.optimizer.epochs
    }

    fn batch_size(&self) -> usize {
        self.recipe.optimizer.batch_size
    }

    fn name(&self) -> &str {
        &self.recipe.name
    }

    fn toml(&self) -> Result<String, RecipeError> {
        self.recipe.to_toml()
    }

    fn widths(&self) -> Vec<usize> {
        let outputs = self.network.layers.iter().map(|layer| layer.entries.ncols());
        [self.data.features.len()].into_iter().chain(outputs).collect()
    }

    fn measure(&self) -> Measure {
        if self.data.series.is_some() { Measure::Mape } else { Measure::Accuracy }
    }

    fn tolerance(&self) -> Option<f64> {
        Some(TOLERANCE)
    }

    fn first_model(&self) -> RealModel {
        self.first.clone()
    }

    fn twin_of(&self, model: RealModel) -> Aimed<RealTwin> {
        let net = RealTwin::new(&self.recipe, self.data.features.len(), self.outputs, model);
        // A model of another network would not have been read.
        Aimed { net: net.unwrap_or_else(|_| self.twin.clone()), goal: self.goal() }
    }

    fn floating(&self) -> Aimed<RealClear> {
        Aimed { net: self.clear.clone(), goal: self.goal() }
    }

    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions {
        self.goal().predictions(&outputs.mapv(float))
    }

    fn agree(&self, found: &Array2<i64>, expected: &Array2<i64>) -> bool {
        found.dim() == expected.dim()
            && found.iter().zip(expected).all(|(a, b)| float(a.saturating_sub(*b)).abs() <= OUTPUT_TOLERANCE)
    }

    fn read_weights(&self, bytes: &[u8]) -> Result<RealModel, String> {
        reals_from_bytes(bytes, &self.first)
    }
}

impl<N: Net> Learner for Aimed<N> {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.net.learn(&features(x), &self.goal, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.goal.classes(&self.net.sums(&features(x))))
    }

    fn score(&self, samples: &Samples) -> Result<f64, RunError> {
        let outputs = self.net.sums(&features(&samples.x));
        Ok(self.goal.predictions(&outputs).score(&samples.labels))
    }
}

impl Exact for Aimed<RealTwin> {
    type Model = RealModel;

    fn state(&self) -> &RealModel {
        self.net.model()
    }

    fn exact_outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, RunError> {
        Ok(fixed(&self.net.outputs(&features(x))))
    }

    fn out_of_range(&self) -> u64 {
        let left = |range: &&crate::reals::twin::Range| range.largest.is_nan() || range.largest > range.bound;
        self.net.ranges().iter().filter(left).count() as u64
    }

    fn ranges(&self) -> Vec<RangeSummary> {
        let ranges = self.net.ranges().into_iter();
        ranges.map(|r| RangeSummary { tensor: r.tensor, bound: r.bound, largest: r.largest }).collect()
    }
}
