//! The engine of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_ckks::{BootstrapKeys, Bootstrapper, Ciphertext, EvaluationKeys, Evaluator};
use he_core::wire::{WireError, Writer};
use rayon::prelude::*;

use super::{CkksAgreement, CkksSlots, Held, RealFormulas, Samples};
use crate::engine::clock::Clock;
use crate::engine::form::check_secret;
use crate::engine::slots::Body;
use crate::engine::{Engine, EngineError, KeyStream, Pieces, Result, Usage, only_stream, unless};
use crate::program::{Refresh, Refresher, Step, Tensor};

/// Computes the steps of some layers on CKKS ciphertexts.
pub struct CkksEngine {
    agreement: Arc<CkksAgreement>,
    ops: CkksSlots,
    held: Held<Ciphertext>,
    batch: Sealed,
    clock: Clock,
}

/// A mini-batch as it came, opened tile by tile when it is read.
struct Sealed {
    agreement: Arc<CkksAgreement>,
    parts: BTreeMap<Tensor, Vec<Pieces>>,
    rows: usize,
    stop: Arc<AtomicBool>,
}

impl Samples<Ciphertext> for Sealed {
    fn read(&self, tensor: Tensor, part: usize) -> Result<Vec<Ciphertext>> {
        unless(&self.stop)?;
        let part = self.parts.get(&tensor).and_then(|parts| parts.get(part));
        let part = part.ok_or(EngineError::Missing(tensor))?;
        self.agreement.open(tensor, part).map_err(|source| EngineError::Message { tensor, source })
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl CkksEngine {
    /// An engine with evaluation keys.
    ///
    /// # Errors
    /// If keys are missing, damaged, of other parameters, or more than the plan asks for.
    pub fn new(agreement: &Arc<CkksAgreement>, keys: Vec<KeyStream<'_>>) -> Result<Self> {
        let keys = only_stream(keys)?;
        let wrong = |source| EngineError::Keys { what: "evaluation keys".into(), source };
        let (params, request) = (&agreement.params, agreement.keys()?);
        let (evaluator, bootstrapper) = if agreement.bootstraps() {
            let keys =
                BootstrapKeys::requested_from(params, params.slots(), &request, keys).map_err(wrong)?;
            let bootstrapper = Bootstrapper::new(keys)?;
            (bootstrapper.evaluator().clone(), Some(bootstrapper))
        } else {
            let keys = EvaluationKeys::requested_from(params, &request, keys).map_err(wrong)?;
            (Evaluator::new(params, keys)?, None)
        };
        Ok(Self {
            agreement: Arc::clone(agreement),
            ops: CkksSlots::new(agreement, evaluator, bootstrapper),
            held: Held::default(),
            batch: Sealed {
                agreement: Arc::clone(agreement),
                parts: BTreeMap::new(),
                rows: 0,
                stop: Arc::default(),
            },
            clock: Clock::default(),
        })
    }

    /// Ciphertexts under the secret of the keys.
    fn own(&self, all: Vec<Ciphertext>) -> Result<Vec<Ciphertext>, WireError> {
        let keys = self.ops.secret_id();
        all.iter().try_for_each(|c| check_secret(Some(c.secret_id()), keys)).map(|()| all)
    }

    fn open(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Vec<Ciphertext>> {
        let opened = self.agreement.open_all(tensor, parts).and_then(|all| self.own(all));
        opened.map_err(|source| EngineError::Message { tensor, source })
    }

    fn written(&self, tensor: Tensor, tiles: &[Ciphertext]) -> Result<Vec<Vec<u8>>> {
        let primes = self.agreement.sent(tensor).map(|(_, _, primes)| primes);
        let primes = primes.ok_or_else(|| EngineError::Unplanned(format!("{tensor} for the client")))?;
        let write = |tile: &Ciphertext| {
            let mut piece = Writer::new();
            let written = self.ops.mod_switch_to(tile, primes)?.write(&mut piece);
            written.map_err(|source| EngineError::Message { tensor, source })?;
            Ok(piece.finish())
        };
        tiles.par_iter().map(write).collect()
    }

    fn body(&self) -> Body<'_, CkksSlots, RealFormulas> {
        Body { ops: &self.ops, numbers: &self.agreement.formulas }
    }

    /// Runs some work on what is held, and adds its seconds to a stage.
    fn spend(
        &mut self,
        stage: &'static str,
        work: impl FnOnce(&Self, &mut Held<Ciphertext>) -> Result<()>,
    ) -> Result<()> {
        let mut held = std::mem::take(&mut self.held);
        let done = unless(&self.batch.stop).and_then(|()| self.clock.on(stage, || work(self, &mut held)));
        self.held = held;
        done
    }

    /// Weights and momentum as computed, over as many primes as they are kept.
    fn keep(&self, held: &mut Held<Ciphertext>) -> Result<()> {
        let primes = self.agreement.fresh.get(&Tensor::Weights).copied().unwrap_or(1);
        let next = held.tensors.take(Tensor::NewWeights)?;
        let next = next.iter().map(|c| self.ops.mod_switch_to(c, primes)).collect::<Result<Vec<_>, _>>()?;
        held.tensors.put(Tensor::NewWeights, next);
        Ok(())
    }
}

/// The part of a training step that a step belongs to.
fn stage(step: Step) -> &'static str {
    match step {
        Step::Expand => "expand",
        Step::Forward(_) | Step::Loss => "forward",
        Step::Activate(_) => "activations",
        Step::Backward(_) | Step::Derivative(_) => "errors",
        Step::Gradient(_) => "gradients",
        Step::Update => "update",
        Step::Refresh { .. } => "bootstrap",
    }
}

impl Engine for CkksEngine {
    fn check(&self, tensor: Tensor, _rows: usize, parts: &[Pieces]) -> Result<()> {
        // One part after another: a mini-batch is large.
        let checked = self.agreement.check_parts(tensor, parts);
        let checked = checked.and_then(|()| {
            let mut opened = parts.iter().map(|part| self.agreement.open(tensor, part));
            opened.try_for_each(|opened| self.own(opened?).map(drop))
        });
        checked.map_err(|source| EngineError::Message { tensor, source })
    }

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()> {
        match tensor {
            Tensor::Features | Tensor::Targets => {
                self.check(tensor, rows, &parts)?;
                self.batch.rows = rows;
                self.batch.parts.insert(tensor, parts);
            }
            Tensor::Weights => {
                self.held.state = self.open(tensor, &parts)?;
                self.held.bootstrapped = None;
                self.held.expanded.clear();
                // The client's take the place of those that were computed.
                self.held.tensors.forget(Tensor::NewWeights);
            }
            _ => {
                let tiles = self.open(tensor, &parts)?;
                self.batch.rows = rows;
                self.held.tensors.put(tensor, tiles);
            }
        }
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        // One after another, each on all threads: what one drops the next need not hold.
        for &step in steps {
            self.spend(stage(step), |this, held| {
                this.body().run_on(step, held, &this.batch)?;
                if step == Step::Update && this.agreement.formulas.keeps_weights() {
                    return this.keep(held);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn refresh(&mut self, round: &[Refresh], by: Refresher) -> Result<()> {
        if by != Refresher::Bootstrap {
            return Err(EngineError::Unplanned(format!("refresh by {by}")));
        }
        for refresh in round {
            self.spend("bootstrap", |this, held| this.body().bootstrap(refresh.from, held, this.batch.rows))?;
        }
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        if tensor == Tensor::Weights {
            return Ok(vec![self.written(tensor, &self.held.state)?]);
        }
        let tiles = self.held.tensors.take(tensor)?;
        Ok(vec![self.written(tensor, &tiles)?])
    }

    fn end(&mut self, trained: bool) {
        if let (true, Ok(next)) = (trained, self.held.tensors.take(Tensor::NewWeights)) {
            self.held.state = next;
        }
        self.held.clear();
        self.batch.parts.clear();
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.batch.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        let (bootstraps, stages) = (self.ops.bootstraps(), self.clock.stages());
        Usage { bootstraps, stages, ..Usage::default() }
    }
}
