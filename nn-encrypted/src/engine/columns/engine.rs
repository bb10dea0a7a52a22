//! The engine of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::{Reader, WireError, Writer};
use rayon::prelude::*;

use super::{Agreement, Residues, Steps};
use crate::engine::clock::Clock;
use crate::engine::form::number;
use crate::engine::{Engine, EngineError, Pieces, Result, Usage, unless};
use crate::program::{Step, Tensor};

/// A piece of weights that are the first ones: they stand in the plan.
pub(crate) const PUBLIC: u8 = 0;
/// A piece with a ciphertext.
pub(crate) const SEALED: u8 = 1;

/// Computes the steps on one ciphertext for each plaintext prime.
pub(crate) struct ColumnsEngine<R: Residues> {
    agreement: Arc<Agreement>,
    channels: Vec<R>,
    /// Ciphertexts of a tensor, for each plaintext prime; weights are not there while they are public.
    tensors: BTreeMap<Tensor, Vec<Vec<R::Ciphertext>>>,
    stop: Arc<AtomicBool>,
    clock: Clock,
}

/// Pieces of a tensor: weights that are public, or ciphertexts for each plaintext prime.
type Read<C> = Option<Vec<Vec<C>>>;

impl<R: Residues> ColumnsEngine<R> {
    /// An engine with an evaluator for each plaintext prime.
    pub(crate) fn new(agreement: &Arc<Agreement>, channels: Vec<R>) -> Self {
        let agreement = Arc::clone(agreement);
        Self { agreement, channels, tensors: BTreeMap::new(), stop: Arc::default(), clock: Clock::default() }
    }

    fn read(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Read<R::Ciphertext>> {
        let count = self.agreement.ciphertexts(tensor);
        let count = count.ok_or_else(|| EngineError::Unplanned(tensor.to_string()))?;
        let fresh = tensor != Tensor::Weights;
        let read = |index: usize, reader: &mut Reader<'_>| match reader.u8("piece")? {
            PUBLIC if !fresh => Ok(None),
            SEALED => {
                let c = self.channels[index / count].read(reader, fresh);
                Ok(Some(c.map_err(|error| number(index, error))?))
            }
            found => Err(WireError::Value { what: "piece", index, found: found.into(), bound: 2 }),
        };
        let names = ["number of ciphertexts", "ciphertext"];
        let wrong = |source| EngineError::Message { tensor, source };
        let all = Pieces::read(parts, count * self.channels.len(), names, read).map_err(wrong)?;
        if all.iter().all(Option::is_none) {
            return Ok(None);
        }
        let sealed: Option<Vec<_>> = all.into_iter().collect();
        let why = "some weights are public and others are not".to_owned();
        let sealed = sealed.ok_or_else(|| wrong(WireError::Invalid { what: "weights", why }))?;
        Ok(Some(sealed.chunks(count).map(<[_]>::to_vec).collect()))
    }

    /// The tensors that a step of one plaintext prime reads.
    fn get(&self, tensor: Tensor, c: usize) -> Result<&[R::Ciphertext]> {
        self.tensors.get(&tensor).map(|all| &all[c][..]).ok_or(EngineError::Missing(tensor))
    }

