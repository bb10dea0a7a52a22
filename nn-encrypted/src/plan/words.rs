//! Plans of layers on words in TFHE: operations of a step and bounds of the first, before any key exists.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use he_core::wire::Writer;
use zeroize::Zeroizing;

use super::parameters::tfhe::{Parameters, ciphertext_bytes, key_bytes, parameters};
use super::task::{Planned, Task};
use super::{Disclosure, Estimate, PlanError, PlannedEngine, Reason, Result, SchemeUse, WireSize, Workload};
use crate::engine::form::PUBLIC;
use crate::engine::words::{BitWords, Counts, DigitWords, Plain, Prices, Shape, WordEngine};
use crate::engine::{Engine, EngineError, KeyStream};
use crate::model::Model;
use crate::network::{Activation, Layer};
use crate::numbers::weight_grid;
use crate::numbers::words::Format;
use crate::program::{Step, Tensor};
use crate::recipe::{Encryption, WordCoding};
use crate::roles::cipher::words::{ClientCoding, WordCipher, WordPublic};
use crate::roles::cipher::{Cipher, CipherError, PublicCipher};

/// The largest magnitudes of a layer in the first step, as real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound {
    /// The layer, from 0.
    layer: usize,
    inputs: usize,
    outputs: usize,
    input: f64,
    preactivation: f64,
}

/// Layers on words, as planned.
struct PlannedWords<C> {
    shape: Arc<Shape>,
    parameters: Parameters,
    /// Samples of a mini-batch.
    batch: usize,
    shift: u32,
    /// Operations of a step, and of the classification of a mini-batch.
    step: Counts,
    query: Counts,
    prices: Prices,
    /// The bounds of the first step.
    bounds: Vec<Bound>,
    /// Whether mini-batches may be encrypted under the public key.
    public: bool,
    coding: PhantomData<fn() -> C>,
}

/// Plans layers on words.
///
/// # Errors
/// If words may wrap in the first step, there is no circuit of a function, or there are no parameters.
pub(crate) fn plan(task: &Task<'_>) -> Result<Planned> {
    match task.recipe.numbers.words {
        WordCoding::Digits => plan_as::<DigitWords>(task),
        WordCoding::Bits => plan_as::<BitWords>(task),
    }
}

fn plan_as<C: ClientCoding>(task: &Task<'_>) -> Result<Planned> {
    let Task { recipe, network, layers, .. } = *task;
    let (format, optimizer) = (Format::of(&recipe.numbers), &recipe.optimizer);
    let shift = optimizer.update_shift().ok_or_else(|| {
        let (rate, most) = (optimizer.learning_rate, 1_u64 << optimizer.batch_shift());
        let what =
            format!("{rate}; a power of two up to {most} is needed where layers with weights are in tfhe");
        PlanError::field("optimizer.learning_rate", what)
    })?;
    check_momentum(task, format)?;
    check_crossings(task, format)?;
    let shape = Arc::new(Shape::new(network, layers, format, shift));
    let unknown = |layer: &&Layer| {
        let function = layer.activation.as_ref().map(Activation::looked_up);
        function.is_some_and(|function| shape.functions().contains(&function) && !C::can(&function))
    };
    if let Some(activation) = network.layers.iter().find(unknown).and_then(|layer| layer.activation.as_ref())
    {
        let index = format.index_bits();
        let what = format!(
            "it is looked up by {index} bits at once, and words = \"bits\" holds 1 in a ciphertext and has a circuit of Sigmoid alone: numbers.words = \"digits\" is needed"
        );
        let numbers = [f64::from(index), 1.0];
        return Err(PlanError::refused(activation.place(), Reason::Layout, what, numbers));
    }
    let bounds = bounds(task, format)?;
    let step = count(task, &shape, &task.program.training)?;
    let query = count(task, &shape, &task.program.prediction)?;
    let prices = C::bootstraps_of(format)?;
    let (parameters, batch) = (parameters::<C>(task.security)?, optimizer.batch_size);
    let engine = Arc::new(PlannedWords::<C> {
        shape,
        parameters,
        batch,
        shift,
        step,
        query,
        prices,
        bounds,
        public: recipe.encryption == Encryption::Public,
        coding: PhantomData,
    });
    Ok(Planned { engine, bootstrapped: BTreeSet::new(), proven: vec![] })
}

/// Momentum would have more bits behind the point than words have.
fn check_momentum(task: &Task<'_>, format: Format) -> Result<()> {
    let momentum = task.recipe.optimizer.momentum;
    if momentum.value() == 0.0 {
        return Ok(());
    }
    let (layer, kept) = (&task.network.layers[task.layers[0]], f64::from(format.fraction_bits));
    let bits = kept + momentum.dyadic().map_or(f64::INFINITY, |momentum| f64::from(momentum.bits()));
    let what = format!(
        "momentum = {momentum} makes {bits} bits behind the point of words that have {kept}: optimizer.momentum = 0 is needed"
    );
    Err(PlanError::refused(layer.place(), Reason::Range, what, [bits, kept]))
}

