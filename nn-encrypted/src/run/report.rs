//! `report.json`: what was run and what was measured. The schema is versioned; absent values are null.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::RunEstimate;
use super::findings::Findings;
use super::quality::Quality;
use super::summary::{PredictionSummary, RangeSummary, SchemeSummary};
use crate::data::Prepared;
use crate::meter::host;

/// Version of the schema.
const SCHEMA: u32 = 1;

/// The whole report.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Mode, Options, train};
///
/// let settings = ["data.set=iris", "optimizer.epochs=2"].map(String::from);
/// let recipe = Recipe::load("hesamifard2017", &settings)?;
/// let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
/// let report = train(recipe, &options)?.report;
/// assert_eq!((report.mode.as_str(), &report.network[..]), ("simulate", &[4, 8, 3][..]));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Version of the schema.
    pub schema: u32,
    /// Name of the recipe.
    pub recipe: String,
    /// `clear`, `simulate` or `encrypted`.
    pub mode: String,
    /// The data.
    pub data: DataSummary,
    /// Widths from the features to the classes.
    pub network: Vec<usize>,
    /// The encryption schemes used.
    pub schemes: Vec<SchemeSummary>,
    /// The parts that were encrypted.
    pub encrypted: EncryptedParts,
    /// Training steps run.
    pub steps: u64,
    /// Accuracies, as fractions; errors of forecasts, in percent.
    pub accuracy: Accuracy,
    /// Which classes of the test part are taken for which; null of measured values, and of more than 64 classes.
    #[serde(default)]
    pub classes: Option<Quality>,
    /// Comparison with the twin.
    pub twin: TwinSummary,
    /// Wall-clock seconds.
    pub seconds: Seconds,
    /// CPU seconds of the training steps (all threads, server and client) over images trained.
    pub core_seconds_per_image: Option<f64>,
    /// CPU seconds of the steps: server, client.
    pub core_seconds: CoreSeconds,
    /// Traffic between client and server.
    pub traffic: TrafficSummary,
    /// How close values came to their public bounds, where they are real numbers.
    #[serde(default)]
    pub ranges: Vec<RangeSummary>,
    /// The cost of a training step, as planned.
    #[serde(default)]
    pub step: Option<StepSummary>,
    /// Times of the stages of all steps, of a training in several schemes.
    #[serde(default)]
    pub stages: Vec<StageSummary>,
    /// Classification with the trained model.
    pub prediction: Option<PredictionSummary>,
    /// Bootstraps by scheme.
    pub bootstraps: Bootstraps,
    /// Switches between schemes that made a modulus grow: ciphertexts filled from tables, and refreshes.
    pub switches: u64,
    /// `log2` of a bound of the probability that any bootstrap of all steps gave a wrong result, where each says its own.
    #[serde(default)]
    pub log2_failure: Option<f64>,
    /// Bytes of evaluation keys.
    pub key_bytes: u64,
    /// Largest resident memory of the process.
    pub peak_memory_bytes: Option<u64>,
    /// Threads.
    pub threads: usize,
    /// The machine.
    pub host: String,
    /// The estimate that was said before it began; null of a run that said nothing.
    #[serde(default)]
    pub estimate: Option<RunEstimate>,
    /// Comparison of refreshed tensors with those that the client computed; null of a run without audit.
    #[serde(default)]
    pub audit: Option<Findings>,
    /// Digests of files of the run folder, by their path in it.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
}

/// The time of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// CPU seconds of all threads.
    pub core_seconds: f64,
}

/// The data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataSummary {
    /// Name.
    pub name: String,
    /// Training samples.
    pub train: usize,
    /// Test samples.
    pub test: usize,
    /// Features.
    pub features: usize,
    /// Classes; 0 for a series.
    pub classes: usize,
}

/// The parts that were encrypted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct EncryptedParts {
    /// Features.
    pub data: bool,
    /// Labels.
    pub labels: bool,
    /// Weights, biases and momentum.
    pub weights: bool,
    /// Activations of the forward pass.
    pub forward: bool,
    /// Errors and gradients of the backward pass.
    pub backward: bool,
    /// The update of the weights.
    pub update: bool,
}

impl EncryptedParts {
    /// All of it.
    pub fn all() -> Self {
        Self { data: true, labels: true, weights: true, forward: true, backward: true, update: true }
    }
}

/// Accuracies, as fractions; of a series, whose samples have no classes, MAPE (the mean absolute error of forecasts) in
/// percent of the measured values.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Accuracy {
    /// Of the trained model on the training part.
    pub train: Option<f64>,
    /// Of the trained model on the test part.
    pub test: Option<f64>,
    /// Of the twin's model on the test part.
    pub twin_test: Option<f64>,
    /// Of floating-point training on the test part.
    pub clear_test: Option<f64>,
    /// The mean over classes of the part of the test samples that the trained model gets right.
    #[serde(default)]
    pub balanced_test: Option<f64>,
    /// The part of the most frequent class in the test part.
    #[serde(default)]
    pub majority_test: Option<f64>,
    /// MAPE of the trained model on the test part.
    #[serde(default)]
    pub mape: Option<f64>,
    /// MAPE of the twin's model on the test part.
    #[serde(default)]
    pub twin_mape: Option<f64>,
    /// MAPE of floating-point training on the test part.
    #[serde(default)]
    pub clear_mape: Option<f64>,
    /// R² of the trained model on the test part, of measured values.
    #[serde(default)]
    pub r_squared: Option<f64>,
    /// R² of the twin's model.
    #[serde(default)]
    pub twin_r_squared: Option<f64>,
    /// R² of floating-point training.
    #[serde(default)]
    pub clear_r_squared: Option<f64>,
    /// Mean absolute error on the test part, in the unit of the measured values.
    #[serde(default)]
    pub mae: Option<f64>,
    /// Root of the mean square error.
    #[serde(default)]
    pub rmse: Option<f64>,
    /// MAPE of forecasts without training on the test part.
    #[serde(default)]
    pub baselines: Option<Baselines>,
}

