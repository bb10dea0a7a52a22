//! Client and server of a training on words, side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_tfhe::SecretKey;
use ndarray::{Array2, ArrayView2};

use super::checkpoint::{Generation, Half};
use super::meter::Spent;
use super::report::{Report, SchemeSummary};
use super::sides::Sides;
use super::state::Ledger;
use super::training::secret_digest;
use super::{Options, RunError, RunFolder, WordSession};
use crate::recipe::{Sigmoid, WordModel};
use crate::words::{Cipher, WordClient, WordError, WordPlan, WordRoleError, WordServer};

/// A client and a server in one process, connected by bytes.
pub(super) struct WordSides<C: Cipher> {
    plan: Arc<WordPlan>,
    client: WordClient,
    server: WordServer<C>,
    /// Bytes of data and first weights.
    data_bytes: u64,
    key_bytes: u64,
    /// Bootstraps of the processes before this one.
    bootstraps: u64,
    sent: HashSet<usize>,
}

impl<C: Cipher> WordSides<C> {
    fn new(
        plan: &Arc<WordPlan>,
        client: WordClient,
        keys: &[u8],
        step: u64,
        model: &[u8],
    ) -> Result<Self, WordRoleError> {
        Ok(Self {
            plan: Arc::clone(plan),
            client,
            server: WordServer::new(plan, keys, step, model)?,
            data_bytes: 0,
            key_bytes: keys.len() as u64,
            bootstraps: 0,
            sent: HashSet::new(),
        })
    }

    /// With the keys and the trained model of a run folder.
    pub(super) fn trained(task: &WordSession, folder: &RunFolder) -> Result<Self, RunError> {
        let model = folder.read_weights(|bytes| super::task::Task::read_weights(task, bytes))?;
        let plan = task.plan()?;
        let client = read_client(&plan, folder)?;
        let weights = client.encrypt_model::<C>(&model)?;
        server_file(folder, Self::new(&plan, client, &folder.read_evaluation_key(0)?, 0, &weights))
    }
}

fn read_client(plan: &Arc<WordPlan>, folder: &RunFolder) -> Result<WordClient, RunError> {
    let key = folder.read_secret(0, |bytes| SecretKey::from_secret_bytes(&plan.parameters, bytes))?;
    Ok(WordClient::with_key(plan, key))
}

/// Names the file of the evaluation keys where they are at fault.
fn server_file<T>(folder: &RunFolder, made: Result<T, WordRoleError>) -> Result<T, RunError> {
    made.map_err(|error| match error {
        WordRoleError::Message { what: "evaluation keys", source } => {
            RunError::File { path: folder.evaluation_key(0), what: source.to_string() }
        }
        other => other.into(),
    })
}

impl<C: Cipher> Sides for WordSides<C> {
    type Task = WordSession;
    type Plan = WordPlan;
    const LONG_STEPS: bool = true;
    const AFTER_TRAINING: usize = 5;

    fn plan(task: &WordSession) -> Result<Arc<WordPlan>, RunError> {
        task.plan()
    }

    fn check(task: &WordSession, options: &Options) -> Result<(), RunError> {
        options.say(&task.plan()?.to_string());
        Ok(())
    }

    fn hash(plan: &WordPlan) -> [u8; 32] {
        plan.hash()
    }

    fn begin(task: &WordSession, plan: &Arc<WordPlan>) -> Result<(Self, Vec<Vec<u8>>), RunError> {
        let client = WordClient::new(plan)?;
        let keys = client.evaluation_keys()?;
        let model = client.encrypt_model::<C>(&task.initial())?;
        let mut this = Self::new(plan, client, &keys, 0, &model)?;
        this.data_bytes = model.len() as u64;
        Ok((this, vec![keys]))
    }

    fn write_secret(&self, folder: &RunFolder) -> Result<(), RunError> {
        folder.write_secret(0, &self.client.key().to_secret_bytes())
    }

    fn secret_digest(&self) -> String {
        secret_digest(&[self.client.key().to_secret_bytes()])
    }

