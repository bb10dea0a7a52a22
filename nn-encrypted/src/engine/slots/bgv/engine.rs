//! The engine of a server.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use he_bgv::Ciphertext;
use he_core::wire::Writer;
use rayon::prelude::*;

use super::agreement::Opened;
use super::{Agreement, BgvSlots, Channel};
use crate::engine::clock::Clock;
use crate::engine::form::check_secret;
use crate::engine::slots::{Body, Exact, Whole};
use crate::engine::{Engine, EngineError, KeyStream, Pieces, Result, Store, Usage, unless};
use crate::program::{Step, Tensor};

/// The tensors that live from step to step.
const MODEL: [Tensor; 3] = [Tensor::Weights, Tensor::LowWeights, Tensor::Momentum];

/// Computes the steps of some layers on BGV ciphertexts.
pub struct BgvEngine {
    agreement: Arc<Agreement>,
    ops: BgvSlots,
    store: Store<Vec<Ciphertext>>,
    /// Tensors as they were opened to be checked, with their bytes: most often the next ones to be received.
    checked: Mutex<HashMap<Tensor, (Pieces, Opened)>>,
    stop: Arc<AtomicBool>,
    clock: Clock,
}

impl BgvEngine {
    /// An engine with the evaluation keys of every plaintext prime.
    ///
    /// # Errors
    /// If keys are missing, damaged, of other parameters, or more than the plan asks for.
    pub fn new(agreement: &Arc<Agreement>, keys: Vec<KeyStream<'_>>) -> Result<Self> {
        let needed = agreement.instances.len();
        if keys.len() != needed {
            return Err(EngineError::KeyCount { found: keys.len(), needed });
        }
        let mut channels = Vec::new();
        for (number, (instance, keys)) in agreement.instances.iter().zip(keys).enumerate() {
            let what = || format!("evaluation keys of plaintext prime {}", number + 1);
            let evaluator = instance.form.evaluator(&agreement.keys(&instance.params), keys, what)?;
            channels.push(Channel::new(&agreement.geometry, evaluator));
        }
        Ok(Self {
            agreement: Arc::clone(agreement),
            ops: BgvSlots::new(channels),
            store: Store::default(),
            checked: Mutex::default(),
            stop: Arc::default(),
            clock: Clock::default(),
        })
    }

    fn open(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Opened> {
        let own = |tile: &Vec<Ciphertext>| {
            let mut all = tile.iter().zip(self.ops.channels());
            all.try_for_each(|(c, channel)| {
                check_secret(Some(c.secret_id()), channel.evaluator().secret_id())
            })
        };
        let opened = self.agreement.open(tensor, true, parts);
        let opened = opened.and_then(|opened| opened.iter().try_for_each(own).map(|()| opened));
        opened.map_err(|source| EngineError::Message { tensor, source })
    }

    /// A tensor for the client: over as few primes as still decrypt, known from the rehearsal.
    fn written(&self, tensor: Tensor, tiles: &[Vec<Ciphertext>]) -> Result<Vec<Vec<u8>>> {
        let primes = self.agreement.sent.get(&tensor).copied();
        let forms = self.agreement.instances.iter().map(|instance| &instance.form);
        let channels: Vec<_> = self.ops.channels().iter().zip(forms).collect();
        let flat: Vec<_> = tiles.iter().flat_map(|tile| tile.iter().zip(&channels)).collect();
        flat.par_iter()
            .map(|(ciphertext, (channel, form))| {
                let mut piece = Writer::new();
                let level =
                    primes.map_or(usize::MAX, |primes| primes.saturating_sub(1)).min(ciphertext.level());
                let written = if level == ciphertext.level() {
                    form.write(ciphertext, &mut piece)
                } else {
                    form.write(&channel.evaluator().mod_switch_to(ciphertext, level)?, &mut piece)
                };
                written.map_err(|source| EngineError::Message { tensor, source })?;
                Ok(piece.finish())
            })
            .collect()
    }
}

/// The part of a training step that a step belongs to.
fn stage(step: Step) -> &'static str {
    match step {
        Step::Expand => "expand",
        Step::Forward(_) => "forward",
        Step::Activate(_) => "activations",
        Step::Loss | Step::Backward(_) | Step::Derivative(_) => "errors",
        Step::Gradient(_) => "gradients",
        Step::Update => "update",
        Step::Refresh { .. } => "refresh",
    }
}

impl Engine for BgvEngine {
    fn check(&self, tensor: Tensor, _rows: usize, parts: &[Pieces]) -> Result<()> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.remove(&tensor);
        let opened = self.open(tensor, parts)?;
        if let [only] = parts {
            checked.insert(tensor, (only.clone(), opened));
        }
        Ok(())
    }

    fn receive(&mut self, tensor: Tensor, _rows: usize, parts: Vec<Pieces>) -> Result<()> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner).remove(&tensor);
        let tiles = match (checked, &parts[..]) {
            (Some((known, opened)), [only]) if known.is_same(only) => opened,
            _ => self.open(tensor, &parts)?,
        };
        self.store.put(tensor, tiles);
        if tensor == Tensor::Weights {
            // Those of earlier weights.
            self.store.forget(Tensor::Expanded);
        }
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        let Some(&first) = steps.first() else { return Ok(()) };
        let plan = &self.agreement;
        let numbers = Exact { geometry: &plan.geometry, formulas: &plan.formulas, levels: &plan.levels };
        let body = Body { ops: &self.ops, numbers: &numbers };
        // Some steps are single products, which one thread would be left with.
        let one = |&step: &Step| {
            unless(&self.stop)?;
            if step == Step::Expand && self.store.has(Tensor::Expanded) {
                return Ok(Vec::new());
            }
            body.run(&Whole { store: &self.store }, step)
        };
        let made = self.clock.on(stage(first), || steps.par_iter().map(one).collect::<Result<Vec<_>>>())?;
        made.into_iter().flatten().for_each(|(tensor, tiles)| self.store.put(tensor, tiles));
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        if MODEL.contains(&tensor) {
            return Ok(vec![self.written(tensor, self.store.get(tensor)?)?]);
        }
        let tiles = self.store.take(tensor)?;
        Ok(vec![self.written(tensor, &tiles)?])
    }

    fn end(&mut self, _trained: bool) {
        // Expanded weights are those of the weights there are: new ones took them away.
        let [weights, low, momentum] = MODEL;
        self.store.keep(&[weights, low, momentum, Tensor::Expanded]);
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        Usage { stages: self.clock.stages(), ..Usage::default() }
    }
}
