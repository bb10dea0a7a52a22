//! Training: client, server and twin side by side.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::folder::RunFolder;
use super::link::{LocalLink, Traffic};
use super::meter::{Spent, host, peak_memory};
use super::predict::predict_encrypted;
use super::progress::Progress;
use super::report::{
    Accuracy, CoreSeconds, DataSummary, EncryptedParts, Report, SCHEMA, SchemeSummary, Seconds,
    TrafficSummary, TwinSummary,
};
use super::{Mode, RunError};
use crate::clear::Clear;
use crate::data::{self, Batches, Prepared};
use crate::metrics;
use crate::plan::Plan;
use crate::recipe::{Model, Network, Recipe, RecipeError};
use crate::roles::{Client, Server};
use crate::twin::Twin;

/// What the command line adds to a recipe.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How to run.
    pub mode: Mode,
    /// Where data sets are that are not embedded.
    pub data_dir: Option<PathBuf>,
    /// Stop after so many steps.
    pub steps: Option<usize>,
    /// Where the results go.
    pub out: Option<PathBuf>,
    /// Say nothing but errors.
    pub quiet: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Test accuracies after each epoch, before training first.
    pub curve: Vec<f64>,
    /// The trained model.
    pub model: Option<Model>,
}

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
        let (batch, samples) = (recipe.optimizer.batch_size, batches.samples());
        if batch > samples {
            let field = "optimizer.batch_size".to_owned();
            let what = format!("{batch}; at most {samples}, the number of training samples, is needed");
            return Err(RecipeError::Field { field, what }.into());
        }
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
        let all = self.batches.count().saturating_mul(self.recipe.optimizer.epochs);
        limit.map_or(all, |limit| limit.min(all))
    }

    /// The balanced accuracy of predictions of the test part.
    pub(super) fn balanced(&self, predicted: &[usize]) -> f64 {
        metrics::balanced_accuracy(predicted, &self.data.test.labels, self.data.classes.len())
    }

    fn twin(&self, model: Model) -> Twin {
        Twin::with_model(&self.recipe, &self.network, model)
    }

    fn report(&self, mode: Mode) -> Report {
        Report {
            schema: SCHEMA,
            recipe: self.recipe.name.clone(),
            mode: format!("{mode:?}").to_lowercase(),
            data: DataSummary {
                name: self.data.name.clone(),
                train: self.data.train.labels.len(),
                test: self.data.test.labels.len(),
                features: self.data.features.len(),
                classes: self.data.classes.len(),
            },
            network: self.network.widths(),
            schemes: vec![],
            encrypted: EncryptedParts::default(),
            steps: 0,
            accuracy: Accuracy::default(),
            twin: TwinSummary::default(),
            seconds: Seconds::default(),
            core_seconds_per_image: None,
            core_seconds: CoreSeconds::default(),
            traffic: TrafficSummary::default(),
            prediction: None,
            bootstraps: super::report::Bootstraps::default(),
            switches: 0,
            key_bytes: 0,
            peak_memory_bytes: None,
            threads: rayon::current_num_threads(),
            host: host(),
        }
    }
}

/// A client and a server in one process, connected by bytes.
pub struct Encrypted {
    /// The plan they share.
    pub plan: Arc<Plan>,
    /// The client.
    pub client: Client,
    /// The server.
    pub server: Server,
    /// What crossed in refreshes.
    pub traffic: Traffic,
    /// Bytes of data and first weights.
    pub data_bytes: u64,
    /// Bytes of evaluation keys.
    pub key_bytes: u64,
    sent: Vec<bool>,
}

impl Encrypted {
    /// Makes keys and sends them and the first weights. The evaluation keys are returned as they were sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn start(plan: &Arc<Plan>, client: Client) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        let keys = client.evaluation_keys()?;
        let mut server = Server::new(plan, &keys)?;
        let model = client.encrypt_model()?;
        server.receive_model(&model)?;
        let this = Self {
            plan: Arc::clone(plan),
            client,
            server,
            traffic: Traffic::default(),
            data_bytes: model.len() as u64,
            key_bytes: keys.iter().map(|k| k.len() as u64).sum(),
            sent: vec![],
        };
        Ok((this, keys))
    }

    /// Encrypts and sends a mini-batch, unless it was sent before.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn send(&mut self, session: &Session, batch: usize) -> Result<(), RunError> {
        if self.sent.len() <= batch {
            self.sent.resize(batch + 1, false);
        }
        if !std::mem::replace(&mut self.sent[batch], true) {
            let (x, labels) = session.data.train.select(session.batches.rows(batch));
            let bytes = self.client.encrypt_batch(batch, x.view(), &labels)?;
            self.data_bytes += bytes.len() as u64;
            self.server.receive_batch(batch, bytes)?;
        }
        Ok(())
    }

    /// One training step on a mini-batch that was sent.
    ///
    /// # Errors
    /// If the server or the client stops.
    pub fn step(&mut self, session: &Session, step: u64, batch: usize) -> Result<(), RunError> {
        let rows = session.batches.rows(batch).len();
        self.client.begin(step, rows);
        let mut link = LocalLink { client: &mut self.client, traffic: &mut self.traffic };
        Ok(self.server.train(step, batch, &mut link)?)
    }
}

