//! The server: ciphertexts and evaluation keys, and nothing that decrypts.
//!
//! ```compile_fail,E0308
//! # fn f(plan: std::sync::Arc<nn_encrypted::plan::Plan>, secret: he_bgv::SecretKey) {
//! let server = nn_encrypted::roles::Server::new(&plan, &[secret]);
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use he_bgv::{Ciphertext, EvaluationKeys, Evaluator};
use he_core::wire::{WireError, Writer};
use rayon::prelude::*;

use super::message::{MessageError, Purpose, Received, Task, open, seal};
use crate::engine::{BgvEngine, Channel, EngineError, Executor, Store, Usage};
use crate::plan::{Plan, Refresh, Step, Tensor};

/// The way to the client: sends a refresh request, returns the answer.
pub trait Link {
    /// Passes on a request.
    ///
    /// # Errors
    /// If the client cannot be reached or cannot answer.
    fn refresh(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError>;
}

/// A client that did not answer.
pub type LinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why the server stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A message is damaged or refused.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The evaluation keys are damaged or of other parameters.
    #[error("evaluation keys {set}: {source}")]
    Keys {
        /// Which set, counted from 0.
        set: usize,
        /// What is wrong.
        source: WireError,
    },
    /// A ciphertext cannot be written.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Another number of key sets than plaintext primes.
    #[error("{found} sets of evaluation keys, needed {needed}: one for each plaintext prime")]
    KeySets {
        /// Sets given.
        found: usize,
        /// Sets needed.
        needed: usize,
    },
    /// A step failed.
    #[error("step {step}, {tensor}: {source}")]
    Step {
        /// Number of the training step.
        step: u64,
        /// What was computed.
        tensor: String,
        /// Why it failed.
        source: EngineError,
    },
    /// The scheme refused.
    #[error(transparent)]
    Bgv(#[from] he_bgv::Error),
    /// The client did not answer.
    #[error("refresh: {0}")]
    Link(LinkError),
    /// A mini-batch that was never sent.
    #[error("mini-batch {0} was not sent")]
    MissingBatch(usize),
    /// Weights that were never sent.
    #[error("the weights to start from were not sent")]
    MissingModel,
}

/// The tensors of a mini-batch.
const BATCH: [Tensor; 2] = [Tensor::Input, Tensor::Labels];
/// The tensors that live from step to step.
const MODEL: [Tensor; 3] = [Tensor::High, Tensor::Low, Tensor::Momentum];

/// Computes on ciphertexts.
pub struct Server {
    plan: Arc<Plan>,
    engine: BgvEngine,
    evaluators: Vec<Evaluator>,
    store: Store<BgvEngine>,
    /// Mini-batches as they came: half the size of expanded ciphertexts.
    batches: BTreeMap<usize, Vec<u8>>,
    /// The mini-batch that came last, as it was opened to be checked: most often the next one to train on.
    opened: Option<(usize, Vec<Received>)>,
}

impl Server {
    /// A server with the evaluation keys of every plaintext prime.
    ///
    /// # Errors
    /// If keys are missing, damaged, or of other parameters.
    pub fn new(plan: &Arc<Plan>, keys: &[Vec<u8>]) -> Result<Self, ServerError> {
        if keys.len() != plan.instances.len() {
            return Err(ServerError::KeySets { found: keys.len(), needed: plan.instances.len() });
        }
        let mut channels = Vec::new();
        for (set, (instance, keys)) in plan.instances.iter().zip(keys).enumerate() {
            let keys = EvaluationKeys::from_bytes(&instance.params, keys)
                .map_err(|source| ServerError::Keys { set, source })?;
            channels.push(Channel::new(plan.geometry.cube, keys, &instance.params)?);
        }
        let evaluators = channels.iter().map(|channel| channel.evaluator().clone()).collect();
        let engine = BgvEngine::new(plan.geometry.cube, channels);
        Ok(Self {
            plan: Arc::clone(plan),
            engine,
            evaluators,
            store: Store::default(),
            batches: BTreeMap::new(),
            opened: None,
        })
    }

