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
/// A piece with a ciphertext of the client's, or one computed of public weights. Of weights after steps, or computed of those, the steps
/// are added: scales follow from them.
pub(crate) const SEALED: u8 = 1;

/// The steps that a piece of a tensor is from, `None` of public weights.
///
/// # Errors
/// If it is none of a plan of so many steps.
pub(crate) fn steps_of(tensor: Tensor, piece: u8, steps: usize) -> Result<Option<usize>, WireError> {
    let done = usize::from(piece.saturating_sub(SEALED));
    match tensor {
        Tensor::Weights if piece == PUBLIC => Ok(None),
        Tensor::Weights if piece > SEALED && done <= steps => Ok(Some(done)),
        Tensor::Sum(_) if piece >= SEALED && done < steps => Ok(Some(done)),
        Tensor::Features | Tensor::Targets if piece == SEALED => Ok(Some(0)),
        _ => Err(WireError::Value { what: "piece", index: 0, found: piece.into(), bound: steps as u64 + 2 }),
    }
}

/// The steps and the ciphertexts of pieces, which must be of the same number of steps; none of public weights.
///
/// # Errors
/// If they are of different ones.
pub(crate) fn of_one_step<C>(pieces: Vec<Option<(usize, C)>>) -> Result<Option<(usize, Vec<C>)>, WireError> {
    let done = pieces.first().and_then(|piece| Some(piece.as_ref()?.0));
    if pieces.iter().any(|piece| piece.as_ref().map(|(steps, _)| *steps) != done) {
        let why = "some weights are public or of another step than others".to_owned();
        return Err(WireError::Invalid { what: "weights", why });
    }
    Ok(done.map(|done| (done, pieces.into_iter().flatten().map(|(_, c)| c).collect())))
}

/// Computes the steps on one ciphertext for each plaintext prime.
pub(crate) struct ColumnsEngine<R: Residues> {
    agreement: Arc<Agreement>,
    channels: Vec<R>,
    /// Ciphertexts of a tensor, for each plaintext prime; weights are not there while they are public.
    tensors: BTreeMap<Tensor, Vec<Vec<R::Ciphertext>>>,
    /// Steps done.
    done: usize,
    /// Images of the mini-batch.
    rows: usize,
    stop: Arc<AtomicBool>,
    clock: Clock,
}

/// Pieces of a tensor: weights that are public, or ciphertexts for each plaintext prime, and of how many steps.
type Read<C> = Option<(usize, Vec<Vec<C>>)>;

impl<R: Residues> ColumnsEngine<R> {
    /// An engine with an evaluator for each plaintext prime.
    pub(crate) fn new(agreement: &Arc<Agreement>, channels: Vec<R>) -> Self {
        let (agreement, rows) = (Arc::clone(agreement), agreement.batch);
        let (tensors, stop, clock) = (BTreeMap::new(), Arc::default(), Clock::default());
        Self { agreement, channels, tensors, done: 0, rows, stop, clock }
    }

    fn read(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Read<R::Ciphertext>> {
        let count = self.agreement.ciphertexts(tensor);
        let count = count.ok_or_else(|| EngineError::Unplanned(tensor.to_string()))?;
        let (fresh, steps) = (tensor != Tensor::Weights, self.agreement.ladder.steps());
        let read = |index: usize, reader: &mut Reader<'_>| {
            let Some(done) = steps_of(tensor, reader.u8("piece")?, steps)? else { return Ok(None) };
            let c = self.channels[index / count].read(reader, fresh);
            Ok(Some((done, c.map_err(|error| number(index, error))?)))
        };
        let names = ["number of ciphertexts", "ciphertext"];
        let wrong = |source| EngineError::Message { tensor, source };
        let all = Pieces::read(parts, count * self.channels.len(), names, read).map_err(wrong)?;
        let of_channels = |all: Vec<R::Ciphertext>| all.chunks(count).map(<[_]>::to_vec).collect();
        Ok(of_one_step(all).map_err(wrong)?.map(|(done, all)| (done, of_channels(all))))
    }

    /// The tensors that a step of one plaintext prime reads.
    fn get(&self, tensor: Tensor, c: usize) -> Result<&[R::Ciphertext]> {
        self.tensors.get(&tensor).map(|all| &all[c][..]).ok_or(EngineError::Missing(tensor))
    }

    /// The encrypted weights of a layer, on one plaintext prime; none while they are public.
    fn weights(&self, l: usize, c: usize) -> Option<&[R::Ciphertext]> {
        self.tensors.get(&Tensor::Weights).and_then(|all| all[c].get(self.agreement.of_weights(l)))
    }

