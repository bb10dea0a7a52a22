//! Client and server. The client encrypts before the first step and decrypts after the last; in between the server is
//! alone, with ciphertexts and evaluation keys and nothing that decrypts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::WireError;
use he_tfhe::{SecretKey, SeededEvaluationKeys};

use super::message::{Purpose, open, seal};
use super::{Batch, Cipher, Network, WordError, WordPlan};
use crate::recipe::WordModel;

/// Why a role stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordRoleError {
    /// A message is damaged, or of another plan.
    #[error("{what}: {source}")]
    Message {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        source: WireError,
    },
    /// Words cannot be computed.
    #[error(transparent)]
    Words(#[from] WordError),
    /// The scheme refused.
    #[error(transparent)]
    Tfhe(#[from] he_tfhe::Error),
    /// A mini-batch that was never sent.
    #[error("mini-batch {0} was not sent")]
    MissingBatch(usize),
}

fn message(what: &'static str) -> impl Fn(WireError) -> WordRoleError {
    move |source| WordRoleError::Message { what, source }
}

/// Holds the secret key.
pub struct WordClient {
    plan: Arc<WordPlan>,
    key: SecretKey,
}

impl WordClient {
    /// A client with a new key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(plan: &Arc<WordPlan>) -> Result<Self, WordRoleError> {
        Ok(Self::with_key(plan, SecretKey::generate(&plan.parameters)?))
    }

    /// A client with a key of its own.
    #[must_use]
    pub fn with_key(plan: &Arc<WordPlan>, key: SecretKey) -> Self {
        Self { plan: Arc::clone(plan), key }
    }

    /// The secret key.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// New evaluation keys, as they are sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<Vec<u8>, WordRoleError> {
        self.key.seeded_evaluation_keys()?.to_bytes().map_err(message("evaluation keys"))
    }

    fn seal<C: Cipher>(
        &self,
        purpose: Purpose,
        number: u64,
        words: &[i64],
    ) -> Result<Vec<u8>, WordRoleError> {
        let words = C::encrypt(self.plan.format, &self.key, words)?;
        Ok(seal::<C>(&self.plan, purpose, number, &words))
    }

    /// Encrypts the weights to start from.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_model<C: Cipher>(&self, model: &WordModel) -> Result<Vec<u8>, WordRoleError> {
        let network = Network::from(model);
        let words: Vec<i64> = network.layers.iter().flat_map(|layer| layer.words().copied()).collect();
        self.seal::<C>(Purpose::Model, 0, &words)
    }

    /// Encrypts mini-batch number `index`.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_batch<C: Cipher>(
        &self,
        index: usize,
        batch: &Batch<i64>,
    ) -> Result<Vec<u8>, WordRoleError> {
        self.seal::<C>(Purpose::Batch, index as u64, &[&batch.x[..], &batch.targets].concat())
    }

    /// Encrypts features to be classified.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_query<C: Cipher>(&self, number: u64, x: &[i64]) -> Result<Vec<u8>, WordRoleError> {
        self.seal::<C>(Purpose::Query, number, x)
    }

    /// Decrypts weights as they are after `step` steps.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn decrypt_model<C: Cipher>(&self, step: u64, bytes: &[u8]) -> Result<WordModel, WordRoleError> {
        let shape = shape(&self.plan);
        let count = count(&shape);
        let words = open::<C>(&self.plan, Purpose::Model, step, bytes, |found| found == count);
        let words = C::decrypt(self.plan.format, &self.key, &words.map_err(message("model"))?)?;
        Ok(WordModel::from(&shape.with_words(&mut words.into_iter())))
    }

    /// Decrypts the outputs of a classification, sample after sample.
    ///
    /// # Errors
    /// If the message is damaged or of another plan.
    pub fn read_outputs<C: Cipher>(&self, number: u64, bytes: &[u8]) -> Result<Vec<i64>, WordRoleError> {
        let words = open::<C>(&self.plan, Purpose::Outputs, number, bytes, |_| true);
        Ok(C::decrypt(self.plan.format, &self.key, &words.map_err(message("outputs"))?)?)
    }
}

