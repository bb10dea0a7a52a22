//! A server as its client reaches it: in the same process, or over a network.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Link, Server, ServerError};
use crate::engine::Usage;

/// The requests of a client to a server of its plan.
pub(crate) trait Channel: Send + Sync {
    /// Gives it weights and momentum, those after `step` steps.
    fn receive_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError>;

    /// Whether it has mini-batch number `index`.
    fn has_batch(&mut self, index: usize) -> Result<bool, ServerError>;

    /// Gives it a mini-batch.
    fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError>;

    /// Whether it is in another process: mini-batches then stay on its disk, rather than in the memory of this process, and it is not of
    /// this process what it computes.
    fn is_elsewhere(&self) -> bool;

    /// Has it forget a mini-batch, which is then to be sent again before its next use.
    fn forget_batch(&mut self, index: usize);

    /// One training step, as [`Server::train`]; `link` answers its requests.
    fn train(
        &mut self,
        step: u64,
        batch: usize,
        link: &mut dyn Link,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), ServerError>;

    /// The outputs of a classification, as [`Server::predict`].
    fn predict(&mut self, number: u64, query: Vec<u8>, link: &mut dyn Link) -> Result<Vec<u8>, ServerError>;

    /// Weights and momentum after `step` steps.
    fn model(&mut self, step: u64) -> Result<Vec<u8>, ServerError>;

    /// Has it keep its state after `step` steps: what [`restore`](Self::restore) takes to go on from there.
    fn keep(&mut self, step: u64) -> Result<Vec<u8>, ServerError>;

    /// Goes on from what [`keep`](Self::keep) gave.
    fn restore(&mut self, step: u64, kept: Vec<u8>) -> Result<(), ServerError>;

    /// Records of each engine for an audit since this was asked last.
    fn take_records(&mut self) -> Vec<Vec<u8>>;

    /// Counts and times of each engine so far.
    fn usage(&self) -> Vec<Usage>;
}

impl Channel for Server {
    fn receive_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.receive_model(step, bytes)
    }

    fn has_batch(&mut self, index: usize) -> Result<bool, ServerError> {
        Ok(Self::has_batch(self, index))
    }

    fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.receive_batch(index, bytes)
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    fn forget_batch(&mut self, index: usize) {
        self.forget_batch(index);
    }

    fn train(
        &mut self,
        step: u64,
        batch: usize,
        link: &mut dyn Link,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), ServerError> {
        self.train(step, batch, link, stop)
    }

    fn predict(&mut self, number: u64, query: Vec<u8>, link: &mut dyn Link) -> Result<Vec<u8>, ServerError> {
        self.predict(number, query, link)
    }

    fn model(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.model(step)
    }

    fn keep(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.model(step)
    }

    fn restore(&mut self, step: u64, kept: Vec<u8>) -> Result<(), ServerError> {
        self.restore(step, kept)
    }

    fn take_records(&mut self) -> Vec<Vec<u8>> {
        self.take_records()
    }

    fn usage(&self) -> Vec<Usage> {
        self.usage()
    }
}
