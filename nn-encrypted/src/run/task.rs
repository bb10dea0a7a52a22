//! What a run needs of a recipe, of whatever kind.

use ndarray::{Array2, ArrayRef2};

use super::measure::{Measure, Predictions};
use super::meter::host;
use super::report::{
    Accuracy, Bootstraps, CoreSeconds, DataSummary, EncryptedParts, RangeSummary, Report, SCHEMA, Seconds,
    TrafficSummary, TwinSummary,
};
use super::weights::Tensors;
use super::{Mode, RunError};
use crate::data::{Batches, Prepared, Samples};
use crate::metrics;
use crate::recipe::RecipeError;

/// A network in training in the clear.
pub(super) trait Learner {
    /// Trains on one mini-batch.
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError>;

    /// The class of each sample; not asked for of a series.
    fn classify(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError>;

    /// How good it is on samples, by the measure of its task: the part that is classified right, or MAPE in percent.
    fn score(&self, samples: &Samples) -> Result<f64, RunError> {
        Ok(metrics::accuracy(&self.classify(&samples.x)?, &samples.labels))
    }
}

/// A twin: the very numbers of the encrypted training.
pub(super) trait Exact: Learner {
    /// What training changes.
    type Model;

    /// The model as it is.
    fn state(&self) -> &Self::Model;

    /// The outputs for samples, as decrypted ones are: in fixed point.
    fn exact_outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, RunError>;

    /// Values that were saturated or wrapped since the start; of real numbers, tensors that left their bounds.
    fn out_of_range(&self) -> u64;

    /// How close values came to their bounds since the start, where bounds are not enforced.
    fn ranges(&self) -> Vec<RangeSummary> {
        vec![]
    }
}

/// Recipe, data and network of a run.
pub(super) trait Task {
    /// What training changes.
    type Model: Clone + PartialEq + Tensors;
    /// The very training that is encrypted.
    type Twin: Exact<Model = Self::Model>;
    /// Training in floating point.
    type Clear: Learner;

    /// The data.
    fn data(&self) -> &Prepared;
    /// The mini-batches.
    fn batches(&self) -> &Batches;
    /// Passes over the training part.
    fn epochs(&self) -> usize;
    /// Samples of a mini-batch.
    fn batch_size(&self) -> usize;
    /// Name of the recipe.
    fn name(&self) -> &str;
    /// The recipe as text.
    fn toml(&self) -> Result<String, RecipeError>;
    /// Widths from the features to the outputs.
    fn widths(&self) -> Vec<usize>;
    /// Fractional bits of weights that are integers.
    fn weight_bits(&self) -> u32 {
        0
    }
    /// What scores are.
    fn measure(&self) -> Measure {
        Measure::Accuracy
    }
    /// How far a model may be from the twin's; bit for bit the same without it.
    fn tolerance(&self) -> Option<f64> {
        None
    }
    /// The weights to start from.
    fn first_model(&self) -> Self::Model;
    /// The twin, from given weights.
    fn twin_of(&self, model: Self::Model) -> Self::Twin;
    /// The same training in floating point.
    fn floating(&self) -> Self::Clear;
    /// What each row of outputs tells.
    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions;
    /// Whether decrypted outputs are the twin's.
    fn agree(&self, found: &Array2<i64>, expected: &Array2<i64>) -> bool {
        found == expected
    }
    /// Reads a model written as tensors, or says what is wrong.
    fn read_weights(&self, bytes: &[u8]) -> Result<Self::Model, String>;

    /// Number of training steps.
    fn total_steps(&self, limit: Option<usize>) -> usize {
        let all = self.batches().count().saturating_mul(self.epochs());
        limit.map_or(all, |limit| limit.min(all))
    }

    /// Whether an epoch, or the run of `steps` steps, ends when `done` steps are done.
    fn ends_epoch(&self, done: usize, steps: usize) -> bool {
        done.is_multiple_of(self.batches().count()) || done == steps
    }

    /// Features and labels of a mini-batch.
    fn samples_of(&self, batch: usize) -> (Array2<i32>, Vec<usize>) {
        self.data().train.select(self.batches().rows(batch))
    }

    /// Digest of all samples, as integers.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted samples v1");
        for part in [&self.data().train, &self.data().test] {
            hasher.update(&(part.labels.len() as u64).to_le_bytes());
            part.x.iter().for_each(|value| {
                hasher.update(&value.to_le_bytes());
            });
            part.labels.iter().for_each(|label| {
                hasher.update(&(*label as u64).to_le_bytes());
            });
        }
        *hasher.finalize().as_bytes()
    }

    /// The balanced accuracy of predictions of the test part.
    fn balanced(&self, predicted: &[usize]) -> f64 {
        metrics::balanced_accuracy(predicted, &self.data().test.labels, self.data().classes.len())
    }

    /// A report without measurements.
    fn report(&self, mode: Mode) -> Report {
        Report {
            schema: SCHEMA,
            recipe: self.name().to_owned(),
            mode: format!("{mode:?}").to_lowercase(),
            data: DataSummary {
                name: self.data().name.clone(),
                train: self.data().train.labels.len(),
                test: self.data().test.labels.len(),
                features: self.data().features.len(),
                classes: self.data().classes.len(),
            },
            network: self.widths(),
            schemes: vec![],
            encrypted: EncryptedParts::default(),
            steps: 0,
            accuracy: Accuracy::default(),
            twin: TwinSummary::default(),
            seconds: Seconds::default(),
            core_seconds_per_image: None,
            core_seconds: CoreSeconds::default(),
            traffic: TrafficSummary::default(),
            ranges: vec![],
            step: None,
            stages: vec![],
            prediction: None,
            bootstraps: Bootstraps::default(),
            switches: 0,
            key_bytes: 0,
            peak_memory_bytes: None,
            threads: rayon::current_num_threads(),
            host: host(),
        }
    }
}

/// Refuses mini-batches larger than the training part.
pub(super) fn check_batch(batch: usize, batches: &Batches) -> Result<(), RecipeError> {
    let samples = batches.samples();
    if batch <= samples {
        return Ok(());
    }
    let what = format!("{batch}; at most {samples}, the number of training samples, is needed");
    Err(RecipeError::Field { field: "optimizer.batch_size".to_owned(), what })
}
