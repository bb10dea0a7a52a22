//! Words: every layer on fixed-point integers of a few bits that are encrypted in TFHE, and refreshed by every operation.
//!
//! Everything a step computes is said once, in `body`, by the operations of [`Arithmetic`], each on many words at a time. What a
//! word is and how it is added is the matter of an implementation: [`Plain`] integers, or ciphertexts. The
//! [numbers](crate::numbers::words) are two's complement; everything wraps.

mod arithmetic;
mod bits;
mod body;
mod digits;
mod plain;
mod wiring;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_core::wire::{Reader, WireError, Writer};
use he_tfhe::{LweCiphertext, Parameters, SeededEvaluationKeys};

pub(crate) use self::arithmetic::{Arithmetic, Coding, Prices};
pub(crate) use self::bits::BitWords;
pub(crate) use self::digits::DigitWords;
pub(crate) use self::plain::{Counts, Plain};
use self::wiring::Wiring;
use super::{Engine, EngineError, KeyStream, Pieces, Result, Store, Usage, only_stream, unless};
use crate::activation::Function;
use crate::network::Network;
use crate::numbers::words::Format;
use crate::program::{Step, Tensor};
use crate::recipe::Loss;

/// The network as the steps of a program need it.
pub(crate) struct Shape {
    pub format: Format,
    /// Layers that run here, by their number.
    layers: BTreeMap<usize, Wiring>,
    /// The activations that run here, by the number of the layer before them.
    functions: BTreeMap<usize, Function>,
    /// Inputs and outputs of every layer.
    widths: Vec<(usize, usize)>,
    loss: Loss,
    /// The last layer of the network.
    last: usize,
    /// The `k` of the update `w - ⌊G / 2^k⌋` by the gradient `G` summed over a mini-batch.
    shift: u32,
}

impl Shape {
    pub(crate) fn new(network: &Network, layers: &[usize], format: Format, shift: u32) -> Self {
        let last = network.depth().saturating_sub(1);
        let here = |l: &usize| layers.contains(&(l + 1).min(last));
        let function = |l: usize| {
            let activation = network.layers[l].activation.as_ref();
            activation.map(|activation| (l, activation.looked_up()))
        };
        Self {
            format,
            layers: layers.iter().map(|&l| (l, Wiring::new(&network.layers[l]))).collect(),
            functions: (0..network.depth()).filter(here).filter_map(function).collect(),
            widths: network.layers.iter().map(|layer| (layer.inputs(), layer.outputs())).collect(),
            loss: network.loss,
            last,
            shift,
        }
    }

    /// The functions that the arithmetic must compute.
    pub(crate) fn functions(&self) -> Vec<Function> {
        self.functions.values().cloned().collect()
    }

    /// The number of the activation behind a layer among [`functions`](Self::functions), if there is one.
    fn function(&self, l: usize) -> Option<usize> {
        self.functions.keys().position(|&layer| layer == l)
    }

    /// Layers that run here, by their number: weights and biases.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (usize, [usize; 2])> {
        self.layers.iter().map(|(&l, wiring)| (l, [wiring.of_weight.len(), wiring.of_bias.len()]))
    }

    /// How many words a tensor of `rows` images has here; none of a tensor that is not sent.
    pub(crate) fn words(&self, tensor: Tensor, rows: usize) -> Option<usize> {
        let outputs = |l: usize| self.widths.get(l).map(|&(_, outputs)| rows * outputs);
        match tensor {
            Tensor::Features => self.widths.first().map(|&(inputs, _)| rows * inputs),
            Tensor::Targets => outputs(self.last),
            Tensor::Weights | Tensor::NewWeights => Some(self.layers.values().map(Wiring::words).sum()),
            Tensor::Sum(l)
            | Tensor::Preactivation(l)
            | Tensor::Activation(l)
            | Tensor::InputGradient(l)
            | Tensor::RawError(l)
            | Tensor::Error(l) => outputs(l),
            _ => None,
        }
    }
}

/// Words as they are kept and sent.
type Words<A> = Vec<<A as Arithmetic>::Word>;
/// Weights and biases of a layer.
type Weights<'w, A> = (&'w [<A as Arithmetic>::Word], &'w [<A as Arithmetic>::Word]);
type Factors<'w, A> = Vec<(&'w <A as Arithmetic>::Word, &'w <A as Arithmetic>::Word)>;

/// The engine: tensors of words, and what computes with them.
pub(crate) struct WordEngine<A: Arithmetic> {
    shape: Arc<Shape>,
    arithmetic: A,
    store: Store<A::Word>,
    /// Inputs behind the pooling of layers that have one.
    pooled: BTreeMap<usize, Words<A>>,
    stop: Arc<AtomicBool>,
}