/// MAPE of forecasts that need no training, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// Of the mean of all values before the test part.
    pub mean: f64,
    /// Of the value before.
    pub last: f64,
    /// Of the oldest value of the window: the same month a year before.
    pub season: f64,
}

/// Comparison with the twin.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct TwinSummary {
    /// Whether all weights, biases and momenta are equal: bit for bit, or within `tolerance` where the scheme is
    /// approximate.
    pub equal: Option<bool>,
    /// The largest difference of a weight, bias or momentum, as a real number.
    pub max_abs_error: Option<f64>,
    /// The largest difference allowed; null where none is.
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// The root mean square of the differences of weights and biases.
    #[serde(default)]
    pub root_mean_square: Option<f64>,
}

/// Wall-clock seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// From start to report.
    pub total: f64,
    /// Planning.
    pub plan: f64,
    /// Keys, made, sent and read.
    pub keygen: f64,
    /// Encryption of data and first weights.
    pub encrypt: f64,
    /// Median of a training step.
    pub step_median: Option<f64>,
}

/// CPU seconds of all training steps.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct CoreSeconds {
    /// The server's.
    pub server: f64,
    /// The client's.
    pub client: f64,
    /// Both, for one step.
    pub step: Option<f64>,
}

/// Traffic between client and server while training.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct TrafficSummary {
    /// Bytes to the server in refreshes.
    pub to_server_bytes: u64,
    /// Bytes to the client in refreshes.
    pub to_client_bytes: u64,
    /// Bytes of the encrypted data and first weights.
    pub data_bytes: u64,
    /// Ciphertexts refreshed.
    pub refreshes: u64,
    /// Rounds with the client.
    pub rounds: u64,
    /// Values cut to their bound in a refresh.
    pub saturations: u64,
    /// Values above what the plan proved possible, classification included; not 0 only if the server did not compute what was planned.
    pub out_of_bounds: u64,
    /// Those of them that were decrypted: above what the plan proved possible, whatever the recipe's bounds.
    #[serde(default)]
    pub deviations: u64,
}

impl Report {
    /// A report without measurements.
    pub(super) fn new(recipe: &str, mode: String, data: &Prepared, network: Vec<usize>) -> Self {
        Self {
            schema: SCHEMA,
            recipe: recipe.to_owned(),
            mode,
            data: DataSummary {
                name: data.name.clone(),
                train: data.train.count(),
                test: data.test.count(),
                features: data.features.len(),
                classes: data.classes.len(),
            },
            network,
            schemes: vec![],
            encrypted: EncryptedParts::default(),
            steps: 0,
            accuracy: Accuracy::default(),
            classes: None,
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
            log2_failure: None,
            key_bytes: 0,
            peak_memory_bytes: None,
            threads: rayon::current_num_threads(),
            host: host(),
            estimate: None,
            audit: None,
            digests: BTreeMap::new(),
        }
    }

    /// The CPU seconds of the stages of a step, with their shares; none if they were not measured.
    pub(crate) fn stages_of_a_step(&self) -> Option<String> {
        let (total, steps) =
            (self.stages.iter().map(|s| s.core_seconds).sum::<f64>(), self.steps.max(1) as f64);
        let part = |s: &StageSummary| {
            let share = 100.0 * s.core_seconds / total;
            format!("{} {:.0} ms ({share:.0} %)", s.stage, 1e3 * s.core_seconds / steps)
        };
        (total > 0.0).then(|| self.stages.iter().map(part).collect::<Vec<_>>().join(", "))
    }

    /// The tensor that came closest to its bound.
    pub(crate) fn closest(&self) -> Option<&RangeSummary> {
        self.ranges.iter().max_by(|a, b| a.used().total_cmp(&b.used()))
    }
}

/// The cost of a training step, as planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Levels between two bootstraps.
    pub levels: u64,
    /// Bootstraps.
    pub bootstraps: u64,
    /// The largest distance of decrypted outputs from those computed in the clear, over all steps; null where no step decrypts
    /// any.
    #[serde(default)]
    pub output_error: Option<f64>,
    /// Wall-clock seconds of the parts of all steps of the last process, by name.
    #[serde(default)]
    pub parts: Vec<(String, f64)>,
}

/// Bootstraps by scheme.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Bootstraps {
    /// Of BGV.
    pub bgv: u64,
    /// Of CKKS.
    pub ckks: u64,
    /// Of TFHE.
    pub tfhe: u64,
}