/// The network of a plan, without anything in it.
fn shape(plan: &WordPlan) -> Network<()> {
    let layer = |pair: &[usize]| super::Layer {
        inputs: pair[0],
        outputs: pair[1],
        weight: vec![(); pair[0] * pair[1]],
        bias: vec![(); pair[1]],
    };
    Network { layers: plan.widths.windows(2).map(layer).collect() }
}

fn count(network: &Network<()>) -> usize {
    network.layers.iter().map(|layer| layer.weight.len() + layer.bias.len()).sum()
}

/// Computes on ciphertexts.
pub struct WordServer<C: Cipher> {
    plan: Arc<WordPlan>,
    words: C,
    network: Network<C::Word>,
    /// Mini-batches as they came.
    batches: BTreeMap<usize, Vec<u8>>,
}

impl<C: Cipher> WordServer<C> {
    /// A server with evaluation keys and encrypted weights, those after `step` steps.
    ///
    /// # Errors
    /// If either is damaged or of another plan.
    pub fn new(plan: &Arc<WordPlan>, keys: &[u8], step: u64, model: &[u8]) -> Result<Self, WordRoleError> {
        let keys = SeededEvaluationKeys::from_bytes(&plan.parameters, keys);
        let words = C::new(plan.format, keys.map_err(message("evaluation keys"))?.expand())?;
        let shape = shape(plan);
        let needed = count(&shape);
        let model = open::<C>(plan, Purpose::Model, step, model, |found| found == needed);
        let network = shape.with_words(&mut model.map_err(message("model"))?.into_iter());
        Ok(Self { plan: Arc::clone(plan), words, network, batches: BTreeMap::new() })
    }

    /// Takes mini-batch number `index`; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged or of another plan.
    pub fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), WordRoleError> {
        self.open_batch(index, &bytes)?;
        self.batches.insert(index, bytes);
        Ok(())
    }

    fn open_batch(&self, index: usize, bytes: &[u8]) -> Result<Batch<C::Word>, WordRoleError> {
        let (features, outputs) = self.ends();
        let each = features + outputs;
        let fits = |count: usize| count.is_multiple_of(each) && count <= each * self.plan.batch;
        let words = open::<C>(&self.plan, Purpose::Batch, index as u64, bytes, fits);
        let mut x = words.map_err(message("batch"))?;
        let samples = x.len() / each;
        let targets = x.split_off(samples * features);
        Ok(Batch { samples, x, targets })
    }

    /// Number of features and of outputs.
    fn ends(&self) -> (usize, usize) {
        let widths = &self.plan.widths;
        (widths.first().copied().unwrap_or(1), widths.last().copied().unwrap_or(1))
    }

    /// One training step on a mini-batch that was sent.
    ///
    /// # Errors
    /// If the mini-batch is missing, the scheme refuses, or `stop` was set; the weights are then what they were.
    pub fn train(&mut self, batch: usize, stop: &AtomicBool) -> Result<(), WordRoleError> {
        let bytes = self.batches.get(&batch).ok_or(WordRoleError::MissingBatch(batch))?;
        let batch = self.open_batch(batch, bytes)?;
        self.network = self.network.step(&self.words, &batch, self.plan.shift, stop)?;
        Ok(())
    }

    /// The encrypted weights after `step` steps.
    #[must_use]
    pub fn model(&self, step: u64) -> Vec<u8> {
        let words: Vec<C::Word> =
            self.network.layers.iter().flat_map(|layer| layer.words().cloned()).collect();
        seal::<C>(&self.plan, Purpose::Model, step, &words)
    }

    /// The encrypted outputs for encrypted features.
    ///
    /// # Errors
    /// If the message is damaged or of another plan, or the scheme refuses.
    pub fn predict(&self, number: u64, bytes: &[u8]) -> Result<Vec<u8>, WordRoleError> {
        let features = self.ends().0;
        let fits = |count: usize| count.is_multiple_of(features);
        let x = open::<C>(&self.plan, Purpose::Query, number, bytes, fits).map_err(message("query"))?;
        let outputs = self.network.outputs(&self.words, &x, &AtomicBool::new(false))?;
        Ok(seal::<C>(&self.plan, Purpose::Outputs, number, &outputs))
    }

    /// Bootstraps so far.
    #[must_use]
    pub fn bootstraps(&self) -> u64 {
        self.words.bootstraps()
    }
}
