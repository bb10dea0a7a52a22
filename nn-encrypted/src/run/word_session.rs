//! Recipe, data and network of a run on words.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2};

use super::task::{Exact, Learner, Task, check_batch};
use super::weights;
use super::{Predictions, RunError};
use crate::data::{self, Batches, Prepared};
use crate::recipe::{RecipeError, WordModel, WordRecipe};
use crate::words::twin::{WordTwin, classes};
use crate::words::{Batch, Format, WordClear, WordPlan};

/// Recipe, data and widths of a run on words.
pub struct WordSession {
    /// The recipe.
    pub recipe: WordRecipe,
    /// The data as integers.
    pub data: Prepared,
    /// Widths from the features to the outputs.
    pub widths: Vec<usize>,
    /// The mini-batches.
    pub batches: Batches,
}

impl WordSession {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used.
    pub fn new(recipe: WordRecipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        let data = data::prepare_classes(&recipe.data, recipe.seed, recipe.fraction_bits(), data_dir)?;
        let widths = recipe.widths(data.features.len(), data.classes.len())?;
        let size = recipe.optimizer.batch_size;
        let batches = Batches::balanced(recipe.data.balance, &data.train.labels, size, recipe.seed);
        check_batch(size, &batches)?;
        Ok(Self { recipe, data, widths, batches })
    }

    /// The plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Arc<WordPlan>, RunError> {
        let bound = i64::from(self.data.bound);
        Ok(Arc::new(WordPlan::new(&self.recipe, &self.widths, &self.initial(), bound)?))
    }

    /// The weights to start from.
    #[must_use]
    pub fn initial(&self) -> WordModel {
        WordModel::initial(&self.recipe, &self.widths)
    }

    /// The words of a mini-batch.
    #[must_use]
    pub fn batch(&self, batch: usize) -> Batch<i64> {
        let (x, labels) = self.samples_of(batch);
        let one = Format::of(&self.recipe).one();
        Batch::new(&x, &labels, self.recipe.outputs, self.data.classes.len(), one)
    }
}

impl Task for WordSession {
    type Model = WordModel;
    type Twin = WordTwin;
    type Clear = WordClear;

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
        self.recipe.fraction_bits()
    }

    fn first_model(&self) -> WordModel {
        self.initial()
    }

    fn twin_of(&self, model: WordModel) -> WordTwin {
        WordTwin::new(&self.recipe, model)
    }

    fn floating(&self) -> WordClear {
        WordClear::new(&self.recipe, &self.initial())
    }

    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions {
        Predictions::Classes(classes(outputs, self.recipe.outputs, Format::of(&self.recipe).one() / 2))
    }

    fn read_weights(&self, bytes: &[u8]) -> Result<WordModel, String> {
        weights::words_from_bytes(bytes, &self.widths, Format::of(&self.recipe))
    }
}

impl Learner for WordClear {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.predict(x))
    }
}

impl Learner for WordTwin {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.predict(x))
    }
}

impl Exact for WordTwin {
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
}