/// Trains a recipe and writes its folder.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops.
pub fn train(recipe: Recipe, options: &Options) -> Result<Outcome, RunError> {
    let start = Instant::now();
    let session = Session::new(recipe, options.data_dir.as_deref())?;
    let mut outcome = match options.mode {
        Mode::Clear => train_clear(&session, options),
        Mode::Simulate => train_twin(&session, options)?,
        Mode::Encrypted => train_encrypted(&session, options)?,
    };
    outcome.report.seconds.total = start.elapsed().as_secs_f64();
    outcome.report.peak_memory_bytes = peak_memory();
    if let Some(out) = &options.out {
        let folder = RunFolder::new(out);
        folder.write_recipe(&session.recipe)?;
        folder.write_report(&outcome.report)?;
        let widths: Vec<String> = session.network.widths().iter().map(ToString::to_string).collect();
        let title = format!(
            "{} on {}, {}, {}",
            session.recipe.name,
            session.data.name,
            widths.join("-"),
            outcome.report.mode
        );
        folder.write_curve(&title, &outcome.curve)?;
        if let Some(model) = &outcome.model {
            folder.write_model(model)?;
            let predicted = session.twin(model.clone()).predict(&session.data.test.x)?;
            folder.write_predictions(&session.data.classes, &predicted, &session.data.test.labels)?;
        }
    }
    Ok(outcome)
}

/// Test accuracies of the same training in floating point, with the recipe's polynomials: before it and after each
/// epoch.
fn clear_curve(session: &Session, steps: usize) -> Vec<f64> {
    let mut net = Clear::new(&session.recipe, &session.network, session.recipe.seed);
    let mut curve = vec![net.accuracy(&session.data.test)];
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        net.step(&x, &labels);
        if (step + 1).is_multiple_of(session.batches.count()) || step + 1 == steps {
            curve.push(net.accuracy(&session.data.test));
        }
    }
    curve
}

fn train_clear(session: &Session, options: &Options) -> Outcome {
    let steps = session.steps(options.steps);
    let curve = clear_curve(session, steps);
    let mut report = session.report(Mode::Clear);
    report.steps = steps as u64;
    report.accuracy.clear_test = curve.last().copied();
    Outcome { report, curve, model: None }
}

fn train_twin(session: &Session, options: &Options) -> Result<Outcome, RunError> {
    let mut twin = session.twin(session.initial());
    let steps = session.steps(options.steps);
    let mut curve = vec![twin.accuracy(&session.data.test)?];
    let mut progress = Progress::new(steps as u64);
    let mut spent = Spent::default();
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        spent.on(|| twin.step(&x, &labels))?;
        end_of_epoch(session, &twin, step, steps, &mut curve, &mut progress, options.quiet)?;
    }
    progress.finish();
    let mut report = session.report(Mode::Simulate);
    report.steps = steps as u64;
    report.accuracy.twin_test = curve.last().copied();
    report.accuracy.clear_test = clear_curve(session, steps).last().copied();
    report.accuracy.balanced_test = Some(session.balanced(&twin.predict(&session.data.test.x)?));
    report.accuracy.majority_test = Some(metrics::majority_share(&session.data.test.labels));
    report.seconds.step_median = Some(spent.wall / steps.max(1) as f64);
    report.traffic.saturations = twin.saturations();
    Ok(Outcome { report, curve, model: Some(twin.model().clone()) })
}

