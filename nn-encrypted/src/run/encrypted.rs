//! A client and its server, wherever that is.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ndarray::{Array2, ArrayView2};

use super::RunError;
use super::report::StageSummary;
use super::session::Session;
use crate::meter::Spent;
use crate::model::Model;
use crate::plan::Plan;
use crate::program::{Step, Tensor};
use crate::roles::{Channel, Client, LocalLink, Server, ServerError, Traffic};
use crate::twin::Twin;

/// A client and its server, connected by bytes: in one process, or with the server elsewhere.
///
/// ```
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::Session;
///
/// let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// let session = Session::new(recipe, None)?;
/// use nn_encrypted::roles::Client;
/// use nn_encrypted::run::Encrypted;
///
/// let plan = session.plan()?;
/// let (mut both, _) = Encrypted::start(&plan, Client::new(&plan, session.first.clone())?)?;
/// both.send(&session, 0)?;
/// assert!(both.step(&session, 0, 0, &Default::default())?);
/// assert!(both.traffic.to_client > 0);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
pub struct Encrypted {
    /// The plan they share.
    pub plan: Arc<Plan>,
    /// The client.
    pub client: Client,
    /// The server.
    pub(crate) server: Box<dyn Channel>,
    /// Traffic of refreshes.
    pub traffic: Traffic,
    /// Bytes of data and first weights.
    pub data_bytes: u64,
    /// Bytes of evaluation keys.
    pub key_bytes: u64,
    /// Bytes of mini-batches a server may keep in memory from one epoch to the next. If all of them take more, one is kept: each is
    /// then encrypted and sent when it is used.
    pub batch_bytes: u64,
    sent: HashSet<usize>,
}

/// Evaluation keys as they are sent: of each engine a message for each kind.
pub type SentKeys = Vec<Vec<Vec<u8>>>;

/// [`Encrypted::batch_bytes`] at first: 1 GiB where a client refreshes, whose mini-batches are small, 2 GiB elsewhere.
pub(super) const BATCH_BYTES: [u64; 2] = [1 << 30, 1 << 31];

/// Counts and times of engines.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) tables: u64,
    pub(super) bootstraps: u64,
    pub(super) failure: f64,
    pub(super) stages: Vec<StageSummary>,
}

impl Counted {
    /// Adds what was counted of a stage.
    pub(super) fn add(&mut self, stage: StageSummary) {
        match self.stages.iter_mut().find(|known| known.stage == stage.stage) {
            Some(known) => {
                known.seconds += stage.seconds;
                known.core_seconds += stage.core_seconds;
            }
            None => self.stages.push(stage),
        }
    }
}

