//! The server: engines with ciphertexts and evaluation keys, and nothing that decrypts.
//!
//! It takes neither secret keys, which are other bytes than evaluation keys, nor what decrypts:
//!
//! ```compile_fail,E0308
//! # use nn_encrypted::{plan::Plan, roles::{Client, Server}};
//! # fn f(plan: std::sync::Arc<Plan>, client: Client) {
//! let server = Server::new(&plan, &client.secret_bytes(), false);
//! # }
//! ```
//! ```compile_fail,E0277
//! # fn f(client: nn_encrypted::roles::Client) {
//! let server: nn_encrypted::roles::Server = client.into();
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::message::{
    self, Due, Incoming, MODEL, Moment, Opened, Outgoing, Part, Purpose, Rows, Task, expected,
};
use super::{Link, MessageError, ServerError};
use crate::engine::{Engine, EngineError, KeyStream, Usage, streams};
use crate::plan::Plan;
use crate::program::{Refresh, Refresher, Step, Tensor};

/// The tensors of a mini-batch.
const BATCH: [Tensor; 2] = [Tensor::Features, Tensor::Targets];

/// Computes on ciphertexts.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use std::sync::Arc;
/// use nn_encrypted::roles::{Client, LocalLink, Server, Traffic};
///
/// let plan = session.plan()?;
/// let mut client = Client::new(&plan, session.first.clone())?;
/// let mut server = Server::new(&plan, &client.evaluation_keys()?, false)?;
/// server.receive_model(0, client.encrypt_model(0)?)?;
/// let (x, targets) = session.batch(0)?;
/// server.receive_batch(0, client.encrypt_batch(0, x.view(), targets.view())?)?;
/// client.begin(0, x.view(), targets.view())?;
/// let mut traffic = Traffic::default();
/// let mut link = LocalLink { client: &mut client, traffic: &mut traffic };
/// server.train(0, 0, &mut link, &Arc::default())?;
/// assert_ne!(client.model(), &session.first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    plan: Arc<Plan>,
    hash: [u8; 32],
    engines: Vec<Box<dyn Engine>>,
    /// Mini-batches as they came, still encrypted as they were sent.
    batches: BTreeMap<usize, Opened>,
    /// The mini-batch that the engines hold: the one that came last, most often the next one to train on.
    held: Option<usize>,
    has_model: bool,
}

impl Server {
    /// A server with the evaluation keys of every engine, as they were sent. With `record` engines keep what an audit needs.
    ///
    /// # Errors
    /// If keys are missing, damaged, or of other parameters.
    pub fn new(plan: &Arc<Plan>, keys: &[Vec<Vec<u8>>], record: bool) -> Result<Self, ServerError> {
        Self::read_from(plan, keys.iter().map(|keys| streams(keys)).collect(), record)
    }

    /// As [`new`](Self::new), with evaluation keys that are read piece by piece: they are not in memory as they were sent beside what is
    /// made of them.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if reading fails.
    pub(crate) fn read_from(
        plan: &Arc<Plan>,
        keys: Vec<Vec<KeyStream<'_>>>,
        record: bool,
    ) -> Result<Self, ServerError> {
        if keys.len() != plan.engines.len() {
            return Err(ServerError::Keys { found: keys.len(), needed: plan.engines.len() });
        }
        let engines = plan.engines.iter().zip(keys).map(|(engine, keys)| engine.engine(keys, record));
        Ok(Self {
            plan: Arc::clone(plan),
            hash: plan.hash(),
            engines: engines.collect::<Result<_, EngineError>>()?,
            batches: BTreeMap::new(),
            held: None,
            has_model: false,
        })
    }

    fn open(
        &self,
        purpose: Purpose,
        moment: Moment,
        rows: Rows,
        tensors: &[Tensor],
        bytes: Vec<u8>,
    ) -> Result<Opened, MessageError> {
        let tensors = |rows| expected(&self.plan, tensors, rows);
        message::open(&Due { hash: &self.hash, purpose, moment, rows, tensors: &tensors }, bytes)
    }

    /// Gives tensors to their engines.
    fn give(&mut self, rows: usize, tensors: Vec<Incoming>) -> Result<(), EngineError> {
        for Part { tensor, engine, parts } in tensors {
            self.engines[engine].receive(tensor, rows, parts)?;
        }
        Ok(())
    }

