//! Client and server of a training in several schemes, side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_switch::SecretKeys;
use ndarray::{Array2, ArrayView2};

use super::checkpoint::{Generation, Half};
use super::meter::Spent;
use super::report::{Report, SchemeSummary, StageSummary};
use super::sides::Sides;
use super::state::Ledger;
use super::training::secret_digest;
use super::{MixedSession, Options, RunError, RunFolder};
use crate::mixed::twin::MixedTwin;
use crate::mixed::{Arrangement, MixedClient, MixedError, MixedPlan, MixedServer, Stage};
use crate::recipe::WordModel;

/// A client and a server in one process, connected by bytes. What the server's blind rotations read, the client tells the twin.
pub(super) struct MixedSides {
    plan: Arc<MixedPlan>,
    client: MixedClient,
    server: MixedServer,
    /// Bytes of data and first weights.
    data_bytes: u64,
    key_bytes: u64,
    /// Bootstraps and refreshes of the processes before this one.
    bootstraps: u64,
    refreshes: u64,
    /// What stages took in them.
    spent: [Spent; Stage::ALL.len()],
    sent: HashSet<usize>,
}

impl MixedSides {
    fn new(
        plan: &Arc<MixedPlan>,
        client: MixedClient,
        keys: &[Vec<u8>],
        step: u64,
        model: &[u8],
    ) -> Result<Self, MixedError> {
        Ok(Self {
            plan: Arc::clone(plan),
            client,
            server: MixedServer::new(plan, keys, step, model, true)?,
            data_bytes: 0,
            key_bytes: keys.iter().map(|key| key.len() as u64).sum(),
            bootstraps: 0,
            refreshes: 0,
            spent: Default::default(),
            sent: HashSet::new(),
        })
    }

    /// With the keys and the trained model of a run folder.
    pub(super) fn trained(task: &MixedSession, folder: &RunFolder) -> Result<Self, RunError> {
        let model = folder.read_weights(|bytes| super::task::Task::read_weights(task, bytes))?;
        let plan = Arc::clone(&task.plan);
        let client = read_client(&plan, folder)?;
        let weights = client.encrypt_model(&model)?;
        let keys = <Self as Sides>::read_keys(folder, &plan)?;
        key_file(&plan, folder, Self::new(&plan, client, &keys, 0, &weights))
    }
}

fn read_client(plan: &Arc<MixedPlan>, folder: &RunFolder) -> Result<MixedClient, RunError> {
    let secrets = folder.read_secret(0, |bytes| SecretKeys::from_secret_bytes(&plan.parameters, bytes))?;
    Ok(MixedClient::with_keys(plan, secrets))
}

/// Names the file of the evaluation keys where they are at fault.
fn key_file<T>(plan: &MixedPlan, folder: &RunFolder, made: Result<T, MixedError>) -> Result<T, RunError> {
    made.map_err(|error| match error {
        MixedError::Switch(he_switch::Error::Key { kind, source }) => {
            match plan.key_request().kinds().iter().position(|&needed| needed == kind) {
                Some(at) => RunError::File { path: folder.evaluation_key(at), what: source.to_string() },
                None => MixedError::Switch(he_switch::Error::Key { kind, source }).into(),
            }
        }
        other => other.into(),
    })
}

impl Sides for MixedSides {
    type Task = MixedSession;
    type Plan = MixedPlan;
    const LONG_STEPS: bool = true;
    const AFTER_TRAINING: usize = 60;

    fn plan(task: &MixedSession) -> Result<Arc<MixedPlan>, RunError> {
        Ok(Arc::clone(&task.plan))
    }

    fn check(task: &MixedSession, options: &Options) -> Result<(), RunError> {
        options.say(&task.plan.to_string());
        Ok(())
    }

    fn hash(plan: &MixedPlan) -> [u8; 32] {
        plan.hash()
    }