    fn read_keys(folder: &RunFolder, _: &WordPlan) -> Result<Vec<Vec<u8>>, RunError> {
        Ok(vec![folder.read_evaluation_key(0)?])
    }

    fn read(
        plan: &Arc<WordPlan>,
        folder: &RunFolder,
        keys: &[Vec<u8>],
        _: WordModel,
        generation: &Generation,
    ) -> Result<Self, RunError> {
        let client = read_client(plan, folder)?;
        let keys = keys.first().map_or(&[][..], Vec::as_slice);
        let made = Self::new(plan, client, keys, generation.step, &generation.server);
        server_file(folder, made).map_err(|error| match error {
            RunError::Words(WordRoleError::Message { source, .. }) => {
                let path = folder.checkpoint(Half::Server, generation.step);
                RunError::File { path, what: source.to_string() }
            }
            other => other,
        })
    }

    fn go_on(&mut self, _: &RunFolder, _: &Generation, ledger: &Ledger) -> Result<(), RunError> {
        (self.data_bytes, self.bootstraps) = (ledger.data_bytes, ledger.bootstraps);
        Ok(())
    }

    fn supply(&mut self, task: &WordSession, batch: usize) -> Result<(), RunError> {
        if !self.sent.contains(&batch) {
            let bytes = self.client.encrypt_batch::<C>(batch, &task.batch(batch))?;
            self.data_bytes += bytes.len() as u64;
            self.server.receive_batch(batch, bytes)?;
            self.sent.insert(batch);
        }
        Ok(())
    }

    fn advance(
        &mut self,
        _: &WordSession,
        _: u64,
        batch: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<bool, RunError> {
        match self.server.train(batch, stop) {
            Err(WordRoleError::Words(WordError::Stopped)) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    fn server_state(&self, step: u64) -> Result<Vec<u8>, RunError> {
        Ok(self.server.model(step))
    }

    fn model(&self, step: u64) -> Result<WordModel, RunError> {
        Ok(self.client.decrypt_model::<C>(step, &self.server.model(step))?)
    }

    fn write_server(&self, folder: &RunFolder, step: u64) -> Result<(), RunError> {
        folder.write_server(&self.plan.to_string(), &self.server.model(step))
    }

    fn query(
        &mut self,
        number: u64,
        x: ArrayView2<'_, i32>,
        spent: &mut Spent,
    ) -> Result<(Array2<i64>, u64), RunError> {
        let words: Vec<i64> = x.iter().copied().map(i64::from).collect();
        let query = self.client.encrypt_query::<C>(number, &words)?;
        let outputs = self.plan.widths.last().copied().unwrap_or(0);
        let (found, bytes) = spent.on(|| -> Result<(Vec<i64>, u64), WordRoleError> {
            let answer = self.server.predict(number, &query)?;
            Ok((self.client.read_outputs::<C>(number, &answer)?, answer.len() as u64))
        })?;
        let found = Array2::from_shape_fn((x.nrows(), outputs), |(row, output)| {
            found.get(row * outputs + output).copied().unwrap_or(0)
        });
        Ok((found, query.len() as u64 + bytes))
    }

    fn note(&self, ledger: &mut Ledger) {
        ledger.data_bytes = self.data_bytes;
        ledger.bootstraps = self.bootstraps + self.server.bootstraps();
    }

    fn complete(&self, report: &mut Report) {
        let (spec, format) = (self.plan.parameters.spec(), self.plan.format);
        let pieces = match format.sigmoid {
            Sigmoid::Circuit => "bits",
            Sigmoid::Table => "digits of 2 bits",
        };
        report.schemes = vec![SchemeSummary {
            name: "tfhe".into(),
            ring_dimension: spec.polynomial_size,
            log_qp: f64::from(spec.modulus_bits),
            plaintext: format!("words of {} bits in {pieces}", format.word_bits),
            security_bits: self.plan.parameters.security_bits(),
        }];
        report.key_bytes = self.key_bytes;
    }
}