/// Numbers that a client sends must be words.
fn check_crossings(task: &Task<'_>, format: Format) -> Result<()> {
    let Task { network, layers, program, .. } = *task;
    let layer = &network.layers[layers[0]];
    let backward = program.has_client_backward();
    let arrives = |tensor: &Tensor| match *tensor {
        Tensor::Preactivation(_) | Tensor::Error(_) => tensor.is_on(layers, network.depth()),
        // Words come back as words, but from a client that takes the backward pass.
        Tensor::Weights => backward,
        _ => false,
    };
    for refresh in program.rounds.iter().flatten().filter(|refresh| refresh.to.iter().any(arrives)) {
        let (needed, available) = (refresh.rounding.bits.unwrap_or(0), format.fraction_bits);
        let layer = refresh.from.layer().and_then(|l| network.layers.get(l)).unwrap_or(layer);
        if needed > available {
            let what = format!(
                "the client sends the {} with {needed} bits behind the point, words have {available}: more numbers.fraction_bits are needed, or fewer bits of that tensor",
                refresh.from
            );
            return Err(PlanError::refused(
                layer.place(),
                Reason::Range,
                what,
                [needed, available].map(f64::from),
            ));
        }
        let (bound, most) = (refresh.rounding.bound, format.real(format.largest() + 1));
        if bound >= most && refresh.from != Tensor::NewWeights {
            let what = format!(
                "the client sends the {} up to {bound}, words hold less than {most}: a lower bound in numbers.bounds is needed, or more numbers.word_bits",
                refresh.from
            );
            return Err(PlanError::refused(layer.place(), Reason::Range, what, [bound, most]));
        }
    }
    Ok(())
}

/// Bounds of the first forward pass.
fn bounds(task: &Task<'_>, format: Format) -> Result<Vec<Bound>> {
    let Task { recipe, network, .. } = *task;
    let grid = |l: usize| weight_grid(recipe, &network.layers[l]);
    let model = Model::initial(network, recipe.init_gain(), recipe.seed, grid);
    let most = format.real(format.largest() + 1);
    let mut input = task.data.bound;
    let mut bounds = Vec::new();
    for (l, (layer, state)) in network.layers.iter().zip(&model.layers).enumerate() {
        let preactivation = reach(layer, input, &state.weight, &state.bias);
        if task.layers.contains(&l) {
            if preactivation >= most {
                return Err(wraps(layer, format, preactivation, most));
            }
            bounds.push(Bound {
                layer: l,
                inputs: layer.inputs(),
                outputs: layer.outputs(),
                input,
                preactivation,
            });
        }
        input = match &layer.activation {
            Some(activation) => {
                let function = activation.looked_up();
                let values = format.table(|z| function.value(z));
                format.real(values.into_iter().map(i64::abs).max().unwrap_or(0))
            }
            None => preactivation,
        };
    }
    Ok(bounds)
}

/// The largest pre-activation for inputs of some magnitude.
fn reach(layer: &Layer, input: f64, weights: &[f64], biases: &[f64]) -> f64 {
    let columns = layer.matrix.entries.columns().into_iter().zip(&layer.matrix.bias);
    let sums = columns.map(|(entries, &bias)| {
        let entries = entries.into_iter().flatten();
        entries.map(|entry| (weights[entry.weight] * entry.factor).abs()).sum::<f64>() * input
            + biases[bias].abs()
    });
    sums.fold(0.0, f64::max)
}

fn wraps(layer: &Layer, format: Format, reach: f64, most: f64) -> PlanError {
    let Format { word_bits, fraction_bits, .. } = format;
    let what = format!(
        "with the initial weights its pre-activations may reach {reach:.2}; words of {word_bits} bits, {fraction_bits} of them behind the point, hold less than {most}: fewer numbers.fraction_bits, more numbers.word_bits, or a lower optimizer.init_gain or data.normalize.limit"
    );
    PlanError::refused(layer.place(), Reason::Range, what, [reach, most])
}

/// The operations of steps on a whole mini-batch, counted on integers.
fn count(task: &Task<'_>, shape: &Arc<Shape>, steps: &[Step]) -> Result<Counts> {
    let batch = task.recipe.optimizer.batch_size;
    let plain = Plain::new(shape.format, &shape.functions());
    let mut engine = WordEngine::new(shape, plain);
    let zeros = |tensor: Tensor| vec![0; shape.words(tensor, batch).unwrap_or(0)];
    for tensor in [Tensor::Features, Tensor::Targets, Tensor::Weights] {
        engine.put(tensor, zeros(tensor));
    }
    for step in steps {
        match *step {
            Step::Refresh { round, .. } => {
                let arrived = task.program.rounds[round].iter().flat_map(|refresh| &refresh.to);
                arrived.for_each(|&tensor| engine.put(tensor, zeros(tensor)));
            }
            step if step.runs(task.layers, task.network.depth()) => engine.run(&[step])?,
            _ => {}
        }
    }
    Ok(engine.arithmetic().counts())
}

