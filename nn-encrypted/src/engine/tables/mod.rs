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
//! A scheme joins by `Layers`: it lowers and raises. What tables hold is [`crate::numbers::tables`].

mod layers;
mod lookup;
mod receive;
mod records;
pub(crate) mod stage;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_switch::EvaluationKeys;
use he_tfhe::LweCiphertext;

pub(crate) use self::layers::{Beside, Layers, Raised};
pub(crate) use self::lookup::Lookup;
pub(crate) use self::lookup::{OutputFunction, TableFunctions};
pub(crate) use self::records::read_records;
use super::{Engine, EngineError, Pieces, Result, Usage};
use crate::program::{Refresh, Refresher, Step, Tensor};
pub(crate) use he_switch::{KeyRequest, Parameters, SecretKeys, Switcher};

/// All bridges, from evaluation keys as they were sent.
pub(crate) fn switcher(parameters: &Parameters, request: &KeyRequest, keys: &[Vec<u8>]) -> Result<Switcher> {
    let needed = request.kinds().len();
    if keys.len() != needed {
        return Err(EngineError::KeyCount { found: keys.len(), needed });
    }
    let keys = EvaluationKeys::from_bytes(parameters, request, keys).map_err(|error| match error {
        he_switch::Error::Key { kind, source } => EngineError::Keys { what: kind.to_string(), source },
        other => other.into(),
    })?;
    Ok(Switcher::new(keys)?)
}

/// Layers with weights and tables, on ciphertexts.
pub(crate) struct TableEngine<L: Layers> {
    layers: L,
    lookup: Lookup,
    depth: usize,
    /// Images of the mini-batch or query.
    images: usize,
    /// As they came.
    sealed: BTreeMap<Tensor, Pieces>,
    tensors: BTreeMap<Tensor, Vec<L::Cipher>>,
    /// Derivatives behind each layer with weights, image after image.
    derivatives: BTreeMap<usize, Vec<LweCiphertext>>,
}

impl<L: Layers> TableEngine<L> {
    /// Layers in their scheme, and tables.
    pub(crate) fn new(layers: L, lookup: Lookup) -> Self {
        let depth = layers.places().widths().len() - 1;
        Self {
            layers,
            lookup,
            depth,
            images: 0,
            sealed: BTreeMap::new(),
            tensors: BTreeMap::new(),
            derivatives: BTreeMap::new(),
        }
    }

    fn get(&self, tensor: Tensor) -> Result<&[L::Cipher]> {
        self.tensors.get(&tensor).map(Vec::as_slice).ok_or(EngineError::Missing(tensor))
    }

    fn take(&mut self, tensor: Tensor) -> Result<Vec<L::Cipher>> {
        self.tensors.remove(&tensor).ok_or(EngineError::Missing(tensor))
    }

    fn put(&mut self, tensor: Tensor, value: Vec<L::Cipher>) {
        self.tensors.insert(tensor, value);
    }
}

impl<L: Layers> Engine for TableEngine<L> {
    fn check(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<()> {
        self.read(tensor, rows, parts).map(drop)
    }

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()> {
        self.accept(tensor, rows, &parts)
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        steps.iter().try_for_each(|step| self.step(*step))
    }

    fn refresh(&mut self, round: &[Refresh], _: Refresher) -> Result<()> {
        for Refresh { from, to, .. } in round {
            // There is no momentum here.
            if let (Tensor::Weights | Tensor::NewWeights, [_]) = (*from, &to[..]) {
                let fresh = self.layers.refresh(&self.lookup, self.get(*from)?)?;
                self.put(*from, fresh);
            }
        }
        Ok(())
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        self.written(tensor)
    }

    fn end(&mut self, trained: bool) {
        if let Some(weights) = self.tensors.remove(&Tensor::NewWeights).filter(|_| trained) {
            self.put(Tensor::Weights, weights);
            self.tensors.remove(&Tensor::Expanded);
        }
        self.tensors.retain(|tensor, _| matches!(tensor, Tensor::Weights | Tensor::Expanded));
        self.sealed.clear();
        self.derivatives.clear();
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.lookup.stop_by(stop);
    }

    fn usage(&self) -> Usage {
        Usage {
            tables: self.lookup.bootstraps(),
            bootstraps: self.lookup.refreshes(),
            switches: self.lookup.switches(),
            stages: self.lookup.clock.stages(),
        }
    }

    fn take_records(&mut self) -> Vec<u8> {
        records::write_records(&self.lookup.take_records())
    }
}
