//! Recipe, data and network of a run in which a client refreshes.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayRef2};

use super::task::{Exact, Learner, Task, check_batch};
use super::weights;
use super::{Predictions, RunError};
use crate::clear::Clear;
use crate::data::{self, Batches, Prepared};
use crate::metrics;
use crate::plan::Plan;
use crate::recipe::{Model, Network, Recipe, RecipeError};
use crate::twin::Twin;

/// Recipe, data and network of a run.
pub struct Session {
    /// The recipe.
    pub recipe: Recipe,
    /// The data as integers.
    pub data: Prepared,
    /// The network with its scales.
    pub network: Network,
    /// The mini-batches.
    pub batches: Batches,
}

impl Session {
    /// Loads the data of a recipe.
    ///
    /// # Errors
    /// If the data or the recipe cannot be used.
    pub fn new(recipe: Recipe, data_dir: Option<&Path>) -> Result<Self, RunError> {
        let data = data::prepare(&recipe, data_dir)?;
        let network = recipe.network(data.features.len(), data.classes.len())?;
        let batches = Batches::of(&recipe, &data.train.labels);
        check_batch(recipe.optimizer.batch_size, &batches)?;
        Ok(Self { recipe, data, network, batches })
    }

    /// The plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Arc<Plan>, RunError> {
        Ok(Arc::new(Plan::new(&self.recipe, &self.network, i64::from(self.data.bound))?))
    }

    /// The weights to start from.
    pub fn initial(&self) -> Model {
        Model::initial(&self.recipe, &self.network, self.recipe.seed)
    }

    /// Number of training steps.
    pub fn steps(&self, limit: Option<usize>) -> usize {
        self.total_steps(limit)
    }

    pub(super) fn twin(&self, model: Model) -> Twin {
        Twin::with_model(&self.recipe, &self.network, model)
    }
}

impl Task for Session {
    type Model = Model;
    type Twin = Twin;
    type Clear = Clear;

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
        self.network.widths()
    }

    fn weight_bits(&self) -> u32 {
        self.recipe.quantization.weight_bits
    }

    fn first_model(&self) -> Model {
        self.initial()
    }

    fn twin_of(&self, model: Model) -> Twin {
        self.twin(model)
    }

    fn floating(&self) -> Clear {
        Clear::new(&self.recipe, &self.network, self.recipe.seed)
    }

    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions {
        Predictions::Classes(outputs.rows().into_iter().map(metrics::argmax).collect())
    }

    fn read_weights(&self, bytes: &[u8]) -> Result<Model, String> {
        weights::from_bytes(bytes, &self.network, &self.recipe)
    }
}

impl Learner for Clear {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels);
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.predict(x))
    }
}

impl Learner for Twin {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        self.step(x, labels)?;
        Ok(())
    }

    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        Ok(self.predict(x)?)
    }
}

impl Exact for Twin {
    type Model = Model;

    fn state(&self) -> &Model {
        self.model()
    }

    fn exact_outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, RunError> {
        Ok(self.outputs(x)?)
    }

    fn out_of_range(&self) -> u64 {
        self.saturations()
    }
}