impl<A: Arithmetic> WordEngine<A> {
    /// An engine without any tensors.
    pub(crate) fn new(shape: &Arc<Shape>, arithmetic: A) -> Self {
        Self {
            shape: Arc::clone(shape),
            arithmetic,
            store: Store::default(),
            pooled: BTreeMap::new(),
            stop: Arc::default(),
        }
    }

    pub(crate) fn arithmetic(&self) -> &A {
        &self.arithmetic
    }

    pub(crate) fn put(&mut self, tensor: Tensor, words: Vec<A::Word>) {
        self.store.put(tensor, words);
    }

    pub(crate) fn get(&self, tensor: Tensor) -> Result<&[A::Word]> {
        self.store.get(tensor)
    }

    /// The words of a tensor after its refresh, or as computed.
    fn either(&self, refreshed: Tensor, computed: Tensor) -> Result<&[A::Word]> {
        self.get(refreshed).or_else(|_| self.get(computed))
    }

    /// The arithmetic, unless it is to stop.
    fn go(&self) -> Result<&A> {
        unless(&self.stop).map(|()| &self.arithmetic)
    }
}

impl<C: Coding> WordEngine<C> {
    /// An engine on ciphertexts, from evaluation keys as they were sent.
    ///
    /// # Errors
    /// If keys are missing, damaged or of other parameters.
    pub(crate) fn with_keys(
        shape: &Arc<Shape>,
        parameters: &Parameters,
        keys: Vec<KeyStream<'_>>,
    ) -> Result<Self> {
        let keys = SeededEvaluationKeys::read_from(parameters, only_stream(keys)?);
        let keys = keys.map_err(|source| EngineError::Keys { what: "evaluation keys".into(), source })?;
        Ok(Self::new(shape, C::new(shape.format, &shape.functions(), keys.expand())?))
    }
}

impl<A: Arithmetic + Send + Sync> WordEngine<A> {
    fn read(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<Words<A>> {
        let message = |source| EngineError::Message { tensor, source };
        let needed =
            self.shape.words(tensor, rows).ok_or_else(|| EngineError::Unplanned(tensor.to_string()))?;
        let names = ["number of words", "word"];
        Pieces::read(parts, needed, names, |_, reader| self.arithmetic.read(reader)).map_err(message)
    }
}

impl<A: Arithmetic + Send + Sync> Engine for WordEngine<A> {
    fn check(&self, tensor: Tensor, rows: usize, parts: &[Pieces]) -> Result<()> {
        self.read(tensor, rows, parts).map(drop)
    }

    fn receive(&mut self, tensor: Tensor, rows: usize, parts: Vec<Pieces>) -> Result<()> {
        let words = self.read(tensor, rows, &parts)?;
        if tensor == Tensor::Features {
            // A step or a classification begins.
            self.end(false);
        }
        self.put(tensor, words);
        Ok(())
    }

    fn run(&mut self, steps: &[Step]) -> Result<()> {
        steps.iter().try_for_each(|step| self.step(*step))
    }

    fn send(&mut self, tensor: Tensor) -> Result<Vec<Vec<Vec<u8>>>> {
        let write = |word: &A::Word| {
            let mut out = Writer::new();
            A::write(word, &mut out);
            out.finish()
        };
        let pieces = self.get(tensor)?.iter().map(write).collect();
        if tensor != Tensor::Weights {
            self.store.forget(tensor);
        }
        Ok(vec![pieces])
    }

    fn end(&mut self, trained: bool) {
        let new = self.store.remove(Tensor::NewWeights).filter(|_| trained);
        self.store.keep(&[Tensor::Weights]);
        new.into_iter().for_each(|weights| self.store.put(Tensor::Weights, weights));
        self.pooled.clear();
    }

    fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    fn usage(&self) -> Usage {
        Usage { tables: self.arithmetic.bootstraps(), ..Usage::default() }
    }
}

/// Values and derivatives of a function, by the places of words in a table.
fn tables(format: Format, function: &Function) -> [Vec<i64>; 2] {
    [format.table(|z| function.value(z)), format.table(|z| function.derivative(z))]
}

/// Reads the ciphertexts of a word; refuses one of which more than `constant` hide nothing: bits may be the same in all words.
fn read_ciphertexts(
    count: usize,
    constant: usize,
    params: &Parameters,
    from: &mut Reader<'_>,
) -> Result<Vec<LweCiphertext>, WireError> {
    let read: Vec<_> = (0..count).map(|_| LweCiphertext::read(from, params)).collect::<Result<_, _>>()?;
    let open = read.iter().filter(|ciphertext| ciphertext.mask().iter().all(|&word| word == 0)).count();
    if open > constant {
        let why = "it hides nothing: its mask is zero".into();
        return Err(WireError::Invalid { what: "word", why });
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
