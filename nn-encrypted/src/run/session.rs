//! Recipe, data, network and plan of a run.

mod rows;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ndarray::{Array2, ArrayRef2};

use super::digest::update;
use super::measure::Measure;
use super::plans;
use super::report::Report;
use super::{Mode, RunError};
use crate::clear::Clear;
use crate::data::{Batches, Intake, Prepared, Rows, Samples};
use crate::frozen;
use crate::metrics;
use crate::model::Model;
use crate::network::Network;
use crate::numbers::weight_grid;
use crate::plan::{DataShape, Plan, Tolerance};
use crate::recipe::{Loss, Recipe, RecipeError, RefreshStrategy, Scheme};
use crate::twin::{Twin, TwinError, hard_targets, targets};

/// Fractional bits of features of approximate schemes, which are read as integers.
const INPUT_BITS: u32 = 20;

/// Recipe, data and network of a run, and the plan once it is asked for.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::Session;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// let session = Session::new(recipe, None)?;
/// let (x, targets) = session.batch(0)?;
/// assert_eq!((x.dim(), targets.dim()), ((30, 4), (30, 3)));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone)]
pub struct Session {
    /// The recipe.
    pub recipe: Recipe,
    /// The data as integers with [`fraction_bits`](Prepared::fraction_bits).
    pub data: Prepared,
    /// The network.
    pub network: Network,
    /// The mini-batches.
    pub batches: Batches,
    /// The weights to start from.
    pub first: Model,
    plan: OnceLock<Arc<Plan>>,
    /// Whether the rows are those of an owner of data, and here are zeros in their place.
    elsewhere: bool,
}

impl Session {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used.
    pub fn new(recipe: Recipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        recipe.validate()?;
        let data = frozen::prepare(&recipe.data, recipe.seed, input_bits(&recipe), data_dir)?;
        let batches = batches(&recipe, &data)?;
        Self::with(recipe, data, batches)
    }

    /// A session of rows in memory, which all train: there is no test part.
    ///
    /// # Errors
    /// If the rows have no labels or do not fit the recipe.
    pub(crate) fn of_rows(recipe: Recipe, rows: &Rows) -> Result<Self, RunError> {
        recipe.validate()?;
        let data = frozen::prepare_rows(rows, &recipe.data, recipe.seed, input_bits(&recipe))?;
        let batches = batches(&recipe, &data)?;
        Self::with(recipe, data, batches)
    }

    /// The session of a model, without samples.
    ///
    /// # Errors
    /// If the parts of the model do not fit each other.
    pub(super) fn of_model(recipe: Recipe, intake: Intake) -> Result<Self, RunError> {
        recipe.validate()?;
        let (found, needed) = (intake.scale.fraction_bits(), input_bits(&recipe));
        if found != needed {
            let what = format!("{needed}; the normalization of the model has {found}");
            return Err(field("numbers.input_bits", what).into());
        }
        let data = Prepared::without_samples(intake, &recipe.data)?;
        let batches = Batches::new(0, recipe.optimizer.batch_size, recipe.seed);
        Self::with(recipe, data, batches)
    }

    fn with(recipe: Recipe, mut data: Prepared, batches: Batches) -> Result<Self, RunError> {
        if !takes_measured(&recipe) {
            data = data.with_classes()?;
        }
        if data.series.is_some() && recipe.loss == Loss::CrossEntropy {
            let what =
                format!("\"cross_entropy\"; the labels of `{}` are measured values, no classes", data.name);
            return Err(field("loss", what).into());
        }
        let network = Network::new(&recipe, data.features.len(), data.sides, data.outputs)?;
        let grid = |l: usize| weight_grid(&recipe, &network.layers[l]);
        let first = Model::initial(&network, recipe.init_gain(), recipe.seed, grid);
        Ok(Self { recipe, data, network, batches, first, plan: OnceLock::new(), elsewhere: false })
    }

    /// Whether the rows are those of an owner of data: then there are zeros in their place, and only their number means something.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// A session of the same data under another recipe.
    ///
    /// # Errors
    /// If the data do not fit it.
    pub(super) fn with_recipe(&self, recipe: Recipe) -> Result<Self, RunError> {
        let batches = batches(&recipe, &self.data)?;
        Self::with(recipe, self.data.clone(), batches)
    }

