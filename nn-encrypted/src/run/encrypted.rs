//! Client and server side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_bgv::SecretKey;
use ndarray::{Array2, ArrayView2};

use super::checkpoint::{Generation, Half};
use super::link::{LocalLink, Traffic};
use super::meter::Spent;
use super::report::{Report, SchemeSummary};
use super::sides::Sides;
use super::state::Ledger;
use super::training::secret_digest;
use super::{RunError, RunFolder, Session};
use crate::plan::{Instance, Plan};
use crate::recipe::Model;
use crate::roles::{Client, Server};

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
    /// Bytes of mini-batches the server may keep from one epoch to the next. If all of them take more, none is kept:
    /// each is then encrypted and sent when it is used.
    pub batch_bytes: u64,
    sent: HashSet<usize>,
}

/// What [`Encrypted::batch_bytes`] is at first: 1 GiB.
const BATCH_BYTES: u64 = 1 << 30;

impl Encrypted {
    /// Makes keys and sends them and the first weights. The evaluation keys are returned as they were sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn start(plan: &Arc<Plan>, client: Client) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        let keys = client.evaluation_keys()?;
        let mut this = Self::new(plan, client, Server::new(plan, &keys)?, &keys);
        let model = this.client.encrypt_model()?;
        this.server.receive_model(&model)?;
        this.data_bytes = model.len() as u64;
        Ok((this, keys))
    }

    /// A client and a server with the given evaluation keys, but without weights.
    pub fn new(plan: &Arc<Plan>, client: Client, server: Server, keys: &[Vec<u8>]) -> Self {
        Self {
            plan: Arc::clone(plan),
            client,
            server,
            traffic: Traffic::default(),
            data_bytes: 0,
            key_bytes: keys.iter().map(|k| k.len() as u64).sum(),
            batch_bytes: BATCH_BYTES,
            sent: HashSet::new(),
        }
    }

    /// Encrypts and sends a mini-batch, unless the server has it.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn send(&mut self, session: &Session, batch: usize) -> Result<(), RunError> {
        if self.sent.contains(&batch) {
            return Ok(());
        }
        let (x, labels) = session.data.train.select(session.batches.rows(batch));
        let bytes = self.client.encrypt_batch(batch, x.view(), &labels)?;
        let each = bytes.len() as u64;
        // Mini-batches have one size.
        if each.saturating_mul(session.batches.count() as u64) > self.batch_bytes {
            self.sent.drain().for_each(|other| self.server.forget_batch(other));
        }
        self.data_bytes += each;
        self.server.receive_batch(batch, bytes)?;
        self.sent.insert(batch);
        Ok(())
    }

    /// Mini-batches the server has.
    pub fn batches_kept(&self) -> usize {
        self.sent.len()
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

impl Sides for Encrypted {
    type Task = Session;
    type Plan = Plan;
    const LONG_STEPS: bool = false;
    const AFTER_TRAINING: usize = 600;

    fn plan(task: &Session) -> Result<Arc<Plan>, RunError> {
        task.plan()
    }

    fn hash(plan: &Plan) -> [u8; 32] {
        plan.hash()
    }

    fn begin(task: &Session, plan: &Arc<Plan>) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        Self::start(plan, Client::new(plan, task.initial())?)
    }

    fn write_secret(&self, folder: &RunFolder) -> Result<(), RunError> {
        folder.write_secret_keys(self.client.keys())
    }

    fn secret_digest(&self) -> String {
        secret_digest(&self.client.keys().iter().map(SecretKey::to_secret_bytes).collect::<Vec<_>>())
    }

    fn read_keys(folder: &RunFolder, plan: &Plan) -> Result<Vec<Vec<u8>>, RunError> {
        folder.read_evaluation_keys(plan)
    }

    fn read(
        plan: &Arc<Plan>,
        folder: &RunFolder,
        keys: &[Vec<u8>],
        model: Model,
        _: &Generation,
    ) -> Result<Self, RunError> {
        let client = Client::with_keys(plan, model, folder.read_secret_keys(plan)?);
        Ok(Self::new(plan, client, folder.server_with(plan, keys)?, keys))
    }

    fn go_on(
        &mut self,
        folder: &RunFolder,
        generation: &Generation,
        ledger: &Ledger,
    ) -> Result<(), RunError> {
        self.client.resume_counts(ledger.counts);
        let path = folder.checkpoint(Half::Server, generation.step);
        self.server
            .restore(generation.step, &generation.server)
            .map_err(|error| RunError::File { path, what: error.to_string() })?;
        (self.traffic, self.data_bytes) = (ledger.traffic, ledger.data_bytes);
        Ok(())
    }

    fn supply(&mut self, task: &Session, batch: usize) -> Result<(), RunError> {
        self.send(task, batch)
    }

    fn advance(
        &mut self,
        task: &Session,
        step: u64,
        batch: usize,
        _: &Arc<AtomicBool>,
    ) -> Result<bool, RunError> {
        self.step(task, step, batch)?;
        Ok(true)
    }

    fn server_state(&self, step: u64) -> Result<Vec<u8>, RunError> {
        Ok(self.server.checkpoint(step)?)
    }

    fn model(&self, _: u64) -> Result<Model, RunError> {
        Ok(self.client.model().clone())
    }

    fn write_server(&self, folder: &RunFolder, _: u64) -> Result<(), RunError> {
        folder.write_server(&self.plan.to_string(), &self.client.encrypt_model()?)
    }

    fn query(
        &mut self,
        number: u64,
        x: ArrayView2<'_, i32>,
        spent: &mut Spent,
    ) -> Result<(Array2<i64>, u64), RunError> {
        let Self { client, server, .. } = self;
        let query = client.encrypt_query(number, x)?;
        let mut traffic = Traffic::default();
        let outputs = spent.on(|| -> Result<Array2<i64>, RunError> {
            let mut link = LocalLink { client: &mut *client, traffic: &mut traffic };
            let answer = server.predict(number, &query, &mut link)?;
            traffic.to_client += answer.len() as u64;
            Ok(client.read_outputs(&answer)?)
        })?;
        Ok((outputs, query.len() as u64 + traffic.to_client + traffic.to_server))
    }

    fn note(&self, ledger: &mut Ledger) {
        (ledger.counts, ledger.traffic) = (self.client.counts(), self.traffic);
        ledger.data_bytes = self.data_bytes;
    }

    fn complete(&self, report: &mut Report) {
        report.schemes = self.plan.instances.iter().map(scheme).collect();
        report.key_bytes = self.key_bytes;
        report.traffic.out_of_bounds = self.client.counts().out_of_bounds;
    }
}

fn scheme(instance: &Instance) -> SchemeSummary {
    let rlwe = instance.params.rlwe();
    SchemeSummary {
        name: "bgv".into(),
        ring_dimension: rlwe.n(),
        log_qp: rlwe.log_qp(),
        plaintext: format!("integers modulo {}", instance.spec.plaintext_modulus),
        security_bits: rlwe.security_bits(),
    }
}