/// After the last step of an epoch, and after the very last one: the accuracy on the test part.
fn end_of_epoch(
    session: &Session,
    model: &Twin,
    step: usize,
    steps: usize,
    curve: &mut Vec<f64>,
    progress: &mut Progress,
    quiet: bool,
) -> Result<(), RunError> {
    if !quiet {
        progress.step();
    }
    let epoch = session.batches.count();
    if (step + 1).is_multiple_of(epoch) || step + 1 == steps {
        let accuracy = model.accuracy(&session.data.test)?;
        curve.push(accuracy);
        if !quiet {
            let number = (step + 1).div_ceil(epoch);
            progress.note(format!("epoch {number}: test accuracy {:.2} %", accuracy * 100.0));
        }
    }
    Ok(())
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn train_encrypted(session: &Session, options: &Options) -> Result<Outcome, RunError> {
    let mut report = session.report(Mode::Encrypted);
    let say = |text: &str| {
        if !options.quiet {
            eprintln!("{text}");
        }
    };
    let mut planning = Spent::default();
    let plan = planning.on(|| session.plan())?;
    report.seconds.plan = planning.wall;
    say(&plan.to_string());

    let mut keygen = Spent::default();
    let (mut both, keys) = keygen.on(|| Encrypted::start(&plan, Client::new(&plan, session.initial())?))?;
    report.seconds.keygen = keygen.wall;
    if let Some(out) = &options.out {
        let folder = RunFolder::new(out);
        folder.write_secret_keys(both.client.keys())?;
        folder.write_evaluation_keys(&keys)?;
    }
    drop(keys);

    let steps = session.steps(options.steps);
    let mut twin = session.twin(session.initial());
    let (mut encrypt, mut training) = (Spent::default(), Spent::default());
    let mut times = Vec::new();
    let mut images = 0;
    let mut curve = vec![twin.accuracy(&session.data.test)?];
    let mut progress = Progress::new(steps as u64);
    for (step, batch) in session.batches.schedule(0).take(steps).enumerate() {
        encrypt.on(|| both.send(session, batch))?;
        let before = training.wall;
        training.on(|| both.step(session, step as u64, batch))?;
        times.push(training.wall - before);
        images += session.batches.rows(batch).len();
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        twin.step(&x, &labels)?;
        // The curve is the client's own: it is drawn from the weights it decrypted, and no one else learns it.
        let own = session.twin(both.client.model().clone());
        end_of_epoch(session, &own, step, steps, &mut curve, &mut progress, options.quiet)?;
    }
    progress.finish();

    let model = both.client.model().clone();
    let own = session.twin(model.clone());
    report.accuracy = Accuracy {
        train: Some(own.accuracy(&session.data.train)?),
        test: Some(own.accuracy(&session.data.test)?),
        twin_test: Some(twin.accuracy(&session.data.test)?),
        clear_test: clear_curve(session, steps).last().copied(),
        balanced_test: Some(session.balanced(&own.predict(&session.data.test.x)?)),
        majority_test: Some(metrics::majority_share(&session.data.test.labels)),
    };
    report.twin = compare(&model, twin.model(), session.recipe.quantization.weight_bits);
    report.schemes = plan.instances.iter().map(scheme).collect();
    report.encrypted = EncryptedParts::all();
    report.steps = steps as u64;
    report.seconds.encrypt = encrypt.wall;
    report.seconds.step_median = median(&mut times);
    report.core_seconds_per_image = (images > 0).then(|| training.cpu / images as f64);
    let client = both.traffic.client.cpu;
    report.core_seconds = CoreSeconds {
        server: training.cpu - client,
        client,
        step: (steps > 0).then(|| training.cpu / steps as f64),
    };
    report.key_bytes = both.key_bytes;
    let counts = both.client.counts();
    report.traffic = TrafficSummary {
        to_server_bytes: both.traffic.to_server,
        to_client_bytes: both.traffic.to_client,
        data_bytes: both.data_bytes,
        refreshes: counts.refreshed,
        rounds: both.traffic.rounds,
        saturations: counts.saturations,
        out_of_bounds: counts.out_of_bounds,
    };
    let prediction = predict_encrypted(session, &mut both, &own)?;
    report.traffic.out_of_bounds = both.client.counts().out_of_bounds;
    if let Some(out) = &options.out {
        RunFolder::new(out).write_server(&plan, &both.client.encrypt_model()?)?;
    }
    report.prediction = Some(prediction.summary);
    Ok(Outcome { report, curve, model: Some(model) })
}

fn scheme(instance: &crate::plan::Instance) -> SchemeSummary {
    let rlwe = instance.params.rlwe();
    SchemeSummary {
        name: "bgv".into(),
        ring_dimension: rlwe.n(),
        log_qp: rlwe.log_qp(),
        plaintext: format!("integers modulo {}", instance.spec.plaintext_modulus),
        security_bits: rlwe.security_bits(),
    }
}

fn compare(model: &Model, twin: &Model, weight_bits: u32) -> TwinSummary {
    let unit = f64::from(weight_bits).exp2();
    let differences = model.layers.iter().zip(&twin.layers).flat_map(|(a, b)| {
        let weights = a.weight.iter().zip(&b.weight);
        weights.chain(a.bias.iter().zip(&b.bias)).map(|(a, b)| (a - b).unsigned_abs())
    });
    let largest = differences.max().unwrap_or(0);
    TwinSummary { equal: Some(model == twin), max_abs_error: Some(largest as f64 / unit) }
}
