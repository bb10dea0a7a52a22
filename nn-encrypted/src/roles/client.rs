//! The client: keys, encryption, and refreshes.

mod answer;
mod settle;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use zeroize::Zeroizing;

use super::ClientError;
use super::cipher::{Cipher, Opened, Plain};
use super::message::{self, MODEL, Moment, Outgoing, Part, Purpose, Task, expected};
use super::owner::seal_public_keys;
use super::samples::check_samples;
use crate::model::Model;
use crate::plan::Plan;
use crate::program::{Refresher, Step, Tensor};

pub use self::settle::RefreshCounts;

/// Holds the secret keys and the data.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use nn_encrypted::roles::Client;
///
/// let plan = session.plan()?;
/// let client = Client::new(&plan, session.first.clone())?;
/// let again = Client::with_secrets(&plan, session.first.clone(), &client.secret_bytes())?;
/// assert_eq!(again.model(), client.model());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It cannot be printed, cloned, compared or serialized by derive; its keys are wiped when it is
/// dropped.
///
/// ```compile_fail,E0277
/// fn print(client: &nn_encrypted::roles::Client) { println!("{client:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(client: &nn_encrypted::roles::Client) -> nn_encrypted::roles::Client { client.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &nn_encrypted::roles::Client, b: &nn_encrypted::roles::Client) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { client: nn_encrypted::roles::Client }
/// ```
pub struct Client {
    plan: Arc<Plan>,
    hash: [u8; 32],
    ciphers: Vec<Box<dyn Cipher>>,
    model: Model,
    counts: RefreshCounts,
    output_error: f64,
    waiting: Option<Waiting>,
    /// Approximate tensors of this step or classification that were rounded for an exact layer.
    rounded: Vec<Array2<f64>>,
    /// Tensors of this step as they were decrypted, where they are kept for an audit.
    kept: Option<Vec<Kept>>,
}

/// A tensor as it was decrypted, of each engine that holds it.
pub(crate) type Kept = (Tensor, Vec<(usize, Opened)>);

/// The message the client waits for: no other is answered, and none twice.
#[derive(Clone)]
struct Waiting {
    task: Task,
    number: u64,
    /// The refreshes by the client that are still to come, the next one first.
    rounds: Vec<(usize, Refresher)>,
    rows: usize,
    /// Features and targets, where the client takes the backward pass.
    batch: Option<(Array2<f64>, Array2<f64>)>,
}

impl Waiting {
    fn new(plan: &Plan, task: Task, number: u64, rows: usize) -> Self {
        let steps = match task {
            Task::Training => &plan.program.training,
            Task::Classification => &plan.program.prediction,
        };
        let rounds = steps.iter().filter_map(|step| match step {
            Step::Refresh { round, by } if by.is_client() => Some((*round, *by)),
            _ => None,
        });
        Self { task, number, rounds: rounds.collect(), rows, batch: None }
    }
}