    /// Takes mini-batch number `index`; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged, of another plan, or holds a transparent ciphertext.
    pub fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.opened = None;
        self.opened = Some((index, self.open_batch(index, &bytes)?));
        self.batches.insert(index, bytes);
        Ok(())
    }

    fn open_batch(&self, index: usize, bytes: &[u8]) -> Result<Vec<Received>, ServerError> {
        Ok(open(&self.plan, Purpose::Batch, (index as u64, 0), &BATCH, bytes)?)
    }

    /// Forgets a mini-batch; it is to be sent again before its next use.
    pub fn forget_batch(&mut self, index: usize) {
        self.batches.remove(&index);
        self.opened.take_if(|(opened, _)| *opened == index);
    }

    /// Takes the weights to start from.
    ///
    /// # Errors
    /// If they are damaged, of another plan, or hold a transparent ciphertext.
    pub fn receive_model(&mut self, bytes: &[u8]) -> Result<(), ServerError> {
        self.restore(0, bytes)
    }

    /// What is to be kept to go on after `step` steps: the weights and momentum, as they were sent last.
    ///
    /// # Errors
    /// If there are none.
    pub fn checkpoint(&self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.check_model()?;
        let tiles = MODEL.iter().flat_map(|tensor| self.store.get(*tensor));
        let pieces = tiles.flatten().map(|ciphertext| {
            let mut piece = Writer::new();
            ciphertext.write(&mut piece)?;
            Ok(piece.finish())
        });
        let pieces = pieces.collect::<Result<Vec<_>, WireError>>().map_err(he_bgv::Error::from)?;
        Ok(seal(&self.plan, Purpose::Model, (step, 0), &pieces))
    }

    /// Goes on from a checkpoint of `step`.
    ///
    /// # Errors
    /// If it is damaged, of another plan or step, or holds a transparent ciphertext.
    pub fn restore(&mut self, step: u64, bytes: &[u8]) -> Result<(), ServerError> {
        let received = open(&self.plan, Purpose::Model, (step, 0), &MODEL, bytes)?;
        for (tensor, tiles) in MODEL.into_iter().zip(received) {
            self.store.put(tensor, tiles);
        }
        // What was expanded of earlier weights is theirs no more.
        self.store.take(Tensor::Weights);
        Ok(())
    }

    /// Trains on one mini-batch.
    ///
    /// # Errors
    /// If weights or batch were not sent, an operation fails, or the client does not answer as planned.
    pub fn train(&mut self, step: u64, batch: usize, link: &mut dyn Link) -> Result<(), ServerError> {
        self.check_model()?;
        let bytes = self.batches.get(&batch).ok_or(ServerError::MissingBatch(batch))?;
        let received = match self.opened.take() {
            Some((index, received)) if index == batch => received,
            _ => self.open_batch(batch, bytes)?,
        };
        for (tensor, tiles) in BATCH.into_iter().zip(received) {
            self.store.put(tensor, tiles);
        }
        let plan = Arc::clone(&self.plan);
        self.walk((Task::Training, step), &plan.training, link)?;
        self.store.keep(&MODEL);
        Ok(())
    }

    /// Classifies the images of query number `number`: the outputs, as a message for the client. The expanded weights
    /// stay for the next query.
    ///
    /// # Errors
    /// If the weights were not sent, the query is damaged, an operation fails, or the client does not answer as planned.
    pub fn predict(
        &mut self,
        number: u64,
        query: &[u8],
        link: &mut dyn Link,
    ) -> Result<Vec<u8>, ServerError> {
        self.check_model()?;
        let plan = Arc::clone(&self.plan);
        let mut received = open(&plan, Purpose::Query, (number, 0), &[Tensor::Input], query)?;
        self.store.put(Tensor::Input, received.pop().unwrap_or_default());
        let expanded = !self.store.get(Tensor::Weights).is_empty();
        // The last step is the refresh of the outputs; they are sent and nothing is awaited.
        let steps = plan.prediction.iter().take(plan.prediction.len().saturating_sub(1));
        let steps = steps.filter(|step| !(expanded && **step == Step::Expand));
        self.walk((Task::Classification, number), steps, link)?;
        let round = plan.geometry.layers.len() - 1;
        let outputs = self.request(Purpose::Outputs, (number, round as u16), &plan.rounds[round])?;
        self.store.keep(&[Tensor::High, Tensor::Low, Tensor::Momentum, Tensor::Weights]);
        Ok(outputs)
    }

