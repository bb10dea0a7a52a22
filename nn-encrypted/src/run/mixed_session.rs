//! Recipe, data and network of a run in several schemes.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2};

use super::report::RangeSummary;
use super::task::{Exact, Learner, Task, check_batch};
use super::weights;
use super::{Predictions, RunError};
use crate::data::{self, Batches, Prepared};
use crate::mixed::twin::MixedTwin;
use crate::mixed::{Arrangement, MixedClear, MixedPlan, classes};
use crate::recipe::{MixedRecipe, RecipeError, WordModel};

/// How far weights in CKKS may be from the twin's, as real numbers. A step leaves less than 2^-14 in each.
const TOLERANCE: f64 = 1.0 / 256.0;

/// The same of weighted sums of the outputs, which are sums of many weights times inputs of up to 8.
const OUTPUT_TOLERANCE: f64 = 1.0 / 16.0;

/// Recipe, data and widths of a run in several schemes.
pub struct MixedSession {
    /// The recipe.
    pub recipe: MixedRecipe,
    /// The data as integers.
    pub data: Prepared,
    /// Widths from the features to the outputs.
    pub widths: Vec<usize>,
    /// The mini-batches.
    pub batches: Batches,
    /// The plan.
    pub plan: Arc<MixedPlan>,
}

impl MixedSession {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used, or there is no plan.
    pub fn new(recipe: MixedRecipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        let bits = recipe.quantization.activation_bits;
        let data = data::prepare_classes(&recipe.data, recipe.seed, bits, data_dir)?;
        let widths = recipe.widths(data.features.len(), data.classes.len())?;
        let size = recipe.optimizer.batch_size;
        let batches = Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed);
        check_batch(size, &batches)?;
        let plan = Arc::new(MixedPlan::new(&recipe, &widths)?);
        Ok(Self { recipe, data, widths, batches, plan })
    }

    /// The weights to start from.
    #[must_use]
    pub fn initial(&self) -> WordModel {
        let (recipe, bits) = (&self.recipe, self.recipe.weight_bits());
        let most = (1 << (self.plan.numbers.log_t - 1)) - 1;
        WordModel::normal(recipe.seed, &self.widths, recipe.optimizer.init_gain, bits, most)
    }
}

impl Task for MixedSession {
    type Model = WordModel;
    type Twin = MixedTwin;
    type Clear = MixedClear;

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
        self.widths.clone()
    }

    fn weight_bits(&self) -> u32 {
        self.recipe.weight_bits()
    }

    fn tolerance(&self) -> Option<f64> {
        matches!(self.plan.arrangement, Arrangement::Ckks(_)).then_some(TOLERANCE)
    }

    fn agree(&self, found: &Array2<i64>, expected: &Array2<i64>) -> bool {
        let unit = f64::from(self.plan.numbers.sum_bits()).exp2();
        let most = self.tolerance().map_or(0.0, |_| OUTPUT_TOLERANCE * unit);
        found.dim() == expected.dim()
            && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) as f64 <= most)
    }

    fn first_model(&self) -> WordModel {
        self.initial()
    }

    fn twin_of(&self, model: WordModel) -> MixedTwin {
        MixedTwin::new(&self.recipe, self.plan.numbers, self.plan.reader, model)
    }

    fn floating(&self) -> MixedClear {
        MixedClear::new(&self.recipe, &self.initial())
    }

    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions {
        Predictions::Classes(classes(&outputs.to_owned()))
    }

    fn read_weights(&self, bytes: &[u8]) -> Result<WordModel, String> {
        let most = 1 << (self.plan.numbers.log_t - 1);
        weights::integers_from_bytes(bytes, &self.widths, most)
    }
}

impl Learner for MixedClear {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.predict(x))
    }
}

impl Learner for MixedTwin {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(classes(&self.outputs(x)))
    }
}

impl Exact for MixedTwin {
    type Model = WordModel;

    fn state(&self) -> &WordModel {
        self.model()
    }

    fn exact_outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, RunError> {
        Ok(self.outputs(x))
    }

    fn out_of_range(&self) -> u64 {
        self.wraps()
    }

    fn ranges(&self) -> Vec<RangeSummary> {
        let names = ["hidden sums", "output sums", "errors"];
        let range = |(tensor, (bound, largest)): (&str, (f64, f64))| RangeSummary {
            tensor: tensor.to_owned(),
            bound,
            largest,
        };
        names.into_iter().zip(self.reached()).map(range).collect()
    }
}