    /// The plan; it is made when it is asked for first.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Arc<Plan>, RunError> {
        if let Some(plan) = self.plan.get() {
            return Ok(Arc::clone(plan));
        }
        let plan = plans::plan(&self.recipe, &self.network, self.shape())?;
        Ok(Arc::clone(self.plan.get_or_init(|| plan)))
    }

    /// A session with a plan in small rings, which protect nothing; the reason says why that is right.
    ///
    /// # Errors
    /// If there is no plan, or the reason is empty.
    pub fn insecure_small(mut self, reason: &str) -> Result<Self, RunError> {
        let plan = Plan::choose_insecure_small(&self.recipe, &self.network, self.shape(), reason)?;
        self.plan = OnceLock::from(Arc::new(plan));
        Ok(self)
    }

    /// A session with a plan of a test.
    #[cfg(test)]
    pub(crate) fn with_plan(mut self, plan: Arc<Plan>) -> Self {
        self.plan = OnceLock::from(plan);
        self
    }

    /// The part of the data that a plan depends on.
    pub(crate) fn shape(&self) -> DataShape {
        let bound = f64::from(self.data.bound) / f64::from(self.data.fraction_bits).exp2();
        DataShape { bound, rows: self.data.intake.rows }
    }

    /// The twin, from given weights.
    ///
    /// # Errors
    /// If the model is not of this network, or where tables are looked up there is no plan.
    pub fn twin(&self, model: Model) -> Result<Twin, RunError> {
        let reader = match self.recipe.refresh.strategy {
            RefreshStrategy::Clean => self.plan()?.engines.iter().find_map(|engine| engine.table_reader()),
            _ => None,
        };
        Ok(Twin::new(&self.recipe, &self.network, model, reader)?)
    }

    /// Whether trained weights stay with the owner of the key alone: what nothing refreshed has no level left to classify with.
    pub(crate) fn keeps_weights(&self) -> bool {
        self.recipe.refresh.strategy == RefreshStrategy::None
    }

    /// This training in floating point.
    ///
    /// # Errors
    /// None, as the weights are of this network.
    pub(crate) fn clear(&self) -> Result<Clear, RunError> {
        Ok(Clear::floating(&self.recipe, &self.network, self.first.clone(), None)?)
    }

    /// Features as real numbers, one row a sample.
    #[must_use]
    pub fn features(&self, x: &ArrayRef2<i32>) -> Array2<f64> {
        let unit = f64::from(self.data.fraction_bits).exp2();
        x.mapv(|x| f64::from(x) / unit)
    }

    /// Features and targets of a mini-batch, as they are encrypted.
    ///
    /// # Errors
    /// If a label is no class of the network.
    pub fn batch(&self, batch: usize) -> Result<(Array2<f64>, Array2<f64>), RunError> {
        self.samples_of(batch, targets)
    }

    fn samples_of(
        &self,
        batch: usize,
        targets: impl Fn(&Recipe, &[usize], usize) -> Result<Array2<f64>, TwinError>,
    ) -> Result<(Array2<f64>, Array2<f64>), RunError> {
        let rows = self.batches.rows(batch);
        let (x, labels) = self.data.train.select(rows);
        let Some(series) = &self.data.series else {
            return Ok((self.features(&x), targets(&self.recipe, &labels, self.data.outputs)?));
        };
        // Measured values are no larger than features, as plans of exact schemes assume.
        let most = self.shape().bound.max(1.0);
        let target = |(row, _)| series.target(self.data.train.values[rows[row]]).clamp(-most, most);
        Ok((self.features(&x), Array2::from_shape_fn((rows.len(), self.data.outputs), target)))
    }

    /// A mini-batch with targets that are not smoothed, for training in floating point.
    pub(super) fn hard_batch(&self, batch: usize) -> Result<(Array2<f64>, Array2<f64>), RunError> {
        self.samples_of(batch, hard_targets)
    }

    /// How good the twin is on samples: the part that is classified right, or MAPE in percent.
    pub(super) fn score(&self, twin: &mut Twin, samples: &Samples) -> Result<f64, RunError> {
        Ok(self.predicted(twin, samples)?.score(samples, self.measure()))
    }

    /// The score of a network in floating point.
    pub(super) fn clear_score(&self, net: &mut Clear, samples: &Samples) -> Result<f64, RunError> {
        Ok(self.predictions(&self.by_parts(samples, |x| net.outputs(x))?).score(samples, self.measure()))
    }

    /// The measure of scores.
    #[must_use]
    pub(crate) fn measure(&self) -> Measure {
        match self.data.series {
            None => Measure::Accuracy,
            Some(_) if self.data.intake.schema.window.is_some() => Measure::Mape,
            Some(_) => Measure::RSquared,
        }
    }

    /// The balanced accuracy of predictions of the test part.
    #[must_use]
    pub(crate) fn balanced(&self, predicted: &[usize]) -> f64 {
        metrics::balanced_accuracy(predicted, &self.data.test.labels, self.data.classes.len())
    }

    /// Number of training steps.
    #[must_use]
    pub(crate) fn steps(&self, limit: Option<usize>) -> usize {
        let all = self.batches.count().saturating_mul(self.recipe.optimizer.epochs);
        limit.map_or(all, |limit| limit.min(all))
    }

    /// Whether an epoch, or the run of `steps` steps, ends when `done` steps are done.
    pub(super) fn ends_epoch(&self, done: usize, steps: usize) -> bool {
        done.is_multiple_of(self.batches.count()) || done == steps
    }

    /// How far an encrypted run may be from the twin: as far as its least precise engine; none where all are exact.
    pub(crate) fn tolerance(&self) -> Result<Option<Tolerance>, RunError> {
        let larger = |a: Tolerance, b: Tolerance| Tolerance {
            weights: a.weights.max(b.weights),
            outputs: a.outputs.max(b.outputs),
        };
        Ok(self.plan()?.engines.iter().filter_map(|engine| engine.tolerance()).reduce(larger))
    }

    /// Digest of all samples, as integers.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted samples v1");
        for part in [&self.data.train, &self.data.test] {
            hasher.update(&(part.count() as u64).to_le_bytes());
            let rows = part.x.rows().into_iter();
            // Rows, since a hash of one value after another takes several times as long.
            rows.for_each(|row| update(&mut hasher, row.iter().map(|value| value.to_le_bytes())));
            update(&mut hasher, part.labels.iter().map(|label| (*label as u64).to_le_bytes()));
            update(&mut hasher, part.values.iter().map(|value| value.to_le_bytes()));
        }
        *hasher.finalize().as_bytes()
    }

    /// A report without measurements.
    pub(super) fn report(&self, mode: Mode) -> Report {
        let name = format!("{mode:?}").to_lowercase();
        Report::new(&self.recipe.name, name, &self.data, self.network.widths())
    }
}