    fn check_model(&self) -> Result<(), ServerError> {
        let there = !self.store.get(Tensor::High).is_empty();
        there.then_some(()).ok_or(ServerError::MissingModel)
    }

    fn walk<'a>(
        &mut self,
        (task, number): (Task, u64),
        steps: impl IntoIterator<Item = &'a Step>,
        link: &mut dyn Link,
    ) -> Result<(), ServerError> {
        let plan = Arc::clone(&self.plan);
        let steps: Vec<&Step> = steps.into_iter().collect();
        let mut ahead = &steps[..];
        while !ahead.is_empty() {
            let (now, later) = ahead.split_at(Step::count_independent(ahead));
            match now {
                [Step::Refresh { round }] => {
                    self.refresh(task, (number, *round as u16), &plan.rounds[*round], link)?;
                }
                _ => self.compute(number, now)?,
            }
            ahead = later;
        }
        Ok(())
    }

    /// Runs steps of which none reads what another writes. Some are single products, which one thread would be left with.
    fn compute(&mut self, number: u64, steps: &[&Step]) -> Result<(), ServerError> {
        let executor =
            Executor { engine: &self.engine, geometry: &self.plan.geometry, levels: &self.plan.levels };
        let results = steps.par_iter().map(|step| {
            let tensor = step.writes().map_or_else(String::new, |tensor| tensor.to_string());
            let failed = |source| ServerError::Step { step: number, tensor, source };
            Ok((step.writes(), executor.compute(&self.store, step).map_err(failed)?))
        });
        for (tensor, tiles) in results.collect::<Result<Vec<_>, ServerError>>()? {
            if let Some(tensor) = tensor {
                self.store.put(tensor, tiles);
            }
        }
        Ok(())
    }

    fn refresh(
        &mut self,
        task: Task,
        moment: (u64, u16),
        refreshes: &[Refresh],
        link: &mut dyn Link,
    ) -> Result<(), ServerError> {
        let request = self.request(task.request(), moment, refreshes)?;
        let answer = link.refresh(request).map_err(ServerError::Link)?;
        let tensors: Vec<Tensor> = refreshes.iter().flat_map(Refresh::to).collect();
        let received = open(&self.plan, task.response(), moment, &tensors, &answer)?;
        for (tensor, tiles) in tensors.into_iter().zip(received) {
            self.store.put(tensor, tiles);
        }
        Ok(())
    }

    /// The message of a round, for the client.
    fn request(
        &mut self,
        purpose: Purpose,
        moment: (u64, u16),
        refreshes: &[Refresh],
    ) -> Result<Vec<u8>, ServerError> {
        let tensors = refreshes.iter().map(|refresh| (refresh.from(), self.store.take(refresh.from())));
        let tensors: Vec<_> = tensors.collect();
        let pieces = tensors.par_iter().map(|(tensor, tiles)| self.sent(*tensor, tiles));
        let pieces = pieces.collect::<Result<Vec<_>, _>>()?.concat();
        Ok(seal(&self.plan, purpose, moment, &pieces))
    }

    /// A tensor for the client: over as few primes as still decrypt, known from the rehearsal.
    fn sent(&self, tensor: Tensor, tiles: &[Vec<Ciphertext>]) -> Result<Vec<Vec<u8>>, ServerError> {
        let limbs = self.plan.sent_limbs.get(&tensor).copied().unwrap_or(1);
        let flat: Vec<_> = tiles.iter().flat_map(|tile| tile.iter().zip(&self.evaluators)).collect();
        flat.par_iter()
            .map(|(ciphertext, evaluator)| {
                let mut piece = Writer::new();
                evaluator
                    .mod_switch_to(ciphertext, limbs.saturating_sub(1).min(ciphertext.level()))?
                    .write(&mut piece)?;
                Ok(piece.finish())
            })
            .collect()
    }

    /// Operations since the last call.
    pub fn take_usage(&self) -> Usage {
        self.engine.take_usage()
    }
}
