//! The server: it trains and classifies with ciphertexts and evaluation keys, and nothing that decrypts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::{WireError, Writer};
use he_switch::{EvaluationKeys, Switcher};
use he_tfhe::SwitchedPhase;

use super::arrangement::{Arrangement, Tensor};
use super::layers::Engine;
use super::lookup::Lookup;
use super::message::{Purpose, open, seal};
use super::stages::Stages;
use super::{MixedError, MixedPlan, bgv, ckks, step};

/// Computes on ciphertexts.
pub struct MixedServer {
    work: Box<dyn Work>,
    /// Mini-batches as they came.
    batches: BTreeMap<usize, Vec<u8>>,
}

/// The part of a server that knows of a scheme.
trait Work: Send + Sync {
    fn lookup(&self) -> &Lookup;
    fn set_model(&mut self, step: u64, bytes: &[u8]) -> Result<(), MixedError>;
    fn check_batch(&self, index: usize, bytes: &[u8]) -> Result<(), MixedError>;
    fn train(
        &mut self,
        index: usize,
        bytes: &[u8],
        images: usize,
        stop: &AtomicBool,
    ) -> Result<(), MixedError>;
    fn predict(&self, number: u64, bytes: &[u8], images: usize) -> Result<Vec<u8>, MixedError>;
    fn model(&self, step: u64) -> Result<Vec<u8>, MixedError>;
    fn health(&self) -> (usize, f64);
}

/// Weights over all limbs, and what computes with them.
struct Trained<E: Engine> {
    engine: E,
    weights: Vec<E::Cipher>,
}

impl<E: Engine> Trained<E> {
    fn new(engine: E, step: u64, model: &[u8]) -> Result<Self, MixedError> {
        let mut this = Self { engine, weights: Vec::new() };
        this.set_model(step, model)?;
        Ok(this)
    }

    fn pieces(&self, tensor: Tensor) -> usize {
        self.lookup().plan.arrangement.pieces(tensor)
    }

    fn open(
        &self,
        purpose: Purpose,
        number: u64,
        bytes: &[u8],
        fits: impl Fn(usize) -> bool,
    ) -> Result<Vec<E::Cipher>, WireError> {
        open(&self.lookup().plan, purpose, number, bytes, fits, |from| self.engine.read(from))
    }

    fn seal(&self, purpose: Purpose, number: u64, all: &[E::Cipher]) -> Result<Vec<u8>, MixedError> {
        let written = |c: &E::Cipher| {
            let mut out = Writer::new();
            self.engine.write(c, &mut out).map_err(message("ciphertext"))?;
            Ok(out.finish())
        };
        let all = all.iter().map(written).collect::<Result<Vec<_>, MixedError>>()?;
        Ok(seal(&self.lookup().plan, purpose, number, &all))
    }
}

impl<E: Engine> Work for Trained<E> {
    fn lookup(&self) -> &Lookup {
        self.engine.lookup()
    }

    fn set_model(&mut self, step: u64, bytes: &[u8]) -> Result<(), MixedError> {
        let fits = |count| count == self.pieces(Tensor::Weights);
        let weights = self.open(Purpose::Model, step, bytes, fits).map_err(message("model"))?;
        let few = |c| {
            let (limbs, needed, _) = self.engine.health(c);
            (limbs != needed).then(|| format!("{limbs}, the plan has {needed}"))
        };
        if let Some(why) = weights.iter().find_map(few) {
            return Err(message("model")(WireError::Invalid { what: "limbs", why }));
        }
        self.weights = weights;
        Ok(())
    }

    fn check_batch(&self, index: usize, bytes: &[u8]) -> Result<(), MixedError> {
        let most = self.lookup().plan.batch;
        let most = self.pieces(Tensor::Features(most)) + self.pieces(Tensor::Labels(most));
        let all = self.open(Purpose::Batch, index as u64, bytes, |count| count <= most);
        all.map(drop).map_err(message("batch"))
    }

    fn train(
        &mut self,
        index: usize,
        bytes: &[u8],
        images: usize,
        stop: &AtomicBool,
    ) -> Result<(), MixedError> {
        let features = self.pieces(Tensor::Features(images));
        let count = features + self.pieces(Tensor::Labels(images));
        let fits = |found| images <= self.lookup().plan.batch && found == count;
        let all = self.open(Purpose::Batch, index as u64, bytes, fits).map_err(message("batch"))?;
        let (features, labels) = all.split_at(features);
        let weights = step::train(&self.engine.pass(&self.weights, images, stop)?, features, labels)?;
        self.weights = weights;
        Ok(())
    }