    fn begin(task: &MixedSession, plan: &Arc<MixedPlan>) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        let client = MixedClient::new(plan)?;
        let keys = client.evaluation_keys()?;
        let model = client.encrypt_model(&task.initial())?;
        let mut this = Self::new(plan, client, &keys, 0, &model)?;
        this.data_bytes = model.len() as u64;
        Ok((this, keys))
    }

    fn write_secret(&self, folder: &RunFolder) -> Result<(), RunError> {
        folder.write_secret(0, &self.client.secrets().to_secret_bytes())
    }

    fn secret_digest(&self) -> String {
        secret_digest(&[self.client.secrets().to_secret_bytes()])
    }

    fn read_keys(folder: &RunFolder, plan: &MixedPlan) -> Result<Vec<Vec<u8>>, RunError> {
        (0..plan.key_request().kinds().len()).map(|at| folder.read_evaluation_key(at)).collect()
    }

    fn read(
        plan: &Arc<MixedPlan>,
        folder: &RunFolder,
        keys: &[Vec<u8>],
        _: WordModel,
        generation: &Generation,
    ) -> Result<Self, RunError> {
        let client = read_client(plan, folder)?;
        let made = Self::new(plan, client, keys, generation.step, &generation.server);
        key_file(plan, folder, made).map_err(|error| match error {
            RunError::Mixed(MixedError::Message { source, .. }) => {
                let path = folder.checkpoint(Half::Server, generation.step);
                RunError::File { path, what: source.to_string() }
            }
            other => other,
        })
    }

    fn go_on(&mut self, _: &RunFolder, _: &Generation, ledger: &Ledger) -> Result<(), RunError> {
        (self.data_bytes, self.bootstraps, self.refreshes) =
            (ledger.data_bytes, ledger.bootstraps, ledger.switches);
        for summary in &ledger.stages {
            self.spent[summary.stage as usize] = Spent { wall: summary.seconds, cpu: summary.core_seconds };
        }
        Ok(())
    }

    fn supply(&mut self, task: &MixedSession, batch: usize) -> Result<(), RunError> {
        if !self.sent.contains(&batch) {
            let (x, labels) = super::task::Task::samples_of(task, batch);
            let bytes = self.client.encrypt_batch(batch, &x, &labels)?;
            self.data_bytes += bytes.len() as u64;
            self.server.receive_batch(batch, bytes)?;
            self.sent.insert(batch);
        }
        Ok(())
    }

    fn advance(
        &mut self,
        task: &MixedSession,
        _: u64,
        batch: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<bool, RunError> {
        let images = task.batches.rows(batch).len();
        match self.server.train(batch, images, stop) {
            Err(MixedError::Stopped) => {
                drop(self.server.take_readings());
                Ok(false)
            }
            other => Ok(other.map(|()| true)?),
        }
    }

    fn tell(&self, twin: &mut MixedTwin) -> Result<(), RunError> {
        twin.replay(self.client.places(&self.server.take_readings())?);
        Ok(())
    }

    fn expected(&self, twin: &MixedTwin, x: ArrayView2<'_, i32>) -> Result<Array2<i64>, RunError> {
        let mut twin = twin.clone();
        self.tell(&mut twin)?;
        Ok(twin.outputs(&x))
    }

    fn server_state(&self, step: u64) -> Result<Vec<u8>, RunError> {
        Ok(self.server.model(step)?)
    }

    fn model(&self, step: u64) -> Result<WordModel, RunError> {
        Ok(self.client.decrypt_model(step, &self.server.model(step)?)?)
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
        let query = self.client.encrypt_query(number, &x)?;
        let (found, bytes) = spent.on(|| -> Result<_, MixedError> {
            let answer = self.server.predict(number, x.nrows(), &query)?;
            Ok((self.client.read_outputs(number, x.nrows(), &answer)?, answer.len()))
        })?;
        Ok((found, (query.len() + bytes) as u64))
    }

    fn note(&self, ledger: &mut Ledger) {
        ledger.data_bytes = self.data_bytes;
        ledger.bootstraps = self.bootstraps + self.server.bootstraps();
        ledger.switches = self.refreshes + self.server.refreshes();
        let now = self.server.stages().all();
        let stage = |stage: Stage| {
            let (before, now) = (self.spent[stage as usize], now[stage as usize]);
            StageSummary { stage, seconds: before.wall + now.wall, core_seconds: before.cpu + now.cpu }
        };
        ledger.stages = Stage::ALL.map(stage).to_vec();
    }

    fn complete(&self, report: &mut Report) {
        let parameters = &self.plan.parameters;
        let scheme = |name: &str, params: &he_core::rlwe::Parameters, plaintext: String| SchemeSummary {
            name: name.into(),
            ring_dimension: params.n(),
            log_qp: params.log_qp(),
            plaintext,
            security_bits: params.security_bits(),
        };
        let tfhe = parameters.tfhe();
        let table = format!("tables of {} boxes", self.plan.reader.boxes(1));
        let bits = parameters.log_t();
        let exact = || scheme("bgv", parameters.bgv().rlwe(), format!("integers modulo 2^{bits}"));
        report.schemes = match self.plan.arrangement {
            Arrangement::Bgv(_) => vec![exact()],
            Arrangement::Ckks(_) => vec![],
        };
        report.schemes.extend([
            SchemeSummary {
                name: "tfhe".into(),
                ring_dimension: tfhe.n(),
                log_qp: f64::from(tfhe.spec().modulus_bits),
                plaintext: table,
                security_bits: tfhe.security_bits(),
            },
            scheme("ckks", parameters.ckks().rlwe(), format!("{} slots", self.plan.slots())),
        ]);
        report.key_bytes = self.key_bytes;
    }
}