/// The scheme of the first layer with weights, or of the last.
fn scheme<'a>(mut layers: impl Iterator<Item = &'a crate::recipe::Layer>) -> Option<Scheme> {
    layers.find(|layer| layer.kind.has_weights()).map(|layer| layer.scheme)
}

/// Fractional bits of the features, as the first layer takes them.
pub(super) fn input_bits(recipe: &Recipe) -> u32 {
    match (scheme(recipe.layers.iter()), recipe.refresh.strategy) {
        (Some(Scheme::Tfhe), _) => recipe.numbers.word_fraction_bits(),
        (Some(Scheme::Ckks), RefreshStrategy::Client | RefreshStrategy::Bootstrap) => INPUT_BITS,
        _ => recipe.numbers.input_bits,
    }
}

/// Whether targets may be any numbers: in CKKS, and in BGV where a client rounds them.
fn takes_measured(recipe: &Recipe) -> bool {
    let clean = recipe.refresh.strategy == RefreshStrategy::Clean;
    !clean && scheme(recipe.layers.iter().rev()) != Some(Scheme::Tfhe)
}

fn field(name: &str, what: String) -> RecipeError {
    RecipeError::Field { field: name.to_owned(), what }
}

/// Mini-batches, none larger than the training part.
pub(super) fn batches(recipe: &Recipe, data: &Prepared) -> Result<Batches, RecipeError> {
    let size = recipe.optimizer.batch_size;
    let batches = match data.series {
        Some(_) => Batches::new(data.train.count(), size, recipe.seed),
        None => Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed),
    };
    let samples = batches.samples();
    if size > samples {
        let what = format!("{size}; at most {samples}, the number of training samples, is needed");
        return Err(field("optimizer.batch_size", what));
    }
    Ok(batches)
}

he_core::brief_debug!(Session: |a| network = a.network, planned = a.plan.get().is_some());