    /// The tensor that a step writes, on one plaintext prime.
    fn compute(&self, step: Step, c: usize) -> Result<Option<(Tensor, Vec<R::Ciphertext>)>> {
        let steps = Steps { agreement: &self.agreement, ops: &self.channels[c], rehearsed: false };
        let (get, last) = (|tensor| self.get(tensor, c), self.agreement.layers.len() - 1);
        let error = |l: usize| get(if l == last { Tensor::Error(l) } else { Tensor::RawError(l) });
        Ok(Some(match step {
            Step::Forward(0) => (Tensor::Sum(0), steps.first_forward(get(Tensor::Features)?)?),
            Step::Forward(l) => (Tensor::Sum(l), steps.forward(l, get(Tensor::Sum(l - 1))?)?),
            Step::Loss => (Tensor::Error(last), steps.loss(get(Tensor::Sum(last))?, get(Tensor::Targets)?)?),
            Step::Backward(l) => (Tensor::RawError(l.saturating_sub(1)), steps.backward(l, error(l)?)?),
            Step::Gradient(0) => (Tensor::Products(0), steps.gradient(get(Tensor::Features)?, error(0)?)?),
            Step::Gradient(l) => {
                let inputs = steps.beside(get(Tensor::Sum(l - 1))?)?;
                (Tensor::Products(l), steps.gradient(&inputs, error(l)?)?)
            }
            Step::Update => {
                let layer = |l| steps.update(l, get(Tensor::Products(l))?);
                let layers = (0..=last).map(layer).collect::<Result<Vec<_>>>()?;
                (Tensor::NewWeights, layers.concat())
            }
            // The identity and its derivative leave tensors as they are.
            Step::Expand | Step::Activate(_) | Step::Derivative(_) | Step::Refresh { .. } => return Ok(None),
        }))
    }
}

/// The part of a training step that a step belongs to.
fn stage(step: Step) -> &'static str {
    match step {
        Step::Forward(_) => "forward",
        Step::Gradient(_) => "gradients",
        Step::Update => "update",
        _ => "errors",
    }
}

impl<R: Residues> Engine for ColumnsEngine<R> {
    fn check(&self, tensor: Tensor, _rows: usize, parts: &[Pieces]) -> Result<()> {
        self.read(tensor, parts).map(drop)
    }

    fn receive(&mut self, tensor: Tensor, _rows: usize, parts: Vec<Pieces>) -> Result<()> {
        match self.read(tensor, &parts)? {
            Some(read) => self.tensors.insert(tensor, read),
            None => self.tensors.remove(&tensor),
        };
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        for &step in steps {
            unless(&self.stop)?;
            if matches!(step, Step::Forward(_)) && self.tensors.contains_key(&Tensor::Weights) {
                let what =
                    "a product with weights that are encrypted: without a refresh no level is left for it";
                return Err(EngineError::Unplanned(what.into()));
            }
            // One prime after another: each takes all threads.
            let one = || (0..self.channels.len()).map(|c| self.compute(step, c)).collect::<Result<Vec<_>>>();
            let made = self.clock.on(stage(step), one)?;
            let made: Option<(Vec<Tensor>, Vec<_>)> =
                made.into_iter().collect::<Option<Vec<_>>>().map(|all| all.into_iter().unzip());
            if let Some((names, all)) = made {
                names.first().map(|&tensor| self.tensors.insert(tensor, all));
            }
        }
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        let kept = tensor == Tensor::Weights;
        let count = self.agreement.ciphertexts(tensor).unwrap_or(0);
        if kept && !self.tensors.contains_key(&tensor) {
            return Ok(vec![vec![vec![PUBLIC]; count * self.channels.len()]]);
        }
        let all = self.tensors.get(&tensor).ok_or(EngineError::Missing(tensor))?;
        let flat: Vec<_> =
            all.iter().zip(&self.channels).flat_map(|(all, c)| all.iter().map(move |a| (a, c))).collect();
        let written = |&(a, channel): &(&R::Ciphertext, &R)| {
            let mut piece = Writer::new();
            piece.u8(SEALED);
            let written = channel.write(&channel.smallest(a)?, &mut piece);
            written.map_err(|source| EngineError::Message { tensor, source })?;
            Ok(piece.finish())
        };
        Ok(vec![flat.par_iter().map(written).collect::<Result<_>>()?])
    }

    fn end(&mut self, trained: bool) {
        let new = self.tensors.remove(&Tensor::NewWeights).filter(|_| trained);
        self.tensors.retain(|tensor, _| *tensor == Tensor::Weights);
        self.tensors.extend(new.map(|new| (Tensor::Weights, new)));
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        Usage { stages: self.clock.stages(), ..Usage::default() }
    }
}
