//! Client and server side by side.

use std::collections::HashSet;
use std::sync::Arc;

use super::link::{LocalLink, Traffic};
use super::{RunError, Session};
use crate::plan::Plan;
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