    fn predict(&self, number: u64, bytes: &[u8], images: usize) -> Result<Vec<u8>, MixedError> {
        let count = self.pieces(Tensor::Features(images));
        let fits = |found| images <= self.lookup().plan.batch && found == count;
        let features = self.open(Purpose::Query, number, bytes, fits).map_err(message("query"))?;
        let never = AtomicBool::new(false);
        let sums = step::classify(&self.engine.pass(&self.weights, images, &never)?, &features)?;
        let least: Vec<_> = sums.iter().map(|c| self.engine.least(c)).collect::<Result<_, _>>()?;
        self.seal(Purpose::Outputs, number, &least)
    }

    fn model(&self, step: u64) -> Result<Vec<u8>, MixedError> {
        self.seal(Purpose::Model, step, &self.weights)
    }

    fn health(&self) -> (usize, f64) {
        let all: Vec<_> = self.weights.iter().map(|c| self.engine.health(c)).collect();
        let limbs = all.iter().map(|&(limbs, ..)| limbs).min().unwrap_or(0);
        (limbs, all.iter().map(|&(.., bits)| bits).fold(f64::INFINITY, f64::min))
    }
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
        let keys = EvaluationKeys::from_bytes(&plan.parameters, &plan.key_request(), keys)?;
        let switcher = Switcher::new(keys)?;
        let work: Box<dyn Work> = match &plan.arrangement {
            Arrangement::Bgv(layout) => {
                let engine = bgv::Engine::new(plan, layout, switcher, record)?;
                Box::new(Trained::new(engine, step, model)?)
            }
            Arrangement::Ckks(packing) => {
                let engine = ckks::Engine::new(plan, packing, switcher, record)?;
                Box::new(Trained::new(engine, step, model)?)
            }
        };
        Ok(Self { work, batches: BTreeMap::new() })
    }

    /// Takes other weights, those after `step` steps.
    ///
    /// # Errors
    /// If they are damaged or of another plan.
    pub fn receive_model(&mut self, step: u64, model: &[u8]) -> Result<(), MixedError> {
        self.work.set_model(step, model)
    }

    /// Takes mini-batch number `index`; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged or of another plan.
    pub fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), MixedError> {
        self.work.check_batch(index, &bytes)?;
        self.batches.insert(index, bytes);
        Ok(())
    }

    /// One training step on a mini-batch of `images` that was sent.
    ///
    /// # Errors
    /// If the mini-batch is missing or of another size, a scheme refuses, or `stop` was set; the weights are then what they were.
    pub fn train(&mut self, batch: usize, images: usize, stop: &AtomicBool) -> Result<(), MixedError> {
        let bytes = self.batches.get(&batch).ok_or(MixedError::MissingBatch(batch))?;
        self.work.train(batch, bytes, images, stop)
    }

    /// The encrypted weights after `step` steps.
    ///
    /// # Errors
    /// Never for weights that were received or computed.
    pub fn model(&self, step: u64) -> Result<Vec<u8>, MixedError> {
        self.work.model(step)
    }

    /// The encrypted weighted sums of the outputs for encrypted features of so many images.
    ///
    /// # Errors
    /// If the message is damaged or of another plan, or a scheme refuses.
    pub fn predict(&self, number: u64, images: usize, bytes: &[u8]) -> Result<Vec<u8>, MixedError> {
        self.work.predict(number, bytes, images)
    }

    /// What blind rotations read since this was asked last: ciphertexts, of use to the owner of the key.
    #[must_use]
    pub fn take_readings(&self) -> Vec<SwitchedPhase> {
        self.work.lookup().take_readings()
    }

    /// Limbs and noise budget of the weights in bits, in CKKS their precision: the least of all ciphertexts, estimated.
    #[must_use]
    pub fn health(&self) -> (usize, f64) {
        self.work.health()
    }

    /// Bootstraps of TFHE so far.
    #[must_use]
    pub fn bootstraps(&self) -> u64 {
        self.work.lookup().bootstraps()
    }

    /// Ciphertexts of CKKS that were filled or refreshed so far.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.work.lookup().refreshes()
    }

    /// What each stage took so far.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        &self.work.lookup().stages
    }
}