    /// The tensor that a step writes, on one plaintext prime.
    fn compute(&self, step: Step, c: usize) -> Result<Option<(Tensor, Vec<R::Ciphertext>)>> {
        let (done, rows) = (self.done, self.rows);
        let steps =
            Steps { agreement: &self.agreement, ops: &self.channels[c], done, rows, rehearsed: false };
        let (get, last) = (|tensor| self.get(tensor, c), self.agreement.layers.len() - 1);
        let error = |l: usize| get(if l == last { Tensor::Error(l) } else { Tensor::RawError(l) });
        let weights = |l: usize| self.weights(l, c);
        Ok(Some(match step {
            Step::Forward(0) => (Tensor::Sum(0), steps.sums(0, get(Tensor::Features)?, weights(0))?),
            Step::Forward(l) => (Tensor::Sum(l), steps.sums(l, get(Tensor::Sum(l - 1))?, weights(l))?),
            Step::Loss => (Tensor::Error(last), steps.loss(get(Tensor::Sum(last))?, get(Tensor::Targets)?)?),
            Step::Backward(l) => {
                (Tensor::RawError(l.saturating_sub(1)), steps.errors(l, error(l)?, weights(l))?)
            }
            Step::Gradient(0) => {
                (Tensor::Products(0), steps.gradients(0, get(Tensor::Features)?, error(0)?)?)
            }
            Step::Gradient(l) => {
                let inputs = steps.beside(get(Tensor::Sum(l - 1))?)?;
                (Tensor::Products(l), steps.gradients(l, &inputs, error(l)?)?)
            }
            Step::Update => {
                let layer = |l| steps.new_weights(l, get(Tensor::Products(l))?, weights(l));
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

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()> {
        let read = self.read(tensor, &parts)?;
        match tensor {
            Tensor::Weights => self.done = read.as_ref().map_or(0, |(done, _)| *done),
            _ => self.rows = rows.min(self.agreement.batch),
        }
        match read {
            Some((_, read)) => self.tensors.insert(tensor, read),
            None => self.tensors.remove(&tensor),
        };
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        for &step in steps {
            unless(&self.stop)?;
            let planned = self.agreement.ladder.steps();
            if matches!(step, Step::Forward(_)) && self.done >= planned {
                let what = format!(
                    "product with weights that are encrypted, after {planned} steps: without a refresh no level is left for it"
                );
                return Err(EngineError::Unplanned(what));
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
        // The levels of weights are for the steps that follow.
        let goes_on = kept && self.done < self.agreement.ladder.steps();
        let written = |&(a, channel): &(&R::Ciphertext, &R)| {
            let mut piece = Writer::new();
            piece.u8(SEALED + self.done as u8);
            let sent = if goes_on { a.clone() } else { channel.smallest(a)? };
            let written = channel.write(&sent, &mut piece);
            written.map_err(|source| EngineError::Message { tensor, source })?;
            Ok(piece.finish())
        };
        Ok(vec![flat.par_iter().map(written).collect::<Result<_>>()?])
    }

    fn end(&mut self, trained: bool) {
        let new = self.tensors.remove(&Tensor::NewWeights).filter(|_| trained);
        self.tensors.retain(|tensor, _| *tensor == Tensor::Weights);
        self.done += usize::from(new.is_some());
        self.tensors.extend(new.map(|new| (Tensor::Weights, new)));
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        Usage { stages: self.clock.stages(), ..Usage::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_of_one_step_of_the_plan() {
        let steps = |tensor, piece| steps_of(tensor, piece, 2).ok();
        let weights: Vec<_> = (0..5).map(|piece| steps(Tensor::Weights, piece)).collect();
        assert_eq!(weights, [Some(None), None, Some(Some(1)), Some(Some(2)), None]);
        let outputs: Vec<_> = (0..4).map(|piece| steps(Tensor::Sum(1), piece)).collect();
        assert_eq!(outputs, [None, Some(Some(0)), Some(Some(1)), None]);
        assert_eq!([0, 1, 2].map(|piece| steps(Tensor::Targets, piece)), [None, Some(Some(0)), None]);
        assert_eq!(of_one_step(vec![Some((1, 'a')), Some((1, 'b'))]).unwrap(), Some((1, vec!['a', 'b'])));
        assert_eq!(of_one_step::<char>(vec![None, None]).unwrap(), None);
        assert!(of_one_step(vec![Some((1, 'a')), None]).is_err());
        assert!(of_one_step(vec![None, Some((1, 'a'))]).is_err());
        assert!(of_one_step(vec![Some((1, 'a')), Some((2, 'b'))]).is_err());
    }
}
