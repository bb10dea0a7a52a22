//! Client and server of a training on real numbers, side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_ckks::SecretKey;
use ndarray::{Array2, ArrayView2};

use super::checkpoint::{Generation, Half};
use super::link::Traffic;
use super::meter::Spent;
use super::real_session::{RealSession, features, fixed};
use super::report::{EncryptedParts, Report, SchemeSummary, StepSummary};
use super::sides::Sides;
use super::state::Ledger;
use super::task::Task;
use super::training::secret_digest;
use super::{Options, RunError, RunFolder};
use crate::reals::{RealClient, RealError, RealPlan, RealServer, pass};
use crate::recipe::{Backward, RealModel};

/// A client and a server in one process, connected by bytes.
pub(super) struct RealSides {
    plan: Arc<RealPlan>,
    client: RealClient,
    server: RealServer,
    /// Of a client that takes the backward pass: its model.
    model: RealModel,
    /// What crossed in the steps of such a client.
    traffic: Traffic,
    /// Bytes of data and first weights.
    data_bytes: u64,
    key_bytes: u64,
    /// Bootstraps of the processes before this one.
    bootstraps: u64,
    /// The largest distance of outputs from those in the clear.
    output_error: f64,
    sent: HashSet<usize>,
}

/// Bytes of mini-batches that a server keeps; where all take more it keeps one.
const BATCH_BYTES: u64 = 1 << 31;
/// What outputs of a server may be from those that the client computes.
const OUTPUT_ERROR: f64 = 1.0 / 1024.0;

impl RealSides {
    fn new(
        plan: &Arc<RealPlan>,
        client: RealClient,
        keys: &[u8],
        step: u64,
        model: RealModel,
        encrypted: &[u8],
    ) -> Result<Self, RealError> {
        Ok(Self {
            plan: Arc::clone(plan),
            client,
            server: RealServer::new(plan, keys, step, encrypted)?,
            model,
            traffic: Traffic::default(),
            data_bytes: 0,
            key_bytes: keys.len() as u64,
            bootstraps: 0,
            output_error: 0.0,
            sent: HashSet::new(),
        })
    }

    /// With the keys and the trained model of a run folder.
    pub(super) fn trained(task: &RealSession, folder: &RunFolder) -> Result<Self, RunError> {
        let model = folder.read_weights(|bytes| task.read_weights(bytes))?;
        let plan = task.plan()?;
        let client = read_client(&plan, folder)?;
        let encrypted = client.encrypt_model(0, &model)?;
        let keys = folder.read_evaluation_key(0)?;
        server_file(folder, Self::new(&plan, client, &keys, 0, model, &encrypted))
    }

    /// A step in which the client takes the backward pass.
    fn with_client(&mut self, task: &RealSession, step: u64, batch: usize) -> Result<(), RunError> {
        let Self { client, server, traffic, plan, .. } = self;
        let outputs = server.forward(batch)?;
        let (x, targets) = task.batch(batch);
        let model = &self.model;
        let (next, error, encrypted) = traffic.client.on(|| -> Result<_, RealError> {
            let found = client.read_outputs(batch as u64, x.nrows(), &outputs)?;
            let passed = pass(&plan.shape, model, &x, &found, &targets);
            let encrypted = client.encrypt_model(step + 1, &passed.model)?;
            Ok((passed.model, passed.output_error, encrypted))
        })?;
        if error.is_nan() || error > OUTPUT_ERROR {
            return Err(RealError::Outputs { error, most: OUTPUT_ERROR }.into());
        }
        server.receive_model(step + 1, &encrypted)?;
        traffic.rounds += 1;
        traffic.to_client += outputs.len() as u64;
        traffic.to_server += encrypted.len() as u64;
        self.output_error = self.output_error.max(error);
        self.model = next;
        Ok(())
    }
}

fn read_client(plan: &Arc<RealPlan>, folder: &RunFolder) -> Result<RealClient, RunError> {
    let key = folder.read_secret(0, |bytes| SecretKey::from_secret_bytes(&plan.params, bytes))?;
    Ok(RealClient::with_key(plan, key))
}

/// Names the file of the evaluation keys where they are at fault.
fn server_file<T>(folder: &RunFolder, made: Result<T, RealError>) -> Result<T, RunError> {
    made.map_err(|error| match error {
        RealError::Message { what: "evaluation keys", source } => {
            RunError::File { path: folder.evaluation_key(0), what: source.to_string() }
        }
        other => other.into(),
    })
}

impl Sides for RealSides {
    type Task = RealSession;
    type Plan = RealPlan;
    const LONG_STEPS: bool = true;
    const AFTER_TRAINING: usize = 600;

    fn plan(task: &RealSession) -> Result<Arc<RealPlan>, RunError> {
        task.plan()
    }

    fn check(task: &RealSession, options: &Options) -> Result<(), RunError> {
        options.say(&task.plan()?.to_string());
        Ok(())
    }

    fn hash(plan: &RealPlan) -> [u8; 32] {
        plan.hash()
    }

