//! The server: it trains and classifies with ciphertexts and evaluation keys, and nothing that decrypts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_bgv::Ciphertext;
use he_core::wire::{WireError, Writer};
use he_tfhe::Reading;

use super::engine::Engine;
use super::keys::Keys;
use super::layout::Layout;
use super::message::{Purpose, open, seal};
use super::stages::Stages;
use super::step::Pass;
use super::{MixedError, MixedPlan};

/// Computes on ciphertexts.
pub struct MixedServer {
    plan: Arc<MixedPlan>,
    engine: Engine,
    /// Dense, over all limbs.
    weights: Vec<Ciphertext>,
    /// Mini-batches as they came.
    batches: BTreeMap<usize, Vec<u8>>,
}

fn message(what: &'static str) -> impl Fn(WireError) -> MixedError {
    move |source| MixedError::Message { what, source }
}

impl MixedServer {
    /// A server with evaluation keys as they were sent, and encrypted weights, those after `step` steps. With `record` it keeps
    /// what blind rotations read, see [`take_readings`](Self::take_readings).
    ///
    /// # Errors
    /// If a key or the weights are damaged or of another plan.
    pub fn new(
        plan: &Arc<MixedPlan>,
        keys: &[Vec<u8>],
        step: u64,
        model: &[u8],
        record: bool,
    ) -> Result<Self, MixedError> {
        let weights = open_model(plan, step, model)?;
        let engine = Engine::new(plan, Keys::from_bytes(plan, keys)?, record)?;
        Ok(Self { plan: Arc::clone(plan), engine, weights, batches: BTreeMap::new() })
    }

    /// Takes other weights, those after `step` steps.
    ///
    /// # Errors
    /// If they are damaged or of another plan.
    pub fn receive_model(&mut self, step: u64, model: &[u8]) -> Result<(), MixedError> {
        self.weights = open_model(&self.plan, step, model)?;
        Ok(())
    }

    /// Takes mini-batch number `index`; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged or of another plan.
    pub fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), MixedError> {
        let fits = |count| count <= batch_pieces(&self.plan.layout);
        open(&self.plan, Purpose::Batch, index as u64, &bytes, fits).map_err(message("batch"))?;
        self.batches.insert(index, bytes);
        Ok(())
    }

    /// One training step on a mini-batch of `images` that was sent.
    ///
    /// # Errors
    /// If the mini-batch is missing or of another size, a scheme refuses, or `stop` was set; the weights are then what they were.
    pub fn train(&mut self, batch: usize, images: usize, stop: &AtomicBool) -> Result<(), MixedError> {
        let bytes = self.batches.get(&batch).ok_or(MixedError::MissingBatch(batch))?;
        let layout = Layout { batch: images, ..self.plan.layout.clone() };
        let fits = |count| images <= self.plan.batch && count == batch_pieces(&layout);
        let all = open(&self.plan, Purpose::Batch, batch as u64, bytes, fits).map_err(message("batch"))?;
        let (features, labels) = all.split_at(layout.inputs(0).pieces());
        let pass = Pass::new(&self.engine, &self.weights, images, stop)?;
        self.weights = pass.train(features, labels)?;
        Ok(())
    }

    /// The encrypted weights after `step` steps.
    ///
    /// # Errors
    /// Never for weights that were received or computed.
    pub fn model(&self, step: u64) -> Result<Vec<u8>, MixedError> {
        self.seal(Purpose::Model, step, &self.weights)
    }

    fn seal(&self, purpose: Purpose, number: u64, all: &[Ciphertext]) -> Result<Vec<u8>, MixedError> {
        let written = |c: &Ciphertext| {
            let mut out = Writer::new();
            c.write(&mut out).map_err(message("ciphertext"))?;
            Ok(out.finish())
        };
        let all = all.iter().map(written).collect::<Result<Vec<_>, MixedError>>()?;
        Ok(seal(&self.plan, purpose, number, &all))
    }

    /// The encrypted weighted sums of the outputs for encrypted features of so many images.
    ///
    /// # Errors
    /// If the message is damaged or of another plan, or a scheme refuses.
    pub fn predict(&self, number: u64, images: usize, bytes: &[u8]) -> Result<Vec<u8>, MixedError> {
        let layout = Layout { batch: images, ..self.plan.layout.clone() };
        let fits = |count| images <= self.plan.batch && count == layout.inputs(0).pieces();
        let features = open(&self.plan, Purpose::Query, number, bytes, fits).map_err(message("query"))?;
        let never = AtomicBool::new(false);
        let sums = Pass::new(&self.engine, &self.weights, images, &never)?.classify(&features)?;
        // Only what the outputs need to be told apart is left.
        let least = |c| Ok(self.engine.products.shrink(c, 2.0)?);
        self.seal(Purpose::Outputs, number, &sums.iter().map(least).collect::<Result<Vec<_>, MixedError>>()?)
    }

    /// What blind rotations read since this was asked last: ciphertexts, of use to the owner of the key.
    #[must_use]
    pub fn take_readings(&self) -> Vec<Reading> {
        self.engine.take_readings()
    }

    /// Limbs and noise budget of the weights, in bits: the least of all ciphertexts, estimated.
    #[must_use]
    pub fn health(&self) -> (usize, f64) {
        let limbs = self.weights.iter().map(Ciphertext::limbs).min().unwrap_or(0);
        (limbs, self.weights.iter().map(Ciphertext::noise_budget).fold(f64::INFINITY, f64::min))
    }

    /// Bootstraps of TFHE so far.
    #[must_use]
    pub fn bootstraps(&self) -> u64 {
        self.engine.bootstraps()
    }

    /// Ciphertexts of CKKS that were filled or refreshed so far.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.engine.refreshes()
    }

    /// What each stage took so far.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        &self.engine.stages
    }
}

fn batch_pieces(layout: &Layout) -> usize {
    layout.inputs(0).pieces() + layout.errors().pieces()
}

fn open_model(plan: &MixedPlan, step: u64, model: &[u8]) -> Result<Vec<Ciphertext>, MixedError> {
    let fits = |count| count == plan.layout.weights().pieces();
    let weights = open(plan, Purpose::Model, step, model, fits).map_err(message("model"))?;
    let needed = plan.parameters.bgv().max_limbs();
    if let Some(c) = weights.iter().find(|c| c.limbs() != needed) {
        let why = format!("{}, the plan has {needed}", c.limbs());
        return Err(message("model")(WireError::Invalid { what: "limbs", why }));
    }
    Ok(weights)
}
