//! The server: computes with ciphertexts and evaluation keys, and has nothing that decrypts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_ckks::{BootstrapKeys, Ciphertext, EvaluationKeys};
use he_core::wire::Writer;

use super::message::{Purpose, check, open, seal};
use super::slots::{RealError, Slots};
use super::step::{Samples, Step};
use super::{CkksSlots, Keys, RealPlan};
use crate::recipe::Backward;

type Result<T> = std::result::Result<T, RealError>;

fn message(what: &'static str) -> impl Fn(he_core::wire::WireError) -> RealError {
    move |source| RealError::Message { what, source }
}

/// A mini-batch as it came.
struct Sent {
    /// Features by tiles of images, then targets.
    messages: Vec<Vec<u8>>,
    /// Samples in it.
    rows: usize,
}

/// Computes on ciphertexts. It takes no secret key:
///
/// ```compile_fail,E0308
/// # use std::sync::Arc;
/// # use nn_encrypted::reals::{RealPlan, RealServer};
/// # fn f(plan: Arc<RealPlan>, secret: he_ckks::SecretKey, model: Vec<u8>) {
/// let server = RealServer::new(&plan, &secret, 0, &model);
/// # }
/// ```
pub struct RealServer {
    plan: Arc<RealPlan>,
    slots: CkksSlots,
    state: Vec<Ciphertext>,
    batches: BTreeMap<usize, Sent>,
}

/// Messages of one mini-batch, opened tile by tile when they are needed.
struct Messages<'a> {
    plan: &'a RealPlan,
    purpose: Purpose,
    number: u64,
    messages: &'a [Vec<u8>],
    rows: usize,
}

impl Messages<'_> {
    fn open(&self, purpose: Purpose, t: usize, place: usize, count: usize) -> Result<Vec<Ciphertext>> {
        let bytes = self.messages.get(place).ok_or(RealError::MissingTile(t))?;
        let size = (count, self.plan.sample_limbs());
        open(self.plan, purpose, (self.number, t), size, bytes).map_err(message("mini-batch"))
    }
}