    fn begin(task: &RealSession, plan: &Arc<RealPlan>) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        let client = RealClient::new(plan)?;
        let keys = client.evaluation_keys()?;
        let model = task.first_model();
        let encrypted = client.encrypt_model(0, &model)?;
        let mut this = Self::new(plan, client, &keys, 0, model, &encrypted)?;
        this.data_bytes = encrypted.len() as u64;
        Ok((this, vec![keys]))
    }

    fn write_secret(&self, folder: &RunFolder) -> Result<(), RunError> {
        folder.write_secret(0, &self.client.key().to_secret_bytes())
    }

    fn secret_digest(&self) -> String {
        secret_digest(&[self.client.key().to_secret_bytes()])
    }

    fn read_keys(folder: &RunFolder, _: &RealPlan) -> Result<Vec<Vec<u8>>, RunError> {
        Ok(vec![folder.read_evaluation_key(0)?])
    }

    fn read(
        plan: &Arc<RealPlan>,
        folder: &RunFolder,
        keys: &[Vec<u8>],
        model: RealModel,
        generation: &Generation,
    ) -> Result<Self, RunError> {
        let client = read_client(plan, folder)?;
        let keys = keys.first().map_or(&[][..], Vec::as_slice);
        let made = Self::new(plan, client, keys, generation.step, model, &generation.server);
        server_file(folder, made).map_err(|error| match error {
            RunError::Reals(RealError::Message { source, .. }) => {
                let path = folder.checkpoint(Half::Server, generation.step);
                RunError::File { path, what: source.to_string() }
            }
            other => other,
        })
    }

    fn go_on(&mut self, _: &RunFolder, _: &Generation, ledger: &Ledger) -> Result<(), RunError> {
        (self.data_bytes, self.bootstraps) = (ledger.data_bytes, ledger.bootstraps);
        (self.traffic, self.output_error) = (ledger.traffic, ledger.output_error);
        Ok(())
    }

    fn supply(&mut self, task: &RealSession, batch: usize) -> Result<(), RunError> {
        if self.sent.contains(&batch) {
            return Ok(());
        }
        let (x, targets) = task.batch(batch);
        let messages = self.client.encrypt_batch(batch, x.view(), targets.view())?;
        let bytes: u64 = messages.iter().map(|m| m.len() as u64).sum();
        if bytes.saturating_mul(task.batches.count() as u64) > BATCH_BYTES {
            self.sent.drain().for_each(|other| self.server.forget_batch(other));
        }
        self.data_bytes += bytes;
        self.server.receive_batch(batch, x.nrows(), messages)?;
        self.sent.insert(batch);
        Ok(())
    }

    fn advance(
        &mut self,
        task: &RealSession,
        step: u64,
        batch: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<bool, RunError> {
        if self.plan.backward == Backward::Client {
            return self.with_client(task, step, batch).map(|()| true);
        }
        match self.server.train(batch, stop) {
            Err(RealError::Stopped) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    fn server_state(&self, step: u64) -> Result<Vec<u8>, RunError> {
        Ok(self.server.model(step)?)
    }

    fn model(&self, step: u64) -> Result<RealModel, RunError> {
        match self.plan.backward {
            Backward::Client => Ok(self.model.clone()),
            Backward::Encrypted => Ok(self.client.decrypt_model(step, &self.server.model(step)?)?),
        }
    }

    fn write_server(&self, folder: &RunFolder, step: u64) -> Result<(), RunError> {
        folder.write_server(&self.plan.to_string(), &self.server.model(step)?)
    }

    fn query(
        &mut self,
        number: u64,
        x: ArrayView2<'_, i32>,
        spent: &mut Spent,
    ) -> Result<(Array2<i64>, u64), RunError> {
        let query = self.client.encrypt_query(number, features(&x).view())?;
        let (found, bytes) = spent.on(|| -> Result<_, RealError> {
            let answer = self.server.predict(number, x.nrows(), &query)?;
            Ok((self.client.read_outputs(number, x.nrows(), &answer)?, answer.len() as u64))
        })?;
        let sent: u64 = query.iter().map(|m| m.len() as u64).sum();
        Ok((fixed(&found), sent + bytes))
    }

    fn note(&self, ledger: &mut Ledger) {
        ledger.data_bytes = self.data_bytes;
        ledger.bootstraps = self.bootstraps + self.server.bootstraps();
        (ledger.traffic, ledger.output_error) = (self.traffic, self.output_error);
    }

    fn complete(&self, report: &mut Report) {
        let rlwe = self.plan.params.rlwe();
        report.schemes = vec![SchemeSummary {
            name: "ckks".into(),
            ring_dimension: rlwe.n(),
            log_qp: rlwe.log_qp(),
            plaintext: format!("{} complex slots", self.plan.params.slots()),
            security_bits: rlwe.security_bits(),
        }];
        report.key_bytes = self.key_bytes;
        report.bootstraps.ckks = std::mem::take(&mut report.bootstraps.tfhe);
        let left = report.ranges.iter().filter(|range| range.largest.is_nan() || range.largest > range.bound);
        report.traffic.out_of_bounds = left.count() as u64;
        let client = self.plan.backward == Backward::Client;
        if client {
            report.encrypted = EncryptedParts { backward: false, update: false, ..EncryptedParts::all() };
        }
        report.step = Some(StepSummary {
            levels: self.plan.levels as u64,
            bootstraps: self.plan.bootstraps(),
            estimated_core_seconds: self.plan.estimated_seconds(),
            estimated_peak_bytes: self.plan.estimated_bytes() as u64,
            output_error: client.then_some(self.output_error),
            parts: self.server.parts(),
        });
    }
}
