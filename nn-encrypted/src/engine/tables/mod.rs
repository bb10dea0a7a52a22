//! Layers with weights beside lookup tables: between a layer with weights and its activation values change the scheme.
//!
//! | step | what is computed |
//! |---|---|
//! | `Expand` | weights as products take them |
//! | `Forward(l)` | `Sum(l)`: products in the scheme of the layer |
//! | `Activate(l)` | pre-activations are lowered to LWE ciphertexts, looked up with their derivatives, and raised |
//! | `Loss` | the table of the outputs less targets; or the difference of outputs and targets, lowered, times derivatives |
//! | `Gradient(l)`, `Backward(l)` | products of errors with inputs, and with weights |
//! | `Derivative(l)` | the gradient is lowered, looked up together with derivatives, and raised |
//! | `Update` | `W − Σ A·D`: the factor of the step is in the formats |
//! | `Refresh` | weights, in bulk |
//!
//! A scheme joins by `Layers`, and by `Lowering` to TFHE, of which this table speaks; other tables are `Activations` of their own. What
//! tables hold is [`crate::numbers::tables`].

mod bootstraps;
mod layers;
mod lookup;
pub(crate) mod stage;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::{Reader, WireError, Writer};
use he_switch::EvaluationKeys;
use he_tfhe::SwitchedPhase;
use rayon::prelude::*;

pub(crate) use self::bootstraps::Bootstraps;
pub(crate) use self::layers::{Activations, At, Beside, Layers, Lowering, Raised, by_piece};
pub(crate) use self::lookup::Lookup;
pub(crate) use self::lookup::TableFunctions;
use super::{Engine, EngineError, KeyStream, Pieces, Result, Store, Usage};
use crate::program::{Refresh, Refresher, Step, Tensor};
pub(crate) use he_switch::{KeyRequest, Parameters, SecretKeys, Switcher};

/// All bridges, from evaluation keys as they were sent.
pub(crate) fn switcher(
    parameters: &Parameters,
    request: &KeyRequest,
    keys: Vec<KeyStream<'_>>,
) -> Result<Switcher> {
    let needed = request.kinds().len();
    if keys.len() != needed {
        return Err(EngineError::KeyCount { found: keys.len(), needed });
    }
    let keys = EvaluationKeys::read_from(parameters, request, keys).map_err(|error| match error {
        he_switch::Error::Key { kind, source } => EngineError::Keys { what: kind.to_string(), source },
        other => other.into(),
    })?;
    Ok(Switcher::new(keys)?)
}

/// Layers with weights and tables, on ciphertexts.
pub(crate) struct TableEngine<L: Layers, A> {
    layers: L,
    activations: A,
    depth: usize,
    /// Images of the mini-batch or query.
    images: usize,
    /// As they came.
    sealed: BTreeMap<Tensor, Pieces>,
    tensors: Store<L::Cipher>,
}

impl<L: Layers, A: Activations<L>> TableEngine<L, A> {
    /// Layers in their scheme, and tables.
    pub(crate) fn new(layers: L, activations: A) -> Self {
        let depth = layers.places().widths().len() - 1;
        Self { layers, activations, depth, images: 0, sealed: BTreeMap::new(), tensors: Store::default() }
    }

    /// The ciphertexts of a tensor of so many images that came.
    fn read(&self, tensor: Tensor, images: usize, parts: &[Pieces]) -> Result<Vec<L::Cipher>> {
        let needed = self.layers.places().sent(tensor, images).filter(|_| images > 0 || is_weights(tensor));
        let needed = needed.ok_or_else(|| EngineError::Unplanned(tensor.to_string()))?;
        let names = ["ciphertexts", "ciphertext"];
        let read = Pieces::read(parts, needed, names, |_, reader| self.layers.read(reader));
        read.map_err(|source| EngineError::Message { tensor, source })
    }
}

impl<L: Layers, A: Activations<L>> Engine for TableEngine<L, A> {
    fn check(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<()> {
        self.read(tensor, rows, parts).map(drop)
    }

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()> {
        let read = self.read(tensor, rows, &parts)?;
        if is_weights(tensor) {
            self.tensors.forget(Tensor::NewWeights);
            self.tensors.forget(Tensor::Expanded);
            self.tensors.put(Tensor::Weights, read);
            return Ok(());
        }
        // It stays sealed until it is used.
        self.tensors.forget(tensor);
        self.images = rows;
        self.sealed.extend(parts.into_iter().map(|pieces| (tensor, pieces)));
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        steps.iter().try_for_each(|step| self.step(*step))
    }

    fn refresh(&mut self, round: &[Refresh], _: Refresher) -> Result<()> {
        for Refresh { from, to, .. } in round {
            // There is no momentum here.
            if let (Tensor::Weights | Tensor::NewWeights, [_]) = (*from, &to[..]) {
                let fresh = self.activations.refresh(&self.layers, self.tensors.get(*from)?)?;
                self.tensors.put(*from, fresh);
            }
        }
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        let wrong = |source| EngineError::Message { tensor, source };
        let write = |cipher: &L::Cipher| {
            let mut out = Writer::new();
            self.layers.write(cipher, &mut out).map_err(wrong)?;
            Ok(out.finish())
        };
        let kept = tensor == Tensor::Weights;
        let small = |cipher| if kept { write(cipher) } else { write(&self.layers.smallest(cipher)?) };
        let written = self.tensors.get(tensor)?.par_iter().map(small).collect::<Result<_>>()?;
        if !kept {
            self.tensors.forget(tensor);
        }
        Ok(vec![written])
    }

    fn end(&mut self, trained: bool) {
        if let Some(weights) = self.tensors.remove(Tensor::NewWeights).filter(|_| trained) {
            self.tensors.put(Tensor::Weights, weights);
            self.tensors.forget(Tensor::Expanded);
        }
        self.tensors.keep(&[Tensor::Weights, Tensor::Expanded]);
        self.sealed.clear();
        self.activations.forget();
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.activations.stop_by(stop);
    }

    fn usage(&self) -> Usage {
        self.activations.usage()
    }

    fn take_records(&mut self) -> Vec<u8> {
        self.activations.take_records()
    }
}

fn is_weights(tensor: Tensor) -> bool {
    matches!(tensor, Tensor::Weights | Tensor::NewWeights)
}

/// Reads the phases by which tables were looked up in a step, in the order of lookups, as an engine recorded them.
pub(crate) fn read_records(
    bytes: &[u8],
    parameters: &he_tfhe::Parameters,
) -> Result<Vec<SwitchedPhase>, WireError> {
    let mut reader = Reader::new(bytes);
    let count = reader.length(bytes.len(), "phases")?;
    let all = (0..count).map(|_| SwitchedPhase::read(&mut reader, parameters)).collect::<Result<_, _>>()?;
    reader.finish("phases")?;
    Ok(all)
}