impl Samples<Ciphertext> for Messages<'_> {
    fn features(&self, t: usize) -> Result<Vec<Ciphertext>> {
        let shape = &self.plan.shape;
        let count = shape.geometry.layers.first().map_or(0, |layer| layer.counts(shape.cube()).0);
        self.open(self.purpose, t, t, count)
    }

    fn targets(&self, t: usize) -> Result<Vec<Ciphertext>> {
        let shape = &self.plan.shape;
        let count = shape.geometry.output(shape.last()).counts(shape.cube()).1;
        self.open(Purpose::Targets, t, shape.image_tiles() + t, count)
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl RealServer {
    /// A server with evaluation keys and an encrypted model, that after `step` steps.
    ///
    /// # Errors
    /// If either is damaged or of another plan.
    pub fn new(plan: &Arc<RealPlan>, keys: &[u8], step: u64, model: &[u8]) -> Result<Self> {
        let wire = message("evaluation keys");
        let keys = match plan.backward {
            Backward::Encrypted => {
                Keys::Bootstrap(BootstrapKeys::from_bytes(&plan.params, keys).map_err(wire)?)
            }
            Backward::Client => Keys::Leveled(EvaluationKeys::from_bytes(&plan.params, keys).map_err(wire)?),
        };
        let slots = CkksSlots::new(&plan.params, &plan.shape, keys)?;
        let mut this = Self { plan: Arc::clone(plan), slots, state: Vec::new(), batches: BTreeMap::new() };
        this.receive_model(step, model)?;
        Ok(this)
    }

    /// Takes the model after `step` steps.
    ///
    /// # Errors
    /// If it is damaged or of another plan.
    pub fn receive_model(&mut self, step: u64, model: &[u8]) -> Result<()> {
        let plan = &self.plan;
        let size = (plan.shape.geometry.compact.ciphertexts(), plan.state_limbs());
        self.state = open(plan, Purpose::Model, (step, 0), size, model).map_err(message("model"))?;
        Ok(())
    }

    /// Takes mini-batch number `index` of `rows` samples; it replaces an earlier one of this number.
    ///
    /// # Errors
    /// If it is damaged or of another plan.
    pub fn receive_batch(&mut self, index: usize, rows: usize, messages: Vec<Vec<u8>>) -> Result<()> {
        for (place, bytes) in messages.iter().enumerate() {
            let features = place < self.plan.shape.image_tiles();
            let purpose = if features { Purpose::Features } else { Purpose::Targets };
            check(&self.plan, purpose, bytes).map_err(message("mini-batch"))?;
        }
        self.batches.insert(index, Sent { messages, rows });
        Ok(())
    }

    /// Forgets a mini-batch.
    pub fn forget_batch(&mut self, index: usize) {
        self.batches.remove(&index);
    }

    fn step(&self) -> Step<'_, CkksSlots> {
        Step { slots: &self.slots, shape: &self.plan.shape }
    }

    fn sent(&self, batch: usize) -> Result<Messages<'_>> {
        let sent = self.batches.get(&batch).ok_or(RealError::MissingBatch(batch))?;
        Ok(Messages {
            plan: &self.plan,
            purpose: Purpose::Features,
            number: batch as u64,
            messages: &sent.messages,
            rows: sent.rows,
        })
    }

    /// One training step on a mini-batch that was sent; the model is what it was if it fails.
    ///
    /// # Errors
    /// If the mini-batch is missing or damaged, the scheme refuses, or `stop` was set.
    pub fn train(&mut self, batch: usize, stop: &Arc<AtomicBool>) -> Result<()> {
        self.slots.stop_by(stop);
        let trained = self.sent(batch).and_then(|samples| self.step().train(&self.state, &samples));
        self.slots.stop_by(&Arc::default());
        self.slots.leave();
        let state = trained?;
        let limbs = self.plan.state_limbs();
        self.state = state.iter().map(|c| self.slots.at(c, limbs)).collect::<Result<_>>()?;
        Ok(())
    }

    /// The encrypted outputs of a mini-batch that was sent, for a client that takes the backward pass.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn forward(&self, batch: usize) -> Result<Vec<u8>> {
        self.outputs(batch as u64, &self.sent(batch)?)
    }

    /// The encrypted outputs for encrypted features.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn predict(&self, number: u64, rows: usize, messages: &[Vec<u8>]) -> Result<Vec<u8>> {
        let query = Messages { plan: &self.plan, purpose: Purpose::Query, number, messages, rows };
        self.outputs(number, &query)
    }

    fn outputs(&self, number: u64, samples: &Messages<'_>) -> Result<Vec<u8>> {
        let state = match self.plan.backward {
            Backward::Client => self.state.clone(),
            Backward::Encrypted => {
                self.state.iter().map(|c| self.slots.bootstrap(c)).collect::<Result<Vec<_>>>()?
            }
        };
        let outputs = self.step().outputs(&state, samples)?;
        self.slots.leave();
        let outputs = outputs.iter().map(|c| write(&self.slots.at(c, 1)?)).collect::<Result<Vec<_>>>()?;
        Ok(seal(&self.plan, Purpose::Outputs, (number, 0), &outputs))
    }

    /// The encrypted model after `step` steps.
    ///
    /// # Errors
    /// Never for one that was computed.
    pub fn model(&self, step: u64) -> Result<Vec<u8>> {
        let state = self.state.iter().map(write).collect::<Result<Vec<_>>>()?;
        Ok(seal(&self.plan, Purpose::Model, (step, 0), &state))
    }

    /// Bootstraps so far.
    pub fn bootstraps(&self) -> u64 {
        self.slots.bootstraps()
    }

    /// Seconds of the parts of all steps so far.
    pub fn parts(&self) -> Vec<(String, f64)> {
        self.slots.parts()
    }
}

fn write(ciphertext: &Ciphertext) -> Result<Vec<u8>> {
    let mut out = Writer::new();
    ciphertext.write(&mut out).map_err(message("ciphertext"))?;
    Ok(out.finish())
}