impl Encrypted {
    /// Makes keys and gives them and the first weights to a server in this process. The evaluation keys are returned as they were sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn start(plan: &Arc<Plan>, client: Client) -> Result<(Self, SentKeys), RunError> {
        let keys = client.evaluation_keys()?;
        let bytes = keys.iter().flatten().map(|key| key.len() as u64).sum();
        let mut this = Self::new(plan, client, Box::new(Server::new(plan, &keys, true)?), bytes);
        this.send_model()?;
        Ok((this, keys))
    }

    /// Encrypts and sends the weights that the client has, as those before the first step.
    ///
    /// # Errors
    /// If the operating system gives no randomness, or the server stops.
    pub(super) fn send_model(&mut self) -> Result<(), RunError> {
        let model = self.client.encrypt_model(0)?;
        self.data_bytes += model.len() as u64;
        Ok(self.server.receive_model(0, model)?)
    }

    /// A client and a server with evaluation keys of so many bytes, but without weights.
    #[must_use]
    pub(super) fn new(plan: &Arc<Plan>, client: Client, server: Box<dyn Channel>, key_bytes: u64) -> Self {
        let alone = Self::is_alone_in(plan);
        Self {
            plan: Arc::clone(plan),
            client,
            server,
            traffic: Traffic::default(),
            data_bytes: 0,
            key_bytes,
            batch_bytes: BATCH_BYTES[usize::from(alone)],
            sent: HashSet::new(),
        }
    }

    /// Encrypts and sends a mini-batch, unless the server has it.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn send(&mut self, session: &Session, batch: usize) -> Result<(), RunError> {
        if self.sent.contains(&batch) || self.server.has_batch(batch)? {
            self.sent.insert(batch);
            return Ok(());
        }
        if session.is_elsewhere() {
            return Err(RunError::Absent { batch });
        }
        let (x, targets) = session.batch(batch)?;
        let bytes = self.client.encrypt_batch(batch, x.view(), targets.view())?;
        let each = bytes.len() as u64;
        // Mini-batches have one size.
        let all = each.saturating_mul(session.batches.count() as u64);
        if !self.server.is_elsewhere() && all > self.batch_bytes {
            self.sent.drain().for_each(|other| self.server.forget_batch(other));
        }
        self.data_bytes += each;
        self.server.receive_batch(batch, bytes)?;
        self.sent.insert(batch);
        Ok(())
    }

    /// Mini-batches the server has.
    #[must_use]
    pub fn batches_kept(&self) -> usize {
        self.sent.len()
    }

    /// One training step on a mini-batch that was sent; false if `stop` ended it before it had changed anything.
    ///
    /// # Errors
    /// If the server or the client stops.
    pub fn step(
        &mut self,
        session: &Session,
        step: u64,
        batch: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<bool, RunError> {
        let (x, targets) = session.batch(batch)?;
        self.client.begin(step, x.view(), targets.view())?;
        let mut link = LocalLink { client: &mut self.client, traffic: &mut self.traffic };
        match self.server.train(step, batch, &mut link, stop) {
            Err(ServerError::Stopped) => {
                drop(self.server.take_records());
                Ok(false)
            }
            other => Ok(other.map(|()| true)?),
        }
    }

    /// Tells the twin what its next step or classification needs to know of the encrypted one: by which phases tables were looked up,
    /// and how the client rounded approximate numbers.
    ///
    /// # Errors
    /// If a record is damaged.
    pub(crate) fn tell(&mut self, twin: &mut Twin) -> Result<(), RunError> {
        twin.replay_rounded(self.client.take_rounded());
        for (engine, records) in self.server.take_records().into_iter().enumerate() {
            if let Some(cipher) = self.client.cipher(engine).filter(|_| !records.is_empty()) {
                twin.replay(cipher.open_records(&records).map_err(crate::roles::ClientError::from)?);
            }
        }
        Ok(())
    }

    /// The model after `step` steps: as the client has it from a refresh, or decrypted.
    ///
    /// # Errors
    /// If the server has none.
    pub fn model(&mut self, step: u64) -> Result<Model, RunError> {
        let program = &self.plan.program;
        let refreshed = program.training.iter().any(|step| match step {
            Step::Refresh { round, by } if by.is_client() => {
                program.rounds[*round].iter().any(|refresh| refresh.to.contains(&Tensor::Weights))
            }
            _ => false,
        });
        if refreshed {
            return Ok(self.client.model().clone());
        }
        let bytes = self.server.model(step)?;
        Ok(self.client.decrypt_model(step, bytes)?.clone())
    }

    /// The outputs for samples, classified under encryption, and the bytes that crossed before and after. What it takes, but for
    /// the encryption of the samples, is added to `spent`.
    ///
    /// # Errors
    /// If the server or the client stops.
    pub(super) fn query(
        &mut self,
        number: u64,
        x: ArrayView2<'_, f64>,
        spent: &mut Spent,
    ) -> Result<(Array2<f64>, u64), RunError> {
        let before = self.elsewhere();
        let Self { client, server, .. } = self;
        let query = client.encrypt_query(number, x)?;
        let (sent, mut traffic) = (query.len() as u64, Traffic::default());
        let outputs = spent.on(|| -> Result<Array2<f64>, RunError> {
            let mut link = LocalLink { client: &mut *client, traffic: &mut traffic };
            let answer = server.predict(number, query, &mut link)?;
            traffic.to_client += answer.len() as u64;
            Ok(client.read_outputs(answer)?)
        })?;
        spent.cpu += self.elsewhere() - before;
        Ok((outputs, sent + traffic.to_client + traffic.to_server))
    }

    /// Processor seconds of the stages of steps in another process, as its server tells them.
    pub(super) fn elsewhere(&self) -> f64 {
        if !self.server.is_elsewhere() {
            return 0.0;
        }
        self.counted().stages.iter().map(|stage| stage.core_seconds).sum()
    }

    /// Whether the server computes a step alone; such steps are long.
    pub(super) fn is_alone(&self) -> bool {
        Self::is_alone_in(&self.plan)
    }

    /// Whether a server computes a step of a plan alone.
    pub(super) fn is_alone_in(plan: &Plan) -> bool {
        !plan.program.training.iter().any(by_client)
    }

    /// Counts and times of the engines in this process.
    pub(super) fn counted(&self) -> Counted {
        let mut all = Counted::default();
        for usage in self.server.usage() {
            all.tables += usage.tables;
            all.bootstraps += usage.bootstraps;
            all.failure += usage.failure;
            for (stage, seconds, core_seconds) in usage.stages {
                all.add(StageSummary { stage, seconds, core_seconds });
            }
        }
        all
    }
}

fn by_client(step: &Step) -> bool {
    matches!(step, Step::Refresh { by, .. } if by.is_client())
}