/// Bytes of memory for each byte of sealed keys, drawn, sealed and expanded; and those of tables and words beside.
const KEY_MEMORY: f64 = 5.0;
const WORD_MEMORY: f64 = 6e7;

impl<C> PlannedWords<C> {
    /// The bootstraps of operations.
    fn bootstraps(&self, counts: Counts) -> f64 {
        let prices = &self.prices;
        let each = [
            (counts.sums, prices.sum),
            (counts.products, prices.product),
            (counts.shifts, prices.shift),
            (counts.activations, prices.activation),
            (counts.derivatives, prices.derivative),
        ];
        each.into_iter().map(|(count, price)| count as f64 * price).sum()
    }
}

impl<C: ClientCoding> PlannedEngine for PlannedWords<C> {
    fn encode(&self, out: &mut Writer) {
        let format = self.shape.format;
        out.u32(format.word_bits);
        out.u32(format.fraction_bits);
        out.u8(match format.coding {
            WordCoding::Digits => 0,
            WordCoding::Bits => 1,
        });
        out.u32(self.shift);
        out.bytes(self.parameters.hash());
        if self.public {
            out.u8(PUBLIC);
        }
    }

    fn sent(&self, tensor: Tensor, rows: usize) -> WireSize {
        let pieces = self.shape.words(tensor, rows).unwrap_or(0);
        let bytes = C::ciphertexts(self.shape.format) * ciphertext_bytes(&self.parameters);
        WireSize { parts: usize::from(pieces > 0), pieces, fresh: bytes, computed: bytes }
    }

    fn key_bytes(&self) -> Result<Vec<usize>> {
        Ok(vec![key_bytes(&self.parameters)])
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(WordCipher::<C>::generate(&self.shape, &self.parameters)?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(WordCipher::<C>::with_secret(&self.shape, &self.parameters, keys)?))
    }

    fn public_cipher(&self, keys: &[Vec<u8>]) -> Result<Option<Box<dyn PublicCipher>>, CipherError> {
        if !self.public {
            return Ok(None);
        }
        Ok(Some(Box::new(WordPublic::<C>::new(&self.shape, &self.parameters, keys)?)))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _: bool) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(WordEngine::<C>::with_keys(&self.shape, &self.parameters, keys)?))
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        let (spec, format) = (self.parameters.spec(), self.shape.format);
        let pieces = match format.coding {
            WordCoding::Bits => "bits",
            WordCoding::Digits => "digits of 2 bits",
        };
        let plaintext = format!("words of {} bits in {pieces}", format.word_bits);
        let margins = spec.margins().into_iter().flatten().collect();
        vec![SchemeUse::of_tfhe(&self.parameters, plaintext, margins)]
    }

    fn estimate(&self) -> Estimate {
        let keys = KEY_MEMORY * key_bytes(&self.parameters) as f64 + WORD_MEMORY;
        Estimate { units: self.bootstraps(self.step), memory: keys as usize, ..Estimate::default() }
    }

    /// In bootstraps, and in the making of keys.
    fn work(&self) -> Workload {
        let bootstraps = |counts| vec![self.bootstraps(counts), 0.0];
        Workload {
            keys: vec![0.0, 1.0],
            batch: vec![0.0; 2],
            step: bootstraps(self.step),
            query: bootstraps(self.query),
        }
    }

    fn disclosure(&self) -> Disclosure {
        Disclosure::Failures { log2: self.parameters.spec().failure }
    }
}

impl<C> fmt::Display for PlannedWords<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spec, format) = (self.parameters.spec(), self.shape.format);
        let security = self.parameters.security_bits().map_or("none".into(), |bits| format!("{bits} bits"));
        writeln!(
            f,
            "TFHE: n = {}, k = {}, N = {}, q of {} bits, failure 2^{:.0} a bootstrap, security {security}",
            spec.lwe_dimension, spec.glwe_dimension, spec.polynomial_size, spec.modulus_bits, spec.failure
        )?;
        let how = match format.coding {
            WordCoding::Bits => "bits, activations by circuits".to_owned(),
            WordCoding::Digits => {
                format!("digits of base 4, activations by tables of {} bits", format.index_bits())
            }
        };
        let (word, fraction) = (format.word_bits, format.fraction_bits);
        writeln!(f, "words: {word} bits, {fraction} behind the point, in {how}")?;
        for Bound { layer, inputs, outputs, input, preactivation } in &self.bounds {
            writeln!(
                f,
                "layer {}: {inputs} to {outputs}; inputs up to {input:.2}, pre-activations up to {preactivation:.2} in the first step",
                layer + 1,
            )?;
        }
        let Counts { sums, products, shifts, activations, derivatives, calls } = self.step;
        write!(
            f,
            "a step of {} samples: {products} products, {sums} sums, {activations} activations, {derivatives} derivatives, {shifts} shifts, in {calls} rounds of operations",
            self.batch
        )
    }
}