impl Client {
    /// A client with new keys and the weights to start from.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<Plan>, model: Model) -> Result<Self, ClientError> {
        let ciphers = plan.engines.iter().map(|engine| engine.generate());
        Ok(Self::with_ciphers(plan, model, ciphers.collect::<Result<_, _>>()?))
    }

    /// A client with secret keys of before, as [`secret_bytes`](Self::secret_bytes) gave them.
    ///
    /// # Errors
    /// If they are damaged, of other parameters, or of another number of engines.
    pub fn with_secrets(
        plan: &Arc<Plan>,
        model: Model,
        secrets: &[Vec<Zeroizing<Vec<u8>>>],
    ) -> Result<Self, ClientError> {
        if secrets.len() != plan.engines.len() {
            let needed = plan.engines.len().to_string();
            return Err(ClientError::Data { what: "secret keys of engines", found: secrets.len(), needed });
        }
        let ciphers = plan.engines.iter().zip(secrets).map(|(engine, keys)| engine.with_secret(keys));
        Ok(Self::with_ciphers(plan, model, ciphers.collect::<Result<_, _>>()?))
    }

    /// A client with the ciphers of each engine.
    pub(crate) fn with_ciphers(plan: &Arc<Plan>, model: Model, ciphers: Vec<Box<dyn Cipher>>) -> Self {
        Self {
            plan: Arc::clone(plan),
            hash: plan.hash(),
            ciphers,
            model,
            counts: RefreshCounts::default(),
            output_error: 0.0,
            waiting: None,
            rounded: Vec::new(),
            kept: None,
        }
    }

    /// The secret keys of each engine, for storage on the client's side.
    #[must_use]
    pub fn secret_bytes(&self) -> Vec<Vec<Zeroizing<Vec<u8>>>> {
        self.ciphers.iter().map(|cipher| cipher.secret_bytes()).collect()
    }

    /// New evaluation keys for the server: of each engine a sealed message for each kind.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<Vec<Vec<u8>>>, ClientError> {
        self.ciphers.iter().map(|cipher| Ok(cipher.evaluation_keys()?)).collect()
    }

    /// New public keys for owners of data, sealed: see [`DataOwner`](super::DataOwner). Of engines without such keys they hold none.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn public_keys(&self) -> Result<Vec<u8>, ClientError> {
        let keys = self.ciphers.iter().map(|cipher| cipher.public_keys());
        Ok(seal_public_keys(&self.hash, &keys.collect::<Result<Vec<_>, _>>()?))
    }

    /// The keys of an engine, to open what it recorded.
    pub(crate) fn cipher(&self, engine: usize) -> Option<&dyn Cipher> {
        self.ciphers.get(engine).map(AsRef::as_ref)
    }

    /// The weights as of the last refresh.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Other weights to start from.
    #[cfg(test)]
    pub(crate) fn set_model(&mut self, model: Model) {
        self.model = model;
    }

    /// Counts since the start.
    #[must_use]
    pub fn counts(&self) -> RefreshCounts {
        self.counts
    }

    /// Goes on counting from counts of before.
    pub(crate) fn resume_counts(&mut self, counts: RefreshCounts) {
        self.counts = counts;
    }

    /// Of a client that takes the backward pass: how far outputs of the server were from those in the clear, at most.
    pub(crate) fn output_error(&self) -> f64 {
        self.output_error
    }

    /// The approximate tensors that the last step or classification rounded for an exact layer, in their order: what a twin needs to
    /// round alike where noise decides.
    pub(crate) fn take_rounded(&mut self) -> Vec<Array2<f64>> {
        std::mem::take(&mut self.rounded)
    }

    /// The approximate tensors that [`take_rounded`](Self::take_rounded) will give.
    pub(crate) fn rounded(&self) -> &[Array2<f64>] {
        &self.rounded
    }

    /// From now on keeps the tensors of a step as they are decrypted. No answer depends on it.
    pub(crate) fn keep_decrypted(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// The tensors of this step as they were decrypted, in the order of the rounds.
    pub(crate) fn take_decrypted(&mut self) -> Vec<Kept> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Checks the shape of features, and of targets if there are any.
    fn check(&self, x: ArrayView2<'_, f64>, targets: Option<ArrayView2<'_, f64>>) -> Result<(), ClientError> {
        check_samples(&self.plan, x, targets)
    }

    /// Encrypts tensors for all engines that hold them.
    fn encrypt(&self, tensors: &[(Tensor, Plain<'_>)], rows: usize) -> Result<Vec<Outgoing>, ClientError> {
        let mut all = Vec::new();
        for &(tensor, values) in tensors {
            for Part { engine, .. } in expected(&self.plan, &[tensor], rows) {
                let parts = self.ciphers[engine].encrypt(tensor, values)?;
                all.push(Part { tensor, engine, parts });
            }
        }
        Ok(all)
    }

    fn seal(&self, purpose: Purpose, moment: Moment, rows: usize, tensors: &[Outgoing]) -> Vec<u8> {
        message::seal(&self.hash, purpose, moment, rows, tensors)
    }

    /// A mini-batch (images by features) and its targets (images by outputs), encrypted as number `index`.
    ///
    /// # Errors
    /// If it does not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_batch(
        &self,
        index: usize,
        x: ArrayView2<'_, f64>,
        targets: ArrayView2<'_, f64>,
    ) -> Result<Vec<u8>, ClientError> {
        self.check(x, Some(targets))?;
        let mut tensors = vec![(Tensor::Features, Plain::Rows(x))];
        // A client that takes the backward pass keeps them for itself.
        if !self.plan.program.has_client_backward() {
            tensors.push((Tensor::Targets, Plain::Rows(targets)));
        }
        let tensors = self.encrypt(&tensors, x.nrows())?;
        Ok(self.seal(Purpose::Batch, Moment::first(index as u64), x.nrows(), &tensors))
    }

    /// Images to be classified, encrypted as query number `number`; the client then waits for its rounds.
    ///
    /// # Errors
    /// If they do not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_query(&mut self, number: u64, x: ArrayView2<'_, f64>) -> Result<Vec<u8>, ClientError> {
        self.check(x, None)?;
        let tensors = self.encrypt(&[(Tensor::Features, Plain::Rows(x))], x.nrows())?;
        self.rounded.clear();
        self.waiting = Some(Waiting::new(&self.plan, Task::Classification, number, x.nrows()));
        Ok(self.seal(Purpose::Query, Moment::first(number), x.nrows(), &tensors))
    }

    /// Weights and momentum as they are after `step` steps, encrypted.
    ///
    /// # Errors
    /// If a number does not fit the plan, or the operating system gives no randomness.
    pub fn encrypt_model(&self, step: u64) -> Result<Vec<u8>, ClientError> {
        let model = self.sendable();
        let tensors = self.encrypt(&MODEL.map(|tensor| (tensor, Plain::Model(&model))), 0)?;
        Ok(self.seal(Purpose::Model, Moment::first(step), 0, &tensors))
    }

    /// Begins training step `step` on a mini-batch: the client then waits for its rounds.
    ///
    /// # Errors
    /// If the mini-batch does not fit the plan.
    pub fn begin(
        &mut self,
        step: u64,
        x: ArrayView2<'_, f64>,
        targets: ArrayView2<'_, f64>,
    ) -> Result<(), ClientError> {
        self.check(x, Some(targets))?;
        self.rounded.clear();
        self.kept.iter_mut().for_each(Vec::clear);
        let mut waiting = Waiting::new(&self.plan, Task::Training, step, x.nrows());
        waiting.batch = self.plan.program.has_client_backward().then(|| (x.to_owned(), targets.to_owned()));
        self.waiting = Some(waiting);
        Ok(())
    }
}