    /// Gives tensors that live from step to step to their engines: all of them or none.
    fn replace(&mut self, rows: usize, tensors: Vec<Incoming>) -> Result<(), EngineError> {
        for Part { tensor, engine, parts } in &tensors {
            self.engines[*engine].check(*tensor, rows, parts)?;
        }
        self.give(rows, tensors)
    }

    /// Takes mini-batch number `index`; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged, of another plan, or holds a transparent ciphertext.
    pub fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.held = None;
        let (moment, rows) = (Moment::first(index as u64), Rows::UpTo(self.plan.batch()));
        let backward = self.plan.program.has_client_backward();
        let tensors = if backward { &BATCH[..1] } else { &BATCH[..] };
        let Opened { rows, tensors } = self.open(Purpose::Batch, moment, rows, tensors, bytes)?;
        self.give(rows, tensors.clone())?;
        self.batches.insert(index, Opened { rows, tensors });
        self.held = Some(index);
        Ok(())
    }

    /// Whether it has mini-batch number `index`.
    pub(crate) fn has_batch(&self, index: usize) -> bool {
        self.batches.contains_key(&index)
    }

    /// Forgets a mini-batch; it is to be sent again before its next use.
    pub(crate) fn forget_batch(&mut self, index: usize) {
        self.batches.remove(&index);
        self.held.take_if(|held| *held == index);
    }

    /// Forgets all mini-batches.
    #[cfg(feature = "serve")]
    pub(crate) fn forget_batches(&mut self) {
        self.batches.clear();
        self.held = None;
    }

    /// Takes weights and momentum, those after `step` steps.
    ///
    /// # Errors
    /// If they are damaged, of another plan or step, or hold a transparent ciphertext; weights of before then stay.
    pub fn receive_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError> {
        let moment = Moment::first(step);
        let Opened { rows, tensors } = self.open(Purpose::Model, moment, Rows::Exactly(0), &MODEL, bytes)?;
        self.replace(rows, tensors)?;
        self.has_model = true;
        Ok(())
    }

    /// Weights and momentum as they are after `step` steps: what is to be kept to go on.
    ///
    /// # Errors
    /// If there are none.
    pub fn model(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.check_model()?;
        let tensors = self.collect(&MODEL, 0)?;
        Ok(message::seal(&self.hash, Purpose::Model, Moment::first(step), 0, &tensors))
    }

    /// Goes on from what [`model`](Self::model) gave after `step` steps.
    ///
    /// # Errors
    /// As [`receive_model`](Self::receive_model).
    pub fn restore(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.receive_model(step, bytes)
    }

    /// Trains on one mini-batch, as step number `step`.
    ///
    /// # Errors
    /// If weights or mini-batch were not sent, an operation fails, `stop` was set, or the client does not answer as planned;
    /// weights and momentum are then what they were.
    pub fn train(
        &mut self,
        step: u64,
        batch: usize,
        link: &mut dyn Link,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), ServerError> {
        self.check_model()?;
        let Opened { rows, tensors } = self.batches.get(&batch).ok_or(ServerError::MissingBatch(batch))?;
        let (rows, tensors) = (*rows, tensors.clone());
        if self.held.take() != Some(batch) {
            self.give(rows, tensors)?;
        }
        self.engines.iter_mut().for_each(|engine| engine.stop_by(stop));
        let plan = Arc::clone(&self.plan);
        let trained = self.walk((Task::Training, step, rows), &plan.program.training, link);
        self.engines.iter_mut().for_each(|engine| {
            engine.stop_by(&Arc::default());
            engine.end(trained.is_ok());
        });
        trained
    }

    /// Classifies the images of query number `number`: the outputs, as a message for the client.
    ///
    /// # Errors
    /// If the weights were not sent, the query is damaged, an operation fails, or the client does not answer as planned.
    pub fn predict(
        &mut self,
        number: u64,
        query: Vec<u8>,
        link: &mut dyn Link,
    ) -> Result<Vec<u8>, ServerError> {
        self.check_model()?;
        if self.held.take().is_some() {
            // Targets of a mini-batch that was not trained on.
            self.engines.iter_mut().for_each(|engine| engine.end(false));
        }
        let (plan, rows) = (Arc::clone(&self.plan), Rows::UpTo(self.plan.batch()));
        let Opened { rows, tensors } =
            self.open(Purpose::Query, Moment::first(number), rows, &BATCH[..1], query)?;
        self.give(rows, tensors)?;
        let walked = self.walk((Task::Classification, number, rows), &plan.program.prediction, link);
        let outputs = walked.and_then(|()| self.collect(&[plan.program.outputs.from], rows));
        self.engines.iter_mut().for_each(|engine| engine.end(false));
        let moment = Moment { number, round: plan.program.rounds.len() as u16 };
        Ok(message::seal(&self.hash, Purpose::Outputs, moment, rows, &outputs?))
    }

    fn check_model(&self) -> Result<(), ServerError> {
        self.has_model.then_some(()).ok_or(ServerError::MissingModel)
    }

    fn walk(
        &mut self,
        (task, number, rows): (Task, u64, usize),
        steps: &[Step],
        link: &mut dyn Link,
    ) -> Result<(), ServerError> {
        let plan = Arc::clone(&self.plan);
        let mut ahead = steps;
        while !ahead.is_empty() {
            let (now, later) = ahead.split_at(Step::count_independent(ahead));
            match *now {
                [Step::Refresh { round, by }] if by.is_client() => {
                    let refreshes = &plan.program.rounds[round];
                    let moment = Moment { number, round: round as u16 };
                    self.exchange((task, moment, rows), refreshes, by, link)?;
                }
                _ => self.compute(number, now)?,
            }
            ahead = later;
        }
        Ok(())
    }

    /// Runs steps of which none reads what another writes, or a refresh without the client.
    fn compute(&mut self, number: u64, steps: &[Step]) -> Result<(), ServerError> {
        let plan = Arc::clone(&self.plan);
        for (e, engine) in self.engines.iter_mut().enumerate() {
            let failed = |source| match source {
                EngineError::Stopped => ServerError::Stopped,
                source => {
                    let step = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    ServerError::Step { number, step, source }
                }
            };
            if let [Step::Refresh { round, by }] = *steps {
                let mine = plan.program.rounds[round].iter().filter(|r| plan.holders(r.from).contains(&e));
                let mine: Vec<Refresh> = mine.cloned().collect();
                if !mine.is_empty() {
                    engine.refresh(&mine, by).map_err(failed)?;
                }
                continue;
            }
            let mine: Vec<Step> =
                steps.iter().copied().filter(|step| plan.runs(*step).contains(&e)).collect();
            if !mine.is_empty() {
                engine.run(&mine).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Tensors of all engines that hold them, as they are sent.
    fn collect(&mut self, tensors: &[Tensor], rows: usize) -> Result<Vec<Outgoing>, ServerError> {
        let all = expected(&self.plan, tensors, rows);
        let missing = |tensor: &&Tensor| !tensor.is_of_model() && all.iter().all(|p| p.tensor != **tensor);
        if let Some(&tensor) = tensors.iter().find(missing) {
            return Err(ServerError::Unplanned(tensor));
        }
        let parts = all.into_iter();
        let parts = parts.map(|Part { tensor, engine, .. }| {
            Ok(Part { tensor, engine, parts: self.engines[engine].send(tensor)? })
        });
        parts.collect()
    }

    /// A round with the client.
    fn exchange(
        &mut self,
        (task, moment, rows): (Task, Moment, usize),
        refreshes: &[Refresh],
        by: Refresher,
        link: &mut dyn Link,
    ) -> Result<(), ServerError> {
        let asked = if by == Refresher::ClientBackward { &refreshes[..1] } else { refreshes };
        let asked: Vec<Tensor> = asked.iter().map(|refresh| refresh.from).collect();
        let tensors = self.collect(&asked, rows)?;
        let request = message::seal(&self.hash, task.request(), moment, rows, &tensors);
        drop(tensors);
        let answer = link.exchange(request).map_err(ServerError::Link)?;
        let awaited: Vec<Tensor> = refreshes.iter().flat_map(|refresh| refresh.to.clone()).collect();
        let Opened { tensors, .. } =
            self.open(task.response(), moment, Rows::Exactly(rows), &awaited, answer)?;
        if awaited.iter().any(|tensor| tensor.is_of_model()) {
            self.replace(rows, tensors)?;
        } else {
            self.give(rows, tensors)?;
        }
        Ok(())
    }

    /// Counts and times of each engine so far.
    #[must_use]
    pub fn usage(&self) -> Vec<Usage> {
        self.engines.iter().map(|engine| engine.usage()).collect()
    }

    /// Records of engines for an audit since this was asked last.
    pub(crate) fn take_records(&mut self) -> Vec<Vec<u8>> {
        self.engines.iter_mut().map(|engine| engine.take_records()).collect()
    }
}

he_core::brief_debug!(Server: |a| plan = a.plan, batches = a.batches.len(), has_model = a.has_model);
